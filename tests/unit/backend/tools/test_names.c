// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Names of partitions: learnt from the folders of guests, kept, and read back from pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <pvn/abi/types.h>

#include "libpvn/guests.h"
#include "temporary.h"
#include "tools/names.h"

static char folder[TEMPORARY_PATH_MAX];
static json_t *names;

static int setup(void **state)
{
	char path[TEMPORARY_PATH_MAX + 16];

	(void)state;
	if (!temporary_folder(folder))
		return -1;
	setenv("PVN_RUNDIR", folder, 1);
	snprintf(path, sizeof(path), "%s/guests", folder);
	names = names_new();
	return mkdir(path, 0700);
}

static int teardown(void **state)
{
	(void)state;
	json_decref(names);
	return !temporary_remove(folder);
}

static void write_guest(const char *name, json_int_t partition)
{
	json_t *state = json_pack("{s:s, s:s, s:I}", "name", name, "state", "running",
				  "partition", partition);
	char path[512];

	pvn_guest_path(path, sizeof(path), name, NULL);
	mkdir(path, 0700);
	assert_int_equal(pvn_guest_write_state(name, state), 0);
	json_decref(state);
}

static void guests_are_known_as_soon_as_they_are_there(void **state)
{
	(void)state;
	assert_string_equal(names_find(names, 1), "root");
	assert_null(names_find(names, 5));
	assert_int_equal(names_learn(names), 0);
	write_guest("web", 5);
	write_guest("starting", 0);	/* no partition yet */
	assert_int_equal(names_learn(names), 1);
	assert_int_equal(names_learn(names), 0);
	assert_string_equal(names_find(names, 5), "web");
	assert_null(names_find(names, 0));
}

static void a_guest_that_reboots_or_goes_stays_known_by_its_old_number(void **state)
{
	(void)state;
	write_guest("web", 5);
	names_learn(names);
	write_guest("web", 6);
	assert_int_equal(names_learn(names), 1);
	assert_int_equal(pvn_guest_remove("web"), 0);
	assert_int_equal(names_learn(names), 0);
	assert_string_equal(names_find(names, 5), "web");
	assert_string_equal(names_find(names, 6), "web");
}

static void a_page_brings_a_name_back(void **state)
{
	uint8_t *page = malloc(PVN_PAGE_SIZE);
	json_t *others = names_new();
	char longest[PVN_NAME_MAX + 1];

	(void)state;
	memset(longest, 'x', PVN_NAME_MAX);
	longest[PVN_NAME_MAX] = 0;
	write_guest("web", 5);
	names_learn(names);
	write_guest(longest, INT64_MAX);
	names_learn(names);
	for (unsigned int i = 0; i < 2; i++) {
		names_to_page(names, i, page);
		assert_true(names_from_page(others, page));
		assert_true(names_from_page(others, page));
	}
	assert_int_equal(json_array_size(others), 2);
	assert_string_equal(names_find(others, 5), "web");
	assert_string_equal(names_find(others, INT64_MAX), longest);
	json_decref(others);
	free(page);
}

/* A record is a file, and a file may hold anything; a name goes to a terminal. */
static void pages_that_lie_name_nobody(void **state)
{
	static const char *const lies[] = {
		"", "{", "[]", "7", "null", "{\"partition\":5}", "{\"name\":\"a\"}",
		"{\"partition\":0,\"name\":\"a\"}", "{\"partition\":-5,\"name\":\"a\"}",
		"{\"partition\":\"5\",\"name\":\"a\"}", "{\"partition\":5,\"name\":7}",
		"{\"partition\":5,\"name\":\"\"}", "{\"partition\":5,\"name\":\"a/b\"}",
		"{\"partition\":5,\"name\":\"a\\u001b[2J\"}", "{\"partition\":5,\"name\":\"a\\u0000b\"}",
		"{\"partition\":1,\"name\":\"wrong\"}", "{\"partition\":5,\"name\":\"a\"} more",
	};
	uint8_t *page = malloc(PVN_PAGE_SIZE);

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memset(page, 0, PVN_PAGE_SIZE);
		snprintf((char *)page, PVN_PAGE_SIZE, "PVNNAME:%s", lies[i]);
		assert_true(names_from_page(names, page));
	}
	memset(page + 8, '[', PVN_PAGE_SIZE - 8);	/* no end, and deep */
	assert_true(names_from_page(names, page));
	memset(page, 0, PVN_PAGE_SIZE);
	assert_false(names_from_page(names, page));
	assert_int_equal(json_array_size(names), 0);
	assert_string_equal(names_find(names, 1), "root");
	free(page);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(guests_are_known_as_soon_as_they_are_there),
		WITH_FOLDER(a_guest_that_reboots_or_goes_stays_known_by_its_old_number),
		WITH_FOLDER(a_page_brings_a_name_back),
		WITH_FOLDER(pages_that_lie_name_nobody),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
