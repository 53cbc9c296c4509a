/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A guest in the store: its home, its devices' folders, its page; docs/store.md
 * and <pvn/abi/io/...h> say who writes which key.
 */
#ifndef WORKER_STORE_KEYS_H
#define WORKER_STORE_KEYS_H

#include "libpvn/store_client.h"
#include "worker/guest.h"

/* One device as the store sees it. */
struct store_device {
	const char *kind;		/* "blk", "net", "console" */
	unsigned int index;		/* among its kind */
	unsigned int queue_count;
	const struct doorbell *queue;
	const char *params;		/* what the back-end serves, for people */
	const struct config_net *net;	/* NULL: no network interface */
	const char *mac;
	bool read_only;
};

/* A connection to pvn-stored, which is started when it does not run. NULL: *problem filled. */
struct pvn_store *store_keys_open(struct pvn_problem *problem);

/* The guest's home, empty of devices. Whatever an earlier guest of this number left goes away. */
int store_keys_home(struct pvn_store *store, const struct guest *guest, const char *uuid,
		    struct pvn_problem *problem);
int store_keys_device(struct pvn_store *store, unsigned int domid,
		      const struct store_device *device, struct pvn_problem *problem);
/* A device's keys, the guest's first; 0 or -1 + errno. */
int store_keys_remove_device(struct pvn_store *store, unsigned int domid, const char *kind,
			     unsigned int index);
/* Tells a device's back-end that its device is to go. 0 or -1 + errno. */
int store_keys_offline(struct pvn_store *store, unsigned int domid, const char *kind,
		       unsigned int index);
/* From here on pvn-stored serves the guest's page. */
int store_keys_introduce(const struct guest *guest, struct pvn_problem *problem);

/* Asks the guest: "poweroff" or "reboot". 0 or -1 + errno. */
int store_keys_shutdown(unsigned int domid, const char *how);

#endif
