// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn list: all guests, also those that have ended and why.
 */
#include "libpvn/guests.h"
#include "tools/pvn.h"

static void print_table(const json_t *states)
{
	const json_t *state;
	size_t i;

	printf("%-20s %4s %-24s %4s %8s %8s\n", "NAME", "ID", "STATE", "VPS", "MEMORY", "PID");
	json_array_foreach(states, i, state) {
		char pid[24] = "-";

		if (number_of(state, "pid"))
			snprintf(pid, sizeof(pid), "%lld", number_of(state, "pid"));
		printf("%-20s %4lld %-24s %4lld %8s %8s\n", text_of(state, "name"),
		       number_of(state, "id"), describe_state(state), number_of(state, "vps"),
		       describe_bytes(number_of(state, "memory")), pid);
	}
}

static int run(struct call *call, int argc, char **argv)
{
	int count = take_arguments(call, argc, argv, NULL, NULL, 0, 0);
	json_t *states;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	states = pvn_guests_states();
	if (call->json) {
		print_json(states);
		return PVN_EXIT_OK;
	}
	print_table(states);
	json_decref(states);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_list = {
	.name = "list",
	.arguments = "",
	.summary = "Shows all guests",
	.help = "Guests that have ended stay, with the reason, until pvn destroy or the next\n"
		"pvn create of the same name.\n",
	.run = run,
};
