/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What is known of guests, on disk: one folder each under <rundir>/guests/.
 *
 *	state.json	what `pvn info` prints; replaced as a whole
 *	lock		locked by the guest's worker for as long as it lives
 *	control		socket of the worker: JSON lines
 *	console		socket of pvn-consoled: the console's bytes
 *
 * Workers write, pvn reads. A folder whose lock nobody holds belongs to a guest
 * that has ended, whatever its state says.
 */
#ifndef PVN_GUESTS_H
#define PVN_GUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define PVN_NAME_MAX 63

/* $PVN_RUNDIR, $PVN_LOGDIR, $PVN_LIBEXECDIR, or their defaults. */
const char *pvn_rundir(void);
const char *pvn_logdir(void);
const char *pvn_libexecdir(void);

/* Letters, digits, "-", "_" and ".", starting with a letter or digit, up to PVN_NAME_MAX. */
bool pvn_name_is_good(const char *name);

/* <rundir>/guests/<name>/<file>; without file: the folder. */
void pvn_guest_path(char *to, size_t bytes, const char *name, const char *file);

/* Does a worker of this guest live? */
bool pvn_guest_is_alive(const char *name);

/*
 * The guest's state, or NULL: there is none. One whose worker died without a word
 * gets state "ended" and reason "killed".
 */
json_t *pvn_guest_state(const char *name);
/* Array of all states, by name. */
json_t *pvn_guests_states(void);

/* Replaces the state; 0 or -1 + errno. */
int pvn_guest_write_state(const char *name, const json_t *state);
/* Removes the folder of a guest without a worker; 0 or -1 + errno. */
int pvn_guest_remove(const char *name);

/* One request to the worker and its answer; NULL + errno when there is no worker. */
json_t *pvn_guest_ask(const char *name, const json_t *request);

#endif
