// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The byte streams of io/console.h, both ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pvn/abi/io/console.h>

enum { OUT = 4096 };

struct pair {
	void *base;
	struct pvn_bytes_out guest_out, back_out;
	struct pvn_bytes_in guest_in, back_in;
};

static int setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->base = aligned_alloc(PVN_PAGE_SIZE, pvn_console_bytes(OUT));
	memset(pair->base, 0, pvn_console_bytes(OUT));
	pvn_console_front_init(pair->base, OUT, &pair->guest_out, &pair->guest_in);
	pvn_console_back_init(pair->base, OUT, &pair->back_out, &pair->back_in);
	*state = pair;
	return 0;
}

static int teardown(void **state)
{
	struct pair *pair = *state;

	free(pair->base);
	free(pair);
	return 0;
}

static void bytes_arrive_in_order_across_the_wrap(void **state)
{
	struct pair *pair = *state;
	pvn_u8 sent[700], got[700];
	unsigned int round, i;
	bool notify = false;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < sizeof(sent); i++)
			sent[i] = (pvn_u8)(round * 7 + i);
		assert_int_equal(pvn_bytes_write(&pair->guest_out, sent, sizeof(sent), &notify),
				 sizeof(sent));
		assert_int_equal(pvn_bytes_read(&pair->back_in, got, sizeof(got), &notify),
				 sizeof(got));
		assert_memory_equal(sent, got, sizeof(sent));
		assert_int_equal(pvn_bytes_write(&pair->back_out, sent, sizeof(sent), &notify),
				 sizeof(sent));
		assert_int_equal(pvn_bytes_read(&pair->guest_in, got, sizeof(got), &notify),
				 sizeof(got));
		assert_memory_equal(sent, got, sizeof(sent));
	}
}

static void a_full_stream_takes_what_fits_and_asks_for_space(void **state)
{
	struct pair *pair = *state;
	pvn_u8 bytes[OUT + 10] = { 1 };
	bool notify = false;

	assert_int_equal(pvn_bytes_write(&pair->guest_out, bytes, sizeof(bytes), &notify), OUT);
	assert_true(notify);
	assert_int_equal(pvn_bytes_write(&pair->guest_out, bytes, 1, &notify), 0);
	assert_false(pvn_bytes_arm_space(&pair->guest_out));
	notify = false;
	assert_int_equal(pvn_bytes_read(&pair->back_in, bytes, 1, &notify), 1);
	assert_true(notify);
	assert_true(pvn_bytes_arm_space(&pair->guest_out));
}

static void a_reader_that_is_awake_is_not_rung(void **state)
{
	struct pair *pair = *state;
	bool notify = false;
	pvn_u8 byte = 'a';

	pvn_bytes_write(&pair->guest_out, &byte, 1, &notify);
	assert_true(notify);
	notify = false;
	pvn_bytes_write(&pair->guest_out, &byte, 1, &notify);
	assert_false(notify);
	assert_true(pvn_bytes_arm(&pair->back_in));
	pvn_bytes_read(&pair->back_in, &byte, 1, &notify);
	pvn_bytes_read(&pair->back_in, &byte, 1, &notify);
	assert_false(pvn_bytes_arm(&pair->back_in));
	pvn_bytes_write(&pair->guest_out, &byte, 1, &notify);
	assert_true(notify);
}

static void a_second_backend_goes_on_where_the_first_one_stopped(void **state)
{
	struct pair *pair = *state;
	struct pvn_bytes_out out;
	struct pvn_bytes_in in;
	bool notify = false;
	char got[8] = "";

	pvn_bytes_write(&pair->guest_out, "abcdef", 6, &notify);
	pvn_bytes_read(&pair->back_in, got, 3, &notify);
	pvn_console_back_init(pair->base, OUT, &out, &in);
	assert_int_equal(pvn_bytes_read(&in, got, 8, &notify), 3);
	assert_memory_equal(got, "def", 3);
}

static void hostile_counters_break_a_stream_once(void **state)
{
	struct pair *pair = *state;
	struct pvn_console_front *front = pair->base;
	bool notify = false;
	pvn_u8 byte = 0;

	front->out_tail = OUT + 1;
	assert_int_equal(pvn_bytes_read(&pair->back_in, &byte, 1, &notify), 0);
	assert_int_equal(pair->back_in.broken, PVN_RING_BAD_INDEX);
	front->out_tail = 1;
	assert_int_equal(pvn_bytes_read(&pair->back_in, &byte, 1, &notify), 0);
	assert_false(pvn_bytes_arm(&pair->back_in));
	front->in_head = 5;
	assert_int_equal(pvn_bytes_write(&pair->back_out, &byte, 1, &notify), 0);
	assert_int_equal(pair->back_out.broken, PVN_RING_BAD_INDEX);
	assert_false(pvn_bytes_arm_space(&pair->back_out));
}

static void a_head_that_goes_backwards_breaks_the_stream(void **state)
{
	struct pair *pair = *state;
	bool notify = false;
	char bytes[64];

	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(pvn_bytes_write(&pair->guest_out, bytes, 64, &notify), 64);
	assert_int_equal(pvn_bytes_read(&pair->back_in, bytes, 64, &notify), 64);
	assert_int_equal(pvn_bytes_write(&pair->guest_out, bytes, 64, &notify), 64);
	/* Within the ring's size of what was written, and yet no progress. */
	pvn_ring_store(pair->back_in.head, 63);
	assert_int_equal(pvn_bytes_write(&pair->guest_out, bytes, 1, &notify), 0);
	assert_int_equal(pair->guest_out.broken, PVN_RING_BAD_INDEX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CONSOLE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CONSOLE_TEST(bytes_arrive_in_order_across_the_wrap),
		CONSOLE_TEST(a_full_stream_takes_what_fits_and_asks_for_space),
		CONSOLE_TEST(a_reader_that_is_awake_is_not_rung),
		CONSOLE_TEST(a_second_backend_goes_on_where_the_first_one_stopped),
		CONSOLE_TEST(hostile_counters_break_a_stream_once),
		CONSOLE_TEST(a_head_that_goes_backwards_breaks_the_stream),
	};

	return cmocka_run_group_tests_name("console ring", tests, NULL, NULL);
}
