// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn resize: a disk of a running guest gets another size.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pvn.h"

/* "10G" to bytes; the same units as in configurations. */
static int take_size(struct call *call, const char *text, json_int_t *bytes)
{
	static const char units[] = "KMGT";
	unsigned long long number;
	const char *unit = NULL;
	unsigned int shift;
	char *end;

	number = strtoull(text, &end, 10);
	if (*end && !end[1])
		unit = strchr(units, toupper((unsigned char)*end));
	shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;
	if (!isdigit((unsigned char)text[0]) || (*end && !unit) || !number ||
	    number > (1ull << 60) >> shift)
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, "pvn resize --help",
				"\"%.60s\" is no size", text);
	*bytes = (json_int_t)(number << shift);
	return 0;
}

static int run(struct call *call, int argc, char **argv)
{
	bool shrink = false;
	const char *words[3];
	const struct option_spec options[] = {
		{ .name = "--shrink", .flag = &shrink },
		{ 0 },
	};
	int count = take_arguments(call, argc, argv, options, words, 2, 3);
	json_t *request, *answer;
	json_int_t bytes = 0;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if ((count == 3 && take_size(call, words[2], &bytes)) || !is_guest_running(call, words[0]))
		return -1;
	request = json_pack("{s:s, s:s, s:b}", "request", "resize", "device", words[1], "shrink",
			    shrink);
	if (count == 3)
		json_object_set_new(request, "bytes", json_integer(bytes));
	answer = ask_worker_for(call, words[0], request);
	if (!answer)
		return -1;
	if (call->json) {
		print_json(answer);
		return PVN_EXIT_OK;
	}
	printf("%s: %lld bytes\n", text_of(answer, "device"), number_of(answer, "bytes"));
	json_decref(answer);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_resize = {
	.name = "resize",
	.arguments = "NAME DEVICE [SIZE] [--shrink]",
	.summary = "Changes the size of a running guest's disk",
	.help =
	"SIZE is a new size for an image file (\"20G\", bytes without a unit). Without it the\n"
	"back-end looks again at what is there: a grown block device, a grown NBD export.\n"
	"The guest sees the new size at once; partitions and file systems are its own affair.\n"
	"\n"
	"  --shrink   allow a smaller size; what lies beyond is lost\n",
	.run = run,
};
