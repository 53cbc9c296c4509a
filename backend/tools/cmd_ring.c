// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn ring: what went through the queues of a guest's devices.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libpvn/store_client.h"
#include "tools/pvn.h"

#define COUNT_WAIT_MS 3000

/* "submitted=5 completed=5" as an object. */
static json_t *parse_counters(char *text)
{
	json_t *counters = json_object();
	char *word, *rest = NULL;

	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *equals = strchr(word, '=');

		if (!equals)
			continue;
		*equals = 0;
		json_object_set_new(counters, word, json_integer(strtoll(equals + 1, NULL, 10)));
	}
	return counters;
}

/* The queues of one device; its back-end counts when it is told to. */
static json_t *read_device(struct pvn_store *store, const char *kind, long long domid,
			   const char *number)
{
	json_t *queues = json_array();
	char path[160];
	unsigned int i;

	snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%lld/%s/command", kind, domid,
		 number);
	if (pvn_store_writef(store, 0, "count", "%s", path) ||
	    pvn_store_wait_value(store, path, "", COUNT_WAIT_MS) != 1)
		return queues;
	for (i = 0;; i++) {
		char *text = pvn_store_readf(store, 0,
					     "/local/domain/0/backend/%s/%lld/%s/queue-%u/counters",
					     kind, domid, number, i);

		if (!text)
			return queues;
		json_array_append_new(queues, parse_counters(text));
		free(text);
	}
}

static void read_kind(struct pvn_store *store, const char *kind, long long domid, json_t *devices)
{
	char path[128], name[64], **numbers;
	unsigned int count = 0, i;

	snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%lld", kind, domid);
	numbers = pvn_store_directory(store, 0, path, &count);
	for (i = 0; numbers && i < count; i++) {
		json_t *queues = read_device(store, kind, domid, numbers[i]);

		snprintf(name, sizeof(name), "%.16s-%.16s", kind, numbers[i]);
		if (json_array_size(queues))
			json_object_set(devices, name, queues);
		json_decref(queues);
	}
	free(numbers);
}

static void print_queue(const char *name, size_t number, json_t *queue)
{
	const char *key;
	json_t *value;

	printf("%s queue %zu\n", name, number);
	json_object_foreach(queue, key, value)
		printf("  %-20s %16lld\n", key, json_integer_value(value));
}

static void print_devices(json_t *devices)
{
	json_t *queues, *queue;
	const char *name;
	size_t i;

	json_object_foreach(devices, name, queues)
		json_array_foreach(queues, i, queue)
			print_queue(name, i, queue);
}

static int run(struct call *call, int argc, char **argv)
{
	static const char *const kinds[] = { "blk", "net" };
	const char *name;
	int count = take_arguments(call, argc, argv, NULL, &name, 1, 1);
	json_t *state, *devices;
	struct pvn_store *store;
	size_t i;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if (!is_guest_running(call, name))
		return -1;
	store = pvn_store_open(NULL);
	if (!store)
		return pvn_fail(&call->problem, PVN_EXIT_FAILED, NULL, NULL,
				"the store cannot be reached: %s", strerror(errno));
	state = find_guest(call, name);
	devices = json_object();
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		read_kind(store, kinds[i], number_of(state, "id"), devices);
	json_decref(state);
	pvn_store_close(store);
	if (call->json) {
		print_json(devices);
		return PVN_EXIT_OK;
	}
	print_devices(devices);
	json_decref(devices);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_ring = {
	.name = "ring",
	.arguments = "NAME",
	.summary = "Counts what went through the queues of a guest's devices",
	.help =
	"As the back-ends count it since their start: requests, doorbells rung and saved,\n"
	"bytes. A back-end that does not answer is left out.\n",
	.run = run,
};
