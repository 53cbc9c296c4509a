/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * ACPI tables of a guest: RSDP, XSDT, FADT (hardware-reduced), MADT, DSDT, and SSDTs of
 * emulated devices [ACPI 6.4 ch. 5 "ACPI Software Programming Model"]. Pure.
 */
#ifndef WORKER_ACPI_H
#define WORKER_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acpi_machine {
	unsigned int vps;
	bool emulated;		/* an I/O APIC and a clock */
	bool pci, serial;	/* and these */
};

/*
 * Writes all tables, the RSDP first, into `bytes` of zeroed memory that the guest
 * sees at `gpa`. Returns how many bytes they take, 0: no room.
 */
size_t acpi_build(uint8_t *to, size_t bytes, uint64_t gpa, const struct acpi_machine *machine);

#endif
