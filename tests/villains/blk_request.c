// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile block front-end: requests that no honest one sends, and descriptors that
 * change after they were published. Each is answered with the status that fits, moves
 * no byte, and the queue goes on.
 */
#include "device.h"

#define MEMORY_END	0x2000000ull	/* the guest has 32 MiB */
#define RACES		300u

static struct pvn_blk_segment segments[PVN_BLK_SEGMENTS_MAX] PAGE_ALIGNED;

static struct disk *connected(void)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	return disk;
}

/* The request is answered so; its buffer stays as it was; another one is served. */
static void refused(const struct pvn_blk_request *request, enum pvn_blk_status status)
{
	struct disk *disk = connected();

	memset(disk_buffer, 0x5a, sizeof(disk_buffer));
	expect_equal("status", disk_do(disk, request), status);
	for (unsigned int i = 0; i < sizeof(disk_buffer); i++)
		expect(((uint8_t *)disk_buffer)[i] == 0x5a, "byte %u was written", i);
	disk_expect_silence(disk);
	disk_expect_service(disk);
}

static struct pvn_blk_request read_of_8(void)
{
	return disk_request(PVN_BLK_READ, 8, 0, 8);
}

static void refused_buffer(uint64_t gpa, uint32_t bytes)
{
	struct pvn_blk_request request = read_of_8();

	request.gpa[0] = gpa;
	request.bytes[0] = bytes;
	refused(&request, PVN_BLK_INVALID);
}

CASE(buffer_beyond_memory)
{
	refused_buffer(MEMORY_END, 4096);
}

CASE(buffer_across_the_end_of_memory)
{
	refused_buffer(MEMORY_END - 512, 4096);
}

CASE(buffer_in_the_store_page)
{
	refused_buffer(STORE_PAGE, 512);
}

CASE(buffer_at_the_end_of_the_space)
{
	refused_buffer(0ull - 512, 4096);
}

CASE(buffer_of_all_ones)
{
	refused_buffer(~0ull, 512);
}

CASE(buffer_unaligned)
{
	refused_buffer((uint64_t)disk_buffer + 1, 512);
}

CASE(length_of_zero)
{
	refused_buffer((uint64_t)disk_buffer, 0);
}

CASE(length_of_half_a_sector)
{
	refused_buffer((uint64_t)disk_buffer, 256);
}

CASE(length_huge)
{
	refused_buffer((uint64_t)disk_buffer, 0xfffffe00);
}

CASE(length_above_the_limit)
{
	refused_buffer(0x200000, (PVN_BLK_SECTORS_MAX + 1) * PVN_BLK_SECTOR_BYTES);
}

CASE(lengths_whose_sum_wraps)
{
	struct pvn_blk_request request = read_of_8();

	request.segment_count = 3;
	for (unsigned int i = 0; i < 3; i++) {
		request.gpa[i] = (uint64_t)disk_buffer;
		request.bytes[i] = i ? 0x80000000 : 512;
	}
	refused(&request, PVN_BLK_INVALID);
}

static void refused_count(uint16_t count)
{
	struct pvn_blk_request request = read_of_8();

	request.segment_count = count;
	refused(&request, PVN_BLK_INVALID);
}

CASE(no_segments)
{
	refused_count(0);
}

CASE(segments_more_than_inline)
{
	refused_count(PVN_BLK_INLINE_MAX + 1);
}

CASE(segments_of_all_ones)
{
	refused_count(0xffff);
}

/* A request whose segments stand in `segments`, each a sector at disk_buffer. */
static struct pvn_blk_request indirect(uint16_t count)
{
	struct pvn_blk_request request = disk_request(PVN_BLK_READ, 0, 0, 0);

	for (unsigned int i = 0; i < ARRAY_COUNT(segments); i++)
		segments[i] = (struct pvn_blk_segment){ (uint64_t)disk_buffer + i * 512, 512, 0 };
	request.flags = PVN_BLK_FLAG_INDIRECT;
	request.segment_count = count;
	request.gpa[0] = (uint64_t)segments;
	request.bytes[0] = 0;
	return request;
}

CASE(indirect_more_than_a_page)
{
	const struct pvn_blk_request request = indirect(PVN_BLK_SEGMENTS_MAX + 1);

	refused(&request, PVN_BLK_INVALID);
}

CASE(indirect_page_unaligned)
{
	struct pvn_blk_request request = indirect(4);

	request.gpa[0] += 16;
	refused(&request, PVN_BLK_INVALID);
}

CASE(indirect_page_beyond_memory)
{
	struct pvn_blk_request request = indirect(4);

	request.gpa[0] = MEMORY_END;
	refused(&request, PVN_BLK_INVALID);
}

CASE(indirect_segment_with_reserved_bits)
{
	const struct pvn_blk_request request = indirect(4);

	segments[3].reserved = 1;
	refused(&request, PVN_BLK_INVALID);
}

CASE(indirect_segment_beyond_memory)
{
	const struct pvn_blk_request request = indirect(200);

	segments[199].gpa = MEMORY_END;
	refused(&request, PVN_BLK_INVALID);
}

CASE(indirect_segment_of_zero)
{
	const struct pvn_blk_request request = indirect(200);

	segments[100].bytes = 0;
	refused(&request, PVN_BLK_INVALID);
}

CASE(indirect_above_the_limit)
{
	const struct pvn_blk_request request = indirect(PVN_BLK_SEGMENTS_MAX);

	for (unsigned int i = 0; i < PVN_BLK_SEGMENTS_MAX; i++)
		segments[i] = (struct pvn_blk_segment){ (uint64_t)disk_buffer, 8192, 0 };
	refused(&request, PVN_BLK_INVALID);
}

static void refused_op(uint8_t op, uint8_t flags, enum pvn_blk_status status)
{
	struct pvn_blk_request request = read_of_8();

	request.op = op;
	request.flags = flags;
	refused(&request, status);
}

CASE(operation_unknown)
{
	refused_op(0x77, 0, PVN_BLK_UNSUPPORTED);
}

CASE(operation_of_all_ones)
{
	refused_op(0xff, 0, PVN_BLK_UNSUPPORTED);
}

CASE(flags_unknown)
{
	refused_op(PVN_BLK_READ, 0x80, PVN_BLK_UNSUPPORTED);
}

CASE(read_with_fua)
{
	refused_op(PVN_BLK_READ, PVN_BLK_FLAG_FUA, PVN_BLK_INVALID);
}

CASE(flush_with_a_buffer)
{
	refused_op(PVN_BLK_FLUSH, 0, PVN_BLK_INVALID);
}

CASE(reserved_words_of_a_request)
{
	struct pvn_blk_request request = read_of_8();

	request.reserved = 1;
	refused(&request, PVN_BLK_INVALID);
}

CASE(read_with_a_range)
{
	struct pvn_blk_request request = read_of_8();

	request.sector_count = 8;
	refused(&request, PVN_BLK_INVALID);
}

static void refused_range(uint32_t count, uint16_t segments, enum pvn_blk_status status)
{
	struct disk *disk = disk_find(0);
	struct pvn_blk_request request = disk_request(PVN_BLK_FLUSH, disk->sectors - 8, 0, 0);

	if (store_number(back_key(&disk->device, "feature-discard")) != 1)
		test_skip("the disk has no discard");
	request.op = PVN_BLK_DISCARD;
	request.sector = disk->sectors - 8;
	request.sector_count = count;
	request.segment_count = segments;
	refused(&request, status);
}

CASE(range_of_zero)
{
	refused_range(0, 0, PVN_BLK_INVALID);
}

CASE(range_with_a_buffer)
{
	refused_range(8, 1, PVN_BLK_INVALID);
}

CASE(range_across_the_end)
{
	refused_range(16, 0, PVN_BLK_OUT_OF_RANGE);
}

CASE(range_huge)
{
	refused_range(0xfffffff8, 0, PVN_BLK_INVALID);
}

static void refused_sector(uint64_t sector)
{
	struct pvn_blk_request request = read_of_8();

	request.sector = sector;
	refused(&request, PVN_BLK_OUT_OF_RANGE);
}

CASE(sector_at_the_end)
{
	refused_sector(disk_find(0)->sectors);
}

CASE(sector_across_the_end)
{
	refused_sector(disk_find(0)->sectors - 7);
}

CASE(sector_whose_sum_wraps)
{
	refused_sector(0ull - 8);
}

CASE(sector_whose_offset_wraps)
{
	refused_sector(1ull << 55);
}

CASE(write_to_a_read_only_disk)
{
	struct disk *disk = disk_find(1);
	struct pvn_blk_request request = disk_request(PVN_BLK_WRITE, 0, 0, 8);

	disk_connect(disk);
	expect_equal("status", disk_do(disk, &request), PVN_BLK_READ_ONLY);
	request = disk_request(PVN_BLK_READ, 0, 0, 8);
	expect_equal("status of a read", disk_do(disk, &request), PVN_BLK_OK);
}

/* Nothing of it is wrong for the back-end; the guest's data are the guest's affair. */
CASE(buffers_that_overlap)
{
	struct disk *disk = connected();
	struct pvn_blk_request request = read_of_8();

	request.segment_count = 3;
	for (unsigned int i = 0; i < 3; i++) {
		request.gpa[i] = (uint64_t)disk_buffer + i * 512;
		request.bytes[i] = 4096;
	}
	expect_equal("status", disk_do(disk, &request), PVN_BLK_OK);
	disk_expect_service(disk);
}

CASE(same_buffer_in_all_requests)
{
	struct disk *disk = connected();

	for (unsigned int i = 0; i < DISK_ENTRIES; i++) {
		const struct pvn_blk_request request = disk_request(i & 1 ? PVN_BLK_WRITE :
								    PVN_BLK_READ, i * 8, 0, 8);

		disk_submit(disk, &request);
	}
	for (unsigned int i = 0; i < DISK_ENTRIES; i++)
		expect_equal("status", disk_take(disk).status, PVN_BLK_OK);
	disk_expect_silence(disk);
	disk_expect_service(disk);
}

/* The disk's contents land in the ring: the back-end must see what cannot be. */
static void read_into(void *target, uint32_t bytes)
{
	struct disk *disk = disk_find(0);
	struct pvn_blk_request request = disk_request(PVN_BLK_READ, 64, 0, bytes / 512);

	disk_connect(disk);
	request.gpa[0] = (uint64_t)target;
	disk_submit(disk, &request);
	ring_doorbell(disk->device.channel);
	wait_for(50 * MSECS);
	disk_expect_service(disk);
}

CASE(buffer_is_the_submission_ring)
{
	struct disk *disk = disk_find(0);

	read_into(disk->ring, pvn_ring_front_bytes(DISK_ENTRIES));
}

CASE(buffer_is_the_completion_ring)
{
	struct disk *disk = disk_find(0);

	read_into((uint8_t *)disk->ring + pvn_ring_front_bytes(DISK_ENTRIES),
		  pvn_ring_back_bytes(DISK_ENTRIES));
}

CASE(buffer_is_the_page_of_segments)
{
	struct disk *disk = connected();
	const struct pvn_blk_request request = indirect(PVN_BLK_SEGMENTS_MAX);

	for (unsigned int i = 0; i < PVN_BLK_SEGMENTS_MAX; i++)
		segments[i] = (struct pvn_blk_segment){ (uint64_t)segments + i % 8 * 512, 512, 0 };
	expect_equal("status", disk_do(disk, &request), PVN_BLK_OK);
	disk_expect_service(disk);
}

/* Ids are the front-end's: the back-end repeats them, once for each request. */
static void same_ids(uint32_t id)
{
	struct disk *disk = connected();

	for (unsigned int i = 0; i < DISK_ENTRIES; i++) {
		struct pvn_blk_request request = disk_request(PVN_BLK_READ, i * 8, i, 8);

		request.id = id;
		disk_submit(disk, &request);
	}
	for (unsigned int i = 0; i < DISK_ENTRIES; i++)
		expect_equal("id", disk_take(disk).id, id);
	disk_expect_silence(disk);
	disk_expect_service(disk);
}

CASE(ids_all_the_same)
{
	same_ids(3);
}

CASE(ids_of_all_ones)
{
	same_ids(~0u);
}

/* --- descriptors that change --- */

static volatile bool stop;
static volatile uint64_t *changing;
static uint64_t good, bad;

static void change(void *context)
{
	(void)context;
	while (!stop) {
		*changing = bad;
		*changing = good;
	}
}

/*
 * While the word flips between good and bad, each request is answered once: with success or
 * with what fits the bad value. Nothing else may come.
 */
static void race(struct disk *disk, const struct pvn_blk_request *request, volatile uint64_t *word,
		 uint64_t wrong, enum pvn_blk_status status)
{
	vp_need_second();
	changing = word;
	bad = wrong;
	stop = false;
	vp_begin(change, NULL);
	for (unsigned int i = 0; i < RACES; i++) {
		uint16_t got = disk_do(disk, request);

		expect(got == PVN_BLK_OK || got == status, "status %u", got);
	}
	stop = true;
	vp_finish();
	disk_expect_silence(disk);
	disk_expect_service(disk);
}

/* All slots of the ring at once would hide it: the word of one slot, which comes round. */
static void race_slot(unsigned int offset, uint64_t right, uint64_t wrong,
		      enum pvn_blk_status status)
{
	struct disk *disk = connected();
	const struct pvn_blk_request request = read_of_8();

	good = right;
	race(disk, &request, (volatile uint64_t *)((uint8_t *)&disk->queue.sq[5] + offset), wrong,
	     status);
}

CASE(address_changes_after_publishing)
{
	race_slot(offsetof(struct pvn_blk_request, gpa), (uint64_t)disk_buffer, MEMORY_END,
		  PVN_BLK_INVALID);
}

CASE(length_changes_after_publishing)
{
	race_slot(offsetof(struct pvn_blk_request, bytes), 4096, 0xfffffe00, PVN_BLK_INVALID);
}

CASE(sector_changes_after_publishing)
{
	race_slot(offsetof(struct pvn_blk_request, sector), 8, 1ull << 60, PVN_BLK_OUT_OF_RANGE);
}

CASE(segments_change_after_publishing)
{
	struct disk *disk = connected();
	const struct pvn_blk_request request = indirect(64);

	good = segments[60].gpa;
	race(disk, &request, (volatile uint64_t *)&segments[60].gpa, MEMORY_END, PVN_BLK_INVALID);
}
