// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn census: what the hypervisor and the root's driver hold, so that a leak shows.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/root_dev.h"
#include "tools/pvn.h"

static json_t *count(void)
{
	struct pvn_get_census_out h;
	struct pvn_root_objects r;
	json_t *census = NULL;
	int fd = pvn_root_open(), error;

	if (fd < 0)
		return NULL;
	if (!pvn_root_census(fd, &h) && !pvn_root_objects(fd, &r))
		census = json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I},"
				   " s:{s:I, s:I, s:I, s:I, s:I, s:I}}",
				   "hypervisor", "pages_total", (json_int_t)h.pages_total,
				   "pages_free", (json_int_t)h.pages_free,
				   "pages_deposited", (json_int_t)h.pages_deposited,
				   "partitions", (json_int_t)h.partitions,
				   "vps", (json_int_t)h.vps, "ports", (json_int_t)h.ports,
				   "connections", (json_int_t)h.connections,
				   "gpa_pages", (json_int_t)h.gpa_pages,
				   "root", "partitions", (json_int_t)r.partitions,
				   "vps", (json_int_t)r.vps, "memories", (json_int_t)r.memories,
				   "channels", (json_int_t)r.channels,
				   "pinned_pages", (json_int_t)r.pinned_pages,
				   "deposited_pages", (json_int_t)r.deposited_pages);
	error = errno;
	close(fd);
	errno = error;
	return census;
}

static void print_part(const json_t *census, const char *part)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(census, part), key, value)
		printf("%-11s %-16s %12lld\n", part, key, json_integer_value(value));
}

static int run(struct call *call, int argc, char **argv)
{
	int words = take_arguments(call, argc, argv, NULL, NULL, 0, 0);
	json_t *census;

	if (words < 0)
		return words == -2 ? PVN_EXIT_OK : -1;
	census = count();
	if (!census)
		return pvn_fail(&call->problem, PVN_EXIT_FAILED, PVN_ROOT_DEVICE,
				"only under Paravane, as root, with pvn_root.ko loaded",
				"the hypervisor cannot be asked: %s", strerror(errno));
	if (call->json) {
		print_json(census);
		return PVN_EXIT_OK;
	}
	print_part(census, "hypervisor");
	print_part(census, "root");
	json_decref(census);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_census = {
	.name = "census",
	.arguments = "",
	.summary = "Counts what the hypervisor and the root's driver hold",
	.help = "Pages are 4 KiB. The root itself counts as a partition of the hypervisor.\n",
	.run = run,
};
