// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See guard.h. Offsets are those of Ethernet II, RFC 826 "ARP", RFC 791 "Internet
 * Protocol" and RFC 8200 "IPv6".
 */
#include "netd/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define TYPE_IP4	0x0800
#define TYPE_ARP	0x0806
#define TYPE_VLAN	0x8100
#define TYPE_VLAN_OUTER	0x88a8
#define TYPE_IP6	0x86dd

static unsigned int load16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static bool add_address(struct net_guard *guard, const char *word)
{
	if (guard->ip4_count < NET_GUARD_ADDRESSES_MAX &&
	    inet_pton(AF_INET, word, guard->ip4[guard->ip4_count]) == 1) {
		guard->ip4_count++;
		return true;
	}
	if (guard->ip6_count < NET_GUARD_ADDRESSES_MAX &&
	    inet_pton(AF_INET6, word, guard->ip6[guard->ip6_count]) == 1) {
		guard->ip6_count++;
		return true;
	}
	return false;
}

bool net_guard_addresses(struct net_guard *guard, const char *text)
{
	char word[INET6_ADDRSTRLEN];

	guard->ip4_count = guard->ip6_count = 0;
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = strcspn(text, " ");

		if (length >= sizeof(word))
			return false;
		memcpy(word, text, length);
		word[length] = '\0';
		if (!add_address(guard, word))
			return false;
		text += length;
	}
	return true;
}

bool net_guard_mac(struct net_guard *guard, const char *text)
{
	unsigned int n[6], i;
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
		   &end) != 6 || text[end])
		return false;
	for (i = 0; i < 6; i++)
		guard->mac[i] = (uint8_t)n[i];
	return true;
}

static bool is_zero(const uint8_t *at, size_t bytes)
{
	while (bytes && !*at) {
		at++;
		bytes--;
	}
	return !bytes;
}

static bool is_own_ip4(const struct net_guard *guard, const uint8_t *address)
{
	unsigned int i;

	for (i = 0; i < guard->ip4_count; i++)
		if (!memcmp(guard->ip4[i], address, 4))
			return true;
	return false;
}

static bool is_own_ip6(const struct net_guard *guard, const uint8_t *address)
{
	static const uint8_t link_local[8] = { 0xfe, 0x80 };
	const uint8_t *mac = guard->mac;
	const uint8_t from_mac[8] = { mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4],
				      mac[5] };
	unsigned int i;

	for (i = 0; i < guard->ip6_count; i++)
		if (!memcmp(guard->ip6[i], address, 16))
			return true;
	/* The interface's own, and none, as autoconfiguration has it [RFC 4862]. */
	return is_zero(address, 16) ||
	       (!memcmp(address, link_local, 8) && !memcmp(address + 8, from_mac, 8));
}

static bool allows_arp(const struct net_guard *guard, bool listed, const uint8_t *arp,
		       size_t bytes)
{
	static const uint8_t ethernet_ip4[6] = { 0, 1, 8, 0, 6, 4 };

	if (bytes < 28 || memcmp(arp, ethernet_ip4, 6) || memcmp(arp + 8, guard->mac, 6))
		return false;
	return !listed || is_zero(arp + 14, 4) || is_own_ip4(guard, arp + 14);
}

static bool is_dhcp(const uint8_t *ip, size_t bytes)
{
	size_t header = (size_t)(ip[0] & 0xf) * 4;

	return ip[9] == 17 && !(load16(ip + 6) & 0x1fff) && bytes >= header + 4 &&
	       load16(ip + header + 2) == 67;
}

static bool allows_ip4(const struct net_guard *guard, const uint8_t *ip, size_t bytes)
{
	if (bytes < 20 || ip[0] >> 4 != 4)
		return false;
	return is_own_ip4(guard, ip + 12) || (is_zero(ip + 12, 4) && is_dhcp(ip, bytes));
}

bool net_guard_allows(const struct net_guard *guard, const uint8_t *head, size_t bytes)
{
	bool listed = guard->ip4_count || guard->ip6_count;
	unsigned int type, tags = 0;
	size_t at = 12;

	if (!guard->on)
		return true;
	/* No address at all is nobody's: that is how settings.c lets nothing through. */
	if (bytes < 14 || memcmp(head + 6, guard->mac, 6) || is_zero(guard->mac, 6))
		return false;
	for (type = load16(head + at); type == TYPE_VLAN || type == TYPE_VLAN_OUTER;
	     type = load16(head + at)) {
		at += 4;
		if (++tags > 2 || bytes < at + 2)
			return false;
	}
	at += 2;
	if (type == TYPE_ARP)
		return allows_arp(guard, listed, head + at, bytes - at);
	if (!listed)
		return true;
	if (type == TYPE_IP4)
		return allows_ip4(guard, head + at, bytes - at);
	return type == TYPE_IP6 && bytes >= at + 40 && head[at] >> 4 == 6 &&
	       is_own_ip6(guard, head + at + 8);
}
