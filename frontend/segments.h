/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Segments of a request that is being made, for front-ends whose protocol has them
 * as io/blk.h and io/net.h do: a few in the ring's entry; when there are more, all
 * of them in a table beside it. Pure.
 */
#ifndef FRONTEND_SEGMENTS_H
#define FRONTEND_SEGMENTS_H

#include <pvn/abi/io/blk.h>
#include <pvn/abi/io/net.h>

/* What the entries of the protocols have in common, in its place. */
struct front_entry {
	pvn_u8 op;
	pvn_u8 flags;
	pvn_u16 segment_count;
	pvn_u32 id;
	pvn_u64 own;			/* the protocol's */
	pvn_u64 gpa[3];
	pvn_u32 bytes[3];
} __attribute__((__may_alias__));

struct front_segment {
	pvn_u64 gpa;
	pvn_u32 bytes;
	pvn_u32 reserved;
} __attribute__((__may_alias__));

#define FRONT_INLINE_MAX	3u

_Static_assert(PVN_BLK_INLINE_MAX == FRONT_INLINE_MAX && PVN_NET_INLINE_MAX == FRONT_INLINE_MAX,
	       "segments in an entry");
_Static_assert(offsetof(struct front_entry, gpa) == offsetof(struct pvn_blk_request, gpa) &&
	       offsetof(struct front_entry, gpa) == offsetof(struct pvn_net_request, gpa) &&
	       offsetof(struct front_entry, bytes) == offsetof(struct pvn_blk_request, bytes) &&
	       offsetof(struct front_entry, bytes) == offsetof(struct pvn_net_request, bytes),
	       "shape of the entries");
_Static_assert(sizeof(struct front_segment) == sizeof(struct pvn_blk_segment) &&
	       sizeof(struct front_segment) == sizeof(struct pvn_net_segment) &&
	       offsetof(struct front_segment, bytes) == offsetof(struct pvn_blk_segment, bytes) &&
	       offsetof(struct front_segment, bytes) == offsetof(struct pvn_net_segment, bytes),
	       "shape of the segments");

/* Where segments may go beside the entry, and how many and long they may be. */
struct front_table {
	void *segments;			/* NULL: nowhere */
	pvn_u64 gpa;			/* of them */
	pvn_u32 most;
	pvn_u32 longest;		/* neighbours become one segment while it is shorter */
	pvn_u8 flag;			/* of an entry whose segments are there */
};

/* The segments so far move from the entry to the table. */
static inline void front_use_table(struct front_entry *entry, const struct front_table *table)
{
	struct front_segment *segment = table->segments;
	unsigned int i;

	for (i = 0; i < FRONT_INLINE_MAX; i++) {
		segment[i].gpa = entry->gpa[i];
		segment[i].bytes = entry->bytes[i];
		segment[i].reserved = 0;
		entry->gpa[i] = 0;
		entry->bytes[i] = 0;
	}
	entry->gpa[0] = table->gpa;
	entry->flags |= table->flag;
}

/*
 * Adds guest memory to a request of either protocol, as part of the last segment where
 * it follows on. False: too many.
 */
static inline bool front_add_segment(void *request, const struct front_table *table, pvn_u64 gpa,
				     pvn_u32 bytes)
{
	struct front_entry *entry = request;
	struct front_segment *segment = table->segments;
	unsigned int count = entry->segment_count;
	bool beside = entry->flags & table->flag;
	pvn_u64 *last_gpa;
	pvn_u32 *last;

	if (count) {
		last_gpa = beside ? &segment[count - 1].gpa : &entry->gpa[count - 1];
		last = beside ? &segment[count - 1].bytes : &entry->bytes[count - 1];
		if (*last_gpa + *last == gpa && *last < table->longest) {
			*last += bytes;
			return true;
		}
	}
	if (count == table->most || (count == FRONT_INLINE_MAX && !segment))
		return false;
	if (count == FRONT_INLINE_MAX)
		front_use_table(entry, table);
	if (count >= FRONT_INLINE_MAX) {
		segment[count].gpa = gpa;
		segment[count].bytes = bytes;
		segment[count].reserved = 0;
	} else {
		entry->gpa[count] = gpa;
		entry->bytes[count] = bytes;
	}
	entry->segment_count++;
	return true;
}

#endif
