/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the files of this folder offer each other and the start-up code; core sees
 * core/platform.h only.
 */
#pragma once

#include "core/cpu.h"
#include "core/vp.h"

/* --- irq.c: Interrupts and exceptions of the hypervisor itself. --- */

/* What irq_entry.S builds, lowest address first. */
struct irq_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Fills the table (boot processor), loads it (each processor). */
void irq_init(void);
void irq_load(void);

/* --- apic.c: The physical local APIC, in xAPIC or x2APIC form, whichever firmware left on. --- */

void apic_init_cpu(void);
void apic_accept_all(void); /* task priority 0 */
uint32_t apic_id(void);
/* Can interrupts be sent there? An xAPIC has 8 bits for the target. */
bool apic_reaches(uint32_t id);
void apic_eoi(void);
/* Was the vector that is in service level-triggered? */
bool apic_is_level(unsigned int vector);
/* Delivery mode; with it a vector, or the page that a processor starts at. */
enum { APIC_FIXED = 0, APIC_NMI = 0x400, APIC_INIT = 0x500, APIC_STARTUP = 0x600 };
void apic_send(uint32_t apic_id, uint32_t command);
/* One-shot timer, counts of apic_timer_hz(); 0 stops it. */
void apic_timer_start(uint32_t count);
uint32_t apic_timer_count(void);

/* --- smp.c: Logical processors: their blocks, and how they are started. --- */

#define CPUS_MAX 64

/* The boot processor's own struct cpu, before anything that logs. */
void smp_init_boot_cpu(void);
/*
 * Starts the processors with these APIC ids (the caller's own is skipped); stacks is
 * memory for STACK_BYTES each, so aligned. All are in ap_main() when it returns.
 */
void smp_start(const uint32_t *apic_ids, unsigned int count, void *stacks);
/* The boot processor, which calls, is none of those that are used. Before they are released. */
void smp_forget_boot_cpu(void);
/* Lets the started processors go on into the scheduler. */
void smp_release(void);

/* --- paging.c: The hypervisor's own address space. --- */

/*
 * Memory above 4 GiB into the direct map, up to end; table_pages gives pages for the
 * tables, one per GiB, as many as paging_table_pages() says.
 */
size_t paging_table_pages(uint64_t end);
void paging_map_high(uint64_t end, char *table_pages);
/* Own image: text read-only executable, data not executable; low identity map gone. */
void paging_protect(void);
/* Loads the final tables on this processor. */
void paging_load(void);

/* --- tsc.c: Rates of the TSC and of the physical APIC timer. --- */

/* Measures both against the PIT, once, on the boot processor. */
void tsc_calibrate(void);
void tsc_delay_us(uint64_t microseconds);

/* --- fpu.c: Guests' floating point and vector state. The hypervisor itself has none. --- */

void fpu_init_cpu(void);
void fpu_load(const struct vp *vp);	/* into this processor */
void fpu_save(struct vp *vp);
/*
 * Where XSETBV does not exit (QEMU 7.2 has no such intercept) the guest changes XCR0 by
 * itself: vp->xcr0 is what the processor has.
 */
void fpu_sync_xcr0(struct vp *vp);
/* Debug address registers, which no vendor switches. */
void debug_load(const struct vp *vp);
void debug_save(struct vp *vp);

/* --- console.c: The hypervisor's own serial line. --- */

#define CONSOLE_PORT_COUNT 8

/* 115200 8N1 at that I/O port; 0: no line. */
void console_init(uint16_t port);
uint16_t console_port(void);

/* --- panic.c: The end: registers, symbolized backtrace, state of every processor, stop. --- */

_Noreturn void panic_exception(const struct irq_frame *frame);
/* NMI: when another processor panics, this one shows itself and stops. */
void panic_on_nmi(const struct irq_frame *frame);
