/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Serial port 16550 at COM1 [PC16550D]. Characters are on the line as soon as they are
 * written, so its transmitter is always empty; speed and parity are remembered only. Pure.
 */
#ifndef EMUL_UART_H
#define EMUL_UART_H

#include "emul/ioapic.h"

enum {
	UART_BASE = 0x3f8,	/* ssdt_serial.asl says it too */
	UART_PIN = 4,
	UART_FIFO = 16,
};

struct uart {
	struct ioapic *ioapic;
	struct bus_range range;
	void (*transmit)(void *context, uint8_t byte);
	void *context;
	uint8_t enable, fifo_control, line_control, modem_control, scratch;
	uint8_t line_errors;	/* of the line status: overrun */
	uint8_t modem_changes;	/* low half of the modem status */
	uint16_t divisor;
	bool transmit_owed;	/* "transmitter empty" has not been seen since it became so */
	uint8_t received[UART_FIFO];
	unsigned int used;
};

void uart_init(struct uart *uart, struct bus *bus, struct ioapic *ioapic,
	       void (*transmit)(void *context, uint8_t byte), void *context);
/* How many characters there is room for. */
unsigned int uart_room(const struct uart *uart);
/* One comes over the line; without room it is lost, which the guest can see. */
void uart_receive(struct uart *uart, uint8_t byte);

#endif
