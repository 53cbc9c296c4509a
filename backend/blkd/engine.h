/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The one place where the process sleeps and does I/O: an io_uring instance.
 * Transfers go straight between the image and guest memory. Doorbells, the
 * store's descriptor and a timer are requests on the same ring, so that one
 * system call submits everything and waits for anything.
 */
#ifndef BLKD_ENGINE_H
#define BLKD_ENGINE_H

#include <liburing.h>

#include "blkd/request.h"

struct engine {
	struct io_uring ring;
	int image;
	unsigned int queued;	/* prepared, not submitted */
};

/* What a completion is about: embedded as first member, given back by engine_next(). */
enum engine_kind {
	ENGINE_WORK,
	ENGINE_DOORBELL,
	ENGINE_STORE,
	ENGINE_TIMER,
};

struct engine_token {
	enum engine_kind kind;
	unsigned int index;	/* doorbells: the queue */
	bool ended;		/* this was the last completion of the request */
};

/* 0, or -errno. */
int engine_open(struct engine *engine, int image);

/* Starts a checked request. */
void engine_start(struct engine *engine, const struct blk_work *work, struct engine_token *token);

/*
 * Waits for doorbells on the eventfd `fd`: a completion for each, until one says
 * that it is the last. The eventfd is not read: each signal completes anew,
 * and its counter is too wide to fill up.
 */
void engine_listen(struct engine *engine, int fd, struct engine_token *token);

/* Waits until `fd` is readable; one completion. */
void engine_poll(struct engine *engine, int fd, struct engine_token *token);

/* One completion after a second. */
void engine_timer(struct engine *engine, struct engine_token *token);

/* Submits what is prepared; with `wait`, sleeps until there is a completion. */
void engine_submit(struct engine *engine, bool wait);

/* The next completion, if any: its token, and the result (bytes or -errno). */
struct engine_token *engine_next(struct engine *engine, int *result);

/* What errno means to the guest. */
enum pvn_blk_status engine_status(int error);

#endif
