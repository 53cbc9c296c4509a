// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See stream.h. The worker emulates the card; its frames are as little to be trusted as
 * those of a ring, and are only ever a number of bytes here.
 */
#include "netd/stream.h"

#include <errno.h>
#include <unistd.h>

enum {
	FRAME_BYTES = PVN_NET_MTU_MAX + PVN_NET_HEADER_BYTES + PVN_NET_VLAN_BYTES,
	TURN = 64,		/* frames one way before the other way's turn */
};

struct net_stream {
	struct wire *wire;
	int fd;
	struct wire_poll sleep;
	size_t held;		/* bytes of the frame that the socket had no room for */
	uint8_t out[FRAME_BYTES], in[FRAME_BYTES];
};

/* From the guest; false: nobody is there any more. */
static bool take_frames(struct net_stream *stream)
{
	struct net_frame frame = { .part_count = 2 };
	unsigned int i;
	ssize_t bytes;

	for (i = 0; i < TURN; i++) {
		bytes = read(stream->fd, stream->in, sizeof(stream->in));
		if (bytes < 0)
			return errno == EAGAIN || errno == EINTR;
		if (!bytes)
			return false;
		frame.bytes = (uint32_t)bytes;
		frame.part[1] = (struct iovec){ stream->in, (size_t)bytes };
		stream->wire->ops->send(stream->wire, 0, &frame);
	}
	return true;
}

/* To the guest: in order, and one waits when there is no room. */
static void give_frames(struct net_stream *stream)
{
	const struct iovec parts[] = { { NULL, 0 }, { stream->out, sizeof(stream->out) } };
	unsigned int i;

	for (i = 0; i < TURN; i++) {
		if (!stream->held)
			stream->held = stream->wire->ops->receive(stream->wire, 0, parts, 2);
		if (!stream->held)
			return;
		if (write(stream->fd, stream->out, stream->held) < 0 && errno == EAGAIN)
			return;
		stream->held = 0;
	}
}

static void wait_for_any(struct net_stream *stream)
{
	struct wire_poll *sleep = &stream->sleep;

	sleep->count = 1;
	sleep->timeout_ms = -1;
	sleep->fd[0] = (struct pollfd){
		.fd = stream->fd, .events = POLLIN | (stream->held ? POLLOUT : 0),
	};
	stream->wire->ops->prepare_poll(stream->wire, sleep, !stream->held);
	if (poll(sleep->fd, sleep->count, sleep->timeout_ms) >= 0)
		stream->wire->ops->end_poll(stream->wire, sleep);
}

void net_stream_serve(struct wire *wire, int fd)
{
	static struct net_stream stream;

	stream = (struct net_stream){ .wire = wire, .fd = fd };
	while (take_frames(&stream)) {
		give_frames(&stream);
		wait_for_any(&stream);
	}
}
