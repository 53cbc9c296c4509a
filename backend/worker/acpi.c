// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * ACPI tables of a guest; see acpi.h. The DSDT is compiled from dsdt.asl at build
 * time, the others are written field by field.
 */
#include "worker/acpi.h"

#include <stdbool.h>
#include <string.h>

#include "worker/ports.h"

#include "dsdt.hex"

enum {
	HEADER_BYTES = 36,
	RSDP_BYTES = 36,
	FADT_BYTES = 276,		/* revision 6 */
	MADT_FIXED_BYTES = 44,
	TABLE_ALIGNMENT = 16,
};

#define FADT_WBINVD		(1u << 0)
#define FADT_NO_POWER_BUTTON	(1u << 4)	/* as fixed hardware */
#define FADT_NO_SLEEP_BUTTON	(1u << 5)
#define FADT_RESET_REGISTER	(1u << 10)
#define FADT_HARDWARE_REDUCED	(1u << 20)
#define FADT_BOOT_NO_VGA	(1u << 2)
#define LOCAL_APIC		0xfee00000u

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

static uint64_t write_dsdt(struct writer *writer)
{
	uint8_t *table = begin(writer, "DSDT", 2, sizeof(dsdt_aml_code));

	if (!table)
		return 0;
	memcpy(table, dsdt_aml_code, sizeof(dsdt_aml_code));
	return finish(writer, table);
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
static uint64_t write_madt(struct writer *writer, unsigned int vps)
{
	uint8_t *table = begin(writer, "APIC", 5, MADT_FIXED_BYTES + vps * 8 + 6);
	uint8_t *entry;
	unsigned int i;

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
	return finish(writer, table);
}

static uint64_t write_xsdt(struct writer *writer, uint64_t fadt, uint64_t madt)
{
	uint8_t *table = begin(writer, "XSDT", 1, HEADER_BYTES + 2 * 8);

	if (!table)
		return 0;
	put(table, HEADER_BYTES, fadt, 8);
	put(table, HEADER_BYTES + 8, madt, 8);
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

size_t acpi_build(uint8_t *to, size_t bytes, uint64_t gpa, unsigned int vps)
{
	struct writer writer = { .base = to, .bytes = bytes, .gpa = gpa };
	uint64_t dsdt, fadt, madt, xsdt;

	if (bytes < 2 * RSDP_BYTES)
		return 0;
	writer.used = 48;	/* the RSDP, aligned */
	dsdt = write_dsdt(&writer);
	fadt = write_fadt(&writer, dsdt);
	madt = write_madt(&writer, vps);
	xsdt = write_xsdt(&writer, fadt, madt);
	write_rsdp(to, xsdt);
	return writer.full ? 0 : writer.used;
}
