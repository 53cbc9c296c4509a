// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See front.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "front.h"

struct harness h;
struct queue queues[HARNESS_QUEUES];

static uint32_t epoch;
static uint64_t random_state = 88172645463325252ull;

uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 11) % below;
}

uint32_t front_epoch(void)
{
	return epoch;
}

void front_next_epoch(void)
{
	epoch++;
}

static void make_queue(unsigned int index)
{
	struct queue *queue = &queues[index];
	unsigned int i, j;

	memset(queue, 0, sizeof(*queue));
	blkfront_ring_init(&queue->ring, queue->slots, ENTRIES);
	queue->base = h.memory + RING_AREA + index * (64 << 10);
	for (i = 0; i < ENTRIES; i++) {
		queue->slots[i].indirect = (struct pvn_blk_segment *)
			(h.memory + INDIRECT_AREA + (index * ENTRIES + i) * PAGE);
		queue->slots[i].indirect_gpa = harness_gpa(&h, queue->slots[i].indirect);
		/* Every other page: nothing is contiguous. */
		for (j = 0; j < PAGES_PER_SLOT; j++)
			queue->io[i].page[j] = h.memory + DATA_AREA +
				((index * ENTRIES + i) * PAGES_PER_SLOT + j) * 2 * PAGE;
	}
}

void front_make(void)
{
	unsigned int i;

	for (i = 0; i < HARNESS_QUEUES; i++)
		make_queue(i);
}

void front_announce(void)
{
	unsigned int i;
	char key[32];

	epoch++;
	for (i = 0; i < HARNESS_QUEUES; i++) {
		memset(queues[i].base, 0, pvn_ring_bytes(ENTRIES));
		blkfront_ring_connect(&queues[i].ring, queues[i].base, epoch);
		snprintf(key, sizeof(key), "queue-%u/ring-gpa", i);
		harness_write(&h, key, "0x%llx",
			      (unsigned long long)harness_gpa(&h, queues[i].base));
		snprintf(key, sizeof(key), "queue-%u/ring-entries", i);
		harness_write(&h, key, "%d", ENTRIES);
	}
	harness_write(&h, "protocol", "1");
	harness_write(&h, "queue-count", "%d", HARNESS_QUEUES);
	harness_write(&h, "epoch", "%u", epoch);
	harness_write(&h, "state", "3");
}

void front_connect(void)
{
	unsigned int i;

	harness_wait_state(&h, 2);
	front_announce();
	harness_wait_state(&h, 4);
	harness_write(&h, "state", "4");
	for (i = 0; i < HARNESS_QUEUES; i++)
		if (pvn_front_publish(&queues[i].ring.queue))
			harness_ring(&h, i);
}

/* --- requests --- */

void submit(struct queue *queue, unsigned int slot)
{
	struct io *io = &queue->io[slot];
	uint32_t left = io->sectors * 512, i;

	blkfront_begin(&queue->ring, slot, io->op, io->op == PVN_BLK_WRITE && draw(8) == 0,
		       io->sector);
	if (io->op > PVN_BLK_FLUSH) {
		blkfront_set_range(&queue->ring, slot, io->sectors, false);
		left = 0;
	}
	for (i = 0; left; i++) {
		uint32_t piece = left < PAGE ? left : PAGE;

		assert_true(blkfront_add(&queue->ring, slot, harness_gpa(&h, io->page[i]), piece));
		left -= piece;
	}
	io->busy = true;
	assert_true(blkfront_submit(&queue->ring, slot, io));
}

void publish(unsigned int index)
{
	if (pvn_front_publish(&queues[index].ring.queue))
		harness_ring(&h, index);
}

/* Takes answers; returns how many there were. */
unsigned int take(struct queue *queue)
{
	enum pvn_blk_status status;
	unsigned int count = 0;
	void *cookie;

	while (blkfront_next(&queue->ring, &cookie, &status)) {
		struct io *io = cookie;

		io->status = status;
		io->busy = false;
		count++;
	}
	return count;
}

void wait_one(unsigned int index, struct io *io)
{
	struct queue *queue = &queues[index];

	while (io->busy) {
		if (take(queue) || pvn_front_arm(&queue->ring.queue, 1))
			continue;
		assert_int_equal(queue->ring.queue.broken, PVN_RING_OK);
		assert_true(harness_hear(&h, index, 10000));
	}
}

bool answered_within(unsigned int index, struct io *io, int ms)
{
	struct queue *queue = &queues[index];

	while (io->busy) {
		if (take(queue) || pvn_front_arm(&queue->ring.queue, 1))
			continue;
		if (!harness_hear(&h, index, ms))
			return false;
	}
	return true;
}

enum pvn_blk_status request(unsigned int index, enum pvn_blk_op op, uint64_t sector,
			    uint32_t sectors)
{
	struct queue *queue = &queues[index];
	struct io *io = &queue->io[0];

	io->op = op;
	io->sector = sector;
	io->sectors = sectors;
	submit(queue, 0);
	publish(index);
	wait_one(index, io);
	return io->status;
}

/* Submits a request as it is, whatever it says. */
enum pvn_blk_status raw_request(struct pvn_blk_request request)
{
	struct queue *queue = &queues[0];
	struct io *io = &queue->io[1];

	queue->slots[1].request = request;
	io->busy = true;
	assert_true(blkfront_submit(&queue->ring, 1, io));
	publish(0);
	wait_one(0, io);
	return io->status;
}
