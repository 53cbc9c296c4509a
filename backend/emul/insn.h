/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Instructions on devices, decoded with Zydis and carried out: moves to and from their
 * memory, and string instructions on their ports. Pure.
 */
#ifndef EMUL_INSN_H
#define EMUL_INSN_H

#include "emul/cpu.h"

/*
 * The instruction at cpu->rip touched device memory at gpa: carries it out and moves
 * rip on. Repeated ones are done in parts: rip stays, and they trap again.
 */
enum cpu_outcome insn_memory(struct cpu *cpu, struct bus *bus, uint64_t gpa,
			     struct cpu_fault *fault);

/* The same for INS or OUTS on a port. */
enum cpu_outcome insn_port(struct cpu *cpu, struct bus *bus, uint16_t port,
			   struct cpu_fault *fault);

#endif
