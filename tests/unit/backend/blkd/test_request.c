// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What pvn-blkd accepts from a guest (backend/blkd/request.c), and where a
 * guest-physical address leads (backend/libpvn/backend.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "blkd/request.h"

#define GPA	0x100000ull
#define BYTES	(4ull << 20)
#define HIGH	0x100000000ull

static struct pvn_guest_memory memory;
static uint8_t *low_memory, *high_memory;
static struct blk_limits limits;
static struct blk_work work;

static int setup(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	low_memory = aligned_alloc(PVN_PAGE_SIZE, BYTES);
	high_memory = aligned_alloc(PVN_PAGE_SIZE, BYTES);
	limits = (struct blk_limits){ .sectors = 1000, .sector_bytes = 512 };
	return pvn_memory_add(&memory, GPA, BYTES, low_memory) ||
	       pvn_memory_add(&memory, HIGH, BYTES, high_memory);
}

static int teardown(void **state)
{
	(void)state;
	free(low_memory);
	free(high_memory);
	return 0;
}

static struct pvn_blk_request a_read(void)
{
	return (struct pvn_blk_request){
		.op = PVN_BLK_READ, .segment_count = 2, .id = 7, .sector = 16,
		.gpa = { GPA + 512, HIGH }, .bytes = { 1024, 4096 },
	};
}

static enum pvn_blk_status check(struct pvn_blk_request request)
{
	return blk_request_check(&request, &limits, &memory, &work);
}

static void a_good_request_names_guest_memory_and_the_place_on_the_disk(void **state)
{
	(void)state;
	assert_int_equal(check(a_read()), PVN_BLK_OK);
	assert_int_equal(work.id, 7);
	assert_int_equal(work.offset, 16 * 512);
	assert_int_equal(work.bytes, 5120);
	assert_int_equal(work.iov_count, 2);
	assert_ptr_equal(work.iov[0].iov_base, low_memory + 512);
	assert_int_equal(work.iov[0].iov_len, 1024);
	assert_ptr_equal(work.iov[1].iov_base, high_memory);
}

static void unknown_operations_and_flags_are_unsupported(void **state)
{
	struct pvn_blk_request request = a_read();

	(void)state;
	request.op = 3;
	assert_int_equal(check(request), PVN_BLK_UNSUPPORTED);
	request.op = 255;
	assert_int_equal(check(request), PVN_BLK_UNSUPPORTED);
	request = a_read();
	request.flags = 0x80;
	assert_int_equal(check(request), PVN_BLK_UNSUPPORTED);
}

static void reserved_words_must_be_zero(void **state)
{
	struct pvn_blk_request request = a_read();

	(void)state;
	request.reserved = 1;
	assert_int_equal(check(request), PVN_BLK_INVALID);
}

static void segment_counts_are_bounded(void **state)
{
	struct pvn_blk_request request = a_read();

	(void)state;
	request.segment_count = 0;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.segment_count = 4;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.segment_count = 65535;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.flags = PVN_BLK_FLAG_INDIRECT;
	request.segment_count = PVN_BLK_SEGMENTS_MAX + 1;
	assert_int_equal(check(request), PVN_BLK_INVALID);
}

static void lengths_and_addresses_are_multiples_of_sectors(void **state)
{
	struct pvn_blk_request request = a_read();

	(void)state;
	request.bytes[0] = 0;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.bytes[0] = 513;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request = a_read();
	request.gpa[0] = GPA + 1;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request = a_read();
	limits.sector_bytes = 4096;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.bytes[0] = 4096;
	assert_int_equal(check(request), PVN_BLK_OK);
	request.sector = 15;
	assert_int_equal(check(request), PVN_BLK_INVALID);
}

static void memory_that_is_not_the_guests_is_refused(void **state)
{
	static const uint64_t bad[] = {
		0, GPA - 512, GPA + BYTES, GPA + BYTES - 512, HIGH + BYTES - 512, HIGH - 512,
		UINT64_MAX & ~511ull, 1ull << 63,
	};
	struct pvn_blk_request request;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		request = a_read();
		request.gpa[0] = bad[i];
		assert_int_equal(check(request), PVN_BLK_INVALID);
	}
	request = a_read();
	request.bytes[0] = 0xfffffe00;
	assert_int_equal(check(request), PVN_BLK_INVALID);
}

static void requests_end_at_the_end_of_the_disk(void **state)
{
	struct pvn_blk_request request = a_read();

	(void)state;
	request.sector = 990;
	assert_int_equal(check(request), PVN_BLK_OK);
	request.sector = 991;
	assert_int_equal(check(request), PVN_BLK_OUT_OF_RANGE);
	request.sector = UINT64_MAX;
	assert_int_equal(check(request), PVN_BLK_OUT_OF_RANGE);
	request.sector = UINT64_MAX - 8;
	assert_int_equal(check(request), PVN_BLK_OUT_OF_RANGE);
}

static void requests_are_at_most_a_mebibyte(void **state)
{
	struct pvn_blk_request request = a_read();

	(void)state;
	limits.sectors = 1 << 20;
	request.segment_count = 1;
	request.bytes[0] = 1 << 20;
	assert_int_equal(check(request), PVN_BLK_OK);
	request.bytes[0] = (1 << 20) + 512;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.segment_count = 2;
	request.bytes[0] = 1 << 20;
	assert_int_equal(check(request), PVN_BLK_INVALID);
}

static void a_page_of_segments_is_read_and_checked(void **state)
{
	struct pvn_blk_segment *page = (struct pvn_blk_segment *)high_memory;
	struct pvn_blk_request request = {
		.op = PVN_BLK_WRITE, .flags = PVN_BLK_FLAG_INDIRECT | PVN_BLK_FLAG_FUA,
		.segment_count = PVN_BLK_SEGMENTS_MAX, .gpa = { HIGH },
	};
	unsigned int i;

	(void)state;
	limits.sectors = 1 << 20;
	for (i = 0; i < PVN_BLK_SEGMENTS_MAX; i++)
		page[i] = (struct pvn_blk_segment){ .gpa = GPA + i * 8192, .bytes = 4096 };
	assert_int_equal(check(request), PVN_BLK_OK);
	assert_true(work.fua);
	assert_int_equal(work.bytes, 1 << 20);
	page[200].gpa = HIGH + BYTES;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	page[200] = page[199];
	page[255].reserved = 1;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	page[255].reserved = 0;
	request.gpa[0] = HIGH + 512;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.gpa[0] = HIGH + BYTES;
	assert_int_equal(check(request), PVN_BLK_INVALID);
}

static void a_read_only_disk_takes_reads_and_flushes_only(void **state)
{
	struct pvn_blk_request request = a_read();

	(void)state;
	limits.read_only = true;
	assert_int_equal(check(request), PVN_BLK_OK);
	request.op = PVN_BLK_WRITE;
	assert_int_equal(check(request), PVN_BLK_READ_ONLY);
	request = (struct pvn_blk_request){ .op = PVN_BLK_FLUSH };
	assert_int_equal(check(request), PVN_BLK_OK);
}

static void flush_has_no_data_and_read_no_fua(void **state)
{
	struct pvn_blk_request request = a_read();

	(void)state;
	request.op = PVN_BLK_FLUSH;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request = a_read();
	request.flags = PVN_BLK_FLAG_FUA;
	assert_int_equal(check(request), PVN_BLK_INVALID);
}

static struct pvn_blk_request a_range(uint8_t op, uint32_t sectors)
{
	memset(limits.range_sectors, 0, sizeof(limits.range_sectors));
	limits.range_sectors[op] = 64;
	return (struct pvn_blk_request){
		.op = op, .id = 9, .sector = 8, .sector_count = sectors,
	};
}

static void ranges_are_taken_where_they_are_offered(void **state)
{
	struct pvn_blk_request request = a_range(PVN_BLK_DISCARD, 64);

	(void)state;
	assert_int_equal(check(request), PVN_BLK_OK);
	assert_int_equal(work.offset, 8 * 512);
	assert_int_equal(work.bytes, 64 * 512);
	assert_int_equal(work.iov_count, 0);
	request.sector_count = 65;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.sector_count = 0;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request = a_range(PVN_BLK_WRITE_ZEROES, 8);
	request.flags = PVN_BLK_FLAG_UNMAP;
	assert_int_equal(check(request), PVN_BLK_OK);
	assert_true(work.unmap);
	request.op = PVN_BLK_SECURE_ERASE;
	assert_int_equal(check(request), PVN_BLK_UNSUPPORTED);
	assert_int_equal(check(a_range(PVN_BLK_SECURE_ERASE, 8)), PVN_BLK_OK);
}

static void ranges_have_no_data_and_no_flags_of_others(void **state)
{
	struct pvn_blk_request request = a_range(PVN_BLK_DISCARD, 8);

	(void)state;
	request.flags = PVN_BLK_FLAG_UNMAP;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.flags = PVN_BLK_FLAG_FUA;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request = a_range(PVN_BLK_DISCARD, 8);
	request.segment_count = 1;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request = a_read();
	request.sector_count = 8;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request = a_read();
	request.flags = PVN_BLK_FLAG_UNMAP;
	assert_int_equal(check(request), PVN_BLK_INVALID);
}

static void ranges_end_at_the_end_and_spare_a_read_only_disk(void **state)
{
	struct pvn_blk_request request = a_range(PVN_BLK_DISCARD, 8);

	(void)state;
	request.sector = 992;
	assert_int_equal(check(request), PVN_BLK_OK);
	request.sector = 993;
	assert_int_equal(check(request), PVN_BLK_OUT_OF_RANGE);
	request.sector = UINT64_MAX;
	assert_int_equal(check(request), PVN_BLK_OUT_OF_RANGE);
	limits.sector_bytes = 4096;
	request.sector = 12;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	request.sector = 16;
	request.sector_count = 7;
	assert_int_equal(check(request), PVN_BLK_INVALID);
	limits.read_only = true;
	request.sector_count = 8;
	assert_int_equal(check(request), PVN_BLK_READ_ONLY);
}

static void a_short_transfer_goes_on_where_it_stopped(void **state)
{
	(void)state;
	assert_int_equal(check(a_read()), PVN_BLK_OK);
	blk_work_advance(&work, 100);
	assert_int_equal(work.iov_count, 2);
	assert_ptr_equal(work.iov[0].iov_base, low_memory + 612);
	assert_int_equal(work.iov[0].iov_len, 924);
	blk_work_advance(&work, 924);
	assert_int_equal(work.iov_count, 1);
	assert_ptr_equal(work.iov[0].iov_base, high_memory);
	assert_int_equal(work.offset, 16 * 512 + 1024);
	assert_int_equal(work.bytes, 4096);
}

static void memory_regions_do_not_overlap_and_do_not_wrap(void **state)
{
	(void)state;
	assert_int_equal(pvn_memory_add(&memory, GPA + BYTES - 4096, 8192, low_memory), -1);
	assert_int_equal(pvn_memory_add(&memory, GPA - 4096, 8192, low_memory), -1);
	assert_int_equal(pvn_memory_add(&memory, UINT64_MAX - 4095, 8192, low_memory), -1);
	assert_int_equal(pvn_memory_add(&memory, GPA + BYTES, 0, low_memory), -1);
	assert_null(pvn_memory_at(&memory, GPA, 0));
	assert_null(pvn_memory_at(&memory, GPA, UINT64_MAX));
	assert_ptr_equal(pvn_memory_at(&memory, GPA, BYTES), low_memory);
	assert_null(pvn_memory_at(&memory, GPA, BYTES + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define REQUEST_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		REQUEST_TEST(a_good_request_names_guest_memory_and_the_place_on_the_disk),
		REQUEST_TEST(unknown_operations_and_flags_are_unsupported),
		REQUEST_TEST(reserved_words_must_be_zero),
		REQUEST_TEST(segment_counts_are_bounded),
		REQUEST_TEST(lengths_and_addresses_are_multiples_of_sectors),
		REQUEST_TEST(memory_that_is_not_the_guests_is_refused),
		REQUEST_TEST(requests_end_at_the_end_of_the_disk),
		REQUEST_TEST(requests_are_at_most_a_mebibyte),
		REQUEST_TEST(a_page_of_segments_is_read_and_checked),
		REQUEST_TEST(a_read_only_disk_takes_reads_and_flushes_only),
		REQUEST_TEST(flush_has_no_data_and_read_no_fua),
		REQUEST_TEST(ranges_are_taken_where_they_are_offered),
		REQUEST_TEST(ranges_have_no_data_and_no_flags_of_others),
		REQUEST_TEST(ranges_end_at_the_end_and_spare_a_read_only_disk),
		REQUEST_TEST(a_short_transfer_goes_on_where_it_stopped),
		REQUEST_TEST(memory_regions_do_not_overlap_and_do_not_wrap),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
