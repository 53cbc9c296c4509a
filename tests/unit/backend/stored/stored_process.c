// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See stored_process.h.
 */
#include "stored_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const char *program, int ready)
{
	char text[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* also when a step of the test fails */
	snprintf(text, sizeof(text), "%d", ready);
	setenv("PVN_READY_FD", text, 1);
	/* With all rights, so that a sanitizer finds what was not freed. */
	execl(program, program, "--foreground", "--uid", "0", NULL);
	_exit(127);
}

bool stored_process_start(struct stored_process *stored, const char *program)
{
	char byte = 1;
	bool is_ready;
	int ready[2];

	if (!temporary_folder(stored->rundir) || pipe(ready))
		return false;
	setenv("PVN_RUNDIR", stored->rundir, 1);
	stored->pid = fork();
	if (!stored->pid)
		run(program, ready[1]);
	close(ready[1]);
	is_ready = stored->pid > 0 && read(ready[0], &byte, 1) == 1 && !byte;
	close(ready[0]);
	if (!is_ready && stored->pid > 0)
		stored_process_stop(stored);
	return is_ready;
}

bool stored_process_stop(struct stored_process *stored)
{
	char folder[TEMPORARY_PATH_MAX + 8];
	bool is_clean;
	int status;

	kill(stored->pid, SIGTERM);
	is_clean = waitpid(stored->pid, &status, 0) == stored->pid && WIFEXITED(status) &&
		   !WEXITSTATUS(status);
	snprintf(folder, sizeof(folder), "%s/store", stored->rundir);
	is_clean &= !rmdir(folder);
	return temporary_remove(stored->rundir) && is_clean;
}
