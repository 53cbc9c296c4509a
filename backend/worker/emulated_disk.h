/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Images behind emulated disks: transfers through io_uring, straight between image and
 * guest memory, while the guest and the worker go on.
 */
#ifndef WORKER_EMULATED_DISK_H
#define WORKER_EMULATED_DISK_H

#include <event2/event.h>
#include <liburing.h>

#include "emul/ide.h"

struct emulated_disk {
	struct io_uring ring;
	int image[IDE_CHANNELS * IDE_DRIVES];
	int ended_fd;		/* eventfd: something has ended */
	void (*done)(void *context, unsigned int channel, bool ok);
	void *context;
};

/* 0, or -1 + errno. */
int emulated_disk_create(struct emulated_disk *disk, struct event_base *base,
			 void (*done)(void *context, unsigned int channel, bool ok), void *context);
/* The image of a unit (channel * 2 + drive); its size in bytes. */
uint64_t emulated_disk_add(struct emulated_disk *disk, unsigned int unit, int image);
/* done() is called later, never from here. */
void emulated_disk_start(struct emulated_disk *disk, struct ide_transfer *transfer);

#endif
