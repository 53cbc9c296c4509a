// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls by which a parent sees a child's memory as one of its virtual processors does
 * [TLFS 2.0 ch. 12 "Virtual MMU and Caching"]. A translation that fails, or an access, is
 * a result, not a status.
 */
#include "core/exit.h"
#include "core/hypercall.h"

#define TRANSLATE_RIGHTS (PVN_TRANSLATE_READ | PVN_TRANSLATE_WRITE | PVN_TRANSLATE_EXECUTE)
#define ACCESS_BYTES_MAX 16
#define CACHE_TYPE_MAX	 6

static bool has_right(struct gpa_map *map, struct gpa at, unsigned int right)
{
	return !hpa_is_none(gpa_map_lookup(map, at, right));
}

/* Of the page that a translation leads to. There is no code of its own for "not executable". */
static uint32_t page_result(struct gpa_map *map, struct gpa at, uint64_t flags)
{
	uint32_t result = PVN_TRANSLATE_OK;

	if (!has_right(map, at, GPA_READ))
		return PVN_TRANSLATE_UNMAPPED;
	if (flags & PVN_TRANSLATE_WRITE && !has_right(map, at, GPA_WRITE))
		result = PVN_TRANSLATE_NO_WRITE;
	else if (flags & PVN_TRANSLATE_EXECUTE && !has_right(map, at, GPA_EXECUTE))
		result = PVN_TRANSLATE_NO_READ;
	return result && gpa_map_has_overlay(map, at) ? PVN_TRANSLATE_OVERLAY : result;
}

HC_ABOUT_VP(translate_virtual_address, hc_find_active_child)
{
	enum pvn_status status;
	unsigned int cache;
	struct gpa at;

	if (!(in->control_flags & TRANSLATE_RIGHTS) || in->control_flags >> 6 ||
	    in->gva_page >> (64 - PAGE_SHIFT))
		return PVN_STATUS_INVALID_PARAMETER;
	/* As with its registers, which the walk begins with. */
	status = hc_settle(call, vp);
	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (in->control_flags & PVN_TRANSLATE_INHIBIT_FLUSH)
		vp_stop(vp, VP_STOP_NO_FLUSH);
	out->result = guest_translate(vp, in->gva_page << PAGE_SHIFT, in->control_flags, &at, &cache);
	if (out->result == PVN_TRANSLATE_OK) {
		out->result = page_result(&target->map, at, in->control_flags);
		out->result_flags = cache | (gpa_map_has_overlay(&target->map, at) ?
					     PVN_TRANSLATE_IS_OVERLAY : 0);
	}
	out->gpa_page = at.v >> PAGE_SHIFT;
	return PVN_STATUS_SUCCESS;
}

/* Why an access to memory did not succeed. */
static uint64_t access_result(struct gpa_map *map, struct gpa at, bool write)
{
	if (gpa_map_has_overlay(map, at))
		return PVN_ACCESS_RESULT_OVERLAY;
	/* What can be read and is refused is a device's: not touched on a guest's behalf. */
	return write && has_right(map, at, GPA_READ) ? PVN_ACCESS_RESULT_WRITE : PVN_ACCESS_RESULT_UNMAPPED;
}

static bool range_is_valid(uint64_t at, uint32_t bytes, uint64_t flags)
{
	return bytes && bytes <= ACCESS_BYTES_MAX && bytes <= PAGE_SIZE - (at & (PAGE_SIZE - 1)) &&
	       at < GPA_SPACE_BYTES && flags <= CACHE_TYPE_MAX;
}

HC_ABOUT_VP(read_gpa, hc_find_active_child)
{
	if (!range_is_valid(in->gpa, in->byte_count, in->control_flags))
		return PVN_STATUS_INVALID_PARAMETER;
	if (!gpa_map_copy_in(&target->map, &out->low, gpa(in->gpa), in->byte_count))
		out->result = access_result(&target->map, gpa(in->gpa), false);
	return PVN_STATUS_SUCCESS;
}

HC_ABOUT_VP(write_gpa, hc_find_active_child)
{
	if (!range_is_valid(in->gpa, in->byte_count, in->control_flags))
		return PVN_STATUS_INVALID_PARAMETER;
	if (!gpa_map_copy_out(&target->map, gpa(in->gpa), &in->low, in->byte_count))
		out->result = access_result(&target->map, gpa(in->gpa), true);
	return PVN_STATUS_SUCCESS;
}
