// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The few I/O ports that a guest has; see ports.h.
 */
#include "worker/ports.h"

#include <pvn/abi/hypercall.h>

#define SLEEP_ENABLE	0x20	/* [ACPI 6.4 4.8.3.7 "Sleep Control Register"] */
#define SLEEP_TYPE(v)	((v) >> 2 & 7)
#define SLEEP_TYPE_OFF	5	/* dsdt.asl says it too */

#define CMOS_STATUS_B_24H	 0x02	/* and binary-coded decimals: Linux believes nothing else */
#define CMOS_STATUS_D_VALID	 0x80

#define READ_WRITE (PVN_ACCESS_READ | PVN_ACCESS_WRITE)

const struct port_intercept ports_intercepted[] = {
	{ PORT_CMOS_INDEX, READ_WRITE },
	{ PORT_CMOS_DATA, READ_WRITE },
	{ PORT_SLEEP_CONTROL, READ_WRITE },
	{ PORT_SLEEP_STATUS, READ_WRITE },
	{ PORT_RESET, READ_WRITE },
	{ PORT_KEYBOARD, PVN_ACCESS_WRITE },
	{ 0 },
};

static uint8_t decimal(unsigned int value)
{
	return value / 10 << 4 | value % 10;
}

/* The clock is right and runs; alarms and the rest of the CMOS memory are not there. */
static uint8_t read_cmos(unsigned int index, time_t now)
{
	struct tm t;

	gmtime_r(&now, &t);
	switch (index) {
	case 0x00:
		return decimal(t.tm_sec);
	case 0x02:
		return decimal(t.tm_min);
	case 0x04:
		return decimal(t.tm_hour);
	case 0x06:
		return decimal(t.tm_wday + 1);
	case 0x07:
		return decimal(t.tm_mday);
	case 0x08:
		return decimal(t.tm_mon + 1);
	case 0x09:
		return decimal(t.tm_year % 100);
	case 0x0b:
		return CMOS_STATUS_B_24H;
	case 0x0d:
		return CMOS_STATUS_D_VALID;
	case PORT_CMOS_CENTURY:
		return decimal((t.tm_year + 1900) / 100);
	default:
		return 0;
	}
}

static enum port_outcome write_port(struct ports *ports, uint16_t port, uint8_t value)
{
	switch (port) {
	case PORT_CMOS_INDEX:
		ports->cmos_index = value & 0x7f;
		return PORT_DONE;
	case PORT_SLEEP_CONTROL:
		return value & SLEEP_ENABLE && SLEEP_TYPE(value) == SLEEP_TYPE_OFF ?
			       PORT_POWER_OFF : PORT_DONE;
	case PORT_RESET:
		return value == PORT_RESET_VALUE ? PORT_REBOOT : PORT_DONE;
	case PORT_KEYBOARD:
		return value == PORT_KEYBOARD_RESET ? PORT_REBOOT : PORT_DONE;
	default:
		return PORT_DONE;
	}
}

static uint8_t read_port(const struct ports *ports, uint16_t port, time_t now)
{
	switch (port) {
	case PORT_CMOS_DATA:
		return read_cmos(ports->cmos_index, now);
	case PORT_SLEEP_CONTROL:
	case PORT_SLEEP_STATUS:
		return 0;
	default:
		return 0xff;
	}
}

enum port_outcome ports_access(struct ports *ports, uint16_t port, unsigned int bytes, bool write,
			       uint32_t *value, time_t now)
{
	if (write)
		return write_port(ports, port, *value);
	*value = read_port(ports, port, now);
	if (bytes > 1)		/* these devices are one byte wide: nothing drives the rest */
		*value |= 0xffffff00;
	return PORT_DONE;
}

uint64_t ports_merge(uint64_t rax, uint32_t value, unsigned int bytes)
{
	if (bytes == 1)
		return (rax & ~0xffull) | (value & 0xff);
	if (bytes == 2)
		return (rax & ~0xffffull) | (value & 0xffff);
	return value;
}
