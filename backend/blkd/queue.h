/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * One queue of a disk: a back-end's end of a ring, and the requests of it that
 * are in flight. A queue outlives the connections that use it: requests that
 * were in flight when the guest let go of its rings are waited for, and their
 * results thrown away.
 */
#ifndef BLKD_QUEUE_H
#define BLKD_QUEUE_H

#include "blkd/image.h"
#include "libpvn/limit.h"

struct blk_disk {
	struct engine engine;
	struct image image;
	struct blk_limits limits;
	struct pvn_limit limit;		/* requests and bytes a second */
	uint64_t held_until_ns;		/* by that: nothing is taken before; 0: not held */
	uint32_t patience_ns;		/* with a guest that takes completions without a doorbell */
	const struct pvn_guest_memory *memory;
	unsigned int errors;		/* failed transfers since the last report */
	int last_error;
};

struct blk_slot {
	struct engine_token token;	/* first: what the engine gives back */
	struct blk_slot *next;		/* free list */
	uint32_t epoch;			/* connection that it was taken from */
	struct blk_work work;
};

struct blk_queue {
	struct engine_token doorbell;
	struct blk_disk *disk;
	struct pvn_queue_back ring;
	bool attached;
	bool reported;			/* the log has said that it is broken */
	struct blk_slot *slots;
	struct blk_slot *free;
	unsigned int busy;		/* slots in flight */
	uint64_t bytes_read, bytes_written;
	uint64_t quiet_since_ns;	/* no new completion, and some not heard of; 0: not so */
};

/* 0, or -1 + errno. */
int blk_queue_create(struct blk_queue *queue, struct blk_disk *disk, unsigned int index);

/* Starts to serve a ring that nobody served in this epoch; false when it is not the epoch's. */
bool blk_queue_attach(struct blk_queue *queue, void *base, uint32_t entries, uint32_t epoch);

/* Touches the guest's memory no more, apart from transfers that are in flight. */
void blk_queue_detach(struct blk_queue *queue);

/*
 * Takes up to `limit` requests and starts or answers them; true if there were any.
 * None is taken while the disk's own limit holds it back (held_until_ns).
 */
bool blk_queue_take(struct blk_queue *queue, unsigned int limit);

/* A transfer has ended. */
void blk_queue_done(struct blk_queue *queue, struct blk_slot *slot, int result);

/*
 * Announces completions; true: ring the guest. Also for those that it asked to hear of
 * later, when no more have come for patience_ns: the slow ones must not keep the
 * fast ones waiting while other queues keep the process busy.
 */
bool blk_queue_publish(struct blk_queue *queue);

/*
 * Asks for a doorbell; true: there is something to do already. A disk that is held
 * back asks for none: its timer wakes it.
 */
static inline bool blk_queue_arm(struct blk_queue *queue)
{
	return queue->attached && !queue->disk->held_until_ns && pvn_back_arm(&queue->ring);
}

/* Before sleeping: completions that the guest has not been told of; true: ring. */
static inline bool blk_queue_unheard(struct blk_queue *queue)
{
	return queue->attached && pvn_back_unheard(&queue->ring);
}

#endif
