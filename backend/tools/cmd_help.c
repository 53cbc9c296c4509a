// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn help: the commands.
 */
#include "tools/pvn.h"

static int run(struct call *call, int argc, char **argv)
{
	int count = take_arguments(call, argc, argv, NULL, NULL, 0, 0);
	unsigned int i;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	puts("usage: pvn COMMAND ...\nRuns guests under the Paravane hypervisor.\n");
	for (i = 0; subcommands[i]; i++)
		printf("  %-10s %s\n", subcommands[i]->name, subcommands[i]->summary);
	puts("\nEvery command takes --json and --help.\n"
	     "Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused, 5 timed out.");
	return PVN_EXIT_OK;
}

const struct subcommand cmd_help = {
	.name = "help",
	.arguments = "",
	.summary = "Shows this list",
	.help = "",
	.run = run,
};
