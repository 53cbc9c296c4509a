// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on memory: pools and GPA mappings [TLFS 2.0 ch. 7 "Physical Memory
 * Management", ch. 8 "Guest Physical Address Spaces"]. Which page may go where is
 * page_info's to decide, atomically; this file asks in the right order.
 *
 * A deposited page leaves the root's map at its element, and enters the pool at the
 * end of the chunk, when no processor has a translation of it any more.
 */
#include "core/hypercall.h"
#include "core/page_info.h"
#include "core/platform.h"

#define LARGE_PAGE_PAGES (LARGE_PAGE_SIZE >> PAGE_SHIFT)
#define HUGE_PAGE_PAGES (512 * LARGE_PAGE_PAGES)

void hc_memory_finish(struct hc_call *call)
{
	if (call->flush_needed)
		gpa_map_flush(call->flush_map);
	call->flush_needed = false;
	for (unsigned int i = 0; i < call->deposit_count; i++)
		page_pool_add(call->deposit_pool, call->deposits[i]);
	if (call->deposit_count)
		stats_total(PVN_STAT_hypervisor_total_pages, call->deposit_count);
	call->deposit_count = 0;
	for (unsigned int i = 0; i < 2 && call->held[i]; i++)
		partition_count(call->held[i]);
}

static void need_flush(struct hc_call *call, struct gpa_map *map)
{
	call->flush_needed = true;
	call->flush_map = map;
}

/*
 * Pools: the caller is the root, whose map is identity. A child's memory stays within
 * the root's reach, so that a child can have nothing to deposit.
 */
static enum pvn_status find_pool(struct hc_call *call, uint64_t id, struct partition **out)
{
	if (!call->caller->is_root)
		return PVN_STATUS_ACCESS_DENIED;
	return hc_find_self_or_child(call, id, out);
}

HC_ABOUT(deposit_memory, find_pool)
{
	struct gpa_map *map = &call->caller->map;
	enum pvn_status status;
	struct hpa page;
	bool in_use, replaced = false;

	if (target->state >= PARTITION_FINALIZING)
		return PVN_STATUS_INVALID_PARTITION_STATE;
	if (elem->page >= GPA_SPACE_PAGES)
		return PVN_STATUS_INVALID_PARAMETER;
	page = gpa_map_source(map, gpa(elem->page << PAGE_SHIFT), PAGE_SIZE, GPA_ALL);
	if (hpa_is_none(page))
		return PVN_STATUS_OPERATION_DENIED;
	if (!page_info_deposit(page, &in_use))
		return in_use ? PVN_STATUS_OBJECT_IN_USE : PVN_STATUS_OPERATION_DENIED;
	status = gpa_map_remove(map, gpa(page.v), PAGE_SIZE, &replaced);
	if (status != PVN_STATUS_SUCCESS) {
		page_info_withdraw(page);
		return status;
	}
	need_flush(call, map);
	call->deposit_pool = &target->pool;
	call->deposits[call->deposit_count++] = page;
	return PVN_STATUS_SUCCESS;
}

HC_ABOUT(withdraw_memory, find_pool)
{
	struct gpa_map *map = &call->caller->map;
	uint32_t domain;
	enum pvn_status status = numa_domain(in->proximity_id, in->proximity_flags, &domain);
	bool replaced = false;
	struct hpa page;
	void *memory;

	if (status != PVN_STATUS_SUCCESS)
		return status;
	memory = page_pool_remove(&target->pool, domain);
	if (!memory)
		return PVN_STATUS_NO_RESOURCES;
	page = plat_hpa(memory);
	/* The root's pool began with the hypervisor's own memory, which is not given away. */
	if (page_info_kind(page) != PAGE_DEPOSITED)
		status = PVN_STATUS_NO_RESOURCES;
	else
		status = gpa_map_insert(map, gpa(page.v), page, PAGE_SIZE, GPA_ALL, &replaced);
	if (status != PVN_STATUS_SUCCESS) {
		page_pool_add(&target->pool, page);
		return status;
	}
	page_info_withdraw(page);
	stats_total(PVN_STAT_hypervisor_total_pages, -1ull);
	gpa_map_merge(map, gpa(page.v));
	oelem->page = page.v >> PAGE_SHIFT;
	return PVN_STATUS_SUCCESS;
}

HC_ABOUT(get_memory_balance, hc_find_self_or_child)
{
	out->pages_available = page_pool_free_count(&target->pool);
	out->pages_in_use = page_pool_used_count(&target->pool);
	return PVN_STATUS_SUCCESS;
}

/* [TLFS 2.0 8.3 "Page Access Rights"]: none, R, RX, RW, RWX. */
static bool rights_are_valid(uint32_t flags)
{
	uint32_t rights = flags & GPA_ALL;

	return !(flags & ~(GPA_ALL | PVN_MAP_LARGE | PVN_MAP_HUGE)) && (!rights || rights & GPA_READ) &&
	       (flags & (PVN_MAP_LARGE | PVN_MAP_HUGE)) != (PVN_MAP_LARGE | PVN_MAP_HUGE);
}

/* 4 KiB pages of an element. */
static uint64_t element_pages(uint32_t flags, uint32_t large, uint32_t huge)
{
	return flags & huge ? HUGE_PAGE_PAGES : flags & large ? LARGE_PAGE_PAGES : 1;
}

static bool page_is_valid(uint64_t page, uint64_t pages)
{
	return page < GPA_SPACE_PAGES && page % pages == 0;
}

/* What stands there in a child's map becomes source; no rights: goes. */
static enum pvn_status change(struct hc_call *call, struct partition *target, uint64_t page,
			      struct hpa source, uint64_t pages, uint32_t rights)
{
	struct gpa to = gpa(page << PAGE_SHIFT);
	bool replaced = false;
	enum pvn_status status = rights ?
		gpa_map_insert(&target->map, to, source, pages << PAGE_SHIFT, rights, &replaced) :
		gpa_map_remove(&target->map, to, pages << PAGE_SHIFT, &replaced);

	call->slow = pages == HUGE_PAGE_PAGES;	/* 512 words of page_info */
	if (replaced)
		need_flush(call, &target->map);
	return status;
}

/* One page, small or large, of the caller into a child; no rights: into nothing. */
static enum pvn_status map_one(struct hc_call *call, struct partition *target, uint64_t target_page,
			       uint64_t source_page, uint32_t flags)
{
	uint64_t pages = element_pages(flags, PVN_MAP_LARGE, PVN_MAP_HUGE);
	uint32_t rights = flags & GPA_ALL;
	struct hpa source;

	if (!page_is_valid(target_page, pages) || !page_is_valid(source_page, pages))
		return PVN_STATUS_INVALID_PARAMETER;
	source = gpa_map_source(&call->caller->map, gpa(source_page << PAGE_SHIFT), pages << PAGE_SHIFT,
				rights | GPA_READ);
	return hpa_is_none(source) ? PVN_STATUS_OPERATION_DENIED :
	       change(call, target, target_page, source, pages, rights);
}

HC_ABOUT(map_gpa_pages, hc_find_active_child)
{
	uint64_t pages = element_pages(in->map_flags, PVN_MAP_LARGE, PVN_MAP_HUGE);

	/* A base within the space plus 4095 huge pages cannot wrap. */
	if (!rights_are_valid(in->map_flags) || in->target_page >= GPA_SPACE_PAGES)
		return PVN_STATUS_INVALID_PARAMETER;
	return map_one(call, target, in->target_page + pages * call->rep_index, elem->source_page,
		       in->map_flags);
}

static unsigned int map_small(struct hc_call *call, struct partition *target,
			      const struct pvn_map_sparse_gpa_pages_elem *list, unsigned int rights)
{
	struct hpa source[HC_CHUNK];
	unsigned int found = gpa_map_find_small(&call->caller->map, list, call->left, rights, source);

	return gpa_map_fill_small(&target->map, list, source, found, rights);
}

HC_ABOUT(map_sparse_gpa_pages, hc_find_active_child)
{
	if (!rights_are_valid(in->map_flags))
		return PVN_STATUS_INVALID_PARAMETER;
	if (in->map_flags & GPA_ALL && !(in->map_flags & (PVN_MAP_LARGE | PVN_MAP_HUGE))) {
		unsigned int count = map_small(call, target, elem, in->map_flags & GPA_ALL);

		if (count) {
			call->completed = count;
			return PVN_STATUS_SUCCESS;
		}
	}
	return map_one(call, target, elem->target_page, elem->source_page, in->map_flags);
}

HC_ABOUT(unmap_gpa_pages, hc_find_active_child)
{
	uint64_t pages = element_pages(in->unmap_flags, PVN_UNMAP_LARGE, PVN_UNMAP_HUGE);
	uint64_t page = in->target_page + pages * call->rep_index;

	if (in->unmap_flags & ~(PVN_UNMAP_LARGE | PVN_UNMAP_HUGE) || in->target_page >= GPA_SPACE_PAGES ||
	    !page_is_valid(page, pages))
		return PVN_STATUS_INVALID_PARAMETER;
	return change(call, target, page, HPA_NONE, pages, 0);
}
