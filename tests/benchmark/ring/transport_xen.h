/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Xen's shared ring, written from its description (four counters at 0, 4, 8 and 12, slots
 * from byte 64, answers in the slots of requests that were taken, events by the counter
 * that the other end waits for) for comparison. No line of it is Xen's.
 */
#ifndef PVN_BENCH_TRANSPORT_XEN_H
#define PVN_BENCH_TRANSPORT_XEN_H

#include "transport.h"

union xenlike_slot {
	struct bench_request request;
	struct bench_answer answer;
};

struct xenlike_page {
	uint32_t req_prod, req_event, rsp_prod, rsp_event;
	uint8_t pad[48];
	union xenlike_slot slot[BENCH_ENTRIES];
};

struct xenlike {
	struct xenlike_page *page;
	uint32_t req_prod, rsp_cons;					/* the front's own */
	uint32_t req_cons __attribute__((aligned(128))), rsp_prod;	/* the back's own */
	uint32_t req_announced __attribute__((aligned(128))), rsp_announced;
};

static inline void xenlike_open(struct xenlike *t)
{
	*t = (struct xenlike) { .page = bench_pages(sizeof(struct xenlike_page)) };
	t->page->req_event = 1;
	t->page->rsp_event = 1;
}

static inline void xenlike_close(struct xenlike *t)
{
	free(t->page);
}

static inline void xenlike_submit(struct xenlike *t, uint32_t id, struct bench_request *request)
{
	union xenlike_slot *slot = &t->page->slot[t->req_prod++ % BENCH_ENTRIES];

	request->word[0] = id;
	slot->request = *request;
}

/* The event counter lies in (before, after]: the other end waits for what is new. */
static inline bool xenlike_notify(const uint32_t *event, uint32_t before, uint32_t after)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (uint32_t)(after - __atomic_load_n(event, __ATOMIC_RELAXED)) <
	       (uint32_t)(after - before);
}

static inline bool xenlike_publish(struct xenlike *t)
{
	uint32_t before = t->page->req_prod;

	__atomic_store_n(&t->page->req_prod, t->req_prod, __ATOMIC_RELEASE);
	return xenlike_notify(&t->page->req_event, before, t->req_prod);
}

static inline bool xenlike_reap(struct xenlike *t, struct bench_answer *answer)
{
	if (__atomic_load_n(&t->page->rsp_prod, __ATOMIC_ACQUIRE) == t->rsp_cons)
		return false;
	*answer = t->page->slot[t->rsp_cons++ % BENCH_ENTRIES].answer;
	return true;
}

static inline int xenlike_available(struct xenlike *t)
{
	uint32_t waiting = __atomic_load_n(&t->page->req_prod, __ATOMIC_ACQUIRE) - t->req_cons;
	uint32_t room = BENCH_ENTRIES - (t->req_cons - t->rsp_prod);

	if (waiting > BENCH_ENTRIES)
		return -1;
	return (int)(waiting < room ? waiting : room);
}

static inline uint32_t xenlike_take(struct xenlike *t, struct bench_request *request)
{
	const union xenlike_slot *slot = &t->page->slot[t->req_cons++ % BENCH_ENTRIES];

	*request = slot->request;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);	/* the copy is what counts */
	return (uint32_t)request->word[0];
}

static inline void xenlike_answer(struct xenlike *t, uint32_t id, uint64_t value)
{
	t->page->slot[t->rsp_prod++ % BENCH_ENTRIES].answer =
		(struct bench_answer) { .id = id, .value = value };
}

static inline bool xenlike_announce(struct xenlike *t)
{
	uint32_t before = t->page->rsp_prod;

	if (before == t->rsp_prod)
		return false;
	__atomic_store_n(&t->page->rsp_prod, t->rsp_prod, __ATOMIC_RELEASE);
	return xenlike_notify(&t->page->rsp_event, before, t->rsp_prod);
}

#endif
