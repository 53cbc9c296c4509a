// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile block front-end: counters, stamps, epochs and arm words of the ring. What
 * cannot be breaks the queue with the right reason; the next connection is served.
 */
#include "device.h"

#define STORM	20000u

static struct pvn_ring_front *control(struct disk *disk)
{
	return disk->queue.mine;
}

/* A connection on which one good request has been answered. */
static struct disk *connected(void)
{
	struct disk *disk = disk_find(0);
	const struct pvn_blk_request flush = disk_request(PVN_BLK_FLUSH, 0, 0, 0);

	disk_connect(disk);
	expect_equal("status of a flush", disk_do(disk, &flush), PVN_BLK_OK);
	return disk;
}

static void ring(struct disk *disk)
{
	ring_doorbell(disk->device.channel);
}

static void move_tail(uint32_t to, enum pvn_ring_error why)
{
	struct disk *disk = connected();

	pvn_ring_store(&control(disk)->sq_tail, to);
	ring(disk);
	disk_expect_broken(disk, why);
	disk_expect_service(disk);
}

CASE(tail_beyond_the_ring)
{
	move_tail(1 + DISK_ENTRIES + 1, PVN_RING_BAD_INDEX);
}

CASE(tail_goes_backwards)
{
	move_tail(0, PVN_RING_BAD_INDEX);
}

CASE(tail_at_the_sign_bit)
{
	move_tail(0x80000000, PVN_RING_BAD_INDEX);
}

CASE(tail_of_all_ones)
{
	move_tail(~0u, PVN_RING_BAD_INDEX);
}

CASE(tail_without_entries)
{
	move_tail(1 + 4, PVN_RING_BAD_STAMP);
}

CASE(tail_a_ring_ahead_without_entries)
{
	move_tail(1 + DISK_ENTRIES, PVN_RING_BAD_STAMP);
}

/* One good entry, but with this stamp at position 1. */
static void wrong_stamp(uint32_t stamp)
{
	struct disk *disk = connected();
	const struct pvn_blk_request flush = disk_request(PVN_BLK_FLUSH, 0, 0, 0);

	expect(pvn_front_push(&disk->queue, &flush), "there is no room");
	pvn_ring_store(&disk->queue.sq[1].stamp, stamp);
	pvn_front_publish(&disk->queue);
	ring(disk);
	disk_expect_broken(disk, PVN_RING_BAD_STAMP);
	disk_expect_service(disk);
}

CASE(stamp_of_the_future)
{
	wrong_stamp(2 + DISK_ENTRIES);
}

CASE(stamp_of_the_past)
{
	wrong_stamp(2 - DISK_ENTRIES);
}

CASE(stamp_of_zero)
{
	wrong_stamp(0);
}

/* All slots have been used: the tail moves on over what stands in them from before. */
CASE(old_entries_published_again)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	for (unsigned int i = 0; i < DISK_ENTRIES; i++) {
		const struct pvn_blk_request flush = disk_request(PVN_BLK_FLUSH, 0, 0, 0);

		expect_equal("status of a flush", disk_do(disk, &flush), PVN_BLK_OK);
	}
	pvn_ring_store(&control(disk)->sq_tail, DISK_ENTRIES + 8);
	ring(disk);
	disk_expect_broken(disk, PVN_RING_BAD_STAMP);
	disk_expect_service(disk);
}

static void move_epoch(uint32_t to)
{
	struct disk *disk = connected();

	pvn_ring_store(&control(disk)->epoch, to);
	ring(disk);
	disk_expect_broken(disk, PVN_RING_BAD_EPOCH);
	disk_expect_service(disk);
}

CASE(epoch_changes_while_served)
{
	move_epoch(disk_find(0)->device.epoch + 7);
}

CASE(epoch_becomes_zero)
{
	move_epoch(0);
}

/* More than a ring full in flight: entries over slots that are not completed yet. */
CASE(ring_overrun)
{
	struct disk *disk = disk_find(0);
	unsigned int completions = 0;

	disk_connect(disk);
	for (unsigned int turn = 0; turn < 8; turn++) {
		/* As if all were completed: what it counts as in flight is its own affair. */
		disk->queue.cq_head = disk->queue.sq_tail;
		for (unsigned int i = 0; i < DISK_ENTRIES; i++) {
			const struct pvn_blk_request read = disk_request(PVN_BLK_READ, i, i, 8);

			pvn_front_push(&disk->queue, &read);
		}
		pvn_front_publish(&disk->queue);
		ring(disk);
	}
	/* Either it was fast enough for all, or it saw what cannot be; nothing else. */
	wait_for(200 * MSECS);
	for (unsigned int i = 0; i < DISK_ENTRIES; i++)
		completions += disk->queue.cq[i].stamp != 0;
	expect(completions <= DISK_ENTRIES, "%u completions", completions);
	expect(disk->queue.peer->error == PVN_RING_OK ||
	       disk->queue.peer->error == PVN_RING_BAD_INDEX ||
	       disk->queue.peer->error == PVN_RING_BAD_STAMP, "error %u",
	       disk->queue.peer->error);
	disk_expect_service(disk);
}

/* The back-end's own page is the guest's memory too: what stands there must not matter to it. */
static void scribble_back(uint32_t value)
{
	struct disk *disk = connected();
	struct pvn_ring_back *back = (struct pvn_ring_back *)disk->queue.peer;
	const struct pvn_blk_request read = disk_request(PVN_BLK_READ, 0, 0, 8);

	back->cq_tail = value;
	back->sq_head = value;
	back->sq_arm = value;
	back->error = value;
	for (unsigned int i = 0; i < ARRAY_COUNT(back->reserved); i++)
		back->reserved[i] = value;
	pvn_front_push(&disk->queue, &read);
	pvn_front_publish(&disk->queue);
	ring(disk);
	expect_equal("status of a read", disk_take(disk).status, PVN_BLK_OK);
	disk_expect_service(disk);
}

CASE(back_ends_counters_of_ones)
{
	scribble_back(~0u);
}

CASE(back_ends_counters_of_zero)
{
	scribble_back(0);
}

CASE(completions_written_by_the_guest)
{
	struct disk *disk = connected();
	struct pvn_cqe *cq = (struct pvn_cqe *)disk->queue.cq;
	const struct pvn_blk_request read = disk_request(PVN_BLK_READ, 0, 0, 8);

	for (unsigned int i = 1; i < DISK_ENTRIES; i++)
		cq[i] = (struct pvn_cqe){ .id = ~0u, .status = 0xffff, .stamp = 77 };
	expect_equal("status of a read", disk_do(disk, &read), PVN_BLK_OK);
	disk_expect_service(disk);
}

static void set_arm_words(uint32_t value)
{
	struct disk *disk = connected();

	control(disk)->cq_arm = value;
	control(disk)->space_arm = value;
	control(disk)->cq_head = value;
	for (unsigned int i = 0; i < 3 * DISK_ENTRIES; i++) {
		const struct pvn_blk_request read = disk_request(PVN_BLK_READ, i, 0, 8);

		expect_equal("status of a read", disk_do(disk, &read), PVN_BLK_OK);
	}
	disk_expect_service(disk);
}

CASE(arm_words_of_ones)
{
	set_arm_words(~0u);
}

CASE(arm_words_far_ahead)
{
	set_arm_words(0x7fffffff);
}

CASE(reserved_words_of_the_ring)
{
	struct disk *disk = connected();
	const struct pvn_blk_request read = disk_request(PVN_BLK_READ, 0, 0, 8);

	for (unsigned int i = 0; i < ARRAY_COUNT(control(disk)->reserved); i++)
		control(disk)->reserved[i] = ~0u;
	expect_equal("status of a read", disk_do(disk, &read), PVN_BLK_OK);
	disk_expect_service(disk);
}

CASE(event_storm)
{
	struct disk *disk = connected();

	for (unsigned int i = 0; i < STORM; i++)
		ring(disk);
	disk_expect_service(disk);
}

static volatile bool stop;

static void storm(void *context)
{
	while (!stop)
		ring(context);
}

CASE(event_storm_under_load)
{
	struct disk *disk = connected();

	vp_need_second();
	stop = false;
	vp_begin(storm, disk);
	for (unsigned int i = 0; i < 200; i++) {
		const struct pvn_blk_request read = disk_request(PVN_BLK_READ, i, 0, 8);

		expect_equal("status of a read", disk_do(disk, &read), PVN_BLK_OK);
	}
	stop = true;
	vp_finish();
	disk_expect_service(disk);
}

static void write_noise(void *context)
{
	struct disk *disk = context;
	struct random random = { 0x853c49e6748fea9bull };
	uint32_t *words = disk->ring;
	uint32_t count = pvn_ring_front_bytes(DISK_ENTRIES) / 4;

	while (!stop) {
		uint64_t noise = random_next(&random);

		words[noise % count] = (uint32_t)(noise >> 32);
		words[0] = (uint32_t)(noise >> 24) % 64;
	}
}

CASE(noise_in_the_ring)
{
	struct disk *disk = connected();

	vp_need_second();
	for (unsigned int turn = 0; turn < 20; turn++) {
		stop = false;
		vp_begin(write_noise, disk);
		for (unsigned int i = 0; i < 50; i++) {
			ring(disk);
			wait_for(MSECS / 10);
		}
		stop = true;
		vp_finish();
		disk_connect(disk);
	}
	disk_expect_service(disk);
}
