// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-blkd, whole, against a front-end in this program that uses the same
 * blkfront_ring.c and ring.h as the guest's module.
 *
 * usage: test_blkd PVN_STORED PVN_BLKD
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "front.h"

enum { IMAGE_SECTORS = 65536 };		/* 32 MiB */

static const char *stored_program, *blkd_program;
static char image_path[TEMPORARY_PATH_MAX];
static int image;
static uint8_t *expected;	/* what the image should hold */

static void spawn(bool read_only)
{
	char fd[16];
	const char *more[] = {
		"--image", image_path, "--image-fd", fd, read_only ? "--read-only" : NULL, NULL,
	};

	snprintf(fd, sizeof(fd), "%d", image);
	harness_spawn(&h, blkd_program, more);
}

static int setup(void **state)
{
	(void)state;
	harness_start(&h, stored_program, "blk");
	image = temporary_file(image_path);
	expected = calloc(IMAGE_SECTORS, 512);
	if (image < 0 || !expected || ftruncate(image, IMAGE_SECTORS * 512ll))
		return -1;
	front_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	harness_stop(&h);
	temporary_remove(image_path);
	close(image);
	free(expected);
	return 0;
}

/* --- random load; each slot owns a part of the disk, so order does not matter --- */

static void begin_random(unsigned int index, unsigned int slot)
{
	struct io *io = &queues[index].io[slot];
	uint32_t span = IMAGE_SECTORS / (HARNESS_QUEUES * ENTRIES), i, at = 0;
	uint64_t base = (uint64_t)(index * ENTRIES + slot) * span;

	io->sectors = 1 + draw(PAGES_PER_SLOT * 8);
	io->sector = base + draw(span - io->sectors);
	io->op = draw(20) == 0 ? PVN_BLK_FLUSH : draw(2) ? PVN_BLK_WRITE : PVN_BLK_READ;
	if (io->op == PVN_BLK_READ && draw(10) == 0)
		io->op = draw(2) ? PVN_BLK_DISCARD : PVN_BLK_WRITE_ZEROES;
	if (io->op == PVN_BLK_FLUSH)
		io->sectors = 0;
	/* A file's discarded ranges read as zeroes too. */
	if (io->op > PVN_BLK_FLUSH)
		memset(expected + io->sector * 512, 0, io->sectors * 512);
	for (i = 0; io->op == PVN_BLK_WRITE && i < io->sectors; i++) {
		uint8_t *to = io->page[i / 8] + i % 8 * 512;

		memset(to, (int)draw(256), 512);
		memcpy(expected + (io->sector + at++) * 512, to, 512);
	}
	submit(&queues[index], slot);
}

static void verify_random(struct io *io)
{
	uint32_t i;

	assert_int_equal(io->status, PVN_BLK_OK);
	for (i = 0; io->op == PVN_BLK_READ && i < io->sectors; i++)
		assert_memory_equal(io->page[i / 8] + i % 8 * 512,
				    expected + (io->sector + i) * 512, 512);
}

/* One look at a queue: takes what is answered and submits as much again. */
static unsigned int pump(unsigned int index, bool more, unsigned int depth)
{
	struct queue *queue = &queues[index];
	unsigned int slot, done = 0;
	static bool was_busy[HARNESS_QUEUES][ENTRIES];

	for (slot = 0; slot < depth; slot++)
		was_busy[index][slot] = queue->io[slot].busy;
	take(queue);
	for (slot = 0; slot < depth; slot++) {
		if (was_busy[index][slot] && !queue->io[slot].busy) {
			verify_random(&queue->io[slot]);
			done++;
		}
		if (more && !queue->io[slot].busy)
			begin_random(index, slot);
	}
	publish(index);
	return done;
}

static bool all_idle(void)
{
	return !queues[0].ring.in_flight && !queues[1].ring.in_flight;
}

static void settle(unsigned int depth)
{
	unsigned int i;

	while (!all_idle())
		for (i = 0; i < HARNESS_QUEUES; i++) {
			if (pump(i, false, depth) || !queues[i].ring.in_flight ||
			    pvn_front_arm(&queues[i].ring.queue, 1))
				continue;
			assert_true(harness_hear(&h, i, 10000));
		}
}

static void load(unsigned int requests, unsigned int depth)
{
	unsigned int i, done = 0;

	while (done < requests)
		for (i = 0; i < HARNESS_QUEUES; i++) {
			unsigned int now = pump(i, true, depth);

			done += now;
			if (!now && !pvn_front_arm(&queues[i].ring.queue, 1))
				assert_true(harness_hear(&h, i, 10000));
		}
	settle(depth);
}

static void assert_image(void)
{
	uint8_t *now = malloc(IMAGE_SECTORS * 512);

	assert_non_null(now);
	assert_int_equal(pread(image, now, IMAGE_SECTORS * 512, 0), IMAGE_SECTORS * 512);
	assert_memory_equal(now, expected, IMAGE_SECTORS * 512);
	free(now);
}

/* --- tests --- */

static void random_requests_on_two_queues_give_back_what_was_written(void **state)
{
	(void)state;
	spawn(false);
	front_connect();
	load(2000, 1);
	load(20000, ENTRIES);
	assert_image();
	print_message("# depth %d: %llu submitted, %llu doorbells, %llu saved\n", ENTRIES,
		      (unsigned long long)queues[0].ring.queue.counters.submitted,
		      (unsigned long long)queues[0].ring.queue.counters.notified,
		      (unsigned long long)queues[0].ring.queue.counters.notifications_saved);
}

static void features_are_published(void **state)
{
	uint64_t value;
	char path[128];

	(void)state;
	spawn(false);
	harness_wait_state(&h, 2);
	snprintf(path, sizeof(path), "%s/sectors", h.back);
	assert_int_equal(pvn_store_read_u64(h.store, 0, path, &value), 0);
	assert_int_equal(value, IMAGE_SECTORS);
	snprintf(path, sizeof(path), "%s/feature-flush", h.back);
	assert_int_equal(pvn_store_read_u64(h.store, 0, path, &value), 0);
	assert_int_equal(value, 1);
}

static void bad_requests_are_answered_and_the_queue_lives_on(void **state)
{
	uint64_t gpa = harness_gpa(&h, h.memory + DATA_AREA);
	struct pvn_blk_request read = {
		.op = PVN_BLK_READ, .segment_count = 1, .gpa = { gpa }, .bytes = { PAGE },
	};
	struct pvn_blk_request bad;

	(void)state;
	spawn(false);
	front_connect();
	assert_int_equal(request(0, PVN_BLK_READ, IMAGE_SECTORS - 8, 8), PVN_BLK_OK);
	assert_int_equal(request(0, PVN_BLK_READ, IMAGE_SECTORS - 7, 8), PVN_BLK_OUT_OF_RANGE);
	assert_int_equal(request(0, PVN_BLK_READ, UINT64_MAX, 8), PVN_BLK_OUT_OF_RANGE);
	bad = read;
	bad.op = 77;
	assert_int_equal(raw_request(bad), PVN_BLK_UNSUPPORTED);
	bad = read;
	bad.gpa[0] = HARNESS_GPA + HARNESS_BYTES;
	assert_int_equal(raw_request(bad), PVN_BLK_INVALID);
	bad = read;
	bad.gpa[0] = HARNESS_GPA + HARNESS_BYTES - 512;
	assert_int_equal(raw_request(bad), PVN_BLK_INVALID);
	bad = read;
	bad.bytes[0] = 0;
	assert_int_equal(raw_request(bad), PVN_BLK_INVALID);
	bad = read;
	bad.segment_count = 60000;
	assert_int_equal(raw_request(bad), PVN_BLK_INVALID);
	bad = read;
	bad.flags = PVN_BLK_FLAG_INDIRECT;
	bad.gpa[0] = UINT64_MAX & ~4095ull;
	assert_int_equal(raw_request(bad), PVN_BLK_INVALID);
	assert_int_equal(request(1, PVN_BLK_FLUSH, 0, 0), PVN_BLK_OK);
}

static void a_read_only_disk_refuses_writes(void **state)
{
	(void)state;
	spawn(true);
	front_connect();
	assert_int_equal(request(0, PVN_BLK_WRITE, 0, 8), PVN_BLK_READ_ONLY);
	assert_int_equal(request(0, PVN_BLK_READ, 0, 8), PVN_BLK_OK);
	assert_image();
}

static void an_image_that_shrinks_gives_errors_and_keeps_the_rest(void **state)
{
	(void)state;
	spawn(false);
	front_connect();
	assert_int_equal(request(0, PVN_BLK_WRITE, 0, 8), PVN_BLK_OK);
	assert_int_equal(ftruncate(image, 1 << 20), 0);
	assert_int_equal(request(0, PVN_BLK_READ, 4096, 8), PVN_BLK_IO_ERROR);
	assert_int_equal(request(0, PVN_BLK_READ, 0, 8), PVN_BLK_OK);
	assert_true(harness_alive(&h));
}

static void a_hostile_index_breaks_that_queue_only_until_reset(void **state)
{
	struct pvn_ring_front *front = queues[0].base;
	const struct pvn_ring_back *back = queues[0].ring.queue.peer;
	unsigned int tries = 1000;

	(void)state;
	spawn(false);
	front_connect();
	back = queues[0].ring.queue.peer;
	pvn_ring_store(&front->sq_tail, 0x7fffffff);
	harness_ring(&h, 0);
	while (!pvn_ring_load(&back->error) && tries--)
		usleep(1000);
	assert_int_equal(pvn_ring_load(&back->error), PVN_RING_BAD_INDEX);
	assert_int_equal(request(1, PVN_BLK_READ, 0, 8), PVN_BLK_OK);
	harness_write(&h, "state", "6");
	harness_wait_state(&h, 2);
	harness_write(&h, "state", "1");
	front_connect();
	assert_int_equal(request(0, PVN_BLK_READ, 0, 8), PVN_BLK_OK);
}

static void rings_outside_of_memory_are_refused(void **state)
{
	(void)state;
	spawn(false);
	harness_wait_state(&h, 2);
	front_announce();
	harness_wait_state(&h, 4);
	harness_write(&h, "state", "6");
	harness_wait_state(&h, 2);
	front_next_epoch();
	harness_write(&h, "queue-0/ring-gpa", "0xfffffffffffff000");
	harness_write(&h, "epoch", "%u", front_epoch());
	harness_write(&h, "state", "3");
	usleep(100000);
	assert_true(harness_alive(&h));
	harness_write(&h, "queue-0/ring-gpa", "nonsense");
	harness_write(&h, "queue-count", "-1");
	harness_write(&h, "state", "3");
	usleep(100000);
	assert_true(harness_alive(&h));
	harness_wait_state(&h, 2);
	front_connect();
	assert_int_equal(request(0, PVN_BLK_READ, 0, 8), PVN_BLK_OK);
}

static void a_killed_backend_loses_and_repeats_nothing(void **state)
{
	const char *kills = getenv("PARAVANE_KILLS");	/* for a long run */
	unsigned int rounds = kills ? (unsigned int)atoi(kills) : 20, round, i, turns;

	(void)state;
	spawn(false);
	front_connect();
	for (round = 0; round < rounds; round++) {
		for (turns = 0; turns < 50; turns++)
			for (i = 0; i < HARNESS_QUEUES; i++)
				pump(i, true, ENTRIES);
		harness_kill(&h);
		spawn(false);
		front_connect();
	}
	settle(ENTRIES);
	assert_image();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define BLKD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		BLKD_TEST(features_are_published),
		BLKD_TEST(random_requests_on_two_queues_give_back_what_was_written),
		BLKD_TEST(bad_requests_are_answered_and_the_queue_lives_on),
		BLKD_TEST(a_read_only_disk_refuses_writes),
		BLKD_TEST(an_image_that_shrinks_gives_errors_and_keeps_the_rest),
		BLKD_TEST(a_hostile_index_breaks_that_queue_only_until_reset),
		BLKD_TEST(rings_outside_of_memory_are_refused),
		BLKD_TEST(a_killed_backend_loses_and_repeats_nothing),
	};

	if (argc != 3)
		return 2;
	stored_program = argv[1];
	blkd_program = argv[2];
	return cmocka_run_group_tests_name("blkd", tests, NULL, NULL);
}
