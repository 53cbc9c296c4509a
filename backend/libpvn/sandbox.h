/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What is left to a process that a guest talks to, once it has opened what it needs:
 * reading, writing and waiting on its descriptors, and a new connection to the store.
 * No program can be run, no other process seen, traced or signalled, no privilege come
 * by; no file opened, but for what PVN_SANDBOX_NETWORK and PVN_SANDBOX_LOGS say. One
 * implementation for all back-ends.
 */
#ifndef PVN_SANDBOX_H
#define PVN_SANDBOX_H

enum pvn_sandbox_need {
	PVN_SANDBOX_RINGS = 1,		/* submit to io_uring instances that are open already */
	PVN_SANDBOX_NETWORK = 2,	/* connect to other hosts; read the files that name them */
	PVN_SANDBOX_LOGS = 4,		/* open files to append to them; rename and remove files */
};

/*
 * Enters the sandbox; there is no way back, for threads and children neither. `needs`: of
 * enum pvn_sandbox_need. 0 or -1 + errno; then the process must not go on. A process
 * without privileges keeps its namespaces, the rest is the same.
 */
int pvn_sandbox_enter(unsigned int needs);

#endif
