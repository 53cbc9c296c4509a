// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Devices of a configuration that Paravane has no word for: somebody's own front-end and
 * back-end (docs/write-a-driver.md). See config.h. Pure.
 */
#include "worker/config.h"

#include <string.h>

#include "libpvn/guests.h"
#include "worker/config_value.h"

enum { KIND_MAX = 31, ARGUMENTS_MAX = 16 };

static const char *const keys[] = { "kind", "backend", "arguments", NULL };

static bool is_kind(const char *text)
{
	return *text && strlen(text) <= KIND_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

/* Those that have a list of their own in the configuration. */
static bool is_taken(const char *kind)
{
	return !strcmp(kind, "blk") || !strcmp(kind, "net") || !strcmp(kind, "console");
}

static int check_arguments(const json_t *list, const char *path, struct pvn_problem *problem)
{
	json_t *word;
	size_t i;

	if (list && (!json_is_array(list) || json_array_size(list) > ARGUMENTS_MAX))
		return config_wrong(path, problem, "arguments", "must be a list of up to 16 words");
	json_array_foreach(list, i, word)
		if (!json_is_string(word))
			return config_wrong(path, problem, "arguments", "must be words");
	return 0;
}

int config_parse_device(struct config_device *to, json_t *object, const char *path,
			struct pvn_problem *problem)
{
	if (!json_is_object(object))
		return config_wrong(path, problem, "devices", "must hold objects");
	if (config_check_keys(path, object, keys, "a device", problem) ||
	    config_take_string(path, object, "kind", &to->kind, problem) ||
	    config_take_string(path, object, "backend", &to->backend, problem))
		return -1;
	if (!to->kind || !is_kind(to->kind) || is_taken(to->kind))
		return config_wrong(path, problem, "kind",
				    "must be a word of small letters, digits and \"-\" other than "
				    "\"blk\", \"net\" and \"console\"");
	if (!to->backend || !pvn_name_is_good(to->backend))
		return config_wrong(path, problem, "backend",
				    "must be a program's name, without a folder");
	to->arguments = json_object_get(object, "arguments");
	return check_arguments(to->arguments, path, problem);
}
