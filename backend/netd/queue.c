// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See queue.h. A frame of the guest: copied descriptor, checked by request.c, one
 * writev() by the wire. A frame to the guest: one readv() over as many buffers as
 * the longest frame may need; those that it did not fill stay offered.
 */
#include "netd/queue.h"

#include <string.h>

bool net_queue_attach(struct net_queue *queue, void *tx, uint32_t tx_entries, void *rx,
		      uint32_t rx_entries, uint32_t epoch)
{
	queue->attached = pvn_back_attach(&queue->tx, tx, tx_entries, epoch) &&
			  pvn_back_attach(&queue->rx, rx, rx_entries, epoch);
	queue->reported = false;
	queue->dry = true;
	queue->first = 0;
	queue->offered_count = 0;
	queue->offered_bytes = 0;
	return queue->attached;
}

void net_queue_detach(struct net_queue *queue)
{
	queue->attached = false;
}

/* --- limits --- */

/* Nothing may pass now; `*until`: when to look again. */
static bool is_held(const struct net_interface *interface, struct pvn_limit *limit,
		    uint64_t *until)
{
	uint64_t wait;

	if (!pvn_limit_is_set(limit))
		return false;
	wait = pvn_limit_wait(limit, interface->now_ns);
	*until = wait ? interface->now_ns + wait : 0;
	return wait;
}

/* A frame that will be cut counts as what it is cut into. */
static void charge(struct pvn_limit *limit, const struct net_header *header, uint32_t bytes)
{
	uint32_t left = bytes;

	if (!pvn_limit_is_set(limit))
		return;
	pvn_limit_charge(limit, bytes);
	while (header->hdr.gso_type && header->hdr.gso_size && left > header->hdr.gso_size) {
		left -= header->hdr.gso_size;
		pvn_limit_charge(limit, 0);
	}
}

/* --- from the guest --- */

static enum pvn_net_status send_one(struct net_queue *queue, const struct pvn_net_request *request)
{
	struct net_interface *interface = queue->interface;
	enum pvn_net_status status;
	struct net_frame frame;

	status = net_frame_check(request, &interface->offers, interface->memory, &frame);
	if (status) {
		queue->counts.refused++;
		return status;
	}
	if (interface->guard.on) {
		uint8_t *head = queue->head;
		uint32_t bytes = net_frame_fix_head(&frame, head, NET_GUARD_HEAD_BYTES);

		if (!net_guard_allows(&interface->guard, head, bytes)) {
			queue->counts.guarded++;
			return PVN_NET_REFUSED;
		}
	}
	charge(&interface->tx_limit, &frame.header, frame.bytes);
	if (!interface->link || !interface->wire.ops->send(&interface->wire, queue->index, &frame)) {
		queue->counts.dropped++;
		return PVN_NET_DROPPED;
	}
	queue->counts.sent++;
	queue->counts.sent_bytes += frame.bytes;
	return PVN_NET_OK;
}

bool net_queue_send(struct net_queue *queue, const struct net_turn *turn)
{
	struct net_interface *interface = queue->interface;
	const uint64_t end = queue->counts.sent_bytes + turn->bytes;
	struct pvn_net_request request;
	unsigned int taken = 0;
	int available;

	if (!queue->attached)
		return false;
	available = pvn_back_available(&queue->tx);
	while (available-- > 0 && taken < turn->frames && queue->counts.sent_bytes < end &&
	       !is_held(interface, &interface->tx_limit, &interface->tx_held_until_ns) &&
	       pvn_back_next(&queue->tx, &request)) {
		pvn_back_complete(&queue->tx, request.id, send_one(queue, &request), 0);
		taken++;
	}
	return taken > 0;
}

/* --- to the guest --- */

static struct net_buffer *offered(struct net_queue *queue, uint32_t nth)
{
	return &queue->offered[(queue->first + nth) % PVN_RING_ENTRIES_MAX];
}

/* Takes over the buffers that the guest has offered since. */
static void take_buffers(struct net_queue *queue)
{
	struct pvn_net_request request;
	int available = pvn_back_available(&queue->rx);

	while (available-- > 0 && queue->offered_count < PVN_RING_ENTRIES_MAX &&
	       pvn_back_next(&queue->rx, &request)) {
		struct net_buffer *buffer = offered(queue, queue->offered_count);
		enum pvn_net_status status;

		status = net_buffer_check(&request, queue->interface->memory, buffer);
		if (status) {
			queue->counts.refused++;
			pvn_back_complete(&queue->rx, request.id, status, 0);
			continue;
		}
		queue->offered_count++;
		queue->offered_bytes += buffer->bytes;
	}
}

/* Room that the longest frame needs. */
static uint32_t longest_frame(const struct net_queue *queue)
{
	const struct net_interface *interface = queue->interface;
	uint32_t frame = interface->offers.mtu + PVN_NET_HEADER_BYTES + PVN_NET_VLAN_BYTES;

	if (interface->takes.tso4 || interface->takes.tso6)
		frame = PVN_NET_FRAME_MAX;
	return frame + (uint32_t)sizeof(struct pvn_net_received);
}

/* Parts for one frame: the header, then buffers, the first after what describes the frame. */
static unsigned int prepare_parts(struct net_queue *queue, struct net_header *header, struct iovec *part)
{
	const uint32_t skip = sizeof(struct pvn_net_received);
	uint32_t room = 0, want = longest_frame(queue), count = 0;

	part[0] = (struct iovec){ .iov_base = header, .iov_len = sizeof(*header) };
	while (room < want && count < queue->offered_count && count < NET_FRAME_PARTS_MAX - 1) {
		const struct net_buffer *buffer = offered(queue, count++);

		part[count] = (struct iovec){ .iov_base = buffer->base, .iov_len = buffer->bytes };
		room += buffer->bytes;
	}
	part[1].iov_base = (uint8_t *)part[1].iov_base + skip;
	part[1].iov_len -= skip;
	return count + 1;
}

/* The frame's bytes lie in the first buffers: they go to the guest. */
static void deliver(struct net_queue *queue, const struct net_header *header, uint32_t bytes)
{
	struct pvn_net_received received;
	uint32_t left = bytes + (uint32_t)sizeof(received);

	net_received_fill(&received, header, bytes);
	memcpy(offered(queue, 0)->base, &received, sizeof(received));
	while (left) {
		struct net_buffer *buffer = offered(queue, 0);
		uint32_t here = left < buffer->bytes ? left : buffer->bytes;

		left -= here;
		pvn_back_complete(&queue->rx, buffer->id, PVN_NET_OK,
				  here | (left ? PVN_NET_VALUE_MORE : 0));
		queue->offered_bytes -= buffer->bytes;
		queue->offered_count--;
		queue->first++;
	}
	queue->counts.received++;
	queue->counts.received_bytes += bytes;
}

static bool receive_one(struct net_queue *queue)
{
	struct net_interface *interface = queue->interface;
	struct iovec part[NET_FRAME_PARTS_MAX];
	unsigned int count;
	struct net_header header;
	size_t bytes;

	memset(&header, 0, sizeof(header));
	count = prepare_parts(queue, &header, part);
	bytes = interface->wire.ops->receive(&interface->wire, queue->index, part, count);
	if (bytes < sizeof(header) + PVN_NET_HEADER_BYTES)
		return false;
	/* Nobody reads from an unplugged wire; what comes out of it is lost. */
	if (interface->link) {
		charge(&interface->rx_limit, &header, (uint32_t)(bytes - sizeof(header)));
		deliver(queue, &header, (uint32_t)(bytes - sizeof(header)));
	}
	return true;
}

bool net_queue_receive(struct net_queue *queue, const struct net_turn *turn)
{
	struct net_interface *interface = queue->interface;
	const uint64_t end = queue->counts.received_bytes + turn->bytes;
	unsigned int taken = 0;

	if (!queue->attached)
		return false;
	take_buffers(queue);
	while (taken < turn->frames && queue->counts.received_bytes < end && !queue->rx.broken &&
	       queue->offered_bytes >= longest_frame(queue) &&
	       !is_held(interface, &interface->rx_limit, &interface->rx_held_until_ns) &&
	       receive_one(queue))
		taken++;
	queue->dry = !taken;
	return taken > 0;
}

/* --- both --- */

bool net_queue_publish(struct net_queue *queue)
{
	bool ring;

	if (!queue->attached)
		return false;
	ring = pvn_back_publish(&queue->tx);
	ring |= pvn_back_publish(&queue->rx);
	/* The guest asked to be told of many frames at once: no more are coming for now. */
	return ring || (queue->dry && pvn_back_owes(&queue->rx));
}

bool net_queue_arm(struct net_queue *queue, bool *hungry)
{
	const struct net_interface *interface = queue->interface;
	bool more = false, fed;

	fed = queue->offered_bytes >= longest_frame(queue);
	*hungry = queue->attached && !queue->rx.broken && fed && !interface->rx_held_until_ns;
	if (!queue->attached)
		return false;
	/* A limit is waited for by the clock, whatever the guest adds. */
	if (!interface->tx_held_until_ns)
		more = pvn_back_arm(&queue->tx);
	/* With buffers at hand new ones can wait; without, only they help. */
	if (!fed)
		more |= pvn_back_arm(&queue->rx);
	return more;
}

enum pvn_ring_error net_queue_broken(const struct net_queue *queue)
{
	if (!queue->attached)
		return PVN_RING_OK;
	return queue->tx.broken ? queue->tx.broken : queue->rx.broken;
}
