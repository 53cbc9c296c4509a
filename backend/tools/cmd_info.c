// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn info: everything that is known of one guest.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/pvn.h"

static void print_value(const char *key, json_t *value)
{
	char *text;

	if (json_is_null(value))
		return;
	if (json_is_string(value)) {
		printf("%-12s %s\n", key, json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	printf("%-12s %s\n", key, text ? text : "");
	free(text);
}

static void print_disk(json_t *disk)
{
	printf("%-12s %s%s\n", "disk", text_of(disk, "image"),
	       json_is_true(json_object_get(disk, "read_only")) ? " (read-only)" : "");
}

static void print_net(json_t *net)
{
	printf("%-12s %s %s %s", "net", text_of(net, "device"), text_of(net, "mac"),
	       text_of(net, "type"));
	if (json_is_string(json_object_get(net, "tap")))
		printf(" %s", text_of(net, "tap"));
	if (json_is_string(json_object_get(net, "bridge")))
		printf(" in %s", text_of(net, "bridge"));
	putchar('\n');
}

static void print_other(json_t *device)
{
	printf("%-12s %s %s\n", "device", text_of(device, "device"), text_of(device, "backend"));
}

static void print_lines(json_t *state)
{
	const char *key;
	json_t *value, *item;
	size_t i;

	json_object_foreach(state, key, value) {
		if (!strcmp(key, "disks"))
			json_array_foreach(value, i, item)
				print_disk(item);
		else if (!strcmp(key, "nets"))
			json_array_foreach(value, i, item)
				print_net(item);
		else if (!strcmp(key, "devices"))
			json_array_foreach(value, i, item)
				print_other(item);
		else
			print_value(key, value);
	}
}

static int run(struct call *call, int argc, char **argv)
{
	const char *name;
	int count = take_arguments(call, argc, argv, NULL, &name, 1, 1);
	json_t *state;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	state = find_guest(call, name);
	if (!state)
		return -1;
	if (call->json) {
		print_json(state);
		return PVN_EXIT_OK;
	}
	print_lines(state);
	json_decref(state);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_info = {
	.name = "info",
	.arguments = "NAME",
	.summary = "Shows what is known of a guest",
	.help = "Memory is in bytes, times are seconds since 1970.\n",
	.run = run,
};
