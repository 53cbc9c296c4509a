// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The toolstack's socket: guests are introduced and released here
 * (backend/libpvn/stored_control.h). Only root gets this far; still every
 * message is checked, and every descriptor that came with it is closed unless
 * taken over.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "libpvn/stored_control.h"
#include "transport.h"

struct control_peer {
	LIST_ENTRY(control_peer) link;
	struct server *server;
	int fd;
	struct event *readable;
};

struct control_message {
	struct pvn_stored_request request;
	ssize_t len;
	int fds[PVN_STORED_FD_COUNT];
	unsigned int fd_count;
	bool truncated;
};

static void control_peer_free(struct control_peer *peer)
{
	LIST_REMOVE(peer, link);
	event_free(peer->readable);
	close(peer->fd);
	free(peer);
}

static void message_take_fds(struct control_message *message, const struct cmsghdr *header)
{
	unsigned int count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (unsigned int i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
		if (message->fd_count < PVN_STORED_FD_COUNT) {
			message->fds[message->fd_count++] = fd;
		} else {
			message->truncated = true;
			close(fd);
		}
	}
}

static void message_close_fds(struct control_message *message)
{
	for (unsigned int i = 0; i < message->fd_count; i++)
		if (message->fds[i] >= 0)
			close(message->fds[i]);
}

static void control_receive(struct control_peer *peer, struct control_message *message)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec piece = { &message->request, sizeof(message->request) };
	struct msghdr header = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	*message = (struct control_message){ 0 };
	message->len = recvmsg(peer->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (message->len < 0)
		return;
	message->truncated = header.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part;
	     part = CMSG_NXTHDR(&header, part))
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
			message_take_fds(message, part);
}

static bool domid_is_guest(uint32_t domid)
{
	return domid > 0 && domid < PVN_STORE_DOMID_FIRST_RESERVED;
}

static int control_introduce(struct server *server, struct control_message *message)
{
	const struct pvn_stored_request *request = &message->request;
	uint32_t target = request->target_or_zero ? request->target_or_zero : request->domid;
	int error;

	if (message->fd_count != PVN_STORED_FD_COUNT || !domid_is_guest(target))
		return EINVAL;
	error = guest_introduce(server, request->domid, target, message->fds);
	if (!error)
		message->fd_count = 0;
	return error;
}

static int control_release(struct server *server, uint32_t domid)
{
	int error = domain_release(server->store, domid);

	journal_append(server->journal, RECORD_RELEASE, 0, &domid, sizeof(domid));
	server_note(server, "guest %u: released", domid);
	return error;
}

static int control_run(struct server *server, struct control_message *message)
{
	const struct pvn_stored_request *request = &message->request;

	if (message->len != sizeof(*request) || message->truncated ||
	    request->magic != PVN_STORED_MAGIC || !domid_is_guest(request->domid))
		return EINVAL;
	switch (request->op) {
	case PVN_STORED_INTRODUCE:
		return control_introduce(server, message);
	case PVN_STORED_RELEASE:
		if (message->fd_count)
			return EINVAL;
		return control_release(server, request->domid);
	}
	return EINVAL;
}

static void on_control_readable(evutil_socket_t fd, short what, void *arg)
{
	struct control_peer *peer = arg;
	struct server *server = peer->server;
	struct control_message message;
	struct pvn_stored_reply reply = { .magic = PVN_STORED_MAGIC };

	(void)fd;
	(void)what;
	server_turn_begin(server);
	control_receive(peer, &message);
	if (message.len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (message.len <= 0) {
		message_close_fds(&message);
		control_peer_free(peer);
		return;
	}
	reply.error = -control_run(server, &message);
	message_close_fds(&message);
	if (send(peer->fd, &reply, sizeof(reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		control_peer_free(peer);
	server_turn_end(server);
}

static void on_control_accepted(struct evconnlistener *listener, evutil_socket_t fd,
				struct sockaddr *address, int address_len, void *arg)
{
	struct server *server = arg;
	struct control_peer *peer;

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
	peer->readable = alloc_checked(event_new(server->base, fd, EV_READ | EV_PERSIST,
						 on_control_readable, peer));
	LIST_INSERT_HEAD(&server->control_peers, peer, link);
	event_add(peer->readable, NULL);
}

int control_listen(struct server *server, int listen_fd)
{
	server->control_listener =
		evconnlistener_new(server->base, on_control_accepted, server,
				   LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN, listen_fd);
	return server->control_listener ? 0 : -1;
}

void control_stop(struct server *server)
{
	if (server->control_listener)
		evconnlistener_free(server->control_listener);
	while (!LIST_EMPTY(&server->control_peers))
		control_peer_free(LIST_FIRST(&server->control_peers));
}
