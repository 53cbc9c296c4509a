// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Guest-physical address spaces: nested page tables, overlay pages, copies of
 * guest memory. Tables are made by nested_pt.c; who may map what is decided by
 * the callers and by page_info. Takes the map's lock; the pool's below it.
 *
 * Tables are freed by gpa_map_clear() and gpa_map_merge() only: processors keep
 * pointers to them in their paging-structure caches until they are flushed.
 *
 * Order with deposits: an entry of a child's map changes, then the generation is
 * bumped, then page_info forgets the page. Whoever deposits the page afterwards
 * flushes all processors, and none enters again with the old translation.
 */
#include "core/nested_pt.h"
#include "core/page_info.h"
#include "core/platform.h"
#include "core/quiesce.h"

/* What lies below an overlay page; below is HPA_NONE when nothing is mapped there. */
struct gpa_overlay {
	struct list node;
	struct gpa at;
	struct hpa below;
	unsigned int below_rights;
};

_Static_assert(sizeof(struct gpa_overlay) <= SLAB_RECORD_BYTES, "overlay record");

enum pvn_status gpa_map_init(struct gpa_map *map, struct page_pool *pool, bool counted)
{
	*map = (struct gpa_map){ .pool = pool, .counted = counted };
	spinlock_init(&map->lock, LOCK_GPA_MAP);
	list_init(&map->overlays);
	slab_init(&map->overlay_records, pool);
	map->top = page_pool_alloc(pool);
	return map->top ? PVN_STATUS_SUCCESS : PVN_STATUS_INSUFFICIENT_MEMORY;
}

struct hpa gpa_map_top(const struct gpa_map *map) { return plat_hpa(map->top); }

static struct gpa_overlay *find_overlay(struct gpa_map *map, struct gpa at, uint64_t bytes)
{
	list_for_each_entry(overlay, &map->overlays, struct gpa_overlay, node)
		if (overlay->at.v - at.v < bytes)
			return overlay;
	return NULL;
}

/* A mapping goes: whoever enters from now on flushes; only then may others have the page. */
static void forget_page(struct gpa_map *map, struct hpa page, unsigned int level)
{
	__atomic_fetch_add(&map->generation, 1, __ATOMIC_SEQ_CST);
	map->mapped_pages -= level_bytes(level) >> PAGE_SHIFT;
	if (map->counted)
		page_info_unmap(page, level);
}

static enum pvn_status remember_page(struct gpa_map *map, struct hpa page, unsigned int level)
{
	if (map->counted && !page_info_map(page, level))
		return PVN_STATUS_OPERATION_DENIED;
	map->mapped_pages += level_bytes(level) >> PAGE_SHIFT;
	return PVN_STATUS_SUCCESS;
}

/* The slot for at on exactly this level, making tables and splitting leaves; entry NULL: no memory. */
static struct nested_pt_slot make_slot(struct gpa_map *map, struct gpa at, unsigned int level)
{
	struct nested_pt_slot slot = nested_pt_find_level(map->top, at, level);

	while (slot.level > level) {
		uint64_t old = *slot.entry;

		if (!nested_pt_expand(map->pool, slot))
			return (struct nested_pt_slot){ 0 };
		if (map->counted && slot.level == 2 && npt_is_present(old))
			page_info_split(npt_address(old, slot.level));
		slot = nested_pt_find_level(map->top, at, level);
	}
	return slot;
}

/* The largest level whose leaf fits: alignment, length, no overlay, no table in its place. */
static unsigned int choose_level(struct gpa_map *map, struct gpa target, struct hpa source, uint64_t bytes)
{
	unsigned int level = virt->npt->huge_pages ? 3 : 2;

	for (; level > 1; level--) {
		uint64_t size = level_bytes(level);
		struct nested_pt_slot slot;

		if (((target.v | source.v) & (size - 1)) || bytes < size || find_overlay(map, target, size))
			continue;
		slot = nested_pt_find_level(map->top, target, level);
		if (slot.level > level || !nested_pt_is_table(slot))
			break;
	}
	return level;
}

static void replace_below(struct gpa_map *map, struct gpa_overlay *overlay, struct hpa page)
{
	if (!hpa_is_none(overlay->below))
		forget_page(map, overlay->below, 1);
	overlay->below = page;
}

static enum pvn_status insert_below(struct gpa_map *map, struct gpa_overlay *overlay,
				    struct hpa source, unsigned int rights)
{
	enum pvn_status status = remember_page(map, source, 1);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	replace_below(map, overlay, source);
	overlay->below_rights = rights;
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status insert_leaf(struct gpa_map *map, struct gpa target, struct hpa source,
				   unsigned int level, unsigned int rights, bool *replaced)
{
	struct gpa_overlay *overlay = find_overlay(map, target, PAGE_SIZE);
	struct nested_pt_slot slot;
	enum pvn_status status;
	uint64_t old, new = npt_leaf(source, rights, level);

	if (overlay)
		return insert_below(map, overlay, source, rights);
	slot = make_slot(map, target, level);
	if (!slot.entry)
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	status = remember_page(map, source, level);
	if (status != PVN_STATUS_SUCCESS)
		return status;
	old = *slot.entry;
	nested_pt_write(slot.entry, new);
	if (npt_is_present(old)) {
		*replaced = true;
		forget_page(map, npt_address(old, level), level);
	}
	return PVN_STATUS_SUCCESS;
}

enum pvn_status gpa_map_insert(struct gpa_map *map, struct gpa target, struct hpa source,
			       uint64_t bytes, unsigned int rights, bool *replaced)
{
	enum pvn_status status = PVN_STATUS_SUCCESS;
	SPIN_HOLD(&map->lock);

	ASSERT(!((target.v | source.v | bytes) & (PAGE_SIZE - 1)));
	while (bytes && status == PVN_STATUS_SUCCESS) {
		unsigned int level = choose_level(map, target, source, bytes);

		status = insert_leaf(map, target, source, level, rights, replaced);
		target = gpa_add(target, level_bytes(level));
		source = hpa_add(source, level_bytes(level));
		bytes -= level_bytes(level);
	}
	return status;
}

/* Of leaves of this level or a larger one. */
static struct hpa lookup(struct gpa_map *map, struct gpa at, unsigned int rights, unsigned int least)
{
	struct nested_pt_slot slot;

	if (at.v >= GPA_SPACE_BYTES)
		return HPA_NONE;
	slot = nested_pt_find(map->top, at);
	if (slot.level < least || !npt_is_present(*slot.entry) ||
	    (npt_rights(*slot.entry) & rights) != rights)
		return HPA_NONE;
	return hpa_add(npt_address(*slot.entry, slot.level), at.v & (level_bytes(slot.level) - 1));
}

/* Where the 2 MiB of memory of a large leaf with these rights begin: no overlay is in there. */
static struct hpa large_source(struct gpa_map *map, uint64_t region, unsigned int rights)
{
	return lookup(map, gpa(region << LARGE_PAGE_SHIFT), rights, 2);
}

unsigned int gpa_map_find_small(struct gpa_map *map, const struct pvn_map_sparse_gpa_pages_elem *list,
				unsigned int count, unsigned int rights, struct hpa *found)
{
	uint64_t region = ~0ull;
	struct hpa base = HPA_NONE;
	unsigned int i;
	SPIN_HOLD(&map->lock);

	for (i = 0; i < count; i++) {
		uint64_t page = list[i].source_page;

		if (page / NESTED_PT_ENTRIES != region) {
			region = page / NESTED_PT_ENTRIES;
			base = large_source(map, region, rights);
		}
		if (hpa_is_none(base))
			break;
		found[i] = hpa_add(base, page % NESTED_PT_ENTRIES << PAGE_SHIFT);
	}
	return i;
}

/* The table of small pages there, if there is one. */
static uint64_t *small_table(struct gpa_map *map, uint64_t region)
{
	struct gpa at = gpa(region << LARGE_PAGE_SHIFT);
	struct nested_pt_slot slot = { 0 };

	if (at.v < GPA_SPACE_BYTES)
		slot = nested_pt_find(map->top, at);
	return slot.level == 1 ? slot.entry : NULL;
}

unsigned int gpa_map_fill_small(struct gpa_map *map, const struct pvn_map_sparse_gpa_pages_elem *list,
				const struct hpa *source, unsigned int count, unsigned int rights)
{
	uint64_t region = ~0ull, *table = NULL, leaf = npt_leaf(hpa(0), rights, 1);
	uint64_t present = virt->npt->present;
	unsigned int i, taken = page_info_map_list(source, count);
	SPIN_HOLD(&map->lock);

	ASSERT(map->counted);
	for (i = 0; i < taken; i++) {
		uint64_t page = list[i].target_page, *entry;

		if (page / NESTED_PT_ENTRIES != region) {
			region = page / NESTED_PT_ENTRIES;
			table = small_table(map, region);
		}
		/* Where there is an overlay the entry is present. */
		entry = table + page % NESTED_PT_ENTRIES;
		if (!table || *entry & present)
			break;
		nested_pt_write(entry, leaf | source[i].v);
	}
	map->mapped_pages += i;
	while (taken > i)
		page_info_unmap(source[--taken], 1);
	return i;
}

/* Removes what stands at target, at most bytes of it; 0: no memory to split a larger leaf. */
static uint64_t remove_once(struct gpa_map *map, struct gpa target, uint64_t bytes, bool *replaced)
{
	struct gpa_overlay *overlay = find_overlay(map, target, PAGE_SIZE);
	struct nested_pt_slot slot = nested_pt_find(map->top, target);
	uint64_t size = level_bytes(slot.level), rest = size - (target.v & (size - 1));
	struct hpa page;

	if (overlay) {
		replace_below(map, overlay, HPA_NONE);
		return PAGE_SIZE;
	}
	if (!npt_is_present(*slot.entry))
		return rest < bytes ? rest : bytes;
	/* A leaf that reaches beyond the range is split until one fits. */
	while (rest != size || bytes < size) {
		slot = make_slot(map, target, slot.level - 1);
		if (!slot.entry)
			return 0;
		size = level_bytes(slot.level);
		rest = size - (target.v & (size - 1));
	}
	page = npt_address(*slot.entry, slot.level);
	nested_pt_write(slot.entry, 0);
	*replaced = true;
	forget_page(map, page, slot.level);
	return size;
}

enum pvn_status gpa_map_remove(struct gpa_map *map, struct gpa target, uint64_t bytes, bool *replaced)
{
	SPIN_HOLD(&map->lock);

	ASSERT(!((target.v | bytes) & (PAGE_SIZE - 1)));
	while (bytes) {
		uint64_t done = remove_once(map, target, bytes, replaced);

		if (!done)
			return PVN_STATUS_INSUFFICIENT_MEMORY;
		target = gpa_add(target, done);
		bytes -= done;
	}
	return PVN_STATUS_SUCCESS;
}

void gpa_map_merge(struct gpa_map *map, struct gpa target)
{
	uint64_t *tables[2] = { NULL, NULL };

	spin_lock(&map->lock);
	for (unsigned int level = 2; level <= (virt->npt->huge_pages ? 3 : 2); level++) {
		struct nested_pt_slot slot = nested_pt_find_level(map->top, target, level);

		if (slot.level != level)
			break;
		tables[level - 2] = nested_pt_join_identity(slot, target);
		if (!tables[level - 2])
			break;
	}
	spin_unlock(&map->lock);
	if (!tables[0])
		return;
	gpa_map_flush(map);
	page_pool_free(map->pool, tables[0]);
	page_pool_free(map->pool, tables[1]);
}

struct hpa gpa_map_lookup_locked(struct gpa_map *map, struct gpa at, unsigned int rights)
{
	return lookup(map, at, rights, 1);
}

struct hpa gpa_map_lookup(struct gpa_map *map, struct gpa at, unsigned int rights)
{
	SPIN_HOLD(&map->lock);

	return gpa_map_lookup_locked(map, at, rights);
}

struct hpa gpa_map_source(struct gpa_map *map, struct gpa at, uint64_t bytes, unsigned int rights)
{
	struct hpa first, next;
	uint64_t done = 0;
	SPIN_HOLD(&map->lock);

	first = gpa_map_lookup_locked(map, at, rights);
	if (find_overlay(map, at, bytes))
		first = HPA_NONE;
	while (!hpa_is_none(first) && done < bytes) {
		struct gpa here = gpa_add(at, done);

		next = gpa_map_lookup_locked(map, here, rights);
		if (next.v != first.v + done)
			first = HPA_NONE;
		/* Leaves are aligned to their size, as are at and bytes: a larger one covers the rest. */
		done += level_bytes(nested_pt_find(map->top, here).level);
	}
	return first;
}

/* Device memory is not touched on a guest's behalf: reading it has effects. */
static void *guest_memory_locked(struct gpa_map *map, struct gpa at, size_t bytes, unsigned int rights)
{
	struct hpa found;

	if (!bytes || bytes > PAGE_SIZE - (at.v & (PAGE_SIZE - 1)))
		return NULL;
	found = gpa_map_lookup_locked(map, at, rights);
	if (hpa_is_none(found) || page_info_kind(hpa_page(found)) == PAGE_DEVICE)
		return NULL;
	return plat_hva(found);
}

bool gpa_map_copy_in(struct gpa_map *map, void *to, struct gpa from, size_t bytes)
{
	SPIN_HOLD(&map->lock);
	const void *memory = guest_memory_locked(map, from, bytes, GPA_READ);

	if (memory)
		memcpy(to, memory, bytes);
	return memory;
}

bool gpa_map_copy_out(struct gpa_map *map, struct gpa to, const void *from, size_t bytes)
{
	SPIN_HOLD(&map->lock);
	void *memory = guest_memory_locked(map, to, bytes, GPA_WRITE);

	if (memory)
		memcpy(memory, from, bytes);
	return memory;
}

enum pvn_status gpa_map_overlay_add(struct gpa_map *map, struct gpa at, struct hpa page, unsigned int rights)
{
	SPIN_HOLD(&map->lock);
	struct gpa_overlay *overlay;
	struct nested_pt_slot slot;

	at = gpa_page(at);
	if (at.v >= GPA_SPACE_BYTES)
		return PVN_STATUS_INVALID_PARAMETER;
	if (find_overlay(map, at, PAGE_SIZE))
		return PVN_STATUS_OBJECT_IN_USE;
	overlay = slab_alloc(&map->overlay_records);
	slot = overlay ? make_slot(map, at, 1) : (struct nested_pt_slot){ 0 };
	if (!slot.entry) {
		if (overlay)
			slab_free(&map->overlay_records, overlay);
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	}
	overlay->at = at;
	overlay->below = HPA_NONE;
	if (npt_is_present(*slot.entry)) {
		overlay->below = npt_address(*slot.entry, 1);
		overlay->below_rights = npt_rights(*slot.entry);
	}
	list_append(&map->overlays, &overlay->node);
	nested_pt_write(slot.entry, npt_leaf(page, rights, 1));
	return PVN_STATUS_SUCCESS;
}

static void drop_overlay(struct gpa_map *map, struct gpa_overlay *overlay)
{
	struct nested_pt_slot slot = nested_pt_find(map->top, overlay->at);
	uint64_t entry = 0;

	if (!hpa_is_none(overlay->below))
		entry = npt_leaf(overlay->below, overlay->below_rights, 1);
	nested_pt_write(slot.entry, entry);
	list_remove(&overlay->node);
	slab_free(&map->overlay_records, overlay);
}

void gpa_map_overlay_remove(struct gpa_map *map, struct gpa at)
{
	struct gpa_overlay *overlay;

	spin_lock(&map->lock);
	overlay = find_overlay(map, gpa_page(at), PAGE_SIZE);
	if (overlay)
		drop_overlay(map, overlay);
	spin_unlock(&map->lock);
	if (overlay && !map->counted)
		gpa_map_merge(map, at);
}

bool gpa_map_has_overlay(struct gpa_map *map, struct gpa at)
{
	SPIN_HOLD(&map->lock);

	return find_overlay(map, gpa_page(at), PAGE_SIZE);
}

/*
 * Empties one table that names no other table and unhooks it from its parent; false
 * when only the top table is left. Descends anew each time: that needs no stack of
 * tables, and what is done is remembered by not being there any more.
 */
static bool clear_one_table(struct gpa_map *map)
{
	struct nested_pt_slot slot, parent = { 0 };
	uint64_t *table = map->top;
	unsigned int level = NESTED_PT_TOP_LEVEL, i = 0;

	while (i < NESTED_PT_ENTRIES) {
		slot = (struct nested_pt_slot){ &table[i++], level };
		if (!npt_is_present(*slot.entry))
			continue;
		if (nested_pt_is_table(slot)) {
			parent = slot;
			table = nested_pt_next(slot);
			level--;
			i = 0;
			continue;
		}
		forget_page(map, npt_address(*slot.entry, level), level);
		*slot.entry = 0;
	}
	if (!parent.entry)
		return false;
	*parent.entry = 0;
	page_pool_free(map->pool, table);
	return true;
}

bool gpa_map_clear(struct gpa_map *map, uint64_t tsc_deadline)
{
	bool more;
	SPIN_HOLD(&map->lock);

	list_for_each_safe(node, &map->overlays)
		drop_overlay(map, list_entry(node, struct gpa_overlay, node));
	do {
		more = clear_one_table(map);
	} while (more && plat_tsc() < tsc_deadline);
	return !more;
}

void gpa_map_destroy(struct gpa_map *map)
{
	if (!map->top)
		return;
	while (!gpa_map_clear(map, ~0ull))
		;
	page_pool_free(map->pool, map->top);
	map->top = NULL;
}

void gpa_map_flush(struct gpa_map *map)
{
	/* The entry path reads it after it has made entry_generation odd. */
	__atomic_fetch_add(&map->generation, 1, __ATOMIC_SEQ_CST);
	quiesce_guests();
}
