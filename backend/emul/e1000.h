/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Network card Intel 82540EM [8254x: PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual], always connected at 1000 Mbit/s, full duplex. Pure: frames
 * come from and go to somebody else.
 *
 * Not there: wake-up, management, flash, flow control, time-stamps, loopback, delays of
 * single descriptors (RDTR, TIDV); interrupts are throttled by ITR. Frames are received
 * with zeros where their check sequence would be, and marked as not checked (IXSM).
 */
#ifndef EMUL_E1000_H
#define EMUL_E1000_H

#include "emul/pci.h"

enum {
	E1000_FRAME_MAX = 16384,	/* the largest that is sent or received */
	E1000_PACKET_MAX = 65536 + 256,	/* before it is cut into frames, header included */
	E1000_REGISTER_BYTES = 0x6000,	/* those that can be written and read back */
	E1000_EEPROM_WORDS = 64,
	E1000_PHY_REGISTERS = 32,
};

#define E1000_NEVER UINT64_MAX

/* What a context descriptor says, for those that come after it. */
struct e1000_context {
	uint8_t ip_start, ip_at, l4_start, l4_at, header_bytes;
	uint16_t ip_end, l4_end, segment_bytes;
	uint32_t payload_bytes;
	bool is_ip, is_tcp;
};

/* A packet that is being collected from its descriptors. */
struct e1000_packet {
	bool begun, too_long;
	bool segmented;		/* to be cut: TSE */
	bool ip_sum, l4_sum;	/* checksums are to be filled in */
	bool tagged;
	uint16_t tag;
	uint8_t sum_start, sum_at;	/* of a legacy descriptor */
	bool legacy_sum;
	unsigned int bytes;
	uint8_t data[E1000_PACKET_MAX];
};

/* Serial EEPROM behind four wires [8254x 5.3 "Microwire EEPROM"]. */
struct e1000_eeprom {
	uint16_t word[E1000_EEPROM_WORDS];
	unsigned int clocks;	/* since it was selected */
	uint32_t in;		/* bits that came */
	uint16_t out;
	bool started;
};

struct e1000 {
	struct pci_device pci;
	const struct emul_host *host;
	struct bus_range io;
	uint32_t io_address;
	uint32_t reg[E1000_REGISTER_BYTES / 4];
	uint16_t phy[E1000_PHY_REGISTERS];
	struct e1000_eeprom eeprom;
	struct e1000_context context, segment_context;
	struct e1000_packet packet;
	uint64_t quiet_until;	/* ns; no interrupt before */
	bool owed;		/* one, when it is quiet no more */
	void (*send)(void *context, const uint8_t *frame, unsigned int bytes);
	uint64_t (*now)(void *context);		/* ns */
	void (*changed)(void *context);		/* e1000_next() or _can_receive() may be */
	void *owner;
};

/* A free slot of the bus, or false. */
bool e1000_init(struct e1000 *e1000, struct pci *pci, const uint8_t mac[6],
		void (*send)(void *context, const uint8_t *frame, unsigned int bytes),
		uint64_t (*now)(void *context), void (*changed)(void *context), void *owner);
/* Is there a buffer for a frame? */
bool e1000_can_receive(const struct e1000 *e1000);
/* A frame from the wire, without its check sequence. What it does not want is dropped. */
void e1000_receive(struct e1000 *e1000, const uint8_t *frame, unsigned int bytes);
/* When e1000_expire() should be called; E1000_NEVER. */
uint64_t e1000_next(const struct e1000 *e1000);
void e1000_expire(struct e1000 *e1000);

#endif
