// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Logs that become old ones (backend/consoled/log.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "consoled/log.h"
#include "temporary.h"

static char folder[TEMPORARY_PATH_MAX], path[TEMPORARY_PATH_MAX + 4];
static struct log console_log;

static int setup(void **state)
{
	(void)state;
	if (!temporary_folder(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/log", folder);
	console_log = (struct log){ .path = path, .bytes_max = 100, .old_files = 2 };
	return log_open(&console_log);
}

static int teardown(void **state)
{
	(void)state;
	close(console_log.fd);
	return temporary_remove(folder) ? 0 : -1;
}

/* Size of the log, or of an old one; -1: there is none. */
static long size_of(unsigned int number)
{
	struct stat status;
	char name[sizeof(path) + 11];

	snprintf(name, sizeof(name), number ? "%s.%u" : "%s", path, number);
	return stat(name, &status) ? -1 : (long)status.st_size;
}

static void write_bytes(size_t count)
{
	char bytes[200];

	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(log_write(&console_log, bytes, count), 0);
}

static void a_full_log_becomes_an_old_one(void **state)
{
	(void)state;
	write_bytes(60);
	write_bytes(60);
	assert_int_equal(size_of(0), 120);
	assert_int_equal(size_of(1), -1);
	write_bytes(30);
	assert_int_equal(size_of(0), 30);
	assert_int_equal(size_of(1), 120);
}

static void only_so_many_old_ones_are_kept(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 1; i <= 5; i++)
		write_bytes(100 + i);
	assert_int_equal(size_of(0), 105);
	assert_int_equal(size_of(1), 104);
	assert_int_equal(size_of(2), 103);
	assert_int_equal(size_of(3), -1);
}

static void without_old_files_the_log_starts_over(void **state)
{
	(void)state;
	console_log.old_files = 0;
	write_bytes(150);
	write_bytes(10);
	assert_int_equal(size_of(0), 10);
	assert_int_equal(size_of(1), -1);
}

static void a_log_that_was_there_goes_on(void **state)
{
	(void)state;
	write_bytes(90);
	close(console_log.fd);
	assert_int_equal(log_open(&console_log), 0);
	assert_int_equal(console_log.bytes, 90);
	write_bytes(20);
	write_bytes(1);
	assert_int_equal(size_of(1), 110);
}

static void somebody_else_moves_files_when_asked_to(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(log_start_mover(&console_log), 0);
	assert_true(console_log.mover > 0);
	for (i = 1; i <= 5; i++)
		write_bytes(100 + i);
	assert_int_equal(size_of(0), 105);
	assert_int_equal(size_of(1), 104);
	assert_int_equal(size_of(2), 103);
	assert_int_equal(size_of(3), -1);
	/* When that one is gone, the file that is there goes on. */
	shutdown(console_log.mover, SHUT_RDWR);
	write_bytes(10);
	assert_int_equal(size_of(0), 115);
	close(console_log.mover);
	console_log.mover = 0;
	assert_true(wait(NULL) > 0);
}

static void a_full_disk_is_told_once(void **state)
{
	(void)state;
	close(console_log.fd);
	console_log.path = "/dev/full";
	console_log.bytes_max = 0;
	assert_int_equal(log_open(&console_log), 0);
	assert_int_equal(log_write(&console_log, "x", 1), ENOSPC);
	assert_int_equal(log_write(&console_log, "x", 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		LOG_TEST(a_full_log_becomes_an_old_one),
		LOG_TEST(only_so_many_old_ones_are_kept),
		LOG_TEST(without_old_files_the_log_starts_over),
		LOG_TEST(a_log_that_was_there_goes_on),
		LOG_TEST(somebody_else_moves_files_when_asked_to),
		LOG_TEST(a_full_disk_is_told_once),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
