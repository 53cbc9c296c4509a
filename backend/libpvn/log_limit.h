/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * How many lines a guest can make a process write: many at once, few for ever. What a
 * guest does wrong is logged, and a guest can do it wrong a thousand times a second.
 */
#ifndef PVN_LOG_LIMIT_H
#define PVN_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PVN_LOG_BURST = 200,		/* lines */
	PVN_LOG_PER_SECOND = 10,
};

struct pvn_log_limit {
	uint64_t empty_ns;		/* when all that was used will have come back */
	uint32_t left_out;		/* lines since the last that was written */
};

/*
 * May a line be written at `now_ns` (any clock that does not go back)? If so,
 * `*left_out` is how many before it were not; the caller says so.
 */
static inline bool pvn_log_admit(struct pvn_log_limit *limit, uint64_t now_ns,
				 uint32_t *left_out)
{
	const uint64_t line_ns = 1000000000u / PVN_LOG_PER_SECOND;

	if (limit->empty_ns < now_ns)
		limit->empty_ns = now_ns;
	if (limit->empty_ns - now_ns > (PVN_LOG_BURST - 1) * line_ns) {
		limit->left_out++;
		return false;
	}
	limit->empty_ns += line_ns;
	*left_out = limit->left_out;
	limit->left_out = 0;
	return true;
}

#endif
