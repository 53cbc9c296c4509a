/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Who runs next. One run queue per processor, ordered by weighted virtual time;
 * waking VPs are boosted; root VPs are pinned, children move to idle processors.
 */
#pragma once

#include <pvn/abi/hypercall.h>
#include "core/platform.h"
#include "core/vp.h"

void sched_init_cpu(struct cpu *cpu);
/* The VP must look at its flags (interrupts, stop reasons): wakes or kicks it. Any processor. */
void sched_notify(struct vp *vp);

/*
 * The quick way to the same: is it in its guest on another processor (*cpu), or about to enter
 * there? Then that has to be kicked, no more: it looks for work after entry_generation became
 * odd. Else sched_notify() has to look. No lock.
 */
static inline bool sched_is_in_guest(const struct vp *vp, const struct cpu *self, struct cpu **cpu)
{
	*cpu = __atomic_load_n(&vp->cpu, __ATOMIC_ACQUIRE);
	return *cpu != self && __atomic_load_n(&(*cpu)->current, __ATOMIC_SEQ_CST) == vp &&
	       __atomic_load_n(&(*cpu)->entry_generation, __ATOMIC_SEQ_CST) & 1;
}
/* Waits until the VP, whose stop reasons are set, is off its processor. Not for the caller's own. */
void sched_wait_stopped(struct vp *vp);
/* The caller's VP gives way once (long spin wait). */
void sched_yield(void);
/*
 * Children, their timers and interrupts leave the processors of the mask and come back to
 * the others; the root stays. INVALID_PARAMETER: there is no such processor.
 * OPERATION_DENIED: none would be left. No locks held.
 */
enum pvn_status sched_park(uint64_t mask);
/* The caller's run time up to now goes into its statistics and its processor's. */
void sched_charge(void);
/* The hardware timer of this processor fired: ends slices and nudges that are over. */
void sched_timer_fired(void);
/* The processor's loop; does not return. */
_Noreturn void sched_loop(void);
