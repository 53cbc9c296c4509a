/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * From a guest's request to something that may be given to the kernel. Pure:
 * computes from a private copy of the request, what was offered to the guest, and
 * the list of the guest's memory; the only thing it reads through a guest's
 * address is the table of segments, once.
 */
#ifndef NETD_REQUEST_H
#define NETD_REQUEST_H

#include <sys/uio.h>

#include <linux/virtio_net.h>
#include <pvn/abi/io/net.h>

#include "libpvn/backend.h"

enum { NET_FRAME_PARTS_MAX = PVN_NET_SEGMENTS_MAX + 2 };

/* What the guest may ask for. */
struct net_limits {
	uint32_t mtu;
	bool csum, tso4, tso6;
};

/* In front of a frame, as Linux's tap wants it: PVN_TAP_HEADER_BYTES. */
struct net_header {
	struct virtio_net_hdr hdr;
	uint16_t buffers;	/* not used by a tap */
};

/*
 * A checked frame: every part is the guest's memory, or part 0, the header. The
 * contents are the guest's and may change at any time.
 */
struct net_frame {
	uint32_t id;
	uint32_t bytes;			/* without the header */
	struct net_header header;
	unsigned int part_count;	/* the header counts */
	struct iovec part[NET_FRAME_PARTS_MAX];
};

/*
 * Copies the first bytes of a frame, `bytes` at most, to `head`, and makes that
 * copy what is sent: what was judged by it cannot change any more. Returns how
 * many there were. Once for a frame.
 */
uint32_t net_frame_fix_head(struct net_frame *frame, uint8_t *head, uint32_t bytes);

/* An empty buffer of the guest. */
struct net_buffer {
	uint32_t id;
	uint32_t bytes;
	uint8_t *base;
};

/* Checks a submission of a tx ring; anything but PVN_NET_OK is the guest's answer. */
enum pvn_net_status net_frame_check(const struct pvn_net_request *request,
				    const struct net_limits *limits,
				    const struct pvn_guest_memory *memory,
				    struct net_frame *frame);

/* Checks a submission of an rx ring. */
enum pvn_net_status net_buffer_check(const struct pvn_net_request *request,
				     const struct pvn_guest_memory *memory,
				     struct net_buffer *buffer);

/* What the guest is told of a frame that came with this header. */
void net_received_fill(struct pvn_net_received *received, const struct net_header *header,
		       uint32_t frame_bytes);

#endif
