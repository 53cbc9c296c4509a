/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Which processors and which memory are near to each other: proximity domains, as firmware
 * says at boot [ACPI 6.4 5.2.16 "System Resource Affinity Table"]. Without a table there is
 * one domain, 0. Constant after boot.
 */
#pragma once

#include <pvn/abi/hypercall.h>
#include "core/addr.h"

#define NUMA_ANY (~0u)		/* no domain */

/* Reads the table. */
void numa_init(struct hpa rsdp);
/* The domain of a processor, by its APIC id, or of a physical address; NUMA_ANY: nobody knows. */
uint32_t numa_of(bool memory, uint64_t at);
/*
 * What a call says of a domain [TLFS 2.0 7.3 "Proximity Domain Info"]: NUMA_ANY if nothing.
 * INVALID_PROXIMITY_DOMAIN_INFO: there is none of that number.
 */
enum pvn_status numa_domain(uint32_t id, uint32_t flags, uint32_t *domain);
