/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Adaptive polling: how long an end of an I/O queue (pvn/abi/ring.h) looks before it sleeps.
 */
#ifndef PVN_ABI_POLL_H
#define PVN_ABI_POLL_H

#include <pvn/abi/types.h>

/*
 * How long to look at a queue before arming and sleeping: doubles when looking
 * paid off, halves when it did not, between floor and ceiling. The caller owns
 * the clock. A ceiling of 0 turns polling off.
 */
struct pvn_poll {
	pvn_u32 budget_ns;
	pvn_u32 floor_ns;
	pvn_u32 ceiling_ns;
	pvn_u32 mean_ns;	/* of waits; pvn_poll_waited() only */
	pvn_u32 skipped;
};

static inline void pvn_poll_hit(struct pvn_poll *poll)
{
	pvn_u32 budget = poll->budget_ns ? poll->budget_ns * 2 : poll->floor_ns;

	poll->budget_ns = budget < poll->ceiling_ns ? budget : poll->ceiling_ns;
}

static inline void pvn_poll_miss(struct pvn_poll *poll)
{
	pvn_u32 budget = poll->budget_ns / 2;

	poll->budget_ns = budget > poll->floor_ns ? budget : poll->floor_ns;
	if (poll->budget_ns > poll->ceiling_ns)
		poll->budget_ns = poll->ceiling_ns;
}

/*
 * A ceiling for an end that was not told one: to sleep and be woken costs both ends some
 * exits and the other processor a wake-up, together about what this many exits take.
 */
#define PVN_POLL_EXITS		50u
#define PVN_POLL_CEILING_MIN_NS	50000u
#define PVN_POLL_CEILING_MAX_NS	1000000u

static inline pvn_u32 pvn_poll_ceiling(pvn_u64 exit_ns)
{
	if (exit_ns < PVN_POLL_CEILING_MIN_NS / PVN_POLL_EXITS)
		return PVN_POLL_CEILING_MIN_NS;
	if (exit_ns > PVN_POLL_CEILING_MAX_NS / PVN_POLL_EXITS)
		return PVN_POLL_CEILING_MAX_NS;
	return (pvn_u32)exit_ns * PVN_POLL_EXITS;
}

#define PVN_POLL_PROBE	64u
#define PVN_POLL_TRIES	8u

/*
 * Instead of hits and misses: learns from how long waits took, whether they were
 * looked or slept through. Looks for as long as sleeping would cost, the ceiling: one wait
 * in thirty is far longer than the others, and the other end, which is kept waiting by our
 * sleep, would go to sleep as well. Not at all when the usual time is above the ceiling,
 * but for some tries in a row now and then: a wait that was slept through looks longer than
 * it was, to the other end too, which must see several quick answers before it begins to
 * look as well.
 */
static inline void pvn_poll_waited(struct pvn_poll *poll, pvn_u64 ns)
{
	pvn_u64 most = 4ull * poll->ceiling_ns;
	pvn_u32 sample = (pvn_u32)(ns < most ? ns : most);

	poll->mean_ns = poll->mean_ns ? poll->mean_ns - poll->mean_ns / 8 + sample / 8 : sample;
	if (poll->mean_ns <= poll->ceiling_ns) {
		poll->budget_ns = poll->ceiling_ns;
		poll->skipped = 0;
	} else {
		poll->budget_ns = ++poll->skipped > PVN_POLL_PROBE ? poll->ceiling_ns : 0;
		if (poll->skipped == PVN_POLL_PROBE + PVN_POLL_TRIES)
			poll->skipped = 0;
	}
}

#endif
