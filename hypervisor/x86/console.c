/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A polled 16550. A line that is not there (reads all ones) is not written to.
 */
#include "core/platform.h"
#include "x86/insn.h"
#include "x86/x86.h"

enum { DATA = 0, INTERRUPTS = 1, FIFO = 2, LINE = 3, MODEM = 4, STATUS = 5 };

#define LINE_8N1	0x03
#define LINE_DIVISOR	0x80
#define STATUS_EMPTY	0x20
#define SPINS_MAX	100000	/* a line that never drains must not stop the machine */

static uint16_t base;

void console_init(uint16_t port)
{
	if (!port || inb(port + STATUS) == 0xff)
		return;
	base = port;
	outb(base + INTERRUPTS, 0);
	outb(base + LINE, LINE_DIVISOR);
	outb(base + DATA, 1);
	outb(base + INTERRUPTS, 0);
	outb(base + LINE, LINE_8N1);
	outb(base + FIFO, 0x07);
	outb(base + MODEM, 0x03);
}

uint16_t console_port(void) { return base; }

static void write_byte(uint8_t c)
{
	for (unsigned int i = 0; i < SPINS_MAX && !(inb(base + STATUS) & STATUS_EMPTY); i++)
		cpu_pause();
	outb(base + DATA, c);
}

void plat_log_write(const char *text, size_t bytes)
{
	if (!base)
		return;
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n')
			write_byte('\r');
		write_byte(text[i]);
	}
}
