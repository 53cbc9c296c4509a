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
#include <unistd.h>

#include "alloc.h"
#include "libpvn/clock.h"
#include "libpvn/ids.h"

enum { OUTPUT_PIECES = 64 };

void server_turn_begin(struct server *server)
{
	server->store->now_us = pvn_now_ns() / 1000;
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

static void server_close_later(struct server *server, int fd)
{
	if (fd < 0 || !server->owns_fds)
		return;
	if (server->closing_count == server->closing_room) {
		server->closing_room = 2 * server->closing_room + 16;
		server->closing_fds = xrealloc(server->closing_fds,
					       server->closing_room * sizeof(int));
	}
	server->closing_fds[server->closing_count++] = fd;
}

void server_close_now(struct server *server)
{
	while (server->closing_count)
		close(server->closing_fds[--server->closing_count]);
}

static void event_free_if(struct event *event)
{
	if (event)
		event_free(event);
}

void peer_free(struct peer *peer)
{
	event_free_if(peer->readable);
	event_free_if(peer->paused);
	event_free_if(peer->writable);
	server_close_later(peer->server, peer->fd);
	server_close_later(peer->server, peer->notify_fd);
	server_close_later(peer->server, peer->page_fd);
	if (peer->ring.page)
		munmap(peer->ring.page, sizeof(*peer->ring.page));
	free(peer);
}

void peer_end(struct peer *peer)
{
	journal_append(peer->server->journal, RECORD_CLOSE, peer->conn->id, NULL, 0);
	conn_free(peer->conn);
}

enum conn_state peer_process(struct peer *peer, unsigned int *budget)
{
	struct journal *journal = peer->server->journal;
	uint64_t conn_id = peer->conn->id;
	unsigned int before = *budget;
	enum conn_state state;
	uint32_t count;

	journal_set_running(journal, conn_id);
	state = conn_process(peer->conn, budget);
	count = before - *budget;
	if (count)
		journal_append(journal, RECORD_RUN, conn_id, &count, sizeof(count));
	journal_set_running(journal, 0);
	return state;
}

/* Sends what is queued. -1: the connection is lost. */
static int socket_flush(struct peer *peer)
{
	struct iovec pieces[OUTPUT_PIECES];
	unsigned int count;
	ssize_t sent;

	while ((count = conn_output(peer->conn, pieces, OUTPUT_PIECES))) {
		sent = journal_send(peer->server->journal, peer->conn->id, peer->fd, pieces,
				    count);
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
	if (peer_is_guest(peer))
		guest_flush(peer);
	else if (socket_flush(peer))
		peer_end(peer);
}

static void save_server(void *arg, struct image_writer *writer)
{
	server_save(arg, writer);
}

/* A new image when the log is long. What a turn did is in the log already. */
static void server_save_if_due(struct server *server)
{
	uint64_t now_us = server->store->now_us;

	if (!journal_wants_image(server->journal, now_us))
		return;
	if (journal_new_image(server->journal, now_us, save_server, server)) {
		server->no_room_logged = false;
	} else if (!server->no_room_logged) {
		server_log("no room for the state file: nothing would survive a crash now");
		server->no_room_logged = true;
	}
}

void server_turn_end(struct server *server)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&server->store->dirty))) {
		TAILQ_REMOVE(&server->store->dirty, conn, dirty_link);
		conn->dirty = false;
		peer_flush(conn->transport);
	}
	server_close_now(server);
	server_save_if_due(server);
	if (server->store->upgrade_wanted)
		event_base_loopbreak(server->base);
}

/* No input will follow. What was answered already is still sent. */
static void socket_close(struct peer *peer)
{
	peer->closing = true;
	event_del(peer->readable);
	if (socket_flush(peer))
		peer_end(peer);
}

/* Acts on complete requests. False: take no more input now (the peer may be gone). */
static bool socket_process(struct peer *peer, unsigned int *budget)
{
	switch (peer_process(peer, budget)) {
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

		got = journal_recv(peer->server->journal, peer->conn->id, peer->fd, space, room);
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

static bool peer_uid(int fd, uid_t *uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return false;
	*uid = cred.uid;
	return true;
}

static bool uid_is_permitted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

bool peer_is_permitted(int fd)
{
	uid_t uid;

	return peer_uid(fd, &uid) && uid_is_permitted(uid);
}

struct peer *socket_peer_new(struct server *server, int fd)
{
	struct peer *peer = xcalloc(1, sizeof(*peer));

	peer->server = server;
	peer->fd = fd;
	peer->notify_fd = -1;
	peer->page_fd = -1;
	return peer;
}

void socket_peer_start(struct peer *peer)
{
	struct event_base *base = peer->server->base;

	peer->readable = alloc_checked(event_new(base, peer->fd, EV_READ | EV_PERSIST,
						 on_socket_readable, peer));
	peer->writable = alloc_checked(event_new(base, peer->fd, EV_WRITE, on_socket_writable,
						 peer));
	peer->paused = alloc_checked(evtimer_new(base, on_socket_readable, peer));
	event_add(peer->readable, NULL);
}

bool socket_adopt(struct server *server, int fd)
{
	struct record_open opened = { .fd = fd };
	uint16_t serves = 0;
	struct peer *peer;
	uid_t uid;

	if (!peer_uid(fd, &uid) || (!uid_is_permitted(uid) && !pvn_id_is_of_guest(uid, &serves)))
		return false;
	opened.serves = serves;
	peer = socket_peer_new(server, fd);
	peer->conn = conn_new(server->store, domain_get(server->store, 0), true);
	peer->conn->cred.serves = serves;
	peer->conn->transport = peer;
	journal_append(server->journal, RECORD_OPEN, peer->conn->id, &opened, sizeof(opened));
	socket_peer_start(peer);
	server_note(server, "connection %llu: opened", (unsigned long long)peer->conn->id);
	return true;
}

static void on_socket_accepted(struct evconnlistener *listener, evutil_socket_t fd,
			       struct sockaddr *address, int address_len, void *arg)
{
	(void)listener;
	(void)address;
	(void)address_len;
	if (!socket_adopt(arg, fd))
		close(fd);
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
				   LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN, listen_fd);
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
