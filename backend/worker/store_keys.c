// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A guest in the store; see store_keys.h. The guest owns its devices' folders,
 * as in xenstore; what it must not change in them is owned by domain 0.
 */
#include "worker/store_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libpvn/guest_store.h"
#include "libpvn/guests.h"

#define START_TRIES 250
#define START_PAUSE_NS 20000000l

/* A row of writes: after the first that fails the others do nothing. */
struct writer {
	struct pvn_store *store;
	char base[160];
	bool failed;
	char failed_at[256];
};

static void note_failure(struct writer *writer, const char *path)
{
	if (writer->failed)
		return;
	writer->failed = true;
	snprintf(writer->failed_at, sizeof(writer->failed_at), "%s", path);
}

/* Writes base/key and, when `perms` is given, sets who may do what. */
static void put(struct writer *writer, const char *key, const char *perms, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void put(struct writer *writer, const char *key, const char *perms, const char *format, ...)
{
	char path[256], value[512];
	va_list arguments;

	if (writer->failed)
		return;
	snprintf(path, sizeof(path), "%s%s%s", writer->base, *key ? "/" : "", key);
	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	if (pvn_store_write(writer->store, 0, path, value, strlen(value)) ||
	    (perms && pvn_store_set_perms_text(writer->store, 0, path, perms)))
		note_failure(writer, path);
}

static int finish(const struct writer *writer, struct pvn_problem *problem)
{
	if (!writer->failed)
		return 0;
	return pvn_fail(problem, PVN_EXIT_FAILED, writer->failed_at, NULL,
			"the store does not take a key: %s", strerror(errno));
}

/* Starts the daemon; it returns when it serves, or at once when one serves already. */
static void start_daemon(void)
{
	char path[PATH_MAX];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/pvn-stored", pvn_libexecdir());
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		setsid();
		execl(path, path, "--rundir", pvn_rundir(), (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

struct pvn_store *store_keys_open(struct pvn_problem *problem)
{
	const struct timespec pause = { .tv_nsec = START_PAUSE_NS };
	struct pvn_store *store = pvn_store_open(NULL);
	unsigned int i;

	if (!store)
		start_daemon();
	for (i = 0; !store && i < START_TRIES; i++) {
		nanosleep(&pause, NULL);
		store = pvn_store_open(NULL);
	}
	if (!store)
		pvn_fail(problem, PVN_EXIT_FAILED, pvn_rundir(),
			 "start pvn-stored --foreground by hand to see why",
			 "the store daemon cannot be reached: %s", strerror(errno));
	return store;
}

int store_keys_home(struct pvn_store *store, const struct guest *guest, const char *uuid,
		    struct pvn_problem *problem)
{
	unsigned int domid = guest->admission->domid;
	struct writer writer = { .store = store };
	char readable[32], owned[32];

	pvn_guest_forget(domid);
	snprintf(writer.base, sizeof(writer.base), "/local/domain/%u", domid);
	snprintf(readable, sizeof(readable), "n0 r%u", domid);
	snprintf(owned, sizeof(owned), "n%u", domid);
	put(&writer, "", readable, "%s", "");
	put(&writer, "name", readable, "%s", guest->config->name);
	put(&writer, "uuid", readable, "%s", uuid);
	put(&writer, "domid", readable, "%u", domid);
	put(&writer, "memory", readable, "%s", "");
	put(&writer, "memory/target", readable, "%llu",
	    (unsigned long long)(guest->config->memory_bytes / 1024));
	put(&writer, "control", readable, "%s", "");
	put(&writer, "control/shutdown", owned, "%s", "");
	put(&writer, "device", readable, "%s", "");
	put(&writer, "device/blk", readable, "%s", "");
	put(&writer, "device/net", readable, "%s", "");
	put(&writer, "device/console", readable, "%s", "");
	put(&writer, "data", owned, "%s", "");
	return finish(&writer, problem);
}

static void put_queues(struct writer *writer, const struct store_device *device,
		       const char *readable, const char *owned)
{
	unsigned int i;

	for (i = 0; i < device->queue_count; i++) {
		char key[64];

		snprintf(key, sizeof(key), "queue-%u", i);
		put(writer, key, owned, "%s", "");
		snprintf(key, sizeof(key), "queue-%u/channel", i);
		put(writer, key, readable, "%u", device->queue[i].channel);
		snprintf(key, sizeof(key), "queue-%u/target-vp", i);
		put(writer, key, readable, "%u", device->queue[i].target_vp);
	}
}

static void put_addresses(struct writer *writer, const json_t *list, const char *readable)
{
	char text[CONFIG_ADDRESSES_MAX * 48] = "";
	json_t *address;
	size_t i;

	json_array_foreach(list, i, address) {
		if (i)
			strcat(text, " ");
		strcat(text, json_string_value(address));
	}
	put(writer, "guard-addresses", readable, "%s", text);
}

/* What the operator may change later: `pvn net`. */
static void put_net(struct writer *writer, const struct store_device *device,
		    const char *readable)
{
	const struct config_net *net = device->net;
	const struct {
		const char *key;
		uint64_t value;
	} keys[] = {
		{ "link-wanted", !net->unplugged },	{ "guard", net->spoof_guard },
		{ "limit/tx-bytes", net->tx_bytes },	{ "limit/rx-bytes", net->rx_bytes },
		{ "limit/tx-packets", net->tx_packets }, { "limit/rx-packets", net->rx_packets },
		{ "limit/tx-burst", net->tx_burst },	{ "limit/rx-burst", net->rx_burst },
	};
	size_t i;

	put(writer, "mac", readable, "%s", device->mac);
	put_addresses(writer, net->addresses, readable);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put(writer, keys[i].key, readable, "%llu", (unsigned long long)keys[i].value);
}

static void put_backend(struct writer *writer, const struct store_device *device,
			unsigned int domid, const char *front, const char *readable)
{
	snprintf(writer->base, sizeof(writer->base), "/local/domain/0/backend/%s/%u/%u",
		 device->kind, domid, device->index);
	put(writer, "", readable, "%s", "");
	put(writer, "frontend", readable, "%s", front);
	put(writer, "frontend-id", readable, "%u", domid);
	put(writer, "online", readable, "1");
	put(writer, "mode", readable, "%s", device->read_only ? "r" : "w");
	put(writer, "params", readable, "%s", device->params);
	if (device->net)
		put_net(writer, device, readable);
	put(writer, "state", readable, "1");
}

/* The front-end's folder comes last: with it the guest sees the device. */
int store_keys_device(struct pvn_store *store, unsigned int domid,
		      const struct store_device *device, struct pvn_problem *problem)
{
	struct writer writer = { .store = store };
	char front[128], readable[32], owned[32];

	snprintf(front, sizeof(front), "/local/domain/%u/device/%s/%u", domid, device->kind,
		 device->index);
	snprintf(readable, sizeof(readable), "n0 r%u", domid);
	snprintf(owned, sizeof(owned), "n%u", domid);
	put_backend(&writer, device, domid, front, readable);
	snprintf(writer.base, sizeof(writer.base), "%s", front);
	put(&writer, "", owned, "%s", "");
	put(&writer, "backend", readable, "/local/domain/0/backend/%s/%u/%u", device->kind, domid,
	    device->index);
	put(&writer, "backend-id", readable, "0");
	put(&writer, "handle", readable, "%u", device->index);
	put(&writer, "queue-max", readable, "%u", device->queue_count);
	if (device->net)
		put(&writer, "mac", readable, "%s", device->mac);
	put_queues(&writer, device, readable, owned);
	put(&writer, "state", owned, "1");
	return finish(&writer, problem);
}

/* A back-end that is gone without a word must not look connected. */
int store_keys_remove_device(struct pvn_store *store, unsigned int domid, const char *kind,
			     unsigned int index)
{
	char front[128], back[128];

	snprintf(front, sizeof(front), "/local/domain/%u/device/%s/%u", domid, kind, index);
	snprintf(back, sizeof(back), "/local/domain/0/backend/%s/%u/%u", kind, domid, index);
	if (pvn_store_writef(store, 0, "6", "%s/state", back) || pvn_store_rm(store, 0, front))
		return -1;
	return pvn_store_rm(store, 0, back);
}

int store_keys_offline(struct pvn_store *store, unsigned int domid, const char *kind,
		       unsigned int index)
{
	return pvn_store_writef(store, 0, "0", "/local/domain/0/backend/%s/%u/%u/online", kind,
				domid, index);
}

int store_keys_introduce(const struct guest *guest, struct pvn_problem *problem)
{
	const int fds[PVN_STORED_FD_COUNT] = { guest->store_fd, guest->store.in_fd,
					       guest->store.out_fd };

	if (!pvn_stored_introduce(guest->admission->domid, fds))
		return 0;
	return pvn_fail(problem, PVN_EXIT_FAILED, pvn_rundir(), NULL,
			"the store daemon does not take the guest: %s", strerror(errno));
}

int store_keys_shutdown(unsigned int domid, const char *how)
{
	struct pvn_store *store = pvn_store_open(NULL);
	int error;

	if (!store)
		return -1;
	error = pvn_store_writef(store, 0, how, "/local/domain/%u/control/shutdown", domid);
	pvn_store_close(store);
	return error;
}
