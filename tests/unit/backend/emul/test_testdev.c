// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Devices for test programs, as those programs use them.
 */
#include "machine.h"

#include "emul/testdev.h"

static struct testdev testdev;
static uint32_t ended_with;
static unsigned int ends, routes;
static struct testdev_route last;

static void end(void *context, uint32_t code)
{
	(void)context;
	ended_with = code;
	ends++;
}

static void route(void *context, const struct testdev_route *route)
{
	(void)context;
	last = *route;
	routes++;
}

static int setup(void **state)
{
	const struct testdev_host host = {
		.end = end, .route = route, .memory_bytes = 0x120000000ull, .processors = 300,
	};

	machine_setup(state);
	ends = routes = 0;
	testdev_init(&testdev, &machine.bus, &host);
	return 0;
}

static void the_latch_keeps_bytes_and_words(void **state)
{
	(void)state;
	out(0xe0, 4, 0x12345678);
	assert_int_equal(in(0xe0, 4), 0x12345678);
	out(0xe1, 1, 0xff);
	assert_int_equal(in(0xe0, 4), 0x1234ff78);
	assert_int_equal(in(0xe2, 2), 0x1234);
	/* Beyond its end nobody answers. */
	assert_int_equal(in(0xe3, 2), 0xffff);
}

static void a_code_ends_the_machine_once(void **state)
{
	(void)state;
	assert_int_equal(in(0xf4, 4), 0);
	assert_int_equal(ends, 0);
	out(0xf4, 4, 7);
	assert_int_equal(ends, 1);
	assert_int_equal(ended_with, 7);
	out(0xf5, 1, 1);
	assert_int_equal(ends, 1);
}

static void routes_are_taken_apart(void **state)
{
	(void)state;
	out(0x3000, 4, 0x21060109);
	assert_int_equal(routes, 1);
	assert_int_equal(last.sint, 9);
	assert_int_equal(last.vp, 1);
	assert_int_equal(last.control, TESTDEV_EVENT_CREATE);
	assert_int_equal(last.connection, 0x21);
	assert_int_equal(in(0x3000, 4), 0);
	/* Another width is no request. */
	out(0x3000, 2, 0x0109);
	out(0x3002, 1, 3);
	assert_int_equal(routes, 1);
}

static void fw_cfg_tells_processors_and_memory(void **state)
{
	unsigned int i;

	(void)state;
	out(0x510, 2, 5);
	assert_int_equal(in(0x511, 1), 300 & 0xff);
	assert_int_equal(in(0x511, 1), 300 >> 8);
	for (i = 0; i < 20; i++)
		assert_int_equal(in(0x511, 1), 0);
	out(0x510, 2, 3);
	for (i = 0; i < 3; i++)
		in(0x511, 1);
	assert_int_equal(in(0x511, 1), 0x20);
	assert_int_equal(in(0x511, 1), 0x01);
	out(0x510, 2, 0);
	assert_int_equal(in(0x511, 1), 'Q');
	out(0x510, 2, 0xffff);
	assert_int_equal(in(0x511, 1), 0);
}

static void its_ports_are_intercepted(void **state)
{
	(void)state;
	assert_true(machine.wanted[0xe0] && machine.wanted[0xf4] && machine.wanted[0x511] &&
		    machine.wanted[0x3000]);
	assert_false(machine.wanted[0xe4] || machine.wanted[0x3004]);
}

#define ON_DEVICE(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DEVICE(the_latch_keeps_bytes_and_words),
		ON_DEVICE(a_code_ends_the_machine_once),
		ON_DEVICE(routes_are_taken_apart),
		ON_DEVICE(fw_cfg_tells_processors_and_memory),
		ON_DEVICE(its_ports_are_intercepted),
	};

	return cmocka_run_group_tests_name("testdev", tests, NULL, NULL);
}
