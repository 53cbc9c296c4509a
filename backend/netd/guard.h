/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The spoof guard: a guest sends as itself only. Pure; looks at a private copy of
 * the start of a frame.
 */
#ifndef NETD_GUARD_H
#define NETD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NET_GUARD_ADDRESSES_MAX = 16,
	NET_GUARD_HEAD_BYTES = 128,	/* enough for two tags and the headers looked at */
};

struct net_guard {
	bool on;
	uint8_t mac[6];
	/* Of either family; an empty list lets any address through. */
	unsigned int ip4_count, ip6_count;
	uint8_t ip4[NET_GUARD_ADDRESSES_MAX][4];
	uint8_t ip6[NET_GUARD_ADDRESSES_MAX][16];
};

/* "192.0.2.5 2001:db8::5" into the guard's lists; false: it is no such text. */
bool net_guard_addresses(struct net_guard *guard, const char *text);

/* "02:00:5e:10:20:30"; false: it is none. */
bool net_guard_mac(struct net_guard *guard, const char *text);

/*
 * May the guest send a frame that starts like this? The source must be its own
 * address, ARP must speak of that address, and with a list of addresses nothing
 * but ARP, IPv4 and IPv6 from those goes out (and what DHCP and IPv6's
 * autoconfiguration need before there is one).
 */
bool net_guard_allows(const struct net_guard *guard, const uint8_t *head, size_t bytes);

#endif
