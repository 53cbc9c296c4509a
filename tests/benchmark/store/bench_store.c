// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Measures one store daemon at a socket. Prints a line of JSON with requests
 * per second: pipelined (as many under way as the socket takes) and one at a
 * time, for several requests.
 *
 * usage: bench_store SOCKET GUESTS SECONDS
 *
 * GUESTS homes with 30 nodes each are made first, each watched, so that what
 * depends on their number shows.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "pvn/abi/store.h"

enum { NODES_PER_GUEST = 30, BATCH_BYTES = 16384, IN_BYTES = 65536 };

static int fd;
static uint8_t in[IN_BYTES];
static size_t in_len;

static void die(const char *what)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static void connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die(path);
}

static size_t put_request(uint8_t *at, uint32_t type, const void *payload, size_t len)
{
	struct pvn_store_header header = { .type = type, .len = len };

	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), payload, len);
	return sizeof(header) + len;
}

/* Takes complete messages out of the input; returns how many were replies. */
static unsigned int take_replies(void)
{
	struct pvn_store_header header;
	unsigned int count = 0;
	size_t at = 0;

	while (in_len - at >= sizeof(header)) {
		memcpy(&header, in + at, sizeof(header));
		if (in_len - at < sizeof(header) + header.len)
			break;
		if (header.type == PVN_STORE_ERROR) {
			fprintf(stderr, "bench_store: refused: %s\n", in + at + sizeof(header));
			exit(1);
		}
		count += header.type != PVN_STORE_WATCH_EVENT;
		at += sizeof(header) + header.len;
	}
	memmove(in, in + at, in_len - at);
	in_len -= at;
	return count;
}

static unsigned int receive(int flags)
{
	ssize_t got = recv(fd, in + in_len, sizeof(in) - in_len, flags);

	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got <= 0)
		die("the daemon hung up");
	in_len += got;
	return take_replies();
}

static void ask(uint32_t type, const void *payload, size_t len)
{
	uint8_t bytes[4200];
	size_t size = put_request(bytes, type, payload, len);

	if (send(fd, bytes, size, 0) != (ssize_t)size)
		die("send");
	while (!receive(0))
		;
}

static void make_guests(unsigned int count)
{
	char payload[128];

	for (unsigned int guest = 1; guest <= count; guest++) {
		for (int node = 0; node < NODES_PER_GUEST; node++) {
			int len = sprintf(payload, "/local/domain/%u/device/n%d%cvalue %d", guest,
					  node, 0, node);

			ask(PVN_STORE_WRITE, payload, len);
		}
		ask(PVN_STORE_WATCH, payload,
		    1 + sprintf(payload, "/local/domain/%u/device%cwatch", guest, 0));
	}
}

/* As many requests of one kind as fit, sent over and over. */
struct batch {
	uint8_t bytes[BATCH_BYTES];
	size_t len;
	unsigned int count;
};

static double run_pipelined(const struct batch *batch, double seconds)
{
	double start = now_seconds(), end = start;
	unsigned long sent = 0, answered = 0;
	size_t at = 0;

	while (end - start < seconds || answered < sent) {
		struct pollfd waiting = { fd, POLLIN, 0 };

		if (end - start < seconds || at) {
			ssize_t done = send(fd, batch->bytes + at, batch->len - at, MSG_DONTWAIT);

			if (done < 0 && errno != EAGAIN)
				die("send");
			at += done > 0 ? done : 0;
			if (at == batch->len) {
				at = 0;
				sent += batch->count;
			}
			waiting.events |= done < 0 || at ? POLLOUT : 0;
		}
		if (end - start >= seconds || waiting.events & POLLOUT)
			poll(&waiting, 1, 1000);
		answered += receive(MSG_DONTWAIT);
		end = now_seconds();
	}
	return answered / (end - start);
}

static double run_one_by_one(const struct batch *batch, double seconds)
{
	size_t len = batch->len / batch->count;
	double start = now_seconds(), end = start;
	unsigned long count = 0;

	while (end - start < seconds) {
		for (int i = 0; i < 50; i++, count++) {
			if (send(fd, batch->bytes, len, 0) != (ssize_t)len)
				die("send");
			while (!receive(0))
				;
		}
		end = now_seconds();
	}
	return count / (end - start);
}

struct kind {
	const char *name;
	uint32_t type;
	const char *payload;
	size_t len;
};

static const struct kind kinds[] = {
	{ "read", PVN_STORE_READ, "/bench/a", 9 },
	{ "write", PVN_STORE_WRITE, "/bench/a\0some value", 19 },
	{ "directory", PVN_STORE_DIRECTORY, "/bench", 7 },
};

int main(int argc, char **argv)
{
	double seconds;

	if (argc != 4) {
		fputs("usage: bench_store SOCKET GUESTS SECONDS\n", stderr);
		return 2;
	}
	seconds = atof(argv[3]);
	connect_to(argv[1]);
	for (int i = 0; i < 10; i++) {
		char payload[32];

		ask(PVN_STORE_WRITE, payload, sprintf(payload, "/bench/%c%cv", 'a' + i, 0));
	}
	make_guests(strtoul(argv[2], NULL, 10));
	printf("{");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		static struct batch batch;

		batch.len = 0;
		batch.count = 0;
		while (batch.len + 64 < sizeof(batch.bytes)) {
			batch.len += put_request(batch.bytes + batch.len, kinds[i].type,
						 kinds[i].payload, kinds[i].len);
			batch.count++;
		}
		printf("%s\"%s-pipelined\": %.0f, ", i ? ", " : "", kinds[i].name,
		       run_pipelined(&batch, seconds));
		printf("\"%s-single\": %.0f", kinds[i].name, run_one_by_one(&batch, seconds));
	}
	puts("}");
	return 0;
}
