/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A polled 16550. A line that is not there (reads all ones) is not written to.
 */
#include "x86/x86.h"

enum { DATA = 0, INTERRUPTS = 1, FIFO = 2, LINE = 3, MODEM = 4, STATUS = 5 };

#define LINE_8N1	0x03
#define LINE_DIVISOR	0x80
#define STATUS_DATA	0x01
#define STATUS_EMPTY	0x20
#define SPINS_MAX	100000	/* a line that never drains must not stop the machine */

static uint16_t base;

bool serial_init(uint16_t port)
{
	if (!port || inb(port + STATUS) == 0xff)
		return false;
	outb(port + INTERRUPTS, 0);
	outb(port + LINE, LINE_DIVISOR);
	outb(port + DATA, 1);
	outb(port + INTERRUPTS, 0);
	outb(port + LINE, LINE_8N1);
	outb(port + FIFO, 0x07);
	outb(port + MODEM, 0x03);
	return true;
}

void serial_write(uint16_t port, uint8_t c)
{
	for (unsigned int i = 0; i < SPINS_MAX && !(inb(port + STATUS) & STATUS_EMPTY); i++)
		cpu_pause();
	outb(port + DATA, c);
}

bool serial_has(uint16_t port) { return inb(port + STATUS) & STATUS_DATA; }

uint8_t serial_read(uint16_t port)
{
	while (!serial_has(port))
		cpu_pause();
	return inb(port + DATA);
}

void console_init(uint16_t port) { base = serial_init(port) ? port : 0; }
uint16_t console_port(void) { return base; }

void plat_log_write(const char *text, size_t bytes)
{
	for (size_t i = 0; base && i < bytes; i++) {
		if (text[i] == '\n')
			serial_write(base, '\r');
		serial_write(base, text[i]);
	}
}
