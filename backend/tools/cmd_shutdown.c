// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn shutdown: asks a guest, through the store, to switch itself off.
 */
#include <string.h>

#include "tools/pvn.h"

#define PATIENCE_SECONDS 60

static int run(struct call *call, int argc, char **argv)
{
	bool wait = false, reboot = false;
	const char *name, *timeout = NULL;
	const struct option_spec options[] = {
		{ .name = "--wait", .flag = &wait },
		{ .name = "--reboot", .flag = &reboot },
		{ .name = "--timeout", .value = &timeout },
		{ 0 },
	};
	unsigned int seconds = PATIENCE_SECONDS;
	int count = take_arguments(call, argc, argv, options, &name, 1, 1);
	json_t *state;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if (timeout && take_seconds(call, timeout, &seconds))
		return -1;
	state = find_guest(call, name);
	if (!state)
		return -1;
	if (strcmp(text_of(state, "state"), "ended") &&
	    (ask_worker(call, name, json_pack("{s:s, s:s}", "request", "shutdown", "how",
					      reboot ? "reboot" : "poweroff")) ||
	     (wait && !reboot && wait_for_end(call, name, seconds)))) {
		json_decref(state);
		return -1;
	}
	json_decref(state);
	if (!call->json)
		return PVN_EXIT_OK;
	state = find_guest(call, name);
	if (!state)
		return -1;
	print_json(state);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_shutdown = {
	.name = "shutdown",
	.arguments = "NAME [--reboot] [--wait] [--timeout SECONDS]",
	.summary = "Asks a guest to shut down",
	.help =
	"  --reboot            ask it to start again instead\n"
	"  --wait              wait until it has ended (exit code 5: it has not in time)\n"
	"  --timeout SECONDS   how long (default 60, 0: for ever)\n",
	.run = run,
};
