// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * ACPI tables of a guest; see acpi.h. DSDT and SSDTs are compiled from .asl files at
 * build time, the others are written field by field.
 */
#include "worker/acpi.h"

#include <stdbool.h>
#include <string.h>

#include "worker/ports.h"

#include "dsdt.hex"
#include "ssdt_legacy.hex"
#include "ssdt_pci.hex"
#include "ssdt_serial.hex"

enum {
	HEADER_BYTES = 36,
	RSDP_BYTES = 36,
	FADT_BYTES = 276,		/* revision 6 */
	MADT_FIXED_BYTES = 44,
	TABLE_ALIGNMENT = 16,
	IOAPIC_ENTRY_BYTES = 12,
	SSDTS_MAX = 3,
};

#define FADT_WBINVD		(1u << 0)
#define FADT_NO_POWER_BUTTON	(1u << 4)	/* as fixed hardware */
#define FADT_NO_SLEEP_BUTTON	(1u << 5)
#define FADT_RESET_REGISTER	(1u << 10)
#define FADT_HARDWARE_REDUCED	(1u << 20)
#define FADT_BOOT_NO_VGA	(1u << 2)
#define LOCAL_APIC		0xfee00000u
#define IO_APIC			0xfec00000u	/* emul/ioapic.h says it too */

/* Tables grow one after another; full: nothing is written any more. */
struct writer {
	uint8_t *base;
	size_t bytes, used;
	uint64_t gpa;
	bool full;
};

static void put(uint8_t *table, size_t at, uint64_t value, size_t bytes)
{
	memcpy(table + at, &value, bytes);	/* little-endian on both sides */
}

static void set_checksum(uint8_t *table, size_t bytes, size_t at)
{
	uint8_t sum = 0;
	size_t i;

	table[at] = 0;
	for (i = 0; i < bytes; i++)
		sum += table[i];
	table[at] = -sum;
}

/* Room for a table with its header written; NULL: full. */
static uint8_t *begin(struct writer *writer, const char *signature, uint8_t revision, size_t bytes)
{
	uint8_t *table = writer->base + writer->used;

	if (writer->full || bytes > writer->bytes - writer->used) {
		writer->full = true;
		return NULL;
	}
	writer->used += (bytes + TABLE_ALIGNMENT - 1) & ~(size_t)(TABLE_ALIGNMENT - 1);
	if (writer->used > writer->bytes)
		writer->used = writer->bytes;
	memcpy(table, signature, 4);
	put(table, 4, bytes, 4);
	table[8] = revision;
	memcpy(table + 10, "PVANE\0PARAVANE", 14);
	put(table, 24, 1, 4);
	memcpy(table + 28, "PVN ", 4);
	put(table, 32, 1, 4);
	return table;
}

static uint64_t finish(const struct writer *writer, uint8_t *table)
{
	uint32_t bytes;

	memcpy(&bytes, table + 4, 4);
	set_checksum(table, bytes, 9);
	return writer->gpa + (table - writer->base);
}

/* Generic address of one byte in I/O space [ACPI 6.4 5.2.3.2 "Generic Address Structure"]. */
static void put_port(uint8_t *table, size_t at, uint16_t port)
{
	table[at] = 1;		/* system I/O */
	table[at + 1] = 8;	/* bits */
	table[at + 3] = 1;	/* byte access */
	put(table, at + 4, port, 8);
}

/* A table that the compiler has made whole. */
static uint64_t write_compiled(struct writer *writer, const unsigned char *code, size_t bytes)
{
	uint8_t *table = begin(writer, (const char *)code, 2, bytes);

	if (!table)
		return 0;
	memcpy(table, code, bytes);
	return finish(writer, table);
}

static unsigned int write_ssdts(struct writer *writer, const struct acpi_machine *machine,
				uint64_t at[SSDTS_MAX])
{
	unsigned int count = 0;

	if (machine->emulated)
		at[count++] = write_compiled(writer, ssdt_legacy_aml_code,
					     sizeof(ssdt_legacy_aml_code));
	if (machine->pci)
		at[count++] = write_compiled(writer, ssdt_pci_aml_code, sizeof(ssdt_pci_aml_code));
	if (machine->serial)
		at[count++] = write_compiled(writer, ssdt_serial_aml_code,
					     sizeof(ssdt_serial_aml_code));
	return count;
}

static uint64_t write_fadt(struct writer *writer, uint64_t dsdt)
{
	uint8_t *table = begin(writer, "FACP", 6, FADT_BYTES);

	if (!table)
		return 0;
	table[108] = PORT_CMOS_CENTURY;
	put(table, 109, FADT_BOOT_NO_VGA, 2);
	put(table, 112, FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
			FADT_RESET_REGISTER | FADT_HARDWARE_REDUCED, 4);
	put_port(table, 116, PORT_RESET);
	table[128] = PORT_RESET_VALUE;
	table[131] = 4;		/* minor revision */
	put(table, 140, dsdt, 8);
	put_port(table, 244, PORT_SLEEP_CONTROL);
	put_port(table, 256, PORT_SLEEP_STATUS);
	memcpy(table + 268, "PARAVANE", 8);
	return finish(writer, table);
}

/* A processor's APIC id is its VP index. */
static uint64_t write_madt(struct writer *writer, const struct acpi_machine *machine)
{
	unsigned int vps = machine->vps, i;
	uint8_t *table = begin(writer, "APIC", 5, MADT_FIXED_BYTES + vps * 8 + 6 +
			       (machine->emulated ? IOAPIC_ENTRY_BYTES : 0));
	uint8_t *entry;

	if (!table)
		return 0;
	put(table, 36, LOCAL_APIC, 4);
	entry = table + MADT_FIXED_BYTES;
	for (i = 0; i < vps; i++, entry += 8) {
		entry[0] = 0;	/* processor local APIC */
		entry[1] = 8;
		entry[2] = i;
		entry[3] = i;
		put(entry, 4, 1, 4);	/* enabled */
	}
	entry[0] = 4;		/* NMI at LINT1 of every processor */
	entry[1] = 6;
	entry[2] = 0xff;
	entry[5] = 1;
	if (machine->emulated) {
		entry += 6;
		entry[0] = 1;	/* I/O APIC; its interrupts count from 0 */
		entry[1] = IOAPIC_ENTRY_BYTES;
		put(entry, 4, IO_APIC, 4);
	}
	return finish(writer, table);
}

static uint64_t write_xsdt(struct writer *writer, const uint64_t *tables, unsigned int count)
{
	uint8_t *table = begin(writer, "XSDT", 1, HEADER_BYTES + count * 8);
	unsigned int i;

	if (!table)
		return 0;
	for (i = 0; i < count; i++)
		put(table, HEADER_BYTES + i * 8, tables[i], 8);
	return finish(writer, table);
}

static void write_rsdp(uint8_t *table, uint64_t xsdt)
{
	memcpy(table, "RSD PTR ", 8);
	memcpy(table + 9, "PVANE", 5);
	table[15] = 2;
	put(table, 20, RSDP_BYTES, 4);
	put(table, 24, xsdt, 8);
	set_checksum(table, 20, 8);
	set_checksum(table, RSDP_BYTES, 32);
}

size_t acpi_build(uint8_t *to, size_t bytes, uint64_t gpa, const struct acpi_machine *machine)
{
	struct writer writer = { .base = to, .bytes = bytes, .gpa = gpa };
	uint64_t dsdt, tables[2 + SSDTS_MAX];
	unsigned int count;

	if (bytes < 2 * RSDP_BYTES)
		return 0;
	writer.used = 48;	/* the RSDP, aligned */
	dsdt = write_compiled(&writer, dsdt_aml_code, sizeof(dsdt_aml_code));
	tables[0] = write_fadt(&writer, dsdt);
	tables[1] = write_madt(&writer, machine);
	count = 2 + write_ssdts(&writer, machine, tables + 2);
	write_rsdp(to, write_xsdt(&writer, tables, count));
	return writer.full ? 0 : writer.used;
}
