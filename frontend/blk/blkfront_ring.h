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

/*
 * Does whoever submits wait for an answer before the next request, or go on? For one who
 * waits, looking for the answer beats a doorbell; one who goes on submits meanwhile, and
 * takes the answers then. Seen on lone requests that nobody looks for: the next is submitted
 * first, or a doorbell comes first. While all wait, one is left alone now and then.
 */
struct blkfront_habit {
	pvn_u32 goes_on;	/* how sure, up to BLKFRONT_SURE; 0: waits */
	pvn_u32 waits;		/* lone requests in a row that were looked for */
	pvn_u32 try_after;	/* so many of them */
	bool left_alone;	/* the last one is, and nothing has happened since */
};

struct blkfront_ring {
	struct pvn_queue_front queue;
	struct blkfront_habit habit;
	bool looked_at;				/* somebody does while the processor is idle */
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

#define BLKFRONT_SURE		8u
#define BLKFRONT_TRY_AFTER_MIN	64u
#define BLKFRONT_TRY_AFTER_MAX	1024u

/* The only request in flight was submitted. True: look for its answer; else leave it alone. */
static inline bool blkfront_waits(struct blkfront_habit *habit)
{
	if (!habit->goes_on && habit->waits++ < habit->try_after)
		return true;
	habit->waits = 0;
	habit->left_alone = true;
	return false;
}

/* A request is submitted. */
static inline void blkfront_went_on(struct blkfront_habit *habit)
{
	if (!habit->left_alone)
		return;
	habit->left_alone = false;
	habit->try_after = BLKFRONT_TRY_AFTER_MIN;
	if (!habit->goes_on)
		habit->goes_on = BLKFRONT_SURE / 2;
	else if (habit->goes_on < BLKFRONT_SURE)
		habit->goes_on++;
}

/* A doorbell ended idleness, which costs more than going on saves: it counts twice. */
static inline void blkfront_waited(struct blkfront_habit *habit)
{
	if (habit->goes_on)
		habit->goes_on -= habit->goes_on > 1 ? 2 : 1;
	else if (habit->left_alone && habit->try_after < BLKFRONT_TRY_AFTER_MAX)
		habit->try_after *= 2;
	habit->left_alone = false;
}

/*
 * For how many completions to arm: for half of what is in flight, so that busy rings cost
 * few interrupts; for all while somebody looks; and for more while that is few and whoever
 * submits goes on and takes them by itself. The back-end rings for the rest when it runs dry.
 */
#define BLKFRONT_GOING_ON	16u

static inline pvn_u32 blkfront_group(const struct blkfront_ring *ring)
{
	pvn_u32 half = ring->in_flight > 3 ? ring->in_flight / 2 : 1;
	pvn_u32 group = ring->looked_at ? ring->in_flight : half;
	bool later = ring->habit.goes_on || ring->habit.left_alone || ring->looked_at;

	return later && group < BLKFRONT_GOING_ON ? BLKFRONT_GOING_ON : group;
}

/* Takes any request back, for failing it; NULL when none is in flight. */
void *blkfront_abandon(struct blkfront_ring *ring);

#endif
