/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Devices that test programs written for other hypervisors expect: a port that ends the
 * machine with a code, a latch, a port that routes synthetic interrupts, and the number
 * of processors and the size of memory by fw_cfg. Register logic only.
 *
 *	0xe0	4 bytes that read as they were written
 *	0xf4	the code to end with
 *	0x510	fw_cfg: the key (16 bits); 0x511: its bytes, one after the other
 *	0x3000	32 bits: SINT, VP << 8, control << 16, connection << 24
 */
#ifndef EMUL_TESTDEV_H
#define EMUL_TESTDEV_H

#include "emul/bus.h"

enum testdev_control {
	TESTDEV_ROUTE_CREATE = 1,	/* of a SINT: nothing to do here */
	TESTDEV_ROUTE_DESTROY = 2,
	TESTDEV_RAISE = 3,
	TESTDEV_MESSAGE_CREATE = 4,	/* what is posted to the connection comes back to the SINT */
	TESTDEV_MESSAGE_DESTROY = 5,
	TESTDEV_EVENT_CREATE = 6,	/* signalling it sets the flag of its number there */
	TESTDEV_EVENT_DESTROY = 7,
};

struct testdev_route {
	uint8_t sint, vp, control, connection;
};

struct testdev_host {
	void *context;
	void (*end)(void *context, uint32_t code);
	void (*route)(void *context, const struct testdev_route *route);
	uint64_t memory_bytes;
	unsigned int processors;
};

struct testdev {
	struct testdev_host host;
	struct bus_range latch, exit, route, config;
	uint8_t latched[4];
	uint16_t key;
	unsigned int config_at;		/* bytes of it read so far */
};

void testdev_init(struct testdev *device, struct bus *bus, const struct testdev_host *host);

#endif
