// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A disk of any size with nothing behind it: reads give zeroes, writes are gone.
 * For measuring what the way to a disk costs.
 */
#include "blkd/image.h"

#include <string.h>

enum { RANGE_SECTORS = 1 << 22 };

static int open_null(struct image *image)
{
	image->logical = image->sector_bytes ? image->sector_bytes : PVN_BLK_SECTOR_BYTES;
	image->physical = image->logical > 4096 ? image->logical : 4096;
	image->granularity = image->physical;
	image->flush = true;
	image->fua = true;
	image->range_sectors[PVN_BLK_DISCARD] = RANGE_SECTORS;
	image->range_sectors[PVN_BLK_WRITE_ZEROES] = RANGE_SECTORS;
	image->ready = true;
	return 0;
}

static int measure_null(struct image *image)
{
	(void)image;
	return 0;
}

static void start_null(struct image *image, const struct blk_work *work,
		       struct engine_token *token)
{
	unsigned int i;

	for (i = 0; work->op == PVN_BLK_READ && i < work->iov_count; i++)
		memset(work->iov[i].iov_base, 0, work->iov[i].iov_len);
	engine_finish(image->engine, token, blk_work_is_transfer(work) ? (int)work->bytes : 0);
}

const struct image_ops image_null_ops = {
	.open = open_null,
	.measure = measure_null,
	.start = start_null,
};
