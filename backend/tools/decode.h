/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Events of the hypervisor's log [pvn/abi/eventlog.h] as text and as JSON, by the table of
 * calls. Pure: what a buffer holds is checked before it is believed.
 */
#ifndef TOOLS_DECODE_H
#define TOOLS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <pvn/abi/eventlog.h>

/* One event; call or exit, by type. */
struct event {
	unsigned int type, processor;
	uint64_t time;
	union {
		struct pvn_event_call call;
		struct pvn_event_exit exit;
	};
};

/*
 * The next event of a buffer of PVN_PAGE_SIZE bytes; *at is 0 at first. False: there are no
 * more. Entries of types that are not known are left out.
 */
bool event_next(const uint8_t *page, uint32_t *at, struct event *event);
/* How many events were lost before the buffer. */
uint32_t event_lost(const uint8_t *page);

/* "signal_event", or of an exit "exit cpuid"; static storage. */
const char *event_name(const struct event *event);
/* All names that there can be, calls first; NULL: there are no more. */
const char *event_known_name(unsigned int number);
bool event_is_call(const struct event *event);
uint64_t event_partition(const struct event *event);
unsigned int event_vp(const struct event *event);

/* "signal_event(connection_id=3, flag=0) = SUCCESS" */
void event_describe(const struct event *event, char *to, size_t bytes);
/* The same as an object, with time, partition and virtual processor. */
json_t *event_to_json(const struct event *event);

#endif
