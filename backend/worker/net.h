/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What a network interface of a guest is in the root, whoever serves it: its
 * address, and its tap.
 */
#ifndef WORKER_NET_H
#define WORKER_NET_H

#include "libpvn/tap.h"
#include "worker/config.h"

enum { NET_MAC_BYTES = 18 };

/*
 * The address as text: the configured one, or one that follows from the guest's
 * UUID and the interface's number, and is the same wherever the guest runs. Pure.
 */
void net_mac(const struct config_net *net, const char *uuid, unsigned int index,
	     char mac[NET_MAC_BYTES]);

/* Name of the tap: the configured one, or one that follows from the guest's number. Pure. */
void net_tap_name(const struct config_net *net, unsigned int domid, unsigned int index,
		  char name[PVN_TAP_NAME_BYTES]);

/* Opens the tap; 0, or -1 with *problem filled. */
int net_open_tap(const struct config_net *net, unsigned int domid, unsigned int index,
		 unsigned int queue_count, struct pvn_tap *tap, struct pvn_problem *problem);

#endif
