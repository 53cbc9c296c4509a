// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * An NBD server, through libnbd: qcow2, Ceph and what else nbdkit or qemu-nbd
 * serve. libnbd does the protocol; its socket is polled by our io_uring ring.
 *
 *	connecting --> alive --(connection lost)--> lost --(500 ms)--> connecting
 *
 * While there is no connection requests wait; what was in flight is sent again.
 * After `retry_seconds` without a server they fail, until there is one again.
 * Several segments go through a buffer of ours, as NBD has one per request.
 */
#include "blkd/image.h"

#include <errno.h>
#include <libnbd.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libpvn/clock.h"
#include "libpvn/sandbox.h"

enum { RANGE_SECTORS = 1 << 21 };

#define RETRY_NS 500000000ull
#define SECOND_NS 1000000000ull

/* One request on its way to the server, or waiting for one. */
struct command {
	struct command *next;		/* while it waits */
	struct image *image;
	const struct blk_work *work;
	struct engine_token *token;
	uint8_t *buffer;		/* NULL: guest memory itself */
};

struct nbd_disk {
	struct nbd_handle *handle;	/* NULL: there is no connection */
	unsigned int generation;	/* of the handle; tokens carry it */
	bool alive;			/* negotiated: requests can be sent */
	bool failing;			/* given up: requests fail */
	bool lost_before;		/* the log knows */
	uint64_t lost_ns;
	struct command *waiting, **waiting_end;
};

static void connect_server(struct image *image);

/* --- requests --- */

static void finish(struct command *command, int result)
{
	engine_finish(command->image->engine, command->token, result);
	free(command->buffer);
	free(command);
}

static void wait_for_server(struct command *command)
{
	struct nbd_disk *nbd = command->image->nbd;

	command->next = NULL;
	*nbd->waiting_end = command;
	nbd->waiting_end = &command->next;
}

static bool says_lost(int error)
{
	return error == ENOTCONN || error == ESHUTDOWN || error == ECONNRESET || error == EPIPE;
}

/* libnbd's word that a request has ended. 1: it may forget it. */
static int completed(void *context, int *error)
{
	struct command *command = context;
	const struct blk_work *work = command->work;
	uint8_t *from = command->buffer;
	unsigned int i;

	if (*error && says_lost(*error)) {
		wait_for_server(command);
		return 1;
	}
	for (i = 0; from && !*error && work->op == PVN_BLK_READ && i < work->iov_count; i++) {
		memcpy(work->iov[i].iov_base, from, work->iov[i].iov_len);
		from += work->iov[i].iov_len;
	}
	if (*error)
		finish(command, -*error);
	else
		finish(command, blk_work_is_transfer(work) ? (int)work->bytes : 0);
	return 1;
}

/* Where the server's bytes come from or go to; NULL: no memory. */
static void *data_of(struct command *command)
{
	const struct blk_work *work = command->work;
	uint8_t *to;
	unsigned int i;

	if (work->iov_count == 1)
		return work->iov[0].iov_base;
	if (!command->buffer)
		command->buffer = malloc(work->bytes);
	to = command->buffer;
	for (i = 0; to && work->op == PVN_BLK_WRITE && i < work->iov_count; i++) {
		memcpy(to, work->iov[i].iov_base, work->iov[i].iov_len);
		to += work->iov[i].iov_len;
	}
	return command->buffer;
}

static int64_t give_to_libnbd(struct command *command, void *data)
{
	const nbd_completion_callback callback = { .callback = completed, .user_data = command };
	struct nbd_handle *handle = command->image->nbd->handle;
	const struct blk_work *work = command->work;

	switch (work->op) {
	case PVN_BLK_READ:
		return nbd_aio_pread(handle, data, work->bytes, work->offset, callback, 0);
	case PVN_BLK_WRITE:
		return nbd_aio_pwrite(handle, data, work->bytes, work->offset, callback,
				      work->fua ? LIBNBD_CMD_FLAG_FUA : 0);
	case PVN_BLK_FLUSH:
		return nbd_aio_flush(handle, callback, 0);
	case PVN_BLK_DISCARD:
		return nbd_aio_trim(handle, work->bytes, work->offset, callback, 0);
	default:
		return nbd_aio_zero(handle, work->bytes, work->offset, callback,
				    work->unmap ? 0 : LIBNBD_CMD_FLAG_NO_HOLE);
	}
}

static bool is_over(struct nbd_handle *handle)
{
	return nbd_aio_is_dead(handle) || nbd_aio_is_closed(handle);
}

static void issue(struct command *command)
{
	struct nbd_disk *nbd = command->image->nbd;
	void *data = NULL;
	int error;

	if (blk_work_is_transfer(command->work)) {
		data = data_of(command);
		if (!data) {
			finish(command, -ENOMEM);
			return;
		}
	}
	if (give_to_libnbd(command, data) >= 0)
		return;
	error = nbd_get_errno();
	if (is_over(nbd->handle))
		wait_for_server(command);	/* the socket's end is noticed by step() */
	else
		finish(command, error ? -error : -EIO);
}

/* --- connection --- */

/* Asks the ring to say when the socket is as libnbd wants it. */
static void watch(struct image *image)
{
	struct nbd_disk *nbd = image->nbd;
	unsigned int direction = nbd_aio_get_direction(nbd->handle);
	int fd = nbd_aio_get_fd(nbd->handle);

	if (direction & LIBNBD_AIO_DIRECTION_READ && !image->readable.busy) {
		image->readable.busy = true;
		image->readable.index = nbd->generation;
		engine_poll(image->engine, fd, POLLIN, &image->readable);
	}
	if (direction & LIBNBD_AIO_DIRECTION_WRITE && !image->writable.busy) {
		image->writable.busy = true;
		image->writable.index = nbd->generation;
		engine_poll(image->engine, fd, POLLOUT, &image->writable);
	}
}

static void start_timer(struct image *image)
{
	if (!image->timer.busy)
		engine_timer(image->engine, RETRY_NS, &image->timer);
	image->timer.busy = true;
}

static void fail_waiting(struct nbd_disk *nbd)
{
	struct command *command = nbd->waiting, *next;

	nbd->waiting = NULL;
	nbd->waiting_end = &nbd->waiting;
	for (; command; command = next) {
		next = command->next;
		finish(command, -EIO);
	}
}

static void lost(struct image *image, const char *why)
{
	struct nbd_disk *nbd = image->nbd;
	int fd;

	if (!nbd->lost_before) {
		image->log("%s: %s; trying again until it is there", image->name,
			   why ? why : "the server has closed the connection");
		nbd->lost_ns = pvn_now_ns();
	}
	nbd->lost_before = true;
	nbd->alive = false;
	fd = nbd->handle ? nbd_aio_get_fd(nbd->handle) : -1;
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);	/* so that polls of it come back */
	nbd_close(nbd->handle);
	nbd->handle = NULL;
	nbd->generation++;
	start_timer(image);
}

static uint32_t block_size(struct nbd_handle *handle, int which, uint32_t otherwise)
{
	int64_t size = nbd_get_block_size(handle, which);

	return size > 0 && size <= UINT32_MAX ? (uint32_t)size : otherwise;
}

static void learn(struct image *image)
{
	struct nbd_handle *handle = image->nbd->handle;
	uint32_t smallest = block_size(handle, LIBNBD_SIZE_MINIMUM, 1);
	uint32_t preferred = block_size(handle, LIBNBD_SIZE_PREFERRED, 4096);

	image->logical = image->sector_bytes ? image->sector_bytes : PVN_BLK_SECTOR_BYTES;
	if (smallest > image->logical)
		image->logical = smallest;
	image->physical = image->logical > 4096 ? image->logical : 4096;
	image->io_min = preferred >= image->logical ? preferred : 0;
	image->granularity = preferred > image->logical ? preferred : image->logical;
	image->flush = nbd_can_flush(handle) == 1;
	image->fua = nbd_can_fua(handle) == 1;
	image->read_only |= nbd_is_read_only(handle) == 1;
	image->range_sectors[PVN_BLK_DISCARD] = nbd_can_trim(handle) == 1 ? RANGE_SECTORS : 0;
	image->range_sectors[PVN_BLK_WRITE_ZEROES] = nbd_can_zero(handle) == 1 ? RANGE_SECTORS : 0;
}

/* The server said what it has; requests can go. False: it cannot be used. */
static bool begin(struct image *image)
{
	struct nbd_disk *nbd = image->nbd;
	int64_t bytes = nbd_get_size(nbd->handle);
	struct command *command, *next;

	if (!image->ready)
		learn(image);
	if (bytes < 0 || image->logical > 4096)
		return false;
	image->changed = image->ready && (uint64_t)bytes != image->bytes;
	image->bytes = (uint64_t)bytes;
	image->ready = true;
	nbd->alive = true;
	if (nbd->lost_before)
		image->log("%s: connected", image->name);
	nbd->lost_before = false;
	nbd->failing = false;
	command = nbd->waiting;
	nbd->waiting = NULL;
	nbd->waiting_end = &nbd->waiting;
	for (; command; command = next) {
		next = command->next;
		issue(command);
	}
	return true;
}

/* After anything that may have changed the connection's state. */
static void step(struct image *image)
{
	struct nbd_disk *nbd = image->nbd;

	if (is_over(nbd->handle)) {
		lost(image, nbd->alive ? NULL : nbd_get_error());
		return;
	}
	if (!nbd->alive && (nbd_aio_is_ready(nbd->handle) || nbd_aio_is_processing(nbd->handle)) &&
	    !begin(image)) {
		lost(image, "the server's export cannot be used: no size, or blocks above 4096");
		return;
	}
	if (is_over(nbd->handle))
		lost(image, NULL);
	else
		watch(image);
}

static void connect_server(struct image *image)
{
	struct nbd_disk *nbd = image->nbd;

	nbd->handle = nbd_create();
	if (!nbd->handle || nbd_set_uri_allow_local_file(nbd->handle, true) ||
	    nbd_aio_connect_uri(nbd->handle, image->name)) {
		lost(image, nbd_get_error());
		return;
	}
	step(image);
}

static void tick(struct image *image)
{
	struct nbd_disk *nbd = image->nbd;

	if (nbd->handle)
		return;
	if (!nbd->failing && image->ready &&
	    pvn_now_ns() - nbd->lost_ns >= image->retry_seconds * SECOND_NS) {
		nbd->failing = true;
		image->log("%s: no server for %u s: requests fail until there is one",
			   image->name, image->retry_seconds);
	}
	if (nbd->failing)
		fail_waiting(nbd);
	connect_server(image);
}

/* --- as an image --- */

static int open_nbd(struct image *image)
{
	image->nbd = calloc(1, sizeof(*image->nbd));
	if (!image->nbd) {
		fprintf(stderr, "pvn-blkd: %s\n", strerror(errno));
		return -1;
	}
	image->nbd->waiting_end = &image->nbd->waiting;
	connect_server(image);
	return 0;
}

/* NBD tells a size once, when connecting. */
static int measure_nbd(struct image *image)
{
	struct nbd_disk *nbd = image->nbd;

	if (nbd->handle && nbd->alive)
		nbd_aio_disconnect(nbd->handle, 0);
	return 0;
}

static void start_nbd(struct image *image, const struct blk_work *work,
		      struct engine_token *token)
{
	struct nbd_disk *nbd = image->nbd;
	struct command *command;

	if (nbd->failing) {
		engine_finish(image->engine, token, -EIO);
		return;
	}
	command = calloc(1, sizeof(*command));
	if (!command) {
		engine_finish(image->engine, token, -ENOMEM);
		return;
	}
	command->image = image;
	command->work = work;
	command->token = token;
	if (!nbd->alive) {
		wait_for_server(command);
		return;
	}
	issue(command);
	if (nbd->handle)
		watch(image);
}

/*
 * A server of this machine has a socket with a path, as a rule its user's only; one of
 * the network has a name. URIs are those of [NBD project, "The NBD Uniform Resource
 * Indicator (URI) format"].
 */
static const char *place_nbd(const struct image *image, unsigned int *needs)
{
	static char folder[PATH_MAX];
	const char *socket = strstr(image->name, "socket=");
	char *end;

	if (!strstr(image->name, "+unix:") || !socket) {
		*needs |= PVN_SANDBOX_NETWORK;
		return "/etc";
	}
	snprintf(folder, sizeof(folder), "%s", socket + strlen("socket="));
	folder[strcspn(folder, "&#")] = 0;
	end = strrchr(folder, '/');
	if (!end || end == folder)
		return NULL;
	*end = 0;
	*needs |= PVN_SANDBOX_ANY_SOCKET;
	return folder;
}

/* libnbd gives commands back when it sees the end of its socket, not when it is closed. */
static void hang_up(struct nbd_handle *handle)
{
	shutdown(nbd_aio_get_fd(handle), SHUT_RDWR);
	if (nbd_aio_get_direction(handle) & LIBNBD_AIO_DIRECTION_WRITE)
		nbd_aio_notify_write(handle);
	if (!is_over(handle))
		nbd_aio_notify_read(handle);
}

/* A server that is away, or does not answer, must not hold the guest's pages. */
static void cancel_nbd(struct image *image)
{
	struct nbd_disk *nbd = image->nbd;

	/* Without commands in flight the connection is as good as before. */
	if (nbd->handle && nbd->alive && nbd_aio_in_flight(nbd->handle) > 0) {
		hang_up(nbd->handle);
		step(image);
	}
	fail_waiting(nbd);
}

static void event_nbd(struct image *image, struct engine_token *token, int result)
{
	struct nbd_disk *nbd = image->nbd;
	unsigned int direction;

	(void)result;
	token->busy = false;
	if (token == &image->timer) {
		tick(image);
		return;
	}
	if (!nbd->handle)
		return;
	direction = nbd_aio_get_direction(nbd->handle);
	if (token->index != nbd->generation)
		;	/* of an earlier connection: its place is free now */
	else if (token == &image->readable && direction & LIBNBD_AIO_DIRECTION_READ)
		nbd_aio_notify_read(nbd->handle);
	else if (token == &image->writable && direction & LIBNBD_AIO_DIRECTION_WRITE)
		nbd_aio_notify_write(nbd->handle);
	step(image);
}

const struct image_ops image_nbd_ops = {
	.open = open_nbd,
	.measure = measure_nbd,
	.start = start_nbd,
	.place = place_nbd,
	.cancel = cancel_nbd,
	.event = event_nbd,
};
