/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * I/O APIC with 24 pins [82093AA], and the EOI register of its successors
 * (version 0x20) [ICH 5.8.5 "I/O APIC Memory-Mapped Registers"]. Pure.
 *
 * The hypervisor does not tell when a guest's local APIC retires a vector, so all
 * lines are described to guests as edge-triggered, and every pin counts the edges of
 * each of its sources. A guest that makes a pin level-triggered all the same must
 * retire it with the EOI register, as Linux does when it sees an edge there.
 */
#ifndef EMUL_IOAPIC_H
#define EMUL_IOAPIC_H

#include "emul/bus.h"

#define IOAPIC_BASE 0xfec00000ull	/* dsdt and MADT say it too */

enum {
	IOAPIC_PINS = 24,
	IOAPIC_BYTES = 0x1000,
};

struct ioapic {
	struct bus *bus;
	struct bus_range range;
	uint8_t select;
	uint8_t id;
	uint64_t entry[IOAPIC_PINS];
	uint32_t sources[IOAPIC_PINS];	/* a bit per device that asserts the pin now */
};

/* On the bus at IOAPIC_BASE, all pins masked. */
void ioapic_init(struct ioapic *ioapic, struct bus *bus);
/* Source 0 to 31 of a pin asserts it, or stops to. */
void ioapic_set(struct ioapic *ioapic, unsigned int pin, unsigned int source, bool level);

#endif
