/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Entropy source, version 1: the sample device of docs/write-a-driver.md. A guest asks for
 * random bytes into its memory, and gets as many as the root has to give.
 *
 * Store keys. F = device/entropy/N in the guest's home, B =
 * /local/domain/0/backend/entropy/DOMID/N. By the toolstack: F/backend, F/backend-id,
 * B/frontend, B/frontend-id, F/queue-max = 1, F/queue-0/channel, F/queue-0/target-vp,
 * F/state = B/state = 1. By the back-end, before state 2: B/protocol. By the front-end,
 * before state 3: F/protocol, F/epoch (not 0; also in the ring), F/queue-count = 1,
 * F/queue-0/ring-gpa, F/queue-0/ring-entries.
 *
 * States are those of xenbus, as for blocks (io/blk.h):
 *
 *	        +--------- back-end restarted: back 2 ----------+
 *	        v                                               |
 *	(1) -> (2 back ready) -> (3 front ready) -> (4 connected) -> (5) -> (6)
 *
 * What was asked for and not answered when a back-end went is asked for again.
 */
#ifndef PVN_ABI_IO_ENTROPY_H
#define PVN_ABI_IO_ENTROPY_H

#include <pvn/abi/ring.h>

#define PVN_ENTROPY_PROTOCOL	1u
#define PVN_ENTROPY_ENTRIES	4u
#define PVN_ENTROPY_BYTES_MAX	4096u

enum pvn_entropy_status {
	PVN_ENTROPY_OK = 0,		/* value: bytes written, at least 1, at most those asked for */
	PVN_ENTROPY_INVALID = 1,	/* length, or memory that is not the guest's */
};

/* A submission: same shape as struct pvn_sqe. The bytes must not cross a page. */
struct pvn_entropy_request {
	pvn_u32 zero;
	pvn_u32 id;
	pvn_u64 gpa;
	pvn_u32 bytes;		/* 1 to PVN_ENTROPY_BYTES_MAX */
	pvn_u32 reserved[10];
	pvn_u32 stamp;
};

_Static_assert(sizeof(struct pvn_entropy_request) == sizeof(struct pvn_sqe), "entropy request");
_Static_assert(offsetof(struct pvn_entropy_request, stamp) == 60, "entropy request");

#endif
