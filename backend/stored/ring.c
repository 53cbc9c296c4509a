// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Copying through a guest's store page; see ring.h for what is trusted.
 *
 * Either end may leave out a doorbell when the other cannot be asleep: the
 * guest when it adds to a ring that was not empty, or takes from one that was not full.
 * So before it goes to sleep the server publishes its index, then looks again
 * at the guest's; the full barrier between the two pairs with the one in the
 * guest between publishing and deciding about the doorbell.
 */
#include "ring.h"

#include <string.h>

enum { RING_MASK = PVN_STORE_RING_BYTES - 1 };

static uint32_t peer_index(const uint32_t *index)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void publish(uint32_t *where, uint32_t value)
{
	__atomic_store_n(where, value, __ATOMIC_RELEASE);
}

void ring_attach(struct ring *ring, struct pvn_store_page *page, uint32_t features)
{
	ring->page = page;
	ring->req_cons = __atomic_load_n(&page->req_cons, __ATOMIC_RELAXED);
	ring->rsp_prod = __atomic_load_n(&page->rsp_prod, __ATOMIC_RELAXED);
	publish(&page->error, PVN_STORE_RING_OK);
	publish(&page->server_features, features);
}

void ring_empty(struct ring *ring)
{
	ring->req_cons = peer_index(&ring->page->req_prod);
	ring->rsp_prod = peer_index(&ring->page->rsp_cons);
}

void ring_connect(struct ring *ring)
{
	struct pvn_store_page *page = ring->page;

	ring_publish(ring);
	publish(&page->error, PVN_STORE_RING_OK);
	publish(&page->connection, PVN_STORE_CONNECTED);
}

void ring_publish(struct ring *ring)
{
	publish(&ring->page->req_cons, ring->req_cons);
	publish(&ring->page->rsp_prod, ring->rsp_prod);
}

void ring_resume(struct ring *ring, struct pvn_store_page *page, uint32_t features)
{
	ring->page = page;
	publish(&page->server_features, features);
	ring_publish(ring);
}

bool ring_reconnect_requested(const struct ring *ring)
{
	return peer_index(&ring->page->connection) == PVN_STORE_RECONNECT;
}

void ring_fail(struct ring *ring, enum pvn_store_ring_error error)
{
	publish(&ring->page->error, error);
}

ssize_t ring_receive(struct ring *ring, void *data, size_t room)
{
	struct pvn_store_page *page = ring->page;
	uint32_t ready = peer_index(&page->req_prod) - ring->req_cons;
	size_t at = ring->req_cons & RING_MASK;
	size_t first;

	if (ready > PVN_STORE_RING_BYTES)
		return -1;
	if (ready > room)
		ready = room;
	first = PVN_STORE_RING_BYTES - at < ready ? PVN_STORE_RING_BYTES - at : ready;
	memcpy(data, page->req + at, first);
	memcpy((uint8_t *)data + first, page->req, ready - first);
	ring->req_cons += ready;
	return ready;
}

static void ring_put(struct ring *ring, const uint8_t *data, size_t len)
{
	size_t at = ring->rsp_prod & RING_MASK;
	size_t first = PVN_STORE_RING_BYTES - at < len ? PVN_STORE_RING_BYTES - at : len;

	memcpy(ring->page->rsp + at, data, first);
	memcpy(ring->page->rsp, data + first, len - first);
	ring->rsp_prod += len;
}

ssize_t ring_send(struct ring *ring, const struct iovec *pieces, unsigned int count)
{
	struct pvn_store_page *page = ring->page;
	uint32_t unread = ring->rsp_prod - peer_index(&page->rsp_cons);
	uint32_t room = PVN_STORE_RING_BYTES - unread;
	size_t sent = 0;

	if (unread > PVN_STORE_RING_BYTES)
		return -1;
	for (unsigned int i = 0; i < count && room; i++) {
		size_t len = pieces[i].iov_len < room ? pieces[i].iov_len : room;

		ring_put(ring, pieces[i].iov_base, len);
		room -= len;
		sent += len;
	}
	return sent;
}
