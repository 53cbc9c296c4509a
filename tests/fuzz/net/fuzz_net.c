// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for both ends of a network queue, each against a peer that writes what
 * it likes into the pages that are its own, at any step; and for the spoof guard.
 *
 * The input is a list of steps of 7 bytes: what to do, where, and a word.
 */
#include <stdlib.h>
#include <string.h>

#include "frontend/net/netfront_ring.h"
#include "netd/queue.h"

enum {
	ENTRIES = 8,
	EPOCH = 1,
	STEP = 7,
	GUEST_PAGES = 16,
};

#define GPA 0x10000ull

static struct pvn_guest_memory memory;
static struct net_interface interface;
static struct net_queue queue;
static struct netfront_ring front;
static struct netfront_slot slots[ENTRIES];
static struct pvn_net_segment segments[ENTRIES][PVN_NET_SEGMENTS_MAX];
static uint8_t *guest, *hostile_tx, *hostile_rx, *hostile_back;
static uint32_t frame_bytes;

static bool is_guests(const void *base, size_t bytes)
{
	const uint8_t *at = base;

	return at >= guest && bytes <= GUEST_PAGES * PVN_PAGE_SIZE &&
	       at + bytes <= guest + GUEST_PAGES * PVN_PAGE_SIZE;
}

/* What the wire is given must lie in the guest's memory, apart from header and head. */
static bool fake_send(struct wire *wire, unsigned int index, const struct net_frame *frame)
{
	uint64_t bytes = 0;
	unsigned int i;

	(void)wire;
	(void)index;
	if (frame->part_count < 2 || frame->part_count > NET_FRAME_PARTS_MAX)
		abort();
	for (i = 1; i < frame->part_count; i++) {
		if (!is_guests(frame->part[i].iov_base, frame->part[i].iov_len) &&
		    frame->part[i].iov_base != queue.head)
			abort();
		bytes += frame->part[i].iov_len;
	}
	if (bytes != frame->bytes || bytes > PVN_NET_FRAME_MAX || bytes < PVN_NET_HEADER_BYTES)
		abort();
	return true;
}

static size_t fake_receive(struct wire *wire, unsigned int index, const struct iovec *part,
			   unsigned int count)
{
	size_t left = frame_bytes, done = 0, here;
	unsigned int i;

	(void)wire;
	(void)index;
	frame_bytes = 0;
	for (i = 1; i < count && left; i++) {
		if (!is_guests(part[i].iov_base, part[i].iov_len))
			abort();
		here = left < part[i].iov_len ? left : part[i].iov_len;
		memset(part[i].iov_base, 0x5a, here);
		left -= here;
		done += here;
	}
	return done ? done + part[0].iov_len : 0;
}

static const struct wire_ops ops = { .send = fake_send, .receive = fake_receive };

static void begin(void)
{
	unsigned int i;

	if (!guest) {
		guest = aligned_alloc(PVN_PAGE_SIZE, GUEST_PAGES * PVN_PAGE_SIZE);
		hostile_tx = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(ENTRIES));
		hostile_rx = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(ENTRIES));
		hostile_back = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(ENTRIES));
		pvn_memory_add(&memory, GPA, GUEST_PAGES * PVN_PAGE_SIZE, guest);
	}
	memset(guest, 0, GUEST_PAGES * PVN_PAGE_SIZE);
	memset(hostile_tx, 0, pvn_ring_bytes(ENTRIES));
	memset(hostile_rx, 0, pvn_ring_bytes(ENTRIES));
	memset(hostile_back, 0, pvn_ring_bytes(ENTRIES));
	memset(slots, 0, sizeof(slots));
	memset(&queue, 0, sizeof(queue));
	for (i = 0; i < ENTRIES; i++)
		slots[i].indirect = segments[i];
	((struct pvn_ring_front *)hostile_tx)->epoch = EPOCH;
	((struct pvn_ring_front *)hostile_rx)->epoch = EPOCH;
	interface = (struct net_interface){
		.wire = { .ops = &ops }, .link = true, .memory = &memory,
		.offers = { .mtu = 1500, .csum = true, .tso4 = true, .tso6 = true },
	};
	queue.interface = &interface;
	if (!net_queue_attach(&queue, hostile_tx, ENTRIES, hostile_rx, ENTRIES, EPOCH))
		abort();
	netfront_ring_init(&front, slots, ENTRIES);
	netfront_ring_connect(&front, hostile_back, EPOCH);
}

static void run_back(uint32_t word)
{
	bool hungry;

	frame_bytes = word % 20000;
	interface.guard.on = word >> 31;
	net_queue_send(&queue, ENTRIES);
	net_queue_receive(&queue, ENTRIES);
	net_queue_publish(&queue);
	net_queue_arm(&queue, &hungry);
	if (queue.offered_count > ENTRIES)
		abort();
}

static void run_front(uint32_t word)
{
	struct netfront_slot *slot = netfront_begin(&front, PVN_NET_SEND);
	struct netfront_done done;
	unsigned int answers = 0;

	if (slot && netfront_add(slot, GPA + word % 4096, 64))
		netfront_submit(&front, slot, slot);
	pvn_front_publish(&front.queue);
	while (netfront_next(&front, &done))
		if (!done.cookie || ++answers > ENTRIES)
			abort();
	pvn_front_arm(&front.queue, 1 + word % ENTRIES);
}

static void scribble(uint8_t *base, size_t bytes, uint16_t where, uint32_t word)
{
	memcpy(base + where * 4u % bytes, &word, sizeof(word));
}

static void step(uint8_t what, uint16_t where, uint32_t word)
{
	size_t front_bytes = pvn_ring_front_bytes(ENTRIES);

	switch (what % 6) {
	case 0:
		scribble(hostile_tx, front_bytes, where, word);
		break;
	case 1:
		scribble(hostile_rx, front_bytes, where, word);
		break;
	case 2:
		scribble(guest, GUEST_PAGES * PVN_PAGE_SIZE, where, word);
		break;
	case 3:
		run_back(word);
		break;
	case 4:
		scribble(hostile_back + front_bytes, pvn_ring_back_bytes(ENTRIES), where, word);
		break;
	case 5:
		run_front(word);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct net_guard guard = { .on = true, .ip4_count = 1, .ip6_count = 1 };
	uint16_t where;
	uint32_t word;

	net_guard_allows(&guard, data, size);
	begin();
	for (; size >= STEP; data += STEP, size -= STEP) {
		memcpy(&where, data + 1, sizeof(where));
		memcpy(&word, data + 3, sizeof(word));
		step(data[0], where, word);
	}
	return 0;
}
