// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-blkd, whole, with each kind of disk and what goes wrong with it: ranges,
 * limits, sizes that change, NBD servers that come and go.
 *
 * usage: test_images PVN_STORED PVN_BLKD
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "front.h"

#define MIB (1ll << 20)

static const char *stored_program, *blkd_program;
static char image_path[TEMPORARY_PATH_MAX];
static char image_text[16];
static int image;
static pid_t server;
static char socket_path[96], uri[160];	/* of the NBD server */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t published(const char *key)
{
	uint64_t value;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", h.back, key);
	assert_int_equal(pvn_store_read_u64(h.store, 0, path, &value), 0);
	return value;
}

static void wait_published(const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", h.back, key);
	assert_int_equal(pvn_store_wait_value(h.store, path, value, 10000), 1);
}

static void command(const char *word)
{
	assert_int_equal(pvn_store_writef(h.store, 0, word, "%s/command", h.back), 0);
	wait_published("command", "");
}

static int setup(void **state)
{
	(void)state;
	harness_start(&h, stored_program, "blk");
	image = temporary_file(image_path);
	snprintf(image_text, sizeof(image_text), "%d", image);
	front_make();
	return image < 0 || ftruncate(image, 8 * MIB);
}

static int teardown(void **state)
{
	(void)state;
	harness_stop(&h);
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	server = 0;
	temporary_remove(image_path);
	close(image);
	return 0;
}

/* The arguments of a raw image, and up to two more. */
static void spawn_raw(const char *more, const char *value)
{
	const char *arguments[] = {
		"--image", image_path, "--image-fd", image_text, more, value, NULL,
	};

	harness_spawn(&h, blkd_program, arguments);
}

static void fill_page(uint8_t byte)
{
	memset(queues[0].io[0].page[0], byte, PAGE);
}

static void assert_page(uint8_t byte)
{
	unsigned int i;

	for (i = 0; i < PAGE; i++)
		assert_int_equal(queues[0].io[0].page[0][i], byte);
}

static void assert_reads(uint64_t sector, uint8_t byte)
{
	fill_page((uint8_t)~byte);
	assert_int_equal(request(0, PVN_BLK_READ, sector, 8), PVN_BLK_OK);
	assert_page(byte);
}

static void write_page(uint64_t sector, uint8_t byte)
{
	fill_page(byte);
	assert_int_equal(request(0, PVN_BLK_WRITE, sector, 8), PVN_BLK_OK);
}

/* --- ranges --- */

static void discarded_space_goes_back_to_the_file_system(void **state)
{
	struct stat before, after;
	uint64_t i;

	(void)state;
	spawn_raw(NULL, NULL);
	front_connect();
	for (i = 0; i < 64; i++)
		write_page(i * 8, 0x5a);
	assert_int_equal(request(0, PVN_BLK_FLUSH, 0, 0), PVN_BLK_OK);
	assert_int_equal(fstat(image, &before), 0);
	assert_int_equal(published("feature-discard"), 1);
	assert_int_equal(request(0, PVN_BLK_DISCARD, 8, 63 * 8), PVN_BLK_OK);
	assert_int_equal(fstat(image, &after), 0);
	assert_true(after.st_blocks < before.st_blocks);
	assert_int_equal(after.st_size, before.st_size);
	assert_reads(0, 0x5a);
	assert_reads(8, 0);
}

static void zeroes_are_written_in_whatever_way_there_is(void **state)
{
	struct pvn_blk_request zero = {
		.op = PVN_BLK_WRITE_ZEROES, .sector = 8, .sector_count = 16,
	};

	(void)state;
	spawn_raw(NULL, NULL);
	front_connect();
	write_page(0, 1);
	write_page(8, 2);
	write_page(16, 3);
	write_page(24, 4);
	assert_int_equal(raw_request(zero), PVN_BLK_OK);
	assert_reads(0, 1);
	assert_reads(8, 0);
	assert_reads(16, 0);
	assert_reads(24, 4);
	zero.flags = PVN_BLK_FLAG_UNMAP;
	zero.sector = 24;
	zero.sector_count = 8;
	assert_int_equal(raw_request(zero), PVN_BLK_OK);
	assert_reads(24, 0);
}

static void secure_erase_is_offered_only_when_asked_for(void **state)
{
	(void)state;
	spawn_raw(NULL, NULL);
	front_connect();
	assert_int_equal(published("feature-secure-erase"), 0);
	assert_int_equal(request(0, PVN_BLK_SECURE_ERASE, 0, 8), PVN_BLK_UNSUPPORTED);
	harness_kill(&h);
	spawn_raw("--erase-by-writing", NULL);
	front_connect();
	assert_int_equal(published("feature-secure-erase"), 1);
	write_page(4096, 0x77);
	assert_int_equal(request(0, PVN_BLK_SECURE_ERASE, 0, 8192), PVN_BLK_OK);
	assert_reads(4096, 0);
}

static void ranges_on_a_read_only_disk_are_refused(void **state)
{
	(void)state;
	spawn_raw("--read-only", NULL);
	front_connect();
	assert_int_equal(published("feature-discard"), 0);
	assert_int_equal(request(0, PVN_BLK_DISCARD, 0, 8), PVN_BLK_READ_ONLY);
	assert_int_equal(request(0, PVN_BLK_WRITE_ZEROES, 0, 8), PVN_BLK_READ_ONLY);
}

/* --- what there is --- */

static void names_and_large_sectors_are_published(void **state)
{
	(void)state;
	spawn_raw("--sector-size", "4096");
	front_connect();
	assert_int_equal(published("sector-size"), 4096);
	assert_int_equal(published("sectors"), 8 * MIB / 512);
	assert_int_equal(request(0, PVN_BLK_READ, 1, 8), PVN_BLK_INVALID);
	assert_int_equal(request(0, PVN_BLK_READ, 8, 1), PVN_BLK_INVALID);
	assert_int_equal(request(0, PVN_BLK_READ, 8, 8), PVN_BLK_OK);
	harness_kill(&h);
	spawn_raw("--serial", "disk-7");
	harness_wait_state(&h, 2);
	wait_published("serial", "disk-7");
}

static void a_null_disk_reads_zeroes_and_forgets(void **state)
{
	const char *arguments[] = { "--null", "1099511627776", NULL };

	(void)state;
	harness_spawn(&h, blkd_program, arguments);
	front_connect();
	assert_int_equal(published("sectors"), 1099511627776 / 512);
	write_page(1 << 20, 0x11);
	assert_reads(1 << 20, 0);
	assert_int_equal(request(1, PVN_BLK_FLUSH, 0, 0), PVN_BLK_OK);
	assert_int_equal(request(0, PVN_BLK_DISCARD, 0, 1 << 20), PVN_BLK_OK);
}

static void a_larger_image_is_announced_when_told_to_look(void **state)
{
	(void)state;
	spawn_raw(NULL, NULL);
	front_connect();
	assert_int_equal(request(0, PVN_BLK_READ, 8 * MIB / 512, 8), PVN_BLK_OUT_OF_RANGE);
	assert_int_equal(ftruncate(image, 16 * MIB), 0);
	command("measure");
	assert_int_equal(published("sectors"), 16 * MIB / 512);
	assert_int_equal(published("state"), 4);
	assert_int_equal(request(0, PVN_BLK_READ, 8 * MIB / 512, 8), PVN_BLK_OK);
}

static void counters_are_told_when_asked_for(void **state)
{
	char *text;

	(void)state;
	spawn_raw(NULL, NULL);
	front_connect();
	write_page(0, 1);
	assert_reads(0, 1);
	command("count");
	text = pvn_store_readf(h.store, 0, "%s/queue-0/counters", h.back);
	assert_non_null(text);
	assert_non_null(strstr(text, "submitted=2 "));
	assert_non_null(strstr(text, "bytes_written=4096 "));
	free(text);
}

static void a_second_backend_of_the_same_device_ends(void **state)
{
	pid_t first;
	int status;

	(void)state;
	spawn_raw(NULL, NULL);
	front_connect();
	first = h.backend;
	spawn_raw(NULL, NULL);
	assert_int_equal(waitpid(h.backend, &status, 0), h.backend);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	h.backend = first;
	write_page(0, 9);
	assert_reads(0, 9);
}

/* --- limits --- */

static void limits_hold_requests_back_and_lose_none(void **state)
{
	unsigned int slot, round;
	double begin;

	(void)state;
	spawn_raw("--iops", "200");
	front_connect();
	begin = now();
	for (round = 0; round < 5; round++) {
		for (slot = 0; slot < 20; slot++) {
			struct io *io = &queues[0].io[slot];

			io->op = PVN_BLK_READ;
			io->sector = slot * 8;
			io->sectors = 8;
			submit(&queues[0], slot);
		}
		publish(0);
		for (slot = 0; slot < 20; slot++) {
			wait_one(0, &queues[0].io[slot]);
			assert_int_equal(queues[0].io[slot].status, PVN_BLK_OK);
		}
	}
	/* 100 requests, of which a burst of 20 costs nothing: 0.4 s at least. */
	assert_true(now() - begin > 0.35);
}

static void quick_answers_are_told_though_slow_ones_were_asked_for_too(void **state)
{
	struct pvn_queue_front *ring = &queues[0].ring.queue;
	unsigned int slot, count = 0;

	(void)state;
	spawn_raw("--iops", "1");	/* the first at once, the next in a second */
	front_connect();
	assert_false(pvn_front_arm(ring, 3));
	for (slot = 0; slot < 3; slot++) {
		queues[0].io[slot].op = PVN_BLK_READ;
		queues[0].io[slot].sector = 0;
		queues[0].io[slot].sectors = 8;
		submit(&queues[0], slot);
	}
	publish(0);
	assert_true(harness_hear(&h, 0, 900));
	count = take(&queues[0]);
	assert_in_range(count, 1, 2);
	while (count < 3) {
		if (!pvn_front_arm(ring, 3 - count))
			assert_true(harness_hear(&h, 0, 10000));
		count += take(&queues[0]);
	}
}

/* --- NBD --- */

/* `delay`: a parameter of nbdkit's delay filter, or NULL. */
static void start_slow_server(const char *delay)
{
	server = fork();
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("nbdkit", "nbdkit", "-f", "-U", socket_path, "file", image_path, delay,
		       delay ? "--filter=delay" : NULL, NULL);
		_exit(127);
	}
}

static void start_server(void)
{
	start_slow_server(NULL);
}

static void stop_server(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
	unlink(socket_path);
}

static void spawn_nbd(const char *seconds)
{
	const char *arguments[] = { "--nbd", uri, "--retry-seconds", seconds, NULL };

	harness_spawn(&h, blkd_program, arguments);
}

static void wait_for_socket(void)
{
	unsigned int tries = 500;

	while (access(socket_path, F_OK) && tries--)
		usleep(10000);
	assert_int_equal(access(socket_path, F_OK), 0);
}

static void make_names(void)
{
	snprintf(socket_path, sizeof(socket_path), "%s/nbd", h.stored.rundir);
	snprintf(uri, sizeof(uri), "nbd+unix:///?socket=%s", socket_path);
}

static void an_nbd_server_is_a_disk(void **state)
{
	(void)state;
	make_names();
	start_server();
	wait_for_socket();
	spawn_nbd("30");
	front_connect();
	assert_int_equal(published("sectors"), 8 * MIB / 512);
	write_page(64, 0x42);
	assert_reads(64, 0x42);
	/* Several segments go through a buffer. */
	assert_int_equal(request(0, PVN_BLK_WRITE, 0, 64), PVN_BLK_OK);
	assert_int_equal(request(0, PVN_BLK_READ, 0, 64), PVN_BLK_OK);
	assert_int_equal(request(0, PVN_BLK_FLUSH, 0, 0), PVN_BLK_OK);
	write_page(800, 0x43);
	assert_int_equal(request(0, PVN_BLK_WRITE_ZEROES, 800, 8), PVN_BLK_OK);
	assert_reads(800, 0);
	stop_server();
}

static void requests_wait_for_a_vanished_nbd_server(void **state)
{
	struct io *io = &queues[0].io[2];
	(void)state;
	make_names();
	spawn_nbd("30");		/* it comes later than its client */
	usleep(300000);
	assert_true(harness_alive(&h));
	start_server();
	front_connect();
	write_page(64, 0x42);
	stop_server();
	io->op = PVN_BLK_READ;
	io->sector = 64;
	io->sectors = 8;
	submit(&queues[0], 2);
	publish(0);
	assert_false(answered_within(0, io, 1200));
	start_server();
	wait_one(0, io);
	assert_int_equal(io->status, PVN_BLK_OK);
	assert_int_equal(io->page[0][5], 0x42);
	stop_server();
}

static void requests_fail_after_a_while_without_a_server(void **state)
{
	(void)state;
	make_names();
	start_server();
	wait_for_socket();
	spawn_nbd("1");
	front_connect();
	write_page(64, 0x42);
	stop_server();
	assert_int_equal(request(0, PVN_BLK_READ, 64, 8), PVN_BLK_IO_ERROR);
	assert_int_equal(request(0, PVN_BLK_READ, 64, 8), PVN_BLK_IO_ERROR);
	start_server();
	wait_for_socket();
	usleep(1200000);
	assert_reads(64, 0x42);
	stop_server();
}

static void a_front_end_that_leaves_gets_its_pages_back_first(void **state)
{
	struct io *io = &queues[0].io[0];

	(void)state;
	make_names();
	start_slow_server("rdelay=3");
	wait_for_socket();
	spawn_nbd("30");
	front_connect();
	fill_page(0x33);
	io->op = PVN_BLK_READ;
	io->sector = 0;
	io->sectors = 8;
	submit(&queues[0], 0);
	publish(0);
	usleep(200000);			/* it is with the server now */
	harness_write(&h, "state", "6");
	harness_wait_state(&h, 2);
	fill_page(0x44);		/* the page is something else's now */
	usleep(4000000);
	assert_page(0x44);
	/* Such a disk is as good as before. */
	front_announce();
	harness_wait_state(&h, 4);
	assert_int_equal(request(1, PVN_BLK_READ, 0, 8), PVN_BLK_OK);
	stop_server();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define IMAGE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		IMAGE_TEST(discarded_space_goes_back_to_the_file_system),
		IMAGE_TEST(zeroes_are_written_in_whatever_way_there_is),
		IMAGE_TEST(secure_erase_is_offered_only_when_asked_for),
		IMAGE_TEST(ranges_on_a_read_only_disk_are_refused),
		IMAGE_TEST(names_and_large_sectors_are_published),
		IMAGE_TEST(a_null_disk_reads_zeroes_and_forgets),
		IMAGE_TEST(a_larger_image_is_announced_when_told_to_look),
		IMAGE_TEST(counters_are_told_when_asked_for),
		IMAGE_TEST(a_second_backend_of_the_same_device_ends),
		IMAGE_TEST(limits_hold_requests_back_and_lose_none),
		IMAGE_TEST(quick_answers_are_told_though_slow_ones_were_asked_for_too),
		IMAGE_TEST(an_nbd_server_is_a_disk),
		IMAGE_TEST(requests_wait_for_a_vanished_nbd_server),
		IMAGE_TEST(requests_fail_after_a_while_without_a_server),
		IMAGE_TEST(a_front_end_that_leaves_gets_its_pages_back_first),
	};

	if (argc != 3)
		return 2;
	stored_program = argv[1];
	blkd_program = argv[2];
	return cmocka_run_group_tests_name("images", tests, NULL, NULL);
}
