/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Interrupts and exceptions of the hypervisor itself.
 */
#pragma once

#include <stdint.h>

/* What irq_entry.S builds, lowest address first. */
struct irq_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Fills the table (boot processor), loads it (each processor). */
void irq_init(void);
void irq_load(void);
