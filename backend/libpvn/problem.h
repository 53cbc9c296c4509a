/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Errors as people see them: what failed and why, where, and what to do. Made
 * where it happens, carried up unchanged, printed once.
 */
#ifndef PVN_PROBLEM_H
#define PVN_PROBLEM_H

#include <stdio.h>

#include <jansson.h>

/* Exit codes of pvn, documented in pvn(1). */
enum pvn_exit {
	PVN_EXIT_OK = 0,
	PVN_EXIT_FAILED = 1,
	PVN_EXIT_USAGE = 2,
	PVN_EXIT_NOT_FOUND = 3,
	PVN_EXIT_REFUSED = 4,
	PVN_EXIT_TIMED_OUT = 5,
};

struct pvn_problem {
	int code;		/* enum pvn_exit; 0: there is none */
	char text[512];
	char where[256];	/* a file, a key; may be empty */
	char hint[256];		/* may be empty */
};

/*
 * Fills *problem; `where` and `hint` may be NULL. Returns -1, so that a function
 * that failed ends with it.
 */
int pvn_fail(struct pvn_problem *problem, int code, const char *where, const char *hint,
	     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* "PROGRAM: error: ..." and its further lines. */
void pvn_problem_print(const struct pvn_problem *problem, const char *program, FILE *out);

/* {"code", "text", "where", "hint"}, and back. */
json_t *pvn_problem_to_json(const struct pvn_problem *problem);
void pvn_problem_from_json(struct pvn_problem *problem, const json_t *json);

/*
 * The word of a NULL-terminated list that `word` was probably meant to be, or NULL
 * when none is near.
 */
const char *pvn_nearest(const char *word, const char *const *list);

#endif
