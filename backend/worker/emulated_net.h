/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A tap of the root behind an emulated network card.
 */
#ifndef WORKER_EMULATED_NET_H
#define WORKER_EMULATED_NET_H

#include <event2/event.h>

#include "emul/e1000.h"

struct emulated_net;

/*
 * A card in the next slot, and an open tap without offloads that it is connected to; the
 * descriptor stays the caller's. NULL + errno.
 */
struct emulated_net *emulated_net_create(struct pci *pci, struct event_base *base, int tap,
					 const uint8_t mac[6]);

#endif
