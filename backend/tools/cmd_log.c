// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn log: what the hypervisor noted down about partitions and virtual processors.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libpvn/root_dev.h"
#include "tools/decode.h"
#include "tools/pvn.h"

#define PAGES		(PVN_EVENTLOG_BUFFERS_MAX)
#define TICKS		10000000ull	/* of reference time in a second */

struct view {
	const struct call *call;
	uint64_t seen;		/* time of the last event that was shown */
	json_t *list;		/* --json without --follow */
};

static void show(struct view *view, const struct event *event)
{
	char text[512];

	if (view->list) {
		json_array_append_new(view->list, event_to_json(event));
		return;
	}
	if (view->call->json) {
		json_t *json = event_to_json(event);

		json_dumpf(json, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(json);
		return;
	}
	event_describe(event, text, sizeof(text));
	printf("%6llu.%06llu partition %llu vp %u: %s\n", (unsigned long long)(event->time / TICKS),
	       (unsigned long long)(event->time % TICKS / 10),
	       (unsigned long long)event_partition(event), event_vp(event), text);
}

/* What came since the last time; how many events are lost is told in their place. */
static int show_new(struct view *view, int root)
{
	static uint8_t pages[PAGES][PVN_PAGE_SIZE];
	long bytes = pvn_root_log(root, pages, sizeof(pages));
	uint64_t seen = view->seen;
	struct event event;

	if (bytes < 0)
		return -1;
	for (long i = 0; i < bytes / (long)PVN_PAGE_SIZE; i++) {
		uint32_t at = 0, lost = event_lost(pages[i]);
		bool first = true;

		while (event_next(pages[i], &at, &event)) {
			if (event.time <= seen)
				continue;
			if (first && lost)
				fprintf(stderr, "pvn log: %u events are lost here\n", lost);
			first = false;
			show(view, &event);
			view->seen = event.time;
		}
	}
	return fflush(stdout) ? -1 : 0;
}

static int run(struct call *call, int argc, char **argv)
{
	bool follow = false;
	const struct option_spec options[] = { { "--follow", &follow, NULL }, { 0 } };
	int words = take_arguments(call, argc, argv, options, NULL, 0, 0), root, error;
	const struct timespec pause = { .tv_nsec = 200000000 };
	struct view view = { .call = call };

	if (words < 0)
		return words == -2 ? PVN_EXIT_OK : -1;
	root = pvn_root_open();
	view.list = call->json && !follow ? json_array() : NULL;
	error = root < 0 ? -1 : show_new(&view, root);
	while (!error && follow) {
		nanosleep(&pause, NULL);
		error = show_new(&view, root);
	}
	if (error) {
		json_decref(view.list);
		return pvn_fail(&call->problem, PVN_EXIT_FAILED, PVN_ROOT_DEVICE,
				"only under Paravane, as root, with pvn_root.ko loaded",
				"the event log cannot be read: %s", strerror(errno));
	}
	close(root);
	if (view.list)
		print_json(view.list);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_log = {
	.name = "log",
	.arguments = "[--follow]",
	.summary = "Shows the hypervisor's log of partitions and virtual processors",
	.help = "Each line is a call that made or ended one, or was refused; times are seconds since the\n"
		"hypervisor started. The log holds the last few hundred.\n"
		"\n"
		"  --follow   goes on with what comes, until interrupted; with --json a line for each\n",
	.run = run,
};
