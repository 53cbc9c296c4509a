// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See frames.h. Layouts are those of Ethernet II, RFC 826 "ARP", RFC 791 "Internet
 * Protocol" and RFC 792 "ICMP".
 */
#include "frames.h"

#include <arpa/inet.h>
#include <string.h>

const uint8_t frames_guest_mac[6] = { 2, 0, 0, 0, 0, 2 };

uint16_t frames_sum(const uint8_t *data, size_t bytes, uint32_t start)
{
	size_t i;

	for (i = 0; i + 1 < bytes; i += 2)
		start += (uint32_t)data[i] << 8 | data[i + 1];
	if (bytes & 1)
		start += (uint32_t)data[bytes - 1] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return (uint16_t)~start;
}

void frames_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void frames_ethernet(uint8_t *frame, const uint8_t *to, uint16_t type)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, frames_guest_mac, 6);
	frames_put16(frame + 12, type);
}

uint32_t frames_arp_request(uint8_t *frame, const char *mine, const char *ip)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	memset(frame, 0, 60);
	frames_ethernet(frame, all, 0x0806);
	memcpy(frame + 14, head, sizeof(head));
	memcpy(frame + 22, frames_guest_mac, 6);
	inet_pton(AF_INET, mine, frame + 28);
	inet_pton(AF_INET, ip, frame + 38);
	return 60;
}

bool frames_is_arp_reply(const uint8_t *frame, uint32_t bytes)
{
	return bytes >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 2 &&
	       !memcmp(frame + 32, frames_guest_mac, 6);
}

uint32_t frames_echo_request(uint8_t *frame, const uint8_t *to, uint16_t payload,
			     uint16_t sequence)
{
	uint16_t i, total = (uint16_t)(28 + payload);

	memset(frame, 0, 42);
	frames_ethernet(frame, to, 0x0800);
	frame[14] = 0x45;
	frames_put16(frame + 16, total);
	frame[22] = 64;
	frame[23] = 1;
	inet_pton(AF_INET, "10.7.0.2", frame + 26);
	inet_pton(AF_INET, "10.7.0.1", frame + 30);
	frames_put16(frame + 24, frames_sum(frame + 14, 20, 0));
	frame[34] = 8;
	frames_put16(frame + 40, sequence);
	for (i = 0; i < payload; i++)
		frame[42 + i] = (uint8_t)(i * 7 + sequence);
	frames_put16(frame + 36, frames_sum(frame + 34, total - 20u, 0));
	return 14u + total;
}
