/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Devices that come, go and change while a guest runs: the monitor's half. It opens
 * and locks images, so that an attached disk survives the guest's reboots like any
 * other, and hands them to the runner (devices.h), which tells when one has left.
 */
#ifndef WORKER_HOTPLUG_H
#define WORKER_HOTPLUG_H

#include <sys/types.h>

#include "worker/admission.h"
#include "worker/config.h"

enum { HOTPLUG_PACKET_BYTES = 8192 };

struct hotplug {
	struct config *config;
	struct admission *admission;
	int socket;		/* to the runner */
	/* Waits for the runner's reply to what was sent; 0, or -1 with *problem filled. */
	int (*wait)(void *context, struct pvn_problem *problem);
	void *context;
};

/*
 * Requests of pvn, answers for it; NULL with *problem filled:
 *	{"kind": "disk" or "net", "config": {...}} -> {"device": "pvdb"}
 *	{"device": "pvdb", "force": BOOL} -> {"device": "pvdb"}, and a "gone" later
 *	{"device": "pvdb", "bytes": N, "shrink": BOOL} -> {"device", "bytes"}; N may be left out
 */
json_t *hotplug_attach(struct hotplug *hotplug, const json_t *request,
		       struct pvn_problem *problem);
json_t *hotplug_detach(struct hotplug *hotplug, const json_t *request,
		       struct pvn_problem *problem);
json_t *hotplug_resize(struct hotplug *hotplug, const json_t *request,
		       struct pvn_problem *problem);

/* The runner's word that a device has left. */
void hotplug_gone(struct config *config, struct admission *admission, const json_t *packet);

/* Devices that were to leave in the last run are not in the next. */
void hotplug_drop_leaving(struct config *config, struct admission *admission);

/* One packet and the descriptor that came with it, or -1 in *fd; as recv(). */
ssize_t hotplug_receive(int socket, void *to, size_t bytes, int *fd);

#endif
