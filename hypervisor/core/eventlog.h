/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The event log: what is noted down for the root while it wants to know.
 */
#pragma once

#include <pvn/abi/eventlog.h>
#include "core/vp.h"

/* cpu->traced: which groups are on. Light exits are for others when the second one is. */
#define TRACED_SYSTEM		1u
#define TRACED_DIAGNOSTICS	2u

/* Would eventlog_call() note it down? Most calls are neither about partitions nor VPs. */
static inline bool eventlog_wants(uint8_t traced, unsigned int code)
{
	return traced & TRACED_DIAGNOSTICS ||
	       (traced && code - PVN_CALL_create_partition <= PVN_CALL_delete_vp - PVN_CALL_create_partition);
}

/* A call of the current VP has ended; in: its fixed input, or NULL. No locks held. */
void eventlog_call(struct vp *vp, uint64_t control, uint64_t result, const void *in, size_t in_bytes);
/* The current VP has left its guest, and nothing was done about it yet. No locks held. */
void eventlog_exit(struct vp *vp, const struct vp_exit *exit);
