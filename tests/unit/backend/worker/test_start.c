// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The state in which a guest's kernel is entered: layout, boot_params, registers,
 * ACPI tables, I/O ports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/acpi.h"
#include "worker/ports.h"
#include "worker/start.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static const struct bzimage kernel = {
	.preferred = 16 * MIB,
	.init_bytes = 50 * MIB,
	.initrd_max = 0x7fffffff,
	.cmdline_max = 2047,
	.header_bytes = 0x77,
};

static const struct acpi_machine one_vp = { .vps = 1 }, three_vps = { .vps = 3 };
static const struct acpi_machine eight_vps = { .vps = 8 };

static struct pvn_problem problem;

static uint64_t number(const uint8_t *from, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, from, bytes);
	return value;
}

static void memory_beyond_3_gib_lies_above_4_gib(void **state)
{
	struct layout layout;

	(void)state;
	assert_int_equal(layout_plan(&layout, 5 * GIB, &kernel, 0, &problem), 0);
	assert_int_equal(layout.low_bytes, 3 * GIB);
	assert_int_equal(layout.high_bytes, 2 * GIB);
	assert_int_equal(layout.kernel, 16 * MIB);
}

static void initrd_lies_high_and_within_its_limit(void **state)
{
	struct layout layout;

	(void)state;
	assert_int_equal(layout_plan(&layout, 512 * MIB, &kernel, 5000, &problem), 0);
	assert_int_equal(layout.initrd, 512 * MIB - 8192);
	assert_int_equal(layout_plan(&layout, 3 * GIB, &kernel, 5000, &problem), 0);
	assert_true(layout.initrd + 5000 <= kernel.initrd_max);
	assert_int_equal(layout.initrd % 4096, 0);
}

static void kernel_and_initrd_that_do_not_fit_are_refused(void **state)
{
	struct layout layout;

	(void)state;
	assert_int_equal(layout_plan(&layout, 64 * MIB, &kernel, 0, &problem), -1);
	assert_int_equal(layout_plan(&layout, 66 * MIB, &kernel, 0, &problem), 0);
	assert_int_equal(layout_plan(&layout, 67 * MIB, &kernel, MIB + 1, &problem), -1);
	assert_int_equal(layout_plan(&layout, 67 * MIB, &kernel, MIB, &problem), 0);
	assert_int_equal(layout_plan(&layout, 67 * MIB, &kernel, UINT64_MAX, &problem), -1);
}

/* Low memory as start_write() leaves it. */
static uint8_t *written(const char *cmdline, uint64_t memory_bytes, struct layout *layout)
{
	uint8_t file[BZIMAGE_HEADER_BYTES] = { [0x1f1] = 27, [0x202] = 'H' };
	uint8_t *low = calloc(1, MIB);

	assert_int_equal(layout_plan(layout, memory_bytes, &kernel, 0x1234, &problem), 0);
	assert_int_equal(start_write(low, layout, &kernel, file, cmdline, &three_vps, &problem), 0);
	return low;
}

static void boot_params_name_what_the_kernel_needs(void **state)
{
	struct layout layout;
	uint8_t *low = written("console=hvc0", 5 * GIB, &layout);
	const uint8_t *params = low + LAYOUT_BOOT_PARAMS;

	(void)state;
	assert_int_equal(params[0x1f1], 27);
	assert_int_equal(params[0x202], 'H');
	assert_int_equal(params[0x210], 0xff);
	assert_int_equal(number(params + 0x218, 4), layout.initrd);
	assert_int_equal(number(params + 0x21c, 4), 0x1234);
	assert_int_equal(number(params + 0x70, 8), LAYOUT_ACPI);
	assert_string_equal((char *)low + number(params + 0x228, 4), "console=hvc0");
	free(low);
}

static void memory_map_has_all_memory_once(void **state)
{
	struct layout layout;
	uint8_t *low = written("", 5 * GIB, &layout);
	const uint8_t *params = low + LAYOUT_BOOT_PARAMS, *entry = params + 0x2d0;
	uint64_t ram = 0, end = 0;
	unsigned int i;

	(void)state;
	assert_int_equal(params[0x1e8], 4);
	for (i = 0; i < params[0x1e8]; i++, entry += 20) {
		assert_true(number(entry, 8) >= end);
		end = number(entry, 8) + number(entry + 8, 8);
		if (number(entry + 16, 4) == 1)
			ram += number(entry + 8, 8);
	}
	assert_int_equal(end, LAYOUT_HIGH + 2 * GIB);
	assert_int_equal(ram, 5 * GIB - MIB + LAYOUT_CONVENTIONAL_END);
	free(low);
}

static void page_tables_map_4_gib_one_to_one(void **state)
{
	struct layout layout;
	uint8_t *low = written("", 512 * MIB, &layout);
	const uint64_t addresses[] = { 0, 0x1000000, 0x7fe00000, 0xffe00000 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		uint64_t at = addresses[i];
		uint64_t entry = number(low + LAYOUT_PAGE_TABLES, 8);

		entry = number(low + (entry & ~0xfffull) + (at >> 30) * 8, 8);
		entry = number(low + (entry & ~0xfffull) + (at >> 21 & 511) * 8, 8);
		assert_int_equal(entry, at | 0x83);
	}
	free(low);
}

static void command_line_longer_than_the_kernel_takes_is_refused(void **state)
{
	uint8_t file[BZIMAGE_HEADER_BYTES] = { 0 };
	uint8_t *low = calloc(1, MIB);
	char cmdline[2049];
	struct layout layout;

	(void)state;
	memset(cmdline, 'x', sizeof(cmdline) - 1);
	cmdline[sizeof(cmdline) - 1] = 0;
	layout_plan(&layout, 512 * MIB, &kernel, 0, &problem);
	assert_int_equal(start_write(low, &layout, &kernel, file, cmdline, &one_vp, &problem), -1);
	assert_int_equal(start_write(low, &layout, &kernel, file, cmdline + 1, &one_vp, &problem), 0);
	free(low);
}

static void kernel_is_entered_in_64_bit_mode(void **state)
{
	struct pvn_root_register registers[START_REGISTERS];
	struct layout layout = { .kernel = 16 * MIB };
	unsigned int count = start_registers(registers, &layout), i;
	bool rip = false;

	(void)state;
	for (i = 0; i < count; i++) {
		if (registers[i].name == PVN_REG_RIP) {
			assert_int_equal(registers[i].low, 16 * MIB + 0x200);
			rip = true;
		}
		if (registers[i].name == PVN_REG_RAX + 6)
			assert_int_equal(registers[i].low, LAYOUT_BOOT_PARAMS);
	}
	assert_true(rip);
}

static void assert_checksum(const uint8_t *table, size_t bytes)
{
	uint8_t sum = 0;

	while (bytes--)
		sum += *table++;
	assert_int_equal(sum, 0);
}

static const uint8_t *checked_table(const uint8_t *tables, uint64_t gpa, const char *signature)
{
	const uint8_t *table = tables + gpa - LAYOUT_ACPI;

	assert_memory_equal(table, signature, 4);
	assert_checksum(table, number(table + 4, 4));
	return table;
}

static void acpi_tables_find_each_other(void **state)
{
	uint8_t *tables = calloc(1, LAYOUT_ACPI_BYTES);
	const uint8_t *xsdt, *fadt, *madt;

	(void)state;
	assert_true(acpi_build(tables, LAYOUT_ACPI_BYTES, LAYOUT_ACPI, &eight_vps) > 0);
	assert_memory_equal(tables, "RSD PTR ", 8);
	assert_checksum(tables, 20);
	assert_checksum(tables, 36);
	xsdt = checked_table(tables, number(tables + 24, 8), "XSDT");
	fadt = checked_table(tables, number(xsdt + 36, 8), "FACP");
	madt = checked_table(tables, number(xsdt + 44, 8), "APIC");
	checked_table(tables, number(fadt + 140, 8), "DSDT");
	assert_true(number(fadt + 112, 4) & 1u << 20);
	assert_int_equal(number(madt + 4, 4), 44 + 8 * 8 + 6);
	assert_int_equal(madt[44 + 7 * 8 + 3], 7);
	free(tables);
}

static void emulated_devices_are_in_the_acpi_tables(void **state)
{
	const struct acpi_machine machine = { .vps = 2, .emulated = true, .pci = true,
					      .serial = true };
	uint8_t *tables = calloc(1, LAYOUT_ACPI_BYTES);
	const uint8_t *xsdt, *madt;
	unsigned int i;

	(void)state;
	assert_true(acpi_build(tables, LAYOUT_ACPI_BYTES, LAYOUT_ACPI, &machine) > 0);
	xsdt = checked_table(tables, number(tables + 24, 8), "XSDT");
	assert_int_equal(number(xsdt + 4, 4), 36 + 5 * 8);
	madt = checked_table(tables, number(xsdt + 44, 8), "APIC");
	assert_int_equal(number(madt + 4, 4), 44 + 2 * 8 + 6 + 12);
	assert_int_equal(madt[44 + 2 * 8 + 6], 1);
	assert_int_equal(number(madt + 44 + 2 * 8 + 6 + 4, 4), 0xfec00000);
	for (i = 0; i < 3; i++)
		checked_table(tables, number(xsdt + 52 + 8 * i, 8), "SSDT");
	free(tables);
}

static void acpi_tables_without_room_are_refused(void **state)
{
	uint8_t tables[400] = { 0 };

	(void)state;
	assert_int_equal(acpi_build(tables, sizeof(tables), LAYOUT_ACPI, &eight_vps), 0);
	assert_int_equal(acpi_build(tables, 8, LAYOUT_ACPI, &eight_vps), 0);
}

static uint32_t cmos(struct ports *ports, uint8_t index, time_t now)
{
	uint32_t value = index;

	ports_access(ports, PORT_CMOS_INDEX, 1, true, &value, now);
	ports_access(ports, PORT_CMOS_DATA, 1, false, &value, now);
	return value;
}

static void clock_tells_the_time_in_decimals(void **state)
{
	const time_t now = 1792467296;	/* 2026-10-20 03:34:56 */
	struct ports ports = { 0 };

	(void)state;
	assert_int_equal(cmos(&ports, 0x00, now), 0x56);
	assert_int_equal(cmos(&ports, 0x02, now), 0x34);
	assert_int_equal(cmos(&ports, 0x04, now), 0x03);
	assert_int_equal(cmos(&ports, 0x07, now), 0x20);
	assert_int_equal(cmos(&ports, 0x08, now), 0x10);
	assert_int_equal(cmos(&ports, 0x09, now), 0x26);
	assert_int_equal(cmos(&ports, 0x32, now), 0x20);
	assert_int_equal(cmos(&ports, 0x0a, now) & 0x80, 0);
	assert_int_equal(cmos(&ports, 0x0b, now) & 0x04, 0);
}

static enum port_outcome out(uint16_t port, uint32_t value)
{
	struct ports ports = { 0 };

	return ports_access(&ports, port, 1, true, &value, 0);
}

static void sleep_type_5_switches_off_and_others_do_nothing(void **state)
{
	(void)state;
	assert_int_equal(out(PORT_SLEEP_CONTROL, 0x34), PORT_POWER_OFF);
	assert_int_equal(out(PORT_SLEEP_CONTROL, 0x14), PORT_DONE);
	assert_int_equal(out(PORT_SLEEP_CONTROL, 0x24), PORT_DONE);
}

static void both_reset_ports_reboot(void **state)
{
	(void)state;
	assert_int_equal(out(PORT_RESET, 1), PORT_REBOOT);
	assert_int_equal(out(PORT_RESET, 0), PORT_DONE);
	assert_int_equal(out(PORT_KEYBOARD, 0xfe), PORT_REBOOT);
	assert_int_equal(out(PORT_KEYBOARD, 0xed), PORT_DONE);
}

static void reading_changes_as_much_of_rax_as_it_should(void **state)
{
	const uint64_t rax = 0x1122334455667788;

	(void)state;
	assert_int_equal(ports_merge(rax, 0xffffff01, 1), 0x1122334455667701);
	assert_int_equal(ports_merge(rax, 0xffffff01, 2), 0x112233445566ff01);
	assert_int_equal(ports_merge(rax, 0xffffff01, 4), 0xffffff01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_beyond_3_gib_lies_above_4_gib),
		cmocka_unit_test(initrd_lies_high_and_within_its_limit),
		cmocka_unit_test(kernel_and_initrd_that_do_not_fit_are_refused),
		cmocka_unit_test(boot_params_name_what_the_kernel_needs),
		cmocka_unit_test(memory_map_has_all_memory_once),
		cmocka_unit_test(page_tables_map_4_gib_one_to_one),
		cmocka_unit_test(command_line_longer_than_the_kernel_takes_is_refused),
		cmocka_unit_test(kernel_is_entered_in_64_bit_mode),
		cmocka_unit_test(acpi_tables_find_each_other),
		cmocka_unit_test(emulated_devices_are_in_the_acpi_tables),
		cmocka_unit_test(acpi_tables_without_room_are_refused),
		cmocka_unit_test(clock_tells_the_time_in_decimals),
		cmocka_unit_test(sleep_type_5_switches_off_and_others_do_nothing),
		cmocka_unit_test(both_reset_ports_reboot),
		cmocka_unit_test(reading_changes_as_much_of_rax_as_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
