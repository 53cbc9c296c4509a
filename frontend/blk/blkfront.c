// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_blkfront.ko: disks served by pvn-blkd, as /dev/pvda and so on. This file
 * is their life: rings announced, connected, lost and connected again. Requests
 * are in blkfront_io.c, the disk in blkfront_disk.c, keys and states in
 * pvn/abi/io/blk.h.
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

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "frontend/blk/blkfront.h"
#include "pv-guest/pvn_core.h"

#define REMOVE_WAIT (2 * HZ)

static unsigned int ring_entries = 128;
module_param(ring_entries, uint, 0444);
MODULE_PARM_DESC(ring_entries, "requests in flight per queue, a power of two from 4 to 256");

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

/*
 * What does not end by itself fails only when the back-end has let go: a page of a request
 * that is over may be used for something else.
 */
static bool abandon(struct blkfront *front)
{
	bool released;

	hold(front);
	WRITE_ONCE(front->dead, true);
	released = pvn_device_close(front->device);
	give_up(front);
	return released;
}

/*
 * The disk goes, and somebody still writes to it. As long as the back-end answers there
 * is progress; one that does not is waited for no longer.
 */
static void had_enough(struct work_struct *work)
{
	struct blkfront *front = container_of(to_delayed_work(work), struct blkfront, enough);
	u64 answered = 0;
	unsigned int i;

	for (i = 0; i < front->queue_count; i++)
		answered += READ_ONCE(front->queues[i].ring.queue.counters.completed);
	if (answered != front->answered) {
		front->answered = answered;
		schedule_delayed_work(&front->enough, REMOVE_WAIT);
		return;
	}
	mutex_lock(&front->lock);
	if (!front->dead)
		abandon(front);
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
	error = blkfront_init_poll(queue);
	if (!error)
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
	blkfront_end_poll(queue);
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

/* --- connection --- */

static bool is_served(struct blkfront *front)
{
	unsigned int i;

	for (i = 0; i < front->queue_count; i++)
		if (pvn_ring_load(&front->queues[i].ring.queue.peer->epoch) != front->epoch)
			return false;
	return true;
}

static void add_disk_work(struct work_struct *work)
{
	struct blkfront *front = container_of(work, struct blkfront, add);

	blkfront_add_disk(front);
	WRITE_ONCE(front->adding, false);
	smp_mb();	/* pairs with unplug(): one of us sees what the other wrote */
	if (READ_ONCE(front->leaving))
		blkfront_leave_soon(front);
}

/* (b) The back-end is connected: to these rings, or it will say so again. */
static void connect(struct blkfront *front)
{
	bool first = !front->disk;
	unsigned int i;

	if (front->connected) {
		blkfront_update_size(front);
		return;
	}
	if (front->device->state != PVN_XENBUS_INITIALISED || !is_served(front))
		return;
	if (first && blkfront_create_disk(front)) {
		dev_err(&front->device->dev, "there is no memory for the disk\n");
		return;
	}
	blkfront_update_size(front);
	WRITE_ONCE(front->connected, true);
	pvn_device_set_state(front->device, PVN_XENBUS_CONNECTED);
	for (i = 0; i < front->queue_count; i++)
		blkfront_publish(&front->queues[i]);
	let_go(front);
	if (!first)
		return;
	WRITE_ONCE(front->adding, true);
	queue_work(system_unbound_wq, &front->add);
}

/*
 * The parent unplugs the disk. As long as somebody has it open it stays. So it does
 * while it is being added, which reads from it: waiting for that here would leave it to
 * the back-end how long the bus stands still.
 */
static void unplug(struct blkfront *front)
{
	WRITE_ONCE(front->leaving, true);
	smp_mb();	/* pairs with add_disk_work() */
	if (front->dead || READ_ONCE(front->adding))
		return;
	if (front->disk && disk_openers(front->disk)) {
		dev_warn(&front->device->dev, "%s is in use: it goes when it is closed\n",
			 front->disk->disk_name);
		return;
	}
	if (front->added)
		del_gendisk(front->disk);
	front->added = false;
	WRITE_ONCE(front->dead, true);
	pvn_device_set_state(front->device, PVN_XENBUS_CLOSED);
}

void blkfront_leave_soon(struct blkfront *front)
{
	schedule_work(&front->leave);
}

static void leave(struct work_struct *work)
{
	struct blkfront *front = container_of(work, struct blkfront, leave);

	mutex_lock(&front->lock);
	unplug(front);
	mutex_unlock(&front->lock);
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
		error = pvn_event_register(front->queues[i].channel, blkfront_complete,
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
	INIT_WORK(&front->leave, leave);
	INIT_DELAYED_WORK(&front->enough, had_enough);
	error = create_queues(front);
	if (!error) {
		front->tags.ops = &blkfront_mq_ops;
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

/* Without a back-end nothing in flight would ever come back. */
static bool drains(struct blkfront *front)
{
	unsigned long end = jiffies + REMOVE_WAIT;
	unsigned int i;

	for (i = 0; i < front->queue_count; i++)
		while (READ_ONCE(front->queues[i].ring.in_flight)) {
			if (!front->connected || time_after(jiffies, end))
				return false;
			msleep(10);
		}
	return front->connected;
}

static void remove(struct pvn_device *device)
{
	struct blkfront *front = dev_get_drvdata(&device->dev);
	bool released = false, added;

	cancel_work_sync(&front->leave);
	mutex_lock(&front->lock);
	if (!front->dead && !drains(front))
		released = abandon(front);
	mutex_unlock(&front->lock);
	flush_work(&front->add);
	cancel_work_sync(&front->leave);
	/* Whoever closes the disk now finds that it is being removed already. */
	mutex_lock(&front->lock);
	added = front->added;
	front->added = false;
	mutex_unlock(&front->lock);
	schedule_delayed_work(&front->enough, REMOVE_WAIT);
	if (added)
		del_gendisk(front->disk);
	cancel_delayed_work_sync(&front->enough);
	blkfront_forget_disk(front);
	cancel_work_sync(&front->leave);
	mutex_lock(&front->lock);
	give_up(front);
	mutex_unlock(&front->lock);
	/* Only now: a dead disk's ring, broken or not, asks for no funeral any more. */
	cancel_work_sync(&front->bury);
	if (!released)
		released = pvn_device_close(device);
	destroy(front, released);
}

/* What is in flight ends, as far as it does; the rest stays where it is. */
static void quiesce(struct pvn_device *device)
{
	struct blkfront *front = dev_get_drvdata(&device->dev);

	mutex_lock(&front->lock);
	hold(front);
	if (!front->dead)
		drains(front);
	WRITE_ONCE(front->dead, true);
	mutex_unlock(&front->lock);
	pvn_device_close(device);
}

static struct pvn_driver blkfront_driver = {
	.type = "blk",
	.probe = probe,
	.remove = remove,
	.quiesce = quiesce,
	.otherend_changed = otherend_changed,
	.driver.name = "pvn_blkfront",
};
module_driver(blkfront_driver, pvn_driver_register, pvn_driver_unregister);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Paravane developers");
MODULE_DESCRIPTION("Paravane block front-end");
MODULE_ALIAS("pvn:blk");
