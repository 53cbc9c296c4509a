/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Event log: what the hypervisor notes down for the root [TLFS 2.0 ch. 19 "Event Log"].
 * A group has buffers, a page each here: a header, then entries one after the other up to
 * next_offset. A buffer that is full is complete, which a message tells; the root reads and
 * releases it. While no buffer is free, events are lost, and counted in the header of
 * the next one.
 */
#ifndef PVN_ABI_EVENTLOG_H
#define PVN_ABI_EVENTLOG_H

#include <pvn/abi/types.h>

/* Groups, and what they may note down (flags of set_event_log_group_sources). */
#define PVN_EVENTLOG_SYSTEM		0u	/* partitions and VPs made and ended */
#define PVN_EVENTLOG_DIAGNOSTICS	1u	/* every call and every exit */
#define PVN_EVENTLOG_GROUPS		2u
#define PVN_EVENTLOG_SUCCESS		0x1ull	/* system: what was done */
#define PVN_EVENTLOG_FAILURE		0x2ull	/* system: what was refused */
#define PVN_EVENTLOG_PERFORMANCE	(1ull << 32)	/* diagnostics: all */
#define PVN_EVENTLOG_BUFFERS_MAX	64u
#define PVN_EVENTLOG_TIME_REFERENCE	0u	/* of the root, 100 ns: the only time basis here */
#define PVN_EVENTLOG_NONE		0xffffffffu	/* index of no buffer */

enum pvn_eventlog_state {
	PVN_EVENTLOG_STANDBY, PVN_EVENTLOG_FREE, PVN_EVENTLOG_IN_USE, PVN_EVENTLOG_COMPLETE,
};

struct pvn_eventlog_buffer {
	pvn_u32 bytes, index;
	pvn_u32 events_lost;	/* before this buffer's first */
	pvn_u32 references;	/* 1: the root sees it */
	pvn_u64 time;		/* of its first event */
	pvn_u64 reserved[2];
	pvn_u32 processor, state;
	pvn_u64 next_offset;	/* where the next entry goes, from the start of the page */
	pvn_u32 type, next_index;
	pvn_u64 reserved2[3];
};

/* Entries: sizes with this header, multiples of 8. */
struct pvn_eventlog_entry {
	pvn_u32 context;	/* logical processor */
	pvn_u16 bytes, type;	/* PVN_EVENT_* */
	pvn_u64 time;
};

#define PVN_EVENT_CALL		0x1au	/* struct pvn_event_call */
#define PVN_EVENT_EXIT		0x20u	/* + number of the exit's counter: struct pvn_event_exit */

#define PVN_EVENT_SAMPLE	0xf0u	/* the profiler's, whatever the sources: struct pvn_event_sample */

#define PVN_EVENT_INPUT_BYTES	64u	/* the first ones of a call's fixed input */

struct pvn_event_call {
	pvn_u64 partition_id;
	pvn_u32 vp_index, input_bytes;	/* 0: it was refused before its input was read */
	pvn_u64 control, result;
	pvn_u64 input[PVN_EVENT_INPUT_BYTES / 8];	/* as many of them as input_bytes says */
};

struct pvn_event_exit {
	pvn_u64 partition_id;
	pvn_u32 vp_index, reserved;
	pvn_u64 rip, rax, rcx, rdx;
	union {			/* by the exit */
		struct { pvn_u16 port; pvn_u8 bytes, in; } io;
		pvn_u32 msr;
		struct { pvn_u64 gpa; pvn_u32 access, reserved; } memory;
		pvn_u8 vector;
		pvn_u64 detail[2];
	};
};

/* Where the processor was. The hypervisor's own code is not interrupted: it counts for the guest. */
struct pvn_event_sample {
	pvn_u64 partition_id;		/* 0: it was idle */
	pvn_u32 vp_index, reserved;
	pvn_u64 rip;
};

_Static_assert(sizeof(struct pvn_eventlog_buffer) == 88, "event log buffer header");
_Static_assert(sizeof(struct pvn_eventlog_entry) == 16, "event log entry header");

#endif
