// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The front-end's slots of a network ring (frontend/net/netfront_ring.c), against
 * a back-end in this program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/net/netfront_ring.h"

enum { ENTRIES = 32 };

static struct netfront_ring ring;
static struct netfront_slot slots[ENTRIES];
static struct pvn_net_segment segments[ENTRIES][PVN_NET_SEGMENTS_MAX];
static struct pvn_queue_back back;
static void *base;
static int frames[2 * ENTRIES];		/* things to be cookies */

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	memset(slots, 0, sizeof(slots));
	memset(&back, 0, sizeof(back));
	base = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(ENTRIES));
	memset(base, 0, pvn_ring_bytes(ENTRIES));
	for (i = 0; i < ENTRIES; i++) {
		slots[i].indirect = segments[i];
		slots[i].indirect_gpa = 0x1000 + i * 512;
	}
	netfront_ring_init(&ring, slots, ENTRIES);
	netfront_ring_connect(&ring, base, 1);
	return !pvn_back_attach(&back, base, ENTRIES, 1);
}

static int teardown(void **state)
{
	(void)state;
	free(base);
	return 0;
}

static bool submit(void *cookie)
{
	struct netfront_slot *slot = netfront_begin(&ring, PVN_NET_SEND);

	return slot && netfront_add(slot, 0x10000, 60) && netfront_submit(&ring, slot, cookie);
}

static uint32_t take(void)
{
	struct pvn_net_request request;

	pvn_front_publish(&ring.queue);
	assert_true(pvn_back_available(&back) > 0);
	assert_true(pvn_back_next(&back, &request));
	return request.id;
}

static void a_frame_of_many_pieces_goes_indirect(void **state)
{
	struct netfront_slot *slot = netfront_begin(&ring, PVN_NET_SEND);
	struct pvn_net_request request;
	unsigned int i;

	(void)state;
	for (i = 0; i < PVN_NET_SEGMENTS_MAX; i++)
		assert_true(netfront_add(slot, 0x100000 + i * 0x2000, 0x1000));
	assert_false(netfront_add(slot, 0x900000, 1));
	assert_true(netfront_submit(&ring, slot, frames));
	pvn_front_publish(&ring.queue);
	pvn_back_available(&back);
	assert_true(pvn_back_next(&back, &request));
	assert_int_equal(request.segment_count, PVN_NET_SEGMENTS_MAX);
	assert_int_equal(request.flags, PVN_NET_FLAG_INDIRECT);
	assert_int_equal(request.gpa[0], slot->indirect_gpa);
	assert_int_equal(request.gpa[1] | request.gpa[2], 0);
	assert_int_equal(request.bytes[0] | request.bytes[1] | request.bytes[2], 0);
	for (i = 0; i < PVN_NET_SEGMENTS_MAX; i++)
		assert_int_equal(slot->indirect[i].gpa, 0x100000 + i * 0x2000);
}

static void pieces_that_follow_on_are_one(void **state)
{
	struct netfront_slot *slot = netfront_begin(&ring, PVN_NET_SEND);
	unsigned int i;

	(void)state;
	for (i = 0; i < 16; i++)
		assert_true(netfront_add(slot, 0x100000 + i * 0x1000, 0x1000));
	assert_int_equal(slot->request.segment_count, 1);
	assert_int_equal(slot->request.bytes[0], 0x10000);
	for (i = 0; i < 3; i++)
		assert_true(netfront_add(slot, 0x200000 + i * 0x2000, 0x1000));
	assert_true(netfront_add(slot, 0x205000, 0x1000));
	assert_int_equal(slot->request.segment_count, 4);
	assert_int_equal(slot->indirect[3].bytes, 0x2000);
}

static void a_full_ring_takes_no_more_until_one_is_done(void **state)
{
	struct netfront_done done;
	unsigned int i;

	(void)state;
	for (i = 0; i < ENTRIES; i++)
		assert_true(submit(&frames[i]));
	assert_false(submit(&frames[0]));
	pvn_back_complete(&back, take(), PVN_NET_OK, 0);
	assert_true(netfront_next(&ring, &done));
	assert_ptr_equal(done.cookie, &frames[0]);
	assert_true(submit(&frames[ENTRIES]));
	assert_int_equal(ring.in_flight, ENTRIES);
}

static void completions_may_come_in_any_order(void **state)
{
	struct netfront_done done;
	uint32_t ids[8];
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_true(submit(&frames[i]));
	for (i = 0; i < 8; i++)
		ids[i] = take();
	for (i = 8; i--;)
		pvn_back_complete(&back, ids[i], i == 3 ? PVN_NET_REFUSED : 0, i * 100);
	for (i = 8; i--;) {
		assert_true(netfront_next(&ring, &done));
		assert_ptr_equal(done.cookie, &frames[i]);
		assert_int_equal(done.status, i == 3 ? PVN_NET_REFUSED : PVN_NET_OK);
		assert_int_equal(done.value, i * 100);
	}
	assert_false(netfront_next(&ring, &done));
	assert_int_equal(ring.queue.broken, PVN_RING_OK);
}

static void a_completion_that_comes_twice_breaks_the_ring(void **state)
{
	struct netfront_done done;
	uint32_t id;

	(void)state;
	assert_true(submit(&frames[0]));
	assert_true(submit(&frames[1]));
	id = take();
	take();
	pvn_back_complete(&back, id, PVN_NET_OK, 0);
	pvn_back_complete(&back, id, PVN_NET_OK, 0);
	assert_true(netfront_next(&ring, &done));
	assert_false(netfront_next(&ring, &done));
	assert_int_equal(ring.queue.broken, PVN_RING_BAD_ID);
	assert_false(submit(&frames[2]));
}

static void a_completion_of_an_earlier_use_breaks_the_ring(void **state)
{
	struct netfront_done done;
	uint32_t id;

	(void)state;
	assert_true(submit(&frames[0]));
	id = take();
	pvn_back_complete(&back, id, PVN_NET_OK, 0);
	assert_true(netfront_next(&ring, &done));
	assert_true(submit(&frames[1]));	/* the same slot */
	take();
	pvn_back_complete(&back, id, PVN_NET_OK, 0);
	assert_false(netfront_next(&ring, &done));
	assert_int_equal(ring.queue.broken, PVN_RING_BAD_ID);
}

static void an_id_beyond_the_slots_breaks_the_ring(void **state)
{
	struct netfront_done done;

	(void)state;
	assert_true(submit(&frames[0]));
	pvn_back_complete(&back, take() + ENTRIES, PVN_NET_OK, 0);
	assert_false(netfront_next(&ring, &done));
	assert_int_equal(ring.queue.broken, PVN_RING_BAD_ID);
}

static void an_unknown_status_is_an_error(void **state)
{
	struct netfront_done done;

	(void)state;
	assert_true(submit(&frames[0]));
	pvn_back_complete(&back, take(), 999, 0);
	assert_true(netfront_next(&ring, &done));
	assert_int_equal(done.status, PVN_NET_INVALID);
}

static void what_is_in_flight_can_be_taken_back(void **state)
{
	unsigned int i, sum = 0;
	int *cookie;

	(void)state;
	for (i = 0; i < ENTRIES; i++) {
		frames[i] = 1;
		assert_true(submit(&frames[i]));
	}
	while ((cookie = netfront_abandon(&ring)))
		sum += *cookie;
	assert_int_equal(sum, ENTRIES);
	assert_int_equal(ring.in_flight, 0);
	memset(base, 0, pvn_ring_bytes(ENTRIES));
	netfront_ring_connect(&ring, base, 2);
	for (i = 0; i < ENTRIES; i++)
		assert_true(submit(&frames[i]));
	assert_false(submit(&frames[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define RING_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		RING_TEST(a_frame_of_many_pieces_goes_indirect),
		RING_TEST(pieces_that_follow_on_are_one),
		RING_TEST(a_full_ring_takes_no_more_until_one_is_done),
		RING_TEST(completions_may_come_in_any_order),
		RING_TEST(a_completion_that_comes_twice_breaks_the_ring),
		RING_TEST(a_completion_of_an_earlier_use_breaks_the_ring),
		RING_TEST(an_id_beyond_the_slots_breaks_the_ring),
		RING_TEST(an_unknown_status_is_an_error),
		RING_TEST(what_is_in_flight_can_be_taken_back),
	};

	return cmocka_run_group_tests_name("netfront ring", tests, NULL, NULL);
}
