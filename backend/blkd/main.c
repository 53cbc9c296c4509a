// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-blkd: serves one disk of one guest. Started, and restarted, by pvn-worker,
 * with every descriptor that it needs; opens nothing but the store's socket and,
 * where that is the disk, an NBD server's. Arguments: options.c.
 *
 * The loop: take what has completed, take new requests of all queues in turns,
 * submit, announce; when there was nothing, look for a short learned time, then
 * ring for what the guest was not told of yet, arm the doorbells, look once more,
 * and sleep.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blkd/blkd.h"
#include "libpvn/clock.h"
#include "libpvn/sandbox.h"

enum {
	TURN = 64,		/* requests of a queue before the next queue's turn */
	RETRY_SECONDS_DEFAULT = 30,
};

#define SECOND_NS 1000000000ull

struct blkd blkd = {
	.disk.image.fd = -1,
	.disk.image.retry_seconds = RETRY_SECONDS_DEFAULT,
	.alive_fd = -1,
	.poll_us = BLKD_POLL_BY_COST,
	.store_token.kind = ENGINE_STORE,
	.timer_token.kind = ENGINE_TIMER,
	.limit_token.kind = ENGINE_LIMIT,
};

static void start_timer(void)
{
	if (!blkd.timer_token.busy)
		engine_timer(&blkd.disk.engine, SECOND_NS, &blkd.timer_token);
	blkd.timer_token.busy = true;
}

static void listen_to_store(void)
{
	engine_poll(&blkd.disk.engine, pvn_store_fd(blkd.backend.store), POLLIN,
		    &blkd.store_token);
}

/* The store went away, or is not there yet: rings go on, try again in a second. */
static void open_store(void)
{
	if (pvn_backend_open(&blkd.backend) || pvn_backend_events(&blkd.backend))
		start_timer();
	else
		listen_to_store();
}

static void store_lost(void)
{
	pvn_backend_log(&blkd.backend, "the store is gone, waiting for it");
	start_timer();
}

static void store_ready(void)
{
	if (!blkd.backend.store)
		return;		/* the end of a connection that is gone already */
	if (pvn_backend_events(&blkd.backend))
		store_lost();
	else
		listen_to_store();
}

/* --- the loop --- */

static void report_errors(void)
{
	if (!blkd.disk.errors)
		return;
	pvn_backend_log(&blkd.backend, "%u transfers failed, the last one: %s", blkd.disk.errors,
			strerror(blkd.disk.last_error));
	blkd.disk.errors = 0;
}

static void die(const char *what, int error)
{
	pvn_backend_log(&blkd.backend, "%s: %s", what, strerror(error));
	exit(EXIT_FAILURE);
}

static void image_event(struct engine_token *token, int result)
{
	struct image *image = &blkd.disk.image;
	bool was_ready = image->ready;

	image->ops->event(image, token, result);
	if (image->ready && !was_ready) {
		blkd_take_limits();
		open_store();
	} else if (image->changed) {
		blkd_announce_size();
	}
	image->changed = false;
}

static void work_done(struct engine_token *token, int result)
{
	blk_queue_done(&blkd.queue[token->index], (struct blk_slot *)token, result);
	if (blkd.disk.errors)
		start_timer();	/* reports them, once a second at most */
	if (blkd.backend.waits && pvn_backend_proceed(&blkd.backend))
		store_lost();
}

static void doorbell(struct engine_token *token, int result)
{
	blkd.queue[token->index].ring.counters.events++;
	if (result < 0)
		die("doorbell", -result);
	if (token->ended)
		engine_listen(&blkd.disk.engine, blkd.backend.queue[token->index].in, token);
}

static void timer(void)
{
	blkd.timer_token.busy = false;
	report_errors();
	if (!blkd.backend.store && blkd.disk.image.ready)
		open_store();
}

static void handle(struct engine_token *token, int result)
{
	switch (token->kind) {
	case ENGINE_WORK:
		work_done(token, result);
		break;
	case ENGINE_DOORBELL:
		doorbell(token, result);
		break;
	case ENGINE_STORE:
		store_ready();
		break;
	case ENGINE_TIMER:
		timer();
		break;
	case ENGINE_LIMIT:
		token->busy = false;
		blkd.disk.held_until_ns = 0;
		break;
	case ENGINE_IMAGE:
		image_event(token, result);
		break;
	}
}

static bool reap(void)
{
	struct engine_token *token;
	bool any = false;
	int result;

	while ((token = engine_next(&blkd.disk.engine, &result))) {
		handle(token, result);
		any = true;
	}
	return any;
}

static void report_broken(unsigned int index)
{
	struct blk_queue *queue = &blkd.queue[index];

	if (!queue->attached || !queue->ring.broken || queue->reported)
		return;
	queue->reported = true;
	pvn_backend_log(&blkd.backend, "queue %u is broken (reason %d), until it is set up again",
			index, queue->ring.broken);
}

/* One round over everything; false when there was nothing to do. */
static bool turn(void)
{
	unsigned int count = blkd.backend.queue_count, i;
	bool any = reap();

	for (i = 0; i < count; i++) {
		unsigned int index = (blkd.first + i) % count;

		any |= blk_queue_take(&blkd.queue[index], TURN);
		report_broken(index);
	}
	blkd.first = (blkd.first + 1) % count;
	engine_submit(&blkd.disk.engine, false);
	reap();		/* what was in the page cache has completed already */
	for (i = 0; i < count; i++)
		if (blk_queue_publish(&blkd.queue[i]))
			pvn_backend_ring(&blkd.backend, i);
	return any;
}

/* Looks for work for the learned time; true when some was found. */
static bool look_for_a_while(void)
{
	uint64_t end;

	if (!blkd.poll.budget_ns || blkd.disk.held_until_ns)
		return false;
	end = blkd.idle_since_ns + blkd.poll.budget_ns;
	while (pvn_now_ns() < end) {
		if (turn())
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

/* The disk's own limit holds requests back: sleep until it lets the next one through. */
static void wait_for_limit(void)
{
	uint64_t now = pvn_now_ns(), until = blkd.disk.held_until_ns;

	if (!until || blkd.limit_token.busy)
		return;
	blkd.limit_token.busy = true;
	engine_timer(&blkd.disk.engine, until > now ? until - now : 1, &blkd.limit_token);
}

static void sleep_until_event(void)
{
	bool more = false;
	unsigned int i;

	for (i = 0; i < blkd.backend.queue_count; i++) {
		if (blk_queue_unheard(&blkd.queue[i]))
			pvn_backend_ring(&blkd.backend, i);
		more |= blk_queue_arm(&blkd.queue[i]);
	}
	wait_for_limit();
	engine_submit(&blkd.disk.engine, !more);
}

/* --- start --- */

static void log_image(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void log_image(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pvn_backend_log(&blkd.backend, "%s", text);
}

static int open_image(void)
{
	struct image *image = &blkd.disk.image;

	if (!image->ops) {
		fputs("pvn-blkd: one of --image, --nbd and --null is needed\n", stderr);
		return -1;
	}
	image->engine = &blkd.disk.engine;
	image->log = log_image;
	image->readable.kind = ENGINE_IMAGE;
	image->writable.kind = ENGINE_IMAGE;
	image->timer.kind = ENGINE_IMAGE;
	if (image->ops->open(image))
		return -1;
	if (image->direct)
		engine_fix_memory(&blkd.disk.engine, &blkd.backend.memory);
	if (image->ready)
		blkd_take_limits();
	return 0;
}

static int confine(void)
{
	const struct image *image = &blkd.disk.image;
	unsigned int needs = PVN_SANDBOX_RINGS;
	const char *folder = NULL;
	int error = engine_confine(&blkd.disk.engine);

	if (error) {
		fprintf(stderr, "pvn-blkd: io_uring: %s\n", strerror(-error));
		return -1;
	}
	if (image->ops->place)
		folder = image->ops->place(image, &needs);
	return pvn_backend_confine(&blkd.backend, needs, folder);
}

static int prepare(void)
{
	unsigned int i;
	int error = engine_open(&blkd.disk.engine, blkd.disk.image.fd, blkd.alive_fd);

	if (error) {
		fprintf(stderr, "pvn-blkd: io_uring: %s\n", strerror(-error));
		return -1;
	}
	blkd.disk.memory = &blkd.backend.memory;
	if (open_image())
		return -1;
	for (i = 0; i < blkd.backend.queue_count; i++) {
		if (blk_queue_create(&blkd.queue[i], &blkd.disk, i))
			return -1;
		engine_listen(&blkd.disk.engine, blkd.backend.queue[i].in,
			      &blkd.queue[i].doorbell);
	}
	/* With one processor, looking takes the guest's time away. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		blkd.poll.ceiling_ns = blkd.poll_us == BLKD_POLL_BY_COST ? pvn_backend_poll_ceiling() :
									     blkd.poll_us * 1000;
	blkd.disk.patience_ns = blkd.poll.ceiling_ns / 4;
	return confine();
}

int main(int argc, char **argv)
{
	if (pvn_backend_parse(&blkd.backend, &blkd_ops, argc, argv) ||
	    pvn_backend_claim(&blkd.backend) || prepare())
		return EXIT_FAILURE;
	if (blkd.disk.image.ready)
		open_store();
	while (!blkd.backend.finished) {
		if (turn())
			continue;
		blkd.idle_since_ns = pvn_now_ns();
		if (!look_for_a_while())
			sleep_until_event();
		pvn_poll_waited(&blkd.poll, pvn_now_ns() - blkd.idle_since_ns);
	}
	return EXIT_SUCCESS;
}
