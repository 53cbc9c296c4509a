// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for instructions on devices: any code, registers and page tables.
 *
 * The input: 16 bytes of code, a byte of modes, the registers, then words for RAM.
 */
#include <stdlib.h>
#include <string.h>

#include "emul/insn.h"

enum { RAM_BYTES = 64 * 1024, CODE = 0x8000 };

#define DEVICE 0xfe100000ull

static uint8_t *ram;

static void *memory(void *context, uint64_t gpa, uint64_t bytes)
{
	(void)context;
	return bytes && gpa < RAM_BYTES && bytes <= RAM_BYTES - gpa ? ram + gpa : NULL;
}

static void ports(void *context, uint16_t first, unsigned int count, bool on)
{
	(void)context;
	(void)first;
	(void)count;
	(void)on;
}

static uint64_t read_device(void *device, unsigned int offset, unsigned int bytes)
{
	(void)device;
	if (offset + bytes > 0x1000 || !bytes || bytes > 8)
		abort();
	return 0x1122334455667788;
}

static void write_device(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	(void)read_device(device, offset, bytes);
	if (bytes < 8 && value >> 8 * bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct emul_host host = { .memory = memory, .ports = ports };
	struct bus bus = { .host = &host };
	struct bus_range device = { .space = BUS_MEMORY, .bytes = 0x1000, .read = read_device,
				    .write = write_device };
	struct bus_range port = { .space = BUS_PORTS, .bytes = 8, .read = read_device,
				  .write = write_device };
	struct cpu cpu = { .efer = 0x500, .cr4 = 0x20, .rip = CODE };
	struct cpu_fault fault = { 0 };
	size_t registers = sizeof(cpu.gpr) + sizeof(cpu.base) + sizeof(cpu.rflags);

	if (size < 17 + registers)
		return 0;
	if (!ram)
		ram = malloc(RAM_BYTES);
	memset(ram, 0, RAM_BYTES);
	memcpy(ram + CODE, data, 16);
	cpu.is_64_bit = data[16] & 1;
	cpu.is_32_bit = data[16] & 2;
	cpu.level = data[16] & 4 ? 3 : 0;
	cpu.cr0 = data[16] & 8 ? 0x80010001 : 1;
	cpu.cr3 = 0x1000;
	memcpy(cpu.gpr, data + 17, sizeof(cpu.gpr));
	memcpy(cpu.base, data + 17 + sizeof(cpu.gpr), sizeof(cpu.base));
	memcpy(&cpu.rflags, data + 17 + registers - sizeof(cpu.rflags), sizeof(cpu.rflags));
	data += 17 + registers;
	for (size -= 17 + registers; size >= 10; data += 10, size -= 10) {
		uint16_t at;

		memcpy(&at, data, sizeof(at));
		memcpy(ram + (at & (RAM_BYTES - 8)), data + 2, 8);
	}
	bus_add(&bus, &device);
	bus_add(&bus, &port);
	bus_place(&bus, &device, DEVICE, true);
	bus_place(&bus, &port, 0x1f0, true);
	insn_memory(&cpu, &bus, DEVICE + (cpu.gpr[0] & 0xfff), &fault);
	cpu.rip = CODE;
	insn_port(&cpu, &bus, 0x1f0, &fault);
	return 0;
}
