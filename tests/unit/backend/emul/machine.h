/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A guest's memory, a bus and an I/O APIC around the device under test, and a record of
 * what came out of them.
 */
#ifndef TEST_EMUL_MACHINE_H
#define TEST_EMUL_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "emul/ioapic.h"

enum {
	RAM_BYTES = 1 << 20,
	VECTOR_FIRST = 0x30,	/* of pin 0; each pin has its own once enabled */
};

struct machine {
	uint8_t ram[RAM_BYTES];
	struct emul_host host;
	struct bus bus;
	struct ioapic ioapic;
	unsigned int interrupts;
	struct emul_interrupt last;
	bool wanted[0x10000];	/* ports that are intercepted */
};

extern struct machine machine;

/* Setup of a test: everything as new. */
int machine_setup(void **state);
/* Unmasks a pin as edge-triggered, with its vector. */
void enable_pin(unsigned int pin);
uint32_t in(uint16_t port, unsigned int bytes);
void out(uint16_t port, unsigned int bytes, uint32_t value);
uint32_t load(uint64_t at);
void store(uint64_t at, uint32_t value);
/* How many interrupts came since it was asked last. */
unsigned int interrupts(void);

#define ON_MACHINE(test) cmocka_unit_test_setup(test, machine_setup)

#endif
