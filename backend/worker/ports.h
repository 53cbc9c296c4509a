/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The few I/O ports that a guest has: the clock, and what ACPI names for sleep
 * and reset. Ports without an intercept read as all ones, by the hypervisor. Pure.
 */
#ifndef WORKER_PORTS_H
#define WORKER_PORTS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
	PORT_CMOS_INDEX = 0x70,
	PORT_CMOS_DATA = 0x71,
	PORT_SLEEP_CONTROL = 0x604,
	PORT_SLEEP_STATUS = 0x605,
	PORT_RESET = 0x606,
	PORT_RESET_VALUE = 1,
	PORT_KEYBOARD = 0x64,		/* no keyboard, but writing 0xfe resets as ever */
	PORT_KEYBOARD_RESET = 0xfe,
	PORT_DEBUG = 0xe9,		/* if the configuration wants it; runner.c */
	PORT_CMOS_CENTURY = 0x32,	/* register of the clock */
};

/* Ports to intercept, ended by port 0. */
struct port_intercept {
	uint16_t port;
	uint8_t access;		/* PVN_ACCESS_* */
};

extern const struct port_intercept ports_intercepted[];

enum port_outcome {
	PORT_DONE,		/* go on; a read's value is in *value */
	PORT_POWER_OFF,
	PORT_REBOOT,
};

struct ports {
	uint8_t cmos_index;
};

/* One access of 1, 2 or 4 bytes at time `now`. */
enum port_outcome ports_access(struct ports *ports, uint16_t port, unsigned int bytes, bool write,
			       uint32_t *value, time_t now);

/*
 * What RAX is after reading `bytes` from a port
 * [SDM 1 3.4.1.1 "General-Purpose Registers in 64-Bit Mode"].
 */
uint64_t ports_merge(uint64_t rax, uint32_t value, unsigned int bytes);

#endif
