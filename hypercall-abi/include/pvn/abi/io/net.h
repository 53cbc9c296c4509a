/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Network protocol, version 1: an Ethernet wire between a guest and its root.
 *
 * A queue is a pair of rings (pvn/abi/ring.h) with one channel for both:
 *
 *	tx	a submission is a frame to send; completed when its memory is free again
 *	rx	a submission is an empty buffer; completed with (a part of) a frame in it
 *
 * Store keys. F is the front-end's directory (device/net/N in the guest's home),
 * B the back-end's (/local/domain/0/backend/net/DOMID/N).
 *
 *	by the toolstack, before anything runs
 *	F/backend, F/backend-id		where B is
 *	B/frontend, B/frontend-id	where F is; the only link that is believed
 *	F/mac, B/mac			"02:00:5e:10:20:30"; the guest can only read it
 *	F/queue-max			queues that have channels (1 to 64)
 *	F/queue-J/channel		channel of queue J: the front-end signals it, and
 *					is signalled on the flag of the same number
 *	F/queue-J/target-vp		VP that gets the events of queue J
 *	F/state, B/state		1
 *
 *	by the back-end, before its state 2
 *	B/protocol			versions that it speaks: "1"
 *	B/mtu				of the wire: 68 to 9000
 *	B/link				1: plugged in, 0: not
 *	B/feature-csum			1: fills in checksums of TCP and UDP that it is sent
 *	B/feature-tso4, B/feature-tso6	1: cuts TCP frames into segments; needs csum
 *	B/feature-rx-group		1: rings for received frames also when there are fewer
 *					than the doorbell was asked for (pvn_front_arm_group()),
 *					as soon as it has no more
 *	B/max-segments			pieces of memory that a frame may consist of
 *	B/queue-entries-max		largest ring
 *
 *	by the front-end, before its state 3
 *	F/protocol			the version chosen: "1"
 *	F/epoch				number of this connection, not 0; also in the rings
 *	F/queue-count			queues in use, 1 to queue-max
 *	F/feature-csum, -tso4, -tso6	the same for frames to the guest: 1 it takes
 *					checksums not filled in, frames not cut
 *	F/queue-J/tx-ring-gpa, F/queue-J/rx-ring-gpa
 *					0x-hexadecimal guest-physical address, page aligned
 *	F/queue-J/tx-ring-entries, F/queue-J/rx-ring-entries
 *					power of two
 *
 *	by the operator, at any time
 *	B/link-wanted			0: pull the plug, 1: put it in again
 *	B/limit/tx-bytes, -packets	a second, from the guest; 0: no limit
 *	B/limit/tx-burst		bytes that may be saved up
 *	B/limit/rx-...			the same, to the guest
 *	B/guard, B/guard-addresses	1: only frames from B/mac, and those addresses
 *	B/command			"look": the keys above have changed; emptied when done
 *
 * States are those of xenbus, as for blocks (io/blk.h):
 *
 *	        +--------- back-end restarted: back 2 ----------+
 *	        v                                               |
 *	(1) -> (2 back ready) -> (3 front ready) -> (4 connected) -> (5) -> (6)
 *	                              ^------- front 6, then 1 ------------+
 *
 * When a back-end writes 2 while the front-end is at 3 or 4, the connection is
 * over: the front-end makes new rings with the next epoch, offers its buffers in
 * them, and writes 3. Frames in flight are lost as on a wire; the link is not.
 *
 * A change of link or mtu is announced by the new key followed by B/state 4.
 */
#ifndef PVN_ABI_IO_NET_H
#define PVN_ABI_IO_NET_H

#include <pvn/abi/ring.h>

#define PVN_NET_PROTOCOL	1u
#define PVN_NET_QUEUES_MAX	64u
#define PVN_NET_MTU_MIN		68u
#define PVN_NET_MTU_MAX		9000u
#define PVN_NET_HEADER_BYTES	14u	/* of Ethernet; no frame is shorter */
#define PVN_NET_VLAN_BYTES	8u	/* two tags may come on top */
#define PVN_NET_FRAME_MAX	65550u	/* of a frame that is to be cut */
#define PVN_NET_INLINE_MAX	3u
#define PVN_NET_SEGMENTS_MAX	32u
#define PVN_NET_GSO_SIZE_MIN	64u	/* payload of a segment: smaller cuts are the guest's work */
#define PVN_NET_BUFFER_MIN	2048u
#define PVN_NET_BUFFER_MAX	65536u

enum pvn_net_op {
	PVN_NET_SEND = 0,	/* tx ring */
	PVN_NET_BUFFER = 1,	/* rx ring */
};

#define PVN_NET_FLAG_INDIRECT	0x1u	/* gpa[0] is the place of segment_count segments */
#define PVN_NET_FLAG_CSUM	0x2u	/* checksum from csum_start on, to csum_start + csum_offset */
#define PVN_NET_FLAGS		0x3u

enum pvn_net_gso {
	PVN_NET_GSO_NONE = 0,
	PVN_NET_GSO_TCP4 = 1,
	PVN_NET_GSO_TCP6 = 2,
	PVN_NET_GSO_COUNT = 3,
};

#define PVN_NET_GSO_ECN		0x80u	/* on top: the first segment only has CWR */

/* What must be done to a frame, in both directions. All 0: nothing. */
struct pvn_net_offload {
	pvn_u8 gso;		/* enum pvn_net_gso, | PVN_NET_GSO_ECN */
	pvn_u8 header_bytes;	/* gso: Ethernet to TCP header, options included */
	pvn_u16 gso_size;	/* gso: payload of a segment */
	pvn_u16 csum_start;	/* bytes from the start of the frame */
	pvn_u16 csum_offset;	/* from csum_start */
};

/*
 * A submission of either ring: same shape as struct pvn_sqe. Segments are
 * guest-physically contiguous; none is empty. The first one of a frame holds the
 * Ethernet header, and with gso all headers. A buffer has one segment, and no
 * flags and offloads. Unused and reserved words are 0.
 */
struct pvn_net_request {
	pvn_u8 op;
	pvn_u8 flags;
	pvn_u16 segment_count;
	pvn_u32 id;
	struct pvn_net_offload offload;
	pvn_u64 gpa[PVN_NET_INLINE_MAX];
	pvn_u32 bytes[PVN_NET_INLINE_MAX];
	pvn_u32 reserved[2];
	pvn_u32 stamp;
};

/* Indirect segments lie on a multiple of 16 and do not cross a page. */
struct pvn_net_segment {
	pvn_u64 gpa;
	pvn_u32 bytes;
	pvn_u32 reserved;
};

/*
 * A received frame fills buffers in the order in which they were offered. The
 * first starts with a struct pvn_net_received. A completion's value:
 */
#define PVN_NET_VALUE_BYTES	0xffffffu	/* written into this buffer, all counted */
#define PVN_NET_VALUE_MORE	0x80000000u	/* the frame goes on in the next completion */

struct pvn_net_received {
	pvn_u8 flags;		/* PVN_NET_FLAG_CSUM, PVN_NET_CSUM_GOOD */
	pvn_u8 reserved[3];
	pvn_u32 frame_bytes;	/* of the whole frame, without this */
	struct pvn_net_offload offload;
};

#define PVN_NET_CSUM_GOOD	0x4u	/* checksums were verified already */

_Static_assert(sizeof(struct pvn_net_request) == sizeof(struct pvn_sqe), "net request");
_Static_assert(offsetof(struct pvn_net_request, gpa) == 16, "net request");
_Static_assert(offsetof(struct pvn_net_request, bytes) == 40, "net request");
_Static_assert(offsetof(struct pvn_net_request, stamp) == 60, "net request");
_Static_assert(sizeof(struct pvn_net_segment) == 16, "net segment");
_Static_assert(sizeof(struct pvn_net_received) == 16, "net received");

enum pvn_net_status {
	PVN_NET_OK = 0,
	PVN_NET_DROPPED = 1,		/* not sent: the wire is unplugged, or full */
	PVN_NET_UNSUPPORTED = 2,	/* op, flag or offload not offered */
	PVN_NET_INVALID = 3,		/* shape, or memory that is not the guest's */
	PVN_NET_REFUSED = 4,		/* the spoof guard does not let it through */
	PVN_NET_STATUS_COUNT = 5,
};

#endif
