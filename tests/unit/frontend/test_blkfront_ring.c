// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Slots and ids of the block front-end (frontend/blk/blkfront_ring.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/blk/blkfront_ring.h"

enum { ENTRIES = 8, EPOCH = 1 };

static void *base;
static struct blkfront_ring ring;
static struct blkfront_slot slots[ENTRIES];
static struct pvn_blk_segment pages[ENTRIES][PVN_BLK_SEGMENTS_MAX];
static struct pvn_queue_back back;
static int cookies[ENTRIES];

static void reconnect(pvn_u32 epoch)
{
	memset(base, 0, pvn_ring_bytes(ENTRIES));
	blkfront_ring_connect(&ring, base, epoch);
	assert_true(pvn_back_attach(&back, base, ENTRIES, epoch));
}

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	base = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(ENTRIES));
	memset(slots, 0, sizeof(slots));
	for (i = 0; i < ENTRIES; i++) {
		slots[i].indirect = pages[i];
		slots[i].indirect_gpa = 0x1000 * (i + 1);
	}
	blkfront_ring_init(&ring, slots, ENTRIES);
	reconnect(EPOCH);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(base);
	return 0;
}

static void write_at(pvn_u32 slot, pvn_u64 sector)
{
	blkfront_begin(&ring, slot, PVN_BLK_WRITE, false, sector);
	assert_true(blkfront_add(&ring, slot, 0x100000 + slot * 0x1000, 4096));
	assert_true(blkfront_submit(&ring, slot, &cookies[slot]));
}

static struct pvn_blk_request serve(void)
{
	struct pvn_blk_request request;

	assert_true(pvn_back_available(&back) > 0);
	assert_true(pvn_back_next(&back, &request));
	return request;
}

static void answer(pvn_u32 id, pvn_u16 status)
{
	pvn_back_complete(&back, id, status, 0);
	pvn_back_publish(&back);
}

static bool next(void **cookie, enum pvn_blk_status *status)
{
	return blkfront_next(&ring, cookie, status);
}

static void an_answer_finds_its_request(void **state)
{
	enum pvn_blk_status status;
	pvn_u32 first, second;
	void *cookie;

	(void)state;
	write_at(5, 40);
	write_at(2, 80);
	pvn_front_publish(&ring.queue);
	first = serve().id;
	second = serve().id;
	answer(second, PVN_BLK_NO_SPACE);
	answer(first, PVN_BLK_OK);
	assert_true(next(&cookie, &status));
	assert_ptr_equal(cookie, &cookies[2]);
	assert_int_equal(status, PVN_BLK_NO_SPACE);
	assert_true(next(&cookie, &status));
	assert_ptr_equal(cookie, &cookies[5]);
	assert_int_equal(ring.in_flight, 0);
	assert_false(next(&cookie, &status));
	assert_int_equal(ring.queue.broken, PVN_RING_OK);
}

static void memory_that_follows_on_joins_the_segment(void **state)
{
	struct pvn_blk_request request;

	(void)state;
	blkfront_begin(&ring, 0, PVN_BLK_READ, false, 8);
	assert_true(blkfront_add(&ring, 0, 0x10000, 4096));
	assert_true(blkfront_add(&ring, 0, 0x11000, 4096));
	assert_true(blkfront_add(&ring, 0, 0x20000, 512));
	assert_true(blkfront_submit(&ring, 0, cookies));
	pvn_front_publish(&ring.queue);
	request = serve();
	assert_int_equal(request.segment_count, 2);
	assert_int_equal(request.bytes[0], 8192);
	assert_int_equal(request.bytes[1], 512);
	assert_int_equal(request.flags, 0);
}

static void the_fourth_segment_makes_a_page_of_segments(void **state)
{
	struct pvn_blk_request request;
	unsigned int i;

	(void)state;
	blkfront_begin(&ring, 3, PVN_BLK_WRITE, true, 0);
	for (i = 0; i < PVN_BLK_SEGMENTS_MAX; i++)
		assert_true(blkfront_add(&ring, 3, 0x100000 + i * 0x2000, 4096));
	assert_false(blkfront_add(&ring, 3, 0x10000000, 4096));
	assert_true(blkfront_submit(&ring, 3, cookies));
	pvn_front_publish(&ring.queue);
	request = serve();
	assert_int_equal(request.flags, PVN_BLK_FLAG_INDIRECT | PVN_BLK_FLAG_FUA);
	assert_int_equal(request.segment_count, PVN_BLK_SEGMENTS_MAX);
	assert_int_equal(request.gpa[0], slots[3].indirect_gpa);
	assert_int_equal(request.gpa[1] | request.gpa[2] | request.bytes[0], 0);
	for (i = 0; i < PVN_BLK_SEGMENTS_MAX; i++) {
		assert_int_equal(pages[3][i].gpa, 0x100000 + i * 0x2000);
		assert_int_equal(pages[3][i].bytes, 4096);
		assert_int_equal(pages[3][i].reserved, 0);
	}
}

static void break_with(pvn_u32 id)
{
	enum pvn_blk_status status;
	void *cookie;

	answer(id, PVN_BLK_OK);
	assert_false(next(&cookie, &status));
	assert_int_equal(ring.queue.broken, PVN_RING_BAD_ID);
}

static void an_unknown_id_breaks_the_queue(void **state)
{
	(void)state;
	write_at(0, 0);
	pvn_front_publish(&ring.queue);
	break_with(serve().id ^ 1);
}

static void an_index_beyond_the_table_breaks_the_queue(void **state)
{
	(void)state;
	write_at(0, 0);
	pvn_front_publish(&ring.queue);
	serve();
	break_with(0xffff);
}

static void a_second_answer_breaks_the_queue(void **state)
{
	enum pvn_blk_status status;
	pvn_u32 first;
	void *cookie;

	(void)state;
	write_at(0, 0);
	write_at(1, 8);
	pvn_front_publish(&ring.queue);
	first = serve().id;
	serve();
	answer(first, PVN_BLK_OK);
	assert_true(next(&cookie, &status));
	break_with(first);
}

static void an_answer_to_an_earlier_use_of_the_slot_breaks_the_queue(void **state)
{
	enum pvn_blk_status status;
	pvn_u32 first;
	void *cookie;

	(void)state;
	write_at(0, 0);
	pvn_front_publish(&ring.queue);
	first = serve().id;
	answer(first, PVN_BLK_OK);
	assert_true(next(&cookie, &status));
	write_at(0, 0);
	pvn_front_publish(&ring.queue);
	assert_int_not_equal(serve().id, first);
	break_with(first);
}

static void unknown_statuses_are_errors(void **state)
{
	enum pvn_blk_status status;
	void *cookie;

	(void)state;
	write_at(0, 0);
	pvn_front_publish(&ring.queue);
	answer(serve().id, 0xffff);
	assert_true(next(&cookie, &status));
	assert_int_equal(status, PVN_BLK_IO_ERROR);
}

static void a_new_connection_submits_in_order_what_was_in_flight(void **state)
{
	enum pvn_blk_status status;
	struct pvn_blk_request request;
	pvn_u32 old;
	void *cookie;

	(void)state;
	write_at(4, 100);
	write_at(1, 200);
	write_at(7, 300);
	pvn_front_publish(&ring.queue);
	old = serve().id;
	request = serve();
	answer(request.id, PVN_BLK_OK);
	assert_true(next(&cookie, &status));
	reconnect(EPOCH + 1);
	assert_int_equal(ring.in_flight, 2);
	assert_int_equal(pvn_back_available(&back), 0);	/* not announced yet */
	assert_true(pvn_front_publish(&ring.queue));
	request = serve();
	assert_int_equal(request.sector, 100);
	assert_int_not_equal(request.id, old);
	answer(request.id, PVN_BLK_OK);
	request = serve();
	assert_int_equal(request.sector, 300);
	assert_true(next(&cookie, &status));
	assert_ptr_equal(cookie, &cookies[4]);
	write_at(1, 400);
	break_with(old);
}

static void what_is_abandoned_comes_back_oldest_first(void **state)
{
	(void)state;
	write_at(4, 100);
	write_at(1, 200);
	assert_ptr_equal(blkfront_abandon(&ring), &cookies[4]);
	assert_ptr_equal(blkfront_abandon(&ring), &cookies[1]);
	assert_null(blkfront_abandon(&ring));
	assert_int_equal(ring.in_flight, 0);
}

/* Lone requests until one is left alone; how many were looked for. */
static unsigned int looked_for(struct blkfront_habit *habit)
{
	unsigned int count = 0;

	for (;;) {
		blkfront_went_on(habit);	/* submitted */
		if (!blkfront_waits(habit))
			return count;
		count++;
		assert_true(count <= BLKFRONT_TRY_AFTER_MAX);
	}
}

static void who_waits_is_tried_less_and_less(void **state)
{
	struct blkfront_habit *habit = &ring.habit;
	unsigned int expected = BLKFRONT_TRY_AFTER_MIN;

	(void)state;
	for (; expected < BLKFRONT_TRY_AFTER_MAX; expected *= 2) {
		assert_int_equal(looked_for(habit), expected);
		blkfront_waited(habit);
		blkfront_waited(habit);		/* of something else: says nothing */
	}
	assert_int_equal(looked_for(habit), BLKFRONT_TRY_AFTER_MAX);
	blkfront_waited(habit);
	assert_int_equal(looked_for(habit), BLKFRONT_TRY_AFTER_MAX);
}

static void who_goes_on_is_left_alone_until_it_waits(void **state)
{
	struct blkfront_habit *habit = &ring.habit;
	unsigned int i;

	(void)state;
	assert_int_equal(looked_for(habit), BLKFRONT_TRY_AFTER_MIN);
	for (i = 0; i < 100; i++)
		assert_int_equal(looked_for(habit), 0);
	for (i = 0; i < BLKFRONT_SURE / 2 - 1; i++) {
		blkfront_waited(habit);
		assert_false(blkfront_waits(habit));
		habit->left_alone = false;
	}
	blkfront_waited(habit);
	assert_int_equal(looked_for(habit), BLKFRONT_TRY_AFTER_MIN);
}

static void the_doorbell_is_asked_for_later_while_requests_go_on(void **state)
{
	(void)state;
	ring.in_flight = 1;
	assert_int_equal(blkfront_group(&ring), 1);
	ring.in_flight = 64;
	assert_int_equal(blkfront_group(&ring), 32);
	assert_int_equal(looked_for(&ring.habit), BLKFRONT_TRY_AFTER_MIN);
	assert_int_equal(blkfront_group(&ring), 32);
	ring.in_flight = 1;
	assert_int_equal(blkfront_group(&ring), BLKFRONT_GOING_ON);
	blkfront_waited(&ring.habit);
	assert_int_equal(blkfront_group(&ring), 1);
	assert_int_equal(looked_for(&ring.habit), 2 * BLKFRONT_TRY_AFTER_MIN);
	blkfront_went_on(&ring.habit);
	assert_int_equal(blkfront_group(&ring), BLKFRONT_GOING_ON);
	ring.in_flight = 0;
}

static void the_doorbell_is_asked_for_later_while_somebody_looks(void **state)
{
	(void)state;
	ring.in_flight = 4;
	assert_int_equal(blkfront_group(&ring), 2);
	ring.looked_at = true;
	assert_int_equal(blkfront_group(&ring), BLKFRONT_GOING_ON);
	ring.in_flight = 64;
	assert_int_equal(blkfront_group(&ring), 64);
	ring.looked_at = false;
	assert_int_equal(blkfront_group(&ring), 32);
	ring.in_flight = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SLOT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		SLOT_TEST(an_answer_finds_its_request),
		SLOT_TEST(memory_that_follows_on_joins_the_segment),
		SLOT_TEST(the_fourth_segment_makes_a_page_of_segments),
		SLOT_TEST(an_unknown_id_breaks_the_queue),
		SLOT_TEST(an_index_beyond_the_table_breaks_the_queue),
		SLOT_TEST(a_second_answer_breaks_the_queue),
		SLOT_TEST(an_answer_to_an_earlier_use_of_the_slot_breaks_the_queue),
		SLOT_TEST(unknown_statuses_are_errors),
		SLOT_TEST(a_new_connection_submits_in_order_what_was_in_flight),
		SLOT_TEST(what_is_abandoned_comes_back_oldest_first),
		SLOT_TEST(who_waits_is_tried_less_and_less),
		SLOT_TEST(who_goes_on_is_left_alone_until_it_waits),
		SLOT_TEST(the_doorbell_is_asked_for_later_while_requests_go_on),
		SLOT_TEST(the_doorbell_is_asked_for_later_while_somebody_looks),
	};

	return cmocka_run_group_tests_name("blkfront ring", tests, NULL, NULL);
}
