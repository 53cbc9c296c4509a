/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Those who look at a console: a listening UNIX socket, and any number of
 * clients on it, each a plain byte stream both ways. A client that does not read
 * loses the oldest output, and holds up nobody.
 */
#ifndef CONSOLED_CLIENTS_H
#define CONSOLED_CLIENTS_H

#include <poll.h>
#include <stdbool.h>

#include "consoled/tail.h"

enum {
	CLIENTS_MAX = 128,
	CLIENT_BUFFER = 64 * 1024,
	HISTORY = 16 * 1024,
};

struct client {
	int fd;			/* -1: gone, removed by the next clients_handle() */
	bool silent;		/* has closed its sending half, still looks on */
	struct tail output;
};

struct clients {
	int listener;
	unsigned int count;
	struct client client[CLIENTS_MAX];
	struct tail history;
};

/* Listens at `path`, replacing what a predecessor left there. 0 or -1 + errno. */
int clients_listen(struct clients *clients, const char *path);

/* Sends the guest's output to everybody. */
void clients_output(struct clients *clients, const char *bytes, size_t count);

/* Fills 1 + clients->count entries; `input`: is there room for what they type? */
void clients_poll(const struct clients *clients, struct pollfd *fds, bool input);

/* Does what the same entries say after poll(); what was typed is added to `typed`. */
void clients_handle(struct clients *clients, const struct pollfd *fds, struct tail *typed);

#endif
