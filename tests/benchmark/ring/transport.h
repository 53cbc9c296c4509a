/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the harness (bench_ring.c) asks of a transport, so that it treats all alike: a
 * front half and a back half in one struct, used by one thread each. A request is 64
 * bytes, an answer 16; the back half takes a private copy of each request, as anybody
 * must who does not trust the other end.
 *
 * Each transport is a header of static inline functions, <name>_open() and so on; the
 * harness is compiled once for each (BENCH_RING()).
 */
#ifndef PVN_BENCH_TRANSPORT_H
#define PVN_BENCH_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BENCH_ENTRIES = 256 };

struct bench_request {
	uint64_t word[8];
};

struct bench_answer {
	uint64_t id;
	uint64_t value;
};

_Static_assert(sizeof(struct bench_request) == 64, "a request");
_Static_assert(sizeof(struct bench_answer) == 16, "an answer");

/* Zeroed memory on a page boundary. */
static inline void *bench_pages(size_t bytes)
{
	void *base = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);

	if (!base)
		abort();
	return memset(base, 0, (bytes + 4095) & ~(size_t)4095);
}

#endif
