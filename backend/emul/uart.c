// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Serial port 16550; see uart.h. Numbers in brackets are chapters of the PC16550D's data
 * sheet.
 */
#include "emul/uart.h"

#include <string.h>

enum {
	REG_DATA, REG_ENABLE, REG_IDENTIFY, REG_LINE_CONTROL, REG_MODEM_CONTROL, REG_LINE_STATUS,
	REG_MODEM_STATUS, REG_SCRATCH, REGISTERS,
	REG_FIFO_CONTROL = REG_IDENTIFY,	/* when written */
};

/* Interrupt enable register [8.7]. */
#define ENABLE_RECEIVED		0x01
#define ENABLE_TRANSMITTER	0x02
#define ENABLE_LINE		0x04
#define ENABLE_MODEM		0x08
/* Interrupt identification register [8.6]. */
#define IDENTIFY_NONE		0x01
#define IDENTIFY_MODEM		0x00
#define IDENTIFY_TRANSMITTER	0x02
#define IDENTIFY_RECEIVED	0x04
#define IDENTIFY_TIMEOUT	0x0c
#define IDENTIFY_LINE		0x06
#define IDENTIFY_FIFOS		0xc0
/* FIFO control register [8.5]. */
#define FIFO_ON			0x01
#define FIFO_CLEAR_RECEIVED	0x02
#define LINE_DIVISOR		0x80	/* of the line control register: DLAB */
/* Modem control register [8.8] and modem status register [8.9]. */
#define MODEM_DTR		0x01
#define MODEM_RTS		0x02
#define MODEM_OUT1		0x04
#define MODEM_OUT2		0x08	/* on a PC: lets the interrupt through */
#define MODEM_LOOP		0x10
#define STATUS_CTS		0x10
#define STATUS_DSR		0x20
#define STATUS_RING		0x40
#define STATUS_DCD		0x80
/* Line status register [8.4]. */
#define LINE_DATA		0x01
#define LINE_OVERRUN		0x02
#define LINE_EMPTY		0x60	/* holding register and transmitter */

static bool has_fifo(const struct uart *uart)
{
	return uart->fifo_control & FIFO_ON;
}

static unsigned int capacity(const struct uart *uart)
{
	return has_fifo(uart) ? UART_FIFO : 1;
}

static unsigned int trigger(const struct uart *uart)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return has_fifo(uart) ? levels[uart->fifo_control >> 6] : 1;
}

/* In the order of their precedence. Time-outs come at once: nothing says when time passes. */
static uint8_t identify(const struct uart *uart)
{
	if (uart->enable & ENABLE_LINE && uart->line_errors)
		return IDENTIFY_LINE;
	if (uart->enable & ENABLE_RECEIVED && uart->used)
		return uart->used >= trigger(uart) ? IDENTIFY_RECEIVED : IDENTIFY_TIMEOUT;
	if (uart->enable & ENABLE_TRANSMITTER && uart->transmit_owed)
		return IDENTIFY_TRANSMITTER;
	if (uart->enable & ENABLE_MODEM && uart->modem_changes)
		return IDENTIFY_MODEM;
	return IDENTIFY_NONE;
}

static void update(struct uart *uart)
{
	bool pending = identify(uart) != IDENTIFY_NONE;

	ioapic_set(uart->ioapic, UART_PIN, 0, pending && uart->modem_control & MODEM_OUT2);
}

/* Somebody is always there, unless the port talks to itself. */
static uint8_t modem_lines(const struct uart *uart)
{
	uint8_t control = uart->modem_control, lines = 0;

	if (!(control & MODEM_LOOP))
		return STATUS_CTS | STATUS_DSR | STATUS_DCD;
	if (control & MODEM_RTS)
		lines |= STATUS_CTS;
	if (control & MODEM_DTR)
		lines |= STATUS_DSR;
	if (control & MODEM_OUT1)
		lines |= STATUS_RING;
	if (control & MODEM_OUT2)
		lines |= STATUS_DCD;
	return lines;
}

static uint8_t read_data(struct uart *uart)
{
	uint8_t byte = uart->received[0];

	if (!uart->used)
		return 0;
	uart->used--;
	memmove(uart->received, uart->received + 1, uart->used);
	return byte;
}

static uint8_t read_identify(struct uart *uart)
{
	uint8_t cause = identify(uart);

	if (cause == IDENTIFY_TRANSMITTER)
		uart->transmit_owed = false;
	return cause | (has_fifo(uart) ? IDENTIFY_FIFOS : 0);
}

static uint8_t read_line_status(struct uart *uart)
{
	uint8_t status = LINE_EMPTY | uart->line_errors | (uart->used ? LINE_DATA : 0);

	uart->line_errors = 0;
	return status;
}

static uint8_t read_modem_status(struct uart *uart)
{
	uint8_t status = modem_lines(uart) | uart->modem_changes;

	uart->modem_changes = 0;
	return status;
}

static uint8_t read_register(struct uart *uart, unsigned int offset)
{
	bool divisor = uart->line_control & LINE_DIVISOR;

	switch (offset) {
	case REG_DATA:
		return divisor ? uart->divisor & 0xff : read_data(uart);
	case REG_ENABLE:
		return divisor ? uart->divisor >> 8 : uart->enable;
	case REG_IDENTIFY:
		return read_identify(uart);
	case REG_LINE_CONTROL:
		return uart->line_control;
	case REG_MODEM_CONTROL:
		return uart->modem_control;
	case REG_LINE_STATUS:
		return read_line_status(uart);
	case REG_MODEM_STATUS:
		return read_modem_status(uart);
	default:
		return uart->scratch;
	}
}

static void receive(struct uart *uart, uint8_t byte)
{
	if (uart->used == capacity(uart)) {
		uart->line_errors |= LINE_OVERRUN;
		/* The register is overwritten, a FIFO keeps what it has. */
		if (!has_fifo(uart))
			uart->received[0] = byte;
		return;
	}
	uart->received[uart->used++] = byte;
}

static void write_data(struct uart *uart, uint8_t byte)
{
	if (uart->modem_control & MODEM_LOOP)
		receive(uart, byte);
	else
		uart->transmit(uart->context, byte);
	uart->transmit_owed = true;
}

static void write_enable(struct uart *uart, uint8_t value)
{
	/* Switched on while the transmitter is empty, it interrupts at once. */
	if (value & ~uart->enable & ENABLE_TRANSMITTER)
		uart->transmit_owed = true;
	uart->enable = value & 0x0f;
}

static void write_fifo_control(struct uart *uart, uint8_t value)
{
	/* Switching FIFOs on or off empties them [8.5]. */
	if ((value ^ uart->fifo_control) & FIFO_ON || value & FIFO_CLEAR_RECEIVED)
		uart->used = 0;
	uart->fifo_control = value & FIFO_ON ? value & 0xc9 : 0;
}

static void write_modem_control(struct uart *uart, uint8_t value)
{
	uint8_t before = modem_lines(uart), changed;

	uart->modem_control = value & 0x1f;
	changed = before ^ modem_lines(uart);
	/* Of RING only the end is noted. */
	if (changed & STATUS_RING && !(before & STATUS_RING))
		changed &= ~STATUS_RING;
	uart->modem_changes |= changed >> 4;
}

static void write_register(struct uart *uart, unsigned int offset, uint8_t value)
{
	bool divisor = uart->line_control & LINE_DIVISOR;

	switch (offset) {
	case REG_DATA:
		if (divisor)
			uart->divisor = (uart->divisor & 0xff00) | value;
		else
			write_data(uart, value);
		break;
	case REG_ENABLE:
		if (divisor)
			uart->divisor = (uart->divisor & 0xff) | value << 8;
		else
			write_enable(uart, value);
		break;
	case REG_FIFO_CONTROL:
		write_fifo_control(uart, value);
		break;
	case REG_LINE_CONTROL:
		uart->line_control = value;
		break;
	case REG_MODEM_CONTROL:
		write_modem_control(uart, value);
		break;
	case REG_SCRATCH:
		uart->scratch = value;
		break;
	}
}

/* A wide access is several narrow ones, as on the bus of a PC. */
static uint64_t read(void *device, unsigned int offset, unsigned int bytes)
{
	struct uart *uart = device;
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		value |= (uint64_t)read_register(uart, offset + i) << 8 * i;
	update(uart);
	return value;
}

static void write(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct uart *uart = device;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		write_register(uart, offset + i, value >> 8 * i);
	update(uart);
}

void uart_init(struct uart *uart, struct bus *bus, struct ioapic *ioapic,
	       void (*transmit)(void *context, uint8_t byte), void *context)
{
	*uart = (struct uart) {
		.ioapic = ioapic,
		.range = { .space = BUS_PORTS, .bytes = REGISTERS, .device = uart, .read = read,
			   .write = write },
		.transmit = transmit,
		.context = context,
		.divisor = 1,
	};
	bus_add(bus, &uart->range);
	bus_place(bus, &uart->range, UART_BASE, true);
}

unsigned int uart_room(const struct uart *uart)
{
	if (uart->modem_control & MODEM_LOOP)
		return 0;
	return capacity(uart) - uart->used;
}

void uart_receive(struct uart *uart, uint8_t byte)
{
	if (uart->modem_control & MODEM_LOOP)
		return;
	receive(uart, byte);
	update(uart);
}
