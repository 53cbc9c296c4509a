/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The doorbell's way from its port to its receiver. Inline, since each of its instructions
 * counts (docs/benchmarks.md); no lock.
 */
#pragma once

#include "core/event.h"

/* A flag of a SINT, by its bit in the page of event flags. */
#define EVENT(sint, flag) ((sint) * PVN_EVENT_FLAGS_PER_SINT + (flag))

/* What became of a signal. */
enum rung {
	RUNG_NOT,	/* nothing was done: SynIC or page off, SINT masked */
	RUNG_MERGED,	/* the guest has not seen the last one yet */
	RUNG_QUIET,	/* it will see it: it polls, or the interrupt is pending already */
	RUNG_LOUD,	/* whoever runs it has to be told: sched_notify() */
};

/* Sets an event flag of the VP, which exists, and makes the SINT's vector pending. */
static inline enum rung synic_ring(struct vp *vp, unsigned int event)
{
	struct synic *synic = &vp->synic;
	uint64_t *word = (uint64_t *)synic->events + event / 64, bit = 1ull << event % 64;
	uint64_t config = __atomic_load_n(&synic->sint[event / PVN_EVENT_FLAGS_PER_SINT], __ATOMIC_ACQUIRE);

	if (!(__atomic_load_n(&synic->control, __ATOMIC_ACQUIRE) &
	      __atomic_load_n(&synic->event_msr, __ATOMIC_ACQUIRE) & PVN_MSR_PAGE_ENABLE) ||
	    config & PVN_SINT_MASKED)
		return RUNG_NOT;
	/* Pairs with the guest's clearing of the flag before it looks at the ring. */
	if (__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST) & bit)
		return RUNG_MERGED;
	return !(config & PVN_SINT_POLLING) && lapic_post(&vp->lapic, config & PVN_SINT_VECTOR_MASK) ?
	       RUNG_LOUD : RUNG_QUIET;
}

/* Rings at the target of an event port, which has that flag, and counts. sender: who is charged, or NULL. */
static inline enum rung port_ring(struct port *port, struct vp *target, unsigned int flag, struct vp *sender)
{
	enum rung rung = synic_ring(target, port->first_event + flag);

	if (rung != RUNG_NOT)
		__atomic_fetch_add(&port->posts, 1, __ATOMIC_RELAXED);
	if (rung == RUNG_MERGED && sender)
		sender->stats.count[PVN_STAT_vp_events_merged]++;
	return rung;
}
