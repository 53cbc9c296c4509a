/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The worker's control socket: one JSON line in, one JSON line out, from pvn.
 */
#ifndef WORKER_CONTROL_H
#define WORKER_CONTROL_H

#include <jansson.h>

/* Listens at <rundir>/guests/<name>/control; the descriptor, or -1 + errno. */
int control_listen(const char *name);
/* Takes one connection and its request; NULL: nothing usable came. *fd is for the answer. */
json_t *control_accept(int listener, int *fd);
/* Answers and hangs up; takes `answer`. */
void control_answer(int fd, json_t *answer);

#endif
