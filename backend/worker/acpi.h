/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * ACPI tables of a guest: RSDP, XSDT, FADT (hardware-reduced), MADT, DSDT
 * [ACPI 6.4 ch. 5 "ACPI Software Programming Model"]. Pure.
 */
#ifndef WORKER_ACPI_H
#define WORKER_ACPI_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes all tables, the RSDP first, into `bytes` of zeroed memory that the guest
 * sees at `gpa`. Returns how many bytes they take, 0: no room.
 */
size_t acpi_build(uint8_t *to, size_t bytes, uint64_t gpa, unsigned int vps);

#endif
