/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The state in which a kernel is entered: 64-bit mode at its 64-bit entry point
 * [Linux Documentation/x86/boot.rst "64-bit Boot Protocol"]; a multiboot payload in
 * 32-bit protected mode. Pure: writes into memory it is given.
 */
#ifndef WORKER_START_H
#define WORKER_START_H

#include <stddef.h>
#include <stdint.h>

#include <pvn/abi/root_dev.h>

#include "worker/acpi.h"
#include "worker/layout.h"

#define START_REGISTERS 20

/*
 * Writes boot_params, command line, page tables, descriptor table and ACPI tables
 * into the guest's low memory (which holds them all). `file` is the start of the
 * kernel file, BZIMAGE_HEADER_BYTES long. 0, or -1 with *problem filled.
 */
int start_write(uint8_t *low_memory, const struct layout *layout, const struct bzimage *kernel,
		const uint8_t *file, const char *cmdline, const struct acpi_machine *machine,
		struct pvn_problem *problem);

/* Descriptor table and ACPI tables of a multiboot payload; multiboot_write() does the rest. */
int start_write_multiboot(uint8_t *low_memory, const struct acpi_machine *machine,
			  struct pvn_problem *problem);

/* Registers of VP 0; returns their number. */
unsigned int start_registers(struct pvn_root_register registers[START_REGISTERS],
			     const struct layout *layout);
/* Those of a multiboot payload [multiboot 1 3.2 "Machine state"]. */
unsigned int start_registers_multiboot(struct pvn_root_register registers[START_REGISTERS],
				       const struct multiboot *payload);

#endif
