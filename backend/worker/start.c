// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The state in which a kernel is entered; see start.h.
 */
#include "worker/start.h"

#include <string.h>

#include "worker/ports.h"

/* Offsets in boot_params [Linux Documentation/x86/zero-page.rst]. */
enum {
	AT_ACPI_RSDP = 0x070,
	AT_E820_COUNT = 0x1e8,
	AT_LOADER_TYPE = 0x210,
	AT_INITRD = 0x218,
	AT_INITRD_BYTES = 0x21c,
	AT_CMDLINE = 0x228,
	AT_E820 = 0x2d0,
	E820_ENTRY_BYTES = 20,
	LOADER_UNKNOWN = 0xff,
};

enum e820_type {
	E820_RAM = 1,
	E820_RESERVED = 2,
};

#define PAGE_PRESENT_WRITE	0x3ull
#define PAGE_LARGE		0x80ull
#define SELECTOR_CODE		0x10
#define SELECTOR_CODE_32	0x30
#define SELECTOR_DATA		0x18
#define SELECTOR_TASK		0x20
#define GDT_LIMIT		0x37
#define CODE_64			0xa09b	/* G, L, P, S, execute read accessed */
#define CODE_32			0xc09b	/* G, D, P, S, execute read accessed */
#define DATA_FLAT		0xc093
#define TASK_BUSY_64		0x008b
#define LDT_UNUSED		0x0082

/* In EAX: a multiboot loader has been at work. */
#define MULTIBOOT_LOADED	0x2badb002

static void add_range(uint8_t *params, uint64_t from, uint64_t to, uint32_t type)
{
	uint8_t *entry = params + AT_E820 + params[AT_E820_COUNT] * E820_ENTRY_BYTES;
	uint64_t bytes = to - from;

	if (to <= from)
		return;
	memcpy(entry, &from, 8);
	memcpy(entry + 8, &bytes, 8);
	memcpy(entry + 16, &type, 4);
	params[AT_E820_COUNT]++;
}

static void put32(uint8_t *params, unsigned int at, uint32_t value)
{
	memcpy(params + at, &value, sizeof(value));
}

/* All of low memory is there, also between 640 KiB and 1 MiB, where kernels look for ROMs. */
static void write_boot_params(uint8_t *params, const struct layout *layout,
			      const struct bzimage *kernel, const uint8_t *file)
{
	uint64_t rsdp = LAYOUT_ACPI;

	memset(params, 0, 4096);
	memcpy(params + BZIMAGE_HEADER_AT, file + BZIMAGE_HEADER_AT, kernel->header_bytes);
	params[AT_LOADER_TYPE] = LOADER_UNKNOWN;
	put32(params, AT_CMDLINE, LAYOUT_CMDLINE);
	put32(params, AT_INITRD, layout->initrd);
	put32(params, AT_INITRD_BYTES, layout->initrd_bytes);
	memcpy(params + AT_ACPI_RSDP, &rsdp, sizeof(rsdp));
	add_range(params, 0, LAYOUT_CONVENTIONAL_END, E820_RAM);
	add_range(params, LAYOUT_ACPI, LAYOUT_KERNEL_MIN, E820_RESERVED);
	add_range(params, LAYOUT_KERNEL_MIN, layout->low_bytes, E820_RAM);
	add_range(params, LAYOUT_HIGH, LAYOUT_HIGH + layout->high_bytes, E820_RAM);
}

/* The first 4 GiB one to one, in 2 MiB pages, which every 64-bit processor has. */
static void write_page_tables(uint8_t *low_memory)
{
	uint64_t *top = (uint64_t *)(low_memory + LAYOUT_PAGE_TABLES);
	uint64_t *directory_pointers = top + 512, *directories = top + 1024;
	unsigned int i;

	memset(top, 0, 2 * 4096);
	top[0] = (LAYOUT_PAGE_TABLES + 4096) | PAGE_PRESENT_WRITE;
	for (i = 0; i < 4; i++)
		directory_pointers[i] = (LAYOUT_PAGE_TABLES + (2 + i) * 4096ull) |
					PAGE_PRESENT_WRITE;
	for (i = 0; i < 4 * 512; i++)
		directories[i] = (uint64_t)i << 21 | PAGE_PRESENT_WRITE | PAGE_LARGE;
}

static void write_gdt(uint8_t *low_memory)
{
	static const uint64_t gdt[] = {
		0, 0,
		0x00af9b000000ffffull,	/* SELECTOR_CODE */
		0x00cf93000000ffffull,	/* SELECTOR_DATA */
		0x00008b0000000067ull,	/* SELECTOR_TASK, 16 bytes */
		0,
		0x00cf9b000000ffffull,	/* SELECTOR_CODE_32 */
	};

	memcpy(low_memory + LAYOUT_GDT, gdt, sizeof(gdt));
}

/*
 * There is no firmware, but a kernel that finds no other way to reboot jumps to
 * its entry in real mode. What it finds there resets the machine.
 */
static void write_reset_vector(uint8_t *low_memory)
{
	static const uint8_t code[] = {
		0xba, PORT_RESET & 0xff, PORT_RESET >> 8,	/* mov dx, PORT_RESET */
		0xb0, PORT_RESET_VALUE,				/* mov al, PORT_RESET_VALUE */
		0xee,						/* out dx, al */
		0xf4,						/* hlt */
	};

	memcpy(low_memory + LAYOUT_RESET_VECTOR, code, sizeof(code));
}

int start_write(uint8_t *low_memory, const struct layout *layout, const struct bzimage *kernel,
		const uint8_t *file, const char *cmdline, const struct acpi_machine *machine,
		struct pvn_problem *problem)
{
	size_t bytes = strlen(cmdline);

	if (bytes > kernel->cmdline_max || bytes >= LAYOUT_CMDLINE_BYTES)
		return pvn_fail(problem, PVN_EXIT_FAILED, "cmdline", "make it shorter",
				"the command line is too long: %zu bytes, the kernel takes %u",
				bytes, kernel->cmdline_max);
	write_boot_params(low_memory + LAYOUT_BOOT_PARAMS, layout, kernel, file);
	memcpy(low_memory + LAYOUT_CMDLINE, cmdline, bytes + 1);
	write_page_tables(low_memory);
	return start_write_multiboot(low_memory, machine, problem);
}

int start_write_multiboot(uint8_t *low_memory, const struct acpi_machine *machine,
			  struct pvn_problem *problem)
{
	write_gdt(low_memory);
	write_reset_vector(low_memory);
	if (!acpi_build(low_memory + LAYOUT_ACPI, LAYOUT_ACPI_BYTES, LAYOUT_ACPI, machine))
		return pvn_fail(problem, PVN_EXIT_FAILED, "vps", NULL,
				"the ACPI tables of %u virtual processors do not fit",
				machine->vps);
	return 0;
}

static struct pvn_root_register segment(uint32_t name, uint16_t selector, uint32_t limit,
					uint16_t attributes)
{
	const struct pvn_segment value = {
		.limit = limit,
		.selector = selector,
		.attributes = attributes,
	};
	struct pvn_root_register item = { .name = name };

	memcpy(&item.low, &value, sizeof(value));
	return item;
}

static struct pvn_root_register table(uint32_t name, uint64_t base, uint16_t limit)
{
	const struct pvn_table value = { .base = base, .limit = limit };
	struct pvn_root_register item = { .name = name };

	memcpy(&item.low, &value, sizeof(value));
	return item;
}

static struct pvn_root_register plain(uint32_t name, uint64_t value)
{
	return (struct pvn_root_register) { .name = name, .low = value };
}

/* What both kinds have: flat segments, no LDT, a task, tables. */
static unsigned int add_segments(struct pvn_root_register *registers, uint16_t code_selector,
				 uint16_t code)
{
	const struct pvn_root_register list[] = {
		segment(PVN_REG_ES + 0, SELECTOR_DATA, 0xffffffff, DATA_FLAT),	/* ES */
		segment(PVN_REG_ES + 1, code_selector, 0xffffffff, code),	/* CS */
		segment(PVN_REG_ES + 2, SELECTOR_DATA, 0xffffffff, DATA_FLAT),	/* SS */
		segment(PVN_REG_ES + 3, SELECTOR_DATA, 0xffffffff, DATA_FLAT),	/* DS */
		segment(PVN_REG_ES + 4, SELECTOR_DATA, 0xffffffff, DATA_FLAT),	/* FS */
		segment(PVN_REG_ES + 5, SELECTOR_DATA, 0xffffffff, DATA_FLAT),	/* GS */
		segment(PVN_REG_ES + 6, 0, 0xffff, LDT_UNUSED),			/* LDTR */
		segment(PVN_REG_ES + 7, SELECTOR_TASK, 0x67, TASK_BUSY_64),	/* TR */
		table(PVN_REG_IDTR, 0, 0),
		table(PVN_REG_GDTR, LAYOUT_GDT, GDT_LIMIT),
		plain(PVN_REG_RFLAGS, 0x2),
	};

	memcpy(registers, list, sizeof(list));
	return sizeof(list) / sizeof(list[0]);
}

/* Each value is acceptable with those before it: paging is switched on last. */
unsigned int start_registers(struct pvn_root_register registers[START_REGISTERS],
			     const struct layout *layout)
{
	unsigned int count = 0;

	registers[count++] = plain(PVN_REG_CR3, LAYOUT_PAGE_TABLES);
	registers[count++] = plain(PVN_REG_CR4, 0x20);		/* PAE */
	registers[count++] = plain(PVN_REG_EFER, 0x500);	/* LME, LMA */
	registers[count++] = plain(PVN_REG_CR0, 0x80000031);	/* PG, NE, ET, PE */
	count += add_segments(registers + count, SELECTOR_CODE, CODE_64);
	registers[count++] = plain(PVN_REG_RIP, layout->kernel + BZIMAGE_ENTRY_64);
	registers[count++] = plain(PVN_REG_RAX + 4, LAYOUT_STACK);		/* RSP */
	registers[count++] = plain(PVN_REG_RAX + 6, LAYOUT_BOOT_PARAMS);	/* RSI */
	return count;
}

unsigned int start_registers_multiboot(struct pvn_root_register registers[START_REGISTERS],
				       const struct multiboot *payload)
{
	unsigned int count = 0;

	registers[count++] = plain(PVN_REG_CR0, 0x31);		/* NE, ET, PE */
	count += add_segments(registers + count, SELECTOR_CODE_32, CODE_32);
	registers[count++] = plain(PVN_REG_RIP, payload->entry);
	registers[count++] = plain(PVN_REG_RAX, MULTIBOOT_LOADED);
	registers[count++] = plain(PVN_REG_RAX + 3, LAYOUT_BOOT_PARAMS);	/* RBX */
	return count;
}
