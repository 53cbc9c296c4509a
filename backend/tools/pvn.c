// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn: runs guests. This file finds the subcommand and prints what went wrong.
 */
#include "tools/pvn.h"

#include <string.h>

const struct subcommand *const subcommands[] = {
	&cmd_create, &cmd_list, &cmd_info, &cmd_console, &cmd_shutdown, &cmd_destroy, &cmd_wait,
	&cmd_top, &cmd_counters, &cmd_log, &cmd_trace, &cmd_property, &cmd_park, &cmd_unpark,
	&cmd_attach, &cmd_detach, &cmd_net, &cmd_resize, &cmd_ring,
	&cmd_census, &cmd_abi, &cmd_version, &cmd_help, NULL,
};

static const struct subcommand *find(const char *name)
{
	unsigned int i;

	for (i = 0; subcommands[i]; i++)
		if (!strcmp(subcommands[i]->name, name))
			return subcommands[i];
	return NULL;
}

static int unknown(const char *word)
{
	const char *names[32] = { NULL }, *nearest;
	struct pvn_problem problem;
	char hint[96];
	unsigned int i;

	for (i = 0; subcommands[i]; i++)
		names[i] = subcommands[i]->name;
	nearest = pvn_nearest(word, names);
	if (nearest)
		snprintf(hint, sizeof(hint), "did you mean \"pvn %s\"?", nearest);
	else
		snprintf(hint, sizeof(hint), "pvn help lists the commands");
	pvn_fail(&problem, PVN_EXIT_USAGE, NULL, hint, "there is no command \"%.60s\"", word);
	pvn_problem_print(&problem, "pvn", stderr);
	return problem.code;
}

static int finish(const struct call *call, int code)
{
	char program[64];

	if (code >= 0)
		return code;
	if (call->json)
		print_json(json_pack("{s:o}", "error", pvn_problem_to_json(&call->problem)));
	snprintf(program, sizeof(program), "pvn %s", call->command->name);
	pvn_problem_print(&call->problem, program, stderr);
	return call->problem.code;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "help";
	struct call call = { 0 };
	int code;

	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		word = "help";
	if (!strcmp(word, "--version"))
		word = "version";
	call.command = find(word);
	if (!call.command)
		return unknown(word);
	code = finish(&call, call.command->run(&call, argc > 1 ? argc - 2 : 0, argv + 2));
	if (fflush(stdout) && !code)
		code = PVN_EXIT_FAILED;
	return argc > 1 ? code : PVN_EXIT_USAGE;
}
