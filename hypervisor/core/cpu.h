/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * One logical processor. Lives at the bottom of its own stack block, so that a
 * mask of the stack pointer finds it.
 */
#pragma once

#include "core/stats.h"
#include "core/timer.h"
#include "lib/spinlock.h"

struct vp;

/*
 * (c) constant after boot   (o) owner processor only   [q] its queue's lock
 * [a] atomic
 */
struct cpu {
	unsigned int index;		/* (c) */
	uint32_t apic_id;		/* (c) */
	uint32_t domain;		/* (c) see numa.h */
	bool online;			/* [a] */
	uint32_t locks_held;		/* (o) bit per lock level held */

	struct vp *current;		/* (o) whose state is loaded; NULL when idle */
	struct vp *root_vp;		/* (c) the root VP pinned here */
	bool parked;			/* [q], [timer_lock] children neither run nor wait here */
	bool resched;			/* [a] look at the run queue before entering a guest */
	/*
	 * Guest entry generation: odd while this processor is (about to be) in a guest.
	 * Pairs with gpa_map_flush(), which waits until it has moved.
	 */
	uint64_t entry_generation;	/* [a] */

	struct spinlock run_lock;
	struct list run_queue;		/* [q] ready VPs in order of virtual time */
	unsigned int ready_count;	/* [q] */
	uint64_t virtual_time;		/* [q] floor of virtual time for those who wake */
	uint64_t slice_end;		/* (o) TSC at which current must yield; ~0: nobody waits */
	uint64_t cap_end;		/* (o) the same, for its cap; ~0: it has none */

	struct spinlock timer_lock;
	struct list timers;		/* [timer_lock] in order of deadline */
	uint64_t timer_first;		/* [a] the first one's deadline; ~0: none */
	uint64_t nudge;			/* (o) TSC at which the guest must exit, whatever else; ~0 */
	uint64_t timer_programmed;	/* (o) TSC deadline the hardware is set to */
	struct timer profiler;		/* [the profiler's lock] */

	struct stats stats;		/* (o) */
	uint64_t run_tsc, child_tsc, idle_tsc;	/* (o) */
	uint8_t traced;			/* [a] TRACED_*: what eventlog.c wants to know */
	unsigned int sample;		/* (o) exits until the next one whose handling is timed */
	uint64_t sample_start;		/* (o) TSC of the exit being timed; 0: none */
	void *vendor;			/* (o) of the vendor folder */
};

/* Does the VP that runs have until slice_end, since somebody waits for the processor? */
static inline bool cpu_slice_is_limited(const struct cpu *cpu) { return cpu->slice_end != cpu->cap_end; }
