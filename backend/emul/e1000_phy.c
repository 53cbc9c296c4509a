// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Network card: its EEPROM, by wires or word by word, and its transceiver, a Marvell
 * 88E1011 that has always just agreed on 1000 Mbit/s; see e1000.h.
 */
#include <string.h>

#include "emul/e1000_internal.h"

enum {
	WORD_CHECKSUM = 0x3f,
	COMMAND_BITS = 9,	/* start, two of the operation, six of the address */
	PHY_ADDRESS = 1,
};

/* EEPROM wires [8254x 13.4.3 "EEPROM/Flash Control & Data Register"]. */
#define WIRE_CLOCK	0x001u
#define WIRE_SELECT	0x002u
#define WIRE_IN		0x004u	/* into the EEPROM */
#define WIRE_OUT	0x008u
#define WIRE_REQUEST	0x040u
#define WIRE_GRANT	0x080u
#define WIRE_PRESENT	0x100u
#define WIRES_KEPT	(WIRE_CLOCK | WIRE_SELECT | WIRE_IN | WIRE_REQUEST | 0x30u)
#define COMMAND_READ	6u	/* start bit and operation */
#define EEPROM_SUM	0xbabau
/* Read word by word [8254x 13.4.4 "EEPROM Read Register"]. */
#define READ_START	0x01u
#define READ_DONE	0x10u
/* Transceiver [8254x 13.4.7 "MDI Control Register"]. */
#define MDIC_WRITE	(1u << 26)
#define MDIC_READ	(2u << 26)
#define MDIC_OPERATION	(3u << 26)
#define MDIC_READY	(1u << 28)
#define MDIC_INTERRUPT	(1u << 29)
#define MDIC_ERROR	(1u << 30)
#define PHY_CONTROL	0
#define PHY_STATUS	1
#define CONTROL_RESET	0x8000u
#define CONTROL_RESTART	0x0200u

void e1000_eeprom_init(struct e1000 *e1000, const uint8_t mac[6])
{
	uint16_t *word = e1000->eeprom.word, sum = 0;
	unsigned int i;

	memset(word, 0, sizeof(e1000->eeprom.word));
	for (i = 0; i < 3; i++)
		word[i] = mac[2 * i] | mac[2 * i + 1] << 8;
	word[0x0a] = 0x4408;	/* initialization control: its values are to be used */
	word[0x0b] = 0x001e;	/* subsystem */
	word[0x0c] = 0x8086;
	word[0x0d] = 0x100e;
	word[0x0e] = 0x8086;
	word[0x0f] = 0x3040;
	for (i = 0; i < WORD_CHECKSUM; i++)
		sum += word[i];
	word[WORD_CHECKSUM] = EEPROM_SUM - sum;
}

uint32_t e1000_eeprom_read_wires(const struct e1000 *e1000)
{
	uint32_t wires = e1000_get(e1000, REG_EECD) | WIRE_PRESENT;

	if (wires & WIRE_REQUEST)
		wires |= WIRE_GRANT;
	if (e1000->eeprom.out & 0x8000)
		wires |= WIRE_OUT;
	return wires;
}

/* A rising clock: a bit of the command goes in, or the next one of the word comes out. */
static void clock_eeprom(struct e1000_eeprom *eeprom, bool bit)
{
	/* Zeros before the start bit are nothing. */
	if (!eeprom->started && !bit)
		return;
	eeprom->started = true;
	if (eeprom->clocks < COMMAND_BITS) {
		eeprom->in = eeprom->in << 1 | bit;
		eeprom->clocks++;
		/* The word is preceded by a zero, which is out now. */
		eeprom->out = 0;
		return;
	}
	if (eeprom->clocks == COMMAND_BITS)
		eeprom->out = eeprom->in >> 6 == COMMAND_READ ?
				      eeprom->word[eeprom->in & (E1000_EEPROM_WORDS - 1)] : 0xffff;
	else
		eeprom->out <<= 1;
	eeprom->clocks++;
}

void e1000_eeprom_write_wires(struct e1000 *e1000, uint32_t value)
{
	struct e1000_eeprom *eeprom = &e1000->eeprom;
	uint32_t before = e1000_get(e1000, REG_EECD);

	*e1000_reg(e1000, REG_EECD) = value & WIRES_KEPT;
	if (!(value & WIRE_SELECT)) {
		eeprom->clocks = 0;
		eeprom->in = 0;
		eeprom->out = 0x8000;	/* ready */
		eeprom->started = false;
		return;
	}
	if (value & ~before & WIRE_CLOCK)
		clock_eeprom(eeprom, value & WIRE_IN);
}

uint32_t e1000_eeprom_read_word(const struct e1000 *e1000, uint32_t request)
{
	unsigned int address = request >> 8 & 0xff;
	uint16_t word = address < E1000_EEPROM_WORDS ? e1000->eeprom.word[address] : 0xffff;

	if (!(request & READ_START))
		return request;
	return (request & 0xff00) | READ_DONE | (uint32_t)word << 16;
}

void e1000_phy_reset(struct e1000 *e1000)
{
	static const uint16_t values[E1000_PHY_REGISTERS] = {
		[0] = 0x1140,	/* autonegotiation, full duplex, 1000 Mbit/s */
		[1] = 0x796d,	/* all modes; negotiated, link up */
		[2] = 0x0141, [3] = 0x0c20,	/* 88E1011 */
		[4] = 0x0de1,	/* offered */
		[5] = 0x4de1,	/* the partner's, and its acknowledgement */
		[6] = 0x0001,
		[9] = 0x0e00, [10] = 0x3c00,	/* 1000BASE-T, both sides */
		[15] = 0x3000,
		[16] = 0x0068,
		[17] = 0xac08,	/* 1000, full duplex, resolved, link up */
		[20] = 0x0d60,
	};

	memcpy(e1000->phy, values, sizeof(values));
}

static bool is_read_only(unsigned int number)
{
	return number == 1 || number == 2 || number == 3 || number == 5 || number == 6 ||
	       number == 10 || number == 15 || number == 17;
}

static void write_phy(struct e1000 *e1000, unsigned int number, uint16_t value)
{
	if (is_read_only(number))
		return;
	if (number != PHY_CONTROL) {
		e1000->phy[number] = value;
		return;
	}
	if (value & CONTROL_RESET)
		e1000_phy_reset(e1000);
	e1000->phy[PHY_CONTROL] = value & ~(CONTROL_RESET | CONTROL_RESTART);
	/* Negotiation is over as soon as it begins. */
	if (value & (CONTROL_RESET | CONTROL_RESTART))
		e1000_cause(e1000, CAUSE_LINK);
}

uint32_t e1000_phy_access(struct e1000 *e1000, uint32_t request)
{
	unsigned int number = request >> 16 & 31, address = request >> 21 & 31;
	uint32_t operation = request & MDIC_OPERATION, result = request & ~MDIC_ERROR;

	if (address != PHY_ADDRESS || (operation != MDIC_READ && operation != MDIC_WRITE))
		result |= MDIC_ERROR;
	else if (operation == MDIC_WRITE)
		write_phy(e1000, number, request);
	else
		result = (result & 0xffff0000) | e1000->phy[number];
	if (request & MDIC_INTERRUPT)
		e1000_cause(e1000, CAUSE_MDIO);
	return result | MDIC_READY;
}
