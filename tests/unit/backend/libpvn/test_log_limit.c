// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * How many lines a guest can make a back-end log (backend/libpvn/log_limit.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libpvn/log_limit.h"

#define SECOND 1000000000ull

static uint32_t left_out;

/* How many of `count` lines at this time are admitted. */
static unsigned int admitted(struct pvn_log_limit *limit, uint64_t now_ns, unsigned int count)
{
	unsigned int lines = 0;

	while (count--)
		lines += pvn_log_admit(limit, now_ns, &left_out);
	return lines;
}

static void a_burst_is_written_and_then_no_more(void **state)
{
	struct pvn_log_limit limit = { 0 };

	(void)state;
	assert_int_equal(admitted(&limit, 5 * SECOND, 100000), PVN_LOG_BURST);
}

static void lines_come_back_at_their_rate(void **state)
{
	struct pvn_log_limit limit = { 0 };

	(void)state;
	admitted(&limit, SECOND, 1000);
	assert_int_equal(admitted(&limit, 3 * SECOND, 1000), 2 * PVN_LOG_PER_SECOND);
	assert_int_equal(admitted(&limit, 100 * SECOND, 1000), PVN_LOG_BURST);
}

static void what_was_left_out_is_counted_once(void **state)
{
	struct pvn_log_limit limit = { 0 };

	(void)state;
	assert_true(pvn_log_admit(&limit, SECOND, &left_out));
	assert_int_equal(left_out, 0);
	admitted(&limit, SECOND, PVN_LOG_BURST - 1 + 7);
	assert_true(pvn_log_admit(&limit, 2 * SECOND, &left_out));
	assert_int_equal(left_out, 7);
	assert_true(pvn_log_admit(&limit, 2 * SECOND, &left_out));
	assert_int_equal(left_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_written_and_then_no_more),
		cmocka_unit_test(lines_come_back_at_their_rate),
		cmocka_unit_test(what_was_left_out_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
