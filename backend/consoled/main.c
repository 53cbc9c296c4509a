// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-consoled: one console of one guest. Started, and restarted, by pvn-worker.
 *
 *	pvn-consoled <arguments of libpvn/backend.h> --listen SOCKET_PATH --log FILE
 *		     [--log-bytes N] [--log-files N]
 *	pvn-consoled --domid N --device K --backend-path B --stream FD --listen ... --log ...
 *
 * The second form serves an emulated serial port: FD is a stream socket to the worker,
 * there is no ring, and nothing of it in the store.
 *
 * The guest's output is always taken, whether anybody looks or not: it goes to
 * the log file, to the clients, and the last 16 KiB of it to clients that come
 * later. What clients type waits until the guest has room for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pvn/abi/io/console.h>

#include "consoled/clients.h"
#include "consoled/log.h"
#include "libpvn/backend.h"
#include "libpvn/sandbox.h"

enum {
	TYPED_MAX = 4096,
	CHUNK = 4096,
	/* Entries of the poll set before the clients'. */
	POLL_QUEUE = 0,
	POLL_STORE = 1,
	POLL_CLIENTS = 2,
};

static struct consoled {
	struct pvn_backend backend;
	const char *socket_path;
	struct log log;
	int stream;			/* of a serial port, or -1: there is a ring */
	bool attached;
	bool reported;
	struct pvn_console_back *page;
	struct pvn_bytes_in output;	/* from the guest */
	struct pvn_bytes_out input;	/* to the guest */
	struct tail typed;
	struct clients clients;
} console = { .stream = -1 };

static int argument(struct pvn_backend *backend, const char *name, const char *value)
{
	if (value && !strcmp(name, "--listen")) {
		console.socket_path = value;
		return 2;
	}
	if (value && !strcmp(name, "--log")) {
		console.log.path = value;
		return 2;
	}
	if (value && !strcmp(name, "--log-bytes")) {
		console.log.bytes_max = strtoull(value, NULL, 10);
		return 2;
	}
	if (value && !strcmp(name, "--log-files")) {
		console.log.old_files = (unsigned int)strtoul(value, NULL, 10);
		return 2;
	}
	if (value && !strcmp(name, "--stream")) {
		console.stream = atoi(value);
		backend->without_rings = true;
		return 2;
	}
	return 0;
}

/* --- conversation in the store --- */

static int publish(struct pvn_backend *backend)
{
	return pvn_backend_publish_number(backend, "protocol", PVN_CONSOLE_PROTOCOL);
}

static void disconnect(struct pvn_backend *backend)
{
	(void)backend;
	console.attached = false;
}

static int connect_ring(struct pvn_backend *backend, uint32_t epoch)
{
	const struct pvn_console_front *front;
	uint64_t protocol, gpa, bytes;

	if (!pvn_backend_front_number(backend, "protocol", PVN_CONSOLE_PROTOCOL,
				      PVN_CONSOLE_PROTOCOL, &protocol) ||
	    !pvn_backend_queue_number(backend, 0, "ring-bytes", PVN_CONSOLE_OUT_MIN,
				      PVN_CONSOLE_OUT_MAX, &bytes) ||
	    !pvn_backend_queue_number(backend, 0, "ring-gpa", 0, UINT64_MAX, &gpa) ||
	    !pvn_console_out_ok(bytes) || gpa % PVN_PAGE_SIZE) {
		pvn_backend_log(backend, "bad protocol, ring-gpa or ring-bytes");
		return -1;
	}
	front = pvn_memory_at(&backend->memory, gpa, pvn_console_bytes((uint32_t)bytes));
	if (!front || pvn_ring_load(&front->epoch) != epoch) {
		pvn_backend_log(backend, "the ring is not in its memory, or of another epoch");
		return -1;
	}
	console.page = (struct pvn_console_back *)((char *)front + PVN_PAGE_SIZE + bytes);
	pvn_console_back_init((void *)front, (uint32_t)bytes, &console.input, &console.output);
	pvn_ring_store(&console.page->error, PVN_RING_OK);
	pvn_ring_store(&console.page->epoch, epoch);
	console.attached = true;
	console.reported = false;
	return 0;
}

static const struct pvn_backend_ops ops = {
	.program = "pvn-consoled",
	.kind = "console",
	.argument = argument,
	.publish = publish,
	.connect = connect_ring,
	.disconnect = disconnect,
};

static void open_store(void)
{
	if (!pvn_backend_open(&console.backend))
		pvn_backend_events(&console.backend);
}

/* --- streams --- */

/* A log that cannot be written (full disk) must not stop the guest. */
static void write_log(const char *bytes, size_t count)
{
	int error = log_write(&console.log, bytes, count);

	if (error)
		pvn_backend_log(&console.backend, "%s: %s", console.log.path, strerror(error));
}

/* Output that is there; bounded, so that a guest that never stops starves nobody. */
static bool take_output(bool *notify)
{
	unsigned int rounds = PVN_CONSOLE_OUT_MAX / CHUNK;
	char bytes[CHUNK];
	pvn_u32 count = 0;

	while (rounds-- && (count = pvn_bytes_read(&console.output, bytes, CHUNK, notify)) > 0) {
		write_log(bytes, count);
		clients_output(&console.clients, bytes, count);
	}
	return count > 0;
}

/* False: there is no room, and the guest has been asked to say when there is. */
static bool give_input(bool *notify)
{
	const char *bytes;
	size_t count;

	while ((count = tail_first(&console.typed, &bytes)) > 0) {
		count = pvn_bytes_write(&console.input, bytes, (pvn_u32)count, notify);
		tail_consume(&console.typed, count);
		if (!count)
			return pvn_bytes_arm_space(&console.input);
	}
	return false;
}

static void report_broken(void)
{
	enum pvn_ring_error why = console.output.broken ?: console.input.broken;

	if (!why || console.reported)
		return;
	console.reported = true;
	pvn_ring_store(&console.page->error, why);
	pvn_backend_log(&console.backend, "the ring is broken (reason %d)", why);
}

/* Both directions; true: do not sleep yet. */
static bool move_bytes(void)
{
	bool notify = false, more;

	if (!console.attached)
		return false;
	more = take_output(&notify);
	more |= give_input(&notify);
	if (notify)
		pvn_backend_ring(&console.backend, 0);
	report_broken();
	return more || pvn_bytes_arm(&console.output);
}

/* --- a serial port --- */

/* What it has sent; false: the worker is gone. */
static bool take_stream(void)
{
	char bytes[CHUNK];
	ssize_t count = recv(console.stream, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (count < 0)
		return errno == EAGAIN || errno == EINTR;
	write_log(bytes, (size_t)count);
	clients_output(&console.clients, bytes, (size_t)count);
	return count > 0;
}

static void give_stream(void)
{
	const char *bytes;
	size_t count;
	ssize_t sent;

	while ((count = tail_first(&console.typed, &bytes)) > 0) {
		sent = send(console.stream, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			return;
		tail_consume(&console.typed, (size_t)sent);
	}
}

static void serve_stream(void)
{
	struct pollfd fds[1 + 1 + CLIENTS_MAX];

	do {
		fds[0] = (struct pollfd) { .fd = console.stream, .events = POLLIN };
		if (console.typed.used)
			fds[0].events |= POLLOUT;
		clients_poll(&console.clients, &fds[1], tail_room(&console.typed) > 0);
		if (poll(fds, 2 + console.clients.count, -1) < 0)
			continue;
		clients_handle(&console.clients, &fds[1], &console.typed);
		give_stream();
	} while (take_stream());
}

/* --- the loop --- */

static void hear_doorbell(void)
{
	uint64_t count;

	if (read(console.backend.queue[0].in, &count, sizeof(count)) < 0 && errno != EAGAIN &&
	    errno != EINTR) {
		pvn_backend_log(&console.backend, "doorbell: %s", strerror(errno));
		exit(EXIT_FAILURE);
	}
}

static void wait_and_handle(bool no_sleep)
{
	struct pollfd fds[POLL_CLIENTS + 1 + CLIENTS_MAX] = {
		[POLL_QUEUE] = { .fd = console.backend.queue[0].in, .events = POLLIN },
		[POLL_STORE] = { .fd = -1, .events = POLLIN },
	};
	bool typed_fits = tail_room(&console.typed) > 0;
	int timeout = no_sleep ? 0 : -1;

	if (console.backend.store)
		fds[POLL_STORE].fd = pvn_store_fd(console.backend.store);
	else if (!no_sleep)
		timeout = 1000;		/* then try the store again */
	clients_poll(&console.clients, &fds[POLL_CLIENTS], typed_fits);
	if (poll(fds, POLL_CLIENTS + 1 + console.clients.count, timeout) < 0)
		return;
	if (fds[POLL_QUEUE].revents)
		hear_doorbell();
	if (!console.backend.store)
		open_store();
	else if (fds[POLL_STORE].revents)
		pvn_backend_events(&console.backend);
	clients_handle(&console.clients, &fds[POLL_CLIENTS], &console.typed);
}

static int prepare(void)
{
	if (!console.socket_path || !console.log.path) {
		fprintf(stderr, "pvn-consoled: --listen and --log are needed\n");
		return -1;
	}
	if (log_open(&console.log)) {
		fprintf(stderr, "pvn-consoled: %s: %s\n", console.log.path, strerror(errno));
		return -1;
	}
	if (clients_listen(&console.clients, console.socket_path)) {
		fprintf(stderr, "pvn-consoled: %s: %s\n", console.socket_path, strerror(errno));
		return -1;
	}
	if (tail_create(&console.typed, TYPED_MAX))
		return -1;
	if (log_start_mover(&console.log)) {
		fprintf(stderr, "pvn-consoled: %s: %s\n", console.log.path, strerror(errno));
		return -1;
	}
	return pvn_backend_confine(&console.backend, 0, NULL);
}

int main(int argc, char **argv)
{
	if (pvn_backend_parse(&console.backend, &ops, argc, argv) ||
	    pvn_backend_claim(&console.backend) || prepare())
		return EXIT_FAILURE;
	if (console.stream >= 0) {
		serve_stream();
		return EXIT_SUCCESS;
	}
	open_store();
	while (!console.backend.finished)
		wait_and_handle(move_bytes());
	return EXIT_SUCCESS;
}
