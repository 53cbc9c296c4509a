/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A guest's devices: channels, store keys, and the back-end processes that serve
 * them, which are started again when they die.
 */
#ifndef WORKER_DEVICES_H
#define WORKER_DEVICES_H

#include <event2/event.h>

#include "libpvn/store_client.h"
#include "worker/guest.h"

enum { DEVICE_QUEUES_MAX = 8 };

struct device {
	const char *kind;
	const char *program;		/* below libexec */
	unsigned int index;
	unsigned int queue_count;
	struct doorbell queue[DEVICE_QUEUES_MAX];
	const struct config_disk *disk;	/* NULL: a console */
	int image_fd;
	pid_t pid;			/* 0: not running */
	struct event *restart;		/* timer */
	unsigned int deaths;
	struct devices *devices;
};

struct devices {
	const struct guest *guest;
	unsigned int count;
	struct device device[CONFIG_DISKS_MAX + 1];
	bool ending;
};

/* Channels and store keys of all devices; then their processes. -1: *problem filled. */
int devices_create(struct devices *devices, struct guest *guest, struct pvn_store *store,
		   struct event_base *base, struct pvn_problem *problem);
/* A child process ended. False: it was no back-end. */
bool devices_child_ended(struct devices *devices, pid_t pid, int status);
/* Ends all processes: asks, waits a while, kills. What they took from the guest is done then. */
void devices_end(struct devices *devices);

#endif
