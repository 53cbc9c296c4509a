// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for block requests: the back-end's judgement of one (blkd/request.c) and what it
 * makes of it when transfers come back short, and the front-end's way of putting one
 * together (blkfront_ring.c), whose result the back-end must take as it was meant.
 *
 * Input: a byte for the disk, a byte for who is tried, then the request of 64 bytes and
 * 16 bytes for each segment of its page; or 8 bytes for each piece of memory.
 */
#include <stdlib.h>
#include <string.h>

#include "blkd/request.h"
#include "frontend/blk/blkfront_ring.h"

enum { GUEST_PAGES = 1024, SLOTS = 4 };

#define GPA 0x100000ull
#define GUEST_BYTES ((size_t)GUEST_PAGES * PVN_PAGE_SIZE)

static const struct blk_limits disks[] = {
	{ .sectors = 8000, .sector_bytes = 512,
	  .range_sectors = { [PVN_BLK_DISCARD] = 500, [PVN_BLK_WRITE_ZEROES] = 2000 } },
	{ .sectors = 1ull << 40, .sector_bytes = 4096,
	  .range_sectors = { [PVN_BLK_SECURE_ERASE] = UINT32_MAX } },
	{ .sectors = 8, .sector_bytes = 512, .read_only = true },
	{ .sectors = UINT64_MAX >> PVN_BLK_SECTOR_SHIFT, .sector_bytes = 512,
	  .range_sectors = { [PVN_BLK_DISCARD] = UINT32_MAX } },
};

static struct pvn_guest_memory memory;
static uint8_t *guest;
static struct blk_work work;

static void require(bool fine)
{
	if (!fine)
		abort();
}

/* Every byte is the guest's, there is no more than was said, and it is on the disk. */
static void check_accepted(const struct blk_limits *disk)
{
	uint64_t bytes = 0;
	unsigned int i;

	require(work.iov_count <= PVN_BLK_SEGMENTS_MAX && work.op < PVN_BLK_OP_COUNT);
	for (i = 0; i < work.iov_count; i++) {
		const uint8_t *at = work.iov[i].iov_base;

		require(work.iov[i].iov_len && at >= guest && at < guest + GUEST_BYTES &&
			work.iov[i].iov_len <= (size_t)(guest + GUEST_BYTES - at));
		bytes += work.iov[i].iov_len;
	}
	require(!blk_work_is_transfer(&work) || bytes == work.bytes);
	require(work.bytes <= UINT64_MAX - work.offset);
	require((work.offset + work.bytes + 511) / 512 <= disk->sectors);
	require(work.offset % disk->sector_bytes == 0 && work.bytes % disk->sector_bytes == 0);
	require(!disk->read_only || work.op == PVN_BLK_READ || work.op == PVN_BLK_FLUSH);
}

/* The kernel moved a part of it, again and again. */
static void advance(uint8_t step)
{
	uint64_t left = work.bytes, part;

	while (blk_work_is_transfer(&work) && left > 1) {
		part = 1 + step * 97u % (left - 1);
		blk_work_advance(&work, part);
		left -= part;
		require(work.bytes == left);
		step = (uint8_t)(step * 5 + 1);
	}
}

static void judge(const struct blk_limits *disk, const uint8_t *data, size_t size)
{
	struct pvn_blk_request request = { 0 };

	memcpy(&request, data, size < sizeof(request) ? size : sizeof(request));
	if (size > sizeof(request)) {
		size -= sizeof(request);
		memcpy(guest, data + sizeof(request), size < PVN_PAGE_SIZE ? size : PVN_PAGE_SIZE);
		/* As likely as not it is meant to be found. */
		if (request.flags & PVN_BLK_FLAG_INDIRECT && data[0] & 0x80) {
			request.op &= 0x7f;
			request.gpa[0] = GPA;
		}
	}
	if (blk_request_check(&request, disk, &memory, &work) != PVN_BLK_OK)
		return;
	check_accepted(disk);
	advance(data[0]);
}

/* What the front-end puts together is what the back-end finds. */
static void build(const struct blk_limits *disk, const uint8_t *data, size_t size)
{
	static struct blkfront_slot slots[SLOTS];
	struct blkfront_ring ring;
	uint64_t bytes = 0;

	memset(slots, 0, sizeof(slots));
	slots[0].indirect = (struct pvn_blk_segment *)guest;
	slots[0].indirect_gpa = GPA;
	blkfront_ring_init(&ring, slots, SLOTS);
	blkfront_begin(&ring, 0, PVN_BLK_READ, false, 0);
	for (; size >= 4; data += 4, size -= 4) {
		uint64_t gpa = GPA + PVN_PAGE_SIZE + (data[0] | data[1] << 8) % 8000 * 512u % GUEST_BYTES;
		uint32_t length = (1 + data[2] % 8) * 512;

		if (gpa + length > GPA + GUEST_BYTES)
			continue;
		if (!blkfront_add(&ring, 0, gpa, length))
			break;
		bytes += length;
	}
	require(slots[0].request.segment_count <= PVN_BLK_SEGMENTS_MAX);
	if (blk_request_check(&slots[0].request, disk, &memory, &work) != PVN_BLK_OK)
		return;
	check_accepted(disk);
	require(work.bytes == bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct blk_limits *disk;

	if (!guest) {
		guest = aligned_alloc(PVN_PAGE_SIZE, GUEST_BYTES);
		require(guest && !pvn_memory_add(&memory, GPA, GUEST_BYTES, guest));
	}
	if (size < 3)
		return 0;
	disk = &disks[data[0] % (sizeof(disks) / sizeof(disks[0]))];
	if (data[1] & 1)
		judge(disk, data + 2, size - 2);
	else
		build(disk, data + 2, size - 2);
	return 0;
}
