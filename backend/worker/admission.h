/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What must be true before a guest may start, looked at and, where others could
 * change it, locked: name, number, files, memory. Locks last as long as the
 * descriptors, which the worker keeps until its guest has ended for good.
 */
#ifndef WORKER_ADMISSION_H
#define WORKER_ADMISSION_H

#include "worker/bzimage.h"
#include "worker/config.h"
#include "worker/layout.h"

struct admission {
	int name_lock;
	int domain_lock;
	unsigned int domid;		/* of the guest, in the store */
	int kernel_fd, initrd_fd;	/* initrd_fd -1: none */
	uint8_t kernel_start[BZIMAGE_HEADER_BYTES];
	struct bzimage kernel;
	bool is_multiboot;		/* then the kernel is payload instead */
	struct multiboot payload;
	struct layout layout;
	int image_fd[CONFIG_DISKS_MAX];	/* -1: none */
};

/* All checks; 0, or -1 with *problem filled. */
int admission_check(struct admission *admission, const struct config *config,
		    struct pvn_problem *problem);

/*
 * A disk by itself: its image opened and locked, -1 in *fd when it has none. 0, or
 * -1 with *problem filled; `config` tells who else has it.
 */
int admission_disk(int *fd, const struct config *config, const struct config_disk *disk,
		   struct pvn_problem *problem);

/*
 * Does memory for this guest exist, after leaving the root what it needs itself?
 * Pure; `meminfo` is the text of /proc/meminfo.
 */
int admission_memory(const char *meminfo, uint64_t memory_bytes, struct pvn_problem *problem);

#endif
