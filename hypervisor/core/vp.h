/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A virtual processor: registers that core handles, interrupt controller, timers,
 * and what the scheduler knows of it.
 *
 * State, drawn once:
 *
 *	created -> explicitly suspended --resume--> ready <-> running
 *	   running --HLT--> blocked --interrupt--> ready
 *	   running --intercept--> intercept suspended --parent clears--> ready
 *	   any --explicit suspend / finalize--> suspended (off every queue)
 *	VPs other than 0 also wait for INIT/SIPI (waiting_sipi) before they are ready.
 */
#pragma once

#include "core/arch.h"
#include "core/lapic.h"
#include "core/stats.h"
#include "core/synic.h"
#include "core/timer.h"
#include "core/virt_ops.h"

struct partition;

enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

struct vp_regs {
	uint64_t gpr[16];
	uint64_t rip, rflags;
};

enum vp_run_state {
	VP_STOPPED,	/* on no queue: suspended, waiting for SIPI, or not started */
	VP_BLOCKED,	/* halted: wakes with the next interrupt */
	VP_READY,	/* on the run queue of cpu */
	VP_RUNNING,	/* current on cpu */
};

/* Why a VP may not run; bits of vp->stop_reasons. */
#define VP_STOP_EXPLICIT  0x1u	/* register ExplicitSuspend */
#define VP_STOP_INTERCEPT 0x2u	/* register InterceptSuspend */
#define VP_STOP_SIPI	  0x4u	/* waits for a start-up IPI */
#define VP_STOP_DYING	  0x8u	/* partition finalized or VP deleted */
#define VP_STOP_CAP	  0x20u	/* has run for its cap of this period */
#define VP_STOP_NO_FLUSH  0x10u	/* the parent works with its translations until it resumes it */

struct vp {
	struct vp_regs regs;		/* (o) first: the assembly knows its offset */
	struct partition *partition;	/* (c) */
	uint32_t index;			/* (c) */
	uint32_t apic_id;		/* (c) once started */
	void *vendor;			/* (c) its page */
	uint64_t vendor_tag;		/* (o) of the vendor folder; 0 at creation */
	void *fpu;			/* (c) XSAVE area, a page */
	uint64_t xcr0;			/* (o) */
	uint64_t debug[4];		/* (o) DR0-DR3 while not loaded */

	/* scheduling; [q] lock of cpu's run queue */
	struct cpu *cpu;		/* [q] home: whose queue, or who runs it */
	struct cpu *pinned;		/* (c) root VPs */
	uint32_t domain;		/* (c) whose processors it prefers; NUMA_ANY */
	enum vp_run_state state;	/* [q] */
	uint32_t stop_reasons;		/* [a] */
	struct list run_node;		/* [q] */
	uint64_t virtual_time;		/* [q] */
	uint64_t run_start;		/* (o) TSC when it became current */
	uint64_t period_start, period_ran;	/* (o) of cap and reserve, TSC */
	uint64_t cap_end;		/* [timer_lock] TSC at which VP_STOP_CAP goes; 0: not set */
	uint64_t run_tsc;		/* (o) how long it ran, */
	uint64_t charged;		/* (o) up to this TSC */
	bool boosted;			/* [q] */

	uint64_t map_generation_seen;	/* [a] of partition->map; ~0: flush at the next entry */
	bool halted;			/* (o) executed HLT; cleared by an interrupt */
	bool idle;			/* (o) in the GUEST_IDLE MSR: wakes even with IF = 0 */
	bool in_smm;			/* (o) in system management mode: see smm.c */
	uint32_t smbase;		/* (o) */
	bool init_pending;		/* [a] INIT received */
	int sipi_vector;		/* [a] -1: none */

	struct lapic lapic;
	struct synic synic;
	struct spinlock timer_lock;	/* LOCK_VP_TIMERS */
	struct timer timer;		/* [timer_lock] */

	uint64_t assist_msr;		/* (o) VP assist page */
	struct pvn_vp_assist *assist;	/* (c) page from the pool, overlaid */
	struct stats stats;		/* (o) */
	uint64_t stats_msr[2];		/* (o) */
};

_Static_assert(sizeof(struct vp) <= PAGE_SIZE, "a VP is one page");

/* In the order of their counters in statistics.def. */
enum vp_exit_reason {
	EXIT_INTERRUPT,		/* physical interrupt: taken when interrupts go on */
	EXIT_NMI, EXIT_WINDOW, EXIT_HALT, EXIT_CPUID, EXIT_MSR_READ, EXIT_MSR_WRITE, EXIT_IO,
	EXIT_HYPERCALL, EXIT_MEMORY, EXIT_EXCEPTION, EXIT_TRIPLE_FAULT, EXIT_XSETBV,
	EXIT_UNDEFINED,		/* an instruction that this machine does not have: #UD */
	EXIT_IGNORE,		/* nothing to do: WBINVD and the like; instruction skipped */
	EXIT_FAILED,		/* the processor refused the state: our fault or the parent's */
	EXIT_REASON_COUNT,
};

_Static_assert(PVN_STAT_vp_exit_interrupt + (int)EXIT_REASON_COUNT == PVN_STAT_vp_interrupts_injected,
	       "each reason has its counter");

struct vp_exit {
	enum vp_exit_reason reason;
	uint8_t insn_bytes;		/* length of the exiting instruction, 0: not one */
	bool done;			/* a light exit: nothing is left to do but to look around */
	union {
		struct { uint32_t index; } msr;		/* value in EDX:EAX */
		struct { uint16_t port; uint8_t bytes; bool in, string, rep; uint64_t next_rip; } io;
		struct { struct gpa at; unsigned int access; } memory;	/* enum gpa_rights */
		struct { uint8_t vector; bool has_code; uint32_t code; uint64_t parameter; } exception;
		struct { uint64_t code, info; } failed;
		bool rsm;		/* of EXIT_UNDEFINED: in system management mode it is defined */
	};
};

/*
 * Object life: pages from the partition's pool, nothing left behind on failure. On
 * success it is in partition->vps. INVALID_VP_INDEX: too high, or taken. The domain may be
 * NUMA_ANY.
 */
enum pvn_status vp_create(struct partition *partition, uint32_t index, uint32_t domain);
/* The VP is stopped and off every processor. */
void vp_destroy(struct vp *vp);
/* Back to architectural reset (creation, INIT). */
void vp_reset(struct vp *vp);

/* Any register name of the ABI; the VP is stopped or the caller's own. */
enum pvn_status vp_get_register(struct vp *vp, uint32_t name, uint64_t value[2]);
enum pvn_status vp_set_register(struct vp *vp, uint32_t name, const uint64_t value[2]);

/* Adds / takes away reasons to stop. Adding does not wait; see sched_wait_stopped(). */
void vp_stop(struct vp *vp, uint32_t reasons);
void vp_resume(struct vp *vp, uint32_t reasons);

/* A register that the vendor holds: its low or high half, 0 if there is none of that name. */
static inline uint64_t vp_vendor_register(struct vp *vp, uint32_t name, unsigned int half)
{
	uint64_t value[2] = { 0 };

	return virt->get_register(vp, name, value) == PVN_STATUS_SUCCESS ? value[half] : 0;
}

/* Its partition goes, or it was deleted; its memory is there until its partition's end. */
static inline bool vp_is_dying(const struct vp *vp)
{
	return __atomic_load_n(&vp->stop_reasons, __ATOMIC_RELAXED) & VP_STOP_DYING;
}

/* What exit.c and the MSR file need of it. */
static inline void vp_skip_instruction(struct vp *vp, uint8_t bytes) { vp->regs.rip += bytes; }
