// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn property: properties of a partition, as the hypervisor has them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/root_dev.h"
#include "tools/counters.h"
#include "tools/pvn.h"

/* By TLFS code; in the order in which they are shown. */
static const struct property {
	const char *name;
	uint32_t code;
	const char *text;
} properties[] = {
	{ "privileges", PVN_PROPERTY_PRIVILEGES, "what it may do, a bit each" },
	{ "reserve", PVN_PROPERTY_CPU_RESERVE, "of a processor for each VP, 65536 is all" },
	{ "cap", PVN_PROPERTY_CPU_CAP, "at most of a processor for each VP" },
	{ "weight", PVN_PROPERTY_CPU_WEIGHT, "share among partitions, 1 to 10000" },
	{ "vendor", PVN_PROPERTY_PROCESSOR_VENDOR, "0 AMD, 1 Intel" },
	{ "processor-features", PVN_PROPERTY_PROCESSOR_FEATURES, "a bit each" },
	{ "xsave-features", PVN_PROPERTY_XSAVE_FEATURES, "a bit each" },
	{ "cache-line", PVN_PROPERTY_CACHE_LINE, "CLFLUSH size in 8 bytes" },
};

#define COUNT (sizeof(properties) / sizeof(properties[0]))

/* A name of the list, or a code. */
static int find_code(struct call *call, const char *text, uint32_t *code)
{
	const char *names[COUNT + 1] = { NULL };
	char hint[HINT_BYTES];
	char *end;

	for (size_t i = 0; i < COUNT; i++) {
		names[i] = properties[i].name;
		*code = properties[i].code;
		if (!strcmp(text, names[i]))
			return 0;
	}
	*code = (uint32_t)strtoul(text, &end, 0);
	if (end != text && !*end)
		return 0;
	return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL,
			did_you_mean(hint, text, names, "pvn property --help lists them"),
			"there is no property \"%.60s\"", text);
}

static int refused(struct call *call, int status, const char *what)
{
	return pvn_fail(&call->problem, status < 0 ? PVN_EXIT_FAILED : PVN_EXIT_REFUSED,
			status < 0 ? PVN_ROOT_DEVICE : NULL,
			status < 0 ? "only under Paravane, as root, with pvn_root.ko loaded" : NULL,
			"the property cannot be %s: %s", what,
			status < 0 ? strerror(errno) : status_text((unsigned int)status));
}

static int get(int root, uint64_t id, uint32_t code, uint64_t *value)
{
	const struct pvn_get_partition_property_in in = { .partition_id = id, .property = code };
	struct pvn_get_partition_property_out out = { 0 };
	int status = pvn_root_call(root, PVN_CALL_get_partition_property, &in, sizeof(in), &out,
				   sizeof(out));

	*value = out.value;
	return status;
}

static int get_one(struct call *call, int root, uint64_t id, const char *name, uint32_t code)
{
	uint64_t value;
	int status = get(root, id, code, &value);

	if (status)
		return refused(call, status, "read");
	if (call->json)
		print_json(json_pack("{s:I}", name, (json_int_t)value));
	else
		printf("%llu\n", (unsigned long long)value);
	return 0;
}

static int get_all(struct call *call, int root, uint64_t id)
{
	json_t *all = json_object();

	for (size_t i = 0; i < COUNT; i++) {
		uint64_t value;
		int status = get(root, id, properties[i].code, &value);

		if (status < 0) {
			json_decref(all);
			return refused(call, status, "read");
		}
		if (status)	/* the root does not have all of them */
			continue;
		json_object_set_new(all, properties[i].name, json_integer((json_int_t)value));
		if (!call->json)
			printf("%-20s %-20llu %s\n", properties[i].name, (unsigned long long)value,
			       properties[i].text);
	}
	if (call->json)
		print_json(json_incref(all));
	json_decref(all);
	return 0;
}

static int set(struct call *call, int root, uint64_t id, uint32_t code, const char *text)
{
	struct pvn_set_partition_property_in in = { .partition_id = id, .property = code };
	char *end;
	int status;

	errno = 0;
	in.value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, "decimal, or 0x and hexadecimal",
				"\"%.60s\" is no value", text);
	status = pvn_root_call(root, PVN_CALL_set_partition_property, &in, sizeof(in), NULL, 0);
	return status ? refused(call, status, "set") : 0;
}

static int act(struct call *call, const char *const *words, int count)
{
	bool is_set = !strcmp(words[0], "set");
	uint32_t code = 0;
	uint64_t id;
	int root, error;

	if ((!is_set && strcmp(words[0], "get")) || (is_set ? count != 4 : count > 3))
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, "pvn property --help",
				"get NAME [PROPERTY], or set NAME PROPERTY VALUE");
	if ((count > 2 && find_code(call, words[2], &code)) ||
	    (strcmp(words[1], "root") && !is_guest_running(call, words[1])) ||
	    find_partition(call, words[1], &id))
		return -1;
	root = pvn_root_open();
	if (root < 0)
		return refused(call, -1, is_set ? "set" : "read");
	if (is_set)
		error = set(call, root, id, code, words[3]);
	else
		error = count == 3 ? get_one(call, root, id, words[2], code) : get_all(call, root, id);
	close(root);
	return error;
}

static int run(struct call *call, int argc, char **argv)
{
	const char *words[4] = { NULL };
	int count = take_arguments(call, argc, argv, NULL, words, 2, 4);

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	return act(call, words, count) ? -1 : PVN_EXIT_OK;
}

const struct subcommand cmd_property = {
	.name = "property",
	.arguments = "get NAME|root [PROPERTY] | set NAME|root PROPERTY VALUE",
	.summary = "Reads and sets properties of a partition",
	.help = "privileges           what it may do, a bit each\n"
		"reserve, cap         of a processor for each virtual one; 65536 is a whole one\n"
		"weight               share of processor time among partitions, 1 to 10000\n"
		"vendor, processor-features, xsave-features, cache-line\n"
		"                     of the processor that it sees: fixed once it runs\n"
		"\n"
		"PROPERTY may also be a code of the TLFS, such as 0x20003.\n",
	.run = run,
};
