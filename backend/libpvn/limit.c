// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See limit.h. Whole units go into a bucket; the time that makes less than one
 * stays behind in filled_ns, so nothing is lost to rounding however often one asks.
 */
#include "libpvn/limit.h"

#define SECOND 1000000000ull
#define IDLE_MAX (3600 * SECOND)	/* a bucket is full long before; keeps products small */

static uint64_t capacity(const struct pvn_bucket *bucket)
{
	uint64_t burst = bucket->burst ? bucket->burst : bucket->rate / 10;

	return burst ? burst : 1;
}

static void fill(struct pvn_bucket *bucket, uint64_t now_ns)
{
	uint64_t full = capacity(bucket), passed, units;

	if (!bucket->started) {
		bucket->started = true;
		bucket->level = (int64_t)full;
		bucket->filled_ns = now_ns;
		return;
	}
	passed = now_ns > bucket->filled_ns ? now_ns - bucket->filled_ns : 0;
	if (passed > IDLE_MAX)
		passed = IDLE_MAX;
	units = (uint64_t)((unsigned __int128)passed * bucket->rate / SECOND);
	if (bucket->level + (int64_t)units >= (int64_t)full) {
		bucket->level = (int64_t)full;
		bucket->filled_ns = now_ns;
		return;
	}
	bucket->level += (int64_t)units;
	bucket->filled_ns += (uint64_t)((unsigned __int128)units * SECOND / bucket->rate);
}

static uint64_t wait_for(struct pvn_bucket *bucket, uint64_t now_ns)
{
	uint64_t missing;

	if (!bucket->rate)
		return 0;
	fill(bucket, now_ns);
	if (bucket->level > 0)
		return 0;
	missing = (uint64_t)-bucket->level + 1;
	return (uint64_t)((unsigned __int128)missing * SECOND / bucket->rate) + 1;
}

uint64_t pvn_limit_wait(struct pvn_limit *limit, uint64_t now_ns)
{
	uint64_t requests = wait_for(&limit->requests, now_ns);
	uint64_t bytes = wait_for(&limit->bytes, now_ns);

	return requests > bytes ? requests : bytes;
}

void pvn_limit_charge(struct pvn_limit *limit, uint64_t bytes)
{
	if (limit->requests.rate)
		limit->requests.level--;
	if (limit->bytes.rate)
		limit->bytes.level -= (int64_t)bytes;
}
