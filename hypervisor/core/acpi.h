/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The little that the hypervisor reads of ACPI: which processors there are, and what is near
 * to what [ACPI 6.4 5.2.12 "Multiple APIC Description Table", 5.2.16 "System Resource
 * Affinity Table"].
 */
#pragma once

#include "core/addr.h"

/* Looks for the RSDP where a BIOS puts it; HPA_NONE: not there. */
struct hpa acpi_find_rsdp(void);
/*
 * APIC ids of the usable processors, in the order of the table; returns how many
 * (at most max), 0 when there is no valid MADT.
 */
unsigned int acpi_processors(struct hpa rsdp, uint32_t *apic_ids, unsigned int max);

/* What belongs to a proximity domain: memory, or processors by their APIC ids, from start up to end. */
struct acpi_affinity { bool memory; uint32_t domain; uint64_t start, end; };

/* Returns how many (at most max), 0 without a valid SRAT. */
unsigned int acpi_affinities(struct hpa rsdp, struct acpi_affinity *out, unsigned int max);
