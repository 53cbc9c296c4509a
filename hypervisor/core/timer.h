/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Deadlines of one processor, multiplexed onto its one hardware timer.
 */
#pragma once

#include <stdint.h>
#include "lib/list.h"

struct cpu;

struct timer {
	struct list node;
	struct cpu *cpu;	/* whose queue it is on, NULL: none */
	struct cpu *pinned;	/* (c) the only queue it may be on; NULL: any */
	uint64_t deadline;	/* TSC */
	unsigned int running;	/* [a] callbacks in progress */
	void (*expired)(struct timer *timer);	/* on that processor, no locks held */
};

void timer_init(struct timer *timer, void (*expired)(struct timer *timer));
/*
 * Calls of one timer are serialized by its owner's lock. Queued on this processor, whose
 * timer_program() before the next guest entry or sleep makes it count; or, when this one
 * is parked, on another.
 */
void timer_arm(struct timer *timer, uint64_t tsc_deadline);
void timer_cancel(struct timer *timer);
/* As timer_cancel(), and no callback runs any more: before its memory goes. No locks held. */
void timer_cancel_wait(struct timer *timer);
/* The processor is parked: all but pinned timers expire, early, and are armed elsewhere. */
void timer_evacuate(struct cpu *cpu);
/* Runs what is due on this processor and programs the hardware for the rest. */
void timer_run_queue(void);
/* Programs the hardware timer: earliest of the queue and the end of the slice. */
void timer_program(void);
