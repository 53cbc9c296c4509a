// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Network card: sending; see e1000.h. [8254x 3.3 "Packet Transmission"]
 *
 * Descriptors and data lie in guest memory and may change while they are used: each
 * descriptor is copied once, data is copied and then worked on.
 */
#include <string.h>

#include "emul/e1000_internal.h"

enum {
	DESCRIPTOR_BYTES = 16,
	FCS_BYTES = 4,
	FRAME_MIN = 60,
	TAG_BYTES = 4,
};

#define TCTL_ENABLE	0x00000002u
/* Fields that all kinds of descriptors have in the same place. */
#define COMMAND_END	0x01u	/* EOP */
#define COMMAND_SUM	0x04u	/* IC, of a legacy descriptor */
#define COMMAND_SEGMENT	0x04u	/* TSE, of the others */
#define COMMAND_REPORT	0x08u
#define COMMAND_EXTENDED 0x20u
#define COMMAND_TAG	0x40u
#define CONTEXT_TCP	0x01u
#define CONTEXT_IP	0x02u
#define OPTION_IP_SUM	0x01u
#define OPTION_L4_SUM	0x02u
#define STATUS_DONE	0x01u
#define TCP_FIN_PSH	0x09u

/* A descriptor as four words; what they mean depends on its kind. */
struct descriptor {
	uint32_t word[4];
};

static uint8_t command_of(const struct descriptor *descriptor)
{
	return descriptor->word[2] >> 24;
}

static bool is_extended(const struct descriptor *descriptor)
{
	return command_of(descriptor) & COMMAND_EXTENDED;
}

static bool is_context(const struct descriptor *descriptor)
{
	return is_extended(descriptor) && !(descriptor->word[2] >> 20 & 0xf);
}

/* --- numbers in packets --- */

static uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void add32(uint8_t *at, uint32_t value)
{
	uint32_t sum = ((uint32_t)get16(at) << 16 | get16(at + 2)) + value;

	put16(at, sum >> 16);
	put16(at + 2, sum);
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Sums [start, end) into the two bytes at `to`; an `end` of 0 is the last byte's. */
static void fill_sum(uint8_t *frame, unsigned int bytes, unsigned int start, unsigned int to,
		     unsigned int end)
{
	uint32_t sum = 0;
	unsigned int i;

	end = end && end < bytes ? end + 1 : bytes;
	if (to + 2 > bytes || start >= end)
		return;
	for (i = start; i + 1 < end; i += 2)
		sum += get16(frame + i);
	if (i < end)
		sum += frame[i] << 8;
	put16(frame + to, ~fold(sum));
}

/* --- frames --- */

static void count(struct e1000 *e1000, const uint8_t *frame, unsigned int bytes)
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	e1000_count(e1000, REG_TPT, 1);
	e1000_count(e1000, REG_GPTC, 1);
	e1000_count_bytes(e1000, REG_TOTL, bytes);
	e1000_count_bytes(e1000, REG_GOTCL, bytes);
	if (!memcmp(frame, everybody, 6))
		e1000_count(e1000, REG_BPTC, 1);
	else if (frame[0] & 1)
		e1000_count(e1000, REG_MPTC, 1);
}

/* Puts a finished frame onto the wire; `frame` has room for a tag and the least length. */
static void send(struct e1000 *e1000, uint8_t *frame, unsigned int bytes)
{
	const struct e1000_packet *packet = &e1000->packet;

	/* [8254x 9.2.1 "Adding 802.1q Tags on Transmits"] */
	if (packet->tagged && e1000_get(e1000, REG_CTRL) & CTRL_VLANS && bytes >= 12) {
		memmove(frame + 12 + TAG_BYTES, frame + 12, bytes - 12);
		put16(frame + 12, e1000_get(e1000, REG_VET));
		put16(frame + 14, packet->tag);
		bytes += TAG_BYTES;
	}
	if (bytes < FRAME_MIN) {
		memset(frame + bytes, 0, FRAME_MIN - bytes);
		bytes = FRAME_MIN;
	}
	count(e1000, frame, bytes + FCS_BYTES);
	e1000->send(e1000->owner, frame, bytes);
}

static void fill_sums(const struct e1000_packet *packet, const struct e1000_context *context,
		      uint8_t *frame, unsigned int bytes)
{
	if (packet->l4_sum)
		fill_sum(frame, bytes, context->l4_start, context->l4_at, context->l4_end);
	if (packet->ip_sum)
		fill_sum(frame, bytes, context->ip_start, context->ip_at, context->ip_end);
}

/*
 * What differs from segment to segment [8254x 3.5.6 "IP and TCP/UDP Headers"]. The
 * header lies within the frame, with all fields that are touched: can_segment().
 */
static void adapt_header(const struct e1000_packet *packet, const struct e1000_context *context,
			 uint8_t *frame, unsigned int bytes, unsigned int number,
			 unsigned int done, bool is_last)
{
	uint8_t *ip = frame + context->ip_start, *l4 = frame + context->l4_start;
	unsigned int l4_bytes = bytes - context->l4_start;

	if (context->is_ip) {
		put16(ip + 2, bytes - context->ip_start);
		put16(ip + 4, get16(ip + 4) + number);
	} else {
		put16(ip + 4, bytes - context->ip_start - 40);
	}
	if (context->is_tcp) {
		add32(l4 + 4, done);
		if (!is_last)
			l4[13] &= ~TCP_FIN_PSH;
	} else {
		put16(l4 + 4, l4_bytes);
	}
	/* The guest left out the length, which it did not know, from the sum it began with. */
	if (packet->l4_sum && context->l4_at + 2u <= bytes)
		put16(frame + context->l4_at, fold(get16(frame + context->l4_at) + l4_bytes));
}

static bool can_segment(const struct e1000_packet *packet, const struct e1000_context *context)
{
	unsigned int header = context->header_bytes;

	return context->segment_bytes && packet->bytes > header &&
	       header + context->segment_bytes <= E1000_FRAME_MAX - TAG_BYTES &&
	       context->ip_start + 20u <= header && context->l4_start >= context->ip_start &&
	       context->l4_start + (context->is_tcp ? 20u : 8u) <= header;
}

static void send_segments(struct e1000 *e1000)
{
	const struct e1000_packet *packet = &e1000->packet;
	const struct e1000_context *context = &e1000->segment_context;
	unsigned int header = context->header_bytes, number = 0, done = 0, part;
	unsigned int payload;
	uint8_t frame[E1000_FRAME_MAX + FRAME_MIN];

	if (!can_segment(packet, context))
		return;
	payload = packet->bytes - header;
	for (; done < payload; done += part, number++) {
		part = payload - done < context->segment_bytes ? payload - done :
								 context->segment_bytes;
		memcpy(frame, packet->data, header);
		memcpy(frame + header, packet->data + header + done, part);
		adapt_header(packet, context, frame, header + part, number, done,
			     done + part == payload);
		fill_sums(packet, context, frame, header + part);
		send(e1000, frame, header + part);
	}
	e1000_count(e1000, REG_TSCTC, 1);
}

static void send_packet(struct e1000 *e1000)
{
	struct e1000_packet *packet = &e1000->packet;

	if (packet->too_long || !packet->bytes)
		return;
	if (packet->segmented) {
		send_segments(e1000);
		return;
	}
	if (packet->bytes > E1000_FRAME_MAX - TAG_BYTES)
		return;
	if (packet->legacy_sum)
		fill_sum(packet->data, packet->bytes, packet->sum_start, packet->sum_at, 0);
	fill_sums(packet, &e1000->context, packet->data, packet->bytes);
	send(e1000, packet->data, packet->bytes);
}

/* --- descriptors --- */

static void take_context(struct e1000 *e1000, const struct descriptor *descriptor)
{
	const uint32_t *word = descriptor->word;
	uint8_t command = command_of(descriptor);
	struct e1000_context *context = command & COMMAND_SEGMENT ? &e1000->segment_context :
								    &e1000->context;

	*context = (struct e1000_context) {
		.ip_start = word[0], .ip_at = word[0] >> 8, .ip_end = word[0] >> 16,
		.l4_start = word[1], .l4_at = word[1] >> 8, .l4_end = word[1] >> 16,
		.payload_bytes = word[2] & 0xfffff,
		.header_bytes = word[3] >> 8,
		.segment_bytes = word[3] >> 16,
		.is_tcp = command & CONTEXT_TCP,
		.is_ip = command & CONTEXT_IP,
	};
}

static void begin_packet(struct e1000_packet *packet, const struct descriptor *descriptor)
{
	uint8_t command = command_of(descriptor), options = descriptor->word[3] >> 8;
	bool extended = is_extended(descriptor);

	packet->begun = true;
	packet->too_long = false;
	packet->bytes = 0;
	packet->segmented = extended && command & COMMAND_SEGMENT;
	packet->ip_sum = extended && options & OPTION_IP_SUM;
	packet->l4_sum = extended && options & OPTION_L4_SUM;
	packet->legacy_sum = !extended && command & COMMAND_SUM;
	packet->sum_at = descriptor->word[2] >> 16;
	packet->sum_start = descriptor->word[3] >> 8;
	packet->tagged = false;
}

static void add_data(struct e1000 *e1000, const struct descriptor *descriptor)
{
	const struct emul_host *host = e1000->host;
	struct e1000_packet *packet = &e1000->packet;
	uint64_t address = descriptor->word[0] | (uint64_t)descriptor->word[1] << 32;
	unsigned int bytes = descriptor->word[2] & (is_extended(descriptor) ? 0xfffff : 0xffff);
	const void *data;

	if (!packet->begun)
		begin_packet(packet, descriptor);
	if (!bytes)
		return;
	data = host->memory(host->context, address, bytes);
	/* Too long, or not memory: the packet is not sent. */
	if (!data || bytes > E1000_PACKET_MAX - TAG_BYTES - packet->bytes) {
		packet->too_long = true;
		return;
	}
	memcpy(packet->data + packet->bytes, data, bytes);
	packet->bytes += bytes;
}

static void take_descriptor(struct e1000 *e1000, const struct descriptor *descriptor)
{
	uint8_t command = command_of(descriptor);

	if (is_context(descriptor)) {
		take_context(e1000, descriptor);
		return;
	}
	add_data(e1000, descriptor);
	if (command & COMMAND_TAG) {
		e1000->packet.tagged = true;
		e1000->packet.tag = descriptor->word[3] >> 16;
	}
	if (!(command & COMMAND_END))
		return;
	send_packet(e1000);
	e1000->packet.begun = false;
}

void e1000_transmit(struct e1000 *e1000)
{
	const struct emul_host *host = e1000->host;
	struct e1000_ring ring = e1000_ring(e1000, REG_TDBAL);
	struct descriptor descriptor;
	uint32_t causes = 0;
	uint8_t *at;

	if (!(e1000_get(e1000, REG_TCTL) & TCTL_ENABLE) || !pci_is_master(&e1000->pci) ||
	    ring.head >= ring.count || ring.tail >= ring.count)
		return;
	/* Ends: the head meets the tail after less than a round. */
	while (ring.head != ring.tail) {
		at = host->memory(host->context, ring.base + ring.head * DESCRIPTOR_BYTES,
				  DESCRIPTOR_BYTES);
		if (!at)
			break;
		memcpy(&descriptor, at, sizeof(descriptor));
		take_descriptor(e1000, &descriptor);
		if (command_of(&descriptor) & COMMAND_REPORT) {
			__atomic_fetch_or(at + 12, STATUS_DONE, __ATOMIC_RELEASE);
			causes |= CAUSE_TX_DONE;
		}
		ring.head = (ring.head + 1) % ring.count;
	}
	*e1000_reg(e1000, REG_TDH) = ring.head;
	if (ring.head == ring.tail)
		causes |= CAUSE_TX_EMPTY;
	e1000_cause(e1000, causes);
}
