/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the core needs from below: the library, and the machine. x86/ implements that on
 * hardware, tests/unit/fake/ on the host; chosen by link, never by #if.
 */
#pragma once

#include "core/cpu.h"
#include "lib/log.h"
#include "lib/string.h"

/* Compare-and-swap, ordered with everything; *old: what was there. */
#define atomic_swap_if(at, old, new) \
	__atomic_compare_exchange_n(at, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* Every physical page that the hypervisor may touch is mapped at these. */
void *plat_hva(struct hpa pa);
struct hpa plat_hpa(const void *va);

/* The logical processor this runs on; all of them; how many there are. */
struct cpu *plat_this_cpu(void);
struct cpu *plat_cpu(unsigned int index);
unsigned int plat_cpu_count(void);

uint64_t plat_tsc(void);
uint64_t plat_tsc_hz(void);	/* constant after boot, the same on all processors */
uint64_t plat_apic_hz(void);	/* what guests are told of their APIC timer */

/* Makes that processor leave its guest, or its idle sleep, and look for work. */
void plat_kick(struct cpu *cpu);
/* One-shot timer of this processor; a deadline in the past fires at once; ~0: off. */
void plat_timer_set(uint64_t tsc_deadline);
/* Physical end of a level-triggered device interrupt that the root acknowledged. */
void plat_device_eoi(unsigned int vector);
/* Interrupts are off in all hypervisor code but here: takes what is pending. */
void plat_interrupts_take(void);
/* Sleeps until an interrupt comes and takes it. */
void plat_interrupts_wait(void);
/* XCR0 as of the calling processor's current guest. */
void plat_set_xcr0(uint64_t value);
/* vp->fpu is what the VP has, also while its registers are in the calling processor. */
void plat_fpu_sync(struct vp *vp);
/* XMM0 to XMM5, 16 bytes each, of the calling processor's current guest. */
void plat_xmm_read(void *to);
void plat_xmm_write(const void *from);
/* In a spin loop. */
void plat_relax(void);
/* One line to the log's sink, newline included. */
void plat_log_write(const char *text, size_t bytes);
/* Where memory ends: GPAs of the root at or above this are not RAM or devices. */
uint64_t plat_hpa_end(void);
/* Values of the real CPUID instruction on this processor. */
void plat_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
/* Enters the debugger, and returns when it lets go. False: there is none. */
bool plat_debugger(void);
/* Resets the machine, as a processor's triple fault would. */
_Noreturn void plat_reset(void);
