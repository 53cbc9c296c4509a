// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-consoled, whole, with this program as guest and as clients.
 *
 * usage: test_consoled PVN_STORED PVN_CONSOLED
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <pvn/abi/io/console.h>

#include "harness.h"

enum { OUT = 4096 };

static const char *stored_program, *consoled_program;
static struct harness h;
static char socket_path[128], log_path[128];
static struct pvn_console_front *front;
static struct pvn_bytes_out output;
static struct pvn_bytes_in input;
static uint32_t epoch;

static void spawn(void)
{
	const char *more[] = { "--listen", socket_path, "--log", log_path, NULL };

	harness_spawn(&h, consoled_program, more);
}

static void connect_front(void)
{
	harness_wait_state(&h, 2);
	pvn_ring_store(&front->epoch, ++epoch);
	harness_write(&h, "protocol", "1");
	harness_write(&h, "queue-0/ring-gpa", "0x%llx",
		      (unsigned long long)harness_gpa(&h, front));
	harness_write(&h, "queue-0/ring-bytes", "%d", OUT);
	harness_write(&h, "epoch", "%u", epoch);
	harness_write(&h, "state", "3");
	harness_wait_state(&h, 4);
	harness_write(&h, "state", "4");
	harness_ring(&h, 0);
}

static int setup(void **state)
{
	(void)state;
	harness_start(&h, stored_program, "console");
	snprintf(socket_path, sizeof(socket_path), "%s/console", h.stored.rundir);
	snprintf(log_path, sizeof(log_path), "%s/log", h.stored.rundir);
	front = (struct pvn_console_front *)h.memory;
	pvn_console_front_init(front, OUT, &output, &input);
	spawn();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	harness_stop(&h);
	return 0;
}

static int attach(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), tries = 1000;

	strcpy(address.sun_path, socket_path);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) && tries--)
		usleep(5000);
	assert_true(tries > 0);
	return fd;
}

/* Prints as the guest, waiting for room as the module does. */
static void print(const char *text, size_t count)
{
	while (count) {
		bool notify = false;
		pvn_u32 done = pvn_bytes_write(&output, text, (pvn_u32)count, &notify);

		if (notify)
			harness_ring(&h, 0);
		text += done;
		count -= done;
		if (!done && !pvn_bytes_arm_space(&output))
			assert_true(harness_hear(&h, 0, 10000));
	}
}

static void expect(int fd, const char *text, size_t count)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char bytes[4096];

	while (count) {
		ssize_t got;

		assert_int_equal(poll(&poll_fd, 1, 10000), 1);
		got = read(fd, bytes, count < sizeof(bytes) ? count : sizeof(bytes));
		assert_true(got > 0);
		assert_memory_equal(bytes, text, got);
		text += got;
		count -= (size_t)got;
	}
}

static void type(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* What the guest gets. */
static void expect_input(const char *text, size_t count)
{
	while (count) {
		bool notify = false;
		char bytes[512];
		pvn_u32 got = pvn_bytes_read(&input, bytes, sizeof(bytes), &notify);

		if (notify)
			harness_ring(&h, 0);
		if (!got && !pvn_bytes_arm(&input)) {
			assert_true(harness_hear(&h, 0, 10000));
			continue;
		}
		assert_true(got <= count);
		assert_memory_equal(bytes, text, got);
		text += got;
		count -= got;
	}
}

static void output_from_before_the_connection_is_shown(void **state)
{
	int fd;

	(void)state;
	print("early words\n", 12);
	fd = attach();
	connect_front();
	expect(fd, "early words\n", 12);
	print("later\n", 6);
	expect(fd, "later\n", 6);
	close(fd);
}

static void every_client_sees_the_output_and_new_ones_the_history(void **state)
{
	int one, two, three;

	(void)state;
	connect_front();
	one = attach();
	two = attach();
	print("hello\n", 6);
	expect(one, "hello\n", 6);
	expect(two, "hello\n", 6);
	three = attach();
	expect(three, "hello\n", 6);
	close(one);
	print("more\n", 5);
	expect(two, "more\n", 5);
	expect(three, "more\n", 5);
	close(two);
	close(three);
}

static void what_clients_type_reaches_the_guest_even_when_it_is_more_than_fits(void **state)
{
	static char text[20000];
	size_t i, sent = 0;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	connect_front();
	fd = attach();
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (sent < sizeof(text)) {
		ssize_t done = write(fd, text + sent, sizeof(text) - sent);

		if (done > 0)
			sent += (size_t)done;
		else
			usleep(1000);
	}
	expect_input(text, sizeof(text));
	close(fd);
}

static void a_client_that_does_not_read_holds_up_nobody(void **state)
{
	static char line[1000];
	char bytes[4096];
	unsigned int i;
	int fd, log;
	ssize_t got;
	size_t all = 0;

	(void)state;
	memset(line, 'x', sizeof(line));
	connect_front();
	fd = attach();
	for (i = 0; i < 2000; i++)
		print(line, sizeof(line));
	print("the end\n", 8);
	log = open(log_path, O_RDONLY);
	for (i = 0; i < 2000 && all < 2000008; i++) {
		while ((got = read(log, bytes, sizeof(bytes))) > 0)
			all += (size_t)got;
		usleep(1000);
	}
	assert_int_equal(all, 2000008);
	close(log);
	close(fd);
}

static void a_killed_backend_is_replaced_without_a_lost_byte(void **state)
{
	unsigned int round;
	int fd;

	(void)state;
	connect_front();
	print("first\n", 6);
	for (round = 0; round < 5; round++) {
		harness_kill(&h);
		print("while it was away\n", 18);
		spawn();
		connect_front();
		fd = attach();
		/* The history of the predecessor is gone with it, what was in the ring is not. */
		if (round)
			expect(fd, "while it was away\n", 18);
		type(fd, "typed\n");
		expect_input("typed\n", 6);
		close(fd);
	}
}

static void a_second_daemon_of_a_console_takes_nothing_over(void **state)
{
	const char *more[] = { "--listen", socket_path, "--log", log_path, NULL };
	struct harness second;
	int fd, status;

	(void)state;
	connect_front();
	second = h;
	harness_spawn(&second, consoled_program, more);
	assert_int_equal(waitpid(second.backend, &status, 0), second.backend);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status));
	print("still\n", 6);
	fd = attach();
	expect(fd, "still\n", 6);
	type(fd, "typed\n");
	expect_input("typed\n", 6);
	close(fd);
}

static void nonsense_in_the_ring_leaves_the_daemon_alive(void **state)
{
	int fd;

	(void)state;
	connect_front();
	pvn_ring_store(&front->out_tail, 0x12345678);
	harness_ring(&h, 0);
	fd = attach();
	usleep(50000);
	assert_true(harness_alive(&h));
	harness_write(&h, "state", "6");
	harness_wait_state(&h, 2);
	memset(front, 0, pvn_console_bytes(OUT));
	pvn_console_front_init(front, OUT, &output, &input);
	connect_front();
	print("again\n", 6);
	expect(fd, "again\n", 6);
	close(fd);
}

static void a_serial_line_is_served_like_a_ring(void **state)
{
	int line[2], fd;
	char number[16];
	const char *more[] = { "--stream", number, "--listen", socket_path, "--log", log_path, NULL };

	(void)state;
	harness_kill(&h);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0);
	assert_int_equal(fcntl(line[0], F_SETFD, FD_CLOEXEC), 0);
	snprintf(number, sizeof(number), "%d", line[1]);
	harness_spawn(&h, consoled_program, more);
	assert_int_equal(write(line[0], "printed\n", 8), 8);
	fd = attach();
	expect(fd, "printed\n", 8);
	type(fd, "typed\n");
	expect(line[0], "typed\n", 6);
	assert_int_equal(write(line[0], "more\n", 5), 5);
	expect(fd, "more\n", 5);
	close(fd);
	/* Its other end goes with the worker, and then so does the daemon. */
	close(line[1]);
	close(line[0]);
	for (fd = 0; fd < 1000 && harness_alive(&h); fd++)
		usleep(5000);
	assert_false(harness_alive(&h));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define CONSOLE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CONSOLE_TEST(output_from_before_the_connection_is_shown),
		CONSOLE_TEST(every_client_sees_the_output_and_new_ones_the_history),
		CONSOLE_TEST(what_clients_type_reaches_the_guest_even_when_it_is_more_than_fits),
		CONSOLE_TEST(a_client_that_does_not_read_holds_up_nobody),
		CONSOLE_TEST(a_killed_backend_is_replaced_without_a_lost_byte),
		CONSOLE_TEST(a_second_daemon_of_a_console_takes_nothing_over),
		CONSOLE_TEST(nonsense_in_the_ring_leaves_the_daemon_alive),
		CONSOLE_TEST(a_serial_line_is_served_like_a_ring),
	};

	if (argc != 3)
		return 2;
	stored_program = argv[1];
	consoled_program = argv[2];
	return cmocka_run_group_tests_name("consoled", tests, NULL, NULL);
}
