/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * PCI bus 0 behind configuration mechanism #1 [PCI 2.3 3.2.2.3.2 "Software Generation
 * of Configuration Transactions"], with its host bridge, an Intel 82441FX, as device 0.
 * Other devices have one function, one interrupt (INTA), no capabilities. Pure.
 *
 * Firmware's part is done at start: base addresses are given out and decoded. Guests
 * may move them.
 */
#ifndef EMUL_PCI_H
#define EMUL_PCI_H

#include "emul/ioapic.h"

enum {
	PCI_DEVICES = 9,	/* ssdt_pci.asl routes slots 1 to 8 to pins 16 to 23 */
	PCI_CONFIG_BYTES = 256,
	PCI_BARS = 6,
	PCI_PIN_FIRST = 16,	/* of slot 1 */
};

/* Window for memory of devices; ssdt_pci.asl says it too. */
#define PCI_MEMORY_BASE		0xc0000000ull
#define PCI_MEMORY_END		0xfe000000ull
#define PCI_PORTS_BASE		0xc000u

struct pci_bar {
	bool is_port;
	uint32_t bytes;		/* power of 2; 0: there is none */
	struct bus_range range;
};

struct pci_device {
	struct pci *pci;
	unsigned int slot;
	uint8_t config[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES];	/* bits that a guest may set */
	struct pci_bar bar[PCI_BARS];
	uint32_t asserted;			/* by the device: a bit per reason */
};

struct pci {
	struct bus *bus;
	struct ioapic *ioapic;
	struct bus_range address_range, data_range;
	uint32_t address;			/* port 0xcf8 */
	uint32_t next_port, next_memory;	/* to give out */
	struct pci_device host_bridge;
	struct pci_device *slot[PCI_DEVICES];
};

struct pci_identity {
	uint16_t vendor, device;
	uint8_t revision;
	uint32_t class;			/* 24 bits: class, subclass, programming interface */
	uint16_t subsystem_vendor, subsystem;
	bool has_interrupt;
};

void pci_init(struct pci *pci, struct bus *bus, struct ioapic *ioapic);
/* Into the next slot; false: none is free. Then its BARs, then pci_start(). */
bool pci_add(struct pci *pci, struct pci_device *device, const struct pci_identity *identity);
/* `range` says bytes, device, read and write. */
void pci_add_bar(struct pci_device *device, unsigned int index, const struct bus_range *range);
/* Gives out addresses and switches decoding and bus mastering on, as firmware does. */
void pci_start(struct pci_device *device);
/* A reason (0 to 31) to interrupt comes or goes. */
void pci_interrupt(struct pci_device *device, unsigned int reason, bool level);
/* May it read and write memory? */
bool pci_is_master(const struct pci_device *device);

#endif
