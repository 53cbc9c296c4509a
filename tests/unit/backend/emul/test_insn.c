// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Instructions on devices, as the processors' manuals have them: moves, string
 * instructions, and the way through a guest's page tables.
 */
#include "machine.h"

#include "emul/insn.h"

enum {
	TABLES = 0x1000,	/* four levels, a page each */
	CODE = 0x10000,		/* mapped one to one, as is the rest of RAM */
	DATA = 0x20000,
	DEVICE_BYTES = 0x100,
	PORT = 0x1f0,
};

#define DEVICE 0xfe100000ull	/* GPA and linear address */
#define PRESENT 1ull
#define WRITE 2ull
#define USER 4ull

static struct cpu cpu;
static struct cpu_fault fault;
static struct bus_range registers, port;
static uint8_t cells[DEVICE_BYTES];
static uint16_t port_next;
static unsigned int port_accesses, port_bytes;

static uint64_t read_cells(void *device, unsigned int offset, unsigned int bytes)
{
	uint64_t value = 0;

	(void)device;
	memcpy(&value, cells + offset, bytes);
	return value;
}

static void write_cells(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	(void)device;
	memcpy(cells + offset, &value, bytes);
}

static uint64_t read_port(void *device, unsigned int offset, unsigned int bytes)
{
	(void)device;
	(void)offset;
	port_accesses++;
	port_bytes = bytes;
	return port_next++;
}

static void write_port(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	(void)device;
	(void)offset;
	port_accesses++;
	port_bytes = bytes;
	port_next = value;
}

static uint64_t *entry(unsigned int level, unsigned int index)
{
	return (uint64_t *)(machine.ram + TABLES + (4 - level) * 0x1000) + index;
}

/* 1 MiB of RAM in small pages, the device's page in a table of its own. */
static void map(void)
{
	uint64_t all = PRESENT | WRITE | USER, i;

	*entry(4, 0) = (TABLES + 0x1000) | all;
	*entry(3, 0) = (TABLES + 0x2000) | all;
	*entry(2, 0) = (TABLES + 0x3000) | all;
	for (i = 0; i < RAM_BYTES / 4096; i++)
		*entry(1, i) = i * 4096 | all;
	*entry(3, 3) = (TABLES + 0x4000) | all;
	((uint64_t *)(machine.ram + TABLES + 0x4000))[DEVICE >> 21 & 511] =
		(DEVICE & ~0x1fffffull) | all | 0x80;
}

static int setup(void **state)
{
	unsigned int i;

	machine_setup(state);
	map();
	cpu = (struct cpu) {
		.rip = CODE, .cr0 = 1ull << 31 | 1 << 16 | 1, .cr3 = TABLES, .cr4 = 0x20,
		.efer = 0x500, .is_64_bit = true,
	};
	fault = (struct cpu_fault) { 0 };
	for (i = 0; i < CPU_GPRS; i++)
		cpu.gpr[i] = 0x1111111111111111ull * i;
	for (i = 0; i < DEVICE_BYTES; i++)
		cells[i] = 0x80 + i;
	registers = (struct bus_range) { .space = BUS_MEMORY, .bytes = DEVICE_BYTES,
					 .read = read_cells, .write = write_cells };
	port = (struct bus_range) { .space = BUS_PORTS, .bytes = 4, .read = read_port,
				    .write = write_port };
	bus_add(&machine.bus, &registers);
	bus_add(&machine.bus, &port);
	bus_place(&machine.bus, &registers, DEVICE, true);
	bus_place(&machine.bus, &port, PORT, true);
	port_next = 0x4241;
	port_accesses = 0;
	return 0;
}

static enum cpu_outcome run(const char *code, unsigned int bytes, uint64_t gpa)
{
	memcpy(machine.ram + CODE, code, bytes);
	cpu.rip = CODE;
	return insn_memory(&cpu, &machine.bus, gpa, &fault);
}

#define RUN(code, gpa) run(code, sizeof(code) - 1, gpa)
#define RUN_PORT(code) (memcpy(machine.ram + CODE, code, sizeof(code) - 1), cpu.rip = CODE, \
			insn_port(&cpu, &machine.bus, PORT, &fault))

static void loads_fill_registers_as_wide_as_they_are(void **state)
{
	(void)state;
	assert_int_equal(RUN("\x8b\x03", DEVICE), CPU_DONE);		/* mov eax, [rbx] */
	assert_true(cpu.gpr[0] == 0x83828180);
	assert_true(cpu.rip == CODE + 2);
	assert_int_equal(RUN("\x48\x8b\x0b", DEVICE), CPU_DONE);	/* mov rcx, [rbx] */
	assert_true(cpu.gpr[1] == 0x8786858483828180);
	assert_int_equal(RUN("\x66\x8b\x13", DEVICE + 2), CPU_DONE);	/* mov dx, [rbx] */
	assert_true(cpu.gpr[2] == 0x2222222222228382);
	assert_int_equal(RUN("\x8a\x23", DEVICE + 1), CPU_DONE);	/* mov ah, [rbx] */
	assert_true(cpu.gpr[0] == 0x83828180);
	assert_int_equal(RUN("\x44\x8a\x0b", DEVICE + 5), CPU_DONE);	/* mov r9b, [rbx] */
	assert_true(cpu.gpr[9] == 0x9999999999999985);
}

static void extensions_extend(void **state)
{
	(void)state;
	assert_int_equal(RUN("\x0f\xb6\x03", DEVICE), CPU_DONE);	/* movzx eax, byte [rbx] */
	assert_true(cpu.gpr[0] == 0x80);
	assert_int_equal(RUN("\x48\x0f\xbe\x03", DEVICE), CPU_DONE);	/* movsx rax, byte [rbx] */
	assert_true(cpu.gpr[0] == 0xffffffffffffff80);
	assert_int_equal(RUN("\x0f\xbf\x03", DEVICE), CPU_DONE);	/* movsx eax, word [rbx] */
	assert_true(cpu.gpr[0] == 0xffff8180);
	assert_int_equal(RUN("\x48\x63\x03", DEVICE), CPU_DONE);	/* movsxd rax, dword [rbx] */
	assert_true(cpu.gpr[0] == 0xffffffff83828180);
}

static void stores_write_what_they_say(void **state)
{
	(void)state;
	cpu.gpr[0] = 0x0102030405060708;
	assert_int_equal(RUN("\x89\x03", DEVICE), CPU_DONE);		/* mov [rbx], eax */
	assert_memory_equal(cells, "\x08\x07\x06\x05\x84", 5);
	assert_int_equal(RUN("\x88\x23", DEVICE + 8), CPU_DONE);	/* mov [rbx], ah */
	assert_int_equal(cells[8], 7);
	assert_int_equal(RUN("\xc7\x03\x44\x33\x22\x11", DEVICE), CPU_DONE);
	assert_memory_equal(cells, "\x44\x33\x22\x11\x84", 5);
	assert_int_equal(RUN("\x48\xc7\x03\xff\xff\xff\xff", DEVICE), CPU_DONE);
	assert_memory_equal(cells, "\xff\xff\xff\xff\xff\xff\xff\xff\x07", 9);
	assert_true(cpu.rip == CODE + 7);
}

static void other_instructions_are_named_and_change_nothing(void **state)
{
	const struct cpu before = cpu;

	(void)state;
	assert_int_equal(RUN("\x01\x03", DEVICE), CPU_FAILED);		/* add [rbx], eax */
	assert_string_equal(fault.why, "add");
	assert_int_equal(RUN("\x0f\x11\x03", DEVICE), CPU_FAILED);	/* movups [rbx], xmm0 */
	assert_int_equal(RUN("\x8c\x1b", DEVICE), CPU_FAILED);		/* mov [rbx], ds */
	assert_int_equal(RUN("\xff\xff", DEVICE), CPU_FAILED);
	assert_memory_equal(before.gpr, cpu.gpr, sizeof(cpu.gpr));
	assert_int_equal(cells[0], 0x80);
}

static void code_may_lie_across_two_pages(void **state)
{
	(void)state;
	/* mov eax, [rbx], its first byte at the end of a page that is not followed by the next. */
	*entry(1, 0x40) = 0x51000 | PRESENT;
	machine.ram[0x3ffff] = 0x8b;
	machine.ram[0x51000] = 0x03;
	cpu.rip = 0x3ffff;
	assert_int_equal(insn_memory(&cpu, &machine.bus, DEVICE, &fault), CPU_DONE);
	assert_true(cpu.rip == 0x40001);
	assert_true(cpu.gpr[0] == 0x83828180);
}

static void memory_is_copied_to_and_from_a_device(void **state)
{
	(void)state;
	memcpy(machine.ram + DATA, "0123456789abcdef", 16);
	cpu.gpr[CPU_RSI] = DATA;
	cpu.gpr[CPU_RDI] = DEVICE;
	cpu.gpr[CPU_RCX] = 4;
	assert_int_equal(RUN("\xf3\xa5", DEVICE), CPU_DONE);		/* rep movsd */
	assert_memory_equal(cells, "0123456789abcdef", 16);
	assert_true(cpu.gpr[CPU_RCX] == 0 && cpu.gpr[CPU_RSI] == DATA + 16 &&
		    cpu.gpr[CPU_RDI] == DEVICE + 16 && cpu.rip == CODE + 2);
	cpu.rflags = 0x400;
	cpu.gpr[CPU_RSI] = DEVICE + 15;
	cpu.gpr[CPU_RDI] = DATA + 0x1000 + 7;
	cpu.gpr[CPU_RCX] = 8;
	assert_int_equal(RUN("\xf3\xa4", DEVICE), CPU_DONE);		/* rep movsb, down */
	assert_memory_equal(machine.ram + DATA + 0x1000, "89abcdef", 8);
	cpu.rflags = 0;
	cpu.gpr[CPU_RDI] = DEVICE;
	cpu.gpr[CPU_RAX] = 0;
	assert_int_equal(RUN("\x48\xab", DEVICE), CPU_DONE);		/* stosq */
	assert_memory_equal(cells, "\0\0\0\0\0\0\0\08", 9);
	assert_true(cpu.gpr[CPU_RDI] == DEVICE + 8);
}

static void blocks_come_from_a_port(void **state)
{
	(void)state;
	cpu.gpr[CPU_RDI] = DATA;
	cpu.gpr[CPU_RCX] = 256;
	assert_int_equal(RUN_PORT("\xf3\x66\x6d"), CPU_DONE);		/* rep insw */
	assert_int_equal(port_accesses, 256);
	assert_int_equal(port_bytes, 2);
	assert_memory_equal(machine.ram + DATA, "\x41\x42\x42\x42\x43\x42", 6);
	assert_true(cpu.gpr[CPU_RDI] == DATA + 512 && !cpu.gpr[CPU_RCX] && cpu.rip == CODE + 3);
	cpu.gpr[CPU_RSI] = DATA;
	cpu.gpr[CPU_RCX] = 2;
	assert_int_equal(RUN_PORT("\xf3\x6f"), CPU_DONE);		/* rep outsd */
	assert_int_equal(port_accesses, 258);
	assert_int_equal(port_bytes, 4);
	assert_int_equal(port_next, 0x4243);
	assert_true(cpu.gpr[CPU_RSI] == DATA + 8);
}

static void a_count_of_zero_does_nothing(void **state)
{
	(void)state;
	cpu.gpr[CPU_RCX] = 0;
	assert_int_equal(RUN_PORT("\xf3\x6c"), CPU_DONE);
	assert_int_equal(port_accesses, 0);
	assert_true(cpu.rip == CODE + 2);
	cpu.gpr[CPU_RDI] = DATA;
	assert_int_equal(RUN_PORT("\x6c"), CPU_DONE);			/* not repeated */
	assert_int_equal(port_accesses, 1);
	assert_true(!cpu.gpr[CPU_RCX]);
}

static void long_repetitions_are_done_in_parts(void **state)
{
	(void)state;
	cpu.gpr[CPU_RDI] = DATA;
	cpu.gpr[CPU_RCX] = 5000;
	assert_int_equal(RUN_PORT("\xf3\x6c"), CPU_DONE);
	assert_true(cpu.rip == CODE && cpu.gpr[CPU_RCX] == 5000 - 4096 &&
		    cpu.gpr[CPU_RDI] == DATA + 4096);
	assert_int_equal(insn_port(&cpu, &machine.bus, PORT, &fault), CPU_DONE);
	assert_true(cpu.rip == CODE + 2 && !cpu.gpr[CPU_RCX]);
}

static void a_fault_in_the_middle_keeps_what_is_done(void **state)
{
	(void)state;
	cpu.gpr[CPU_RDI] = RAM_BYTES - 4;
	cpu.gpr[CPU_RCX] = 8;
	assert_int_equal(RUN_PORT("\xf3\x66\x6d"), CPU_PAGE_FAULT);
	assert_true(fault.address == RAM_BYTES);
	assert_int_equal(fault.code, 2);
	assert_int_equal(port_accesses, 2);	/* nothing was taken from the port for it */
	assert_true(cpu.gpr[CPU_RCX] == 6 && cpu.gpr[CPU_RDI] == RAM_BYTES && cpu.rip == CODE);
}

static void rights_of_pages_hold(void **state)
{
	uint64_t gpa;

	(void)state;
	*entry(1, DATA >> 12) = DATA | PRESENT;
	assert_int_equal(cpu_translate(&cpu, &machine.host, DATA + 5, false, &gpa, &fault), CPU_DONE);
	assert_true(gpa == DATA + 5);
	assert_int_equal(cpu_translate(&cpu, &machine.host, DATA, true, &gpa, &fault),
			 CPU_PAGE_FAULT);
	assert_int_equal(fault.code, 3);
	cpu.level = 3;
	assert_int_equal(cpu_translate(&cpu, &machine.host, DATA, false, &gpa, &fault),
			 CPU_PAGE_FAULT);
	assert_int_equal(fault.code, 5);
	cpu.level = 0;
	cpu.cr0 &= ~(1ull << 16);
	assert_int_equal(cpu_translate(&cpu, &machine.host, DATA, true, &gpa, &fault), CPU_DONE);
	assert_true(*entry(1, DATA >> 12) & 0x60);
}

static void tables_outside_of_memory_map_nothing(void **state)
{
	uint64_t gpa;

	(void)state;
	*entry(4, 1) = 0xfffffffff000ull | PRESENT;
	assert_int_equal(cpu_translate(&cpu, &machine.host, 1ull << 39, false, &gpa, &fault),
			 CPU_PAGE_FAULT);
	assert_int_equal(fault.code, 0);
	cpu.cr3 = RAM_BYTES;
	assert_int_equal(cpu_translate(&cpu, &machine.host, 0, false, &gpa, &fault), CPU_PAGE_FAULT);
	assert_int_equal(RUN("\x8b\x03", DEVICE), CPU_FAILED);
	cpu.efer = 0;
	assert_int_equal(cpu_translate(&cpu, &machine.host, 0, false, &gpa, &fault), CPU_FAILED);
	cpu.cr0 = 1;
	assert_int_equal(cpu_translate(&cpu, &machine.host, 77, false, &gpa, &fault), CPU_DONE);
	assert_true(gpa == 77);
}

#define ON_CPU(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_CPU(loads_fill_registers_as_wide_as_they_are),
		ON_CPU(extensions_extend),
		ON_CPU(stores_write_what_they_say),
		ON_CPU(other_instructions_are_named_and_change_nothing),
		ON_CPU(code_may_lie_across_two_pages),
		ON_CPU(memory_is_copied_to_and_from_a_device),
		ON_CPU(blocks_come_from_a_port),
		ON_CPU(a_count_of_zero_does_nothing),
		ON_CPU(long_repetitions_are_done_in_parts),
		ON_CPU(a_fault_in_the_middle_keeps_what_is_done),
		ON_CPU(rights_of_pages_hold),
		ON_CPU(tables_outside_of_memory_map_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
