/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the files of pvn_blkfront.ko share: blkfront.c (life and rings),
 * blkfront_io.c (requests), blkfront_disk.c (the disk as Linux shows it).
 */
#ifndef BLKFRONT_H
#define BLKFRONT_H

#include <linux/blk-mq.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "frontend/blk/blkfront_ring.h"
#include "pv-guest/pvn_bus.h"

struct blkfront;

struct blkfront_queue {
	spinlock_t lock;
	struct blkfront_ring ring;
	struct pvn_poll poll;		/* reads and writes */
	struct pvn_poll sync_poll;	/* flushes, and writes that include one */
	struct pvn_poll *lone_poll;	/* the one that the only request in flight is for */
	u64 lone_since_ns;	/* the only request in flight began then; 0: it is not the only one */
	struct pvn_poll look;	/* the looker's: until the next answer, of whatever requests */
	u64 waiting_since_ns;	/* for it: since the last one, or since the first request */
	struct task_struct *looker;	/* NULL: nobody is to look */
	struct blk_mq_hw_ctx *hctx;
	u64 polled, poll_hits;
	struct blkfront *front;
	unsigned int index;
	u32 channel;
	bool listening;
	void *pages;		/* the shared block, contiguous */
};

struct blkfront {
	struct pvn_device *device;
	struct mutex lock;
	struct gendisk *disk;			/* NULL before the first connection */
	struct blk_mq_tag_set tags;
	struct blkfront_queue *queues;
	unsigned int queue_count;
	u32 entries;
	u32 epoch;
	bool connected;
	bool held;				/* Linux's queues are stopped */
	bool dead;				/* every request fails */
	struct work_struct add;			/* device_add_disk(): does I/O, must not block the bus */
	bool adding;				/* that has not ended yet */
	bool added;
	struct work_struct bury;		/* after a broken ring */
	struct delayed_work enough;		/* of waiting for the back-end, when the disk goes */
	u64 answered;				/* requests, when that was looked at last */
	bool leaving;				/* to be unplugged when nobody has it open */
	struct work_struct leave;
};

/* --- blkfront.c --- */

/* Nobody has the disk open any more that is to be unplugged. Any context. */
void blkfront_leave_soon(struct blkfront *front);

/* --- blkfront_io.c --- */

extern const struct blk_mq_ops blkfront_mq_ops;

/* The doorbell of a queue (struct blkfront_queue); interrupt context. */
void blkfront_complete(void *queue);
/* How long to look for answers, and who; before the queue is used. 0 or -errno. */
int blkfront_init_poll(struct blkfront_queue *queue);
/* Nobody looks any more; when nothing is submitted any more. */
void blkfront_end_poll(struct blkfront_queue *queue);
/* Announces what was pushed and rings where needed. */
void blkfront_publish(struct blkfront_queue *queue);

/* --- blkfront_disk.c --- */

/* Makes the disk with the limits that the back-end names; -errno. Not visible yet. */
int blkfront_create_disk(struct blkfront *front);
/* Makes it visible; does I/O, so not in the bus's thread. */
void blkfront_add_disk(struct blkfront *front);
/* Takes a new size over, whether the connection is new or not. */
void blkfront_update_size(struct blkfront *front);
/* Whoever still has the disk open does not find `front` any more. After del_gendisk(). */
void blkfront_forget_disk(struct blkfront *front);

#endif
