// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The buffer that forgets the oldest bytes (backend/consoled/tail.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "consoled/tail.h"

static void assert_holds(const struct tail *tail, const char *wanted)
{
	struct tail copy = *tail;
	char text[64] = "";
	const char *bytes;
	size_t count;

	while ((count = tail_first(&copy, &bytes)) > 0) {
		strncat(text, bytes, count);
		tail_consume(&copy, count);
	}
	assert_string_equal(text, wanted);
}

static void the_oldest_bytes_are_forgotten(void **state)
{
	struct tail tail;

	(void)state;
	assert_int_equal(tail_create(&tail, 8), 0);
	assert_holds(&tail, "");
	tail_add(&tail, "abcde", 5);
	assert_holds(&tail, "abcde");
	assert_int_equal(tail_room(&tail), 3);
	tail_add(&tail, "fghij", 5);
	assert_holds(&tail, "cdefghij");
	assert_int_equal(tail.forgotten, 2);
	tail_add(&tail, "0123456789", 10);
	assert_holds(&tail, "23456789");
	tail_consume(&tail, 6);
	assert_holds(&tail, "89");
	tail_destroy(&tail);
}

static void a_copy_gets_everything_that_fits(void **state)
{
	struct tail from, to;

	(void)state;
	assert_int_equal(tail_create(&from, 8), 0);
	assert_int_equal(tail_create(&to, 4), 0);
	tail_add(&from, "abcdefgh", 8);
	tail_add(&from, "ij", 2);
	tail_append(&to, &from);
	assert_holds(&to, "ghij");
	assert_holds(&from, "cdefghij");
	tail_destroy(&from);
	tail_destroy(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_bytes_are_forgotten),
		cmocka_unit_test(a_copy_gets_everything_that_fits),
	};

	return cmocka_run_group_tests_name("tail", tests, NULL, NULL);
}
