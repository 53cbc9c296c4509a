/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Limits of a device: requests (or frames) and bytes a second, with bursts. Pure; the caller
 * owns the clock. Token buckets that may go into debt: a request is let through
 * while every bucket holds something, and pays its whole price then, so a large
 * request is never stuck behind a small bucket and the rate holds all the same.
 */
#ifndef PVN_LIMIT_H
#define PVN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct pvn_bucket {
	uint64_t rate;		/* units a second; 0: no limit */
	uint64_t burst;		/* units that may be saved up; 0: a tenth of a second's */
	int64_t level;		/* units; negative: debt */
	uint64_t filled_ns;	/* time up to which the level is true */
	bool started;
};

struct pvn_limit {
	struct pvn_bucket requests;
	struct pvn_bucket bytes;
};

/* 0: a request may start now; otherwise nanoseconds after which to ask again. */
uint64_t pvn_limit_wait(struct pvn_limit *limit, uint64_t now_ns);

/* A request of `bytes` starts: its price is taken. */
void pvn_limit_charge(struct pvn_limit *limit, uint64_t bytes);

/* Is there any limit at all? */
static inline bool pvn_limit_is_set(const struct pvn_limit *limit)
{
	return limit->requests.rate || limit->bytes.rate;
}

#endif
