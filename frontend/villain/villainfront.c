// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_villainfront.ko: a block front-end that attacks its back-end. Built only when asked
 * for (make PVN_VILLAINS=m), for those who test a back-end of their own against a guest
 * that is not honest, from a Linux that they know:
 *
 *	insmod pvn_villainfront.ko
 *	echo blk-1 >/sys/bus/pvn/drivers/pvn_blkfront/unbind
 *	cat /sys/module/pvn_villainfront/parameters/attacks
 *	echo tail_beyond >/sys/module/pvn_villainfront/parameters/attack
 *	echo blk-1 >/sys/bus/pvn/drivers/pvn_villainfront/bind
 *	dmesg | tail -1; echo blk-1 >/sys/bus/pvn/drivers/pvn_villainfront/unbind
 *
 * It connects as a front-end does, attacks once, and says in the log what came of it:
 * "refused" (each request got a status other than 0), "broken" (the back-end gave the queue
 * up), "served" (status 0) or "silence". Which of these is right is told by the table.
 * tests/villains/villains.def has many more, from a guest without Linux.
 */
#define pr_fmt(fmt) "pvn_villainfront: " fmt

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include <pvn/abi/io/blk.h>

#include "pv-guest/pvn_bus.h"
#include "pv-guest/pvn_core.h"

#define ENTRIES	32u
#define WAIT	(2 * HZ)

struct villain {
	struct pvn_device *device;
	struct pvn_queue_front ring;
	void *pages;
	u8 *buffer;			/* a page */
	u32 channel;
	bool attacked;
	struct work_struct attack;
};

static char chosen[32] = "none";
module_param_string(attack, chosen, sizeof(chosen), 0644);
MODULE_PARM_DESC(attack, "what the next device that is bound does");

/* --- what can be done --- */

static struct pvn_blk_request request(struct villain *v)
{
	return (struct pvn_blk_request) {
		.op = PVN_BLK_READ, .segment_count = 1, .id = 1, .sector = 0,
		.gpa = { virt_to_phys(v->buffer) }, .bytes = { PAGE_SIZE },
	};
}

static void submit(struct villain *v, struct pvn_blk_request entry)
{
	pvn_front_push(&v->ring, &entry);
	pvn_front_publish(&v->ring);
}

static void set_tail(struct villain *v, u32 tail)
{
	v->ring.sq_tail = v->ring.sq_published = tail;	/* so that an answer is no surprise */
	pvn_ring_store(&v->ring.mine->sq_tail, tail);
}

#define REQUEST(name, change)						\
static void name(struct villain *v)					\
{									\
	struct pvn_blk_request entry = request(v);			\
									\
	change;								\
	submit(v, entry);						\
}

static void none(struct villain *v)
{
	submit(v, request(v));
}

static void tail_beyond(struct villain *v)
{
	set_tail(v, ENTRIES + 1);
}

static void tail_of_ones(struct villain *v)
{
	set_tail(v, ~0u);
}

static void tail_without_entries(struct villain *v)
{
	set_tail(v, 5);
}

static void epoch_changes(struct villain *v)
{
	pvn_ring_store(&v->ring.mine->epoch, ~v->ring.epoch);
	submit(v, request(v));
}

static void stamp_of_the_future(struct villain *v)
{
	submit(v, request(v));
	pvn_ring_store(&v->ring.sq[1].stamp, 2 + ENTRIES);
	set_tail(v, 2);
}

REQUEST(address_beyond, entry.gpa[0] = 1ull << 45)
REQUEST(address_of_ones, entry.gpa[0] = ~0ull)
REQUEST(address_odd, entry.gpa[0] += 3)
REQUEST(length_of_zero, entry.bytes[0] = 0)
REQUEST(length_huge, entry.bytes[0] = 0xfffffe00)
REQUEST(length_odd, entry.bytes[0] = 700)
REQUEST(segments_of_zero, entry.segment_count = 0)
REQUEST(segments_of_ones, entry.segment_count = 0xffff)
REQUEST(segments_elsewhere, entry.flags = PVN_BLK_FLAG_INDIRECT; entry.segment_count = 9;
	entry.gpa[0] = 1ull << 45)
REQUEST(sector_beyond, entry.sector = 1ull << 40)
REQUEST(sector_wraps, entry.sector = ~0ull - 3)
REQUEST(operation_unknown, entry.op = 200)
REQUEST(flags_unknown, entry.flags = 0x80)
REQUEST(reserved_words, entry.reserved = 1)

/* It changes what it submitted while the back-end looks at it. */
static void changes_after_publishing(struct villain *v)
{
	struct pvn_blk_request entry = request(v);
	unsigned long end = jiffies + HZ / 5;
	u32 *bytes = (u32 *)&v->ring.sq[0] + offsetof(struct pvn_blk_request, bytes) / 4;

	submit(v, entry);
	pvn_signal_event(v->channel, 0);
	while (time_before(jiffies, end))
		WRITE_ONCE(*bytes, get_random_u32());
}

static void storm(struct villain *v)
{
	unsigned int i;

	for (i = 0; i < 20000; i++)
		pvn_signal_event(v->channel, 0);
	submit(v, request(v));
}

enum outcome { SILENCE, SERVED, REFUSED, BROKEN, EITHER };

static const char *const words[] = { "silence", "served", "refused", "broken", "served or refused" };

static const struct attack {
	const char *name;
	void (*run)(struct villain *v);
	enum outcome right;
} attacks[] = {
#define ATTACK(name, right) { #name, name, right }
	ATTACK(none, SERVED), ATTACK(tail_beyond, BROKEN), ATTACK(tail_of_ones, BROKEN),
	ATTACK(tail_without_entries, BROKEN), ATTACK(epoch_changes, BROKEN),
	ATTACK(stamp_of_the_future, BROKEN), ATTACK(address_beyond, REFUSED),
	ATTACK(address_of_ones, REFUSED), ATTACK(address_odd, REFUSED),
	ATTACK(length_of_zero, REFUSED), ATTACK(length_huge, REFUSED), ATTACK(length_odd, REFUSED),
	ATTACK(segments_of_zero, REFUSED), ATTACK(segments_of_ones, REFUSED),
	ATTACK(segments_elsewhere, REFUSED), ATTACK(sector_beyond, REFUSED),
	ATTACK(sector_wraps, REFUSED), ATTACK(operation_unknown, REFUSED),
	ATTACK(flags_unknown, REFUSED), ATTACK(reserved_words, REFUSED),
	ATTACK(changes_after_publishing, EITHER), ATTACK(storm, SERVED),
};

static int list_attacks(char *buffer, const struct kernel_param *param)
{
	int bytes = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attacks); i++)
		bytes += sysfs_emit_at(buffer, bytes, "%s\n", attacks[i].name);
	return bytes;
}

static const struct kernel_param_ops list_ops = { .get = list_attacks };
module_param_cb(attacks, &list_ops, NULL, 0444);
MODULE_PARM_DESC(attacks, "their names");

/* --- what came of it --- */

static enum outcome wait_for_outcome(struct villain *v)
{
	unsigned long end = jiffies + WAIT;
	struct pvn_cqe answer;

	do {
		if (pvn_front_next(&v->ring, &answer))
			return answer.status ? REFUSED : SERVED;
		if (READ_ONCE(v->ring.peer->error))
			return BROKEN;
		msleep(5);
	} while (time_before(jiffies, end));
	return SILENCE;
}

static void attack_work(struct work_struct *work)
{
	struct villain *v = container_of(work, struct villain, attack);
	enum outcome outcome;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attacks); i++)
		if (sysfs_streq(chosen, attacks[i].name))
			break;
	if (i == ARRAY_SIZE(attacks)) {
		dev_err(&v->device->dev, "there is no attack %s\n", chosen);
		return;
	}
	attacks[i].run(v);
	pvn_signal_event(v->channel, 0);
	outcome = wait_for_outcome(v);
	dev_info(&v->device->dev, "attack %s: %s, %s\n", attacks[i].name, words[outcome],
		 outcome == attacks[i].right ||
		 (attacks[i].right == EITHER && (outcome == SERVED || outcome == REFUSED)) ?
		 "as it should be" : "WRONG");
}

/* --- a front-end's life --- */

static void announce(struct villain *v)
{
	struct pvn_device *device = v->device;
	u32 epoch = get_random_u32() | 1;

	memset(v->pages, 0, pvn_ring_bytes(ENTRIES));
	pvn_front_init(&v->ring, v->pages, ENTRIES, epoch);
	if (pvn_device_write_ring(device, 0, "", v->pages, ENTRIES) ||
	    pvn_store_printf(device->node, "protocol", "%u", PVN_BLK_PROTOCOL) ||
	    pvn_store_printf(device->node, "queue-count", "1") ||
	    pvn_store_printf(device->node, "epoch", "%u", epoch) ||
	    pvn_device_set_state(device, PVN_XENBUS_INITIALISED))
		dev_err(&device->dev, "the ring cannot be announced\n");
}

static void otherend_changed(struct pvn_device *device, enum pvn_xenbus_state state)
{
	struct villain *v = dev_get_drvdata(&device->dev);

	if (v->attacked)
		return;
	if (state == PVN_XENBUS_INIT_WAIT) {
		announce(v);
	} else if (state == PVN_XENBUS_CONNECTED && device->state == PVN_XENBUS_INITIALISED) {
		v->attacked = true;
		pvn_device_set_state(device, PVN_XENBUS_CONNECTED);
		schedule_work(&v->attack);
	}
}

static int probe(struct pvn_device *device)
{
	struct villain *v = devm_kzalloc(&device->dev, sizeof(*v), GFP_KERNEL);
	int error = v ? pvn_device_channel(device, 0, &v->channel) : -ENOMEM;

	if (error)
		return error;
	v->device = device;
	INIT_WORK(&v->attack, attack_work);
	v->buffer = (u8 *)get_zeroed_page(GFP_KERNEL);
	v->pages = alloc_pages_exact(pvn_ring_bytes(ENTRIES), GFP_KERNEL | __GFP_ZERO);
	dev_set_drvdata(&device->dev, v);
	if (v->buffer && v->pages)
		return pvn_device_set_state(device, PVN_XENBUS_INITIALISING);
	free_page((unsigned long)v->buffer);
	if (v->pages)
		free_pages_exact(v->pages, pvn_ring_bytes(ENTRIES));
	return -ENOMEM;
}

static void remove(struct pvn_device *device)
{
	struct villain *v = dev_get_drvdata(&device->dev);

	cancel_work_sync(&v->attack);
	if (!pvn_device_close(device))
		return;
	free_page((unsigned long)v->buffer);
	free_pages_exact(v->pages, pvn_ring_bytes(ENTRIES));
}

static struct pvn_driver villain_driver = {
	.type = "blk",
	.probe = probe,
	.remove = remove,
	.otherend_changed = otherend_changed,
	.driver.name = "pvn_villainfront",
};
module_driver(villain_driver, pvn_driver_register, pvn_driver_unregister);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Paravane developers");
MODULE_DESCRIPTION("Paravane block front-end that attacks its back-end");
