// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Network card: registers and interrupts; see e1000.h.
 */
#include <string.h>

#include "emul/e1000_internal.h"

enum {
	MEMORY_BYTES = 0x20000,
	IO_BYTES = 8,
	IO_DATA = 4,
	DESCRIPTOR_BYTES = 16,
};

/* Full duplex, link up, 1000 Mbit/s as set and as detected. */
#define STATUS_VALUE	0x00000383u
#define RING_MASK	0x000fff80u
#define ITR_UNIT_NS	256u
#define RAH_VALID	0x80000000u
#define PBA_DEFAULT	0x00100030u	/* 48 KiB to receive, 16 to send */

static void raise_or_wait(struct e1000 *e1000)
{
	bool pending = e1000_get(e1000, REG_ICR) & e1000_get(e1000, REG_IMS);
	uint64_t now;

	if (!pending) {
		e1000->owed = false;
		pci_interrupt(&e1000->pci, 0, false);
		return;
	}
	if (e1000->pci.asserted)
		return;
	now = e1000->now(e1000->owner);
	e1000->owed = now < e1000->quiet_until;
	if (e1000->owed)
		return;
	e1000->quiet_until = now + (e1000_get(e1000, REG_ITR) & 0xffff) * ITR_UNIT_NS;
	pci_interrupt(&e1000->pci, 0, true);
}

void e1000_cause(struct e1000 *e1000, uint32_t causes)
{
	*e1000_reg(e1000, REG_ICR) |= causes & CAUSES;
	raise_or_wait(e1000);
}

uint64_t e1000_next(const struct e1000 *e1000)
{
	return e1000->owed ? e1000->quiet_until : E1000_NEVER;
}

void e1000_expire(struct e1000 *e1000)
{
	raise_or_wait(e1000);
}

struct e1000_ring e1000_ring(const struct e1000 *e1000, unsigned int at)
{
	return (struct e1000_ring) {
		.base = (e1000_get(e1000, at) & ~15ull) | (uint64_t)e1000_get(e1000, at + 4) << 32,
		.count = (e1000_get(e1000, at + 8) & RING_MASK) / DESCRIPTOR_BYTES,
		.head = e1000_get(e1000, at + 0x10) & 0xffff,
		.tail = e1000_get(e1000, at + 0x18) & 0xffff,
	};
}

void e1000_count(struct e1000 *e1000, unsigned int at, unsigned int count)
{
	uint32_t *counter = e1000_reg(e1000, at);

	/* They stick at their end. */
	*counter = *counter > UINT32_MAX - count ? UINT32_MAX : *counter + count;
}

void e1000_count_bytes(struct e1000 *e1000, unsigned int at, unsigned int bytes)
{
	uint64_t sum = e1000_get(e1000, at) | (uint64_t)e1000_get(e1000, at + 4) << 32;

	sum += bytes;
	*e1000_reg(e1000, at) = sum;
	*e1000_reg(e1000, at + 4) = sum >> 32;
}

/* The address comes out of the EEPROM again [8254x 14.3 "Initialization"]. */
static void reset(struct e1000 *e1000)
{
	const uint16_t *mac = e1000->eeprom.word;

	memset(e1000->reg, 0, sizeof(e1000->reg));
	memset(&e1000->context, 0, sizeof(e1000->context));
	memset(&e1000->segment_context, 0, sizeof(e1000->segment_context));
	e1000->packet.begun = false;
	e1000->packet.bytes = 0;
	e1000->quiet_until = 0;
	*e1000_reg(e1000, REG_PBA) = PBA_DEFAULT;
	*e1000_reg(e1000, REG_RAL) = mac[0] | (uint32_t)mac[1] << 16;
	*e1000_reg(e1000, REG_RAH) = mac[2] | RAH_VALID;
	e1000_phy_reset(e1000);
	raise_or_wait(e1000);
}

static uint32_t take(struct e1000 *e1000, unsigned int at)
{
	uint32_t value = e1000_get(e1000, at);

	*e1000_reg(e1000, at) = 0;
	return value;
}

static uint32_t read_register(struct e1000 *e1000, unsigned int at)
{
	uint32_t value;

	if (at >= E1000_REGISTER_BYTES)
		return 0;
	switch (at) {
	case REG_STATUS:
		return STATUS_VALUE;
	case REG_EECD:
		return e1000_eeprom_read_wires(e1000);
	case REG_ICR:
		value = take(e1000, REG_ICR);
		raise_or_wait(e1000);
		return value;
	case REG_ICS:
	case REG_IMC:
		return 0;
	}
	if (at >= REG_STATISTICS && at < REG_STATISTICS_END)
		return take(e1000, at);
	return e1000_get(e1000, at);
}

static void write_control(struct e1000 *e1000, uint32_t value)
{
	*e1000_reg(e1000, REG_CTRL) = value & ~(CTRL_RESET | CTRL_PHY_RESET);
	if (value & CTRL_RESET)
		reset(e1000);
	else if (value & CTRL_PHY_RESET)
		e1000_phy_reset(e1000);
}

static void write_register(struct e1000 *e1000, unsigned int at, uint32_t value)
{
	if (at >= E1000_REGISTER_BYTES)
		return;
	switch (at) {
	case REG_CTRL:
		write_control(e1000, value);
		return;
	case REG_STATUS:
		return;
	case REG_EECD:
		e1000_eeprom_write_wires(e1000, value);
		return;
	case REG_EERD:
		*e1000_reg(e1000, at) = e1000_eeprom_read_word(e1000, value);
		return;
	case REG_MDIC:
		*e1000_reg(e1000, at) = e1000_phy_access(e1000, value);
		return;
	case REG_ICR:	/* ones written clear */
		*e1000_reg(e1000, REG_ICR) &= ~value;
		raise_or_wait(e1000);
		return;
	case REG_ICS:
		e1000_cause(e1000, value);
		return;
	case REG_IMS:
		*e1000_reg(e1000, REG_IMS) |= value & CAUSES;
		raise_or_wait(e1000);
		return;
	case REG_IMC:
		*e1000_reg(e1000, REG_IMS) &= ~value;
		raise_or_wait(e1000);
		return;
	}
	if (at >= REG_STATISTICS && at < REG_STATISTICS_END)
		return;
	*e1000_reg(e1000, at) = value;
	if (at == REG_TDT || at == REG_TCTL)
		e1000_transmit(e1000);
}

/* Registers have 32 bits; narrower writes are not defined, and not done. */
static uint64_t read_memory(void *device, unsigned int offset, unsigned int bytes)
{
	uint64_t value = read_register(device, offset & ~3u);

	if (bytes == 8)
		value |= (uint64_t)read_register(device, (offset & ~3u) + 4) << 32;
	return value >> 8 * (offset & 3);
}

static void tell(struct e1000 *e1000)
{
	if (e1000->changed)
		e1000->changed(e1000->owner);
}

static void write_memory(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	if (bytes < 4 || offset & 3)
		return;
	write_register(device, offset, value);
	if (bytes == 8)
		write_register(device, offset + 4, value >> 32);
	tell(device);
}

/* A window of two ports [8254x 13.2.2 "I/O-Mapped Internal Register, Internal Memory"]. */
static uint64_t read_io(void *device, unsigned int offset, unsigned int bytes)
{
	struct e1000 *e1000 = device;

	if (bytes != 4 || (offset && offset != IO_DATA))
		return ~0ull;
	return offset == IO_DATA ? read_memory(e1000, e1000->io_address, 4) : e1000->io_address;
}

static void write_io(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct e1000 *e1000 = device;

	if (bytes != 4)
		return;
	if (offset == IO_DATA)
		write_memory(e1000, e1000->io_address, 4, value);
	else if (offset == 0)
		e1000->io_address = value & (MEMORY_BYTES - 4);
}

bool e1000_init(struct e1000 *e1000, struct pci *pci, const uint8_t mac[6],
		void (*send)(void *context, const uint8_t *frame, unsigned int bytes),
		uint64_t (*now)(void *context), void (*changed)(void *context), void *owner)
{
	static const struct pci_identity identity = {
		.vendor = 0x8086, .device = 0x100e, .revision = 2, .class = 0x020000,
		.subsystem_vendor = 0x8086, .subsystem = 0x001e, .has_interrupt = true,
	};
	const struct bus_range memory = { .space = BUS_MEMORY, .bytes = MEMORY_BYTES,
					  .device = e1000, .read = read_memory,
					  .write = write_memory };
	const struct bus_range io = { .space = BUS_PORTS, .bytes = IO_BYTES, .device = e1000,
				      .read = read_io, .write = write_io };

	*e1000 = (struct e1000) {
		.host = pci->bus->host, .send = send, .now = now, .changed = changed, .owner = owner,
	};
	if (!pci_add(pci, &e1000->pci, &identity))
		return false;
	pci_add_bar(&e1000->pci, 0, &memory);
	pci_add_bar(&e1000->pci, 2, &io);
	e1000_eeprom_init(e1000, mac);
	reset(e1000);
	pci_start(&e1000->pci);
	return true;
}
