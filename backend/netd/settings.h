/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the operator may change while the guest runs, as keys of the back-end's
 * directory (pvn/abi/io/net.h): the plug, rate limits, the spoof guard.
 */
#ifndef NETD_SETTINGS_H
#define NETD_SETTINGS_H

#include "netd/queue.h"

/*
 * Takes what the store says now; what is absent is as if it were never set. A key
 * that makes no sense is logged, and keeps what it limits shut: the guard on, the
 * plug out.
 */
void net_settings_read(struct pvn_backend *backend, struct net_interface *interface);

#endif
