/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A front-end in the test program, made of the guest's own blkfront_ring.c and
 * ring.h, on the harness's memory and doorbells. Functions assert what must hold.
 */
#ifndef TEST_BLKD_FRONT_H
#define TEST_BLKD_FRONT_H

#include "frontend/blk/blkfront_ring.h"
#include "harness.h"

enum {
	ENTRIES = 32,
	PAGES_PER_SLOT = 8,
	PAGE = 4096,
};

#define RING_AREA	0
#define INDIRECT_AREA	(1u << 20)
#define DATA_AREA	(2u << 20)

/* One request of the fake guest. */
struct io {
	bool busy;
	enum pvn_blk_op op;
	uint64_t sector;
	uint32_t sectors;
	enum pvn_blk_status status;
	uint8_t *page[PAGES_PER_SLOT];
};

struct queue {
	struct blkfront_ring ring;
	struct blkfront_slot slots[ENTRIES];
	struct io io[ENTRIES];
	void *base;
};

extern struct harness h;
extern struct queue queues[HARNESS_QUEUES];

uint32_t draw(uint32_t below);		/* pseudo-random */

/* Queues in the harness's memory; after harness_start(). */
void front_make(void);
/* New rings in the store, under the next epoch, with what is in flight. */
void front_announce(void);
/* Waits for the back-end, announces, waits until it serves. */
void front_connect(void);
uint32_t front_epoch(void);
void front_next_epoch(void);

/* Writes what queue->io[slot] says into the ring. */
void submit(struct queue *queue, unsigned int slot);
void publish(unsigned int index);
/* Takes answers; returns how many there were. */
unsigned int take(struct queue *queue);
void wait_one(unsigned int index, struct io *io);
/* Waits up to `ms`; true when it was answered. */
bool answered_within(unsigned int index, struct io *io, int ms);
/* One request from start to end, in slot 0. */
enum pvn_blk_status request(unsigned int index, enum pvn_blk_op op, uint64_t sector,
			    uint32_t sectors);
/* Submits a request as it is, whatever it says. */
enum pvn_blk_status raw_request(struct pvn_blk_request request);

#endif
