// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Around the device under test; see machine.h.
 */
#include "machine.h"

struct machine machine;

static void *memory(void *context, uint64_t gpa, uint64_t bytes)
{
	(void)context;
	assert_int_not_equal(bytes, 0);
	return gpa < RAM_BYTES && bytes <= RAM_BYTES - gpa ? machine.ram + gpa : NULL;
}

static void interrupt(void *context, const struct emul_interrupt *interrupt)
{
	(void)context;
	machine.interrupts++;
	machine.last = *interrupt;
}

static void ports(void *context, uint16_t first, unsigned int count, bool on)
{
	unsigned int i;

	(void)context;
	assert_true(first + count <= 0x10000);
	for (i = 0; i < count; i++)
		machine.wanted[first + i] = on;
}

int machine_setup(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.host = (struct emul_host) { NULL, memory, interrupt, ports };
	machine.bus.host = &machine.host;
	ioapic_init(&machine.ioapic, &machine.bus);
	return 0;
}

void enable_pin(unsigned int pin)
{
	store(IOAPIC_BASE, 0x10 + 2 * pin);
	store(IOAPIC_BASE + 0x10, VECTOR_FIRST + pin);
}

uint32_t in(uint16_t port, unsigned int bytes)
{
	return bus_read(&machine.bus, BUS_PORTS, port, bytes);
}

void out(uint16_t port, unsigned int bytes, uint32_t value)
{
	bus_write(&machine.bus, BUS_PORTS, port, bytes, value);
}

uint32_t load(uint64_t at)
{
	return bus_read(&machine.bus, BUS_MEMORY, at, 4);
}

void store(uint64_t at, uint32_t value)
{
	bus_write(&machine.bus, BUS_MEMORY, at, 4, value);
}

unsigned int interrupts(void)
{
	unsigned int count = machine.interrupts;

	machine.interrupts = 0;
	return count;
}
