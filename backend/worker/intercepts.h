/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Whatever a guest says to its worker is heard in a process of its own: I/O ports,
 * emulated devices, crashes. It has the guest's partition and memory, a sandbox
 * (libpvn/sandbox.h) and no way to the worker but one word: how the guest ended.
 */
#ifndef WORKER_INTERCEPTS_H
#define WORKER_INTERCEPTS_H

#include "libpvn/problem.h"
#include "worker/guest.h"

/* Reasons, as `pvn list` shows them. */
#define REASON_SHUTDOWN		"shutdown"
#define REASON_REBOOT		"reboot"
#define REASON_PANIC		"panic"
#define REASON_TRIPLE_FAULT	"triple fault"
#define REASON_HALTED		"halted"
#define REASON_KILLED		"killed"
#define REASON_ERROR		"error"

enum { INTERCEPTS_DETAIL_BYTES = 400 };

struct intercepts {
	pid_t pid;		/* 0: there is none */
	int socket;		/* readable when it has something to say */
};

/*
 * Starts it, and returns when it answers; the processors may run from then on. `debug_fd`:
 * where the debug port's text goes. -1: *problem filled.
 */
int intercepts_start(struct intercepts *intercepts, struct guest *guest, int debug_fd,
		     struct pvn_problem *problem);
/* The reason, when it has said that the guest ended, and more of it in `detail`; NULL: not yet. */
const char *intercepts_end(const struct intercepts *intercepts,
			   char detail[INTERCEPTS_DETAIL_BYTES]);
/*
 * Ends the process, and waits for that: then it has nothing of the guest any more. Returns its
 * status, as of waitpid(); 0 when there is none.
 */
int intercepts_stop(struct intercepts *intercepts);

#endif
