// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * When pvn-netd lets go of its processor (backend/netd/pace.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "netd/pace.h"

enum { TURN = 64 };

static unsigned int frames_until_nap(struct net_pace *pace)
{
	unsigned int frames = TURN;

	while (!net_pace_sent(pace, TURN))
		frames += TURN;
	return frames;
}

static void a_processor_of_ones_own_is_asked_for_now_and_then(void **state)
{
	struct net_pace pace = { 0 };

	(void)state;
	assert_int_equal(frames_until_nap(&pace), NET_PACE_PROBE);
	net_pace_napped(&pace, NET_PACE_NAP_NS + NET_PACE_NAP_NS / 2);
	assert_int_equal(frames_until_nap(&pace), NET_PACE_PROBE);
}

static void whoever_waits_gets_it_after_each_batch_until_nobody_does(void **state)
{
	struct net_pace pace = { 0 };

	(void)state;
	frames_until_nap(&pace);
	net_pace_napped(&pace, 10 * NET_PACE_NAP_NS);
	assert_int_equal(frames_until_nap(&pace), NET_PACE_BATCH);
	net_pace_napped(&pace, 5 * NET_PACE_NAP_NS);
	assert_int_equal(frames_until_nap(&pace), NET_PACE_BATCH);
	net_pace_napped(&pace, NET_PACE_NAP_NS);
	assert_int_equal(frames_until_nap(&pace), NET_PACE_PROBE);
}

static void nothing_sent_is_no_reason_for_a_nap(void **state)
{
	struct net_pace pace = { .crowded = true };
	unsigned int i;

	(void)state;
	for (i = 0; i < 10000; i++)
		assert_false(net_pace_sent(&pace, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_processor_of_ones_own_is_asked_for_now_and_then),
		cmocka_unit_test(whoever_waits_gets_it_after_each_batch_until_nobody_does),
		cmocka_unit_test(nothing_sent_is_no_reason_for_a_nap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
