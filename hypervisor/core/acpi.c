/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * ACPI table walk: RSDP, XSDT or RSDT, MADT. Every table's checksum and length is
 * checked before it is read.
 */
#include "core/acpi.h"
#include "core/platform.h"

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t bytes;
	uint64_t xsdt;
} __attribute__((packed));

struct table {
	char signature[4];
	uint32_t bytes;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

#define RSDP1_BYTES	20
#define TABLE_BYTES_MAX	(1u << 20)
#define MADT_ENTRIES	(sizeof(struct table) + 8)
#define MADT_LAPIC	0
#define MADT_X2APIC	9
#define MADT_ENABLED	1u

static bool sum_is_zero(const void *data, size_t bytes)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (bytes--)
		sum += *p++;
	return !sum;
}

static bool is_rsdp(const struct rsdp *r)
{
	return !memcmp(r->signature, "RSD PTR ", 8) && sum_is_zero(r, RSDP1_BYTES);
}

static struct hpa scan(uint64_t start, uint64_t bytes)
{
	for (uint64_t at = start; at < start + bytes; at += 16)
		if (is_rsdp(plat_hva(hpa(at))))
			return hpa(at);
	return HPA_NONE;
}

struct hpa acpi_find_rsdp(void)
{
	uint16_t segment;
	struct hpa found = HPA_NONE;

	memcpy(&segment, plat_hva(hpa(0x40e)), sizeof(segment));
	if (segment)
		found = scan((uint64_t)segment << 4, 1024);
	return hpa_is_none(found) ? scan(0xe0000, 0x20000) : found;
}

static const struct table *table_at(uint64_t at)
{
	const struct table *t;

	if (!at || at >= plat_hpa_end())
		return NULL;
	t = plat_hva(hpa(at));
	if (t->bytes < sizeof(*t) || t->bytes > TABLE_BYTES_MAX || !sum_is_zero(t, t->bytes))
		return NULL;
	return t;
}

static const struct table *find_madt(const struct rsdp *r)
{
	bool wide = r->revision >= 2 && r->xsdt;
	const struct table *root = table_at(wide ? r->xsdt : r->rsdt);
	size_t entry_bytes = wide ? 8 : 4;

	if (!root)
		return NULL;
	for (size_t o = sizeof(*root); o + entry_bytes <= root->bytes; o += entry_bytes) {
		const struct table *t;
		uint64_t at = 0;

		memcpy(&at, (const char *)root + o, entry_bytes);
		t = table_at(at);
		if (t && !memcmp(t->signature, "APIC", 4))
			return t;
	}
	return NULL;
}

unsigned int acpi_processors(struct hpa at, uint32_t *apic_ids, unsigned int max)
{
	const struct table *madt;
	unsigned int count = 0;

	if (hpa_is_none(at) || !is_rsdp(plat_hva(at)))
		return 0;
	madt = find_madt(plat_hva(at));
	if (!madt)
		return 0;
	for (size_t o = MADT_ENTRIES; o + 2 <= madt->bytes && count < max;) {
		const uint8_t *e = (const uint8_t *)madt + o;
		uint32_t id = 0, flags = 0;

		if (e[1] < 2 || o + e[1] > madt->bytes)
			break;
		if (e[0] == MADT_LAPIC && e[1] >= 8) {
			id = e[3];
			memcpy(&flags, e + 4, 4);
		} else if (e[0] == MADT_X2APIC && e[1] >= 16) {
			memcpy(&id, e + 4, 4);
			memcpy(&flags, e + 8, 4);
		}
		if (flags & MADT_ENABLED)
			apic_ids[count++] = id;
		o += e[1];
	}
	return count;
}
