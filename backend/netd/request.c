// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See request.h. Called by queue.c with what pvn_back_next() copied.
 */
#include "netd/request.h"

#include <string.h>

static enum pvn_net_status add_segment(const struct pvn_guest_memory *memory, uint64_t gpa,
				       uint32_t bytes, struct net_frame *frame)
{
	void *base;

	if (!bytes || bytes > PVN_NET_FRAME_MAX - frame->bytes)
		return PVN_NET_INVALID;
	base = pvn_memory_at(memory, gpa, bytes);
	if (!base)
		return PVN_NET_INVALID;
	frame->part[frame->part_count++] = (struct iovec){ .iov_base = base, .iov_len = bytes };
	frame->bytes += bytes;
	return PVN_NET_OK;
}

static enum pvn_net_status add_inline(const struct pvn_net_request *request,
				      const struct pvn_guest_memory *memory,
				      struct net_frame *frame)
{
	enum pvn_net_status status = PVN_NET_OK;
	unsigned int i;

	if (request->segment_count > PVN_NET_INLINE_MAX)
		return PVN_NET_INVALID;
	for (i = 0; i < request->segment_count && !status; i++)
		status = add_segment(memory, request->gpa[i], request->bytes[i], frame);
	return status;
}

static enum pvn_net_status add_indirect(const struct pvn_net_request *request,
					const struct pvn_guest_memory *memory,
					struct net_frame *frame)
{
	uint32_t bytes = request->segment_count * (uint32_t)sizeof(struct pvn_net_segment);
	enum pvn_net_status status = PVN_NET_OK;
	const struct pvn_net_segment *table;
	struct pvn_net_segment segment;
	unsigned int i;

	if (request->segment_count > PVN_NET_SEGMENTS_MAX ||
	    request->gpa[0] % sizeof(struct pvn_net_segment) ||
	    request->gpa[0] % PVN_PAGE_SIZE + bytes > PVN_PAGE_SIZE)
		return PVN_NET_INVALID;
	table = pvn_memory_at(memory, request->gpa[0], bytes);
	if (!table)
		return PVN_NET_INVALID;
	for (i = 0; i < request->segment_count && !status; i++) {
		/* The guest may change the table meanwhile: one look at each word. */
		pvn_ring_copy(&segment, &table[i], sizeof(segment));
		if (segment.reserved)
			return PVN_NET_INVALID;
		status = add_segment(memory, segment.gpa, segment.bytes, frame);
	}
	return status;
}

/* Cutting a frame is work for the root: only in pieces worth it, and only what was offered. */
static enum pvn_net_status check_gso(const struct pvn_net_request *request,
				     const struct net_limits *limits, struct net_frame *frame)
{
	const struct pvn_net_offload *offload = &request->offload;
	uint8_t kind = offload->gso & (uint8_t)~PVN_NET_GSO_ECN;

	if (!offload->gso)
		return offload->gso_size || offload->header_bytes ? PVN_NET_INVALID : PVN_NET_OK;
	if ((kind == PVN_NET_GSO_TCP4 && limits->tso4) ||
	    (kind == PVN_NET_GSO_TCP6 && limits->tso6))
		frame->header.hdr.gso_type = kind == PVN_NET_GSO_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
									VIRTIO_NET_HDR_GSO_TCPV6;
	else
		return PVN_NET_UNSUPPORTED;
	if (!(request->flags & PVN_NET_FLAG_CSUM) || offload->gso_size < PVN_NET_GSO_SIZE_MIN ||
	    offload->header_bytes < offload->csum_start ||
	    offload->header_bytes > frame->part[1].iov_len ||
	    (uint32_t)offload->header_bytes + offload->gso_size >
		    limits->mtu + PVN_NET_HEADER_BYTES + PVN_NET_VLAN_BYTES)
		return PVN_NET_INVALID;
	if (offload->gso & PVN_NET_GSO_ECN)
		frame->header.hdr.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	frame->header.hdr.gso_size = offload->gso_size;
	frame->header.hdr.hdr_len = offload->header_bytes;
	return PVN_NET_OK;
}

static enum pvn_net_status check_csum(const struct pvn_net_request *request,
				      const struct net_limits *limits, struct net_frame *frame)
{
	const struct pvn_net_offload *offload = &request->offload;

	if (!(request->flags & PVN_NET_FLAG_CSUM))
		return offload->csum_start || offload->csum_offset ? PVN_NET_INVALID : PVN_NET_OK;
	if (!limits->csum)
		return PVN_NET_UNSUPPORTED;
	if (offload->csum_start < PVN_NET_HEADER_BYTES ||
	    (uint32_t)offload->csum_start + offload->csum_offset + 2 > frame->bytes)
		return PVN_NET_INVALID;
	frame->header.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	frame->header.hdr.csum_start = offload->csum_start;
	frame->header.hdr.csum_offset = offload->csum_offset;
	return PVN_NET_OK;
}

enum pvn_net_status net_frame_check(const struct pvn_net_request *request,
				    const struct net_limits *limits,
				    const struct pvn_guest_memory *memory,
				    struct net_frame *frame)
{
	enum pvn_net_status status;

	frame->id = request->id;
	frame->bytes = 0;
	memset(&frame->header, 0, sizeof(frame->header));
	frame->part[0] = (struct iovec){
		.iov_base = &frame->header, .iov_len = sizeof(frame->header),
	};
	frame->part_count = 1;
	if (request->op != PVN_NET_SEND || request->flags & ~PVN_NET_FLAGS)
		return PVN_NET_UNSUPPORTED;
	if (request->reserved[0] || request->reserved[1] || !request->segment_count)
		return PVN_NET_INVALID;
	if (request->flags & PVN_NET_FLAG_INDIRECT)
		status = add_indirect(request, memory, frame);
	else
		status = add_inline(request, memory, frame);
	if (status)
		return status;
	if (frame->part[1].iov_len < PVN_NET_HEADER_BYTES)
		return PVN_NET_INVALID;
	status = check_csum(request, limits, frame);
	if (!status)
		status = check_gso(request, limits, frame);
	if (!status && !request->offload.gso &&
	    frame->bytes > limits->mtu + PVN_NET_HEADER_BYTES + PVN_NET_VLAN_BYTES)
		return PVN_NET_INVALID;
	return status;
}

uint32_t net_frame_fix_head(struct net_frame *frame, uint8_t *head, uint32_t bytes)
{
	unsigned int from = 1, i;
	uint32_t done = 0;

	while (from < frame->part_count && done < bytes) {
		struct iovec *part = &frame->part[from];
		uint32_t here = bytes - done;

		if (here > part->iov_len)
			here = (uint32_t)part->iov_len;
		memcpy(head + done, part->iov_base, here);
		done += here;
		part->iov_base = (uint8_t *)part->iov_base + here;
		part->iov_len -= here;
		if (!part->iov_len)
			from++;
	}
	/* What is left moves behind the copy; there is room for one part more. */
	if (from == 1) {
		for (i = frame->part_count++; i > 1; i--)
			frame->part[i] = frame->part[i - 1];
	} else {
		for (i = from; i < frame->part_count; i++)
			frame->part[i - from + 2] = frame->part[i];
		frame->part_count -= from - 2;
	}
	frame->part[1] = (struct iovec){ .iov_base = head, .iov_len = done };
	return done;
}

enum pvn_net_status net_buffer_check(const struct pvn_net_request *request,
				     const struct pvn_guest_memory *memory,
				     struct net_buffer *buffer)
{
	static const struct pvn_net_offload none;

	if (request->op != PVN_NET_BUFFER || request->flags)
		return PVN_NET_UNSUPPORTED;
	if (request->segment_count != 1 || request->reserved[0] || request->reserved[1] ||
	    memcmp(&request->offload, &none, sizeof(none)) ||
	    request->bytes[0] < PVN_NET_BUFFER_MIN || request->bytes[0] > PVN_NET_BUFFER_MAX ||
	    request->gpa[0] % sizeof(uint32_t))
		return PVN_NET_INVALID;
	buffer->id = request->id;
	buffer->bytes = request->bytes[0];
	buffer->base = pvn_memory_at(memory, request->gpa[0], request->bytes[0]);
	return buffer->base ? PVN_NET_OK : PVN_NET_INVALID;
}

void net_received_fill(struct pvn_net_received *received, const struct net_header *header,
		       uint32_t frame_bytes)
{
	uint8_t kind = header->hdr.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	memset(received, 0, sizeof(*received));
	received->frame_bytes = frame_bytes;
	if (header->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		received->flags = PVN_NET_FLAG_CSUM;
		received->offload.csum_start = header->hdr.csum_start;
		received->offload.csum_offset = header->hdr.csum_offset;
	} else if (header->hdr.flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		received->flags = PVN_NET_CSUM_GOOD;
	}
	if (kind != VIRTIO_NET_HDR_GSO_TCPV4 && kind != VIRTIO_NET_HDR_GSO_TCPV6)
		return;
	received->offload.gso = kind == VIRTIO_NET_HDR_GSO_TCPV4 ? PVN_NET_GSO_TCP4 :
								   PVN_NET_GSO_TCP6;
	if (header->hdr.gso_type & VIRTIO_NET_HDR_GSO_ECN)
		received->offload.gso |= PVN_NET_GSO_ECN;
	received->offload.gso_size = header->hdr.gso_size;
	received->offload.header_bytes = header->hdr.hdr_len < UINT8_MAX ?
					 (uint8_t)header->hdr.hdr_len : UINT8_MAX;
}
