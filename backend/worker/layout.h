/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Where things are in a guest's memory. Pure.
 *
 *	0x00001000	descriptor table	0x00007000	boot_params
 *	0x00009000	page tables		0x00020000	command line
 *	0x000e0000	ACPI tables
 *	where the kernel prefers (16 MiB)	kernel; a multiboot payload where it is linked, also
 *						between 0x8000 or 0x30000 and what comes next
 *	as high as possible below 3 GiB		initrd; right behind a multiboot payload, from 1 MiB on
 *	0xfe000000	page of the store, not RAM
 *	4 GiB		RAM beyond the first 3 GiB
 */
#ifndef WORKER_LAYOUT_H
#define WORKER_LAYOUT_H

#include <stdint.h>

#include "worker/bzimage.h"
#include "worker/multiboot.h"

#define LAYOUT_GDT		0x1000ull
#define LAYOUT_STACK		0x6ff0ull
#define LAYOUT_BOOT_PARAMS	0x7000ull
#define LAYOUT_PAGE_TABLES	0x9000ull
#define LAYOUT_CMDLINE		0x20000ull
#define LAYOUT_CMDLINE_BYTES	0x10000ull
#define LAYOUT_CONVENTIONAL_END	0x9fc00ull
#define LAYOUT_ACPI		0xe0000ull
#define LAYOUT_ACPI_BYTES	0x1f000ull
#define LAYOUT_RESET_VECTOR	0xffff0ull	/* where real-mode firmware would start */
#define LAYOUT_KERNEL_MIN	0x100000ull
#define LAYOUT_LOW_MAX		0xc0000000ull	/* end of RAM below 4 GiB */
#define LAYOUT_STORE_PAGE	0xfe000000ull	/* dsdt.asl says it too */
#define LAYOUT_HIGH		0x100000000ull
#define LAYOUT_CHANNEL_STORE	1u		/* dsdt.asl says it too */

struct layout {
	uint64_t memory_bytes;
	uint64_t low_bytes, high_bytes;	/* RAM from 0, and from LAYOUT_HIGH */
	uint64_t kernel;		/* GPA */
	uint64_t initrd, initrd_bytes;	/* GPA; 0 bytes: none */
};

/* Plans; 0, or -1 with *problem filled: it does not fit. */
int layout_plan(struct layout *layout, uint64_t memory_bytes, const struct bzimage *kernel,
		uint64_t initrd_bytes, struct pvn_problem *problem);
/* Likewise for a multiboot payload, whose module the initrd is. */
int layout_plan_multiboot(struct layout *layout, uint64_t memory_bytes,
			  const struct multiboot *payload, uint64_t initrd_bytes,
			  struct pvn_problem *problem);

#endif
