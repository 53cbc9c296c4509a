/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * When to let go of the processor while a guest sends more small frames than whoever gets
 * them on the same processor can take: frames that overflow a socket there are work for
 * nothing. Pure; the caller owns the clock and sleeps.
 */
#ifndef NETD_PACE_H
#define NETD_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Short beside the time that anybody needs for NET_PACE_BATCH frames. */
#define NET_PACE_NAP_NS		200000u
/* A ring full, and what a socket holds of small frames with its default limit. */
#define NET_PACE_BATCH		256u
/* Frames between two naps that only ask whether somebody waits for the processor. */
#define NET_PACE_PROBE		8192u

struct net_pace {
	bool crowded;		/* a nap took much longer than asked for: another one ran */
	uint32_t frames;	/* since the last nap */
};

/* After sending `frames`; true: take a nap of NET_PACE_NAP_NS. */
static inline bool net_pace_sent(struct net_pace *pace, uint32_t frames)
{
	pace->frames += frames;
	return pace->frames >= (pace->crowded ? NET_PACE_BATCH : NET_PACE_PROBE);
}

/* After a nap that took `ns`. */
static inline void net_pace_napped(struct net_pace *pace, uint64_t ns)
{
	pace->crowded = ns > 2 * NET_PACE_NAP_NS;
	pace->frames = 0;
}

#endif
