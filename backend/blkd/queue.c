// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See queue.h. On the path of a write: blk_queue_take() copies a request from
 * the ring, request.c checks it, engine.c starts it; blk_queue_done() answers.
 */
#include "blkd/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "libpvn/clock.h"

int blk_queue_create(struct blk_queue *queue, struct blk_disk *disk, unsigned int index)
{
	unsigned int i;

	queue->disk = disk;
	queue->doorbell.kind = ENGINE_DOORBELL;
	queue->doorbell.index = index;
	queue->slots = calloc(PVN_RING_ENTRIES_MAX, sizeof(*queue->slots));
	if (!queue->slots) {
		errno = ENOMEM;
		return -1;
	}
	for (i = 0; i < PVN_RING_ENTRIES_MAX; i++) {
		queue->slots[i].token.kind = ENGINE_WORK;
		queue->slots[i].token.index = index;
		queue->slots[i].next = queue->free;
		queue->free = &queue->slots[i];
	}
	return 0;
}

bool blk_queue_attach(struct blk_queue *queue, void *base, uint32_t entries, uint32_t epoch)
{
	queue->attached = pvn_back_attach(&queue->ring, base, entries, epoch);
	queue->reported = false;
	return queue->attached;
}

void blk_queue_detach(struct blk_queue *queue)
{
	queue->attached = false;
}

/* False: answered already. */
static bool start(struct blk_queue *queue, const struct pvn_blk_request *request)
{
	struct blk_disk *disk = queue->disk;
	struct blk_slot *slot = queue->free;
	enum pvn_blk_status status;

	status = blk_request_check(request, &disk->limits, disk->memory, &slot->work);
	if (status) {
		pvn_back_complete(&queue->ring, request->id, status, 0);
		return false;
	}
	queue->free = slot->next;
	queue->busy++;
	slot->epoch = queue->ring.epoch;
	if (pvn_limit_is_set(&disk->limit))
		pvn_limit_charge(&disk->limit,
				 blk_work_is_transfer(&slot->work) ? slot->work.bytes : 0);
	if (request->op == PVN_BLK_READ)
		queue->bytes_read += slot->work.bytes;
	else if (request->op == PVN_BLK_WRITE)
		queue->bytes_written += slot->work.bytes;
	disk->image.ops->start(&disk->image, &slot->work, &slot->token);
	return true;
}

/* May the disk's limit let one more request through? Notes until when it may not. */
static bool may_start(struct blk_disk *disk)
{
	uint64_t now, wait;

	if (!pvn_limit_is_set(&disk->limit))
		return true;
	now = pvn_now_ns();
	wait = pvn_limit_wait(&disk->limit, now);
	disk->held_until_ns = wait ? now + wait : 0;
	return !wait;
}

bool blk_queue_take(struct blk_queue *queue, unsigned int limit)
{
	struct pvn_blk_request request;
	unsigned int taken = 0;
	int available;

	if (!queue->attached)
		return false;
	available = pvn_back_available(&queue->ring);
	/* Slots may still be held by transfers of an earlier connection. */
	while (available-- > 0 && taken < limit && queue->free && may_start(queue->disk) &&
	       pvn_back_next(&queue->ring, &request)) {
		start(queue, &request);
		taken++;
	}
	return taken > 0;
}

/* Is there more to do for it? Then it has been started again. */
static bool goes_on(struct blk_disk *disk, struct blk_slot *slot, int *result)
{
	const struct image_ops *ops = disk->image.ops;
	struct blk_work *work = &slot->work;

	if (*result == 0 && blk_work_is_transfer(work))
		*result = -EIO;		/* the image has become shorter */
	if (*result > 0 && (uint64_t)*result < work->bytes)
		blk_work_advance(work, (uint64_t)*result);
	else if (*result != -EAGAIN && *result != -EINTR &&
		 !(*result == -EOPNOTSUPP && ops->retry && ops->retry(&disk->image, work)))
		return false;
	ops->start(&disk->image, work, &slot->token);
	return true;
}

void blk_queue_done(struct blk_queue *queue, struct blk_slot *slot, int result)
{
	struct blk_disk *disk = queue->disk;
	bool current = queue->attached && slot->epoch == queue->ring.epoch;

	if (goes_on(disk, slot, &result))
		return;
	if (result < 0) {
		disk->errors++;
		disk->last_error = -result;
	}
	if (current)
		pvn_back_complete(&queue->ring, slot->work.id,
				  engine_status(result < 0 ? -result : 0), 0);
	slot->next = queue->free;
	queue->free = slot;
	queue->busy--;
}

bool blk_queue_publish(struct blk_queue *queue)
{
	struct pvn_queue_back *ring = &queue->ring;
	pvn_u32 before = ring->cq_published;
	uint64_t now;
	bool notify;

	if (!queue->attached)
		return false;
	notify = pvn_back_publish(ring);
	if (notify || ring->cq_published != before || ring->cq_rung == ring->cq_published) {
		queue->quiet_since_ns = 0;
		return notify;
	}
	now = pvn_now_ns();
	if (!queue->quiet_since_ns)
		queue->quiet_since_ns = now;
	if (now - queue->quiet_since_ns < queue->disk->patience_ns)
		return false;
	queue->quiet_since_ns = 0;
	return pvn_back_unheard(ring);
}
