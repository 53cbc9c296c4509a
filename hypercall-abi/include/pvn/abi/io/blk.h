/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Block device protocol, version 1.
 *
 * Store keys. F is the front-end's directory (device/blk/N in the guest's home),
 * B the back-end's (/local/domain/0/backend/blk/DOMID/N).
 *
 *	by the toolstack, before anything runs
 *	F/backend, F/backend-id		where B is
 *	B/frontend, B/frontend-id	where F is; the only link that is believed
 *	F/queue-max			queues that have channels (1 to 64)
 *	F/queue-J/channel		channel of queue J: the front-end signals it, and
 *					is signalled on the flag of the same number
 *	F/queue-J/target-vp		VP that gets the events of queue J
 *	F/state, B/state		1
 *
 *	by the back-end, before its state 2
 *	B/protocol			versions that it speaks: "1"
 *	B/sectors			size in units of 512 bytes, always
 *	B/sector-size			smallest unit of a transfer: 512 or 4096
 *	B/physical-sector-size
 *	B/mode				"r" or "w"
 *	B/feature-flush			1: flush is needed and offered
 *	B/feature-fua			1: the FUA flag is honoured
 *	B/max-segments			segments of a request (up to 256)
 *	B/max-sectors			512-byte units of a request
 *	B/queue-entries-max		largest ring
 *	B/serial, B/uuid		texts for people, when the disk has them
 *	B/io-min, B/io-opt		preferred sizes of a transfer in bytes, when known
 *	B/buffer-alignment		buffers should start on a multiple of it (512 when absent)
 *	B/feature-discard		1: discard is offered, in units of
 *	B/discard-granularity		bytes, up to
 *	B/max-discard-sectors		512-byte units a request
 *	B/feature-write-zeroes, B/max-write-zeroes-sectors
 *	B/feature-secure-erase, B/max-secure-erase-sectors
 *
 *	by the front-end, before its state 3
 *	F/protocol			the version chosen: "1"
 *	F/epoch				number of this connection, not 0; also in the rings
 *	F/queue-count			queues in use, 1 to queue-max
 *	F/queue-J/ring-gpa		0x-hexadecimal guest-physical address, page aligned
 *	F/queue-J/ring-entries		power of two (pvn/abi/ring.h)
 *
 * States are those of xenbus. Start: both 1; back 2; front 3; back 4; front 4.
 *
 *	        +--------- back-end restarted: back 2 ----------+
 *	        v                                               |
 *	(1) -> (2 back ready) -> (3 front ready) -> (4 connected) -> (5) -> (6)
 *	                              ^------- front 6, then 1 ------------+
 *
 * When a back-end writes 2 while the front-end is at 3 or 4, the connection is
 * over: the front-end makes new rings with the next epoch, submits again what
 * was in flight, and writes 3. When a front-end writes 6, the back-end drops
 * the rings and returns to 2 as long as B/online is not 0.
 *
 * A changed size is announced by a new B/sectors followed by B/state 4.
 *
 * Requests complete in any order. A flush covers writes that were completed
 * before it was submitted; discard, write zeroes and secure erase are writes in
 * this. What a discarded range reads as is not defined.
 *
 * Completions may be grouped: a front-end that waits for several arms for more
 * than one (pvn_front_arm()). So that none waits for those that come much later, a
 * back-end that runs out of work rings also for what it has completed and not
 * rung for (pvn_back_unheard()).
 */
#ifndef PVN_ABI_IO_BLK_H
#define PVN_ABI_IO_BLK_H

#include <pvn/abi/ring.h>

#define PVN_BLK_PROTOCOL	1u
#define PVN_BLK_SECTOR_SHIFT	9
#define PVN_BLK_SECTOR_BYTES	512u
#define PVN_BLK_QUEUES_MAX	64u
#define PVN_BLK_INLINE_MAX	3u
#define PVN_BLK_SEGMENTS_MAX	256u	/* one page of descriptors */
#define PVN_BLK_SECTORS_MAX	2048u	/* 1 MiB */

enum pvn_blk_op {
	PVN_BLK_READ = 0,
	PVN_BLK_WRITE = 1,
	PVN_BLK_FLUSH = 2,
	PVN_BLK_DISCARD = 3,		/* the range is not needed any more */
	PVN_BLK_WRITE_ZEROES = 4,
	PVN_BLK_SECURE_ERASE = 5,	/* discard, and nobody can bring it back */
	PVN_BLK_OP_COUNT = 6,
};

#define PVN_BLK_FLAG_FUA	0x1u	/* write: on stable storage when completed */
#define PVN_BLK_FLAG_INDIRECT	0x2u	/* gpa[0] is a page of struct pvn_blk_segment */
#define PVN_BLK_FLAG_UNMAP	0x4u	/* write zeroes: space may be given back */
#define PVN_BLK_FLAGS		0x7u

/*
 * A submission: same shape as struct pvn_sqe. Segments are guest-physically
 * contiguous, start on a multiple of 512 and are a multiple of sector-size long;
 * none is empty. Only reads and writes have segments; discard, write zeroes and
 * secure erase name a range by sector and sector_count, whole multiples of
 * sector-size. Unused and reserved words are 0.
 */
struct pvn_blk_request {
	pvn_u8 op;
	pvn_u8 flags;
	pvn_u16 segment_count;
	pvn_u32 id;
	pvn_u64 sector;		/* 512-byte units, whatever sector-size is */
	pvn_u64 gpa[PVN_BLK_INLINE_MAX];
	pvn_u32 bytes[PVN_BLK_INLINE_MAX];
	pvn_u32 sector_count;	/* of a range, 512-byte units; 0 in reads and writes */
	pvn_u32 reserved;
	pvn_u32 stamp;
};

struct pvn_blk_segment {
	pvn_u64 gpa;
	pvn_u32 bytes;
	pvn_u32 reserved;
};

_Static_assert(sizeof(struct pvn_blk_request) == sizeof(struct pvn_sqe), "blk request");
_Static_assert(offsetof(struct pvn_blk_request, gpa) == 16, "blk request");
_Static_assert(offsetof(struct pvn_blk_request, bytes) == 40, "blk request");
_Static_assert(offsetof(struct pvn_blk_request, sector_count) == 52, "blk request");
_Static_assert(offsetof(struct pvn_blk_request, stamp) == 60, "blk request");
_Static_assert(sizeof(struct pvn_blk_segment) * PVN_BLK_SEGMENTS_MAX == PVN_PAGE_SIZE,
	       "a page of segments");

enum pvn_blk_status {
	PVN_BLK_OK = 0,
	PVN_BLK_IO_ERROR = 1,
	PVN_BLK_UNSUPPORTED = 2,	/* op or flag not offered */
	PVN_BLK_INVALID = 3,		/* shape of the request, or memory that is not the guest's */
	PVN_BLK_OUT_OF_RANGE = 4,	/* beyond the end of the device */
	PVN_BLK_READ_ONLY = 5,
	PVN_BLK_NO_SPACE = 6,
	PVN_BLK_STATUS_COUNT = 7,
};

#endif
