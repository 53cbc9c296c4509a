/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * ACPI table walk: RSDP, XSDT or RSDT, MADT, SRAT. Every table's checksum and length is
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
#define SRAT_ENTRIES	(sizeof(struct table) + 12)
#define SRAT_MEMORY	1
#define SRAT_X2APIC	2
#define ENABLED		1u

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

static const struct table *find_table(struct hpa at, const char *signature)
{
	const struct rsdp *r = hpa_is_none(at) ? NULL : plat_hva(at);
	bool wide = r && r->revision >= 2 && r->xsdt;
	const struct table *root = r && is_rsdp(r) ? table_at(wide ? r->xsdt : r->rsdt) : NULL;
	size_t entry_bytes = wide ? 8 : 4;

	for (size_t o = sizeof(*root); root && o + entry_bytes <= root->bytes; o += entry_bytes) {
		const struct table *t;
		uint64_t entry = 0;

		memcpy(&entry, (const char *)root + o, entry_bytes);
		t = table_at(entry);
		if (t && !memcmp(t->signature, signature, 4))
			return t;
	}
	return NULL;
}

/* The entry at *offset, whole, which goes on to the next; NULL: there is none any more. */
static const uint8_t *next_entry(const struct table *t, size_t *offset)
{
	const uint8_t *e = (const uint8_t *)t + *offset;

	if (!t || *offset + 2 > t->bytes || e[1] < 2 || *offset + e[1] > t->bytes)
		return NULL;
	*offset += e[1];
	return e;
}

/* From there; 0 if the entry is shorter. */
static uint64_t field(const uint8_t *entry, unsigned int at, unsigned int bytes)
{
	uint64_t value = 0;

	if (at + bytes <= entry[1])
		memcpy(&value, entry + at, bytes);
	return value;
}

unsigned int acpi_processors(struct hpa rsdp, uint32_t *apic_ids, unsigned int max)
{
	const struct table *madt = find_table(rsdp, "APIC");
	size_t offset = MADT_ENTRIES;
	unsigned int count = 0;
	const uint8_t *e;

	while (count < max && (e = next_entry(madt, &offset))) {
		if (e[0] == MADT_LAPIC && field(e, 4, 4) & ENABLED)
			apic_ids[count++] = field(e, 3, 1);
		else if (e[0] == MADT_X2APIC && field(e, 8, 4) & ENABLED)
			apic_ids[count++] = field(e, 4, 4);
	}
	return count;
}

unsigned int acpi_affinities(struct hpa rsdp, struct acpi_affinity *out, unsigned int max)
{
	const struct table *srat = find_table(rsdp, "SRAT");
	size_t offset = SRAT_ENTRIES;
	unsigned int count = 0;
	const uint8_t *e;

	while (count < max && (e = next_entry(srat, &offset))) {
		bool memory = e[0] == SRAT_MEMORY, x2apic = e[0] == SRAT_X2APIC;
		unsigned int flags_at = memory ? 28 : x2apic ? 12 : 4;
		uint64_t start = memory ? field(e, 8, 8) : x2apic ? field(e, 8, 4) : field(e, 3, 1);
		/* That of the oldest kind is in two pieces. */
		uint32_t domain = memory ? field(e, 2, 4) : x2apic ? field(e, 4, 4) :
				  field(e, 2, 1) | field(e, 9, 3) << 8;

		if (e[0] <= SRAT_X2APIC && field(e, flags_at, 4) & ENABLED)
			out[count++] = (struct acpi_affinity){ memory, domain, start,
							       start + (memory ? field(e, 16, 8) : 1) };
	}
	return count;
}
