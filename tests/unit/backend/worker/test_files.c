// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Kernels and initrds: what is accepted, what is found truncated; memory that the
 * root can or cannot give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/admission.h"
#include "worker/initrd.h"

static struct pvn_problem problem;

/* The start of a kernel of 4 + 1 sectors and 64 KiB. */
static void make_kernel(uint8_t start[BZIMAGE_HEADER_BYTES])
{
	memset(start, 0, BZIMAGE_HEADER_BYTES);
	start[0x1f1] = 4;
	start[0x1f5] = 0x10;		/* syssize 0x1000 */
	start[0x1fe] = 0x55;
	start[0x1ff] = 0xaa;
	start[0x201] = 0x66;
	memcpy(start + 0x202, "HdrS\x0f\x02", 6);
	start[0x236] = 1;		/* XLF_KERNEL_64 */
	start[0x25b] = 1;		/* preferred 16 MiB */
	start[0x262] = 0x10;		/* init_size 1 MiB */
}

static int parse(const uint8_t *start, size_t bytes, uint64_t file_bytes)
{
	struct bzimage image;

	return bzimage_parse(&image, start, bytes, file_bytes, "kernel", &problem);
}

static void a_bzimage_is_understood(void **state)
{
	uint8_t start[BZIMAGE_HEADER_BYTES];
	struct bzimage image;

	(void)state;
	make_kernel(start);
	assert_int_equal(bzimage_parse(&image, start, sizeof(start), 5 * 512 + 65536, "kernel",
				       &problem), 0);
	assert_int_equal(image.kernel_at, 5 * 512);
	assert_int_equal(image.kernel_bytes, 65536);
	assert_int_equal(image.preferred, 16 << 20);
	assert_int_equal(image.init_bytes, 1 << 20);
}

static void a_truncated_kernel_is_refused(void **state)
{
	uint8_t start[BZIMAGE_HEADER_BYTES];

	(void)state;
	make_kernel(start);
	assert_int_equal(parse(start, sizeof(start), 5 * 512 + 65535), -1);
	assert_non_null(strstr(problem.text, "truncated"));
	assert_int_equal(parse(start, 100, 100), -1);
}

static void what_is_no_bzimage_is_refused(void **state)
{
	static const struct { unsigned int at; uint8_t value; } damage[] = {
		{ 0x1fe, 0 }, { 0x202, 'X' }, { 0x206, 0x0b }, { 0x236, 0 }, { 0x1f5, 0 },
		{ 0x262, 0 }, { 0x201, 0xff }, { 0x25f, 0xff },
	};
	uint8_t start[BZIMAGE_HEADER_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		make_kernel(start);
		start[damage[i].at] = damage[i].value;
		assert_int_equal(parse(start, sizeof(start), 1 << 20), -1);
		assert_non_null(strstr(problem.text, "no bzImage"));
	}
}

/* One file "abc" with 5 bytes, and the trailer. */
static size_t make_cpio(uint8_t *to)
{
	static const char entry[] =
		"07070100000001000081A400000000000000000000000100000000000000050000000000000000"
		"00000000000000000000000400000000abc\0\0\0hello\0\0\0"
		"0707010000000000000000000000000000000000000001000000000000000000000000000000000"
		"0000000000000000000000B00000000TRAILER!!!\0\0\0";

	memcpy(to, entry, sizeof(entry));
	return sizeof(entry);
}

static void a_whole_cpio_is_accepted(void **state)
{
	uint8_t data[1024] = { 0 };
	size_t bytes = make_cpio(data);

	(void)state;
	assert_int_equal(initrd_check(data, bytes, "initrd", &problem), 0);
	assert_int_equal(initrd_check(data, 1024, "initrd", &problem), 0);
}

static void a_cpio_cut_anywhere_is_refused(void **state)
{
	uint8_t data[1024] = { 0 };
	size_t bytes = make_cpio(data), cut;

	(void)state;
	for (cut = 6; cut < bytes - 8; cut++)
		assert_int_equal(initrd_check(data, cut, "initrd", &problem), -1);
}

static void a_second_part_that_is_cut_is_refused(void **state)
{
	uint8_t data[2048] = { 0 };
	size_t first = make_cpio(data);

	(void)state;
	first = (first + 511) & ~(size_t)511;
	make_cpio(data + first);
	assert_int_equal(initrd_check(data, first + 150, "initrd", &problem), -1);
	assert_int_equal(initrd_check(data, sizeof(data), "initrd", &problem), 0);
}

/* Single segment of 4 bytes: one raw block, the last; no checksum. */
static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x0c, 0x61, 0, 0, 'a', 'b', 'c',
				'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l' };

static void a_zstd_frame_cut_anywhere_is_refused(void **state)
{
	size_t cut;

	(void)state;
	assert_int_equal(initrd_check(zstd, sizeof(zstd), "initrd", &problem), 0);
	for (cut = 4; cut < sizeof(zstd); cut++)
		assert_int_equal(initrd_check(zstd, cut, "initrd", &problem), -1);
}

static void an_empty_initrd_is_refused(void **state)
{
	(void)state;
	assert_int_equal(initrd_check(NULL, 0, "initrd", &problem), -1);
}

static void random_bytes_never_read_beyond_the_end(void **state)
{
	static const char *const starts[] = { "070701", "\x28\xb5\x2f\xfd", ("\xfd" "7zXZ") };
	unsigned int round, i;

	(void)state;
	srandom(1);
	for (round = 0; round < 20000; round++) {
		size_t bytes = 1 + random() % 300;
		uint8_t *data = malloc(bytes);	/* exact, so that the sanitizer sees the end */

		for (i = 0; i < bytes; i++)
			data[i] = random() % 3 ? random() : '0';
		if (bytes > 6)
			memcpy(data, starts[round % 3], strlen(starts[round % 3]));
		initrd_check(data, bytes, "initrd", &problem);
		free(data);
	}
}

static void memory_that_the_root_needs_is_not_given(void **state)
{
	const char *meminfo = "MemTotal: 4000000 kB\nMemFree: 1 kB\nMemAvailable: 1048576 kB\n";

	(void)state;
	assert_int_equal(admission_memory(meminfo, 512ull << 20, &problem), 0);
	assert_int_equal(admission_memory(meminfo, 1000ull << 20, &problem), -1);
	assert_int_equal(problem.code, PVN_EXIT_REFUSED);
	assert_non_null(strstr(problem.text, "1024 MiB are available"));
	assert_int_equal(admission_memory("", 1, &problem), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bzimage_is_understood),
		cmocka_unit_test(a_truncated_kernel_is_refused),
		cmocka_unit_test(what_is_no_bzimage_is_refused),
		cmocka_unit_test(a_whole_cpio_is_accepted),
		cmocka_unit_test(a_cpio_cut_anywhere_is_refused),
		cmocka_unit_test(a_second_part_that_is_cut_is_refused),
		cmocka_unit_test(a_zstd_frame_cut_anywhere_is_refused),
		cmocka_unit_test(an_empty_initrd_is_refused),
		cmocka_unit_test(random_bytes_never_read_beyond_the_end),
		cmocka_unit_test(memory_that_the_root_needs_is_not_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
