// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for both ends of a network queue, each against a peer that writes what
 * it likes into the pages that are its own, at any step; and for the spoof guard.
 *
 * The input is a list of steps of 7 bytes: what to do, where, and a word. Some of
 * them write submissions that are nearly right, so that more than the first check
 * of each is reached.
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
static struct virtio_net_hdr arriving;
static uint32_t pushed[2];	/* submissions of the hostile rings: tx, rx */

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
	((struct net_header *)part[0].iov_base)->hdr = arriving;
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
	memset(pushed, 0, sizeof(pushed));
	memset(&queue, 0, sizeof(queue));
	memset(&arriving, 0, sizeof(arriving));
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
	const struct net_turn turn = { .frames = ENTRIES, .bytes = word & 0xffff };
	bool hungry;

	frame_bytes = word % 70000;
	memcpy(&arriving, &word, sizeof(word));
	arriving.csum_start = word & 0xff;
	interface.guard.on = word >> 31;
	interface.takes.tso4 = word >> 30 & 1;
	interface.link = word >> 29 & 3;
	interface.tx_limit.bytes.rate = word >> 28 & 1 ? word & 0xfff : 0;
	interface.rx_limit.requests.rate = word >> 27 & 1 ? word & 0xff : 0;
	interface.now_ns += word & 0xffffff;
	net_queue_send(&queue, &turn);
	net_queue_receive(&queue, &turn);
	net_queue_publish(&queue);
	net_queue_arm(&queue, &hungry);
	if (queue.offered_count > ENTRIES)
		abort();
}

static void run_front(uint32_t word)
{
	struct netfront_slot *slot = netfront_begin(&front, PVN_NET_SEND);
	struct netfront_done done;
	unsigned int answers = 0, i;

	for (i = 0; slot && i < word % 35; i++)
		if (!netfront_add(slot, GPA + word % 4096 + i * (word >> 24 & 64 ? 64 : 80), 64))
			slot = NULL;
	if (slot)
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

/* Some guest memory, sometimes a little too much of it. */
static void fill_segments(struct pvn_net_request *request, uint16_t where, uint32_t word)
{
	struct pvn_net_segment *table = (struct pvn_net_segment *)(guest + where % 2048 * 16);
	uint64_t gpa = GPA + where % (GUEST_PAGES * PVN_PAGE_SIZE);
	unsigned int i;

	request->segment_count = (word >> 8) % 36;
	for (i = 0; i < PVN_NET_INLINE_MAX; i++) {
		request->gpa[i] = gpa + i * 64;
		request->bytes[i] = i < request->segment_count ? word >> 20 : 0;
	}
	if (!(request->flags & PVN_NET_FLAG_INDIRECT))
		return;
	request->gpa[0] = GPA + where % 2048 * 16;
	for (i = 0; i < request->segment_count && where % 2048 + i < 4096; i++)
		table[i] = (struct pvn_net_segment){
			.gpa = GPA + (i * 4096 + where) % (GUEST_PAGES * PVN_PAGE_SIZE),
			.bytes = (word >> 20) + i,
		};
}

/* A submission, in its place and with its stamp, published. */
static void push(unsigned int ring, uint16_t where, uint32_t word)
{
	struct pvn_ring_front *control = (void *)(ring ? hostile_rx : hostile_tx);
	struct pvn_net_request *slots_of = (void *)((uint8_t *)control + PVN_RING_CONTROL_BYTES);
	struct pvn_net_request request = { .op = ring ? PVN_NET_BUFFER : PVN_NET_SEND };

	request.id = where;
	if (ring) {
		request.segment_count = 1;
		request.gpa[0] = GPA + where / 4 * 4u;
		request.bytes[0] = 2048 + (word & 0xfff);
	} else {
		request.flags = word & PVN_NET_FLAGS;
		request.offload.gso = (word >> 2 & 3) | (word >> 24 & PVN_NET_GSO_ECN);
		request.offload.header_bytes = request.offload.gso ? word >> 16 & 0xff : 0;
		request.offload.gso_size = request.offload.gso ? word >> 4 & 0xfff : 0;
		request.offload.csum_start = word & PVN_NET_FLAG_CSUM ? 14 + (word >> 24) : 0;
		fill_segments(&request, where, word);
	}
	request.stamp = ++pushed[ring];
	slots_of[(pushed[ring] - 1) % ENTRIES] = request;
	control->sq_tail = pushed[ring];
}

static void step(uint8_t what, uint16_t where, uint32_t word)
{
	size_t front_bytes = pvn_ring_front_bytes(ENTRIES);

	switch (what % 8) {
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
	default:
		push(what & 1, where, word);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a frame of the right address and of a kind that is looked into; exact size. */
static void judge(const uint8_t *data, size_t size)
{
	static const uint16_t kinds[] = { 0x0608, 0x0008, 0xdd86, 0x0081 };
	const struct net_guard guard = {
		.on = true, .mac = { 2 }, .ip4_count = size & 1, .ip6_count = size & 1,
	};
	uint8_t *frame = malloc(size ? size : 1);

	if (!frame)
		return;
	memcpy(frame, data, size);
	if (size >= PVN_NET_HEADER_BYTES) {
		memcpy(frame + 6, guard.mac, sizeof(guard.mac));
		memcpy(frame + 12, &kinds[data[0] & 3], 2);
	}
	net_guard_allows(&guard, frame, size);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t where;
	uint32_t word;

	if (size)
		judge(data, size);
	begin();
	for (; size >= STEP; data += STEP, size -= STEP) {
		memcpy(&where, data + 1, sizeof(where));
		memcpy(&word, data + 3, sizeof(word));
		step(data[0], where, word);
	}
	return 0;
}
