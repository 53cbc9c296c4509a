/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What is left to a process that a guest talks to, once it has opened what it needs:
 * reading, writing and waiting on its descriptors, and a new connection to the store.
 * No program can be run, no other process seen, traced or signalled, no privilege come
 * by; no file opened, but for what PVN_SANDBOX_NETWORK and PVN_SANDBOX_LOGS say. One
 * implementation for all: system calls in sandbox.c, the place in sandbox_place.c.
 */
#ifndef PVN_SANDBOX_H
#define PVN_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

enum pvn_sandbox_need {
	PVN_SANDBOX_RINGS = 1,		/* submit to io_uring instances that are open already */
	PVN_SANDBOX_NETWORK = 2,	/* connect to other hosts; read the files that name them */
	PVN_SANDBOX_LOGS = 4,		/* open files to append to them; rename and remove files */
	PVN_SANDBOX_TAPS = 8,		/* offloads and queues of taps that are open already */
	PVN_SANDBOX_GUEST = 16,		/* steer a partition that is open already */
	PVN_SANDBOX_ANY_SOCKET = 32,	/* connect to sockets in `folders` whatever their mode */
	/*
	 * A daemon that starts itself again and may become another program: it sees files as
	 * any user does, and starts processes.
	 */
	PVN_SANDBOX_DAEMON = 64,
};

enum { PVN_SANDBOX_FOLDERS_MAX = 4 };

struct pvn_sandbox {
	unsigned int needs;		/* of enum pvn_sandbox_need */
	uid_t uid;			/* also the group; 0: stays who it is */
	/*
	 * All that it sees of the file system, by the same names; read-only, unless it needs
	 * LOGS. One that starts with '-' may be missing. NULL: unused. One that is below an
	 * earlier one hides what is beside it. Not of a DAEMON.
	 */
	const char *folder[PVN_SANDBOX_FOLDERS_MAX];
};

/*
 * Enters the sandbox; there is no way back, for threads and children neither. 0 or
 * -1 + errno; then the process must not go on. Its death signal (prctl) is kept, SIGTERM
 * ends it, also as the first process of a namespace. A process without privileges keeps
 * its uid and namespaces, the rest is the same.
 */
int pvn_sandbox_enter(const struct pvn_sandbox *sandbox);

/*
 * For processes that no guest talks to, but that start those: gives up for itself and all
 * children what reaches into the kernel, hardware and other processes, and stays root, with
 * a few capabilities (sandbox_supervisor.c lists both), namespaces of IPC and UTS of its
 * own and no new privileges. Children enter their own sandbox as before. 0 or -1 + errno;
 * then the process must not go on. Without privileges: only the filter of system calls.
 */
int pvn_sandbox_supervise(void);

/* Of sandbox_place.c: namespaces and view, then identity and capabilities. 0 or -1 + errno. */
int pvn_sandbox_leave_place(const struct pvn_sandbox *sandbox);
int pvn_sandbox_leave_rights(const struct pvn_sandbox *sandbox);

#endif
