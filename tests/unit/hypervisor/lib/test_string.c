// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Memory and string functions of the freestanding image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* The library's functions under names of their own, beside the host's. */
void *lib_memcpy(void *to, const void *from, size_t bytes);
void *lib_memmove(void *to, const void *from, size_t bytes);
void *lib_memset(void *to, int value, size_t bytes);
int lib_memcmp(const void *a, const void *b, size_t bytes);
size_t lib_strlen(const char *s);
int lib_strncmp(const char *a, const char *b, size_t bytes);
char *lib_strchr(const char *s, int c);

static unsigned char from[64], to[64];

static void fill(void)
{
	for (unsigned int i = 0; i < 64; i++) {
		from[i] = (unsigned char)(i + 1);
		to[i] = 0xee;
	}
}

static void memcpy_copies_every_length_and_no_more(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 40; n++) {
		fill();
		assert_ptr_equal(lib_memcpy(to + 3, from + 1, n), to + 3);
		assert_int_equal(to[2], 0xee);
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(to[3 + i], from[1 + i]);
		assert_int_equal(to[3 + n], 0xee);
	}
}

static void memset_fills_every_length_and_no_more(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 40; n++) {
		fill();
		assert_ptr_equal(lib_memset(to + 5, 0x1a5, n), to + 5);
		assert_int_equal(to[4], 0xee);
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(to[5 + i], 0xa5);
		assert_int_equal(to[5 + n], 0xee);
	}
}

static void memmove_copies_overlapping_ranges_both_ways(void **state)
{
	(void)state;
	fill();
	lib_memmove(from + 4, from, 20);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(from[4 + i], i + 1);
	fill();
	lib_memmove(from, from + 4, 20);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(from[i], i + 5);
	fill();
	lib_memmove(to, from, 20);
	assert_int_equal(to[19], 20);
	assert_int_equal(to[20], 0xee);
}

static void memcmp_orders_by_the_first_difference_as_unsigned(void **state)
{
	(void)state;
	assert_int_equal(lib_memcmp("abc", "abd", 2), 0);
	assert_true(lib_memcmp("abc", "abd", 3) < 0);
	assert_true(lib_memcmp("\xff", "\x01", 1) > 0);
	assert_int_equal(lib_memcmp("a", "b", 0), 0);
}

static void strings_are_measured_and_compared(void **state)
{
	(void)state;
	assert_int_equal(lib_strlen(""), 0);
	assert_int_equal(lib_strlen("paravane"), 8);
	assert_int_equal(lib_strncmp("log=debug", "log=info", 4), 0);
	assert_true(lib_strncmp("log=debug", "log=info", 5) < 0);
	assert_int_equal(lib_strncmp("log", "log", 100), 0);
}

static void strchr_finds_the_first_or_the_end(void **state)
{
	const char *text = "a=b=c";

	(void)state;
	assert_ptr_equal(lib_strchr(text, '='), text + 1);
	assert_null(lib_strchr(text, 'x'));
	assert_ptr_equal(lib_strchr(text, 0), text + 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memcpy_copies_every_length_and_no_more),
		cmocka_unit_test(memset_fills_every_length_and_no_more),
		cmocka_unit_test(memmove_copies_overlapping_ranges_both_ways),
		cmocka_unit_test(memcmp_orders_by_the_first_difference_as_unsigned),
		cmocka_unit_test(strings_are_measured_and_compared),
		cmocka_unit_test(strchr_finds_the_first_or_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
