/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The file that a console's output goes to. When it has grown enough it becomes
 * FILE.1, what was FILE.1 becomes FILE.2, and so on up to a number of old files.
 */
#ifndef CONSOLED_LOG_H
#define CONSOLED_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log {
	const char *path;
	uint64_t bytes_max;	/* 0: it grows for ever */
	unsigned int old_files;	/* how many are kept; 0: none */
	uint64_t bytes;		/* in the file */
	int fd;
	int mover;		/* socket to who renames files, where this process may not; 0: none */
	bool failed;		/* the last writing did; somebody has been told */
};

/* Opens the file for appending; 0 or -1 + errno. */
int log_open(struct log *log);

/*
 * Before this process gives up its rights: starts another one that keeps them for the log's
 * folder alone, renames files when it is asked to, and passes the new one. Without old files
 * to come there is none. 0 or -1 + errno.
 */
int log_start_mover(struct log *log);

/* 0, or an errno the first time that writing fails; never stops the caller. */
int log_write(struct log *log, const char *bytes, size_t count);

#endif
