// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile network: frames that are none, completions that nobody asked for, keys.
 * Most rows end with the honest answer to the ping that began them: the next must work.
 */
#include <string.h>

#include "attacks.h"

#define HEAD ((uint32_t)sizeof(struct pvn_net_received))

/* An IPv4 TCP segment from the neighbour, as far as anybody looks. */
static const uint8_t tcp[120] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0x99, 8, 0,
	0x45, 0, 0, 106, 0, 1, 0, 0, 64, 6, 0, 0, 10, 9, 9, 1, 10, 9, 9, 2,
	0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0,
};

static void deliver(struct villain *v, const struct pvn_net_received *head, uint32_t value)
{
	net_deliver(v, head, tcp, sizeof(tcp), value);
}

static const struct pvn_net_received plain = { .frame_bytes = sizeof(tcp) };

/* --- lengths --- */

ATTACK(frame_of_no_bytes)
{
	deliver(v, &plain, 0);
	net_answer(v);
	return 0;
}

ATTACK(frame_shorter_than_its_header)
{
	uint32_t bytes;

	for (bytes = 1; bytes < HEAD + PVN_NET_HEADER_BYTES; bytes++)
		deliver(v, &plain, bytes);
	net_answer(v);
	return 0;
}

ATTACK(frame_longer_than_its_buffer)
{
	const struct pvn_net_received head = { .frame_bytes = 0xffffff - HEAD };

	deliver(v, &head, PVN_NET_VALUE_BYTES);
	deliver(v, &plain, PVN_PAGE_SIZE + 1);
	net_answer(v);
	return 0;
}

ATTACK(frame_of_another_length)
{
	const struct pvn_net_received head = { .frame_bytes = 60 };
	const struct pvn_net_received none = { .frame_bytes = 0 };
	const struct pvn_net_received huge = { .frame_bytes = ~0u };

	deliver(v, &head, HEAD + sizeof(tcp));
	deliver(v, &none, HEAD + sizeof(tcp));
	deliver(v, &huge, HEAD + sizeof(tcp));
	net_answer(v);
	return 0;
}

ATTACK(frame_without_end)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		deliver(v, &plain, PVN_PAGE_SIZE | PVN_NET_VALUE_MORE);
	serve_for(v, 100);
	for (i = 0; i < 100; i++)
		deliver(v, &plain, PVN_NET_VALUE_MORE);
	deliver(v, &plain, HEAD + sizeof(tcp));
	net_answer(v);
	return 0;
}

/* In portions: between them the guest offers new buffers. */
static void rest(struct villain *v, unsigned int turn)
{
	if (turn % 64 == 63)
		serve_for(v, 20);
}

ATTACK(frame_of_every_length)
{
	struct pvn_net_received head = { 0 };
	uint32_t bytes;

	for (bytes = 0; bytes <= PVN_PAGE_SIZE; bytes += 13) {
		head.frame_bytes = bytes - HEAD;
		deliver(v, &head, bytes);
		rest(v, bytes / 13);
	}
	net_answer(v);
	return 0;
}

/* --- offloads --- */

static int one_offload(struct villain *v, uint8_t flags, struct pvn_net_offload offload)
{
	const struct pvn_net_received head = {
		.flags = flags, .frame_bytes = sizeof(tcp), .offload = offload,
	};

	deliver(v, &head, HEAD + sizeof(tcp));
	net_answer(v);
	return 0;
}

ATTACK(offload_unknown)
{
	return one_offload(v, 0, (struct pvn_net_offload) { .gso = 9, .gso_size = 100 });
}

ATTACK(offload_of_size_zero)
{
	return one_offload(v, PVN_NET_FLAG_CSUM, (struct pvn_net_offload) {
		.gso = PVN_NET_GSO_TCP4, .csum_start = 34, .csum_offset = 16 });
}

ATTACK(offload_of_size_65535)
{
	return one_offload(v, PVN_NET_FLAG_CSUM, (struct pvn_net_offload) {
		.gso = PVN_NET_GSO_TCP4, .gso_size = 65535, .header_bytes = 255, .csum_start = 34,
		.csum_offset = 16 });
}

ATTACK(checksum_beyond_the_frame)
{
	return one_offload(v, PVN_NET_FLAG_CSUM, (struct pvn_net_offload) {
		.csum_start = 60000, .csum_offset = 16 });
}

ATTACK(checksum_whose_place_wraps)
{
	return one_offload(v, PVN_NET_FLAG_CSUM, (struct pvn_net_offload) {
		.csum_start = 65535, .csum_offset = 65535 });
}

ATTACK(offloads_at_random)
{
	struct pvn_net_received head = { .frame_bytes = sizeof(tcp) };
	unsigned int i;

	for (i = 0; i < 200; i++) {
		head.flags = (uint8_t)(noise(v) % 8);
		head.offload = (struct pvn_net_offload) {
			.gso = (uint8_t)(noise(v) % 4 | (noise(v) & 0x80)),
			.header_bytes = (uint8_t)noise(v), .gso_size = (uint16_t)(noise(v) % 200),
			.csum_start = (uint16_t)(noise(v) % 140),
			.csum_offset = (uint16_t)(noise(v) % 140),
		};
		deliver(v, &head, HEAD + sizeof(tcp));
		rest(v, i);
	}
	net_answer(v);
	return 0;
}

/* --- contents --- */

ATTACK(frames_at_random)
{
	static const uint8_t types[][2] = { { 8, 0 }, { 0x86, 0xdd }, { 0x81, 0 }, { 8, 6 } };
	uint32_t frame[350], bytes;
	struct pvn_net_received head = { .flags = PVN_NET_CSUM_GOOD };
	unsigned int i, j;

	for (i = 0; i < 200; i++) {
		for (j = 0; j < 350; j++)
			frame[j] = noise(v);
		memcpy((uint8_t *)frame + 12, types[i % 4], 2);
		bytes = PVN_NET_HEADER_BYTES + noise(v) % 1300;
		head.frame_bytes = bytes;
		net_deliver(v, &head, frame, bytes, HEAD + bytes);
		rest(v, i);
	}
	net_answer(v);
	return 0;
}

ATTACK(frame_changes_after_publishing)
{
	struct pvn_net_request buffer;
	uint64_t end = now_ms() + 200;
	uint32_t *words;

	if (pvn_back_available(&v->rx) <= 0 || !pvn_back_next(&v->rx, &buffer))
		return 0;
	words = pvn_memory_at(&v->backend.memory, buffer.gpa[0], PVN_PAGE_SIZE);
	memcpy(words, &plain, HEAD);
	memcpy(words + 4, tcp, sizeof(tcp));
	pvn_back_complete(&v->rx, buffer.id, PVN_NET_OK, HEAD + sizeof(tcp));
	pvn_back_publish(&v->rx);
	ring(v);
	while (words && now_ms() < end)
		words[noise(v) % 12] ^= noise(v);
	net_answer(v);
	return 0;
}

/* --- completions --- */

static void complete_rx(struct villain *v, uint32_t id, uint16_t status)
{
	struct pvn_cqe *at = &v->rx.cq[v->rx.cq_tail & (v->rx.entries - 1)];

	at->id = id;
	at->status = status;
	at->value = HEAD + sizeof(tcp);
	pvn_ring_store(&at->stamp, ++v->rx.cq_tail);
}

ATTACK(receive_status_unknown)
{
	struct pvn_net_request buffer;
	unsigned int i;

	for (i = 0; i < 10 && pvn_back_available(&v->rx) > 0; i++)
		if (pvn_back_next(&v->rx, &buffer))
			complete_rx(v, buffer.id, i ? 0xffff : PVN_NET_DROPPED);
	ring(v);
	net_answer(v);
	return 0;
}

ATTACK(receive_id_beyond_the_table)
{
	complete_rx(v, 0xffffffff, PVN_NET_OK);
	v->silent = true;
	ring(v);
	return 0;
}

ATTACK(receive_id_answered_twice)
{
	struct pvn_net_request buffer;

	if (pvn_back_available(&v->rx) > 0 && pvn_back_next(&v->rx, &buffer)) {
		complete_rx(v, buffer.id, PVN_NET_DROPPED);
		complete_rx(v, buffer.id, PVN_NET_DROPPED);
	}
	v->silent = true;
	ring(v);
	return 0;
}

ATTACK(receive_more_than_offered)
{
	struct pvn_net_request buffer;
	unsigned int i;

	while (pvn_back_available(&v->rx) > 0 && pvn_back_next(&v->rx, &buffer))
		complete_rx(v, buffer.id, PVN_NET_DROPPED);
	ring(v);
	wait_ms(100);
	/* As many again: of those that it has offered by now, none with such an id. */
	for (i = 0; i < v->rx.entries; i++)
		complete_rx(v, i, PVN_NET_DROPPED);
	v->silent = true;
	ring(v);
	return 0;
}

static void complete_tx(struct villain *v, uint32_t id)
{
	struct pvn_cqe *at = &v->ring.cq[v->ring.cq_tail & (v->ring.entries - 1)];

	at->id = id;
	at->status = PVN_NET_OK;
	pvn_ring_store(&at->stamp, ++v->ring.cq_tail);
	ring(v);
}

ATTACK(send_id_unknown)
{
	complete_tx(v, 0x00770077);
	v->silent = true;
	return 0;
}

ATTACK(send_id_answered_twice)
{
	complete_tx(v, v->frame.id);
	complete_tx(v, v->frame.id);
	v->silent = true;
	return 0;
}

ATTACK(send_status_of_all_ones)
{
	uint32_t id = v->frame.id;

	net_answer(v);
	(void)id;
	v->ring.cq[(v->ring.cq_tail - 1) & (v->ring.entries - 1)].status = 0xffff;
	ring(v);
	return 0;
}

ATTACK(nothing_is_sent)
{
	v->silent = true;
	return 0;
}

/* --- events, states, death --- */

ATTACK(net_storm)
{
	storm(v, VILLAIN_STORM);
	net_answer(v);
	return 0;
}

ATTACK(net_state_2_in_flight)
{
	v->silent = true;
	put_state(v, "2");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return 0;
}

ATTACK(net_state_5_in_use)
{
	v->silent = true;
	put_state(v, "5");
	return 0;
}

ATTACK(net_states_at_random)
{
	states_at_random(v, 200);
	return 0;
}

ATTACK(net_death)
{
	die(v);
}

ATTACK(net_death_at_state_3)
{
	die(v);
}

/* --- keys --- */

ATTACK_KEY(mtu_of_zero, "mtu", "0")
ATTACK_KEY(mtu_of_2_to_63, "mtu", "9223372036854775808")
ATTACK_KEY(link_of_words, "link", "up")

ATTACK(mac_of_a_group)
{
	put_front(v, "mac", "ff:ff:ff:ff:ff:ff");
	return 0;
}

ATTACK(mac_of_words)
{
	put_front(v, "mac", "none of your business");
	return 0;
}

ATTACK(net_queues_of_2_to_63)
{
	put_front(v, "queue-max", "9223372036854775808");
	return 0;
}
