// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn version: of the tools, and of the hypervisor below if there is one.
 */
#include <unistd.h>

#include "libpvn/root_dev.h"
#include "tools/pvn.h"

#ifndef PVN_VERSION
#define PVN_VERSION "unversioned"
#endif

static int run(struct call *call, int argc, char **argv)
{
	int count = take_arguments(call, argc, argv, NULL, NULL, 0, 0);
	struct pvn_root_info info;
	char abi[24] = "";
	int fd;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	fd = pvn_root_open();
	if (fd >= 0 && !pvn_root_info(fd, &info))
		snprintf(abi, sizeof(abi), "%u.%u", info.abi >> 16, info.abi & 0xffff);
	if (fd >= 0)
		close(fd);
	if (call->json)
		print_json(json_pack("{s:s, s:s*}", "tools", PVN_VERSION, "abi",
				     *abi ? abi : NULL));
	else
		printf("pvn %s%s%s\n", PVN_VERSION, *abi ? ", hypervisor ABI " : "", abi);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_version = {
	.name = "version",
	.arguments = "",
	.summary = "Shows versions of the tools and of the hypervisor's ABI",
	.help = "",
	.run = run,
};
