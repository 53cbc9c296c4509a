// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn abi: the table of calls, and which of them the hypervisor below offers.
 */
#include <unistd.h>

#include <pvn/abi/cpuid.h>
#include <pvn/abi/expand.h>

#include "libpvn/root_dev.h"
#include "tools/pvn.h"

struct host {
	bool known;		/* there is a hypervisor to ask */
	unsigned int abi;	/* 0xMMmm, as rows have it */
	unsigned int features;
};

static struct host ask(void)
{
	struct pvn_root_info info;
	struct host host = { 0 };
	int root = pvn_root_open();

	if (root < 0)
		return host;
	if (!pvn_root_info(root, &info)) {
		host.known = true;
		host.abi = (info.abi >> 16 & 0xff) << 8 | (info.abi & 0xff);
		host.features = info.features;
	}
	close(root);
	return host;
}

/* A row is offered by every host of its major version that is not older than the row. */
static bool is_offered(const struct host *host, const struct pvn_call_info *row)
{
	return host->known && host->abi >> 8 == row->since >> 8 && host->abi >= row->since;
}

static const char *shape(const struct pvn_call_info *row)
{
	if (row->var)
		return row->rep ? "var rep" : "var";
	return row->rep ? "rep" : "simple";
}

static void print_table(const struct host *host)
{
	printf("ABI of this program: %u.%u\n", PVN_ABI_MAJOR, PVN_ABI_MINOR);
	if (host->known)
		printf("ABI of this host:    %u.%u, features 0x%x\n", host->abi >> 8, host->abi & 0xff,
		       host->features);
	else
		printf("ABI of this host:    not known: no hypervisor can be asked\n");
	printf("\n%-7s%-36s%-7s%-9s%-8s%-21s%s\n", "code", "name", "since", "shape", "form",
	       "privilege", host->known ? "offered" : "");
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];

		printf("0x%04x %-36s%u.%-5u%-9s%-8s%-21s%s\n", row->code, row->name, row->since >> 8,
		       row->since & 0xff, shape(row), row->fast ? "fast" : "memory", row->privilege_name,
		       !host->known ? "" : is_offered(host, row) ? "yes" : "no");
	}
}

static void print_as_json(const struct host *host)
{
	json_t *calls = json_array();

	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];
		json_t *offered = host->known ? json_boolean(is_offered(host, row)) : json_null();

		json_array_append_new(calls, json_pack(
			"{s:i, s:s, s:i, s:i, s:s, s:b, s:s, s:o, s:s}", "code", (int)row->code,
			"name", row->name, "major", (int)(row->since >> 8), "minor",
			(int)(row->since & 0xff), "shape", shape(row), "fast", row->fast, "privilege",
			row->privilege_name, "offered", offered, "text", row->text));
	}
	print_json(json_pack("{s:{s:i, s:i}, s:o, s:o}", "program", "major", PVN_ABI_MAJOR, "minor",
			     PVN_ABI_MINOR, "host",
			     host->known ? json_pack("{s:i, s:i, s:i}", "major", (int)(host->abi >> 8),
						     "minor", (int)(host->abi & 0xff), "features",
						     (int)host->features) : json_null(),
			     "calls", calls));
}

static int run(struct call *call, int argc, char **argv)
{
	int words = take_arguments(call, argc, argv, NULL, NULL, 0, 0);
	struct host host;

	if (words < 0)
		return words == -2 ? PVN_EXIT_OK : -1;
	host = ask();
	if (call->json)
		print_as_json(&host);
	else
		print_table(&host);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_abi = {
	.name = "abi",
	.arguments = "",
	.summary = "Shows the table of hypercalls, and what this host offers of it",
	.help = "A host offers the rows of its own version and of those before it. Without a hypervisor\n"
		"the table is printed alone.\n",
	.run = run,
};
