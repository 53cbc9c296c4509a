/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Values of a configuration, whatever part of it they are in: taken and judged in
 * one way, refused with one kind of words. All return 0, or -1 with *problem
 * filled; `path` names the configuration. A key that is absent leaves *to alone,
 * or makes it NULL.
 */
#ifndef WORKER_CONFIG_VALUE_H
#define WORKER_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "libpvn/problem.h"

/* "KEY" WHAT; always -1. */
int config_wrong(const char *path, struct pvn_problem *problem, const char *key, const char *what);

/* No keys but those of the NULL-terminated list; `inside` names the object, or is "". */
int config_check_keys(const char *path, json_t *object, const char *const *known,
		      const char *inside, struct pvn_problem *problem);

int config_take_string(const char *path, json_t *object, const char *key, const char **to,
		       struct pvn_problem *problem);
int config_take_bool(const char *path, json_t *object, const char *key, bool *to,
		     struct pvn_problem *problem);
int config_take_integer(const char *path, json_t *object, const char *key, uint64_t low,
			uint64_t high, uint64_t *to, struct pvn_problem *problem);
/* A number of bytes, or a text such as "10M". */
int config_take_size(const char *path, json_t *object, const char *key, uint64_t *to,
		     struct pvn_problem *problem);

/* "model": is it the emulated one, or "pv", which is also meant without it? */
int config_take_model(const char *path, json_t *object, const char *emulated, bool *is_emulated,
		      struct pvn_problem *problem);

bool config_is_uuid(const char *text);

#endif
