// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * I/O APIC; see ioapic.h.
 */
#include "emul/ioapic.h"

/* Registers in memory, and behind the select register. */
enum {
	AT_SELECT = 0x00,
	AT_WINDOW = 0x10,
	AT_EOI = 0x40,
	REG_ID = 0x00,
	REG_VERSION = 0x01,
	REG_ARBITRATION = 0x02,
	REG_ENTRIES = 0x10,
};

#define VERSION		0x20u
#define ENTRY_VECTOR	0xffull
#define ENTRY_LOGICAL	(1ull << 11)
#define ENTRY_REMOTE	(1ull << 14)	/* level: sent, not retired yet; read-only */
#define ENTRY_LEVEL	(1ull << 15)
#define ENTRY_MASKED	(1ull << 16)
#define ENTRY_WRITABLE	0xff0000000001afffull

static void send(struct ioapic *ioapic, unsigned int pin)
{
	uint64_t entry = ioapic->entry[pin];
	const struct emul_interrupt interrupt = {
		.vector = entry & ENTRY_VECTOR,
		.mode = entry >> 8 & 7,
		.logical = entry & ENTRY_LOGICAL,
		.destination = entry >> 56,
	};

	if (entry & ENTRY_LEVEL)
		ioapic->entry[pin] |= ENTRY_REMOTE;
	ioapic->bus->host->interrupt(ioapic->bus->host->context, &interrupt);
}

/* Level-triggered pins: sent again until nobody asserts them. */
static void send_level(struct ioapic *ioapic, unsigned int pin)
{
	uint64_t entry = ioapic->entry[pin];

	if (entry & ENTRY_LEVEL && !(entry & (ENTRY_MASKED | ENTRY_REMOTE)) && ioapic->sources[pin])
		send(ioapic, pin);
}

void ioapic_set(struct ioapic *ioapic, unsigned int pin, unsigned int source, bool level)
{
	uint32_t bit = 1u << source;
	bool rose = level && !(ioapic->sources[pin] & bit);

	if (level)
		ioapic->sources[pin] |= bit;
	else
		ioapic->sources[pin] &= ~bit;
	if (ioapic->entry[pin] & ENTRY_LEVEL)
		send_level(ioapic, pin);
	else if (rose && !(ioapic->entry[pin] & ENTRY_MASKED))
		send(ioapic, pin);
}

static void write_entry(struct ioapic *ioapic, unsigned int pin, bool high, uint32_t value)
{
	uint64_t *entry = &ioapic->entry[pin], old = *entry, wanted;

	wanted = high ? (old & 0xffffffff) | (uint64_t)value << 32 : (old & ~0xffffffffull) | value;
	*entry = (wanted & ENTRY_WRITABLE) | (old & ENTRY_REMOTE);
	if (!(*entry & ENTRY_LEVEL))
		*entry &= ~ENTRY_REMOTE;
	if (*entry & ENTRY_LEVEL)
		send_level(ioapic, pin);
	else if (old & ENTRY_MASKED && !(*entry & ENTRY_MASKED) && ioapic->sources[pin])
		/* The edge came while it was masked. PCI devices hold their line until served. */
		send(ioapic, pin);
}

static uint32_t read_register(const struct ioapic *ioapic)
{
	unsigned int pin = (ioapic->select - REG_ENTRIES) / 2u;

	switch (ioapic->select) {
	case REG_ID:
	case REG_ARBITRATION:
		return (uint32_t)ioapic->id << 24;
	case REG_VERSION:
		return VERSION | (IOAPIC_PINS - 1) << 16;
	}
	if (ioapic->select < REG_ENTRIES || pin >= IOAPIC_PINS)
		return 0;
	return ioapic->entry[pin] >> (ioapic->select & 1 ? 32 : 0);
}

static void write_register(struct ioapic *ioapic, uint32_t value)
{
	unsigned int pin = (ioapic->select - REG_ENTRIES) / 2u;

	if (ioapic->select == REG_ID)
		ioapic->id = value >> 24 & 0xf;
	else if (ioapic->select >= REG_ENTRIES && pin < IOAPIC_PINS)
		write_entry(ioapic, pin, ioapic->select & 1, value);
}

static void retire(struct ioapic *ioapic, uint8_t vector)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(ioapic->entry[pin] & ENTRY_REMOTE) ||
		    (ioapic->entry[pin] & ENTRY_VECTOR) != vector)
			continue;
		ioapic->entry[pin] &= ~ENTRY_REMOTE;
		send_level(ioapic, pin);
	}
}

static uint64_t read(void *device, unsigned int offset, unsigned int bytes)
{
	const struct ioapic *ioapic = device;

	(void)bytes;
	if (offset == AT_SELECT)
		return ioapic->select;
	return offset == AT_WINDOW ? read_register(ioapic) : 0;
}

static void write(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct ioapic *ioapic = device;

	if (offset == AT_SELECT)
		ioapic->select = value;
	else if (offset == AT_WINDOW && bytes == 4)
		write_register(ioapic, value);
	else if (offset == AT_EOI)
		retire(ioapic, value);
}

void ioapic_init(struct ioapic *ioapic, struct bus *bus)
{
	unsigned int pin;

	*ioapic = (struct ioapic) {
		.bus = bus,
		.range = { .space = BUS_MEMORY, .bytes = IOAPIC_BYTES, .device = ioapic,
			   .read = read, .write = write },
	};
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic->entry[pin] = ENTRY_MASKED;
	bus_add(bus, &ioapic->range);
	bus_place(bus, &ioapic->range, IOAPIC_BASE, true);
}
