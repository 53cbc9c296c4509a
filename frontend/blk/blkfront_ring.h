/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Requests of one queue of a disk, and their slots in the ring. Pure: compiled
 * on the host for the unit tests as well. The caller (blkfront.c) serialises.
 *
 * A slot is a block layer tag; the id on the wire is the tag and a generation
 * that changes with every use, so an answer that comes twice, late, or from an
 * earlier connection names nothing. The slot keeps a copy of what was submitted:
 * after the back-end was restarted, everything in flight is submitted again.
 */
#ifndef BLKFRONT_RING_H
#define BLKFRONT_RING_H

#include <pvn/abi/io/blk.h>

struct blkfront_slot {
	struct pvn_blk_request request;		/* as submitted */
	struct pvn_blk_segment *indirect;	/* this slot's page of segments */
	pvn_u64 indirect_gpa;
	void *cookie;				/* whose request it is; NULL: free */
	pvn_u64 sequence;			/* order of submission */
	pvn_u16 generation;
};

struct blkfront_ring {
	struct pvn_queue_front queue;
	struct blkfront_slot *slots;		/* one for each entry of the ring */
	pvn_u32 entries;
	pvn_u32 in_flight;
	pvn_u64 sequence;
};

/* Slots come zeroed, with their indirect pages. */
void blkfront_ring_init(struct blkfront_ring *ring, struct blkfront_slot *slots, pvn_u32 entries);

/*
 * Takes `base`, pvn_ring_bytes(entries) of zeroed memory, into use for a new
 * connection. What is in flight is written into it again, in order.
 */
void blkfront_ring_connect(struct blkfront_ring *ring, void *base, pvn_u32 epoch);

/* Begins a request in a free slot. */
void blkfront_begin(struct blkfront_ring *ring, pvn_u32 slot, enum pvn_blk_op op, bool fua,
		    pvn_u64 sector);

/* Names the range of a discard, write zeroes or secure erase. */
void blkfront_set_range(struct blkfront_ring *ring, pvn_u32 slot, pvn_u32 sectors, bool unmap);

/* Adds guest memory to it, as part of the last segment where it follows on. False: too many. */
bool blkfront_add(struct blkfront_ring *ring, pvn_u32 slot, pvn_u64 gpa, pvn_u32 bytes);

/* Writes it into the ring. False: not possible, the slot is free again. */
bool blkfront_submit(struct blkfront_ring *ring, pvn_u32 slot, void *cookie);

/*
 * The next answer: its request's cookie and status, the slot free again. False
 * when there is none, or the ring is broken (ring->queue.broken): an answer
 * that names nothing in flight breaks it.
 */
bool blkfront_next(struct blkfront_ring *ring, void **cookie, enum pvn_blk_status *status);

/*
 * For how many completions to arm: for half of what is in flight, so that busy
 * rings cost few interrupts; the back-end rings for the rest when it runs dry.
 */
static inline pvn_u32 blkfront_group(const struct blkfront_ring *ring)
{
	return ring->in_flight > 3 ? ring->in_flight / 2 : 1;
}

/* Takes any request back, for failing it; NULL when none is in flight. */
void *blkfront_abandon(struct blkfront_ring *ring);

#endif
