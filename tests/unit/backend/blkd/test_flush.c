// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * How a raw disk's flushes are made (backend/blkd/image_raw.c), on devices of any kind: calls
 * of the C library are led to this file (--wrap), and so is the engine.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cmocka.h>

#include "blkd/image.h"

static struct {
	bool device;
	bool partition;			/* its queue is its disk's */
	const char *write_cache;	/* NULL: it says nothing */
	long fs_type;
	int error;			/* of fdatasync() */
	unsigned int synced, given_away, finished;
	int result;
} fake;

static struct engine engine;
static struct engine_token token;

/* --- the C library --- */

int __wrap_fstat64(int fd, struct stat *status)
{
	(void)fd;
	*status = (struct stat){
		.st_mode = fake.device ? S_IFBLK : S_IFREG, .st_rdev = makedev(252, 1),
		.st_size = 1 << 20, .st_blksize = 4096,
	};
	return 0;
}

int __wrap_fstatfs64(int fd, struct statfs *fs)
{
	(void)fd;
	*fs = (struct statfs){ .f_type = fake.fs_type };
	return 0;
}

int __wrap_fcntl64(int fd, int command, ...)
{
	(void)fd;
	return command == F_GETFL ? O_RDWR : 0;
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t bytes)
{
	(void)fd;
	(void)mode;
	(void)offset;
	(void)bytes;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	switch (request) {
	case BLKGETSIZE64:
		*(uint64_t *)argument = 1 << 20;
		return 0;
	case BLKSSZGET:
		*(int *)argument = 512;
		return 0;
	default:
		errno = EOPNOTSUPP;
		return -1;
	}
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	const char *wanted = fake.partition ? "/sys/dev/block/252:1/../queue/write_cache" :
					      "/sys/dev/block/252:1/queue/write_cache";

	(void)mode;
	if (!fake.write_cache || strcmp(path, wanted) != 0)
		return NULL;
	return fmemopen((void *)(uintptr_t)fake.write_cache, strlen(fake.write_cache), "r");
}

int __wrap_fdatasync(int fd)
{
	(void)fd;
	assert_int_equal(fake.finished, 0);	/* nothing is answered before */
	fake.synced++;
	errno = fake.error;
	return fake.error ? -1 : 0;
}

/* --- the engine --- */

void engine_sync(struct engine *to, struct engine_token *with)
{
	assert_ptr_equal(to, &engine);
	assert_ptr_equal(with, &token);
	fake.given_away++;
}

void engine_finish(struct engine *to, struct engine_token *with, int result)
{
	assert_ptr_equal(to, &engine);
	assert_ptr_equal(with, &token);
	fake.finished++;
	fake.result = result;
}

void engine_read(struct engine *to, const struct blk_work *work, struct engine_token *with)
{
	(void)to;
	(void)work;
	(void)with;
	fail();
}

void engine_write(struct engine *to, const struct blk_work *work, struct engine_token *with)
{
	engine_read(to, work, with);
}

void engine_write_zeroes(struct engine *to, const struct blk_work *work, struct engine_token *with)
{
	engine_read(to, work, with);
}

void engine_allocate(struct engine *to, const struct blk_work *work, int mode,
		     struct engine_token *with)
{
	(void)mode;
	engine_read(to, work, with);
}

/* --- */

static struct image image;

static void open_image(bool buffered)
{
	image = (struct image){
		.ops = &image_raw_ops, .fd = 3, .name = "fake", .engine = &engine,
		.buffered = buffered,
	};
	assert_int_equal(image.ops->open(&image), 0);
	assert_true(image.flush);
}

static void flush(void)
{
	const struct blk_work work = { .op = PVN_BLK_FLUSH };

	image.ops->start(&image, &work, &token);
}

static void assert_given_away(void)
{
	flush();
	assert_int_equal(fake.given_away, 1);
	assert_int_equal(fake.synced + fake.finished, 0);
}

static void assert_synced_at_once(void)
{
	flush();
	assert_int_equal(fake.synced, 1);
	assert_int_equal(fake.finished, 1);
	assert_int_equal(fake.result, 0);
	assert_int_equal(fake.given_away, 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.device = true;
	fake.write_cache = "write through\n";
	fake.fs_type = EXT4_SUPER_MAGIC;
	return 0;
}

static void a_device_without_a_cache_is_synced_at_once(void **state)
{
	(void)state;
	open_image(false);
	assert_synced_at_once();
}

static void a_partition_is_what_its_disk_is(void **state)
{
	(void)state;
	fake.partition = true;
	open_image(false);
	assert_synced_at_once();
}

static void a_device_with_a_cache_is_waited_for_elsewhere(void **state)
{
	(void)state;
	fake.write_cache = "write back\n";
	open_image(false);
	assert_given_away();
}

static void a_device_that_says_nothing_may_have_a_cache(void **state)
{
	(void)state;
	fake.write_cache = NULL;
	open_image(false);
	assert_given_away();
}

static void a_device_through_the_page_cache_is_waited_for_elsewhere(void **state)
{
	(void)state;
	open_image(true);
	assert_given_away();
}

static void a_file_is_waited_for_elsewhere(void **state)
{
	(void)state;
	fake.device = false;
	open_image(false);
	assert_given_away();
}

static void a_file_in_memory_is_synced_at_once(void **state)
{
	(void)state;
	fake.device = false;
	fake.fs_type = TMPFS_MAGIC;
	open_image(false);
	assert_synced_at_once();
}

static void a_failed_sync_is_the_flushs_result(void **state)
{
	(void)state;
	fake.error = EIO;
	open_image(false);
	flush();
	assert_int_equal(fake.synced, 1);
	assert_int_equal(fake.finished, 1);
	assert_int_equal(fake.result, -EIO);
}

#define FLUSH_TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLUSH_TEST(a_device_without_a_cache_is_synced_at_once),
		FLUSH_TEST(a_partition_is_what_its_disk_is),
		FLUSH_TEST(a_device_with_a_cache_is_waited_for_elsewhere),
		FLUSH_TEST(a_device_that_says_nothing_may_have_a_cache),
		FLUSH_TEST(a_device_through_the_page_cache_is_waited_for_elsewhere),
		FLUSH_TEST(a_file_is_waited_for_elsewhere),
		FLUSH_TEST(a_file_in_memory_is_synced_at_once),
		FLUSH_TEST(a_failed_sync_is_the_flushs_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
