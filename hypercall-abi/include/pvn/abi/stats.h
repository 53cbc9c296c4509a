/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Statistics pages: counters of the hypervisor, of a logical processor, a partition
 * or a virtual processor, written by the hypervisor as things happen
 * [TLFS 2.0 ch. 21 "Statistics"]. A page is an array of 64-bit words ("slots"). Groups
 * follow one another, each a header and its counters; a header of type 0 ends the page.
 *
 * The header: [15:0] type of the group, [47:16] version (low half minor), [63:48] bytes of
 * counters behind it. Counter n of a group is n slots behind its header.
 *
 * Readers read each counter as one word; two counters are not of the same moment.
 */
#ifndef PVN_ABI_STATS_H
#define PVN_ABI_STATS_H

#include <pvn/abi/types.h>

#define PVN_STATS_SLOTS (PVN_PAGE_SIZE / sizeof(pvn_u64))

#define PVN_STATS_VERSION_1_0	0x00010000ull
#define PVN_STATS_HEADER(id)	((id) | PVN_STATS_VERSION_1_0 << 16)
#define PVN_STATS_HEADER_BYTES_SHIFT 48

static inline unsigned int pvn_stats_group_id(pvn_u64 header) { return header & 0xffff; }
static inline unsigned int pvn_stats_group_slots(pvn_u64 header)
{
	return (header >> PVN_STATS_HEADER_BYTES_SHIFT) / sizeof(pvn_u64);
}

/* Where codes of calls are counted: the public ones, then Paravane's own. */
#define PVN_CALL_OWN_FIRST	0x4000u
#define PVN_CALL_PUBLIC_SLOTS	0x100u
#define PVN_CALL_OWN_SLOTS	0x10u
#define PVN_CALL_SLOTS		(PVN_CALL_PUBLIC_SLOTS + PVN_CALL_OWN_SLOTS)
#define PVN_CALL_TO_SLOT(code) \
	((code) < PVN_CALL_OWN_FIRST ? (code) : PVN_CALL_PUBLIC_SLOTS + (code) - PVN_CALL_OWN_FIRST)

/* stats_type of map_stats_page and unmap_stats_page. */
#define PVN_STATS_PAGE(object, type) PVN_STATS_TYPE_##object = type,
#define PVN_STATS_GROUP(object, name, id)
#define PVN_STATS_COUNTER(object, name, unit, text)
#define PVN_STATS_ARRAY(object, name, count, unit, text)
enum pvn_stats_type {
#include "../../../statistics.def"
};
#undef PVN_STATS_PAGE
#undef PVN_STATS_GROUP
#undef PVN_STATS_COUNTER
#undef PVN_STATS_ARRAY

/* Slots: PVN_STAT_vp_run_time and so on; PVN_STAT_vp_group_own is a header's. */
#define PVN_STATS_PAGE(object, type) PVN_STAT_##object##_page = -1,
#define PVN_STATS_GROUP(object, name, id) PVN_STAT_##object##_group_##name,
#define PVN_STATS_COUNTER(object, name, unit, text) PVN_STAT_##object##_##name,
#define PVN_STATS_ARRAY(object, name, count, unit, text) \
	PVN_STAT_##object##_##name,			\
	PVN_STAT_##object##_##name##_last = PVN_STAT_##object##_##name + (count) - 1,
enum pvn_stats_slot {
#include "../../../statistics.def"
};
#undef PVN_STATS_PAGE
#undef PVN_STATS_GROUP
#undef PVN_STATS_COUNTER
#undef PVN_STATS_ARRAY

#endif
