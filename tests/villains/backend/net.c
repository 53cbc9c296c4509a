// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The honest half of a villain's network: a neighbour who answers ARP and pings, for
 * whatever address.
 */
#include <string.h>

#include "villaind.h"

enum {
	FRAME_MAX = 2048,
	ETHERNET = 14,
	ARP_BYTES = 42,
	PING_BYTES = ETHERNET + 20 + 8,
};

static const uint8_t neighbour[6] = { 0x02, 0, 0, 0, 0, 0x99 };

int net_publish(struct villain *v)
{
	static const char *const keys[][2] = {
		{ "protocol", "1" }, { "mtu", "1500" }, { "link", "1" }, { "feature-csum", "0" },
		{ "feature-tso4", "0" }, { "feature-tso6", "0" }, { "max-segments", "32" },
		{ "queue-entries-max", "256" }, { "feature-rx-group", "1" },
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (pvn_backend_publish_text(&v->backend, keys[i][0], keys[i][1]))
			return -1;
	return 0;
}

int net_connect(struct villain *v, uint32_t epoch)
{
	uint32_t tx_entries, rx_entries;
	void *tx = pvn_backend_ring_memory(&v->backend, 0, "tx-", epoch, &tx_entries);
	void *rx = pvn_backend_ring_memory(&v->backend, 0, "rx-", epoch, &rx_entries);

	return tx && rx && pvn_back_attach(&v->ring, tx, tx_entries, epoch) &&
	       pvn_back_attach(&v->rx, rx, rx_entries, epoch) ? 0 : -1;
}

void net_deliver(struct villain *v, const struct pvn_net_received *head, const void *frame,
		 uint32_t bytes, uint32_t value)
{
	struct pvn_net_request buffer;
	uint8_t *at;

	if (pvn_back_available(&v->rx) <= 0 || !pvn_back_next(&v->rx, &buffer))
		return;
	at = pvn_memory_at(&v->backend.memory, buffer.gpa[0], buffer.bytes[0]);
	if (at && sizeof(*head) + bytes <= buffer.bytes[0]) {
		memcpy(at, head, sizeof(*head));
		memcpy(at + sizeof(*head), frame, bytes);
	}
	pvn_back_complete(&v->rx, buffer.id, PVN_NET_OK, value);
	if (pvn_back_publish(&v->rx) || pvn_back_owes(&v->rx))
		ring(v);
}

static void deliver_good(struct villain *v, const void *frame, uint32_t bytes)
{
	const struct pvn_net_received head = { .frame_bytes = bytes };

	net_deliver(v, &head, frame, bytes, (uint32_t)sizeof(head) + bytes);
}

/* The frame of a request, in one piece; its length, 0: too long or not the guest's. */
static uint32_t gather(struct villain *v, const struct pvn_net_request *request, uint8_t *frame)
{
	unsigned int i, count = request->segment_count;
	uint32_t bytes = 0;

	if (request->flags & PVN_NET_FLAG_INDIRECT || count > PVN_NET_INLINE_MAX)
		return 0;
	for (i = 0; i < count; i++) {
		const void *at = pvn_memory_at(&v->backend.memory, request->gpa[i],
					       request->bytes[i]);

		if (!at || request->bytes[i] > FRAME_MAX - bytes)
			return 0;
		memcpy(frame + bytes, at, request->bytes[i]);
		bytes += request->bytes[i];
	}
	return bytes;
}

static bool is_arp(const uint8_t *frame, uint32_t bytes)
{
	return bytes >= ARP_BYTES && frame[12] == 8 && frame[13] == 6 && frame[21] == 1;
}

static bool is_ping(const uint8_t *frame, uint32_t bytes)
{
	return bytes >= PING_BYTES && frame[12] == 8 && frame[13] == 0 && frame[14] == 0x45 &&
	       frame[23] == 1 && frame[34] == 8;
}

static void swap(uint8_t *a, uint8_t *b, size_t bytes)
{
	uint8_t other[6];

	memcpy(other, a, bytes);
	memcpy(a, b, bytes);
	memcpy(b, other, bytes);
}

static void answer_arp(struct villain *v, uint8_t *frame)
{
	frame[21] = 2;
	memcpy(frame + 32, frame + 22, 6);	/* to whoever asked */
	memcpy(frame + 22, neighbour, 6);
	swap(frame + 28, frame + 38, 4);
	memcpy(frame, frame + 32, 6);
	memcpy(frame + 6, neighbour, 6);
	deliver_good(v, frame, ARP_BYTES);
}

static void answer_ping(struct villain *v, uint8_t *frame, uint32_t bytes)
{
	uint32_t sum;

	swap(frame, frame + 6, 6);
	swap(frame + 26, frame + 30, 4);
	frame[34] = 0;		/* from 8: the checksum grows by as much */
	sum = (uint32_t)(frame[36] << 8 | frame[37]) + 0x800;
	sum = (sum & 0xffff) + (sum >> 16);
	frame[36] = (uint8_t)(sum >> 8);
	frame[37] = (uint8_t)sum;
	deliver_good(v, frame, bytes);
}

static void answer(struct villain *v, uint8_t *frame, uint32_t bytes)
{
	if (is_arp(frame, bytes))
		answer_arp(v, frame);
	else if (is_ping(frame, bytes))
		answer_ping(v, frame, bytes);
}

void net_answer(struct villain *v)
{
	uint8_t frame[FRAME_MAX];
	uint32_t bytes = gather(v, &v->frame, frame);

	answer(v, frame, bytes);
	pvn_back_complete(&v->ring, v->frame.id, PVN_NET_OK, 0);
	if (pvn_back_publish(&v->ring))
		ring(v);
}

bool net_turn(struct villain *v, bool hold)
{
	struct pvn_net_request request;
	uint8_t frame[FRAME_MAX];
	uint32_t bytes;

	while (pvn_back_available(&v->ring) > 0 && pvn_back_next(&v->ring, &request)) {
		bytes = gather(v, &request, frame);
		if (hold && is_ping(frame, bytes)) {
			v->frame = request;
			return true;
		}
		answer(v, frame, bytes);
		pvn_back_complete(&v->ring, request.id, PVN_NET_OK, 0);
	}
	if (pvn_back_publish(&v->ring))
		ring(v);
	pvn_back_arm(&v->ring);
	return false;
}
