/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A network inside of this process; see wire_user.c.
 */
#ifndef NETD_WIRE_USER_H
#define NETD_WIRE_USER_H

#include "netd/wire.h"

/* `host_loopback`: 10.0.2.2 leads to servers on the root's 127.0.0.1. 0, or -1 after saying why. */
int wire_open_user(struct wire *wire, unsigned int mtu, bool host_loopback);

/* "tcp:8080:80": port 8080 of the root's 127.0.0.1 leads to port 80 of 10.0.2.15. 0 or -1. */
int wire_user_forward(struct wire *wire, const char *text);

#endif
