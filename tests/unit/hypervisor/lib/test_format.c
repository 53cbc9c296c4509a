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
	assert_string_equal(text("%d %i %u", -5, 7, 4000000000u), "-5 7 4000000000");
	assert_string_equal(text("%x %X", 0xbeef, 0xbeef), "beef BEEF");
	assert_string_equal(text("%llx %lu %zu", ~0ull, 1ul << 40, (size_t)3),
			    "ffffffffffffffff 1099511627776 3");
	assert_string_equal(text("%lld", INT64_MIN), "-9223372036854775808");
	assert_string_equal(text("%d %d", 0, INT32_MIN), "0 -2147483648");
	assert_string_equal(text("%p", (void *)0xabc), "0xabc");
}

static void short_arguments_are_cut(void **state)
{
	(void)state;
	assert_string_equal(text("%hx %hhx %hd", 0x12345, 0x123, 0x18000), "2345 23 -32768");
}

static void widths_pad_left_right_and_with_zeros(void **state)
{
	(void)state;
	assert_string_equal(text("[%5d] [%-5d] [%05d]", 42, 42, 42), "[   42] [42   ] [00042]");
	assert_string_equal(text("[%05d] [%016llx]", -42, 0x1234ull), "[-0042] [0000000000001234]");
	assert_string_equal(text("[%4s] [%-4s] [%1s]", "ab", "ab", "abc"), "[  ab] [ab  ] [abc]");
	assert_string_equal(text("[%3c] %%", 'x'), "[  x] %");
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
	assert_string_equal(text(strange), "%q ");
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
		ON_FAKE_MACHINE(short_arguments_are_cut),
		ON_FAKE_MACHINE(widths_pad_left_right_and_with_zeros),
		ON_FAKE_MACHINE(a_null_string_is_shown_as_such),
		ON_FAKE_MACHINE(unknown_conversions_are_left_as_they_are),
		ON_FAKE_MACHINE(the_result_always_ends_and_its_length_is_what_was_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
