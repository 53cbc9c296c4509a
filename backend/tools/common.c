// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What pvn's subcommands share: arguments, guests by name, waiting.
 */
#include "tools/pvn.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libpvn/clock.h"
#include "libpvn/guests.h"

static int usage_error(struct call *call, const char *format, const char *word)
{
	char text[160], hint[96];

	snprintf(text, sizeof(text), format, word);
	snprintf(hint, sizeof(hint), "pvn %s --help", call->command->name);
	return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, hint, "%s", text);
}

static void print_help(const struct subcommand *command)
{
	printf("usage: pvn %s%s%s [--json]\n%s.\n\n%s", command->name, *command->arguments ? " " : "",
	       command->arguments, command->summary, command->help);
}

static const struct option_spec *find_option(const struct option_spec *options, const char *name)
{
	for (; options && options->name; options++)
		if (!strcmp(options->name, name))
			return options;
	return NULL;
}

/* One option; how many words it took, or -1. */
static int take_option(struct call *call, const struct option_spec *options, const char *word,
		       const char *next)
{
	const struct option_spec *option = find_option(options, word);

	if (!strcmp(word, "--json")) {
		call->json = true;
		return 1;
	}
	if (!option)
		return usage_error(call, "unknown option \"%.60s\"", word);
	if (option->flag) {
		*option->flag = true;
		return 1;
	}
	if (!next)
		return usage_error(call, "\"%.60s\" wants a value", word);
	*option->value = next;
	return 2;
}

int take_arguments(struct call *call, int argc, char **argv, const struct option_spec *options,
		   const char **words, int min, int max)
{
	int count = 0, at = 0;

	while (at < argc) {
		int took;

		if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h")) {
			print_help(call->command);
			return -2;
		}
		if (argv[at][0] != '-' || !argv[at][1]) {
			if (count == max)
				return usage_error(call, "too many words: \"%.60s\"", argv[at]);
			words[count++] = argv[at++];
			continue;
		}
		took = take_option(call, options, argv[at], at + 1 < argc ? argv[at + 1] : NULL);
		if (took < 0)
			return -1;
		at += took;
	}
	if (count < min)
		return usage_error(call, "something is missing: %s", call->command->arguments);
	return count;
}

int take_seconds(struct call *call, const char *text, unsigned int *seconds)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || value > INT_MAX)
		return usage_error(call, "\"%.60s\" is no number of seconds", text);
	*seconds = value;
	return 0;
}

int take_whole(struct call *call, const char *text, unsigned int most, const char *what,
		unsigned int *number)
{
	unsigned long value;
	char format[80], *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	snprintf(format, sizeof(format), "\"%%.60s\" is no %s", what);
	if (errno || *end || end == text || *text == '-' || value > most)
		return usage_error(call, format, text);
	*number = (unsigned int)value;
	return 0;
}

const char *did_you_mean(char hint[HINT_BYTES], const char *word, const char *const *names,
			 const char *otherwise)
{
	const char *nearest = pvn_nearest(word, names);

	if (nearest)
		snprintf(hint, HINT_BYTES, "did you mean \"%s\"?", nearest);
	else
		snprintf(hint, HINT_BYTES, "%s", otherwise);
	return hint;
}

static const char *nearest_guest(const char *name, char hint[HINT_BYTES])
{
	static const char *const none[] = { NULL };
	json_t *states = pvn_guests_states(), *state;
	const char **names = calloc(json_array_size(states) + 1, sizeof(*names));
	size_t i;

	json_array_foreach(states, i, state)
		if (names)
			names[i] = text_of(state, "name");
	did_you_mean(hint, name, names ? names : none, "pvn list shows all guests");
	free(names);
	json_decref(states);
	return hint;
}

json_t *find_guest(struct call *call, const char *name)
{
	json_t *state = pvn_guest_state(name);
	char hint[HINT_BYTES];

	if (!state)
		pvn_fail(&call->problem, PVN_EXIT_NOT_FOUND, NULL,
			 nearest_guest(name, hint),
			 "there is no guest \"%.100s\"", name);
	return state;
}

const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *describe_state(const json_t *state)
{
	static char text[96];
	const char *reason = text_of(state, "reason");

	if (*reason)
		snprintf(text, sizeof(text), "%s (%s)", text_of(state, "state"), reason);
	else
		snprintf(text, sizeof(text), "%s", text_of(state, "state"));
	return text;
}

const char *describe_bytes(long long bytes)
{
	static char text[32];

	if (bytes % (1ll << 30))
		snprintf(text, sizeof(text), "%lldM", bytes >> 20);
	else
		snprintf(text, sizeof(text), "%lldG", bytes >> 30);
	return text;
}

void print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(1) | JSON_ENCODE_ANY);
	putchar('\n');
	json_decref(json);
}

json_t *ask_worker_for(struct call *call, const char *name, json_t *request)
{
	json_t *answer = pvn_guest_ask(name, request), *problem;

	json_decref(request);
	problem = json_object_get(answer, "problem");
	if (answer && !problem)
		return answer;
	if (problem)
		pvn_problem_from_json(&call->problem, problem);
	else
		pvn_fail(&call->problem, PVN_EXIT_FAILED, NULL, "pvn list tells its state",
			 "the worker of \"%s\" does not answer: %s", name, strerror(errno));
	json_decref(answer);
	return NULL;
}

int ask_worker(struct call *call, const char *name, json_t *request)
{
	json_t *answer = ask_worker_for(call, name, request);

	json_decref(answer);
	return answer ? 0 : -1;
}

bool is_guest_running(struct call *call, const char *name)
{
	json_t *state = find_guest(call, name);
	bool runs = state && strcmp(text_of(state, "state"), "ended");

	if (state && !runs)
		pvn_fail(&call->problem, PVN_EXIT_REFUSED, NULL, NULL, "\"%s\" has ended", name);
	json_decref(state);
	return runs;
}

int find_partition(struct call *call, const char *name, uint64_t *partition)
{
	json_t *state;

	*partition = 1;
	if (!strcmp(name, "root"))
		return 0;
	state = find_guest(call, name);
	if (!state)
		return -1;
	*partition = (uint64_t)number_of(state, "partition");
	json_decref(state);
	return 0;
}

int wait_for_end(struct call *call, const char *name, unsigned int seconds)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	double deadline = pvn_now_seconds() + seconds;

	while (pvn_guest_is_alive(name)) {
		if (seconds && pvn_now_seconds() >= deadline)
			return pvn_fail(&call->problem, PVN_EXIT_TIMED_OUT, NULL,
					"wait longer with --timeout, or pvn destroy it",
					"\"%s\" has not ended within %u seconds", name, seconds);
		nanosleep(&pause, NULL);
	}
	return 0;
}
