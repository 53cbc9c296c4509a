// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What `pvn` knows, as files: objects and lists are directories, everything
 * else is a file of one line. /hypervisor/ is what `pvn counters --json` and
 * `pvn census --json` print, /guests/ the state of each guest. Asked at most
 * twice a second.
 */
#include "pvnfs/pvnfs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpvn/clock.h"
#include "libpvn/guests.h"

enum { FRESH_MS = 500 };

static json_t *facts;
static int64_t facts_ms;

/* What a subcommand of pvn prints, or an empty object: it does not know it, or cannot ask. */
static json_t *ask_pvn(const char *subcommand)
{
	const char *program = getenv("PVN_PROGRAM");
	char command[300];
	json_t *answer;
	FILE *output;

	snprintf(command, sizeof(command), "%s %s --json 2>/dev/null", program ? program : "pvn",
		 subcommand);
	output = popen(command, "re");
	answer = output ? json_loadf(output, 0, NULL) : NULL;
	if (output)
		pclose(output);
	return answer ? answer : json_object();
}

/* By name, which is what a list of them lacks. */
static json_t *guests_by_name(void)
{
	json_t *states = pvn_guests_states(), *guests = json_object(), *state;
	size_t i;

	json_array_foreach(states, i, state) {
		const char *name = json_string_value(json_object_get(state, "name"));

		if (name)
			json_object_set(guests, name, state);
	}
	json_decref(states);
	return guests;
}

static const json_t *fresh_facts(void)
{
	if (facts && pvn_now_ms() - facts_ms < FRESH_MS)
		return facts;
	json_decref(facts);
	facts = json_object();
	json_object_set_new(facts, "guests", guests_by_name());
	json_object_set_new(facts, "hypervisor",
			    json_pack("{s:o, s:o}", "counters", ask_pvn("counters --all"), "census",
				      ask_pvn("census")));
	facts_ms = pvn_now_ms();
	return facts;
}

/* The name of an item in a list: its own, its number, its place. */
static void item_name(const json_t *item, size_t place, char *name, size_t size)
{
	static const char *const keys[] = { "name", "index", "id" };

	snprintf(name, size, "%zu", place);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *value = json_object_get(item, keys[i]);

		if (json_is_string(value) && *json_string_value(value)) {
			snprintf(name, size, "%s", json_string_value(value));
			return;
		}
		if (json_is_integer(value)) {
			snprintf(name, size, "%lld", (long long)json_integer_value(value));
			return;
		}
	}
}

static const json_t *child(const json_t *parent, const char *name)
{
	char own_name[128];
	size_t i;

	if (!json_is_array(parent))
		return json_object_get(parent, name);
	for (i = 0; i < json_array_size(parent); i++) {
		const json_t *item = json_array_get(parent, i);

		item_name(item, i, own_name, sizeof(own_name));
		if (!strcmp(own_name, name))
			return item;
	}
	return NULL;
}

static const json_t *find(const char *path)
{
	const json_t *at = fresh_facts();
	char copy[PATH_MAX], *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", path);
	while (at && (name = strtok_r(rest, "/", &rest)))
		at = child(at, name);
	return at;
}

static bool is_directory(const json_t *fact)
{
	return json_is_object(fact) || json_is_array(fact);
}

/* One line: strings as they are, the rest as JSON says it. */
static char *text_of_fact(const json_t *fact)
{
	char *value = json_is_string(fact) ? strdup(json_string_value(fact)) :
					     json_dumps(fact, JSON_ENCODE_ANY), *line = NULL;

	if (value && asprintf(&line, "%s\n", value) < 0)
		line = NULL;
	free(value);
	return line;
}

bool fact_is_path(const char *path)
{
	static const char *const tops[] = { "/hypervisor", "/guests" };

	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		size_t len = strlen(tops[i]);

		if (!strncmp(path, tops[i], len) && (!path[len] || path[len] == '/'))
			return true;
	}
	return false;
}

int fact_getattr(const char *path, struct stat *st)
{
	const json_t *fact = find(path);
	char *text;

	if (!fact)
		return -ENOENT;
	if (is_directory(fact)) {
		st->st_mode = S_IFDIR | 0500;
		st->st_nlink = 2;
		return 0;
	}
	st->st_mode = S_IFREG | 0400;
	st->st_nlink = 1;
	text = text_of_fact(fact);
	st->st_size = text ? strlen(text) : 0;
	free(text);
	return 0;
}

int fact_list(const char *path, void *buffer, fuse_fill_dir_t fill)
{
	const json_t *fact = find(path);
	char name[128];
	const char *key;
	json_t *value;

	if (!fact)
		return -ENOENT;
	for (size_t i = 0; i < json_array_size(fact); i++) {
		item_name(json_array_get(fact, i), i, name, sizeof(name));
		fill(buffer, name, NULL, 0, 0);
	}
	json_object_foreach((json_t *)fact, key, value)
		fill(buffer, key, NULL, 0, 0);
	return 0;
}

int fact_read(const char *path, char **data, size_t *len)
{
	const json_t *fact = find(path);

	if (!fact)
		return -ENOENT;
	if (is_directory(fact))
		return -EISDIR;
	*data = text_of_fact(fact);
	if (!*data)
		return -ENOMEM;
	*len = strlen(*data);
	return 0;
}
