// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The command line of pvn-blkd, apart from what libpvn/backend.h takes:
 *
 *	--image PATH --image-fd FD	a raw image or block device, open already
 *	--nbd URI			an NBD server (nbd://, nbd+unix://)
 *	--null BYTES			nothing, so large
 *	--read-only  --direct  --buffered  --erase-by-writing
 *	--sector-size 512|4096  --serial TEXT  --uuid TEXT
 *	--iops N  --iops-burst N  --bytes-per-second N  --bytes-burst N
 *	--retry-seconds N		how long requests wait for a lost NBD server
 *	--poll-us N			longest look at the rings before sleeping;
 *					else by what an exit costs
 *	--alive-fd FD			stays open until the last transfer has ended
 */
#include "blkd/blkd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_number(const char *name, const char *value, uint64_t most, uint64_t *to)
{
	char *end;

	errno = 0;
	*to = strtoull(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && !errno && *to <= most)
		return 2;
	fprintf(stderr, "pvn-blkd: %s %s: expected a number up to %llu\n", name, value,
		(unsigned long long)most);
	return -1;
}

static int take_small(const char *name, const char *value, unsigned int most, unsigned int *to)
{
	uint64_t number;
	int took = take_number(name, value, most, &number);

	*to = (unsigned int)number;
	return took;
}

static int take_fd(const char *name, const char *value, int *fd)
{
	unsigned int number;
	int took = take_small(name, value, 1u << 20, &number);

	*fd = (int)number;
	return took;
}

static int take_sector(const char *name, const char *value)
{
	struct image *image = &blkd.disk.image;

	if (take_small(name, value, 4096, &image->sector_bytes) < 0)
		return -1;
	if (image->sector_bytes == 512 || image->sector_bytes == 4096)
		return 2;
	fprintf(stderr, "pvn-blkd: %s %s: expected 512 or 4096\n", name, value);
	return -1;
}

/* Switches: 1 when it was one, 0 otherwise. */
static int take_switch(const char *name)
{
	struct image *image = &blkd.disk.image;

	if (!strcmp(name, "--read-only"))
		image->read_only = true;
	else if (!strcmp(name, "--direct"))
		image->direct = true;
	else if (!strcmp(name, "--buffered"))
		image->buffered = true;
	else if (!strcmp(name, "--erase-by-writing"))
		image->erase_by_writing = true;
	else
		return 0;
	return 1;
}

static int take_image(const char *name, const char *value)
{
	struct image *image = &blkd.disk.image;

	if (!strcmp(name, "--image-fd"))
		return take_fd(name, value, &image->fd);
	if (!strcmp(name, "--null")) {
		image->ops = &image_null_ops;
		image->name = "null";
		return take_number(name, value, UINT64_MAX / 2, &image->bytes);
	}
	if (strcmp(name, "--image") && strcmp(name, "--nbd"))
		return 0;
	image->ops = !strcmp(name, "--nbd") ? &image_nbd_ops : &image_raw_ops;
	image->name = value;
	return 2;
}

static int take_limit(const char *name, const char *value)
{
	const struct {
		const char *name;
		uint64_t *to;
	} limits[] = {
		{ "--iops", &blkd.disk.limit.requests.rate },
		{ "--iops-burst", &blkd.disk.limit.requests.burst },
		{ "--bytes-per-second", &blkd.disk.limit.bytes.rate },
		{ "--bytes-burst", &blkd.disk.limit.bytes.burst },
	};
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (!strcmp(name, limits[i].name))
			return take_number(name, value, 1ull << 40, limits[i].to);
	return 0;
}

int blkd_argument(struct pvn_backend *backend, const char *name, const char *value)
{
	int took = take_switch(name);

	(void)backend;
	if (took || !value)
		return took;
	took = take_image(name, value);
	if (!took)
		took = take_limit(name, value);
	if (took)
		return took;
	if (!strcmp(name, "--sector-size"))
		return take_sector(name, value);
	if (!strcmp(name, "--retry-seconds"))
		return take_small(name, value, 1u << 30, &blkd.disk.image.retry_seconds);
	if (!strcmp(name, "--poll-us"))
		return take_small(name, value, 10000, &blkd.poll_us);
	if (!strcmp(name, "--alive-fd"))
		return take_fd(name, value, &blkd.alive_fd);
	if (strcmp(name, "--serial") && strcmp(name, "--uuid"))
		return 0;
	*(strcmp(name, "--uuid") ? &blkd.serial : &blkd.uuid) = value;
	return 2;
}
