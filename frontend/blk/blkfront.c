// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_blkfront.ko: disks served by pvn-blkd, as /dev/pvda and so on. This file
 * is the glue to Linux's multi-queue block layer; slots and ids are in
 * blkfront_ring.c, the ring in the ABI, keys and states in pvn/abi/io/blk.h.
 *
 * The pages of a request are the buffers: nothing is copied. A tag of the block
 * layer is a slot of the ring, so there is always room for what Linux submits.
 *
 * Life: a new disk waits for its back-end; (a) back-end at 2: the front-end
 * announces rings (new epoch) and goes to 3; (b) back-end at 4 and serving that
 * epoch: requests flow. (a) again while connected means that the back-end was
 * restarted: queues stop, what is in flight is written into the new rings, and
 * goes on with (b). A queue whose back-end breaks the protocol takes the whole
 * disk out of use: everything in flight fails, and so does everything later.
 *
 * Locks: front->lock (the state of the disk) around queue->lock (ring and slots;
 * interrupts off), which is a leaf.
 */
#define pr_fmt(fmt) "pvn_blkfront: " fmt

#include <linux/blk-mq.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "frontend/blk/blkfront_ring.h"
#include "pv-guest/pvn_bus.h"
#include "pv-guest/pvn_core.h"

#define BATCH 32

static unsigned int ring_entries = 128;
module_param(ring_entries, uint, 0444);
MODULE_PARM_DESC(ring_entries, "requests in flight per queue, a power of two from 4 to 256");

struct blkfront;

struct blkfront_queue {
	spinlock_t lock;
	struct blkfront_ring ring;
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
	bool added;
	struct work_struct bury;		/* after a broken ring */
};

/* --- requests --- */

static blk_status_t blk_status(enum pvn_blk_status status)
{
	switch (status) {
	case PVN_BLK_OK:
		return BLK_STS_OK;
	case PVN_BLK_UNSUPPORTED:
		return BLK_STS_NOTSUPP;
	case PVN_BLK_NO_SPACE:
		return BLK_STS_NOSPC;
	default:
		return BLK_STS_IOERR;
	}
}

static bool add_segments(struct blkfront_queue *queue, struct request *rq)
{
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_bvec(bv, rq, iter)
		if (!blkfront_add(&queue->ring, rq->tag, page_to_phys(bv.bv_page) + bv.bv_offset,
				  bv.bv_len))
			return false;
	return true;
}

static blk_status_t fill_slot(struct blkfront_queue *queue, struct request *rq)
{
	bool fua = rq->cmd_flags & REQ_FUA;

	switch (req_op(rq)) {
	case REQ_OP_READ:
		blkfront_begin(&queue->ring, rq->tag, PVN_BLK_READ, false, blk_rq_pos(rq));
		break;
	case REQ_OP_WRITE:
		blkfront_begin(&queue->ring, rq->tag, PVN_BLK_WRITE, fua, blk_rq_pos(rq));
		break;
	case REQ_OP_FLUSH:
		blkfront_begin(&queue->ring, rq->tag, PVN_BLK_FLUSH, false, 0);
		return BLK_STS_OK;
	default:
		return BLK_STS_NOTSUPP;
	}
	return add_segments(queue, rq) ? BLK_STS_OK : BLK_STS_IOERR;
}

/* On the path of a write: from the block layer, to blkfront_submit(), to the doorbell. */
static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct blkfront_queue *queue = hctx->driver_data;
	struct request *rq = bd->rq;
	unsigned long flags;
	blk_status_t status;
	bool ring = false;

	if (READ_ONCE(queue->front->dead))
		return BLK_STS_IOERR;
	blk_mq_start_request(rq);
	spin_lock_irqsave(&queue->lock, flags);
	status = fill_slot(queue, rq);
	if (!status && !blkfront_submit(&queue->ring, rq->tag, rq))
		status = BLK_STS_IOERR;
	if (bd->last)
		ring = pvn_front_publish(&queue->ring.queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (ring)
		pvn_signal_event(queue->channel, 0);
	return status;
}

/* The block layer has no more for now although it did not say "last". */
static void commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	struct blkfront_queue *queue = hctx->driver_data;
	unsigned long flags;
	bool ring;

	spin_lock_irqsave(&queue->lock, flags);
	ring = pvn_front_publish(&queue->ring.queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (ring)
		pvn_signal_event(queue->channel, 0);
}

static unsigned int take_answers(struct blkfront_queue *queue, struct request **rqs,
				 blk_status_t *results)
{
	struct pvn_queue_front *ring = &queue->ring.queue;
	enum pvn_blk_status status;
	unsigned int count = 0;
	void *cookie;

	spin_lock(&queue->lock);
	do {
		while (count < BATCH && blkfront_next(&queue->ring, &cookie, &status)) {
			rqs[count] = cookie;
			results[count++] = blk_status(status);
		}
	} while (count < BATCH && pvn_front_arm(ring, 1));
	if (ring->broken && !queue->front->dead)
		schedule_work(&queue->front->bury);
	spin_unlock(&queue->lock);
	return count;
}

/*
 * The doorbell from the back-end. Ends requests right here: what comes after
 * them in a full batch is taken in the next round. Bounded by what is in flight.
 */
static void complete_requests(void *context)
{
	struct blkfront_queue *queue = context;
	struct request *rqs[BATCH];
	blk_status_t results[BATCH];
	unsigned int count, i;
	bool idle = true;

	queue->ring.queue.counters.events++;
	do {
		count = take_answers(queue, rqs, results);
		for (i = 0; i < count; i++)
			blk_mq_end_request(rqs[i], results[i]);
		idle = idle && !count;
	} while (count == BATCH);
	if (idle)
		queue->ring.queue.counters.events_idle++;
}

/* Slow is not wrong; but a back-end that has given the queue up never answers. */
static enum blk_eh_timer_return request_timeout(struct request *rq)
{
	struct blkfront_queue *queue = rq->mq_hctx->driver_data;
	struct blkfront *front = queue->front;

	if (READ_ONCE(front->connected) && READ_ONCE(queue->ring.queue.peer->error)) {
		pvn_front_break(&queue->ring.queue, PVN_RING_BAD_SETUP);
		schedule_work(&front->bury);
	}
	return BLK_EH_RESET_TIMER;
}

static int init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int index)
{
	struct blkfront *front = data;

	hctx->driver_data = &front->queues[index];
	return 0;
}

static const struct blk_mq_ops mq_ops = {
	.queue_rq = queue_rq,
	.commit_rqs = commit_rqs,
	.timeout = request_timeout,
	.init_hctx = init_hctx,
};

/* --- stopping and failing --- */

static void hold(struct blkfront *front)
{
	if (front->disk && !front->held)
		blk_mq_quiesce_queue(front->disk->queue);
	front->held = true;
}

static void let_go(struct blkfront *front)
{
	if (front->disk && front->held)
		blk_mq_unquiesce_queue(front->disk->queue);
	front->held = false;
}

static void fail_in_flight(struct blkfront_queue *queue)
{
	struct request *rq;

	for (;;) {
		spin_lock_irq(&queue->lock);
		rq = blkfront_abandon(&queue->ring);
		spin_unlock_irq(&queue->lock);
		if (!rq)
			return;
		blk_mq_end_request(rq, BLK_STS_IOERR);
	}
}

/* From now on every request fails, those in flight first. The disk stays. */
static void give_up(struct blkfront *front)
{
	unsigned int i;

	hold(front);
	WRITE_ONCE(front->dead, true);
	for (i = 0; i < front->queue_count; i++)
		fail_in_flight(&front->queues[i]);
	let_go(front);
}

static void bury(struct work_struct *work)
{
	struct blkfront *front = container_of(work, struct blkfront, bury);
	unsigned int i;

	mutex_lock(&front->lock);
	if (front->dead)
		goto out;
	for (i = 0; i < front->queue_count; i++)
		if (front->queues[i].ring.queue.broken)
			dev_err(&front->device->dev,
				"the back-end broke the rules of queue %u (reason %d): the disk is disabled, all its requests fail\n",
				i, front->queues[i].ring.queue.broken);
	give_up(front);
	pvn_device_set_state(front->device, PVN_XENBUS_CLOSED);
out:
	mutex_unlock(&front->lock);
}

/* --- queues --- */

static int create_slots(struct blkfront_queue *queue, u32 entries)
{
	struct blkfront_slot *slots = kvcalloc(entries, sizeof(*slots), GFP_KERNEL);
	unsigned int i;

	if (!slots)
		return -ENOMEM;
	blkfront_ring_init(&queue->ring, slots, entries);
	for (i = 0; i < entries; i++) {
		slots[i].indirect = (void *)get_zeroed_page(GFP_KERNEL);
		if (!slots[i].indirect)
			return -ENOMEM;
		slots[i].indirect_gpa = virt_to_phys(slots[i].indirect);
	}
	return 0;
}

static int create_queue(struct blkfront *front, unsigned int index)
{
	struct blkfront_queue *queue = &front->queues[index];
	int error;

	spin_lock_init(&queue->lock);
	queue->front = front;
	queue->index = index;
	error = pvn_device_channel(front->device, index, &queue->channel);
	if (!error)
		error = create_slots(queue, front->entries);
	if (error)
		return error;
	queue->pages = alloc_pages_exact(pvn_ring_bytes(front->entries), GFP_KERNEL | __GFP_ZERO);
	return queue->pages ? 0 : -ENOMEM;
}

static void destroy_queue(struct blkfront_queue *queue, bool pages_too)
{
	struct blkfront_slot *slots = queue->ring.slots;
	unsigned int i;

	if (queue->listening)
		pvn_event_unregister(queue->channel);
	if (queue->pages && pages_too)
		free_pages_exact(queue->pages, pvn_ring_bytes(queue->ring.entries));
	for (i = 0; slots && i < queue->ring.entries; i++)
		free_page((unsigned long)slots[i].indirect);
	kvfree(slots);
}

/* Rings for the next connection, with what is in flight in them. Queues are held. */
static void renew_rings(struct blkfront *front)
{
	unsigned int i;

	if (!++front->epoch)
		front->epoch = 1;
	for (i = 0; i < front->queue_count; i++) {
		struct blkfront_queue *queue = &front->queues[i];

		spin_lock_irq(&queue->lock);
		memset(queue->pages, 0, pvn_ring_bytes(front->entries));
		blkfront_ring_connect(&queue->ring, queue->pages, front->epoch);
		spin_unlock_irq(&queue->lock);
	}
}

/* (a) The back-end waits for rings. */
static void announce(struct blkfront *front)
{
	struct pvn_device *device = front->device;
	unsigned int i;
	int error = 0;

	if (front->connected)
		dev_info(&device->dev, "the back-end was restarted, connecting again\n");
	hold(front);
	WRITE_ONCE(front->connected, false);
	renew_rings(front);
	for (i = 0; i < front->queue_count && !error; i++)
		error = pvn_device_write_ring(device, i, "", front->queues[i].pages,
					      front->entries);
	if (!error)
		error = pvn_store_printf(device->node, "protocol", "%u", PVN_BLK_PROTOCOL);
	if (!error)
		error = pvn_store_printf(device->node, "queue-count", "%u", front->queue_count);
	if (!error)
		error = pvn_store_printf(device->node, "epoch", "%u", front->epoch);
	if (!error)
		error = pvn_device_set_state(device, PVN_XENBUS_INITIALISED);
	if (error)
		dev_err(&device->dev, "the rings cannot be announced in the store (%d)\n", error);
}

/* --- the disk --- */

static int disk_open(struct block_device *bdev, fmode_t mode)
{
	struct blkfront *front = bdev->bd_disk->private_data;

	return READ_ONCE(front->dead) ? -ENXIO : 0;
}

static const struct block_device_operations disk_ops = {
	.owner = THIS_MODULE,
	.open = disk_open,
};

/* 0: pvda, 25: pvdz, 26: pvdaa, 701: pvdzz. */
static void name_disk(char *name, unsigned int id)
{
	if (id < 26)
		snprintf(name, DISK_NAME_LEN, "pvd%c", 'a' + id);
	else
		snprintf(name, DISK_NAME_LEN, "pvd%c%c", 'a' + (id / 26 - 1) % 26, 'a' + id % 26);
}

static bool is_read_only(struct blkfront *front)
{
	char *mode = pvn_store_read(front->device->otherend, "mode");
	bool read_only = !IS_ERR(mode) && mode[0] == 'r';

	if (!IS_ERR(mode))
		kfree(mode);
	return read_only;
}

static void set_limits(struct blkfront *front)
{
	const char *there = front->device->otherend;
	struct request_queue *q = front->disk->queue;
	unsigned int sector = pvn_store_number(there, "sector-size", 512, 4096, 512);
	bool fua = pvn_store_number(there, "feature-fua", 0, 1, 0);
	bool flush = pvn_store_number(there, "feature-flush", 0, 1, 0);

	if (sector != 4096)
		sector = 512;
	blk_queue_logical_block_size(q, sector);
	blk_queue_physical_block_size(q, pvn_store_number(there, "physical-sector-size", sector,
							  1 << 20, sector));
	/* A segment is a whole number of sectors. */
	blk_queue_dma_alignment(q, sector - 1);
	blk_queue_max_segments(q, pvn_store_number(there, "max-segments", 1,
						   PVN_BLK_SEGMENTS_MAX, PVN_BLK_INLINE_MAX));
	blk_queue_max_hw_sectors(q, pvn_store_number(there, "max-sectors", 8,
						     PVN_BLK_SECTORS_MAX, 8));
	blk_queue_max_segment_size(q, UINT_MAX);
	blk_queue_write_cache(q, flush, flush && fua);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	set_disk_ro(front->disk, is_read_only(front));
}

static int create_disk(struct blkfront *front)
{
	struct gendisk *disk = blk_mq_alloc_disk(&front->tags, front);

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->fops = &disk_ops;
	disk->private_data = front;
	name_disk(disk->disk_name, front->device->id);
	front->disk = disk;
	front->held = false;
	set_limits(front);
	return 0;
}

static void add_disk_work(struct work_struct *work)
{
	struct blkfront *front = container_of(work, struct blkfront, add);
	int error = device_add_disk(&front->device->dev, front->disk, NULL);

	if (error) {
		dev_err(&front->device->dev, "the disk %s cannot be added (%d)\n",
			front->disk->disk_name, error);
		return;
	}
	front->added = true;
	dev_info(&front->device->dev, "%s: %llu sectors, %u queues of %u\n",
		 front->disk->disk_name, get_capacity(front->disk), front->queue_count,
		 front->entries);
}

/* A new size is taken over, whether the connection is new or not. */
static void update_size(struct blkfront *front)
{
	u64 sectors;

	if (pvn_store_read_u64(front->device->otherend, "sectors", &sectors))
		return;
	if (front->added)
		set_capacity_and_notify(front->disk, sectors);
	else
		set_capacity(front->disk, sectors);
}

static bool is_served(struct blkfront *front)
{
	unsigned int i;

	for (i = 0; i < front->queue_count; i++)
		if (pvn_ring_load(&front->queues[i].ring.queue.peer->epoch) != front->epoch)
			return false;
	return true;
}

static void start_queue(struct blkfront_queue *queue)
{
	bool ring;

	spin_lock_irq(&queue->lock);
	ring = pvn_front_publish(&queue->ring.queue);
	spin_unlock_irq(&queue->lock);
	if (ring)
		pvn_signal_event(queue->channel, 0);
}

/* (b) The back-end is connected: to these rings, or it will say so again. */
static void connect(struct blkfront *front)
{
	bool first = !front->disk;
	unsigned int i;

	if (front->connected) {
		update_size(front);
		return;
	}
	if (front->device->state != PVN_XENBUS_INITIALISED || !is_served(front))
		return;
	if (first && create_disk(front)) {
		dev_err(&front->device->dev, "there is no memory for the disk\n");
		return;
	}
	update_size(front);
	WRITE_ONCE(front->connected, true);
	pvn_device_set_state(front->device, PVN_XENBUS_CONNECTED);
	for (i = 0; i < front->queue_count; i++)
		start_queue(&front->queues[i]);
	let_go(front);
	if (first)
		queue_work(system_unbound_wq, &front->add);
}

/* The parent unplugs the disk. As long as somebody has it open it stays. */
static void unplug(struct blkfront *front)
{
	if (front->disk && disk_openers(front->disk)) {
		dev_warn(&front->device->dev, "%s is in use and stays\n", front->disk->disk_name);
		return;
	}
	flush_work(&front->add);
	if (front->added)
		del_gendisk(front->disk);
	front->added = false;
	WRITE_ONCE(front->dead, true);
	pvn_device_set_state(front->device, PVN_XENBUS_CLOSED);
}

static void otherend_changed(struct pvn_device *device, enum pvn_xenbus_state state)
{
	struct blkfront *front = dev_get_drvdata(&device->dev);

	mutex_lock(&front->lock);
	switch (front->dead ? PVN_XENBUS_UNKNOWN : state) {
	case PVN_XENBUS_INIT_WAIT:
		announce(front);
		break;
	case PVN_XENBUS_CONNECTED:
		connect(front);
		break;
	case PVN_XENBUS_CLOSING:
		unplug(front);
		break;
	default:
		break;		/* not there yet, or not there any more: its successor will say 2 */
	}
	mutex_unlock(&front->lock);
}

/* --- start and end --- */

static int create_queues(struct blkfront *front)
{
	unsigned int most = pvn_store_number(front->device->node, "queue-max", 1,
					     PVN_BLK_QUEUES_MAX, 1);
	unsigned int i;
	int error = 0;

	front->queue_count = min(most, num_possible_cpus());
	front->entries = pvn_ring_entries_ok(ring_entries) ? ring_entries : 128;
	front->queues = kcalloc(front->queue_count, sizeof(*front->queues), GFP_KERNEL);
	if (!front->queues)
		return -ENOMEM;
	for (i = 0; i < front->queue_count && !error; i++)
		error = create_queue(front, i);
	for (i = 0; i < front->queue_count && !error; i++) {
		/* Before anything is announced: the ring must be readable for the handler. */
		pvn_front_init(&front->queues[i].ring.queue, front->queues[i].pages,
			       front->entries, 0);
		error = pvn_event_register(front->queues[i].channel, complete_requests,
					   &front->queues[i]);
		front->queues[i].listening = !error;
	}
	return error;
}

static void destroy(struct blkfront *front, bool pages_too)
{
	unsigned int i;

	for (i = 0; front->queues && i < front->queue_count; i++)
		destroy_queue(&front->queues[i], pages_too);
	if (front->disk)
		put_disk(front->disk);
	if (front->tags.tags)
		blk_mq_free_tag_set(&front->tags);
	kfree(front->queues);
	kfree(front);
}

static int probe(struct pvn_device *device)
{
	struct blkfront *front = kzalloc(sizeof(*front), GFP_KERNEL);
	int error;

	if (!front)
		return -ENOMEM;
	front->device = device;
	mutex_init(&front->lock);
	INIT_WORK(&front->add, add_disk_work);
	INIT_WORK(&front->bury, bury);
	error = create_queues(front);
	if (!error) {
		front->tags.ops = &mq_ops;
		front->tags.nr_hw_queues = front->queue_count;
		front->tags.queue_depth = front->entries;
		front->tags.numa_node = NUMA_NO_NODE;
		front->tags.flags = BLK_MQ_F_SHOULD_MERGE | BLK_MQ_F_NO_SCHED_BY_DEFAULT;
		front->tags.driver_data = front;
		error = blk_mq_alloc_tag_set(&front->tags);
	}
	if (error) {
		destroy(front, true);
		return error;
	}
	dev_set_drvdata(&device->dev, front);
	/* A back-end that still serves a predecessor's rings lets go of them. */
	pvn_device_set_state(device, PVN_XENBUS_INITIALISING);
	return 0;
}

static void remove(struct pvn_device *device)
{
	struct blkfront *front = dev_get_drvdata(&device->dev);
	bool released;

	/* Without a back-end nothing in flight would ever come back. */
	mutex_lock(&front->lock);
	if (!front->connected)
		give_up(front);
	mutex_unlock(&front->lock);
	flush_work(&front->add);
	if (front->added)
		del_gendisk(front->disk);
	cancel_work_sync(&front->bury);
	give_up(front);
	pvn_device_set_state(device, PVN_XENBUS_CLOSED);
	released = pvn_device_wait_released(device);
	if (!released)
		dev_warn(&device->dev, "the back-end does not let go: its ring pages are given up\n");
	destroy(front, released);
}

static struct pvn_driver blkfront_driver = {
	.type = "blk",
	.probe = probe,
	.remove = remove,
	.otherend_changed = otherend_changed,
	.driver.name = "pvn_blkfront",
};
module_driver(blkfront_driver, pvn_driver_register, pvn_driver_unregister);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Paravane developers");
MODULE_DESCRIPTION("Paravane block front-end");
MODULE_ALIAS("pvn:blk");
