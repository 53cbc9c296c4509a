// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn destroy: ends a guest at once and forgets it.
 */
#include <errno.h>
#include <string.h>

#include "libpvn/guest_store.h"
#include "libpvn/guests.h"
#include "tools/pvn.h"

#define PATIENCE_SECONDS 30

/* A worker that was killed could not take its guest out of the store. */
static void clean_store(const json_t *state)
{
	long long id = number_of(state, "id");

	if (id > 0 && !strcmp(text_of(state, "reason"), "killed"))
		pvn_guest_forget(id);
}

static int destroy(struct call *call, json_t *state)
{
	const char *name = text_of(state, "name");

	if (pvn_guest_is_alive(name) &&
	    (ask_worker(call, name, json_pack("{s:s}", "request", "destroy")) ||
	     wait_for_end(call, name, PATIENCE_SECONDS))) {
		/* It may have ended by itself just now; then there is nobody to ask. */
		if (pvn_guest_is_alive(name))
			return -1;
	} else {
		clean_store(state);
	}
	if (pvn_guest_remove(name) && errno != ENOENT)
		return pvn_fail(&call->problem, PVN_EXIT_FAILED, pvn_rundir(), NULL,
				"the folder of \"%s\" cannot be removed: %s", name,
				strerror(errno));
	return 0;
}

static int destroy_all(struct call *call)
{
	json_t *states = pvn_guests_states(), *state;
	int error = 0;
	size_t i;

	json_array_foreach(states, i, state)
		error |= destroy(call, state);
	json_decref(states);
	return error;
}

static int destroy_one(struct call *call, const char *name)
{
	json_t *state = find_guest(call, name);
	int error;

	if (!state)
		return -1;
	error = destroy(call, state);
	json_decref(state);
	return error;
}

static int run(struct call *call, int argc, char **argv)
{
	bool all = false;
	const struct option_spec options[] = { { .name = "--all", .flag = &all }, { 0 } };
	const char *name = NULL;
	int count = take_arguments(call, argc, argv, options, &name, 0, 1);

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if (all == (count == 1))
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, "pvn destroy --help",
				"name one guest, or say --all");
	if (all ? destroy_all(call) : destroy_one(call, name))
		return -1;
	if (call->json)
		print_json(json_pack("{s:b}", "ok", 1));
	return PVN_EXIT_OK;
}

const struct subcommand cmd_destroy = {
	.name = "destroy",
	.arguments = "NAME|--all",
	.summary = "Ends a guest at once, and forgets it",
	.help = "Like pulling the plug: the guest is not asked. Also removes a guest that has ended\n"
		"from the list.\n",
	.run = run,
};
