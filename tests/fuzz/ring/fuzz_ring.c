// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for both ends of a block queue, each against a peer that writes what
 * it likes into the pages that are its own, at any step.
 *
 * The input is a list of steps of 7 bytes: what to do, where, and a word.
 */
#include <stdlib.h>
#include <string.h>

#include "blkd/request.h"
#include "frontend/blk/blkfront_ring.h"

enum {
	ENTRIES = 8,
	EPOCH = 1,
	STEP = 7,
	GUEST_PAGES = 8,
};

#define GPA 0x10000ull

static struct pvn_guest_memory memory;
static uint8_t *guest;
static struct pvn_queue_back back;
static struct blkfront_ring front;
static struct blkfront_slot slots[ENTRIES];
static struct pvn_blk_segment pages[ENTRIES][PVN_BLK_SEGMENTS_MAX];
static struct blk_limits limits = { .sectors = 1000, .sector_bytes = 512,
	.range_sectors = { [PVN_BLK_DISCARD] = 500, [PVN_BLK_WRITE_ZEROES] = 2000 },
};
static struct blk_work work;

/* The front-end's ring for the back-end under test, and the other way round. */
static uint8_t *hostile_front, *hostile_back;

static void begin(void)
{
	unsigned int i;

	if (!guest) {
		guest = aligned_alloc(PVN_PAGE_SIZE, GUEST_PAGES * PVN_PAGE_SIZE);
		hostile_front = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(ENTRIES));
		hostile_back = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(ENTRIES));
		pvn_memory_add(&memory, GPA, GUEST_PAGES * PVN_PAGE_SIZE, guest);
	}
	memset(guest, 0, GUEST_PAGES * PVN_PAGE_SIZE);
	memset(hostile_front, 0, pvn_ring_bytes(ENTRIES));
	memset(hostile_back, 0, pvn_ring_bytes(ENTRIES));
	memset(slots, 0, sizeof(slots));
	for (i = 0; i < ENTRIES; i++)
		slots[i].indirect = pages[i];
	((struct pvn_ring_front *)hostile_front)->epoch = EPOCH;
	if (!pvn_back_attach(&back, hostile_front, ENTRIES, EPOCH))
		abort();
	blkfront_ring_init(&front, slots, ENTRIES);
	blkfront_ring_connect(&front, hostile_back, EPOCH);
}

/* Whatever is accepted must lie in the guest's memory and on the disk. */
static void check_accepted(void)
{
	unsigned int i;
	uint64_t bytes = 0;

	for (i = 0; i < work.iov_count; i++) {
		const uint8_t *at = work.iov[i].iov_base;

		if (at < guest || work.iov[i].iov_len > GUEST_PAGES * PVN_PAGE_SIZE ||
		    at + work.iov[i].iov_len > guest + GUEST_PAGES * PVN_PAGE_SIZE)
			abort();
		bytes += work.iov[i].iov_len;
	}
	if ((blk_work_is_transfer(&work) && bytes != work.bytes) ||
	    work.offset + work.bytes > limits.sectors * 512)
		abort();
}

static void run_back(void)
{
	struct pvn_blk_request request;
	int available = pvn_back_available(&back);

	if (available > ENTRIES)
		abort();
	while (available-- > 0 && pvn_back_next(&back, &request)) {
		enum pvn_blk_status status = blk_request_check(&request, &limits, &memory, &work);

		if (status == PVN_BLK_OK)
			check_accepted();
		pvn_back_complete(&back, request.id, status, 0);
	}
	pvn_back_publish(&back);
	pvn_back_owes(&back);
	pvn_back_arm(&back);
}

static void run_front(uint32_t word)
{
	enum pvn_blk_status status;
	uint32_t slot = word % ENTRIES;
	unsigned int answers = 0;
	void *cookie;

	if (!slots[slot].cookie) {
		blkfront_begin(&front, slot, PVN_BLK_READ, false, word);
		blkfront_add(&front, slot, GPA, 512);
		blkfront_submit(&front, slot, &slots[slot]);
	}
	pvn_front_publish(&front.queue);
	while (blkfront_next(&front, &cookie, &status))
		if (!cookie || ++answers > ENTRIES)
			abort();
	if (word & 1 << 16)
		pvn_front_arm_group(&front.queue, 1 + word % ENTRIES);
	else
		pvn_front_arm(&front.queue, 1);
	pvn_front_untaken(&front.queue);
}

static void scribble(uint8_t *base, size_t bytes, uint16_t where, uint32_t word)
{
	memcpy(base + where * 4u % bytes, &word, sizeof(word));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t front_bytes = pvn_ring_front_bytes(ENTRIES);
	uint16_t where;
	uint32_t word;

	begin();
	for (; size >= STEP; data += STEP, size -= STEP) {
		memcpy(&where, data + 1, sizeof(where));
		memcpy(&word, data + 3, sizeof(word));
		switch (data[0] % 5) {
		case 0:
			scribble(hostile_front, front_bytes, where, word);
			break;
		case 1:
			scribble(guest, GUEST_PAGES * PVN_PAGE_SIZE, where, word);
			break;
		case 2:
			run_back();
			break;
		case 3:
			scribble(hostile_back + front_bytes, pvn_ring_back_bytes(ENTRIES), where,
				 word);
			break;
		case 4:
			run_front(word);
			break;
		}
	}
	return 0;
}
