/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Which device answers at a port or at a guest-physical address. Pure.
 */
#ifndef EMUL_BUS_H
#define EMUL_BUS_H

#include "emul/host.h"

enum { BUS_RANGES_MAX = 64 };

enum bus_space {
	BUS_PORTS,
	BUS_MEMORY,
};

/* A run of registers; part of its device. */
struct bus_range {
	enum bus_space space;
	unsigned int bytes;	/* how long it is */
	void *device;
	/* `bytes` is 1, 2 or 4, in memory also 8; the access lies within the range. */
	uint64_t (*read)(void *device, unsigned int offset, unsigned int bytes);
	void (*write)(void *device, unsigned int offset, unsigned int bytes, uint64_t value);
	bool on;
	uint64_t base;
};

struct bus {
	const struct emul_host *host;
	unsigned int count;
	struct bus_range *range[BUS_RANGES_MAX];
};

/* Adds a range, switched off. The caller has made sure that there is room. */
void bus_add(struct bus *bus, struct bus_range *range);
/* Switches a range off, or on at `base`. Among ranges that overlap the first added answers. */
void bus_place(struct bus *bus, struct bus_range *range, uint64_t base, bool on);

/* Nobody there: reads give ones, writes are lost. */
uint64_t bus_read(struct bus *bus, enum bus_space space, uint64_t at, unsigned int bytes);
void bus_write(struct bus *bus, enum bus_space space, uint64_t at, unsigned int bytes,
	       uint64_t value);
/* Does anybody answer here? */
bool bus_has(const struct bus *bus, enum bus_space space, uint64_t at);

#endif
