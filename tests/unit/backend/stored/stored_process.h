/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A pvn-stored of a test's own, with its own run directory. It ends with the test,
 * however that ends.
 */
#ifndef STORED_PROCESS_H
#define STORED_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "temporary.h"

struct stored_process {
	pid_t pid;
	char rundir[TEMPORARY_PATH_MAX];	/* $PVN_RUNDIR from now on */
};

/* Returns when it is ready; false: it is not, and nothing is left of it. */
bool stored_process_start(struct stored_process *stored, const char *program);

/*
 * Ends it and removes its run directory. False: it did not end with status 0, or left
 * files of its own behind.
 */
bool stored_process_stop(struct stored_process *stored);

#endif
