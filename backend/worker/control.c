// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The worker's control socket; see control.h. Its folder belongs to root alone, so
 * whoever connects may do anything; a peer that says nothing is dropped soon.
 */
#include "worker/control.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "libpvn/unix_socket.h"

#define LINE_MAX_BYTES 4096
#define PATIENCE_SECONDS 2

int control_listen(const char *name)
{
	struct sockaddr_un address;
	char path[PATH_MAX];
	int fd;

	pvn_guest_path(path, sizeof(path), name, "control");
	if (pvn_unix_address(&address, path))
		return -1;
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, 8))
		return fd;
	close(fd);
	return -1;
}

/* Up to the end of the line. */
static size_t read_line(int fd, char *line, size_t bytes)
{
	size_t used = 0;

	while (used < bytes) {
		ssize_t got = recv(fd, line + used, bytes - used, 0);

		if (got <= 0)
			break;
		used += got;
		if (line[used - 1] == '\n')
			break;
	}
	return used;
}

json_t *control_accept(int listener, int *fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	char line[LINE_MAX_BYTES];
	json_t *request;

	*fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*fd < 0)
		return NULL;
	setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	request = json_loadb(line, read_line(*fd, line, sizeof(line)), 0, NULL);
	if (request)
		return request;
	close(*fd);
	return NULL;
}

void control_answer(int fd, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	/* A peer that does not listen to its answer misses it. */
	if (text && send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_MORE) >= 0)
		send(fd, "\n", 1, MSG_NOSIGNAL);
	free(text);
	json_decref(answer);
	close(fd);
}
