// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn park, pvn unpark: processors that guests leave, and come back to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/root_dev.h"
#include "tools/counters.h"
#include "tools/pvn.h"

/* "2", "1-3"; -1: that is no processor. */
static int take_range(const char *text, unsigned int count, uint64_t *mask)
{
	unsigned long first, last;
	char *end;

	first = last = strtoul(text, &end, 10);
	if (end != text && *end == '-') {
		text = end + 1;
		last = strtoul(text, &end, 10);
	}
	if (end == text || *end || first > last || last >= count)
		return -1;
	for (; first <= last; first++)
		*mask |= 1ull << first;
	return 0;
}

/* "all", or ranges with commas between. */
static int take_processors(struct call *call, const char *text, unsigned int count, uint64_t *mask)
{
	char *copy = strdup(text), *rest = copy, *word;
	char hint[64];
	int error = 0;

	if (!strcmp(text, "all")) {
		*mask = count >= 64 ? UINT64_MAX : (1ull << count) - 1;
	} else {
		while (copy && !error && (word = strsep(&rest, ",")))
			error = take_range(word, count, mask);
	}
	free(copy);
	snprintf(hint, sizeof(hint), "this machine has processors 0 to %u", count - 1);
	return error ? pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, hint,
				"\"%.60s\" names no processors", text) : 0;
}

static int cannot(struct call *call, const char *why)
{
	return pvn_fail(&call->problem, PVN_EXIT_FAILED, PVN_ROOT_DEVICE,
			"only under Paravane, as root, with pvn_root.ko loaded",
			"processors cannot be parked: %s", why);
}

static int show(struct call *call, const json_t *counters)
{
	json_t *one, *list = json_array();
	size_t i;

	json_array_foreach(json_object_get(counters, "processors"), i, one)
		json_array_append_new(list, json_pack("{s:I, s:b}", "index",
						      (json_int_t)number_of(one, "index"), "parked",
						      number_of(one, "parked") != 0));
	if (call->json) {
		print_json(list);
		return PVN_EXIT_OK;
	}
	json_array_foreach(list, i, one)
		printf("processor %-4lld %s\n", number_of(one, "index"),
		       json_is_true(json_object_get(one, "parked")) ? "parked" : "open");
	json_decref(list);
	return PVN_EXIT_OK;
}

static int change(struct call *call, int root, const json_t *counters, const char *text, bool park)
{
	const json_t *all = json_object_get(counters, "processors");
	struct pvn_park_logical_processors_in in = { 0 };
	uint64_t named = 0;
	json_t *one;
	size_t i;
	int status;

	json_array_foreach(all, i, one)
		in.processor_mask |= number_of(one, "parked") ? 1ull << i : 0;
	if (take_processors(call, text, (unsigned int)json_array_size(all), &named))
		return -1;
	in.processor_mask = park ? in.processor_mask | named : in.processor_mask & ~named;
	status = pvn_root_call(root, PVN_CALL_park_logical_processors, &in, sizeof(in), NULL, 0);
	if (status == PVN_STATUS_OPERATION_DENIED)
		return pvn_fail(&call->problem, PVN_EXIT_REFUSED, NULL, "leave one of them out",
				"no processor would be left for guests");
	if (status)
		return cannot(call, status < 0 ? strerror(errno) : status_text((unsigned int)status));
	return 0;
}

static int act(struct call *call, const char *text, bool park)
{
	int root = pvn_root_open(), result = 0;
	json_t *counters = root < 0 ? NULL : counters_read(root, 1);

	if (!counters) {
		cannot(call, strerror(errno));
		if (root >= 0)
			close(root);
		return -1;
	}
	if (text) {
		result = change(call, root, counters, text, park);
		json_decref(counters);
		counters = counters_read(root, 1);
	}
	if (!result && (!text || call->json))
		result = show(call, counters);
	json_decref(counters);
	close(root);
	return result;
}

static int run_park(struct call *call, int argc, char **argv)
{
	const char *text = NULL;
	int count = take_arguments(call, argc, argv, NULL, &text, 0, 1);

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	return act(call, text, true);
}

static int run_unpark(struct call *call, int argc, char **argv)
{
	const char *text = NULL;
	int count = take_arguments(call, argc, argv, NULL, &text, 1, 1);

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	return act(call, text, false);
}

const struct subcommand cmd_park = {
	.name = "park",
	.arguments = "[PROCESSORS]",
	.summary = "Parks processors: guests leave them, the root stays",
	.help = "PROCESSORS are numbers and ranges: 1,3-5. Without them, says which are parked. One\n"
		"processor at least must stay open to guests.\n",
	.run = run_park,
};

const struct subcommand cmd_unpark = {
	.name = "unpark",
	.arguments = "PROCESSORS|all",
	.summary = "Opens parked processors to guests again",
	.help = "PROCESSORS are numbers and ranges: 1,3-5.\n",
	.run = run_unpark,
};
