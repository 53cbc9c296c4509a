/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The root's end of a guest's wire: a tap interface, or a network in this process
 * (libslirp). A frame is a list of parts; part 0 is its header (struct net_header), which
 * a wire without offloads neither needs nor fills. One thread.
 */
#ifndef NETD_WIRE_H
#define NETD_WIRE_H

#include <poll.h>
#include <sys/types.h>

#include "netd/request.h"

enum { WIRE_POLL_MAX = 1024 };

/* Descriptors to sleep on, and how long at most. */
struct wire_poll {
	struct pollfd fd[WIRE_POLL_MAX];
	unsigned int count;
	int timeout_ms;		/* -1: for ever */
};

struct wire {
	const struct wire_ops *ops;
	const char *kind;	/* for people: "tap", "user" */
	bool gone;		/* the interface was removed under us */
	unsigned int queue_count;
	void *own;
};

struct wire_ops {
	/* What the guest is offered; `mtu` is what was asked for, or 0. */
	void (*describe)(struct wire *wire, struct net_limits *limits);
	/* What the guest takes, and how many of the queues it uses. */
	void (*accept)(struct wire *wire, const struct net_limits *takes, unsigned int queues);
	/* Sends a frame; false: dropped. */
	bool (*send)(struct wire *wire, unsigned int queue, const struct net_frame *frame);
	/* Fills parts with the next frame: its bytes with the header, 0: there is none. */
	size_t (*receive)(struct wire *wire, unsigned int queue, const struct iovec *part,
			  unsigned int part_count);
	/* Adds to what is slept on; only queues in `wanted` (bit mask) want frames. */
	void (*prepare_poll)(struct wire *wire, struct wire_poll *poll, uint64_t wanted);
	/* After poll(). */
	void (*end_poll)(struct wire *wire, const struct wire_poll *poll);
};

/* Queues' descriptors of an open tap interface; 0 or -1 after saying why not. */
int wire_open_tap(struct wire *wire, const int *fds, unsigned int count);

#endif
