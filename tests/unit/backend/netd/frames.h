/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Ethernet frames of a guest, byte by byte, for tests of pvn-netd. Lengths are in
 * bytes, numbers in frames in network order.
 */
#ifndef TEST_NETD_FRAMES_H
#define TEST_NETD_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const uint8_t frames_guest_mac[6];	/* 02:00:00:00:00:02 */

/* The Internet checksum of `bytes`, begun with `start`. */
uint16_t frames_sum(const uint8_t *data, size_t bytes, uint32_t start);

void frames_put16(uint8_t *at, uint16_t value);

/* Writes the Ethernet header of a frame from the guest. */
void frames_ethernet(uint8_t *frame, const uint8_t *to, uint16_t type);

/* Who has `ip`? Returns the frame's length. */
uint32_t frames_arp_request(uint8_t *frame, const char *mine, const char *ip);

/* Does it answer such a question of the guest? */
bool frames_is_arp_reply(const uint8_t *frame, uint32_t bytes);

/*
 * A complete echo request from 10.7.0.2 to 10.7.0.1, whose address on the wire is
 * `to`, with `payload` bytes of a pattern. Returns the frame's length.
 */
uint32_t frames_echo_request(uint8_t *frame, const uint8_t *to, uint16_t payload,
			     uint16_t sequence);

#endif
