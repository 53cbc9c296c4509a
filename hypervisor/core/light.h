/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Light exits: what a vendor folder may answer between #VMEXIT and the next entry, with
 * interrupts still held off and most of the guest's registers still in the processor. For
 * everybody else the VP has not left its guest: entry_generation stays odd, and whoever
 * needs it out kicks its processor, which the next entry sees at once. So a light exit
 * waits for nothing that somebody holds who waits for that (quiesce.h, hc_flush.c).
 *
 * In regs are the registers that C code may change (RCX RDX RBX RSI RDI R8-R11), not RAX,
 * RIP and RFLAGS. Light exits are counted, but none is a sample of hypervisor time.
 */
#pragma once

#include "core/cpu.h"
#include "core/eventlog.h"
#include "core/partition.h"

enum light {
	LIGHT_NOT,	/* nothing was done: an exit like any other */
	LIGHT_AGAIN,	/* done; back into the guest */
	LIGHT_LEAVE,	/* done, but this processor has something else to look at first, and counts it */
};

_Static_assert(LIGHT_AGAIN == 1, "svm_entry.S knows it");

/* Is the hypercall in regs notify_long_spin_wait, and nobody waits for this processor? Counts it. */
static inline bool light_yield(struct vp *vp)
{
	/* The VP runs: its home is this processor. */
	if (vp->regs.gpr[RCX] != (PVN_CONTROL_FAST | PVN_CALL_notify_long_spin_wait) ||
	    __atomic_load_n(&vp->cpu->ready_count, __ATOMIC_RELAXED) ||
	    vp->cpu->traced & TRACED_DIAGNOSTICS || !vp->partition->guest_os_id)
		return false;
	vp->stats.count[PVN_STAT_vp_exit_hypercall]++;
	vp->stats.count[PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(PVN_CALL_notify_long_spin_wait)]++;
	return true;
}

/*
 * A hypercall by a 64-bit caller at CPL 0: the doorbell, and interrupts for other VPs. What is
 * done has succeeded; nothing is refused here, that is the long way's.
 */
enum light light_hypercall(struct vp *vp);
/* In *rax the leaf and the first result; the others are in regs. */
enum light light_cpuid(struct vp *vp, uint64_t *rax);
