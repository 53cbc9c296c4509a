// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_consfront.ko: consoles served by pvn-consoled, as /dev/hvc0 and so on.
 * With console=hvc0, Linux replays what it printed before this module came.
 * The rings are those of pvn/abi/io/console.h; they are there from the start,
 * so output is kept (32 KiB of it) until a back-end attaches.
 *
 * A guest must not hang because nobody takes its output: when the ring has been
 * full for PATIENCE_NS without any progress, output is dropped and counted until
 * there is room again.
 *
 * console->lock protects both directions; it is taken from any context, also by
 * printk in a panic, when its owner may have been stopped for good.
 */
#define pr_fmt(fmt) "pvn_consfront: " fmt

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include <pvn/abi/io/console.h>

#include "frontend/console/hvc.h"
#include "pv-guest/pvn_bus.h"
#include "pv-guest/pvn_core.h"

#define CONSOLES_MAX	8
#define OUT_BYTES	32768u
#define VTERM_FIRST	0x50560000u
#define PATIENCE_NS	(200 * NSEC_PER_MSEC)
#define LAST_WORDS_MS	200

struct console_front {
	struct pvn_device *device;
	struct hvc_struct *hvc;
	u32 channel;
	u32 epoch;
	raw_spinlock_t lock;
	struct pvn_console_front *shared;	/* the block, contiguous */
	const struct pvn_console_back *peer;
	struct pvn_bytes_out output;
	struct pvn_bytes_in input;
	bool reported;				/* that the back-end broke the ring */
	struct irq_work report;
	u64 full_since;				/* ns; 0: there was room last time */
	u32 full_head;				/* the peer's progress at that time */
	u32 dropped;
};

/* By device number: hvc knows a console by number only. */
static struct console_front *consoles[CONSOLES_MAX];

static struct console_front *find(u32 vtermno)
{
	u32 id = vtermno - VTERM_FIRST;

	return id < CONSOLES_MAX ? READ_ONCE(consoles[id]) : NULL;
}

/* False: only when a panic finds the lock held by a CPU that is stopped. */
static bool lock(struct console_front *console, unsigned long *flags)
{
	if (!oops_in_progress) {
		raw_spin_lock_irqsave(&console->lock, *flags);
		return true;
	}
	return raw_spin_trylock_irqsave(&console->lock, *flags);
}

/* Not under the lock: the words take the same way. From whatever printk comes from. */
static void report_broken(struct irq_work *work)
{
	struct console_front *console = container_of(work, struct console_front, report);

	dev_err(&console->device->dev,
		"the back-end broke the rules of the ring (reasons %d, %d): output is dropped until it starts over\n",
		console->output.broken, console->input.broken);
}

static void unlock(struct console_front *console, unsigned long flags, bool notify)
{
	bool report = (console->output.broken || console->input.broken) && !console->reported &&
		      !oops_in_progress;

	console->reported |= report;
	if (report)
		irq_work_queue(&console->report);
	raw_spin_unlock_irqrestore(&console->lock, flags);
	if (notify)
		pvn_signal_event(console->channel, 0);
}

/* The ring is full: wait a little longer? Called with the lock. */
static bool is_patient(struct console_front *console)
{
	u64 now = ktime_get_mono_fast_ns();
	u32 head = pvn_ring_load(console->output.head);

	if (console->output.broken)
		return false;
	if (!console->full_since || head != console->full_head) {
		console->full_since = now;
		console->full_head = head;
	}
	return now - console->full_since < PATIENCE_NS;
}

static hvc_result put_chars(u32 vtermno, const hvc_char *bytes, hvc_count count)
{
	struct console_front *console = find(vtermno);
	bool notify = false;
	unsigned long flags;
	hvc_result done;

	if (!console || !lock(console, &flags))
		return count;
	done = pvn_bytes_write(&console->output, bytes, count, &notify);
	if (done) {
		console->full_since = 0;
	} else if (count && is_patient(console)) {
		/* hvc comes back by itself; the doorbell makes it come sooner. */
		done = pvn_bytes_arm_space(&console->output) ? 0 : -EAGAIN;
		if (!done)
			done = pvn_bytes_write(&console->output, bytes, count, &notify);
	} else if (count) {
		console->dropped += count;
		pvn_ring_store(&console->shared->dropped, console->dropped);
		done = count;
	}
	unlock(console, flags, notify);
	return done ?: -EAGAIN;
}

static hvc_result get_chars(u32 vtermno, hvc_char *bytes, hvc_count count)
{
	struct console_front *console = find(vtermno);
	bool notify = false;
	unsigned long flags;
	hvc_result done;

	if (!console || !lock(console, &flags))
		return 0;
	done = pvn_bytes_read(&console->input, bytes, count, &notify);
	if (!done && pvn_bytes_arm(&console->input))
		done = pvn_bytes_read(&console->input, bytes, count, &notify);
	unlock(console, flags, notify);
	return done;
}

/*
 * hvc keeps using console_ops as long as somebody has the terminal open, and
 * knows nothing about modules: an open terminal holds the module.
 */
static int terminal_opened(struct hvc_struct *hvc, int irq)
{
	return try_module_get(THIS_MODULE) ? 0 : -ENODEV;
}

static void terminal_closed(struct hvc_struct *hvc, int irq)
{
	module_put(THIS_MODULE);
}

/*
 * A hangup ends the use, unless it comes from remove(): then hvc may find its
 * dead terminal again when somebody opens it, and the module has to stay.
 */
static void terminal_hung_up(struct hvc_struct *hvc, int irq)
{
	unsigned int i;

	for (i = 0; i < CONSOLES_MAX; i++)
		if (consoles[i] && consoles[i]->hvc == hvc)
			module_put(THIS_MODULE);
}

static const struct hv_ops console_ops = {
	.get_chars = get_chars,
	.put_chars = put_chars,
	.notifier_add = terminal_opened,
	.notifier_del = terminal_closed,
	.notifier_hangup = terminal_hung_up,
};

static void hear_doorbell(void *context)
{
	struct console_front *console = context;
	struct hvc_struct *hvc = READ_ONCE(console->hvc);

	if (hvc && hvc_poll(hvc))
		hvc_kick();
}

/* --- conversation in the store --- */

/*
 * The back-end has let go of a ring that it broke: its counters mean nothing, nor do
 * the bytes between them. Both ends begin again with an empty one.
 */
static void renew_broken_ring(struct console_front *console)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&console->lock, flags);
	if (console->output.broken || console->input.broken) {
		memset(console->shared, 0, pvn_console_bytes(OUT_BYTES));
		pvn_console_front_init(console->shared, OUT_BYTES, &console->output,
				       &console->input);
		console->full_since = 0;
		console->reported = false;
	}
	raw_spin_unlock_irqrestore(&console->lock, flags);
}

static void announce(struct console_front *console)
{
	const char *node = console->device->node;
	int error;

	renew_broken_ring(console);
	if (!++console->epoch)
		console->epoch = 1;
	pvn_ring_store(&console->shared->epoch, console->epoch);
	error = pvn_store_printf(node, "protocol", "%u", PVN_CONSOLE_PROTOCOL);
	if (!error)
		error = pvn_store_printf(node, "queue-count", "1");
	if (!error)
		error = pvn_store_printf(node, "queue-0/ring-gpa", "0x%llx",
					 (u64)virt_to_phys(console->shared));
	if (!error)
		error = pvn_store_printf(node, "queue-0/ring-bytes", "%u", OUT_BYTES);
	if (!error)
		error = pvn_store_printf(node, "epoch", "%u", console->epoch);
	if (!error)
		error = pvn_device_set_state(console->device, PVN_XENBUS_INITIALISED);
	if (error)
		dev_err(&console->device->dev, "the ring cannot be announced in the store (%d)\n",
			error);
}

/* Bytes may have been waiting on either side before they knew each other. */
static void wake_both(struct console_front *console)
{
	pvn_signal_event(console->channel, 0);
	hvc_kick();
}

static void otherend_changed(struct pvn_device *device, enum pvn_xenbus_state state)
{
	struct console_front *console = dev_get_drvdata(&device->dev);

	switch (state) {
	case PVN_XENBUS_INIT_WAIT:
		announce(console);
		break;
	case PVN_XENBUS_CONNECTED:
		if (device->state != PVN_XENBUS_INITIALISED ||
		    pvn_ring_load(&console->peer->epoch) != console->epoch)
			break;
		pvn_device_set_state(device, PVN_XENBUS_CONNECTED);
		wake_both(console);
		break;
	case PVN_XENBUS_CLOSING:
		pvn_device_set_state(device, PVN_XENBUS_CLOSED);
		break;
	default:
		break;
	}
}

/* --- start and end --- */

static int create(struct console_front *console)
{
	struct pvn_device *device = console->device;
	u64 channel;
	int error;

	raw_spin_lock_init(&console->lock);
	init_irq_work(&console->report, report_broken);
	error = pvn_store_read_u64(device->node, "queue-0/channel", &channel);
	if (error || channel >= PVN_EVENT_FLAGS_PER_SINT) {
		dev_err(&device->dev, "%s/queue-0/channel names no channel\n", device->node);
		return error ?: -EINVAL;
	}
	console->channel = channel;
	console->shared = alloc_pages_exact(pvn_console_bytes(OUT_BYTES), GFP_KERNEL | __GFP_ZERO);
	if (!console->shared)
		return -ENOMEM;
	console->peer = (void *)console->shared + PAGE_SIZE + OUT_BYTES;
	pvn_console_front_init(console->shared, OUT_BYTES, &console->output, &console->input);
	return pvn_event_register(console->channel, hear_doorbell, console);
}

static void destroy(struct console_front *console, bool pages_too)
{
	if (console->shared && pages_too)
		free_pages_exact(console->shared, pvn_console_bytes(OUT_BYTES));
	kfree(console);
}

static int probe(struct pvn_device *device)
{
	struct console_front *console;
	struct hvc_struct *hvc;
	int error;

	if (device->id >= CONSOLES_MAX)
		return -ENOSPC;
	console = kzalloc(sizeof(*console), GFP_KERNEL);
	if (!console)
		return -ENOMEM;
	console->device = device;
	error = create(console);
	if (error) {
		destroy(console, true);
		return error;
	}
	dev_set_drvdata(&device->dev, console);
	WRITE_ONCE(consoles[device->id], console);
	hvc = hvc_alloc(VTERM_FIRST + device->id, 0, &console_ops, PAGE_SIZE);
	if (IS_ERR(hvc)) {
		WRITE_ONCE(consoles[device->id], NULL);
		pvn_event_unregister(console->channel);
		destroy(console, true);
		return PTR_ERR(hvc);
	}
	WRITE_ONCE(console->hvc, hvc);
	/* A back-end that still serves a predecessor's ring lets go of it. */
	pvn_device_set_state(device, PVN_XENBUS_INITIALISING);
	return 0;
}

static void remove(struct pvn_device *device)
{
	struct console_front *console = dev_get_drvdata(&device->dev);

	/* The handler goes before the console that it polls. */
	pvn_event_unregister(console->channel);
	WRITE_ONCE(consoles[device->id], NULL);
	hvc_remove(console->hvc);
	irq_work_sync(&console->report);
	destroy(console, pvn_device_close(device));
}

/* The last words are still read, if the back-end reads at all; later ones are lost. */
static void quiesce(struct pvn_device *device)
{
	struct console_front *console = dev_get_drvdata(&device->dev);
	unsigned int ms;

	for (ms = 0; ms < LAST_WORDS_MS; ms += 10) {
		if (pvn_ring_load(console->output.head) == console->output.written)
			break;
		msleep(10);
	}
	WRITE_ONCE(consoles[device->id], NULL);
	pvn_device_close(device);
}

static struct pvn_driver console_driver = {
	.type = "console",
	.probe = probe,
	.remove = remove,
	.quiesce = quiesce,
	.otherend_changed = otherend_changed,
	.driver.name = "pvn_consfront",
};
module_driver(console_driver, pvn_driver_register, pvn_driver_unregister);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Paravane developers");
MODULE_DESCRIPTION("Paravane console front-end");
MODULE_ALIAS("pvn:console");
