/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the files of pvn-blkd share: the one disk that the process serves.
 * options.c fills it from the command line, serve.c talks in the store, main.c
 * is the loop.
 */
#ifndef BLKD_BLKD_H
#define BLKD_BLKD_H

#include "blkd/queue.h"

#define BLKD_POLL_BY_COST (~0u)	/* see pvn_backend_poll_ceiling() */

struct blkd {
	struct pvn_backend backend;
	struct blk_disk disk;
	const char *serial, *uuid;	/* NULL: none */
	int alive_fd;			/* end of a pipe that goes with the last transfer; -1 */
	unsigned int poll_us;		/* or BLKD_POLL_BY_COST */
	struct pvn_poll poll;
	uint64_t idle_since_ns;
	struct engine_token store_token;
	struct engine_token timer_token;
	struct engine_token limit_token;
	unsigned int first;		/* whose turn it is first, so that no queue starves */
	struct blk_queue queue[PVN_BACKEND_QUEUES_MAX];
};

extern struct blkd blkd;

/* --- options.c: pvn_backend_ops.argument --- */
int blkd_argument(struct pvn_backend *backend, const char *name, const char *value);

/* --- serve.c --- */
extern const struct pvn_backend_ops blkd_ops;

/* Takes over what the image says; once it is ready, and when it has changed. */
void blkd_take_limits(void);
/* The size has changed: tells the guest. */
void blkd_announce_size(void);

#endif
