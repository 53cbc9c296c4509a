// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Going on where another process ended: the image is loaded, what the log
 * says is done again, and the descriptors, which are all still open, are
 * taken up. Until then peers are numbers only: a descriptor that the log
 * mentions may long be closed and its number somebody else's.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"
#include "transport.h"

/* A peer in the image. */
struct image_peer {
	uint64_t conn_id;	/* 0 ends the list */
	int32_t fd, notify_fd, page_fd;
	uint32_t failed, error;
	struct record_ring ring;
};

void server_save(struct server *server, struct image_writer *writer)
{
	struct image_peer fixed = { 0 };
	const struct conn *conn;

	store_save(server->store, writer);
	LIST_FOREACH(conn, &server->store->conns, link) {
		const struct peer *peer = conn->transport;

		fixed = (struct image_peer){
			.conn_id = conn->id,
			.fd = peer->fd,
			.notify_fd = peer->notify_fd,
			.page_fd = peer->page_fd,
			.failed = peer->failed,
			.error = peer->error,
			.ring = { peer->ring.req_cons, peer->ring.rsp_prod },
		};
		image_put_value(writer, fixed);
	}
	fixed = (struct image_peer){ 0 };
	image_put_value(writer, fixed);
}

static void load_peer(struct server *server, const struct image_peer *fixed, struct conn *conn)
{
	const int fds[3] = { fixed->page_fd, fixed->fd, fixed->notify_fd };
	struct peer *peer = fixed->page_fd >= 0 ? guest_peer_new(server, fds) :
						  socket_peer_new(server, fixed->fd);

	peer->failed = fixed->failed;
	peer->error = fixed->error;
	peer->ring.req_cons = fixed->ring.req_cons;
	peer->ring.rsp_prod = fixed->ring.rsp_prod;
	peer->conn = conn;
	conn->transport = peer;
}

static bool server_load(struct server *server)
{
	struct image_reader reader = journal_image(server->journal);
	struct image_peer fixed;
	struct conn *conn;

	if (!store_load(server->store, &reader))
		return false;
	for (;;) {
		image_get(&reader, &fixed, sizeof(fixed));
		if (!fixed.conn_id || reader.failed)
			break;
		conn = conn_find(server->store, fixed.conn_id);
		if (!conn)
			return false;
		load_peer(server, &fixed, conn);
	}
	LIST_FOREACH(conn, &server->store->conns, link)
		if (!conn->transport)
			return false;
	return !reader.failed;
}

static bool repeat_open(struct server *server, const struct record *record)
{
	const struct record_open *opened = (const void *)record->data;
	struct peer *peer = socket_peer_new(server, opened->fd);

	peer->conn = conn_new(server->store, domain_get(server->store, 0), true);
	peer->conn->cred.serves = (uint16_t)opened->serves;
	peer->conn->transport = peer;
	return peer->conn->id == record->conn_id;
}

static bool repeat_introduce(struct server *server, const struct record *record)
{
	const struct record_introduce *introduced = (const void *)record->data;
	struct peer *peer = guest_peer_new(server, introduced->fds);

	guest_attach(server, introduced, peer);
	return peer->conn->id == record->conn_id;
}

static bool repeat_input(struct conn *conn, const struct record *record)
{
	struct peer *peer = conn->transport;
	size_t room;
	uint8_t *space = conn_input_space(conn, &room);

	if (record->len > room)
		return false;
	memcpy(space, record->data, record->len);
	conn->in_len += record->len;
	peer->ring.req_cons += record->len;
	return true;
}

static bool repeat_sent(struct conn *conn, uint32_t bytes)
{
	struct peer *peer = conn->transport;

	if (bytes > conn->out_bytes - conn->out_done)
		return false;
	conn_output_done(conn, bytes);
	peer->ring.rsp_prod += bytes;
	return true;
}

static void repeat_reset(struct conn *conn, const struct record_ring *ring)
{
	struct peer *peer = conn->transport;

	conn_reset(conn);
	peer->failed = false;
	peer->ring.req_cons = ring->req_cons;
	peer->ring.rsp_prod = ring->rsp_prod;
}

static void repeat_fail(struct conn *conn, uint32_t error)
{
	struct peer *peer = conn->transport;

	conn_reset(conn);
	peer->failed = true;
	peer->error = error;
}

/* Records about a connection. */
static bool repeat_for_conn(struct conn *conn, const struct record *record)
{
	uint32_t number;

	memcpy(&number, record->data, sizeof(number));
	switch (record->type) {
	case RECORD_CLOSE:
		conn_free(conn);
		return true;
	case RECORD_INPUT:
		return repeat_input(conn, record);
	case RECORD_RUN:
		return conn_repeat(conn, number);
	case RECORD_SENT:
		return repeat_sent(conn, number);
	case RECORD_RESET:
		repeat_reset(conn, (const void *)record->data);
		return true;
	case RECORD_FAIL:
		repeat_fail(conn, number);
		return true;
	}
	return false;
}

static bool repeat(struct server *server, const struct record *record)
{
	struct conn *conn;
	uint32_t domid;

	switch (record->type) {
	case RECORD_OPEN:
		return repeat_open(server, record);
	case RECORD_INTRODUCE:
		return repeat_introduce(server, record);
	case RECORD_RELEASE:
		memcpy(&domid, record->data, sizeof(domid));
		domain_release(server->store, domid);
		return true;
	}
	conn = conn_find(server->store, record->conn_id);
	return conn && repeat_for_conn(conn, record);
}

int server_resume(struct server *server)
{
	const struct record *record = NULL;

	if (!server_load(server))
		return EBADMSG;
	journal_finish_call(server->journal);
	while ((record = journal_next(server->journal, record)))
		if (!repeat(server, record))
			return EBADMSG;
	return 0;
}

struct fd_set_of_any_size {
	bool *used;
	int room;
};

static void fds_add(struct fd_set_of_any_size *fds, int fd)
{
	if (fd >= fds->room) {
		fds->used = xrealloc(fds->used, fd + 64);
		memset(fds->used + fds->room, 0, fd + 64 - fds->room);
		fds->room = fd + 64;
	}
	if (fd >= 0)
		fds->used[fd] = true;
}

static struct fd_set_of_any_size fds_in_use(struct server *server)
{
	const struct journal_owner *owner = journal_owner(server->journal);
	struct fd_set_of_any_size fds = { 0 };
	const struct conn *conn;

	for (int fd = 0; fd <= 2; fd++)
		fds_add(&fds, fd);
	fds_add(&fds, owner->pid_fd);
	fds_add(&fds, owner->socket_fd);
	fds_add(&fds, owner->control_fd);
	fds_add(&fds, journal_fd(server->journal, 0));
	fds_add(&fds, journal_fd(server->journal, 1));
	LIST_FOREACH(conn, &server->store->conns, link) {
		const struct peer *peer = conn->transport;

		fds_add(&fds, peer->fd);
		fds_add(&fds, peer->notify_fd);
		fds_add(&fds, peer->page_fd);
	}
	return fds;
}

/* A program's connection that was accepted in the last moment. */
static bool is_client_socket(struct server *server, int fd)
{
	struct sockaddr_un address, own;
	socklen_t len = sizeof(address), own_len = sizeof(own);
	int listens = 0;
	socklen_t size = sizeof(listens);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) && !listens &&
	       !getsockname(fd, (struct sockaddr *)&address, &len) &&
	       !getsockname(journal_owner(server->journal)->socket_fd,
			    (struct sockaddr *)&own, &own_len) &&
	       len == own_len && !memcmp(&address, &own, len);
}

/*
 * Descriptors of the table that nobody knows: event loop and control connections of
 * the process before this one, and what it was about to take up or close.
 */
static int collect_strays(struct server *server, int **strays)
{
	struct fd_set_of_any_size known = fds_in_use(server);
	DIR *dir = opendir("/proc/self/fd");
	int count = 0, room = 0;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || fd == dirfd(dir) ||
		    (fd < known.room && known.used[fd]))
			continue;
		if (count == room) {
			room = 2 * room + 16;
			*strays = xrealloc(*strays, room * sizeof(**strays));
		}
		(*strays)[count++] = fd;
	}
	if (dir)
		closedir(dir);
	free(known.used);
	return count;
}

/* Before there is an event loop, which has descriptors of its own. */
void server_close_strays(struct server *server, bool adopt, int **clients, int *client_count)
{
	int *strays = NULL;
	int count = collect_strays(server, &strays), kept = 0;

	for (int i = 0; i < count; i++) {
		if (adopt && is_client_socket(server, strays[i]))
			strays[kept++] = strays[i];
		else
			close(strays[i]);
	}
	*clients = strays;
	*client_count = kept;
}

static void resume_peer(struct server *server, struct peer *peer)
{
	uint16_t domid = peer->conn->domain->domid;

	if (!peer_is_guest(peer)) {
		socket_peer_start(peer);
		peer_again(peer);
	} else if (guest_peer_start(peer)) {
		server_note(server, "guest %u: its page cannot be taken up again", domid);
		conn_free(peer->conn);
	}
}

void server_resume_peers(struct server *server)
{
	struct conn *conn, *next;

	for (conn = LIST_FIRST(&server->store->conns); conn; conn = next) {
		next = LIST_NEXT(conn, link);
		resume_peer(server, conn->transport);
	}
}

/*
 * After a crash in the middle of somebody's requests, again and again: that one
 * must go, or nobody is served.
 */
void server_drop_suspect(struct server *server)
{
	struct conn *conn = conn_find(server->store, journal_running(server->journal));
	struct peer *peer = conn ? conn->transport : NULL;

	if (!conn)
		return;
	server_log("a connection whose requests end the daemon is given up");
	if (!peer_is_guest(peer)) {
		conn_free(conn);
		server_close_now(server);
		return;
	}
	conn_reset(conn);
	peer->failed = true;
	peer->error = PVN_STORE_RING_COMMUNICATION;
}

void server_drop_conns(struct server *server)
{
	while (!LIST_EMPTY(&server->store->conns))
		conn_free(LIST_FIRST(&server->store->conns));
	server_close_now(server);
}
