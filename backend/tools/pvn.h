/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The pvn command: what its subcommands share. One file cmd_<name>.c each.
 */
#ifndef PVN_TOOL_H
#define PVN_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "libpvn/problem.h"

struct call;

struct subcommand {
	const char *name;
	const char *arguments;	/* "NAME [--wait]" */
	const char *summary;	/* one line */
	const char *help;	/* what --help says below the usage; ends with a newline */
	/* Returns an exit code; -1: *problem of the call says what went wrong. */
	int (*run)(struct call *call, int argc, char **argv);
};

/* One invocation. `json`: results are printed as JSON, errors too. */
struct call {
	const struct subcommand *command;
	bool json;
	struct pvn_problem problem;
};

extern const struct subcommand *const subcommands[];

extern const struct subcommand cmd_attach, cmd_census, cmd_console, cmd_create, cmd_destroy,
	cmd_detach, cmd_help, cmd_info, cmd_list, cmd_net, cmd_resize, cmd_ring, cmd_shutdown, cmd_version,
	cmd_wait;
extern const struct subcommand cmd_abi, cmd_counters, cmd_log, cmd_park, cmd_property, cmd_top,
	cmd_trace, cmd_unpark;

/* An option of a subcommand; the list ends with a NULL name. */
struct option_spec {
	const char *name;	/* "--timeout" */
	bool *flag;		/* set when it is there, or */
	const char **value;	/* the word after it */
};

/*
 * Takes options out of the arguments (--json and --help are everybody's) and
 * leaves up to `max` other words, at least `min`, in words[]. Returns their
 * number; -1: *problem filled; -2: help was printed.
 */
int take_arguments(struct call *call, int argc, char **argv, const struct option_spec *options,
		   const char **words, int min, int max);

/* A whole number of seconds, for --timeout; -1 with *problem filled. */
int take_seconds(struct call *call, const char *text, unsigned int *seconds);

/* A number up to `most`, decimal or 0x; -1 with *problem filled: "..." is no `what`. */
int take_whole(struct call *call, const char *text, unsigned int most, const char *what,
		unsigned int *number);

enum { HINT_BYTES = 128 };

/* A hint for a word that is not among the names (a NULL ends them): the nearest, or otherwise. */
const char *did_you_mean(char hint[HINT_BYTES], const char *word, const char *const *names,
			 const char *otherwise);

/* The guest's state; NULL: *problem filled (exit code 3, with the nearest name). */
json_t *find_guest(struct call *call, const char *name);
const char *text_of(const json_t *object, const char *key);	/* "" when there is none */
long long number_of(const json_t *object, const char *key);

/* "running", "ended (panic)". Static buffer. */
const char *describe_state(const json_t *state);
/* "512M". Static buffer. */
const char *describe_bytes(long long bytes);

/* Prints JSON and a newline on stdout; takes it. */
void print_json(json_t *json);

/* Sends a request to the guest's worker; 0, or -1 with *problem filled. Takes `request`. */
int ask_worker(struct call *call, const char *name, json_t *request);

/* The same for an answer that says something; NULL with *problem filled. */
json_t *ask_worker_for(struct call *call, const char *name, json_t *request);

/* False with *problem filled: there is no such guest, or it has ended. */
bool is_guest_running(struct call *call, const char *name);

/* The number of a guest's partition, of its last one if it has ended; or of "root"; or -1 as above. */
int find_partition(struct call *call, const char *name, uint64_t *partition);

/*
 * Waits until the guest has ended. 0, or -1 with *problem filled; seconds 0: for
 * ever. A guest that is gone altogether counts as ended.
 */
int wait_for_end(struct call *call, const char *name, unsigned int seconds);

/* Attaches this terminal to a guest's console until it ends or Ctrl-] is typed. */
int attach_console(struct call *call, const char *name, unsigned int number);

#endif
