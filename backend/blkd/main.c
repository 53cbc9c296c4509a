// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-blkd: serves one disk of one guest. Started, and restarted, by pvn-worker,
 * with every descriptor that it needs; opens nothing but the store's socket.
 *
 *	pvn-blkd <arguments of libpvn/backend.h> --image PATH --image-fd FD
 *		 [--read-only] [--poll-us N]
 *
 * The loop: take what has completed, take new requests of all queues in turns,
 * submit, announce; when there was nothing, look for a short learned time, then
 * arm the doorbells, look once more, and sleep.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "blkd/queue.h"

enum {
	TURN = 64,		/* requests of a queue before the next queue's turn */
	POLL_US_DEFAULT = 20,
};

struct blkd {
	struct pvn_backend backend;
	struct blk_disk disk;
	const char *image;
	uint32_t physical_bytes;
	unsigned int poll_us;
	struct pvn_poll poll;
	struct engine_token store_token;
	struct engine_token timer_token;
	bool timer_runs;
	struct blk_queue queue[PVN_BACKEND_QUEUES_MAX];
};

static struct blkd blkd = {
	.disk.engine.image = -1,
	.poll_us = POLL_US_DEFAULT,
	.store_token.kind = ENGINE_STORE,
	.timer_token.kind = ENGINE_TIMER,
};

/* --- start --- */

static int number_argument(const char *name, const char *value, unsigned int most)
{
	unsigned long number;
	char *end;

	number = strtoul(value, &end, 10);
	if (!*value || *end || number > most) {
		fprintf(stderr, "pvn-blkd: %s %s: expected a number up to %u\n", name, value, most);
		return -1;
	}
	return (int)number;
}

static int argument(struct pvn_backend *backend, const char *name, const char *value)
{
	int number;

	(void)backend;
	if (!strcmp(name, "--read-only")) {
		blkd.disk.limits.read_only = true;
		return 1;
	}
	if (!value)
		return 0;
	if (!strcmp(name, "--image")) {
		blkd.image = value;
		return 2;
	}
	if (!strcmp(name, "--image-fd")) {
		number = number_argument(name, value, 1u << 20);
		blkd.disk.engine.image = number;
		return number < 0 ? -1 : 2;
	}
	if (!strcmp(name, "--poll-us")) {
		number = number_argument(name, value, 10000);
		blkd.poll_us = (unsigned int)number;
		return number < 0 ? -1 : 2;
	}
	return 0;
}

static int measure_device(int fd, uint64_t *bytes)
{
	unsigned int physical = 512;
	int logical = 512;

	if (ioctl(fd, BLKGETSIZE64, bytes) || ioctl(fd, BLKSSZGET, &logical))
		return -1;
	if (ioctl(fd, BLKPBSZGET, &physical))
		physical = (unsigned int)logical;
	blkd.disk.limits.sector_bytes = (uint32_t)logical;
	blkd.physical_bytes = physical;
	return 0;
}

/* Size and sector size of the image; 0, or -1 after saying why not. */
static int measure(void)
{
	int fd = blkd.disk.engine.image;
	struct stat status;
	uint64_t bytes;
	int error = 0;

	if (fd < 0 || fstat(fd, &status)) {
		fprintf(stderr, "pvn-blkd: --image-fd %d: %s\n", fd, strerror(EBADF));
		return -1;
	}
	blkd.disk.limits.sector_bytes = PVN_BLK_SECTOR_BYTES;
	blkd.physical_bytes = 4096;
	bytes = (uint64_t)status.st_size;
	if (S_ISBLK(status.st_mode))
		error = measure_device(fd, &bytes);
	else if (!S_ISREG(status.st_mode))
		error = -1;
	if (error || (blkd.disk.limits.sector_bytes != 512 &&
		      blkd.disk.limits.sector_bytes != 4096)) {
		fprintf(stderr, "pvn-blkd: %s is neither a raw image nor a usable block device\n",
			blkd.image);
		return -1;
	}
	blkd.disk.limits.sectors = bytes / blkd.disk.limits.sector_bytes *
				   (blkd.disk.limits.sector_bytes / PVN_BLK_SECTOR_BYTES);
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		blkd.disk.limits.read_only = true;
	return 0;
}

/* --- conversation in the store --- */

static int publish(struct pvn_backend *backend)
{
	const struct {
		const char *key;
		uint64_t value;
	} keys[] = {
		{ "protocol", PVN_BLK_PROTOCOL },
		{ "sectors", blkd.disk.limits.sectors },
		{ "sector-size", blkd.disk.limits.sector_bytes },
		{ "physical-sector-size", blkd.physical_bytes },
		{ "feature-flush", 1 },
		{ "feature-fua", 1 },
		{ "max-segments", PVN_BLK_SEGMENTS_MAX },
		{ "max-sectors", PVN_BLK_SECTORS_MAX },
		{ "queue-entries-max", PVN_RING_ENTRIES_MAX },
	};
	char path[PVN_BACKEND_PATH_MAX + 16];
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (pvn_backend_publish_number(backend, keys[i].key, keys[i].value))
			return -1;
	snprintf(path, sizeof(path), "%s/mode", backend->path);
	return pvn_store_printf(backend->store, 0, path, "%s",
				blkd.disk.limits.read_only ? "r" : "w");
}

static void disconnect(struct pvn_backend *backend)
{
	unsigned int i;

	for (i = 0; i < backend->queue_count; i++)
		blk_queue_detach(&blkd.queue[i]);
}

static int attach_queue(struct pvn_backend *backend, unsigned int index, uint32_t epoch)
{
	uint32_t entries;
	void *base = pvn_backend_ring_memory(backend, index, "", epoch, &entries);

	if (!base)
		return -1;
	if (!blk_queue_attach(&blkd.queue[index], base, entries, epoch)) {
		pvn_backend_log(backend, "queue %u: the ring is of another epoch", index);
		return -1;
	}
	return 0;
}

static int connect_rings(struct pvn_backend *backend, uint32_t epoch)
{
	uint64_t protocol, count;
	unsigned int i;

	if (!pvn_backend_front_number(backend, "protocol", PVN_BLK_PROTOCOL, PVN_BLK_PROTOCOL,
				      &protocol) ||
	    !pvn_backend_front_number(backend, "queue-count", 1, backend->queue_count, &count)) {
		pvn_backend_log(backend, "bad protocol or queue-count");
		return -1;
	}
	for (i = 0; i < count; i++)
		if (attach_queue(backend, i, epoch)) {
			disconnect(backend);
			return -1;
		}
	pvn_backend_log(backend, "connected, %u queues, epoch %u", (unsigned int)count, epoch);
	return 0;
}

static const struct pvn_backend_ops ops = {
	.program = "pvn-blkd",
	.kind = "blk",
	.argument = argument,
	.publish = publish,
	.connect = connect_rings,
	.disconnect = disconnect,
};

static void start_timer(void)
{
	if (!blkd.timer_runs)
		engine_timer(&blkd.disk.engine, &blkd.timer_token);
	blkd.timer_runs = true;
}

/* The store went away, or is not there yet: rings go on, try again in a second. */
static void open_store(void)
{
	if (pvn_backend_open(&blkd.backend)) {
		start_timer();
		return;
	}
	if (pvn_backend_events(&blkd.backend))
		start_timer();
	else
		engine_poll(&blkd.disk.engine, pvn_store_fd(blkd.backend.store), &blkd.store_token);
}

static void store_ready(void)
{
	if (!blkd.backend.store)
		return;		/* the end of a connection that is gone already */
	if (pvn_backend_events(&blkd.backend)) {
		pvn_backend_log(&blkd.backend, "the store is gone, waiting for it");
		start_timer();
		return;
	}
	engine_poll(&blkd.disk.engine, pvn_store_fd(blkd.backend.store), &blkd.store_token);
}

/* --- the loop --- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

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

static void handle(struct engine_token *token, int result)
{
	switch (token->kind) {
	case ENGINE_WORK:
		blk_queue_done(&blkd.queue[token->index], (struct blk_slot *)token, result);
		if (blkd.disk.errors)
			start_timer();	/* reports them, once a second at most */
		break;
	case ENGINE_DOORBELL:
		blkd.queue[token->index].ring.counters.events++;
		if (result < 0)
			die("doorbell", -result);
		if (token->ended)
			engine_listen(&blkd.disk.engine, blkd.backend.queue[token->index].in,
				      token);
		break;
	case ENGINE_STORE:
		store_ready();
		break;
	case ENGINE_TIMER:
		blkd.timer_runs = false;
		report_errors();
		if (!blkd.backend.store)
			open_store();
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
	bool any = reap();
	unsigned int i;

	for (i = 0; i < blkd.backend.queue_count; i++) {
		any |= blk_queue_take(&blkd.queue[i], TURN);
		report_broken(i);
	}
	engine_submit(&blkd.disk.engine, false);
	reap();		/* what was in the page cache has completed already */
	for (i = 0; i < blkd.backend.queue_count; i++)
		if (blk_queue_publish(&blkd.queue[i]))
			pvn_backend_ring(&blkd.backend, i);
	return any;
}

/* Looks for work for the learned time; true when some was found. */
static bool look_for_a_while(void)
{
	uint64_t end;

	if (!blkd.poll.ceiling_ns)
		return false;
	end = now_ns() + blkd.poll.budget_ns;
	while (now_ns() < end) {
		if (turn()) {
			pvn_poll_hit(&blkd.poll);
			return true;
		}
		__builtin_ia32_pause();
	}
	pvn_poll_miss(&blkd.poll);
	return false;
}

static void sleep_until_event(void)
{
	bool more = false;
	unsigned int i;

	for (i = 0; i < blkd.backend.queue_count; i++)
		more |= blk_queue_arm(&blkd.queue[i]);
	engine_submit(&blkd.disk.engine, !more);
}

static int prepare(void)
{
	unsigned int i;
	int error;

	blkd.disk.memory = &blkd.backend.memory;
	error = engine_open(&blkd.disk.engine, blkd.disk.engine.image);
	if (error) {
		fprintf(stderr, "pvn-blkd: io_uring: %s\n", strerror(-error));
		return -1;
	}
	for (i = 0; i < blkd.backend.queue_count; i++) {
		if (blk_queue_create(&blkd.queue[i], &blkd.disk, i))
			return -1;
		engine_listen(&blkd.disk.engine, blkd.backend.queue[i].in,
			      &blkd.queue[i].doorbell);
	}
	/* With one processor, looking takes the guest's time away. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		blkd.poll.ceiling_ns = blkd.poll_us * 1000;
	blkd.poll.floor_ns = blkd.poll.ceiling_ns / 8;
	if (pvn_backend_confine()) {
		fprintf(stderr, "pvn-blkd: giving up privileges: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (pvn_backend_parse(&blkd.backend, &ops, argc, argv) || measure() || prepare())
		return EXIT_FAILURE;
	open_store();
	while (!blkd.backend.finished)
		if (!turn() && !look_for_a_while())
			sleep_until_event();
	return EXIT_SUCCESS;
}
