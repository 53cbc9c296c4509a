/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The store as a guest sees it: requests through its page, one at a time, answered
 * within some seconds or not at all. No watches, no interrupts.
 */
#ifndef TESTGUEST_STORE_H
#define TESTGUEST_STORE_H

#include <pvn/abi/store.h>

#include "testguest.h"

static inline volatile struct pvn_store_page *store_page(void)
{
	return (volatile struct pvn_store_page *)STORE_PAGE;
}

/* Rings the other end of a channel; everything written before is visible to it. */
static inline void ring_doorbell(uint32_t channel)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, channel, 0);
}

/* Bytes into the page, as they are; the caller rings. They must fit. */
void store_send(const void *bytes, uint32_t count);

/*
 * One request and its answer, ended with a zero in `text`: false if none comes, or it
 * is longer than `room`. Answers to earlier requests that nobody took are passed over.
 */
bool store_ask(uint32_t type, const char *payload, uint32_t bytes,
	       struct pvn_store_header *answer, char *text, size_t room);

/* The page back to its start, as a guest does that begins anew. */
bool store_reconnect(void);

/* The same in words. False: refused or no answer; store_error() says what it was told. */
bool store_read(const char *path, char *text, size_t room);
bool store_write(const char *path, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool store_remove(const char *path);
const char *store_error(void);

/* A number at a path; ~0 when there is none. */
uint64_t store_number(const char *path);

/* The path has this number within some seconds. */
bool store_wait_number(const char *path, uint64_t wanted);

#endif
