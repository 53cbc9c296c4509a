/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Between the parts of the network card: e1000.c (registers, interrupts), e1000_phy.c
 * (EEPROM, transceiver), e1000_rx.c, e1000_tx.c. Register offsets are those of
 * [8254x table 13-2 "Ethernet Controller Register Summary"].
 */
#ifndef EMUL_E1000_INTERNAL_H
#define EMUL_E1000_INTERNAL_H

#include "emul/e1000.h"

enum {
	REG_CTRL = 0x0000, REG_STATUS = 0x0008, REG_EECD = 0x0010, REG_EERD = 0x0014,
	REG_MDIC = 0x0020, REG_VET = 0x0038, REG_ICR = 0x00c0, REG_ITR = 0x00c4, REG_ICS = 0x00c8,
	REG_IMS = 0x00d0, REG_IMC = 0x00d8, REG_RCTL = 0x0100, REG_TCTL = 0x0400,
	REG_LEDCTL = 0x0e00, REG_PBA = 0x1000,
	REG_RDBAL = 0x2800, REG_RDBAH = 0x2804, REG_RDLEN = 0x2808, REG_RDH = 0x2810,
	REG_RDT = 0x2818,
	REG_TDBAL = 0x3800, REG_TDBAH = 0x3804, REG_TDLEN = 0x3808, REG_TDH = 0x3810,
	REG_TDT = 0x3818,
	REG_STATISTICS = 0x4000, REG_STATISTICS_END = 0x4100,
	REG_MPC = 0x4010, REG_GPRC = 0x4074, REG_BPRC = 0x4078, REG_MPRC = 0x407c, REG_GPTC = 0x4080,
	REG_GORCL = 0x4088, REG_GOTCL = 0x4090, REG_TORL = 0x40c0, REG_TOTL = 0x40c8,
	REG_TPR = 0x40d0, REG_TPT = 0x40d4, REG_MPTC = 0x40f0, REG_BPTC = 0x40f4,
	REG_TSCTC = 0x40f8,
	REG_MTA = 0x5200, REG_RAL = 0x5400, REG_RAH = 0x5404, REG_VFTA = 0x5600,
	ADDRESSES = 16,
};

#define CTRL_RESET	0x04000000u
#define CTRL_VLANS	0x40000000u
#define CTRL_PHY_RESET	0x80000000u
/* Causes of interrupts. */
#define CAUSE_TX_DONE	0x00000001u
#define CAUSE_TX_EMPTY	0x00000002u
#define CAUSE_LINK	0x00000004u
#define CAUSE_RX_LOW	0x00000010u
#define CAUSE_RX_OVERRUN 0x00000040u
#define CAUSE_RX	0x00000080u
#define CAUSE_MDIO	0x00000200u
#define CAUSES		0x0000ffffu

static inline uint32_t *e1000_reg(struct e1000 *e1000, unsigned int at)
{
	return &e1000->reg[at / 4];
}

static inline uint32_t e1000_get(const struct e1000 *e1000, unsigned int at)
{
	return e1000->reg[at / 4];
}

/* A ring of descriptors of 16 bytes: base and length, head and tail as the guest set them. */
struct e1000_ring {
	uint64_t base;
	uint32_t count, head, tail;
};

struct e1000_ring e1000_ring(const struct e1000 *e1000, unsigned int at);
void e1000_cause(struct e1000 *e1000, uint32_t causes);
/* Adds to a counter of packets, or to one of bytes, which has 64 bits. */
void e1000_count(struct e1000 *e1000, unsigned int at, unsigned int count);
void e1000_count_bytes(struct e1000 *e1000, unsigned int at, unsigned int bytes);

void e1000_eeprom_init(struct e1000 *e1000, const uint8_t mac[6]);
uint32_t e1000_eeprom_read_wires(const struct e1000 *e1000);
void e1000_eeprom_write_wires(struct e1000 *e1000, uint32_t value);
uint32_t e1000_eeprom_read_word(const struct e1000 *e1000, uint32_t request);
void e1000_phy_reset(struct e1000 *e1000);
uint32_t e1000_phy_access(struct e1000 *e1000, uint32_t request);

/* The tail has moved. */
void e1000_transmit(struct e1000 *e1000);

#endif
