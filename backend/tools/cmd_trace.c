// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn trace: calls and exits as they happen, decoded by the table of calls, as strace does
 * with system calls. Records are the hypervisor's buffers as they come, and the names of
 * the guests that they tell of.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/clock.h"
#include "libpvn/root_dev.h"
#include "tools/decode.h"
#include "tools/names.h"
#include "tools/pvn.h"

#define BUFFERS		PVN_EVENTLOG_BUFFERS_MAX
#define TICKS		10000000ull
#define RECORD_MAGIC	"PVNTRACE"	/* then pages */
#define NAMES_MAX	512
#define LEARN_SECONDS	0.2	/* between two looks for the name of a partition without one */

struct sum {
	char name[64];
	bool is_call;
	uint64_t count;
};

struct trace {
	struct call *call;
	const char *guest, *vp, *name, *record, *read, *seconds, *count;
	bool calls, exits, summary;
	uint64_t partition;		/* of the guest when it began; 0: known by its name only */
	unsigned int only_vp;
	uint64_t limit, shown, lost;
	uint64_t first;			/* time of the first event; others are told since then */
	FILE *file;
	json_t *names;
	double learned;			/* when names were looked for */
	uint64_t last_partition;	/* whose name was found last: mostly it is the next one's, too */
	const char *last_name;
	struct sum sum[NAMES_MAX];
	unsigned int sum_count;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

/* Names that guests have now, into the record, too; 0 or -1 + errno. */
static int learn_names(struct trace *trace)
{
	unsigned int fresh = names_learn(trace->names);
	static uint8_t page[PVN_PAGE_SIZE];

	trace->learned = pvn_now_seconds();
	for (; trace->file && fresh; fresh--) {
		names_to_page(trace->names, (unsigned int)json_array_size(trace->names) - fresh, page);
		if (fwrite(page, sizeof(page), 1, trace->file) != 1)
			return -1;
	}
	return 0;
}

/* The name of a partition's guest; NULL: it has none, or none yet. A record knows its own only. */
static const char *guest_of(struct trace *trace, uint64_t partition)
{
	const char *name = trace->last_name;

	if (name && trace->last_partition == partition)
		return name;
	name = names_find(trace->names, partition);
	if (!name && !trace->read && pvn_now_seconds() - trace->learned >= LEARN_SECONDS) {
		learn_names(trace);
		name = names_find(trace->names, partition);
	}
	trace->last_partition = partition;
	trace->last_name = name;
	return name;
}

/* A guest that reboots goes on in another partition. */
static bool is_of_guest(const struct trace *trace, const struct event *event, const char *guest)
{
	return !trace->guest || event_partition(event) == trace->partition ||
	       (guest && !strcmp(guest, trace->guest));
}

static bool is_wanted(const struct trace *trace, const struct event *event, const char *guest)
{
	bool call = event_is_call(event);

	if (!is_of_guest(trace, event, guest))
		return false;
	if (trace->vp && event_vp(event) != trace->only_vp)
		return false;
	if (trace->name)
		return !strcmp(event_name(event), trace->name);
	return trace->calls == trace->exits || (call ? trace->calls : trace->exits);
}

static void count_one(struct trace *trace, const struct event *event)
{
	const char *name = event_name(event);
	bool call = event_is_call(event);
	unsigned int i = 0;

	while (i < trace->sum_count &&
	       (trace->sum[i].is_call != call || strcmp(trace->sum[i].name, name)))
		i++;
	if (i == NAMES_MAX)
		return;
	if (i == trace->sum_count) {
		snprintf(trace->sum[i].name, sizeof(trace->sum[i].name), "%s", name);
		trace->sum[i].is_call = call;
		trace->sum_count++;
	}
	trace->sum[i].count++;
}

static void show_json(const struct event *event, const char *guest)
{
	json_t *json = event_to_json(event);

	json_object_set_new(json, "guest", guest ? json_string(guest) : json_null());
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

static void show(struct trace *trace, const struct event *event, const char *guest)
{
	char text[512], number[24];
	uint64_t since;

	trace->shown++;
	if (trace->summary) {
		count_one(trace, event);
		return;
	}
	if (trace->call->json) {
		show_json(event, guest);
		return;
	}
	if (!trace->first)
		trace->first = event->time;
	since = event->time - trace->first;
	event_describe(event, text, sizeof(text));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)event_partition(event));
	printf("%4llu.%07llu %s vp%u %s%s\n", (unsigned long long)(since / TICKS),
	       (unsigned long long)(since % TICKS), guest ? guest : number,
	       event_vp(event), event_is_call(event) ? "" : "exit ", text);
}

static bool is_over(const struct trace *trace)
{
	return stopped || (trace->limit && trace->shown >= trace->limit);
}

static int take_page(struct trace *trace, const uint8_t *page)
{
	struct event event;
	uint32_t at = 0;

	if (trace->read && names_from_page(trace->names, page))
		return 0;
	trace->lost += event_lost(page);
	while (!is_over(trace) && event_next(page, &at, &event)) {
		const char *guest = guest_of(trace, event_partition(&event));

		if (is_wanted(trace, &event, guest) && !(trace->file && !trace->summary))
			show(trace, &event, guest);
	}
	return trace->file && fwrite(page, PVN_PAGE_SIZE, 1, trace->file) != 1 ? -1 : 0;
}

static int by_count(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void print_summary(struct trace *trace)
{
	json_t *list = json_array();

	qsort(trace->sum, trace->sum_count, sizeof(trace->sum[0]), by_count);
	for (unsigned int i = 0; i < trace->sum_count; i++) {
		if (!trace->call->json)
			printf("%10llu %s %s\n", (unsigned long long)trace->sum[i].count,
			       trace->sum[i].is_call ? "call" : "exit", trace->sum[i].name);
		json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "kind",
						      trace->sum[i].is_call ? "call" : "exit",
						      "name", trace->sum[i].name,
						      "count", (json_int_t)trace->sum[i].count));
	}
	if (trace->call->json)
		print_json(json_pack("{s:O, s:I}", "summary", list, "lost", (json_int_t)trace->lost));
	json_decref(list);
}

static int cannot(struct trace *trace, const char *where, const char *hint, const char *what)
{
	return pvn_fail(&trace->call->problem, PVN_EXIT_FAILED, where, hint, "%s: %s", what,
			strerror(errno));
}

static int no_such_guest(struct trace *trace)
{
	const char **names = calloc(json_array_size(trace->names) + 1, sizeof(*names));
	char hint[HINT_BYTES];
	json_t *one;
	size_t i;

	json_array_foreach(trace->names, i, one) {
		if (names)
			names[i] = text_of(one, "name");
	}
	pvn_fail(&trace->call->problem, PVN_EXIT_NOT_FOUND, trace->read,
		 names ? did_you_mean(hint, trace->guest, names, "pvn trace --read shows all of it") : NULL,
		 "the record tells of no guest \"%.60s\"", trace->guest);
	free(names);
	return -1;
}

static bool is_in_record(const struct trace *trace)
{
	bool found = !strcmp(trace->guest, "root");
	json_t *one;
	size_t i;

	json_array_foreach(trace->names, i, one)
		found = found || !strcmp(text_of(one, "name"), trace->guest);
	return found;
}

/* Names first, where the file can be read twice: they may come behind what they name. */
static void read_pages(struct trace *trace, FILE *file)
{
	static uint8_t page[PVN_PAGE_SIZE];
	long start = ftell(file);

	if (start >= 0) {
		while (fread(page, sizeof(page), 1, file) == 1)
			names_from_page(trace->names, page);
		fseek(file, start, SEEK_SET);
	}
	while (!is_over(trace) && fread(page, sizeof(page), 1, file) == 1)
		take_page(trace, page);
}

/* What somebody recorded. */
static int run_file(struct trace *trace)
{
	FILE *file = fopen(trace->read, "re");
	char magic[8];

	if (!file)
		return cannot(trace, trace->read, NULL, "the record cannot be read");
	if (fread(magic, sizeof(magic), 1, file) != 1 || memcmp(magic, RECORD_MAGIC, sizeof(magic))) {
		fclose(file);
		return pvn_fail(&trace->call->problem, PVN_EXIT_FAILED, trace->read,
				"give a file that pvn trace --record wrote", "that is no record");
	}
	read_pages(trace, file);
	fclose(file);
	return trace->guest && !is_in_record(trace) ? no_such_guest(trace) : 0;
}

static int open_record(struct trace *trace)
{
	if (!trace->record)
		return 0;
	trace->file = fopen(trace->record, "we");
	if (trace->file && fwrite(RECORD_MAGIC, 8, 1, trace->file) == 1)
		return 0;
	return cannot(trace, trace->record, NULL, "the record cannot be written");
}

/* The kernel gives half-full buffers too, so that a quiet machine's events come within 0.1 s. */
static int run_live(struct trace *trace, int fd, unsigned int seconds)
{
	static uint8_t page[PVN_PAGE_SIZE];
	double end = pvn_now_seconds() + seconds;

	while (!is_over(trace) && (!seconds || pvn_now_seconds() < end)) {
		ssize_t got = read(fd, page, sizeof(page));
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		if (got == sizeof(page) && !take_page(trace, page))
			continue;
		if (got == sizeof(page))
			return cannot(trace, trace->record, NULL, "the record cannot be written");
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return cannot(trace, PVN_ROOT_DEVICE, NULL, "the trace cannot be read");
		if (fflush(stdout))
			return 0;	/* nobody reads any more */
		poll(&wait, 1, 100);
	}
	return 0;
}

static int trace_hypervisor(struct trace *trace, unsigned int seconds)
{
	const struct sigaction action = { .sa_handler = stop };
	int root, fd, error;
	bool is_short;

	/* Before there is anything to end. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	root = pvn_root_open();
	fd = root < 0 ? -1 : pvn_root_trace(root, BUFFERS);
	if (fd < 0) {
		error = cannot(trace, PVN_ROOT_DEVICE,
			       errno == EBUSY ? "another pvn trace runs" :
			       "only under Paravane, as root, with pvn_root.ko loaded",
			       "calls and exits cannot be traced");
		if (root >= 0)
			close(root);
		return error;
	}
	close(root);
	error = open_record(trace);
	if (!error)
		error = run_live(trace, fd, seconds);
	close(fd);
	is_short = trace->file && learn_names(trace);
	if (trace->file && (fclose(trace->file) || is_short) && !error)
		error = cannot(trace, trace->record, NULL, "the record cannot be written");
	return error;
}

static int check_name(struct trace *trace)
{
	static const char *names[NAMES_MAX + 1];
	char hint[HINT_BYTES];
	unsigned int i;

	for (i = 0; i < NAMES_MAX && event_known_name(i); i++) {
		names[i] = event_known_name(i);
		if (!strcmp(names[i], trace->name))
			return 0;
	}
	return pvn_fail(&trace->call->problem, PVN_EXIT_USAGE, NULL,
			did_you_mean(hint, trace->name, names,
				     "pvn abi lists calls, pvn counters the exits"),
			"there is no call and no exit \"%.60s\"", trace->name);
}

static int take_filters(struct trace *trace, unsigned int *seconds)
{
	unsigned int number;

	if (trace->name && check_name(trace))
		return -1;
	if (trace->guest && !trace->read && find_partition(trace->call, trace->guest, &trace->partition))
		return -1;
	if (trace->vp && take_whole(trace->call, trace->vp, 63, "virtual processor", &trace->only_vp))
		return -1;
	if (trace->count &&
	    take_whole(trace->call, trace->count, 2000000000, "number of events", &number))
		return -1;
	trace->limit = trace->count ? number : 0;
	return trace->seconds ? take_seconds(trace->call, trace->seconds, seconds) : 0;
}

static int run(struct call *call, int argc, char **argv)
{
	static struct trace trace;
	const struct option_spec options[] = {
		{ "--guest", NULL, &trace.guest }, { "--vp", NULL, &trace.vp },
		{ "--name", NULL, &trace.name }, { "--calls", &trace.calls, NULL },
		{ "--exits", &trace.exits, NULL }, { "--summary", &trace.summary, NULL },
		{ "--record", NULL, &trace.record }, { "--read", NULL, &trace.read },
		{ "--seconds", NULL, &trace.seconds }, { "--count", NULL, &trace.count }, { 0 },
	};
	int words = take_arguments(call, argc, argv, options, NULL, 0, 0), error;
	unsigned int seconds = 0;

	if (words < 0)
		return words == -2 ? PVN_EXIT_OK : -1;
	trace.call = call;
	trace.names = names_new();
	if (take_filters(&trace, &seconds))
		return -1;
	error = trace.read ? run_file(&trace) : trace_hypervisor(&trace, seconds);
	if (error)
		return -1;
	if (trace.summary)
		print_summary(&trace);
	if (trace.lost)
		fprintf(stderr, "pvn trace: %llu events were lost\n", (unsigned long long)trace.lost);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_trace = {
	.name = "trace",
	.arguments = "[--guest NAME|root] [--vp N] [--name NAME] [--calls] [--exits] [--summary] "
		     "[--seconds N] [--count N] [--record FILE | --read FILE]",
	.summary = "Shows hypercalls and exits as they happen",
	.help = "A line is: seconds since the first one, guest, virtual processor, and the call with its\n"
		"input and status, or the exit with what it is about; a partition that is no guest, or not yet\n"
		"one, has its number there. All runs slower meanwhile.\n"
		"\n"
		"  --guest NAME    of this guest only; \"root\" is the root partition\n"
		"  --vp N          of this virtual processor only\n"
		"  --name NAME     only this call, or this exit\n"
		"  --calls         calls only\n"
		"  --exits         exits only\n"
		"  --summary       how many of each, at the end, instead of a line for each\n"
		"  --seconds N     ends after so long; without it Ctrl-C does\n"
		"  --count N       ends after so many\n"
		"  --record FILE   writes all events to a file instead\n"
		"  --read FILE     shows such a file, by the names that guests had then; the filters go\n"
		"                  for it too\n"
		"\n"
		"With --json each event is a line of its own.\n",
	.run = run,
};
