/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A stopped virtual processor as far as its instructions on devices need it: registers,
 * and the way from a linear address to memory [SDM 3A 4.5 "4-Level Paging and 5-Level
 * Paging"]. Pure.
 */
#ifndef EMUL_CPU_H
#define EMUL_CPU_H

#include "emul/bus.h"

/* In the order of the ABI's register names, which is that of instructions. */
enum { CPU_RAX, CPU_RCX, CPU_RSI = 6, CPU_RDI = 7, CPU_GPRS = 16 };
enum { CPU_ES, CPU_CS, CPU_SS, CPU_DS, CPU_FS, CPU_GS, CPU_SEGMENTS };

struct cpu {
	uint64_t gpr[CPU_GPRS];
	uint64_t rip, rflags, cr0, cr3, cr4, efer;
	uint64_t base[CPU_SEGMENTS];
	bool is_64_bit;		/* CS.L in long mode */
	bool is_32_bit;		/* CS.D */
	unsigned int level;	/* CPL */
};

enum cpu_outcome {
	CPU_DONE,		/* registers say where to go on */
	CPU_PAGE_FAULT,		/* the guest's own: fault says at what */
	CPU_FAILED,		/* *why says what cannot be done */
};

struct cpu_fault {
	uint64_t address;
	uint32_t code;
	const char *why;
};

/*
 * Guest-physical address behind a linear one, after the guest's own tables and rights;
 * marks entries as used. CPU_FAILED: not in 64-bit paging.
 */
enum cpu_outcome cpu_translate(const struct cpu *cpu, const struct emul_host *host,
			       uint64_t linear, bool write, uint64_t *gpa,
			       struct cpu_fault *fault);

/*
 * One access of the instruction under way, to RAM or to a device; up to 8 bytes, which
 * may lie in two pages. A fault in the second leaves the first alone.
 */
enum cpu_outcome cpu_read(const struct cpu *cpu, struct bus *bus, uint64_t linear,
			  unsigned int bytes, uint64_t *value, struct cpu_fault *fault);
enum cpu_outcome cpu_write(const struct cpu *cpu, struct bus *bus, uint64_t linear,
			   unsigned int bytes, uint64_t value, struct cpu_fault *fault);

/* Up to 15 bytes of code at RIP; how many there are before the end of what is mapped. */
unsigned int cpu_fetch(const struct cpu *cpu, const struct emul_host *host, uint8_t code[15]);

#endif
