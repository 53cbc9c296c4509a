/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The daemon's contact with the world: local sockets (transport.c), guests'
 * pages (guest.c), the toolstack's control socket (control.c). All run in one
 * libevent loop; each callback begins with server_turn_begin() and ends with
 * server_turn_end(), which sends what the turn queued for anybody.
 */
#ifndef STORED_TRANSPORT_H
#define STORED_TRANSPORT_H

#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>

#include "ring.h"
#include "store.h"

/* Requests one connection may have answered before others get their turn. */
enum { TURN_REQUESTS = 64 };

struct server {
	struct store *store;
	struct event_base *base;
	struct evconnlistener *socket_listener, *control_listener;
	LIST_HEAD(, control_peer) control_peers;
	bool verbose;
};

/* A connection's transport: a local socket, or a guest's page with two eventfds. */
struct peer {
	struct server *server;
	struct conn *conn;
	int fd;				/* the socket, or the guest's doorbell to us */
	int notify_fd;			/* our doorbell to the guest, -1 for a socket */
	struct event *readable, *writable, *paused;
	struct ring ring;		/* ring.page is NULL for a socket */
	bool stalled;			/* requests wait until output has been read */
	bool closing;			/* no more input; ends when the output is sent */
	bool failed;			/* guest broke the rules; only a reconnect helps */
};

void server_log(const char *text);
void server_note(const struct server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));	/* --verbose only */

void server_turn_begin(struct server *server);
void server_turn_end(struct server *server);

/* Calls the peer again soon, in its turn; or when it may go on after a pause. */
void peer_again(struct peer *peer);
void peer_pause(struct peer *peer);
void peer_free(struct peer *peer);	/* not the conn; conn_free() calls this */

/* transport.c: start and stop listening. Return 0 or -1 + errno. */
int sockets_listen(struct server *server, int listen_fd);
void sockets_stop(struct server *server);
bool peer_is_permitted(int fd);		/* root, or whoever runs the daemon */

/* guest.c */
int guest_introduce(struct server *server, uint16_t domid, uint16_t target, const int fds[3]);
void guest_run(struct peer *peer);
void guest_flush(struct peer *peer);

/* control.c */
int control_listen(struct server *server, int listen_fd);
void control_stop(struct server *server);

#endif
