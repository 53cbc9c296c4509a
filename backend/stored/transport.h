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

#include "journal.h"
#include "ring.h"
#include "store.h"

/* Requests one connection may have answered before others get their turn. */
enum { TURN_REQUESTS = 64 };

/*
 * Descriptors are in a table that is shared with the keeper (keeper.c), so they
 * outlive this process. Hence one is closed only when the log says that it is
 * not needed: at the end of a turn.
 */
struct server {
	struct store *store;
	struct journal *journal;
	struct event_base *base;	/* NULL while the log is being repeated */
	bool owns_fds;			/* false while numbers may be somebody else's */
	int *closing_fds;
	unsigned int closing_count, closing_room;
	bool no_room_logged;
	struct evconnlistener *socket_listener, *control_listener;
	LIST_HEAD(, control_peer) control_peers;
};

/* A connection's transport: a local socket, or a guest's page with two eventfds. */
struct peer {
	struct server *server;
	struct conn *conn;
	int fd;				/* the socket, or the guest's doorbell to us */
	int notify_fd;			/* our doorbell to the guest, -1 for a socket */
	int page_fd;			/* the guest's page, -1 for a socket */
	struct event *readable, *writable, *paused;
	struct ring ring;		/* ring.page is NULL for a socket */
	uint32_t error;			/* of a guest that failed: enum pvn_store_ring_error */
	bool stalled;			/* requests wait until output has been read */
	bool closing;			/* no more input; ends when the output is sent */
	bool failed;			/* guest broke the rules; only a reconnect helps */
};

void server_log(const char *text);
void server_note(const struct server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));	/* --verbose only */

/* resume.c: peers and store in an image; taking over from a process that is gone. */
void server_save(struct server *server, struct image_writer *writer);
int server_resume(struct server *server);	/* 0 or an errno. Before there is a base: */
void server_drop_suspect(struct server *server);	/* who was served when it crashed */
void server_drop_conns(struct server *server);		/* all; guests stay known */
/* Closes what the process before left open. Clients just accepted: malloc'ed, to adopt. */
void server_close_strays(struct server *server, bool adopt, int **clients, int *client_count);
void server_resume_peers(struct server *server);	/* with a base: events, pages */

void server_close_now(struct server *server);	/* what a turn gave up */
void server_turn_begin(struct server *server);
void server_turn_end(struct server *server);

/* Answers requests of the input, with the record that they were. */
enum conn_state peer_process(struct peer *peer, unsigned int *budget);
void peer_end(struct peer *peer);	/* records the end of a program's connection; frees it */

static inline bool peer_is_guest(const struct peer *peer)
{
	return peer->page_fd >= 0;
}

/* Calls the peer again soon, in its turn; or when it may go on after a pause. */
void peer_again(struct peer *peer);
void peer_pause(struct peer *peer);
void peer_free(struct peer *peer);	/* not the conn; conn_free() calls this */

/* transport.c: start and stop listening. Return 0 or -1 + errno. */
int sockets_listen(struct server *server, int listen_fd);
struct peer *socket_peer_new(struct server *server, int fd);	/* without conn and events */
void socket_peer_start(struct peer *peer);
bool socket_adopt(struct server *server, int fd);	/* accepted, but not yet recorded */
void sockets_stop(struct server *server);
bool peer_is_permitted(int fd);		/* root, or whoever runs the daemon */

/* guest.c */
int guest_introduce(struct server *server, uint16_t domid, uint16_t target, const int fds[3]);
struct peer *guest_peer_new(struct server *server, const int fds[3]);
void guest_attach(struct server *server, const struct record_introduce *introduced,
		  struct peer *peer);
int guest_peer_start(struct peer *peer);	/* after a takeover; 0 or an errno */
void guest_run(struct peer *peer);
void guest_flush(struct peer *peer);

/* control.c */
int control_listen(struct server *server, int listen_fd);
void control_stop(struct server *server);

#endif
