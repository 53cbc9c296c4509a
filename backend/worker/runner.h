/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * One run of a guest, from loading to its end, in a process of its own: whatever
 * goes wrong in it, the kernel cleans up, and the next run starts from nothing.
 *
 * It tells the monitor by JSON packets on a socket:
 *	{"problem": {...}}			it did not start, and has ended
 *	{"started": true, "partition": N}	the guest runs
 *	{"stopped": REASON, "detail": TEXT}	it crashed and is preserved
 *	{"ended": REASON, "detail": TEXT}	it is over
 *	{"reply": true} or {"reply": {"problem": ...}}	to a request, see below
 *	{"gone": KIND, "index": N}		a device has been unplugged
 * and gets requests by the same way:
 *	{"attach": KIND, "index": N, "config": {...}}, with a disk image's descriptor
 *	{"detach": KIND, "index": N, "force": BOOL}
 * Reasons are those of intercepts.h. A SIGTERM, or the end of the monitor, ends it.
 */
#ifndef WORKER_RUNNER_H
#define WORKER_RUNNER_H

#include "worker/admission.h"
#include "worker/config.h"

int runner_main(struct config *config, struct admission *admission, const char *uuid, int socket);

#endif
