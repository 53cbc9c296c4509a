// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Local sockets, and what all transports share: turns, pauses, the end of a
 * peer. Nothing here reads a message; bytes go in and out of struct conn.
 */
#include "transport.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

enum { OUTPUT_PIECES = 64 };

void server_turn_begin(struct server *server)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	server->store->now_us = (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void peer_again(struct peer *peer)
{
	event_active(peer->readable, EV_READ, 0);
}

void peer_pause(struct peer *peer)
{
	uint64_t us = conn_pause_us(peer->conn);
	struct timeval wait = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };

	event_add(peer->paused, &wait);
}

void peer_free(struct peer *peer)
{
	event_free(peer->readable);
	event_free(peer->paused);
	if (peer->writable)
		event_free(peer->writable);
	close(peer->fd);
	if (peer->notify_fd >= 0)
		close(peer->notify_fd);
	if (peer->ring.page)
		munmap(peer->ring.page, sizeof(*peer->ring.page));
	free(peer);
}

/* Sends what is queued. -1: the connection is lost. */
static int socket_flush(struct peer *peer)
{
	struct iovec pieces[OUTPUT_PIECES];
	struct msghdr message = { .msg_iov = pieces };
	ssize_t sent;

	while ((message.msg_iovlen = conn_output(peer->conn, pieces, OUTPUT_PIECES))) {
		sent = sendmsg(peer->fd, &message, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN)
			return -1;
		if (sent < 0) {
			event_add(peer->writable, NULL);
			return 0;
		}
		conn_output_done(peer->conn, sent);
	}
	if (peer->closing)
		return -1;
	if (peer->stalled) {
		peer->stalled = false;
		event_add(peer->readable, NULL);
		peer_again(peer);
	}
	return 0;
}

static void peer_flush(struct peer *peer)
{
	if (peer->ring.page)
		guest_flush(peer);
	else if (socket_flush(peer))
		conn_free(peer->conn);
}

void server_turn_end(struct server *server)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&server->store->dirty))) {
		TAILQ_REMOVE(&server->store->dirty, conn, dirty_link);
		conn->dirty = false;
		peer_flush(conn->transport);
	}
}

/* No input will follow. What was answered already is still sent. */
static void socket_close(struct peer *peer)
{
	peer->closing = true;
	event_del(peer->readable);
	if (socket_flush(peer))
		conn_free(peer->conn);
}

/* Acts on complete requests. False: take no more input now (the peer may be gone). */
static bool socket_process(struct peer *peer, unsigned int *budget)
{
	switch (conn_process(peer->conn, budget)) {
	case CONN_WANTS_INPUT:
		return true;
	case CONN_BROKEN:
		server_note(peer->server, "connection %llu: broken message, closed",
			    (unsigned long long)peer->conn->id);
		socket_close(peer);
		return false;
	case CONN_WANTS_DRAIN:
		peer->stalled = true;
		event_del(peer->readable);
		return false;
	case CONN_PAUSED:
		peer_pause(peer);
		return false;
	case CONN_WANTS_TURN:
		break;
	}
	peer_again(peer);
	return false;
}

static void socket_run(struct peer *peer)
{
	unsigned int budget = TURN_REQUESTS;
	size_t room;
	ssize_t got;

	/* First what the last turn left; there is room for more input only behind that. */
	while (socket_process(peer, &budget)) {
		uint8_t *space = conn_input_space(peer->conn, &room);

		got = recv(peer->fd, space, room, 0);
		if (got > 0) {
			peer->conn->in_len += got;
			/* A short read: the socket is empty now, no need to ask again. */
			if ((size_t)got == room)
				continue;
			socket_process(peer, &budget);
			return;
		}
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		socket_close(peer);
		return;
	}
}

static void on_socket_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	struct server *server = peer->server;

	(void)fd;
	(void)what;
	server_turn_begin(server);
	if (!peer->closing && !peer->stalled)
		socket_run(peer);
	server_turn_end(server);
}

static void on_socket_writable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	struct server *server = peer->server;

	(void)fd;
	(void)what;
	server_turn_begin(server);
	peer_flush(peer);
	server_turn_end(server);
}

bool peer_is_permitted(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return false;
	return cred.uid == 0 || cred.uid == geteuid();
}

static void on_socket_accepted(struct evconnlistener *listener, evutil_socket_t fd,
			       struct sockaddr *address, int address_len, void *arg)
{
	struct server *server = arg;
	struct peer *peer;

	(void)listener;
	(void)address;
	(void)address_len;
	if (!peer_is_permitted(fd)) {
		close(fd);
		return;
	}
	peer = xcalloc(1, sizeof(*peer));
	peer->server = server;
	peer->fd = fd;
	peer->notify_fd = -1;
	peer->readable = alloc_checked(event_new(server->base, fd, EV_READ | EV_PERSIST,
						 on_socket_readable, peer));
	peer->writable = alloc_checked(event_new(server->base, fd, EV_WRITE,
						 on_socket_writable, peer));
	peer->paused = alloc_checked(evtimer_new(server->base, on_socket_readable, peer));
	peer->conn = conn_new(server->store, domain_get(server->store, 0), true);
	peer->conn->transport = peer;
	event_add(peer->readable, NULL);
	server_note(server, "connection %llu: opened", (unsigned long long)peer->conn->id);
}

static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct server *server = arg;
	char text[128];

	(void)listener;
	(void)server;
	snprintf(text, sizeof(text), "cannot accept a connection: %s", strerror(errno));
	server_log(text);
	/* Out of descriptors, most likely: do not spin at full speed until one is closed. */
	usleep(1000);
}

int sockets_listen(struct server *server, int listen_fd)
{
	server->socket_listener =
		evconnlistener_new(server->base, on_socket_accepted, server,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN,
				   listen_fd);
	if (!server->socket_listener)
		return -1;
	evconnlistener_set_error_cb(server->socket_listener, on_accept_error);
	return 0;
}

void sockets_stop(struct server *server)
{
	if (server->socket_listener)
		evconnlistener_free(server->socket_listener);
}
