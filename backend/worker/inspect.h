/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Files of others (payloads, initrds) are parsed by a process that can do nothing but
 * that: it has the file in its memory and a pipe for what it finds, and no system call
 * but read, write and exit is left to it. What it finds is checked again here.
 */
#ifndef WORKER_INSPECT_H
#define WORKER_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/multiboot.h"

/*
 * Is the file of `bytes` a multiboot 1 kernel, and what goes where? 0 with *is_one told;
 * or -1 with *problem filled: it is one that cannot be loaded. `path` is for messages.
 */
int inspect_multiboot(struct multiboot *image, bool *is_one, int fd, uint64_t bytes,
		      const char *path, struct pvn_problem *problem);

/* Is the initrd whole (initrd.h)? 0, or -1 with *problem filled. */
int inspect_initrd(int fd, uint64_t bytes, const char *path, struct pvn_problem *problem);

#endif
