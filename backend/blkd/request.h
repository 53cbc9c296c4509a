/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * From a guest's request to something that may be given to the kernel. Pure:
 * computes from a private copy of the request, the limits of the device and the
 * list of the guest's memory; the only thing it reads through a guest's address
 * is the page of segments, once.
 */
#ifndef BLKD_REQUEST_H
#define BLKD_REQUEST_H

#include <sys/uio.h>

#include <pvn/abi/io/blk.h>

#include "libpvn/backend.h"

struct blk_limits {
	uint64_t sectors;	/* 512-byte units */
	uint32_t sector_bytes;	/* smallest unit of a transfer */
	bool read_only;
	/* Longest range of an operation that has one, 512-byte units; 0: not offered. */
	uint32_t range_sectors[PVN_BLK_OP_COUNT];
};

/* A checked request: every buffer is the guest's, every byte is on the device. */
struct blk_work {
	uint32_t id;
	uint8_t op;		/* enum pvn_blk_op */
	bool fua;
	bool unmap;		/* write zeroes: space may be given back */
	uint64_t offset;	/* bytes */
	uint64_t bytes;
	unsigned int iov_count;
	struct iovec iov[PVN_BLK_SEGMENTS_MAX];
};

/* Does it move data from or to the guest? */
static inline bool blk_work_is_transfer(const struct blk_work *work)
{
	return work->op == PVN_BLK_READ || work->op == PVN_BLK_WRITE;
}

/* Checks `request` and fills `work`; anything but PVN_BLK_OK is the guest's answer. */
enum pvn_blk_status blk_request_check(const struct pvn_blk_request *request,
				      const struct blk_limits *limits,
				      const struct pvn_guest_memory *memory,
				      struct blk_work *work);

/* Takes the first `bytes` of what is left away: they have been dealt with. */
void blk_work_advance(struct blk_work *work, uint64_t bytes);

#endif
