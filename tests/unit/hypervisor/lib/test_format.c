// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The formatter.
 */
#include "fake_machine.h"

#include "lib/log.h"

static const char *text(const char *format, ...)
{
	static char out[128];
	va_list args;

	va_start(args, format);
	format_text_args(out, sizeof(out), format, args);
	va_end(args);
	return out;
}

static void numbers_are_written_in_their_base(void **state)
{
	(void)state;
	assert_string_equal(text("%u %u", 0, 4000000000u), "0 4000000000");
	assert_string_equal(text("%x", 0xbeef), "beef");
	assert_string_equal(text("%llx %lu", ~0ull, 1ul << 40), "ffffffffffffffff 1099511627776");
	assert_string_equal(text("%lu", UINT64_MAX), "18446744073709551615");
}

static void widths_pad_with_blanks_and_with_zeros(void **state)
{
	(void)state;
	assert_string_equal(text("[%5u] [%05u] [%1u]", 42, 42, 42), "[   42] [00042] [42]");
	assert_string_equal(text("[%016llx]", 0x1234ull), "[0000000000001234]");
	assert_string_equal(text("[%4s] [%1s] %%", "ab", "abc"), "[  ab] [abc] %");
}

static void a_null_string_is_shown_as_such(void **state)
{
	const char *none = NULL;

	(void)state;
	assert_string_equal(text("%s", none), "(null)");
}

static void unknown_conversions_are_left_as_they_are(void **state)
{
	static const char *const strange = "%q %", *const plain = "plain";

	(void)state;
	assert_string_equal(text(strange), "%q %");
	assert_string_equal(text(plain), "plain");
}

static void the_result_always_ends_and_its_length_is_what_was_wanted(void **state)
{
	char out[4] = "zzz";

	(void)state;
	assert_int_equal(format_text(out, sizeof(out), "%s", "abcdef"), 6);
	assert_string_equal(out, "abc");
	assert_int_equal(format_text(out, 0, "%s", "xyz"), 3);
	assert_string_equal(out, "abc");
	assert_int_equal(format_text(out, 1, "x"), 1);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(numbers_are_written_in_their_base),
		ON_FAKE_MACHINE(widths_pad_with_blanks_and_with_zeros),
		ON_FAKE_MACHINE(a_null_string_is_shown_as_such),
		ON_FAKE_MACHINE(unknown_conversions_are_left_as_they_are),
		ON_FAKE_MACHINE(the_result_always_ends_and_its_length_is_what_was_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
