// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Errors as people see them; see problem.h. Pure but for the printing.
 */
#include "libpvn/problem.h"

#include <stdarg.h>
#include <string.h>

#define WORD_MAX 64

static void copy_text(char *to, size_t bytes, const char *from)
{
	snprintf(to, bytes, "%s", from ? from : "");
}

int pvn_fail(struct pvn_problem *problem, int code, const char *where, const char *hint,
	     const char *format, ...)
{
	va_list arguments;

	problem->code = code;
	va_start(arguments, format);
	vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
	copy_text(problem->where, sizeof(problem->where), where);
	copy_text(problem->hint, sizeof(problem->hint), hint);
	return -1;
}

void pvn_problem_print(const struct pvn_problem *problem, const char *program, FILE *out)
{
	fprintf(out, "%s: error: %s\n", program, problem->text);
	if (problem->where[0])
		fprintf(out, "%s: where: %s\n", program, problem->where);
	if (problem->hint[0])
		fprintf(out, "%s: hint: %s\n", program, problem->hint);
}

json_t *pvn_problem_to_json(const struct pvn_problem *problem)
{
	return json_pack("{s:i, s:s, s:s, s:s}", "code", problem->code, "text", problem->text,
			 "where", problem->where, "hint", problem->hint);
}

void pvn_problem_from_json(struct pvn_problem *problem, const json_t *json)
{
	json_int_t code = json_integer_value(json_object_get(json, "code"));

	problem->code = code > 0 && code < 256 ? (int)code : PVN_EXIT_FAILED;
	copy_text(problem->text, sizeof(problem->text),
		  json_string_value(json_object_get(json, "text")));
	copy_text(problem->where, sizeof(problem->where),
		  json_string_value(json_object_get(json, "where")));
	copy_text(problem->hint, sizeof(problem->hint),
		  json_string_value(json_object_get(json, "hint")));
}

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int smaller = a < b ? a : b;

	return smaller < c ? smaller : c;
}

/* Insertions, deletions and replacements that turn one word into the other. */
static unsigned int distance(const char *a, const char *b)
{
	size_t length = strlen(b), i, j;
	unsigned int row[WORD_MAX + 1];

	if (length > WORD_MAX || strlen(a) > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= length; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= length; j++) {
			unsigned int above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
				       diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[length];
}

const char *pvn_nearest(const char *word, const char *const *list)
{
	unsigned int best = WORD_MAX;
	const char *nearest = NULL;
	size_t length = strlen(word);

	for (; *list; list++) {
		unsigned int d = distance(word, *list);

		if (d < best) {
			best = d;
			nearest = *list;
		}
	}
	/* More than about half of the word changed is no likeness. */
	return best <= 1 + length / 2 ? nearest : NULL;
}
