// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn counters: what the hypervisor has counted, now or during a command.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpvn/clock.h"
#include "libpvn/root_dev.h"
#include "tools/counters.h"
#include "tools/pvn.h"

static int cannot_read(struct call *call)
{
	return pvn_fail(&call->problem, PVN_EXIT_FAILED, PVN_ROOT_DEVICE,
			"only under Paravane, as root, with pvn_root.ko loaded",
			"the hypervisor cannot be asked: %s", strerror(errno));
}

/* --- as text --- */

/* Lines "WHERE COUNTER VALUE"; what is 0 is left out unless `all`. */
static void print_object(const char *where, const char *prefix, json_t *object, bool all)
{
	char name[96];
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		snprintf(name, sizeof(name), "%s%s", prefix, key);
		if (json_is_object(value)) {
			size_t at = strlen(name);

			snprintf(name + at, sizeof(name) - at, ".");
			print_object(where, name, value, all);
		} else if (json_is_integer(value) && strcmp(key, "id") && strcmp(key, "index") &&
			   (all || json_integer_value(value))) {
			printf("%-24s %-34s %16lld\n", where, name, json_integer_value(value));
		}
	}
}

static void print_partition(json_t *partition, bool all)
{
	char where[128];
	const char *name = text_of(partition, "name");
	json_t *vp;
	size_t i;

	if (!*name)
		name = "unnamed";
	snprintf(where, sizeof(where), "%s", name);
	print_object(where, "", partition, all);
	json_array_foreach(json_object_get(partition, "vps"), i, vp) {
		snprintf(where, sizeof(where), "%s vp %lld", name, number_of(vp, "index"));
		print_object(where, "", vp, all);
	}
}

static void print_all(const json_t *counters, bool all)
{
	char where[32];
	json_t *one;
	size_t i;

	print_object("hypervisor", "", json_object_get(counters, "hypervisor"), all);
	json_array_foreach(json_object_get(counters, "processors"), i, one) {
		snprintf(where, sizeof(where), "processor %lld", number_of(one, "index"));
		print_object(where, "", one, all);
	}
	json_array_foreach(json_object_get(counters, "partitions"), i, one)
		print_partition(one, all);
}

/* --- of a command --- */

static void become(char **words, bool to_errors)
{
	int error;

	if (!to_errors || dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		execvp(words[0], words);
	error = errno;
	fprintf(stderr, "pvn counters: %s: %s\n", words[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

/*
 * The command's exit status as a shell has it, or -1 + errno. `to_errors`: what it prints goes
 * to stderr, because stdout is to be JSON.
 */
static int run_command(char **words, bool to_errors)
{
	/* A terminal's keys are meant for the command, which is to be reported when it ends. */
	void (*interrupt)(int) = signal(SIGINT, SIG_IGN), (*quit)(int) = signal(SIGQUIT, SIG_IGN);
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGINT, interrupt);
		signal(SIGQUIT, quit);
		become(words, to_errors);
	}
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Counters of the time that the command took; *status is its own. */
static json_t *measure(int root, json_int_t only, char **words, bool to_errors, int *status)
{
	json_t *before, *after, *cost = NULL;
	double start;

	/* Pages are mapped when they are first read: that is not to be measured. */
	json_decref(counters_read(root, only));
	before = counters_read(root, only);
	start = pvn_now_seconds();
	*status = before ? run_command(words, to_errors) : -1;
	after = *status < 0 ? NULL : counters_read(root, only);
	if (after) {
		cost = counters_since(before, after);
		json_object_set_new(cost, "seconds", json_real(pvn_now_seconds() - start));
		json_object_set_new(cost, "status", json_integer(*status));
	}
	json_decref(before);
	json_decref(after);
	return cost;
}

/* --- the command itself --- */

/* Where "--" stands: what follows is another program's. */
static int find_command(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc && strcmp(argv[i], "--"); i++)
		;
	return i;
}

static int show(struct call *call, json_int_t only, char **command, bool all)
{
	int root = pvn_root_open(), status = 0;
	json_t *counters;

	if (root < 0)
		return cannot_read(call);
	counters = command ? measure(root, only, command, call->json, &status) :
			     counters_read(root, only);
	if (!counters) {
		cannot_read(call);
		close(root);
		return -1;
	}
	close(root);
	if (call->json) {
		print_json(counters);
		return status;
	}
	print_all(counters, all);
	if (command)
		printf("%.3f seconds\n", json_real_value(json_object_get(counters, "seconds")));
	json_decref(counters);
	return status;
}

static int run(struct call *call, int argc, char **argv)
{
	int own = find_command(argc, argv), count;
	bool all = false, diff = false;
	const struct option_spec options[] = { { "--all", &all, NULL }, { "--diff", &diff, NULL }, { 0 } };
	char **command = own + 1 < argc ? argv + own + 1 : NULL;
	const char *name = NULL;
	uint64_t only = 0;

	count = take_arguments(call, own, argv, options, &name, 0, 1);
	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if (diff != !!command)
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL,
				"pvn counters --diff -- COMMAND prints what COMMAND cost",
				diff ? "--diff wants a command" : "a command wants --diff");
	if (name && find_partition(call, name, &only))
		return -1;
	return show(call, (json_int_t)only, command, all);
}

const struct subcommand cmd_counters = {
	.name = "counters",
	.arguments = "[NAME|root] [--all] [--diff -- COMMAND...]",
	.summary = "Shows what the hypervisor has counted",
	.help = "Counters of the hypervisor, of each processor, of each partition (or of NAME only)\n"
		"and of its virtual processors. Times are in 100 ns; hypervisor_time is estimated from\n"
		"samples.\n\n"
		"  --all    counters that are 0, too\n"
		"  --diff   runs COMMAND and shows what was counted meanwhile; the exit status is\n"
		"           COMMAND's. Ctrl-C ends COMMAND only. With --json, what COMMAND prints goes\n"
		"           to stderr\n",
	.run = run,
};
