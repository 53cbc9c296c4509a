// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_entropyfront.ko: random bytes of the root as one more source of /dev/hwrng. The
 * sample front-end of docs/write-a-driver.md; keys and states: pvn/abi/io/entropy.h.
 *
 * front->lock: the ring and the one request that is in flight. Also from the interrupt.
 */
#define pr_fmt(fmt) "pvn_entropyfront: " fmt

#include <linux/completion.h>
#include <linux/hw_random.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <pvn/abi/io/entropy.h>

#include "pv-guest/pvn_bus.h"
#include "pv-guest/pvn_core.h"

#define SHARED_BYTES (PAGE_SIZE + pvn_ring_bytes(PVN_ENTROPY_ENTRIES))

struct entropy_front {
	struct pvn_device *device;
	struct hwrng source;
	u32 channel, epoch, id;
	spinlock_t lock;
	struct pvn_queue_front ring;
	u8 *buffer;			/* a page that the back-end fills, and the ring behind it */
	u32 asked;			/* bytes in flight; 0: none */
	u32 got;
	bool connected;
	struct completion answered;
};

/* With the lock. True: ring the back-end. */
static bool ask(struct entropy_front *front)
{
	const struct pvn_entropy_request request = {
		.id = ++front->id, .gpa = virt_to_phys(front->buffer), .bytes = front->asked,
	};

	pvn_front_push(&front->ring, &request);
	return pvn_front_publish(&front->ring);
}

/* The doorbell, interrupts off. An answer counts if it is to what was asked. */
static void hear_doorbell(void *context)
{
	struct entropy_front *front = context;
	struct pvn_cqe answer;

	spin_lock(&front->lock);
	do {
		while (pvn_front_next(&front->ring, &answer)) {
			if (!front->asked || answer.id != front->id || answer.value > front->asked) {
				pvn_front_break(&front->ring, PVN_RING_BAD_ID);
				break;
			}
			front->got = answer.status == PVN_ENTROPY_OK ? answer.value : 0;
			front->asked = 0;
			complete(&front->answered);
		}
	} while (pvn_front_arm(&front->ring, 1));
	spin_unlock(&front->lock);
}

/* One reader at a time: hwrng's core sees to that. */
static int read_bytes(struct hwrng *source, void *to, size_t bytes, bool wait)
{
	struct entropy_front *front = container_of(source, struct entropy_front, source);
	bool ring = false, ready;

	spin_lock_irq(&front->lock);
	ready = front->connected && !front->ring.broken && !front->asked;
	if (ready && !front->got) {
		reinit_completion(&front->answered);
		front->asked = min_t(size_t, bytes, PVN_ENTROPY_BYTES_MAX);
		ring = ask(front);
	}
	spin_unlock_irq(&front->lock);
	if (ring)
		pvn_signal_event(front->channel, 0);
	if (ready && wait)	/* a back-end may take its time; a reader may be killed */
		wait_for_completion_killable_timeout(&front->answered, HZ);
	spin_lock_irq(&front->lock);
	bytes = front->asked ? 0 : min_t(size_t, bytes, front->got);
	memcpy(to, front->buffer, bytes);
	if (!front->asked)
		front->got = 0;
	spin_unlock_irq(&front->lock);
	if (front->ring.broken)
		dev_err_once(&front->device->dev, "the back-end broke the rules of the ring\n");
	return bytes ?: -EAGAIN;
}

/* The back-end waits for a ring: a new one, with what was not answered in it. */
static void announce(struct entropy_front *front)
{
	struct pvn_device *device = front->device;

	spin_lock_irq(&front->lock);
	front->connected = false;
	memset(front->buffer + PAGE_SIZE, 0, pvn_ring_bytes(PVN_ENTROPY_ENTRIES));
	pvn_front_init(&front->ring, front->buffer + PAGE_SIZE, PVN_ENTROPY_ENTRIES,
		       ++front->epoch ?: 1);
	if (front->asked)
		ask(front);
	pvn_front_arm(&front->ring, 1);
	spin_unlock_irq(&front->lock);
	if (pvn_device_write_ring(device, 0, "", front->buffer + PAGE_SIZE, PVN_ENTROPY_ENTRIES) ||
	    pvn_store_printf(device->node, "protocol", "%u", PVN_ENTROPY_PROTOCOL) ||
	    pvn_store_printf(device->node, "queue-count", "1") ||
	    pvn_store_printf(device->node, "epoch", "%u", front->ring.epoch) ||
	    pvn_device_set_state(device, PVN_XENBUS_INITIALISED))
		dev_err(&device->dev, "the ring cannot be announced in the store\n");
}

static void otherend_changed(struct pvn_device *device, enum pvn_xenbus_state state)
{
	struct entropy_front *front = dev_get_drvdata(&device->dev);

	if (state == PVN_XENBUS_INIT_WAIT) {
		announce(front);
	} else if (state == PVN_XENBUS_CONNECTED && device->state == PVN_XENBUS_INITIALISED &&
		   pvn_ring_load(&front->ring.peer->epoch) == front->ring.epoch) {
		front->connected = true;
		pvn_device_set_state(device, PVN_XENBUS_CONNECTED);
		pvn_signal_event(front->channel, 0);	/* it may have begun to sleep before we asked */
	} else if (state == PVN_XENBUS_CLOSING) {
		front->connected = false;
		pvn_device_set_state(device, PVN_XENBUS_CLOSED);
	}
}

static int probe(struct pvn_device *device)
{
	struct entropy_front *front = devm_kzalloc(&device->dev, sizeof(*front), GFP_KERNEL);
	int error = front ? pvn_device_channel(device, 0, &front->channel) : -ENOMEM;

	if (error)
		return error;
	front->device = device;
	front->source = (struct hwrng) { .name = "paravane", .read = read_bytes };
	spin_lock_init(&front->lock);
	init_completion(&front->answered);
	front->buffer = alloc_pages_exact(SHARED_BYTES, GFP_KERNEL | __GFP_ZERO);
	if (!front->buffer)
		return -ENOMEM;
	pvn_front_init(&front->ring, front->buffer + PAGE_SIZE, PVN_ENTROPY_ENTRIES, 0);
	dev_set_drvdata(&device->dev, front);
	error = pvn_event_register(front->channel, hear_doorbell, front);
	if (!error) {
		error = hwrng_register(&front->source);
		if (!error)
			return pvn_device_set_state(device, PVN_XENBUS_INITIALISING);
		pvn_event_unregister(front->channel);
	}
	free_pages_exact(front->buffer, SHARED_BYTES);
	return error;
}

static void remove(struct pvn_device *device)
{
	struct entropy_front *front = dev_get_drvdata(&device->dev);

	hwrng_unregister(&front->source);
	pvn_event_unregister(front->channel);
	if (pvn_device_close(device))	/* or it may still write: the pages are given up */
		free_pages_exact(front->buffer, SHARED_BYTES);
}

static struct pvn_driver entropy_driver = {
	.type = "entropy",
	.probe = probe,
	.remove = remove,
	.otherend_changed = otherend_changed,
	.driver.name = "pvn_entropyfront",
};
module_driver(entropy_driver, pvn_driver_register, pvn_driver_unregister);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Paravane developers");
MODULE_DESCRIPTION("Paravane entropy front-end");
MODULE_ALIAS("pvn:entropy");
