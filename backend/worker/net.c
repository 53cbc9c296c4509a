// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See net.h.
 */
#include "worker/net.h"

#include <string.h>

#include <uuid/uuid.h>

void net_mac(const struct config_net *net, const char *uuid, unsigned int index,
	     char mac[NET_MAC_BYTES])
{
	uuid_t space, hash;
	char name[16];

	if (net->mac) {
		snprintf(mac, NET_MAC_BYTES, "%s", net->mac);
		return;
	}
	if (uuid_parse(uuid, space))
		uuid_clear(space);
	snprintf(name, sizeof(name), "net-%u", index);
	uuid_generate_sha1(hash, space, name, strlen(name));
	/* Not of a group, and locally administered [IEEE 802 8.4 "Universal and local addresses"]. */
	snprintf(mac, NET_MAC_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x", (hash[0] & 0xfc) | 2,
		 hash[1], hash[2], hash[3], hash[4], hash[5]);
}

void net_tap_name(const struct config_net *net, unsigned int domid, unsigned int index,
		  char name[PVN_TAP_NAME_BYTES])
{
	if (net->tap)
		snprintf(name, PVN_TAP_NAME_BYTES, "%s", net->tap);
	else
		snprintf(name, PVN_TAP_NAME_BYTES, "pvn%hu-%hhu", (unsigned short)domid,
			 (unsigned char)index);
}

int net_open_tap(const struct config_net *net, unsigned int domid, unsigned int index,
		 unsigned int queue_count, struct pvn_tap *tap, struct pvn_problem *problem)
{
	*tap = (struct pvn_tap){
		.bridge = net->bridge, .mtu = net->mtu, .queue_count = queue_count,
		.offloads = !net->e1000,
	};
	net_tap_name(net, domid, index, tap->name);
	return pvn_tap_open(tap, problem);
}
