// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * PCI bus 0; see pci.h. Chapters are those of [PCI 2.3].
 */
#include "emul/pci.h"

#include <string.h>

/* Configuration header [PCI 2.3 6.1 "Configuration Space Organization"]. */
enum {
	AT_VENDOR = 0x00,
	AT_DEVICE = 0x02,
	AT_COMMAND = 0x04,
	AT_STATUS = 0x06,
	AT_REVISION = 0x08,
	AT_CLASS = 0x09,
	AT_CACHE_LINE = 0x0c,
	AT_LATENCY = 0x0d,
	AT_BARS = 0x10,
	AT_SUBSYSTEM_VENDOR = 0x2c,
	AT_SUBSYSTEM = 0x2e,
	AT_LINE = 0x3c,
	AT_PIN = 0x3d,
	PORT_ADDRESS = 0xcf8,
	PORT_DATA = 0xcfc,
};

#define COMMAND_PORTS		0x0001
#define COMMAND_MEMORY		0x0002
#define COMMAND_MASTER		0x0004
#define COMMAND_NO_INTERRUPT	0x0400
#define COMMAND_WRITABLE	0x0547
#define STATUS_INTERRUPT	0x0008
#define ADDRESS_ENABLE		0x80000000u
#define ADDRESS_WRITABLE	0x80fffffcu
#define BAR_IS_PORT		1u
#define PIN_INTA		1

static void put(uint8_t *config, unsigned int at, uint32_t value, unsigned int bytes)
{
	memcpy(config + at, &value, bytes);
}

static uint32_t get(const uint8_t *config, unsigned int at, unsigned int bytes)
{
	uint32_t value = 0;

	memcpy(&value, config + at, bytes);
	return value;
}

static uint16_t command_of(const struct pci_device *device)
{
	return get(device->config, AT_COMMAND, 2);
}

/* Ranges follow what the header says: address, and whether it is decoded. */
static void place_bars(struct pci_device *device)
{
	unsigned int i;

	for (i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &device->bar[i];
		uint32_t base = get(device->config, AT_BARS + 4 * i, 4) & ~(bar->bytes - 1);
		uint16_t wanted = bar->is_port ? COMMAND_PORTS : COMMAND_MEMORY;
		bool on = command_of(device) & wanted && base;

		if (!bar->bytes)
			continue;
		/* While its size is being asked for, it lies at the end of all addresses. */
		if (bar->is_port && base > 0x10000 - bar->bytes)
			on = false;
		bus_place(device->pci->bus, &bar->range, base, on);
	}
}

static void update_interrupt(struct pci_device *device)
{
	bool masked = command_of(device) & COMMAND_NO_INTERRUPT;
	unsigned int reason;

	if (device->asserted)
		device->config[AT_STATUS] |= STATUS_INTERRUPT;
	else
		device->config[AT_STATUS] &= ~STATUS_INTERRUPT;
	if (!device->slot)
		return;
	for (reason = 0; reason < 32; reason++)
		ioapic_set(device->pci->ioapic, PCI_PIN_FIRST + device->slot - 1, reason,
			   !masked && device->asserted >> reason & 1);
}

static void write_config(struct pci_device *device, unsigned int at, unsigned int bytes,
			 uint32_t value)
{
	unsigned int i;

	for (i = 0; i < bytes; i++) {
		uint8_t *cell = &device->config[at + i], mask = device->writable[at + i];

		*cell = (*cell & ~mask) | (value >> 8 * i & mask);
	}
	if (at < AT_BARS + 4 * PCI_BARS && at + bytes > AT_COMMAND) {
		place_bars(device);
		update_interrupt(device);
	}
}

/* The device that the address names, or NULL. */
static struct pci_device *addressed(const struct pci *pci)
{
	unsigned int bus = pci->address >> 16 & 0xff, slot = pci->address >> 11 & 0x1f;
	unsigned int function = pci->address >> 8 & 7;

	if (!(pci->address & ADDRESS_ENABLE) || bus || function || slot >= PCI_DEVICES)
		return NULL;
	return pci->slot[slot];
}

static uint64_t read_data(void *context, unsigned int offset, unsigned int bytes)
{
	const struct pci *pci = context;
	const struct pci_device *device = addressed(pci);

	if (!device)
		return ~0ull;
	return get(device->config, (pci->address & 0xfc) + offset, bytes);
}

static void write_data(void *context, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct pci *pci = context;
	struct pci_device *device = addressed(pci);

	if (device)
		write_config(device, (pci->address & 0xfc) + offset, bytes, value);
}

/* Only whole accesses are to the register; others would be to ports of the same number. */
static uint64_t read_address(void *context, unsigned int offset, unsigned int bytes)
{
	const struct pci *pci = context;

	return offset == 0 && bytes == 4 ? pci->address : ~0ull;
}

static void write_address(void *context, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct pci *pci = context;

	if (offset == 0 && bytes == 4)
		pci->address = value & ADDRESS_WRITABLE;
}

bool pci_add(struct pci *pci, struct pci_device *device, const struct pci_identity *identity)
{
	unsigned int slot = 0;

	while (slot < PCI_DEVICES && pci->slot[slot])
		slot++;
	if (slot == PCI_DEVICES)
		return false;
	*device = (struct pci_device) { .pci = pci, .slot = slot };
	put(device->config, AT_VENDOR, identity->vendor, 2);
	put(device->config, AT_DEVICE, identity->device, 2);
	put(device->config, AT_REVISION, identity->revision, 1);
	put(device->config, AT_CLASS, identity->class, 3);
	put(device->config, AT_SUBSYSTEM_VENDOR, identity->subsystem_vendor, 2);
	put(device->config, AT_SUBSYSTEM, identity->subsystem, 2);
	put(device->writable, AT_COMMAND, COMMAND_WRITABLE, 2);
	device->writable[AT_CACHE_LINE] = 0xff;
	device->writable[AT_LATENCY] = 0xf8;
	if (identity->has_interrupt) {
		device->config[AT_PIN] = PIN_INTA;
		device->config[AT_LINE] = PCI_PIN_FIRST + slot - 1;
		device->writable[AT_LINE] = 0xff;
	}
	pci->slot[slot] = device;
	return true;
}

void pci_add_bar(struct pci_device *device, unsigned int index, const struct bus_range *range)
{
	struct pci_bar *bar = &device->bar[index];
	unsigned int at = AT_BARS + 4 * index;

	bar->is_port = range->space == BUS_PORTS;
	/* The smallest that can be told from its kind bits. */
	bar->bytes = range->bytes < (bar->is_port ? 4u : 16u) ? (bar->is_port ? 4u : 16u) :
								  range->bytes;
	bar->range = *range;
	put(device->config, at, bar->is_port ? BAR_IS_PORT : 0, 4);
	put(device->writable, at, ~(bar->bytes - 1), 4);
	bus_add(device->pci->bus, &bar->range);
}

static uint32_t give_out(uint32_t *next, uint32_t bytes)
{
	uint32_t base = (*next + bytes - 1) & ~(bytes - 1);

	*next = base + bytes;
	return base;
}

void pci_start(struct pci_device *device)
{
	uint16_t command = COMMAND_MASTER;
	unsigned int i;

	for (i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &device->bar[i];
		unsigned int at = AT_BARS + 4 * i;
		uint32_t *next = bar->is_port ? &device->pci->next_port : &device->pci->next_memory;

		if (!bar->bytes)
			continue;
		put(device->config, at, give_out(next, bar->bytes) | device->config[at], 4);
		command |= bar->is_port ? COMMAND_PORTS : COMMAND_MEMORY;
	}
	put(device->config, AT_COMMAND, command, 2);
	place_bars(device);
}

void pci_interrupt(struct pci_device *device, unsigned int reason, bool level)
{
	uint32_t bit = 1u << reason;

	if (!(device->asserted & bit) == !level)
		return;
	device->asserted ^= bit;
	update_interrupt(device);
}

bool pci_is_master(const struct pci_device *device)
{
	return command_of(device) & COMMAND_MASTER;
}

void pci_init(struct pci *pci, struct bus *bus, struct ioapic *ioapic)
{
	static const struct pci_identity host_bridge = {
		.vendor = 0x8086, .device = 0x1237, .revision = 2, .class = 0x060000,
	};

	*pci = (struct pci) {
		.bus = bus,
		.ioapic = ioapic,
		.address_range = { .space = BUS_PORTS, .bytes = 4, .device = pci,
				   .read = read_address, .write = write_address },
		.data_range = { .space = BUS_PORTS, .bytes = 4, .device = pci,
				.read = read_data, .write = write_data },
		.next_port = PCI_PORTS_BASE,
		.next_memory = PCI_MEMORY_BASE,
	};
	bus_add(bus, &pci->address_range);
	bus_add(bus, &pci->data_range);
	bus_place(bus, &pci->address_range, PORT_ADDRESS, true);
	bus_place(bus, &pci->data_range, PORT_DATA, true);
	pci_add(pci, &pci->host_bridge, &host_bridge);
	put(pci->host_bridge.config, AT_COMMAND, COMMAND_MEMORY | COMMAND_MASTER, 2);
	put(pci->host_bridge.writable, AT_COMMAND, 0x0140, 2);
}
