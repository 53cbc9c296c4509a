/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the files of this folder offer each other and the start-up code; core sees
 * core/platform.h only.
 */
#pragma once

#include "core/platform.h"
#include "core/vp.h"
#include "x86/insn.h"
#include "x86/layout.h"

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

/* plat_this_cpu() for this folder: it is at the bottom of its stack. */
static inline struct cpu *this_cpu(void)
{
	return (struct cpu *)(stack_pointer() & ~(uint64_t)(STACK_BYTES - 1));
}

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

/* --- console.c: The hypervisor's serial lines: the log's, and the debugger's. --- */

#define CONSOLE_PORT_COUNT 8

/* The log's line, 115200 8N1 at that I/O port; 0: none. */
void console_init(uint16_t port);
uint16_t console_port(void);

/* Any line; false: there is none at that port. */
bool serial_init(uint16_t port);
void serial_write(uint16_t port, uint8_t c);
/* Has something come in? Waits for it, and takes it. */
bool serial_has(uint16_t port);
uint8_t serial_read(uint16_t port);

/* --- stop.c: all other processors stand still --- */

/*
 * They come to a stop in windows of their loops, where their VPs' registers are in memory, or
 * within 0.2 s by NMI, wherever they are: a current VP's registers are then those of its last
 * exit. Waits for another one that stops them. False: the caller has stopped them already.
 */
bool stop_others(struct irq_frame *frame);
void stop_end(void);
/* The two interrupts by which a processor is stopped. False: nobody stops it. */
bool stop_park(struct irq_frame *frame);
/* By index, the caller's too. [a] NULL: that processor runs. */
extern struct irq_frame *stop_frames[CPUS_MAX];

/* --- gdb.c: A remote stub for GDB on a serial line of its own, there when the command line names one
 * (gdb=). Threads 1, 2, ... are the processors with the hypervisor's registers and memory;
 * thread <partition> << 8 | <vp> + 1 is a virtual processor with the guest's. --- */

/* Of the protocol: why everything stands still. */
enum { SIGNAL_INTERRUPT = 2, SIGNAL_TRAP = 5, SIGNAL_FAULT = 11 };

/* False: there is no line at that port. */
bool gdb_init(uint16_t port);
/* Its line; 0: the debugger is off. */
uint16_t gdb_port(void);
/* Has GDB said something? */
bool gdb_calls(void);
/*
 * Everything stands still while GDB is served, until it lets go. False: there is no debugger,
 * or it is the debugger itself that has failed. The signal is what GDB is told. Takes no
 * locks but those of the map of a guest that GDB looks into, if nobody holds them.
 */
bool gdb_enter(struct irq_frame *frame, unsigned int signal);
/* The same when everything stands still already. */
bool gdb_serve(struct irq_frame *frame, unsigned int signal);

/* --- panic.c: The end. --- */

/* Says what it was, shows every processor, and stops. GDB comes last, if there is one. */
_Noreturn void panic_exception(struct irq_frame *frame);
