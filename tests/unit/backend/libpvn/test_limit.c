// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Requests and bytes a second (backend/libpvn/limit.c), by a clock of this program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libpvn/limit.h"

#define SECOND 1000000000ull

/* How many requests of `bytes` a limit lets through in so long, asked as often as it says. */
static uint64_t served(struct pvn_limit *limit, uint64_t bytes, uint64_t from, uint64_t ns)
{
	uint64_t now = from, wait, count = 0;

	while (now < from + ns) {
		wait = pvn_limit_wait(limit, now);
		if (wait) {
			now += wait;
			continue;
		}
		pvn_limit_charge(limit, bytes);
		count++;
	}
	return count;
}

static void without_limits_nothing_waits(void **state)
{
	struct pvn_limit limit = { 0 };

	(void)state;
	assert_false(pvn_limit_is_set(&limit));
	assert_int_equal(pvn_limit_wait(&limit, 5), 0);
}

static void requests_a_second_hold(void **state)
{
	struct pvn_limit limit = { .requests = { .rate = 1000, .burst = 10 } };
	uint64_t count = served(&limit, 4096, 77, 10 * SECOND);

	(void)state;
	assert_true(pvn_limit_is_set(&limit));
	assert_in_range(count, 10000, 10011);
}

static void bytes_a_second_hold_for_small_and_large_requests(void **state)
{
	const uint64_t sizes[] = { 512, 4096, 1 << 20 };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct pvn_limit limit = { .bytes = { .rate = 10 << 20, .burst = 1 << 20 } };
		uint64_t bytes = served(&limit, sizes[i], 0, 10 * SECOND) * sizes[i];

		/* What one request may overdraw comes on top of the burst. */
		assert_in_range(bytes, 100 << 20, (101 << 20) + sizes[i]);
	}
}

static void a_burst_is_saved_up_and_no_more(void **state)
{
	struct pvn_limit limit = { .requests = { .rate = 100, .burst = 50 } };
	unsigned int i;

	(void)state;
	assert_in_range(served(&limit, 0, 0, SECOND / 1000), 50, 51);
	assert_true(pvn_limit_wait(&limit, SECOND / 1000) > 0);
	/* After an hour and more there is one burst again, not an hour's worth. */
	for (i = 0; i < 50; i++) {
		assert_int_equal(pvn_limit_wait(&limit, 7200 * SECOND), 0);
		pvn_limit_charge(&limit, 0);
	}
	assert_true(pvn_limit_wait(&limit, 7200 * SECOND) > 0);
}

static void both_limits_hold_together(void **state)
{
	struct pvn_limit limit = {
		.requests = { .rate = 1000 }, .bytes = { .rate = 1 << 20 },
	};

	(void)state;
	assert_in_range(served(&limit, 4096, 0, 10 * SECOND), 2500, 2600);
	limit = (struct pvn_limit){ .requests = { .rate = 1000 }, .bytes = { .rate = 1 << 30 } };
	assert_in_range(served(&limit, 4096, 0, 10 * SECOND), 10000, 10110);
}

static void asking_often_loses_nothing(void **state)
{
	struct pvn_limit limit = { .requests = { .rate = 3, .burst = 1 } };
	uint64_t now, count = 0;

	(void)state;
	for (now = 0; now < 10 * SECOND; now += 1000000)
		if (!pvn_limit_wait(&limit, now)) {
			pvn_limit_charge(&limit, 0);
			count++;
		}
	assert_in_range(count, 30, 31);
}

static void a_clock_that_goes_back_does_no_harm(void **state)
{
	struct pvn_limit limit = { .requests = { .rate = 10, .burst = 1 } };

	(void)state;
	assert_int_equal(pvn_limit_wait(&limit, SECOND), 0);
	pvn_limit_charge(&limit, 0);
	assert_true(pvn_limit_wait(&limit, 0) > 0);
	assert_int_equal(pvn_limit_wait(&limit, 2 * SECOND), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_limits_nothing_waits),
		cmocka_unit_test(requests_a_second_hold),
		cmocka_unit_test(bytes_a_second_hold_for_small_and_large_requests),
		cmocka_unit_test(a_burst_is_saved_up_and_no_more),
		cmocka_unit_test(both_limits_hold_together),
		cmocka_unit_test(asking_often_loses_nothing),
		cmocka_unit_test(a_clock_that_goes_back_does_no_harm),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
