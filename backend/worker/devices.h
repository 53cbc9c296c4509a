/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A guest's devices: channels, store keys, and the back-end processes that serve
 * them, which are started again when they die. Devices come and go while the guest
 * runs (hotplug.h has the monitor's part of that).
 */
#ifndef WORKER_DEVICES_H
#define WORKER_DEVICES_H

#include <time.h>

#include <event2/event.h>

#include "libpvn/store_client.h"
#include "worker/guest.h"
#include "worker/net.h"

enum { DEVICE_QUEUES_MAX = 8 };

struct device {
	bool used;			/* false: a free place; its channels stay for the next */
	bool leaving;			/* to be unplugged: not started again */
	const char *kind;
	const char *program;		/* below libexec */
	unsigned int index;
	unsigned int queue_count;
	struct doorbell queue[DEVICE_QUEUES_MAX];
	const struct config_disk *disk;	/* NULL: a network interface or a console */
	const struct config_net *net;	/* NULL: a disk or a console */
	const struct config_device *other;	/* somebody's own; NULL: none of these */
	char mac[NET_MAC_BYTES];
	struct pvn_tap *tap;		/* held open, so that the link outlives the back-end */
	int stream_fd;			/* line of an emulated device; 0: it has rings */
	int image_fd;			/* -1: none */
	int alive_in, alive_out;	/* pipe that ends with the last transfer; -1: none */
	bool waits;			/* the log knows that it has not ended */
	time_t started;
	pid_t pid;			/* 0: not running */
	struct event *restart;		/* timer */
	unsigned int deaths;
	struct devices *devices;
};

struct devices {
	struct guest *guest;
	struct event_base *base;
	unsigned int count;
	struct device device[CONFIG_DISKS_MAX + CONFIG_NETS_MAX + CONFIG_CONSOLES_MAX +
			     CONFIG_DEVICES_MAX];
	bool ending;
	/* A device has left: its back-end has ended, its keys are removed. */
	void (*gone)(void *context, const char *kind, unsigned int index);
	void *context;
};

/* Channels and store keys of all devices; then their processes. -1: *problem filled. */
int devices_create(struct devices *devices, struct guest *guest, struct pvn_store *store,
		   struct event_base *base, struct pvn_problem *problem);
/*
 * Adds device `index` of a kind ("blk", "net"), which the guest's configuration and admission
 * have by now. -1 with *problem filled: it could not be made, and is not there.
 */
int devices_attach(struct devices *devices, const char *kind, unsigned int index,
		   struct pvn_problem *problem);
/*
 * Asks the guest to let go of a device; devices->gone() follows when it has. By force:
 * it is taken away at once. -1: *problem filled.
 */
int devices_detach(struct devices *devices, const char *kind, unsigned int index, bool force,
		   struct pvn_problem *problem);
/* A child process ended. False: it was no back-end. */
bool devices_child_ended(struct devices *devices, pid_t pid, int status);
/* Ends all processes. What they took from the guest is done then. */
void devices_end(struct devices *devices);

#endif
