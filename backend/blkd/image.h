/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Where the bytes of a disk are: a raw image or block device (image_raw.c), an NBD
 * server (image_nbd.c), nowhere (image_null.c). queue.c gives checked requests to
 * start(); their results come back through engine_next() like everything else.
 */
#ifndef BLKD_IMAGE_H
#define BLKD_IMAGE_H

#include "blkd/engine.h"

struct image;

struct image_ops {
	/*
	 * Finds out what there is and fills the first part of struct image. 0, or -1
	 * after saying why not. A back-end that can come later (NBD) returns 0 and
	 * sets `ready` when it is there.
	 */
	int (*open)(struct image *image);
	/* Looks at the size again; 0 or -1 + errno. */
	int (*measure)(struct image *image);
	/* Starts a checked request; its token comes back with bytes, 0, or -errno. */
	void (*start)(struct image *image, const struct blk_work *work,
		      struct engine_token *token);
	/* One of the image's own tokens came back. NULL: it has none. */
	void (*event)(struct image *image, struct engine_token *token, int result);
	/*
	 * What start() and event() will still open or connect to: adds what the sandbox has
	 * to leave (sandbox.h) and returns the folder where it is. NULL: nothing.
	 */
	const char *(*place)(const struct image *image, unsigned int *needs);
	/*
	 * Nobody waits for the results of what was started: it is to end soon, in any
	 * way. NULL: it does so by itself.
	 */
	void (*cancel)(struct image *image);
	/*
	 * A request failed with EOPNOTSUPP: true when start() will now do the same
	 * in another way. NULL: there is no other way.
	 */
	bool (*retry)(struct image *image, const struct blk_work *work);
};

struct image {
	const struct image_ops *ops;
	/* what is there, by open(); sizes are in bytes */
	bool ready;
	bool changed;			/* the size, since somebody looked */
	bool read_only;			/* asked for, or all that is possible */
	uint64_t bytes;
	uint32_t logical, physical;	/* sectors */
	uint32_t io_min, io_opt;	/* 0: not known */
	uint32_t granularity;		/* of discards */
	uint32_t range_sectors[PVN_BLK_OP_COUNT];	/* longest range; 0: op not offered */
	bool flush, fua;
	/* how it was asked for */
	const char *name;		/* path or URI, for the log */
	int fd;				/* raw */
	bool direct;			/* raw: past the page cache */
	bool buffered;			/* raw: through it, also for a block device */
	bool erase_by_writing;		/* raw: offer secure erase as overwriting */
	uint32_t sector_bytes;		/* asked for; 0: as it is */
	unsigned int retry_seconds;	/* nbd: how long requests wait for a server */
	void (*log)(const char *format, ...) __attribute__((format(printf, 1, 2)));
	/* for itself */
	struct engine *engine;
	struct engine_token readable, writable, timer;
	bool is_device;			/* raw */
	bool sync_at_once;		/* raw: there is nothing behind it to wait for */
	unsigned int zero_mode;		/* raw */
	struct nbd_disk *nbd;
};

extern const struct image_ops image_raw_ops, image_nbd_ops, image_null_ops;

/* Image sectors as the protocol counts them, whole multiples of the sector size. */
static inline uint64_t image_sectors(const struct image *image)
{
	return image->bytes / image->logical * (image->logical / PVN_BLK_SECTOR_BYTES);
}

#endif
