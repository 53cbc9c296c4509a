// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See settings.h.
 */
#include "netd/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number of B; `absent` where there is no key, `odd` where it is no number. */
static uint64_t read_number(struct pvn_backend *backend, const char *key, uint64_t absent,
			    uint64_t odd)
{
	char path[PVN_BACKEND_PATH_MAX + 64];
	uint64_t value;

	snprintf(path, sizeof(path), "%s/%s", backend->path, key);
	if (!pvn_store_read_u64(backend->store, 0, path, &value))
		return value;
	if (errno == ENOENT)
		return absent;
	pvn_backend_log(backend, "%s is no number", key);
	return odd;
}

/* A changed rate starts with a full bucket; an unchanged one goes on. */
static void set_bucket(struct pvn_bucket *bucket, uint64_t rate, uint64_t burst)
{
	if (bucket->rate != rate || bucket->burst != burst)
		*bucket = (struct pvn_bucket){ .rate = rate, .burst = burst };
}

static void read_limit(struct pvn_backend *backend, const char *way, struct pvn_limit *limit)
{
	char key[32];
	uint64_t bytes, frames, burst;

	snprintf(key, sizeof(key), "limit/%s-bytes", way);
	bytes = read_number(backend, key, 0, 1);
	snprintf(key, sizeof(key), "limit/%s-packets", way);
	frames = read_number(backend, key, 0, 1);
	snprintf(key, sizeof(key), "limit/%s-burst", way);
	burst = read_number(backend, key, 0, 0);
	set_bucket(&limit->bytes, bytes, burst);
	set_bucket(&limit->requests, frames, 0);
}

static void read_guard(struct pvn_backend *backend, struct net_guard *guard)
{
	char *text;

	memset(guard, 0, sizeof(*guard));
	guard->on = read_number(backend, "guard", 0, 1);
	if (!guard->on)
		return;
	text = pvn_store_readf(backend->store, 0, "%s/mac", backend->path);
	if (!text || !net_guard_mac(guard, text))
		pvn_backend_log(backend, "the guard lets nothing through: mac is no address");
	free(text);
	text = pvn_store_readf(backend->store, 0, "%s/guard-addresses", backend->path);
	if (text && !net_guard_addresses(guard, text)) {
		pvn_backend_log(backend, "the guard lets nothing through: bad guard-addresses");
		memset(guard->mac, 0, sizeof(guard->mac));
	}
	free(text);
}

void net_settings_read(struct pvn_backend *backend, struct net_interface *interface)
{
	interface->plugged = read_number(backend, "link-wanted", 1, 0);
	read_limit(backend, "tx", &interface->tx_limit);
	read_limit(backend, "rx", &interface->rx_limit);
	interface->tx_held_until_ns = interface->rx_held_until_ns = 0;
	read_guard(backend, &interface->guard);
}
