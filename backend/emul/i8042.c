// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Keyboard controller without a keyboard; see i8042.h.
 */
#include "emul/i8042.h"

enum {
	PORT_DATA = 0x60,
	PORT_CONTROL = 0x64,
};

#define STATUS_OUTPUT_FULL	0x01
#define STATUS_SYSTEM		0x04	/* self test was passed */
#define STATUS_UNLOCKED		0x10
#define CONFIG_SYSTEM		0x04

#define COMMAND_READ_CONFIG	0x20
#define COMMAND_WRITE_CONFIG	0x60
#define COMMAND_SELF_TEST	0xaa
#define SELF_TEST_PASSED	0x55
#define COMMAND_READ_OUTPUT	0xd0
#define COMMAND_WRITE_OUTPUT	0xd1
#define COMMAND_PULSE		0xf0	/* low half: a 0 pulses that line */
#define LINE_RESET		0x01	/* active low */
#define LINE_A20		0x02	/* always open */

static void answer(struct i8042 *i8042, uint8_t value)
{
	i8042->answer = value;
	i8042->has_answer = true;
}

static uint64_t read_data(void *device, unsigned int offset, unsigned int bytes)
{
	struct i8042 *i8042 = device;

	(void)offset;
	(void)bytes;
	i8042->has_answer = false;
	return i8042->answer;
}

static void write_data(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct i8042 *i8042 = device;
	uint8_t command = i8042->command;

	(void)offset;
	(void)bytes;
	i8042->command = 0;
	if (command == COMMAND_WRITE_CONFIG)
		i8042->config = value;
	else if (command == COMMAND_WRITE_OUTPUT && !(value & LINE_RESET))
		i8042->reset(i8042->context);
}

static uint64_t read_status(void *device, unsigned int offset, unsigned int bytes)
{
	const struct i8042 *i8042 = device;

	(void)offset;
	(void)bytes;
	return STATUS_UNLOCKED | (i8042->config & CONFIG_SYSTEM ? STATUS_SYSTEM : 0) |
	       (i8042->has_answer ? STATUS_OUTPUT_FULL : 0);
}

static void write_command(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct i8042 *i8042 = device;
	uint8_t command = value;

	(void)offset;
	(void)bytes;
	i8042->command = 0;
	if ((command & COMMAND_PULSE) == COMMAND_PULSE) {
		if (!(command & LINE_RESET))
			i8042->reset(i8042->context);
		return;
	}
	switch (command) {
	case COMMAND_READ_CONFIG:
		answer(i8042, i8042->config);
		break;
	case COMMAND_SELF_TEST:
		i8042->config |= CONFIG_SYSTEM;
		answer(i8042, SELF_TEST_PASSED);
		break;
	case COMMAND_READ_OUTPUT:
		answer(i8042, LINE_RESET | LINE_A20);
		break;
	case COMMAND_WRITE_CONFIG:
	case COMMAND_WRITE_OUTPUT:
		i8042->command = command;
		break;
	}
}

void i8042_init(struct i8042 *i8042, struct bus *bus, void (*reset)(void *context),
		void *context)
{
	*i8042 = (struct i8042) {
		.data = { .space = BUS_PORTS, .bytes = 1, .device = i8042, .read = read_data,
			  .write = write_data },
		.control = { .space = BUS_PORTS, .bytes = 1, .device = i8042,
			     .read = read_status, .write = write_command },
		.reset = reset,
		.context = context,
	};
	bus_add(bus, &i8042->data);
	bus_add(bus, &i8042->control);
	bus_place(bus, &i8042->data, PORT_DATA, true);
	bus_place(bus, &i8042->control, PORT_CONTROL, true);
}
