// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See numa.h.
 */
#include "core/acpi.h"
#include "core/numa.h"
#include "lib/log.h"

#define AFFINITIES_MAX	192
#define FLAG_VALID	(1u << 31)
#define FLAG_PREFERRED	1u

static struct acpi_affinity affinities[AFFINITIES_MAX];
static unsigned int count;

void numa_init(struct hpa rsdp)
{
	count = acpi_affinities(rsdp, affinities, AFFINITIES_MAX);
	for (const struct acpi_affinity *a = affinities; a < affinities + count; a++)
		log_info("numa: domain %u has %s 0x%lx to 0x%lx", a->domain,
			 a->memory ? "memory" : "processors", a->start, a->end);
}

uint32_t numa_of(bool memory, uint64_t at)
{
	for (const struct acpi_affinity *a = affinities; a < affinities + count; a++)
		if (a->memory == memory && at >= a->start && at < a->end)
			return a->domain;
	return NUMA_ANY;
}

enum pvn_status numa_domain(uint32_t id, uint32_t flags, uint32_t *domain)
{
	bool known = !count && !id;

	*domain = count && flags & FLAG_VALID ? id : NUMA_ANY;
	for (unsigned int i = 0; i < count; i++)
		known |= affinities[i].domain == id;
	return !(flags & FLAG_VALID) || (known && !(flags & ~(FLAG_VALID | FLAG_PREFERRED))) ?
	       PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PROXIMITY_DOMAIN_INFO;
}
