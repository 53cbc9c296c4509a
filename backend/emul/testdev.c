// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Devices for test programs; see testdev.h.
 */
#include "emul/testdev.h"

#include <string.h>

enum {
	PORT_LATCH = 0xe0,
	PORT_EXIT = 0xf4,
	PORT_CONFIG = 0x510,
	PORT_ROUTE = 0x3000,
};

/* Keys of fw_cfg [QEMU docs/specs/fw_cfg.rst "QEMU Firmware Configuration (fw_cfg) Device"]. */
enum {
	KEY_SIGNATURE = 0x00,
	KEY_MEMORY = 0x03,
	KEY_PROCESSORS = 0x05,
};

static uint64_t read_latch(void *device, unsigned int offset, unsigned int bytes)
{
	const struct testdev *testdev = device;
	uint64_t value = 0;

	memcpy(&value, testdev->latched + offset, bytes);
	return value;
}

static void write_latch(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct testdev *testdev = device;

	memcpy(testdev->latched + offset, &value, bytes);
}

static uint64_t read_zero(void *device, unsigned int offset, unsigned int bytes)
{
	(void)device;
	(void)offset;
	(void)bytes;
	return 0;
}

static void write_exit(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	const struct testdev *testdev = device;

	(void)bytes;
	if (!offset)
		testdev->host.end(testdev->host.context, (uint32_t)value);
}

static void write_route(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	const struct testdev *testdev = device;
	const struct testdev_route route = {
		.sint = value & 0xff, .vp = value >> 8 & 0xff, .control = value >> 16 & 0xff,
		.connection = value >> 24 & 0xff,
	};

	if (!offset && bytes == 4)
		testdev->host.route(testdev->host.context, &route);
}

static uint8_t config_byte(const struct testdev *device)
{
	static const char signature[4] = { 'Q', 'E', 'M', 'U' };
	unsigned int at = device->config_at;

	switch (device->key) {
	case KEY_SIGNATURE:
		return at < sizeof(signature) ? (uint8_t)signature[at] : 0;
	case KEY_MEMORY:
		return at < 8 ? (uint8_t)(device->host.memory_bytes >> at * 8) : 0;
	case KEY_PROCESSORS:
		return at < 2 ? (uint8_t)(device->host.processors >> at * 8) : 0;
	default:
		return 0;
	}
}

static uint64_t read_config(void *device, unsigned int offset, unsigned int bytes)
{
	struct testdev *testdev = device;
	uint8_t value;

	(void)bytes;
	if (!offset)
		return 0;
	value = config_byte(testdev);
	if (testdev->config_at < 8)
		testdev->config_at++;
	return value;
}

static void write_config(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct testdev *testdev = device;

	if (offset || bytes != 2)
		return;
	testdev->key = (uint16_t)value;
	testdev->config_at = 0;
}

void testdev_init(struct testdev *device, struct bus *bus, const struct testdev_host *host)
{
	*device = (struct testdev) {
		.host = *host,
		.latch = { .space = BUS_PORTS, .bytes = 4, .device = device, .read = read_latch,
			   .write = write_latch },
		.exit = { .space = BUS_PORTS, .bytes = 4, .device = device, .read = read_zero,
			  .write = write_exit },
		.route = { .space = BUS_PORTS, .bytes = 4, .device = device, .read = read_zero,
			   .write = write_route },
		.config = { .space = BUS_PORTS, .bytes = 2, .device = device, .read = read_config,
			    .write = write_config },
	};
	bus_add(bus, &device->latch);
	bus_add(bus, &device->exit);
	bus_add(bus, &device->route);
	bus_add(bus, &device->config);
	bus_place(bus, &device->latch, PORT_LATCH, true);
	bus_place(bus, &device->exit, PORT_EXIT, true);
	bus_place(bus, &device->route, PORT_ROUTE, true);
	bus_place(bus, &device->config, PORT_CONFIG, true);
}
