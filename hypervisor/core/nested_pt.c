// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See nested_pt.h.
 */
#include "core/nested_pt.h"
#include "core/platform.h"

#define ADDRESS 0x000ffffffffff000ull

static unsigned int index_at(struct gpa at, unsigned int level)
{
	return at.v >> (PAGE_SHIFT + 9 * (level - 1)) & (NESTED_PT_ENTRIES - 1);
}

struct hpa npt_address(uint64_t entry, unsigned int level)
{
	uint64_t below = npt_is_leaf(entry, level) ? level_bytes(level) - 1 : 0;

	return hpa(entry & ADDRESS & ~below);
}

unsigned int npt_rights(uint64_t entry)
{
	const struct nested_pt_format *f = virt->npt;

	return GPA_READ | (entry & f->write ? GPA_WRITE : 0) |
	       ((entry & (f->execute | f->no_execute)) == f->execute ? GPA_EXECUTE : 0);
}

uint64_t npt_leaf(struct hpa page, unsigned int rights, unsigned int level)
{
	const struct nested_pt_format *f = virt->npt;

	return !rights ? 0 :
	       page.v | f->leaf | (level > 1 ? f->large : 0) | (rights & GPA_WRITE ? f->write : 0) |
	       (rights & GPA_EXECUTE ? f->execute : f->no_execute);
}

bool nested_pt_is_table(struct nested_pt_slot slot)
{
	return slot.level > 1 && npt_is_present(*slot.entry) && !npt_is_leaf(*slot.entry, slot.level);
}

uint64_t *nested_pt_next(struct nested_pt_slot slot)
{
	return plat_hva(npt_address(*slot.entry, slot.level));
}

struct nested_pt_slot nested_pt_find_level(uint64_t *top, struct gpa at, unsigned int level)
{
	struct nested_pt_slot slot = { .level = NESTED_PT_TOP_LEVEL };

	slot.entry = &top[index_at(at, slot.level)];
	while (slot.level > level && nested_pt_is_table(slot)) {
		uint64_t *table = nested_pt_next(slot);

		slot.level--;
		slot.entry = &table[index_at(at, slot.level)];
	}
	return slot;
}

struct nested_pt_slot nested_pt_find(uint64_t *top, struct gpa at)
{
	return nested_pt_find_level(top, at, 1);
}

bool nested_pt_expand(struct page_pool *pool, struct nested_pt_slot slot)
{
	uint64_t old = *slot.entry, *table = page_pool_alloc(pool);

	if (!table)
		return false;
	if (npt_is_present(old)) {
		struct hpa base = npt_address(old, slot.level);
		unsigned int rights = npt_rights(old), level = slot.level - 1;

		for (unsigned int i = 0; i < NESTED_PT_ENTRIES; i++)
			table[i] = npt_leaf(hpa_add(base, i * level_bytes(level)), rights, level);
	}
	/* The release in here lets no processor see the table before its entries. */
	nested_pt_write(slot.entry, plat_hpa(table).v | virt->npt->table);
	return true;
}

uint64_t *nested_pt_join_identity(struct nested_pt_slot slot, struct gpa at)
{
	uint64_t *table, base = at.v & ~(level_bytes(slot.level) - 1);
	unsigned int rights, level = slot.level - 1;

	if (!nested_pt_is_table(slot))
		return NULL;
	table = nested_pt_next(slot);
	rights = npt_rights(table[0]);
	for (unsigned int i = 0; i < NESTED_PT_ENTRIES; i++) {
		if (!npt_is_present(table[i]) || !npt_is_leaf(table[i], level) ||
		    npt_address(table[i], level).v != base + i * level_bytes(level) ||
		    npt_rights(table[i]) != rights)
			return NULL;
	}
	nested_pt_write(slot.entry, npt_leaf(hpa(base), rights, slot.level));
	return table;
}
