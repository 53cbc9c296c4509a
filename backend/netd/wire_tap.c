// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A tap interface as wire: frames go between it and guest memory in one system
 * call each, copied by the kernel. The toolstack opened it (libpvn/tap.h).
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "libpvn/tap.h"
#include "netd/wire.h"

_Static_assert(sizeof(struct net_header) == PVN_TAP_HEADER_BYTES, "header of a frame");

enum { REST_MS = 100 };

struct tap {
	unsigned int count;
	bool rests;		/* the interface is down: looked at now and then */
	int fd[PVN_TAP_QUEUES_MAX];
};

static void describe(struct wire *wire, struct net_limits *limits)
{
	(void)wire;
	limits->csum = true;
	limits->tso4 = true;
	limits->tso6 = true;
}

static void note_error(struct wire *wire)
{
	if (errno == EBADFD)
		wire->gone = true;
}

/* Linux spreads frames over the queues that are in use. */
static void accept_offloads(struct wire *wire, const struct net_limits *takes, unsigned int queues)
{
	struct tap *tap = wire->own;
	const struct pvn_tap_offloads offloads = {
		.checksum = takes->csum, .tso4 = takes->tso4, .tso6 = takes->tso6,
	};

	unsigned int i;

	if (pvn_tap_set_offloads(tap->fd[0], &offloads))
		note_error(wire);
	for (i = 0; i < tap->count; i++)
		pvn_tap_use_queue(tap->fd[i], i < queues);
}

static bool send_frame(struct wire *wire, unsigned int queue, const struct net_frame *frame)
{
	struct tap *tap = wire->own;
	ssize_t done;

	do {
		done = writev(tap->fd[queue], frame->part, (int)frame->part_count);
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		note_error(wire);
	return done > 0;
}

static size_t receive(struct wire *wire, unsigned int queue, const struct iovec *part,
		      unsigned int part_count)
{
	struct tap *tap = wire->own;
	ssize_t done = readv(tap->fd[queue], part, (int)part_count);

	if (done >= 0)
		return (size_t)done;
	note_error(wire);
	return 0;
}

static void prepare_poll(struct wire *wire, struct wire_poll *poll, uint64_t wanted)
{
	struct tap *tap = wire->own;
	unsigned int i;

	if (wire->gone)
		return;
	if (tap->rests) {
		tap->rests = false;
		if (poll->timeout_ms < 0 || poll->timeout_ms > REST_MS)
			poll->timeout_ms = REST_MS;
		return;
	}
	for (i = 0; i < tap->count; i++)
		if (wanted >> i & 1)
			poll->fd[poll->count++] = (struct pollfd){
				.fd = tap->fd[i], .events = POLLIN,
			};
}

/* POLLERR: the interface was removed, or it is down. */
static void end_poll(struct wire *wire, const struct wire_poll *poll)
{
	struct tap *tap = wire->own;
	unsigned int i, j;

	for (i = 0; i < poll->count; i++)
		for (j = 0; j < tap->count; j++)
			if (poll->fd[i].fd == tap->fd[j] && poll->fd[i].revents & POLLERR)
				tap->rests = true;
	if (tap->rests && !pvn_tap_is_there(tap->fd[0]))
		wire->gone = true;
}

static const struct wire_ops tap_ops = {
	.describe = describe,
	.accept = accept_offloads,
	.send = send_frame,
	.receive = receive,
	.prepare_poll = prepare_poll,
	.end_poll = end_poll,
};

int wire_open_tap(struct wire *wire, const int *fds, unsigned int count)
{
	struct tap *tap = calloc(1, sizeof(*tap));

	if (!tap) {
		fprintf(stderr, "pvn-netd: %s\n", strerror(ENOMEM));
		return -1;
	}
	tap->count = count;
	memcpy(tap->fd, fds, count * sizeof(*fds));
	*wire = (struct wire){
		.ops = &tap_ops, .kind = "tap", .queue_count = count, .own = tap,
		.gone = !pvn_tap_is_there(fds[0]),
	};
	return 0;
}
