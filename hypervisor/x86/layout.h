/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Where things are in the hypervisor's own address space; for C and assembly.
 */
#pragma once

#define KERNEL_BASE	0xffffffff80000000	/* the image: physical 0 + this */
#define DIRECT_MAP	0xffff800000000000	/* all physical memory */
#define DIRECT_MAP_SLOT	256			/* its slot in the top table */
#define STACK_BYTES	0x4000			/* stack block of a processor, aligned to itself */
#define AP_START	0x8000			/* physical; the start-up IPI's vector is 0x08 */

/* Vectors of the hypervisor: 0xec and up, which Linux never gives to devices. */
#define VECTOR_FIRST_OWN 0xec
#define VECTOR_TIMER	0xfc
#define VECTOR_KICK	0xfd
#define VECTOR_STOP	0xfe
#define VECTOR_SPURIOUS	0xff
