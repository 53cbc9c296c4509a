// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Network card: receiving; see e1000.h. [8254x 3.2 "Packet Reception"]
 */
#include <string.h>

#include "emul/e1000_internal.h"

enum {
	DESCRIPTOR_BYTES = 16,
	FCS_BYTES = 4,
	FRAME_MIN = 60,		/* without its check sequence */
	FRAME_MAX = 1518,	/* with it, unless long ones are wanted */
	HEADER_BYTES = 14,
	TAG_BYTES = 4,
};

#define RCTL_ENABLE		0x00000002u
#define RCTL_ALL_UNICAST	0x00000008u
#define RCTL_ALL_MULTICAST	0x00000010u
#define RCTL_LONG		0x00000020u
#define RCTL_BROADCAST		0x00008000u
#define RCTL_VLAN_FILTER	0x00040000u
#define RCTL_SIZE_EXTENDED	0x02000000u
#define RCTL_STRIP_FCS		0x04000000u
#define RAH_VALID		0x80000000u
#define STATUS_DONE		0x01u
#define STATUS_END		0x02u
#define STATUS_NOT_CHECKED	0x04u	/* IXSM */
#define STATUS_TAGGED		0x08u
#define STATUS_INEXACT		0x80u	/* passed a filter that is not exact */

struct descriptor {
	uint64_t address;
	uint16_t bytes, checksum;
	uint8_t status, errors;
	uint16_t special;
};

_Static_assert(sizeof(struct descriptor) == DESCRIPTOR_BYTES, "receive descriptor");

/* [8254x 13.4.22 "Receive Control Register": BSIZE] */
static unsigned int buffer_bytes(uint32_t rctl)
{
	unsigned int bytes = 2048u >> (rctl >> 16 & 3);

	return rctl & RCTL_SIZE_EXTENDED && rctl >> 16 & 3 ? bytes * 16 : bytes;
}

static unsigned int free_descriptors(const struct e1000_ring *ring)
{
	if (!ring->count || ring->head >= ring->count || ring->tail >= ring->count)
		return 0;
	return (ring->tail + ring->count - ring->head) % ring->count;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int buffers_for(const struct e1000 *e1000, unsigned int bytes)
{
	unsigned int room = buffer_bytes(e1000_get(e1000, REG_RCTL));

	return (bytes + room - 1) / room;
}

/* Buffers that the longest frame takes. */
static unsigned int wanted(const struct e1000 *e1000)
{
	bool is_long = e1000_get(e1000, REG_RCTL) & RCTL_LONG;

	return buffers_for(e1000, is_long ? E1000_FRAME_MAX : FRAME_MAX + TAG_BYTES);
}

bool e1000_can_receive(const struct e1000 *e1000)
{
	const struct e1000_ring ring = e1000_ring(e1000, REG_RDBAL);

	/* Switched off, it lets everything go by. */
	if (!(e1000_get(e1000, REG_RCTL) & RCTL_ENABLE))
		return true;
	return free_descriptors(&ring) && free_descriptors(&ring) >= least(wanted(e1000), ring.count - 1);
}

/* Of 12 bits of the address, from an offset that RCTL says [8254x 13.5.1]. */
static bool is_in_table(const struct e1000 *e1000, const uint8_t *address)
{
	static const uint8_t shifts[] = { 4, 3, 2, 0 };
	unsigned int shift = shifts[e1000_get(e1000, REG_RCTL) >> 12 & 3];
	unsigned int hash = (address[5] << 8 | address[4]) >> shift & 0xfff;

	return e1000_get(e1000, REG_MTA + hash / 32 * 4) >> hash % 32 & 1;
}

static bool is_mine(const struct e1000 *e1000, const uint8_t *address)
{
	unsigned int i;

	for (i = 0; i < ADDRESSES; i++) {
		uint32_t low = e1000_get(e1000, REG_RAL + 8 * i);
		uint32_t high = e1000_get(e1000, REG_RAH + 8 * i);

		if (high & RAH_VALID && !memcmp(address, &low, 4) && !memcmp(address + 4, &high, 2))
			return true;
	}
	return false;
}

enum match { MATCH_NONE, MATCH_EXACT, MATCH_INEXACT };

static enum match matches(const struct e1000 *e1000, const uint8_t *frame)
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint32_t rctl = e1000_get(e1000, REG_RCTL);

	if (is_mine(e1000, frame))
		return MATCH_EXACT;
	if (!memcmp(frame, everybody, 6) && rctl & RCTL_BROADCAST)
		return MATCH_EXACT;
	if (frame[0] & 1)
		return rctl & RCTL_ALL_MULTICAST || is_in_table(e1000, frame) ? MATCH_INEXACT :
										MATCH_NONE;
	return rctl & RCTL_ALL_UNICAST ? MATCH_INEXACT : MATCH_NONE;
}

static bool is_tagged(const struct e1000 *e1000, const uint8_t *frame, unsigned int bytes)
{
	unsigned int type = frame[12] << 8 | frame[13];

	return bytes >= HEADER_BYTES + TAG_BYTES && type == (e1000_get(e1000, REG_VET) & 0xffff);
}

static bool is_filtered_vlan(const struct e1000 *e1000, unsigned int tag)
{
	unsigned int id = tag & 0xfff;

	return e1000_get(e1000, REG_RCTL) & RCTL_VLAN_FILTER &&
	       !(e1000_get(e1000, REG_VFTA + id / 32 * 4) >> id % 32 & 1);
}

static void count(struct e1000 *e1000, const uint8_t *frame, unsigned int bytes)
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	e1000_count(e1000, REG_TPR, 1);
	e1000_count(e1000, REG_GPRC, 1);
	e1000_count_bytes(e1000, REG_TORL, bytes);
	e1000_count_bytes(e1000, REG_GORCL, bytes);
	if (!memcmp(frame, everybody, 6))
		e1000_count(e1000, REG_BPRC, 1);
	else if (frame[0] & 1)
		e1000_count(e1000, REG_MPRC, 1);
}

/* Fills one buffer; false: the ring is not in memory, or ends here. */
static bool fill(struct e1000 *e1000, const uint8_t *data, unsigned int bytes,
		 struct descriptor *filled)
{
	const struct emul_host *host = e1000->host;
	const struct e1000_ring ring = e1000_ring(e1000, REG_RDBAL);
	struct descriptor *at, copy;
	void *buffer;

	if (!free_descriptors(&ring))
		return false;
	at = host->memory(host->context, ring.base + ring.head * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
	if (!at)
		return false;
	memcpy(&copy, at, sizeof(copy));
	buffer = host->memory(host->context, copy.address, bytes);
	if (buffer)
		memcpy(buffer, data, bytes);
	filled->address = copy.address;
	filled->bytes = bytes;
	/* The status last: with it the guest takes the rest. */
	memcpy((uint8_t *)at + 8, &filled->bytes, 4);
	memcpy((uint8_t *)at + 14, &filled->special, 2);
	__atomic_store_n((uint8_t *)at + 13, 0, __ATOMIC_RELAXED);
	__atomic_store_n((uint8_t *)at + 12, filled->status, __ATOMIC_RELEASE);
	*e1000_reg(e1000, REG_RDH) = (ring.head + 1) % ring.count;
	return true;
}

static void note_received(struct e1000 *e1000)
{
	const struct e1000_ring ring = e1000_ring(e1000, REG_RDBAL);
	unsigned int threshold = ring.count >> (1 + (e1000_get(e1000, REG_RCTL) >> 8 & 3));
	bool low = free_descriptors(&ring) <= threshold;

	e1000_cause(e1000, CAUSE_RX | (low ? CAUSE_RX_LOW : 0));
}

static void store(struct e1000 *e1000, const uint8_t *frame, unsigned int bytes, uint8_t status,
		  uint16_t tag)
{
	unsigned int room = buffer_bytes(e1000_get(e1000, REG_RCTL)), at = 0, part;
	const struct e1000_ring ring = e1000_ring(e1000, REG_RDBAL);
	struct descriptor filled = { .special = tag };

	/* All of it, or nothing and a word about it. */
	if (buffers_for(e1000, bytes) > free_descriptors(&ring)) {
		e1000_count(e1000, REG_MPC, 1);
		e1000_cause(e1000, CAUSE_RX_OVERRUN);
		return;
	}
	do {
		part = bytes - at < room ? bytes - at : room;
		filled.status = STATUS_DONE | STATUS_NOT_CHECKED | status |
				(at + part == bytes ? STATUS_END : 0);
		if (!fill(e1000, frame + at, part, &filled))
			return;
		at += part;
	} while (at < bytes);
	note_received(e1000);
}

void e1000_receive(struct e1000 *e1000, const uint8_t *frame, unsigned int bytes)
{
	uint8_t data[E1000_FRAME_MAX + FCS_BYTES];
	uint32_t rctl = e1000_get(e1000, REG_RCTL);
	uint8_t status = 0;
	uint16_t tag = 0;
	enum match match;
	bool tagged;

	if (!(rctl & RCTL_ENABLE) || !pci_is_master(&e1000->pci) || bytes < HEADER_BYTES ||
	    bytes > E1000_FRAME_MAX)
		return;
	match = matches(e1000, frame);
	if (match == MATCH_NONE)
		return;
	if (match == MATCH_INEXACT)
		status |= STATUS_INEXACT;
	tagged = is_tagged(e1000, frame, bytes);
	/* Filtering and taking the tag off are two things [8254x table 9-3]. */
	if (tagged && is_filtered_vlan(e1000, frame[14] << 8 | frame[15]))
		return;
	if (tagged && e1000_get(e1000, REG_CTRL) & CTRL_VLANS) {
		tag = frame[14] << 8 | frame[15];
		status |= STATUS_TAGGED;
		memcpy(data, frame, 12);
		memcpy(data + 12, frame + 16, bytes - 16);
		bytes -= TAG_BYTES;
	} else {
		memcpy(data, frame, bytes);
	}
	if (bytes < FRAME_MIN) {
		memset(data + bytes, 0, FRAME_MIN - bytes);
		bytes = FRAME_MIN;
	}
	memset(data + bytes, 0, FCS_BYTES);
	if (!(rctl & RCTL_LONG) && bytes + FCS_BYTES > FRAME_MAX + TAG_BYTES)
		return;
	count(e1000, frame, bytes + FCS_BYTES);
	store(e1000, data, bytes + (rctl & RCTL_STRIP_FCS ? 0 : FCS_BYTES), status, tag);
}
