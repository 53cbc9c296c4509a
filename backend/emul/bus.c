// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Which device answers where; see bus.h.
 */
#include "emul/bus.h"

#include <stddef.h>
#include <stdlib.h>

static uint64_t mask_of(unsigned int bytes)
{
	return bytes >= 8 ? ~0ull : (1ull << 8 * bytes) - 1;
}

void bus_add(struct bus *bus, struct bus_range *range)
{
	if (bus->count == BUS_RANGES_MAX)
		abort();
	range->on = false;
	bus->range[bus->count++] = range;
}

static void tell_ports(struct bus *bus, const struct bus_range *range, bool on)
{
	if (range->space == BUS_PORTS && range->base + range->bytes <= 0x10000)
		bus->host->ports(bus->host->context, range->base, range->bytes, on);
}

void bus_place(struct bus *bus, struct bus_range *range, uint64_t base, bool on)
{
	unsigned int i;

	if (range->on == on && (!on || range->base == base))
		return;
	if (range->on) {
		range->on = false;
		tell_ports(bus, range, false);
		/* Those that lay below it are seen again. */
		for (i = 0; i < bus->count; i++)
			if (bus->range[i]->on)
				tell_ports(bus, bus->range[i], true);
	}
	if (!on)
		return;
	range->base = base;
	range->on = true;
	tell_ports(bus, range, true);
}

static struct bus_range *find(const struct bus *bus, enum bus_space space, uint64_t at,
			      unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++) {
		struct bus_range *range = bus->range[i];

		if (range->on && range->space == space && at >= range->base &&
		    at - range->base < range->bytes && bytes <= range->bytes - (at - range->base))
			return range;
	}
	return NULL;
}

uint64_t bus_read(struct bus *bus, enum bus_space space, uint64_t at, unsigned int bytes)
{
	const struct bus_range *range = find(bus, space, at, bytes);

	if (!range)
		return mask_of(bytes);
	return range->read(range->device, at - range->base, bytes) & mask_of(bytes);
}

void bus_write(struct bus *bus, enum bus_space space, uint64_t at, unsigned int bytes,
	       uint64_t value)
{
	const struct bus_range *range = find(bus, space, at, bytes);

	if (range)
		range->write(range->device, at - range->base, bytes, value & mask_of(bytes));
}

bool bus_has(const struct bus *bus, enum bus_space space, uint64_t at)
{
	return find(bus, space, at, 1) != NULL;
}
