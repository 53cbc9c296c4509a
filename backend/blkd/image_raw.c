// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A raw image file or a block device, through io_uring. A block device is used
 * past the page cache (O_DIRECT), a file through it, unless asked otherwise.
 *
 * Ranges: a file's are punched out or zeroed by fallocate(); where the file system
 * cannot, zeroes are written. Discards of a block device have no io_uring request
 * in Linux 6.1: they are made here and now, hence short ones only.
 *
 * Flushes: fdatasync(), always. io_uring gives it to a thread, which is right where it
 * waits for a medium, and costs several times what it does where there is none to wait for.
 */
#include "blkd/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	FILE_RANGE_SECTORS = 1 << 22,	/* 2 GiB: a look at the file system's maps */
	DEVICE_RANGE_SECTORS = 1 << 17,	/* 64 MiB */
};

/* How ranges of zeroes are made; from the best to what always works. */
enum {
	ZERO_KEEPING_SPACE,
	ZERO_BY_HOLES,
	ZERO_BY_WRITING,
};

static int measure_raw(struct image *image)
{
	struct stat status;
	uint64_t bytes;

	if (fstat(image->fd, &status))
		return -1;
	bytes = (uint64_t)status.st_size;
	if (image->is_device && ioctl(image->fd, BLKGETSIZE64, &bytes))
		return -1;
	image->bytes = bytes;
	return 0;
}

/* An attribute of the device's queue in sysfs; a partition's is its disk's. NULL: not there. */
static FILE *open_attribute(const struct image *image, const char *name)
{
	static const char *const places[] = { "queue", "../queue" };
	FILE *file = NULL;
	struct stat status;
	char path[128];
	size_t i;

	if (fstat(image->fd, &status))
		return NULL;
	for (i = 0; !file && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/%s", major(status.st_rdev),
			 minor(status.st_rdev), places[i], name);
		file = fopen(path, "re");
	}
	return file;
}

static uint64_t queue_number(const struct image *image, const char *name)
{
	FILE *file = open_attribute(image, name);
	unsigned long long value = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* A device that says so has no volatile cache: Linux sends it no flush, and none would wait. */
static bool writes_through(const struct image *image)
{
	FILE *file = open_attribute(image, "write_cache");
	char text[32] = "";
	bool through;

	if (!file)
		return false;
	through = fgets(text, sizeof(text), file) && !strcmp(text, "write through\n");
	fclose(file);
	return through;
}

/* An impossible range: EINVAL from a device that can, EOPNOTSUPP from others. */
static bool can_erase(const struct image *image)
{
	const uint64_t nonsense[2] = { 1, 1 };

	return ioctl(image->fd, BLKSECDISCARD, nonsense) && errno == EINVAL;
}

static int open_device(struct image *image)
{
	unsigned int physical = 0, io_min = 0, io_opt = 0;
	int logical = 0;

	if (ioctl(image->fd, BLKSSZGET, &logical))
		return -1;
	image->logical = (uint32_t)logical;
	if (!ioctl(image->fd, BLKPBSZGET, &physical) && physical >= image->logical)
		image->physical = physical;
	if (!ioctl(image->fd, BLKIOMIN, &io_min))
		image->io_min = io_min;
	if (!ioctl(image->fd, BLKIOOPT, &io_opt))
		image->io_opt = io_opt;
	image->range_sectors[PVN_BLK_WRITE_ZEROES] = DEVICE_RANGE_SECTORS;
	if (queue_number(image, "discard_max_bytes"))
		image->range_sectors[PVN_BLK_DISCARD] = DEVICE_RANGE_SECTORS;
	if (can_erase(image))
		image->range_sectors[PVN_BLK_SECURE_ERASE] = DEVICE_RANGE_SECTORS;
	image->granularity = (uint32_t)queue_number(image, "discard_granularity");
	image->direct |= !image->buffered;
	return 0;
}

static void open_file(struct image *image, const struct stat *status)
{
	image->logical = PVN_BLK_SECTOR_BYTES;
	image->physical = 4096;
	image->granularity = (uint32_t)status->st_blksize;
	image->range_sectors[PVN_BLK_WRITE_ZEROES] = FILE_RANGE_SECTORS;
	/* Behind the end there is nothing to punch: this only asks whether it is possible. */
	if (!fallocate(image->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (status->st_size + 4095) & ~4095ll, 4096))
		image->range_sectors[PVN_BLK_DISCARD] = FILE_RANGE_SECTORS;
	if (image->erase_by_writing)
		image->range_sectors[PVN_BLK_SECURE_ERASE] = DEVICE_RANGE_SECTORS;
}

static int set_direct(struct image *image)
{
	int flags = fcntl(image->fd, F_GETFL);

	if (flags < 0)
		return -1;
	flags = image->direct ? flags | O_DIRECT : flags & ~O_DIRECT;
	return fcntl(image->fd, F_SETFL, flags);
}

/* Nothing is left in the page cache or in the device, or all there is are pages. */
static bool has_nothing_to_wait_for(const struct image *image)
{
	struct statfs fs;

	if (image->is_device)
		return image->direct && writes_through(image);
	return !fstatfs(image->fd, &fs) && fs.f_type == TMPFS_MAGIC;
}

/* Should that change, a flush still waits for all there is, and so do other requests. */
static void sync_at_once(struct image *image, struct engine_token *token)
{
	engine_finish(image->engine, token, fdatasync(image->fd) ? -errno : 0);
}

static int refuse(const struct image *image, const char *why)
{
	fprintf(stderr, "pvn-blkd: %s: %s\n", image->name, why);
	return -1;
}

/* A larger sector than the device has is possible, a smaller one is not. */
static int choose_sector(struct image *image)
{
	if (image->sector_bytes && image->sector_bytes < image->logical)
		return refuse(image, "its sectors are larger than asked for");
	if (image->sector_bytes)
		image->logical = image->sector_bytes;
	if (image->logical != 512 && image->logical != 4096)
		return refuse(image, "its sectors are neither 512 nor 4096 bytes long");
	if (image->physical < image->logical)
		image->physical = image->logical;
	if (image->granularity < image->logical)
		image->granularity = image->logical;
	return 0;
}

static int open_raw(struct image *image)
{
	struct stat status;
	int flags;

	if (image->fd < 0 || fstat(image->fd, &status) ||
	    (flags = fcntl(image->fd, F_GETFL)) < 0)
		return refuse(image, "its descriptor is not open");
	image->is_device = S_ISBLK(status.st_mode);
	image->read_only |= (flags & O_ACCMODE) == O_RDONLY;
	image->flush = true;
	image->fua = true;
	if (!image->is_device && !S_ISREG(status.st_mode))
		return refuse(image, "it is neither a raw image nor a block device");
	if (image->is_device ? open_device(image) : (open_file(image, &status), 0))
		return refuse(image, strerror(errno));
	if (set_direct(image)) {
		if (!image->is_device)
			return refuse(image, "its file system cannot do direct I/O");
		image->direct = false;
	}
	if (choose_sector(image))
		return -1;
	image->sync_at_once = has_nothing_to_wait_for(image);
	image->ready = true;
	return measure_raw(image) ? refuse(image, strerror(errno)) : 0;
}

static void device_range(struct image *image, const struct blk_work *work, unsigned long request,
			 struct engine_token *token)
{
	const uint64_t range[2] = { work->offset, work->bytes };

	engine_finish(image->engine, token, ioctl(image->fd, request, range) ? -errno : 0);
}

static void start_zeroes(struct image *image, const struct blk_work *work,
			 struct engine_token *token)
{
	unsigned int mode = image->zero_mode;

	if (mode == ZERO_KEEPING_SPACE && work->unmap && !image->is_device)
		mode = ZERO_BY_HOLES;
	if (mode == ZERO_BY_WRITING)
		engine_write_zeroes(image->engine, work, token);
	else
		engine_allocate(image->engine, work, mode == ZERO_BY_HOLES ?
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE :
				FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, token);
}

/* The file system cannot do that: from now on in the next best way. */
static bool retry_raw(struct image *image, const struct blk_work *work)
{
	if (work->op != PVN_BLK_WRITE_ZEROES || image->zero_mode == ZERO_BY_WRITING)
		return false;
	if (image->is_device || work->unmap)
		image->zero_mode = ZERO_BY_WRITING;
	else
		image->zero_mode++;
	return true;
}

static void start_raw(struct image *image, const struct blk_work *work,
		      struct engine_token *token)
{
	switch (work->op) {
	case PVN_BLK_READ:
		engine_read(image->engine, work, token);
		break;
	case PVN_BLK_WRITE:
		engine_write(image->engine, work, token);
		break;
	case PVN_BLK_FLUSH:
		if (image->sync_at_once)
			sync_at_once(image, token);
		else
			engine_sync(image->engine, token);
		break;
	case PVN_BLK_DISCARD:
		if (image->is_device)
			device_range(image, work, BLKDISCARD, token);
		else
			engine_allocate(image->engine, work,
					FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, token);
		break;
	case PVN_BLK_WRITE_ZEROES:
		start_zeroes(image, work, token);
		break;
	case PVN_BLK_SECURE_ERASE:
		if (image->is_device)
			device_range(image, work, BLKSECDISCARD, token);
		else
			engine_write_zeroes(image->engine, work, token);
		break;
	}
}

const struct image_ops image_raw_ops = {
	.open = open_raw,
	.measure = measure_raw,
	.start = start_raw,
	.retry = retry_raw,
};
