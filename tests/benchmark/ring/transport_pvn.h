/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * pvn/abi/ring.h as a transport: its own functions, nothing else.
 */
#ifndef PVN_BENCH_TRANSPORT_PVN_H
#define PVN_BENCH_TRANSPORT_PVN_H

#include <pvn/abi/ring.h>

#include "transport.h"

struct pvn {
	struct pvn_queue_front front;
	struct pvn_queue_back back __attribute__((aligned(128)));
	void *base;
};

static inline void pvn_open(struct pvn *t)
{
	t->base = bench_pages(pvn_ring_bytes(BENCH_ENTRIES));
	pvn_front_init(&t->front, t->base, BENCH_ENTRIES, 1);
	if (!pvn_back_attach(&t->back, t->base, BENCH_ENTRIES, 1))
		abort();
}

static inline void pvn_close(struct pvn *t)
{
	free(t->base);
}

static inline void pvn_submit(struct pvn *t, uint32_t id, struct bench_request *request)
{
	request->word[0] = (uint64_t)id << 32;	/* where struct pvn_sqe has it */
	pvn_front_push(&t->front, request);
}

static inline bool pvn_publish(struct pvn *t)
{
	return pvn_front_publish(&t->front);
}

static inline bool pvn_reap(struct pvn *t, struct bench_answer *answer)
{
	struct pvn_cqe entry;

	if (!pvn_front_next(&t->front, &entry))
		return false;
	*answer = (struct bench_answer) { .id = entry.id, .value = entry.value };
	return true;
}

static inline int pvn_available(struct pvn *t)
{
	return pvn_back_available(&t->back);
}

static inline uint32_t pvn_take(struct pvn *t, struct bench_request *request)
{
	if (!pvn_back_next(&t->back, request))
		abort();
	return (uint32_t)(request->word[0] >> 32);
}

static inline void pvn_answer(struct pvn *t, uint32_t id, uint64_t value)
{
	pvn_back_complete(&t->back, id, 0, (uint32_t)value);
}

static inline bool pvn_announce(struct pvn *t)
{
	return pvn_back_publish(&t->back);
}

#endif
