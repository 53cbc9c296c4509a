/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The time since some moment before, which nobody sets back. It cannot fail, and every
 * sandbox leaves it.
 */
#ifndef PVN_CLOCK_H
#define PVN_CLOCK_H

#include <stdint.h>
#include <time.h>

#define PVN_NS_PER_SECOND 1000000000u

static inline uint64_t pvn_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * PVN_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static inline int64_t pvn_now_ms(void)
{
	return (int64_t)(pvn_now_ns() / 1000000);
}

static inline double pvn_now_seconds(void)
{
	return (double)pvn_now_ns() / PVN_NS_PER_SECOND;
}

#endif
