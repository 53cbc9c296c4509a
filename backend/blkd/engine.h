/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The one place where the process sleeps and does I/O: an io_uring instance.
 * Transfers go straight between the image and guest memory. Doorbells, the
 * store's descriptor and timers are requests on the same ring, so that one
 * system call submits everything and waits for anything.
 *
 * Files that transfers use are registered with the ring. So is `alive`, the end of
 * a pipe: when this process dies, the kernel lets go of registered files only
 * after the last transfer has ended, and whoever has the other end sees that.
 */
#ifndef BLKD_ENGINE_H
#define BLKD_ENGINE_H

#include <liburing.h>

#include "blkd/request.h"

struct engine_token;

struct engine {
	struct io_uring ring;
	int image;		/* -1: there is no file */
	unsigned int queued;	/* prepared, not submitted */
	unsigned int fixed_count;	/* registered buffers; 0: none */
	struct iovec fixed[PVN_BACKEND_REGIONS_MAX * 4];
	struct engine_token *done, **done_end;	/* finished without the kernel */
};

/* What a completion is about: embedded as first member, given back by engine_next(). */
enum engine_kind {
	ENGINE_WORK,
	ENGINE_DOORBELL,
	ENGINE_STORE,
	ENGINE_TIMER,
	ENGINE_LIMIT,		/* timer of the disk's limits */
	ENGINE_IMAGE,		/* the image's own */
};

struct engine_token {
	enum engine_kind kind;
	unsigned int index;	/* doorbells: the queue */
	bool ended;		/* this was the last completion of the request */
	bool busy;		/* for its owner: a request with it is under way */
	int result;		/* while it is in the list `done` */
	struct engine_token *next;
	struct __kernel_timespec pause;
};

/* `image` and `alive` may be -1. 0, or -errno. Prepares only until engine_confine(). */
int engine_open(struct engine *engine, int image, int alive);

/* From now on the ring does what this file asks of it, and nothing else. 0, or -errno. */
int engine_confine(struct engine *engine);

/*
 * Registers guest memory, so that transfers of one segment need not look pages up.
 * Helps transfers past the page cache only. Failing is not an error.
 */
void engine_fix_memory(struct engine *engine, const struct pvn_guest_memory *memory);

/* Requests on the image; the result is a number of bytes, or 0, or -errno. */
void engine_read(struct engine *engine, const struct blk_work *work, struct engine_token *token);
void engine_write(struct engine *engine, const struct blk_work *work, struct engine_token *token);
void engine_write_zeroes(struct engine *engine, const struct blk_work *work,
			 struct engine_token *token);
void engine_sync(struct engine *engine, struct engine_token *token);
void engine_allocate(struct engine *engine, const struct blk_work *work, int mode,
		     struct engine_token *token);

/* The request ends with `result`, without the kernel's help. */
void engine_finish(struct engine *engine, struct engine_token *token, int result);

/*
 * Waits for doorbells on the eventfd `fd`: a completion for each, until one says
 * that it is the last. The eventfd is not read: each signal completes anew,
 * and its counter is too wide to fill up.
 */
void engine_listen(struct engine *engine, int fd, struct engine_token *token);

/* Waits until `fd` has one of `events` (POLLIN, POLLOUT); one completion. */
void engine_poll(struct engine *engine, int fd, unsigned int events, struct engine_token *token);

/* One completion after so long. */
void engine_timer(struct engine *engine, uint64_t ns, struct engine_token *token);

/* Submits what is prepared; with `wait`, sleeps until there is a completion. */
void engine_submit(struct engine *engine, bool wait);

/* The next completion, if any: its token, and the result (bytes or -errno). */
struct engine_token *engine_next(struct engine *engine, int *result);

/* What errno means to the guest. */
enum pvn_blk_status engine_status(int error);

#endif
