/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The command line of a back-end process.
 */
#ifndef WORKER_DEVICE_COMMAND_H
#define WORKER_DEVICE_COMMAND_H

#include "worker/devices.h"

enum { DEVICE_ARGUMENTS_MAX = 128 };

/* Being built, or whole; strings are freed with the process that execs. */
struct device_command {
	char *word[DEVICE_ARGUMENTS_MAX + 1];
	unsigned int count;
};

/*
 * In the new process, on a zeroed struct: program and arguments; the descriptors among
 * them stay open in what is executed.
 */
void device_command_build(struct device_command *command, const struct device *device);

#endif
