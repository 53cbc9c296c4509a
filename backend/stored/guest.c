// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Guests' connections: a page of shared memory and two doorbells. What the page
 * holds is the business of ring.c; here are mapping, turns and doorbells.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "transport.h"

enum {
	PAGE_BYTES = 4096,
	OUTPUT_PIECES = 32,
};

static void guest_notify(struct peer *peer)
{
	const uint64_t one = 1;

	/* EAGAIN means that the counter is full: it has been rung often enough. */
	if (write(peer->notify_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		server_note(peer->server, "guest %u: cannot ring it: %s",
			    peer->conn->domain->domid, strerror(errno));
}

/* The guest broke the rules: it alone has the damage, until it reconnects. */
static void guest_fail(struct peer *peer, enum pvn_store_ring_error error)
{
	server_note(peer->server, "guest %u: page given up, error %d",
		    peer->conn->domain->domid, error);
	peer->failed = true;
	peer->error = error;
	journal_append(peer->server->journal, RECORD_FAIL, peer->conn->id, &peer->error,
		       sizeof(peer->error));
	ring_fail(&peer->ring, error);
	conn_reset(peer->conn);
	guest_notify(peer);
}

/* First the record, then the index: a successor does not send it again, nor leaves it out. */
static void guest_record_sent(struct peer *peer, uint32_t sent)
{
	journal_append(peer->server->journal, RECORD_SENT, peer->conn->id, &sent, sizeof(sent));
	ring_publish(&peer->ring);
	conn_output_done(peer->conn, sent);
}

/* Fills the ring from the queue. Returns bytes, or -1 after a failure. */
static ssize_t guest_send(struct peer *peer)
{
	struct iovec pieces[OUTPUT_PIECES];
	ssize_t sent, sum = 0;
	unsigned int count;

	while ((count = conn_output(peer->conn, pieces, OUTPUT_PIECES))) {
		sent = ring_send(&peer->ring, pieces, count);
		if (sent < 0) {
			guest_fail(peer, PVN_STORE_RING_INDEX);
			return -1;
		}
		if (!sent)
			break;
		guest_record_sent(peer, sent);
		sum += sent;
	}
	return sum;
}

void guest_flush(struct peer *peer)
{
	if (!peer->failed && guest_send(peer) > 0)
		guest_notify(peer);
}

static struct record_ring guest_ring(const struct peer *peer)
{
	return (struct record_ring){ peer->ring.req_cons, peer->ring.rsp_prod };
}

static void guest_reconnect(struct peer *peer)
{
	struct record_ring indices;

	conn_reset(peer->conn);
	peer->failed = false;
	ring_empty(&peer->ring);
	indices = guest_ring(peer);
	journal_append(peer->server->journal, RECORD_RESET, peer->conn->id, &indices,
		       sizeof(indices));
	ring_connect(&peer->ring);
	guest_notify(peer);
}

/* One step: some input, its requests, some output. Returns bytes moved, or -1. */
static ssize_t guest_step(struct peer *peer, unsigned int *budget, enum conn_state *state)
{
	ssize_t received, sent;
	size_t room;
	uint8_t *space = conn_input_space(peer->conn, &room);

	received = ring_receive(&peer->ring, space, room);
	if (received < 0) {
		guest_fail(peer, PVN_STORE_RING_INDEX);
		return -1;
	}
	if (received) {
		journal_append(peer->server->journal, RECORD_INPUT, peer->conn->id, space,
			       received);
		ring_publish(&peer->ring);
	}
	peer->conn->in_len += received;
	*state = peer_process(peer, budget);
	if (*state == CONN_BROKEN) {
		guest_fail(peer, PVN_STORE_RING_PROTOCOL);
		return -1;
	}
	sent = guest_send(peer);
	return sent < 0 ? -1 : received + sent;
}

void guest_run(struct peer *peer)
{
	unsigned int budget = TURN_REQUESTS;
	enum conn_state state = CONN_WANTS_INPUT;
	unsigned int turns = TURN_REQUESTS;
	ssize_t moved = 0, step;

	if (ring_reconnect_requested(&peer->ring))
		guest_reconnect(peer);
	if (peer->failed)
		return;
	do {
		step = guest_step(peer, &budget, &state);
		if (step < 0)
			return;
		moved += step;
	} while (step && budget && --turns);
	if (moved)
		guest_notify(peer);
	if (state == CONN_PAUSED)
		peer_pause(peer);
	else if (state == CONN_WANTS_TURN || step)
		peer_again(peer);
}

static void on_doorbell(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	struct server *server = peer->server;
	uint64_t rings;

	(void)what;
	/* Clear before looking at the page, so that a later ring is not lost. */
	if (fd >= 0 && read(fd, &rings, sizeof(rings)) < 0 && errno != EAGAIN)
		server_note(server, "guest %u: doorbell: %s", peer->conn->domain->domid,
			    strerror(errno));
	server_turn_begin(server);
	guest_run(peer);
	server_turn_end(server);
}

/* A page that could shrink under us would kill the daemon with SIGBUS: refuse it. */
static int page_map(int fd, struct pvn_store_page **page)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;
	void *memory;

	if (seals < 0 || fstat(fd, &status))
		return EINVAL;
	if (!(seals & F_SEAL_SHRINK))
		return EPERM;
	if (!S_ISREG(status.st_mode) || status.st_size != PAGE_BYTES)
		return EINVAL;
	memory = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return errno;
	*page = memory;
	return 0;
}

static int fd_unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? -1 : 0;
}

struct peer *guest_peer_new(struct server *server, const int fds[3])
{
	struct peer *peer = xcalloc(1, sizeof(*peer));

	peer->server = server;
	peer->page_fd = fds[0];
	peer->fd = fds[1];
	peer->notify_fd = fds[2];
	return peer;
}

/* 0, or an errno when the doorbell is nothing that can be waited for. */
static int guest_peer_listen(struct peer *peer)
{
	struct event_base *base = peer->server->base;

	peer->readable = alloc_checked(event_new(base, peer->fd, EV_READ | EV_PERSIST,
						 on_doorbell, peer));
	peer->paused = alloc_checked(evtimer_new(base, on_doorbell, peer));
	return event_add(peer->readable, NULL) ? EINVAL : 0;
}

/* Gives a domain its connection: a new one, or in place of the one it had. */
void guest_attach(struct server *server, const struct record_introduce *introduced,
		  struct peer *peer)
{
	struct domain *domain = domain_find(server->store, introduced->domid);

	if (domain && domain->introduced && domain->conn)
		conn_free(domain->conn);
	domain = domain_introduce(server->store, introduced->domid, introduced->target);
	peer->conn = domain->conn;
	peer->conn->transport = peer;
	peer->ring.req_cons = introduced->ring.req_cons;
	peer->ring.rsp_prod = introduced->ring.rsp_prod;
}

int guest_peer_start(struct peer *peer)
{
	struct pvn_store_page *page = NULL;
	int error = page_map(peer->page_fd, &page);

	if (error)
		return error;
	ring_resume(&peer->ring, page, peer->conn->domain->features);
	if (peer->failed)
		ring_fail(&peer->ring, peer->error);
	error = guest_peer_listen(peer);
	/* What the one before did not come to tell the guest, and what rang meanwhile. */
	guest_notify(peer);
	peer_again(peer);
	return error;
}

/* Maps the page and takes its indices, or empties it if the guest had one before. */
static int guest_peer_map(struct peer *peer, bool again, uint32_t features)
{
	struct pvn_store_page *page = NULL;
	int error = page_map(peer->page_fd, &page);

	if (error)
		return error;
	ring_attach(&peer->ring, page, features);
	if (again)
		ring_empty(&peer->ring);
	return 0;
}

/* The descriptors stay the caller's: nothing was recorded. */
static int guest_peer_discard(struct peer *peer, int error)
{
	peer->fd = -1;
	peer->notify_fd = -1;
	peer->page_fd = -1;
	peer_free(peer);
	return error;
}

/*
 * Takes over the descriptors when it returns 0. Check, then change: everything
 * that can fail is done before the store hears of it.
 */
int guest_introduce(struct server *server, uint16_t domid, uint16_t target, const int fds[3])
{
	struct record_introduce introduced = {
		.domid = domid, .target = target, .fds = { fds[0], fds[1], fds[2] },
	};
	const struct domain *known = domain_find(server->store, domid);
	bool again = known && known->introduced;
	struct peer *peer;
	int error;

	if (fd_unblock(fds[1]) || fd_unblock(fds[2]))
		return EINVAL;
	peer = guest_peer_new(server, fds);
	error = guest_peer_map(peer, again, known ? known->features : STORE_FEATURES);
	if (!error)
		error = guest_peer_listen(peer);
	if (error)
		return guest_peer_discard(peer, error);
	introduced.ring = guest_ring(peer);
	guest_attach(server, &introduced, peer);
	journal_append(server->journal, RECORD_INTRODUCE, peer->conn->id, &introduced,
		       sizeof(introduced));
	if (again)
		ring_connect(&peer->ring);
	guest_notify(peer);
	peer_again(peer);
	server_note(server, "guest %u: introduced", domid);
	return 0;
}
