// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A back-end's half of the conversation (backend/libpvn/backend.c) with a device that
 * is nothing but a switch: transfers are under way, or they are not. What a front-end
 * is told means that its pages are its own again, so it is told after the last one.
 *
 * usage: test_backend PVN_STORED
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "libpvn/backend.h"

static const char *stored_program;
static struct harness h;
static struct pvn_backend backend;
static bool under_way;
static unsigned int connections;

static int publish(struct pvn_backend *of)
{
	return pvn_backend_publish_number(of, "protocol", 1);
}

static int connect_rings(struct pvn_backend *of, uint32_t epoch)
{
	(void)of;
	(void)epoch;
	assert_false(under_way);
	connections++;
	return 0;
}

static void disconnect(struct pvn_backend *of)
{
	(void)of;
}

static bool is_quiet(struct pvn_backend *of)
{
	(void)of;
	return !under_way;
}

static const struct pvn_backend_ops ops = {
	.program = "test", .kind = "blk", .publish = publish, .connect = connect_rings,
	.disconnect = disconnect, .is_quiet = is_quiet,
};

/* All that the store has to say now; the last of it came within a tenth of a second. */
static void hear_all(void)
{
	struct pollfd fd = { .fd = pvn_store_fd(backend.store), .events = POLLIN };

	while (poll(&fd, 1, 100) == 1)
		assert_int_equal(pvn_backend_events(&backend), 0);
}

static void front_says(const char *state)
{
	harness_write(&h, "state", "%s", state);
	hear_all();
}

static uint64_t answer(void)
{
	uint64_t state = 0;
	char path[128];

	snprintf(path, sizeof(path), "%s/state", h.back);
	assert_int_equal(pvn_store_read_u64(h.store, 0, path, &state), 0);
	return state;
}

static void go_online(const char *online)
{
	assert_int_equal(pvn_store_writef(h.store, 0, online, "%s/online", h.back), 0);
}

static int setup(void **state)
{
	(void)state;
	harness_start(&h, stored_program, "blk");
	memset(&backend, 0, sizeof(backend));
	backend.ops = &ops;
	backend.domid = HARNESS_DOMID;
	snprintf(backend.path, sizeof(backend.path), "%s", h.back);
	under_way = false;
	connections = 0;
	if (pvn_backend_open(&backend))
		return -1;
	hear_all();
	harness_write(&h, "epoch", "1");
	front_says("3");
	return connections == 1 && answer() == 4 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	pvn_store_close(backend.store);
	h.backend = 0;
	harness_stop(&h);
	return 0;
}

static void transfers_end(void)
{
	under_way = false;
	assert_int_equal(pvn_backend_proceed(&backend), 0);
	assert_false(backend.waits);
}

static void closed_is_answered_after_the_last_transfer(void **state)
{
	(void)state;
	under_way = true;
	front_says("6");
	assert_int_equal(answer(), 4);
	assert_true(backend.waits);
	assert_int_equal(pvn_backend_proceed(&backend), 0);	/* one of several has ended */
	assert_int_equal(answer(), 4);
	transfers_end();
	assert_int_equal(answer(), 2);
}

static void closing_is_answered_after_the_last_transfer(void **state)
{
	(void)state;
	under_way = true;
	front_says("5");
	assert_int_equal(answer(), 4);
	transfers_end();
	assert_int_equal(answer(), 5);
	front_says("6");
	assert_int_equal(answer(), 2);
}

static void new_rings_are_served_after_the_last_transfer_of_the_old_ones(void **state)
{
	(void)state;
	under_way = true;
	harness_write(&h, "epoch", "2");
	front_says("3");
	assert_int_equal(connections, 1);
	transfers_end();
	assert_int_equal(connections, 2);
	assert_int_equal(answer(), 4);
	assert_int_equal(backend.epoch, 2);
}

static void an_unplugged_device_is_gone_after_the_last_transfer(void **state)
{
	(void)state;
	under_way = true;
	go_online("0");
	hear_all();
	front_says("6");
	assert_false(backend.finished);
	transfers_end();
	assert_true(backend.finished);
	assert_int_equal(answer(), 6);
}

static void a_store_that_was_away_does_not_hasten_the_answer(void **state)
{
	(void)state;
	under_way = true;
	front_says("6");
	pvn_store_close(backend.store);
	backend.store = NULL;
	assert_int_equal(pvn_backend_proceed(&backend), 0);
	assert_int_equal(pvn_backend_open(&backend), 0);
	hear_all();
	assert_int_equal(answer(), 4);
	transfers_end();
	assert_int_equal(answer(), 2);
}

static void without_transfers_the_answer_comes_at_once(void **state)
{
	(void)state;
	front_says("6");
	assert_int_equal(answer(), 2);
	assert_false(backend.waits);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		STATE_TEST(closed_is_answered_after_the_last_transfer),
		STATE_TEST(closing_is_answered_after_the_last_transfer),
		STATE_TEST(new_rings_are_served_after_the_last_transfer_of_the_old_ones),
		STATE_TEST(an_unplugged_device_is_gone_after_the_last_transfer),
		STATE_TEST(a_store_that_was_away_does_not_hasten_the_answer),
		STATE_TEST(without_transfers_the_answer_comes_at_once),
	};

	if (argc != 2)
		return 2;
	stored_program = argv[1];
	return cmocka_run_group_tests_name("back-end states", tests, NULL, NULL);
}
