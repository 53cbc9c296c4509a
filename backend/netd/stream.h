/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Frames of an emulated network card, which has no rings.
 */
#ifndef NETD_STREAM_H
#define NETD_STREAM_H

#include "netd/wire.h"

/*
 * Carries frames between the wire and a socket of packets to the worker, each of them a
 * frame; nothing waits (O_NONBLOCK). Returns when the other end is gone.
 */
void net_stream_serve(struct wire *wire, int stream);

#endif
