// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-worker: one per guest, started by `pvn create`. Reads the configuration,
 * asks whether the guest may start, and leaves the rest to monitor.c.
 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "libpvn/tap.h"
#include "worker/log.h"
#include "worker/monitor.h"
#include "worker/store_keys.h"

#ifndef PVN_VERSION
#define PVN_VERSION "unversioned"
#endif

struct options {
	const char *config;
	int ready_fd;
};

static void print_usage(FILE *out)
{
	fputs("usage: pvn-worker --config CONFIG.json [--ready-fd FD]\n"
	      "Runs one guest to its end. Usually started by pvn create.\n"
	      "\n"
	      "  --config FILE   the guest's configuration\n"
	      "  --ready-fd FD   where to write, as JSON, that it runs, or why not\n"
	      "  --help          this text\n"
	      "  --version       version\n"
	      "\n"
	      "Exit codes: 0 ok, 1 failed, 2 usage, 4 refused.\n", out);
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "ready-fd", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:r:hV", names, NULL)) >= 0) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'r':
			options->ready_fd = atoi(optarg);
			break;
		case 'h':
			print_usage(stdout);
			exit(PVN_EXIT_OK);
		case 'V':
			puts("pvn-worker " PVN_VERSION);
			exit(PVN_EXIT_OK);
		default:
			return -1;
		}
	}
	return options->config && optind == argc ? 0 : -1;
}

static int report(const struct options *options, const struct pvn_problem *problem)
{
	json_t *packet;
	char *text;

	if (options->ready_fd < 0) {
		pvn_problem_print(problem, "pvn-worker", stderr);
		return problem->code;
	}
	packet = json_pack("{s:o}", "problem", pvn_problem_to_json(problem));
	text = json_dumps(packet, JSON_COMPACT);
	if (text && write(options->ready_fd, text, strlen(text)) < 0)
		pvn_problem_print(problem, "pvn-worker", stderr);
	free(text);
	json_decref(packet);
	return problem->code;
}

/* A folder made for a guest that may not start goes again; one that tells of an earlier end stays. */
static void forget(const struct config *config, const struct admission *admission)
{
	char path[PATH_MAX];

	pvn_guest_path(path, sizeof(path), config->name, "state.json");
	if (admission->name_lock >= 0 && access(path, F_OK))
		pvn_guest_remove(config->name);
}

static int prepare(const struct config *config, struct admission *admission,
		   struct pvn_problem *problem)
{
	char path[PATH_MAX];
	struct pvn_store *store;

	if (admission_check(admission, config, problem))
		return -1;
	/* Before the monitor becomes the reaper of what its children leave behind. */
	store = store_keys_open(problem);
	if (!store)
		return -1;
	pvn_store_close(store);
	pvn_tap_load_driver();
	snprintf(path, sizeof(path), "%s/%s.log", pvn_logdir(), config->name);
	if (log_open(path))
		return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL, "the log cannot be opened");
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { .ready_fd = -1 };
	struct pvn_problem problem = { 0 };
	struct admission admission = { .name_lock = -1 };
	struct config config;
	int code;

	if (parse_options(argc, argv, &options)) {
		print_usage(stderr);
		return PVN_EXIT_USAGE;
	}
	if (options.ready_fd >= 0)
		fcntl(options.ready_fd, F_SETFD, FD_CLOEXEC);
	if (config_load(&config, options.config, &problem))
		return report(&options, &problem);
	if (prepare(&config, &admission, &problem)) {
		forget(&config, &admission);
		code = report(&options, &problem);
	} else {
		code = monitor_main(&config, &admission, options.ready_fd);
	}
	config_free(&config);
	return code;
}
