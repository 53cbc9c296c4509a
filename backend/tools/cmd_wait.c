// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn wait: until a guest has ended, and why.
 */
#include "tools/pvn.h"

static int run(struct call *call, int argc, char **argv)
{
	const char *name, *timeout = NULL;
	const struct option_spec options[] = { { .name = "--timeout", .value = &timeout }, { 0 } };
	unsigned int seconds = 0;
	int count = take_arguments(call, argc, argv, options, &name, 1, 1);
	json_t *state;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if (timeout && take_seconds(call, timeout, &seconds))
		return -1;
	state = find_guest(call, name);
	if (!state)
		return -1;
	json_decref(state);
	if (wait_for_end(call, name, seconds))
		return -1;
	state = find_guest(call, name);
	if (!state)
		return -1;
	if (call->json) {
		print_json(state);
		return PVN_EXIT_OK;
	}
	printf("%s: %s\n", name, describe_state(state));
	json_decref(state);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_wait = {
	.name = "wait",
	.arguments = "NAME [--timeout SECONDS]",
	.summary = "Waits until a guest has ended",
	.help = "  --timeout SECONDS   how long (default 0: for ever); exit code 5 when it has passed\n",
	.run = run,
};
