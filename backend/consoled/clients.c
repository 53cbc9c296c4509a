// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See clients.h.
 */
#include "consoled/clients.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpvn/unix_socket.h"

int clients_listen(struct clients *clients, const char *path)
{
	struct sockaddr_un address;
	mode_t mask;
	int error;

	if (pvn_unix_address(&address, path))
		return -1;
	if (tail_create(&clients->history, HISTORY))
		return -1;
	clients->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (clients->listener < 0)
		return -1;
	unlink(path);
	mask = umask(0177);	/* a console is a way into the guest: the owner's only */
	error = bind(clients->listener, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	return error ? -1 : listen(clients->listener, 16);
}

static void drop(struct client *client)
{
	close(client->fd);
	client->fd = -1;
	tail_destroy(&client->output);
}

static void flush_output(struct client *client)
{
	const char *bytes;
	ssize_t sent;
	size_t count;

	while (client->fd >= 0 && (count = tail_first(&client->output, &bytes)) > 0) {
		sent = send(client->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* Who listens no more may have typed before: that is still to be read. */
		tail_consume(&client->output, sent < 0 ? count : (size_t)sent);
	}
}

void clients_output(struct clients *clients, const char *bytes, size_t count)
{
	unsigned int i;

	tail_add(&clients->history, bytes, count);
	for (i = 0; i < clients->count; i++) {
		if (clients->client[i].fd < 0)
			continue;
		tail_add(&clients->client[i].output, bytes, count);
		flush_output(&clients->client[i]);
	}
}

void clients_poll(const struct clients *clients, struct pollfd *fds, bool input)
{
	unsigned int i;

	fds[0].fd = clients->count < CLIENTS_MAX ? clients->listener : -1;
	fds[0].events = POLLIN;
	for (i = 0; i < clients->count; i++) {
		fds[i + 1].fd = clients->client[i].fd;
		fds[i + 1].events = (input && !clients->client[i].silent ? POLLIN : 0) |
				    (clients->client[i].output.used ? POLLOUT : 0);
	}
}

static void accept_one(struct clients *clients)
{
	struct client *client = &clients->client[clients->count];
	int fd = accept4(clients->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (tail_create(&client->output, CLIENT_BUFFER)) {
		close(fd);
		return;
	}
	client->fd = fd;
	client->silent = false;
	clients->count++;
	tail_append(&client->output, &clients->history);
	flush_output(client);
}

static void read_input(struct client *client, struct tail *typed)
{
	char bytes[1024];
	size_t room = tail_room(typed);
	ssize_t count;

	if (!room)
		return;
	count = recv(client->fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes), 0);
	if (count > 0)
		tail_add(typed, bytes, (size_t)count);
	else if (count == 0)
		client->silent = true;
	else if (errno != EAGAIN && errno != EINTR)
		drop(client);
}

static void remove_gone(struct clients *clients)
{
	unsigned int from, to = 0;

	for (from = 0; from < clients->count; from++)
		if (clients->client[from].fd >= 0)
			clients->client[to++] = clients->client[from];
	clients->count = to;
}

void clients_handle(struct clients *clients, const struct pollfd *fds, struct tail *typed)
{
	unsigned int i, count = clients->count;

	for (i = 0; i < count; i++) {
		struct client *client = &clients->client[i];
		short events = fds[i + 1].revents;

		if (client->fd >= 0 && (events & POLLOUT))
			flush_output(client);
		if (client->fd >= 0 && (events & POLLIN))
			read_input(client, typed);
		else if (client->fd >= 0 && (events & (POLLHUP | POLLERR)))
			drop(client);
	}
	if (fds[0].revents & POLLIN)
		accept_one(clients);
	remove_gone(clients);
}
