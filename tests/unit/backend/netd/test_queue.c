// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * How pvn-netd takes turns with a queue (backend/netd/queue.c): the guest's end is
 * the guest's own netfront_ring.c, the wire is in this program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/net/netfront_ring.h"
#include "netd/queue.h"

enum {
	ENTRIES = 64,
	EPOCH = 3,
	FRAME = 60000,
	PAGE = 4096,
};

#define GPA	0x100000ull
#define BYTES	(4ull << 20)

static uint8_t *ram;
static struct pvn_guest_memory memory;
static struct net_interface interface;
static struct net_queue queue;
static struct netfront_ring tx, rx;
static struct netfront_slot tx_slots[ENTRIES], rx_slots[ENTRIES];
static unsigned int waiting;	/* frames of FRAME bytes at the wire's far end */

static bool take(struct wire *wire, unsigned int index, const struct net_frame *frame)
{
	(void)wire;
	(void)index;
	return frame->bytes == FRAME;
}

static size_t give(struct wire *wire, unsigned int index, const struct iovec *part,
		   unsigned int count)
{
	size_t room = 0;
	unsigned int i;

	(void)wire;
	(void)index;
	for (i = 1; i < count; i++)
		room += part[i].iov_len;
	if (!waiting)
		return 0;
	waiting--;
	assert_true(room >= FRAME);
	return part[0].iov_len + FRAME;
}

static const struct wire_ops ops = { .send = take, .receive = give };

static int setup(void **state)
{
	(void)state;
	ram = aligned_alloc(PAGE, BYTES);
	memset(ram, 0, BYTES);
	memset(&memory, 0, sizeof(memory));
	pvn_memory_add(&memory, GPA, BYTES, ram);
	interface = (struct net_interface){
		.wire = { .ops = &ops }, .link = true, .memory = &memory,
		.offers = { .mtu = 1500, .csum = true, .tso4 = true },
		.takes = { .csum = true, .tso4 = true },
	};
	memset(tx_slots, 0, sizeof(tx_slots));
	memset(rx_slots, 0, sizeof(rx_slots));
	netfront_ring_init(&tx, tx_slots, ENTRIES);
	netfront_ring_init(&rx, rx_slots, ENTRIES);
	netfront_ring_connect(&tx, ram, EPOCH);
	netfront_ring_connect(&rx, ram + 65536, EPOCH);
	memset(&queue, 0, sizeof(queue));
	queue.interface = &interface;
	waiting = 0;
	return !net_queue_attach(&queue, ram, ENTRIES, ram + 65536, ENTRIES, EPOCH);
}

static int teardown(void **state)
{
	(void)state;
	free(ram);
	return 0;
}

static void submit(unsigned int count)
{
	while (count--) {
		struct netfront_slot *slot = netfront_begin(&tx, PVN_NET_SEND);

		assert_true(netfront_add(slot, GPA + (1 << 20), FRAME));
		slot->request.flags = PVN_NET_FLAG_CSUM;
		slot->request.offload = (struct pvn_net_offload){
			.gso = PVN_NET_GSO_TCP4, .header_bytes = 54, .gso_size = 1460,
			.csum_start = 34, .csum_offset = 16,
		};
		assert_true(netfront_submit(&tx, slot, slot));
	}
	pvn_front_publish(&tx.queue);
}

static void offer_pages(void)
{
	struct netfront_slot *slot;
	unsigned int i = 0;

	while ((slot = netfront_begin(&rx, PVN_NET_BUFFER))) {
		netfront_add(slot, GPA + (2 << 20) + i++ * PAGE, PAGE);
		netfront_submit(&rx, slot, slot);
	}
	pvn_front_publish(&rx.queue);
}

static unsigned int count_done(struct netfront_ring *ring)
{
	struct netfront_done done;
	unsigned int count = 0;

	while (netfront_next(ring, &done)) {
		assert_int_equal(done.status, PVN_NET_OK);
		count++;
	}
	return count;
}

static void a_turn_ends_after_its_bytes(void **state)
{
	const struct net_turn turn = { .frames = 64, .bytes = 2 * FRAME };

	(void)state;
	submit(7);
	assert_true(net_queue_send(&queue, &turn));
	assert_int_equal(count_done(&tx), 2);
	assert_true(net_queue_send(&queue, &turn));
	assert_true(net_queue_send(&queue, &turn));
	assert_true(net_queue_send(&queue, &turn));
	assert_int_equal(count_done(&tx), 5);
	assert_false(net_queue_send(&queue, &turn));
}

static void a_turn_ends_after_its_frames(void **state)
{
	const struct net_turn turn = { .frames = 3, .bytes = UINT32_MAX };

	(void)state;
	submit(5);
	assert_true(net_queue_send(&queue, &turn));
	assert_int_equal(count_done(&tx), 3);
}

static void what_comes_back_is_delivered_between_two_turns(void **state)
{
	const struct net_turn turn = { .frames = 64, .bytes = FRAME };

	(void)state;
	offer_pages();
	waiting = 3;
	submit(10);
	assert_true(net_queue_send(&queue, &turn));
	assert_true(net_queue_receive(&queue, &turn));
	assert_int_equal(waiting, 2);
	assert_int_equal(count_done(&tx), 1);
	/* Whole pages but for the last, and what describes the frame in front. */
	assert_int_equal(count_done(&rx), (FRAME + sizeof(struct pvn_net_received) + PAGE - 1) / PAGE);
}

static void nothing_is_read_from_the_wire_that_has_no_room(void **state)
{
	const struct net_turn turn = { .frames = 64, .bytes = UINT32_MAX };
	bool hungry = true;

	(void)state;
	offer_pages();
	waiting = 9;
	assert_true(net_queue_receive(&queue, &turn));
	/* Each takes 15 of the 64 pages; before the fifth, 4 are left, and it may need 17. */
	assert_int_equal(waiting, 5);
	net_queue_arm(&queue, &hungry);
	assert_false(hungry);
	assert_int_equal(net_queue_broken(&queue), PVN_RING_OK);
}

/* The front-end asked for many; the wire has few, and then no more. */
static void the_guest_is_told_of_few_frames_when_no_more_come(void **state)
{
	const struct net_turn turn = { .frames = 2, .bytes = 1 << 30 };

	(void)state;
	offer_pages();
	assert_false(pvn_front_arm_group(&rx.queue, ENTRIES));
	waiting = 3;
	assert_true(net_queue_receive(&queue, &turn));
	assert_false(net_queue_publish(&queue));
	assert_true(net_queue_receive(&queue, &turn));
	assert_false(net_queue_publish(&queue));
	assert_false(net_queue_receive(&queue, &turn));
	assert_true(net_queue_publish(&queue));
	assert_false(net_queue_receive(&queue, &turn));
	assert_false(net_queue_publish(&queue));
	assert_int_equal(count_done(&rx), 3 * ((FRAME + 16 + PAGE - 1) / PAGE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define QUEUE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		QUEUE_TEST(a_turn_ends_after_its_bytes),
		QUEUE_TEST(a_turn_ends_after_its_frames),
		QUEUE_TEST(what_comes_back_is_delivered_between_two_turns),
		QUEUE_TEST(nothing_is_read_from_the_wire_that_has_no_room),
		QUEUE_TEST(the_guest_is_told_of_few_frames_when_no_more_come),
	};

	return cmocka_run_group_tests_name("netd queue", tests, NULL, NULL);
}
