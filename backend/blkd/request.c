// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See request.h. Called by queue.c with what pvn_back_next() copied; what it
 * accepts goes to engine.c.
 */
#include "blkd/request.h"

static enum pvn_blk_status add_segment(const struct pvn_guest_memory *memory,
				       const struct blk_limits *limits, uint64_t gpa,
				       uint32_t bytes, struct blk_work *work)
{
	void *base;

	if (!bytes || bytes % limits->sector_bytes || gpa % PVN_BLK_SECTOR_BYTES)
		return PVN_BLK_INVALID;
	if (bytes > PVN_BLK_SECTORS_MAX * PVN_BLK_SECTOR_BYTES - work->bytes)
		return PVN_BLK_INVALID;
	base = pvn_memory_at(memory, gpa, bytes);
	if (!base)
		return PVN_BLK_INVALID;
	work->iov[work->iov_count++] = (struct iovec){ .iov_base = base, .iov_len = bytes };
	work->bytes += bytes;
	return PVN_BLK_OK;
}

static enum pvn_blk_status add_inline(const struct pvn_blk_request *request,
				      const struct blk_limits *limits,
				      const struct pvn_guest_memory *memory,
				      struct blk_work *work)
{
	enum pvn_blk_status status = PVN_BLK_OK;
	unsigned int i;

	if (request->segment_count > PVN_BLK_INLINE_MAX)
		return PVN_BLK_INVALID;
	for (i = 0; i < request->segment_count && !status; i++)
		status = add_segment(memory, limits, request->gpa[i], request->bytes[i], work);
	return status;
}

static enum pvn_blk_status add_indirect(const struct pvn_blk_request *request,
					const struct blk_limits *limits,
					const struct pvn_guest_memory *memory,
					struct blk_work *work)
{
	enum pvn_blk_status status = PVN_BLK_OK;
	const struct pvn_blk_segment *page;
	struct pvn_blk_segment segment;
	unsigned int i;

	if (request->segment_count > PVN_BLK_SEGMENTS_MAX || request->gpa[0] % PVN_PAGE_SIZE)
		return PVN_BLK_INVALID;
	page = pvn_memory_at(memory, request->gpa[0], PVN_PAGE_SIZE);
	if (!page)
		return PVN_BLK_INVALID;
	for (i = 0; i < request->segment_count && !status; i++) {
		/* The guest may change the page meanwhile: one look at each word. */
		pvn_ring_copy(&segment, &page[i], sizeof(segment));
		if (segment.reserved)
			return PVN_BLK_INVALID;
		status = add_segment(memory, limits, segment.gpa, segment.bytes, work);
	}
	return status;
}

/* Is the range on the disk, and made of whole sectors? */
static enum pvn_blk_status check_place(const struct pvn_blk_request *request,
				       const struct blk_limits *limits, uint64_t sectors)
{
	uint32_t unit = limits->sector_bytes / PVN_BLK_SECTOR_BYTES;

	if (request->sector % unit || sectors % unit)
		return PVN_BLK_INVALID;
	if (request->sector > limits->sectors || sectors > limits->sectors - request->sector)
		return PVN_BLK_OUT_OF_RANGE;
	return PVN_BLK_OK;
}

static enum pvn_blk_status check_transfer(const struct pvn_blk_request *request,
					  const struct blk_limits *limits,
					  const struct pvn_guest_memory *memory,
					  struct blk_work *work)
{
	enum pvn_blk_status status;

	if (request->op == PVN_BLK_WRITE && limits->read_only)
		return PVN_BLK_READ_ONLY;
	if (!request->segment_count || request->sector_count ||
	    request->flags & PVN_BLK_FLAG_UNMAP)
		return PVN_BLK_INVALID;
	if (request->flags & PVN_BLK_FLAG_INDIRECT)
		status = add_indirect(request, limits, memory, work);
	else
		status = add_inline(request, limits, memory, work);
	if (status)
		return status;
	work->offset = request->sector * PVN_BLK_SECTOR_BYTES;
	return check_place(request, limits, work->bytes / PVN_BLK_SECTOR_BYTES);
}

/* Discard, write zeroes, secure erase: no data, but a range. */
static enum pvn_blk_status check_range(const struct pvn_blk_request *request,
				       const struct blk_limits *limits, struct blk_work *work)
{
	uint8_t allowed = request->op == PVN_BLK_WRITE_ZEROES ? PVN_BLK_FLAG_UNMAP : 0;

	if (!limits->range_sectors[request->op])
		return PVN_BLK_UNSUPPORTED;
	if (limits->read_only)
		return PVN_BLK_READ_ONLY;
	if (request->segment_count || request->flags & ~allowed || !request->sector_count ||
	    request->sector_count > limits->range_sectors[request->op])
		return PVN_BLK_INVALID;
	work->unmap = request->flags & PVN_BLK_FLAG_UNMAP;
	work->offset = request->sector * PVN_BLK_SECTOR_BYTES;
	work->bytes = (uint64_t)request->sector_count * PVN_BLK_SECTOR_BYTES;
	return check_place(request, limits, request->sector_count);
}

static bool has_nothing(const struct pvn_blk_request *request)
{
	return !request->flags && !request->segment_count && !request->sector_count;
}

enum pvn_blk_status blk_request_check(const struct pvn_blk_request *request,
				      const struct blk_limits *limits,
				      const struct pvn_guest_memory *memory,
				      struct blk_work *work)
{
	work->id = request->id;
	work->op = request->op;
	work->fua = request->flags & PVN_BLK_FLAG_FUA;
	work->unmap = false;
	work->offset = 0;
	work->bytes = 0;
	work->iov_count = 0;
	if (request->flags & ~PVN_BLK_FLAGS)
		return PVN_BLK_UNSUPPORTED;
	if (request->reserved)
		return PVN_BLK_INVALID;
	switch (request->op) {
	case PVN_BLK_READ:
		if (work->fua)
			return PVN_BLK_INVALID;
		return check_transfer(request, limits, memory, work);
	case PVN_BLK_WRITE:
		return check_transfer(request, limits, memory, work);
	case PVN_BLK_FLUSH:
		return has_nothing(request) ? PVN_BLK_OK : PVN_BLK_INVALID;
	case PVN_BLK_DISCARD:
	case PVN_BLK_WRITE_ZEROES:
	case PVN_BLK_SECURE_ERASE:
		return check_range(request, limits, work);
	default:
		return PVN_BLK_UNSUPPORTED;
	}
}

void blk_work_advance(struct blk_work *work, uint64_t bytes)
{
	unsigned int gone = 0, i;

	work->offset += bytes;
	work->bytes -= bytes;
	while (gone < work->iov_count && bytes >= work->iov[gone].iov_len)
		bytes -= work->iov[gone++].iov_len;
	work->iov_count -= gone;
	for (i = 0; gone && i < work->iov_count; i++)
		work->iov[i] = work->iov[i + gone];
	if (work->iov_count) {
		work->iov[0].iov_base = (char *)work->iov[0].iov_base + bytes;
		work->iov[0].iov_len -= bytes;
	}
}
