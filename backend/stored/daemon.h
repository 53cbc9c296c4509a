/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The daemon is two processes. The keeper (keeper.c) starts the server and
 * starts it again when it dies; it reads no message and opens nothing. The
 * server (server.c) does the work. They share one table of descriptors, so
 * connections outlive the server; what the server knew is in the journal. When
 * the keeper dies, the server takes its place and starts a new server.
 */
#ifndef STORED_DAEMON_H
#define STORED_DAEMON_H

#include <stdbool.h>

#include "journal.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 4,
	/* From server to keeper only. */
	EXIT_UPGRADE = 75,	/* become the program in journal_owner() */
	EXIT_UNUSABLE = 76,	/* image or log make no sense */
};

/* What a server finds. Each is worse than the one before. */
enum start {
	START_WARM,		/* everything: go on */
	START_SUSPECT,		/* it crashed repeatedly: without the one who was served then */
	START_COLD,		/* the tree; connections are lost */
	START_NEW,		/* nothing */
};

struct daemon {
	struct journal *journal;
	bool fds_are_valid;	/* those that the journal names */
	int ready_fd;		/* whoever waits for the first server to be ready, or -1 */
	bool is_ready;		/* a server has been ready before: nobody waits any more */
};

/* The server's whole life; returns its exit status. */
int server_main(struct daemon *daemon, enum start start);

/* Keeps a server running; returns the daemon's exit status. `start` is for the first one. */
int keeper_run(struct daemon *daemon, enum start start);

/* Replaces this process by a keeper that is the program. Returns if it cannot. */
void keeper_exec(struct daemon *daemon, const char *program);
void fds_keep_over_exec(bool keep);	/* all but 0, 1, 2 */

/* main.c */
void daemon_tell_ready(struct daemon *daemon);
int daemon_write_pid(const struct journal_owner *owner);
void daemon_path(char *path, size_t size, const struct journal_owner *owner, const char *name);
void server_log(const char *text);
void server_log_to_syslog(void);

#endif
