// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See config_value.h. Pure.
 */
#include "worker/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/config.h"

int config_wrong(const char *path, struct pvn_problem *problem, const char *key, const char *what)
{
	return pvn_fail(problem, PVN_EXIT_REFUSED, path, NULL, "\"%s\" %s", key, what);
}

static bool is_listed(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

int config_check_keys(const char *path, json_t *object, const char *const *known,
		      const char *inside, struct pvn_problem *problem)
{
	const char *key, *nearest;
	char hint[128];
	json_t *value;

	json_object_foreach(object, key, value) {
		if (is_listed(key, known))
			continue;
		nearest = pvn_nearest(key, known);
		if (nearest)
			snprintf(hint, sizeof(hint), "did you mean \"%s\"?", nearest);
		else
			snprintf(hint, sizeof(hint), "pvn create --help lists the keys");
		return pvn_fail(problem, PVN_EXIT_REFUSED, path, hint,
				"unknown key \"%.100s\"%s%s", key, *inside ? " in " : "", inside);
	}
	return 0;
}

int config_take_string(const char *path, json_t *object, const char *key, const char **to,
		       struct pvn_problem *problem)
{
	json_t *value = json_object_get(object, key);

	*to = json_string_value(value);
	if (value && (!*to || strlen(*to) != json_string_length(value)))
		return config_wrong(path, problem, key, "must be a text");
	return 0;
}

int config_take_bool(const char *path, json_t *object, const char *key, bool *to,
		     struct pvn_problem *problem)
{
	json_t *value = json_object_get(object, key);

	if (value && !json_is_boolean(value))
		return config_wrong(path, problem, key, "must be true or false");
	if (value)
		*to = json_is_true(value);
	return 0;
}

int config_take_integer(const char *path, json_t *object, const char *key, uint64_t low,
			uint64_t high, uint64_t *to, struct pvn_problem *problem)
{
	json_t *value = json_object_get(object, key);
	json_int_t number = json_integer_value(value);
	char text[80];

	if (!value)
		return 0;
	if (!json_is_integer(value) || number < 0 || (uint64_t)number < low ||
	    (uint64_t)number > high) {
		snprintf(text, sizeof(text), "must be a number from %llu to %llu",
			 (unsigned long long)low, (unsigned long long)high);
		return config_wrong(path, problem, key, text);
	}
	*to = (uint64_t)number;
	return 0;
}

int config_take_size(const char *path, json_t *object, const char *key, uint64_t *to,
		     struct pvn_problem *problem)
{
	json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	if (!value)
		return 0;
	if (json_is_integer(value) && json_integer_value(value) > 0)
		*to = (uint64_t)json_integer_value(value);
	else if (!text || !config_size(text, to) || !*to)
		return config_wrong(path, problem, key,
				    "must be a size such as \"10M\" or \"1G\"");
	return 0;
}

int config_take_model(const char *path, json_t *object, const char *emulated, bool *is_emulated,
		      struct pvn_problem *problem)
{
	const char *word;
	char text[80];

	if (config_take_string(path, object, "model", &word, problem))
		return -1;
	*is_emulated = word && !strcmp(word, emulated);
	if (!word || *is_emulated || !strcmp(word, "pv"))
		return 0;
	snprintf(text, sizeof(text), "must be \"pv\" or \"%s\" here", emulated);
	return config_wrong(path, problem, "model", text);
}

bool config_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (*end) {
		unsigned int shift;

		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || (strcmp(end + 1, "") && strcmp(end + 1, "B") && strcmp(end + 1, "iB")))
			return false;
		shift = 10 * (unit - units + 1);
		if (*bytes > UINT64_MAX >> shift)
			return false;
		*bytes <<= shift;
	}
	return true;
}

bool config_is_uuid(const char *text)
{
	size_t i;

	for (i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[i];
}
