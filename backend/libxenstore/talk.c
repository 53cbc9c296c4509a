// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Copyright (C) The Paravane developers
 *
 * Messages out and in. Whatever arrives passes through one buffer that always
 * has room for a whole message: replies go to the one who waits, events to
 * their queue. A peer that breaks the protocol ends the connection.
 */
#include "handle.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pvn/abi/store.h>

enum { PIECES_MAX = 4 };

static const struct {
	const char *name;
	int number;
} errors[] = {
#define ROW(name) { #name, name },
	PVN_STORE_ERRORS(ROW)
#undef ROW
};

static int error_number(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	return EINVAL;
}

/* Nothing more will come: whoever waits is told. */
static void handle_fail(struct xs_handle *h)
{
	pthread_mutex_lock(&h->reply_lock);
	h->failed = true;
	pthread_cond_broadcast(&h->reply_arrived);
	pthread_mutex_unlock(&h->reply_lock);
	events_fail(h);
}

static bool deliver_reply(struct xs_handle *h, const struct xsd_sockmsg *header,
			  const char *payload)
{
	char *copy = malloc(header->len + 1);
	bool expected;

	if (!copy)
		return false;
	memcpy(copy, payload, header->len);
	copy[header->len] = '\0';
	pthread_mutex_lock(&h->reply_lock);
	expected = !h->reply.arrived;
	if (expected) {
		h->reply = (struct reply){ *header, copy, true };
		pthread_cond_signal(&h->reply_arrived);
	}
	pthread_mutex_unlock(&h->reply_lock);
	if (!expected)
		free(copy);
	return expected;
}

/* Takes all complete messages out of the buffer. */
static bool deliver(struct xs_handle *h)
{
	struct xsd_sockmsg header;
	size_t at = 0;
	bool good = true;

	while (good && h->in_len - at >= sizeof(header)) {
		const char *payload = h->in + at + sizeof(header);

		memcpy(&header, h->in + at, sizeof(header));
		if (header.len > XENSTORE_PAYLOAD_MAX)
			return false;
		if (h->in_len - at < sizeof(header) + header.len)
			break;
		if (header.type == XS_WATCH_EVENT)
			good = events_add(h, payload, header.len);
		else
			good = deliver_reply(h, &header, payload);
		at += sizeof(header) + header.len;
	}
	memmove(h->in, h->in + at, h->in_len - at);
	h->in_len -= at;
	return good;
}

/* A device's read cannot be ended from outside, so its reader waits here. */
static bool device_wait(struct xs_handle *h)
{
	struct pollfd fds[] = { { h->fd, POLLIN, 0 }, { h->stop_fd, POLLIN, 0 } };

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return !fds[1].revents;
}

bool handle_receive(struct xs_handle *h)
{
	ssize_t got;

	if (h->stop_fd >= 0 && !device_wait(h)) {
		handle_fail(h);
		return false;
	}
	do {
		got = read(h->fd, h->in + h->in_len, sizeof(h->in) - h->in_len);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		h->in_len += got;
		if (deliver(h))
			return true;
	}
	handle_fail(h);
	return false;
}

static ssize_t send_some(struct xs_handle *h, struct iovec *pieces, unsigned int count)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };

	return h->is_socket ? sendmsg(h->fd, &message, MSG_NOSIGNAL) :
			      writev(h->fd, pieces, count);
}

static bool send_all(struct xs_handle *h, struct iovec *pieces, unsigned int count)
{
	while (count) {
		ssize_t sent = send_some(h, pieces, count);

		if (sent < 0 && errno != EINTR)
			return false;
		while (count && sent >= 0 && (size_t)sent >= pieces->iov_len) {
			sent -= pieces->iov_len;
			pieces++;
			count--;
		}
		if (count && sent > 0) {
			pieces->iov_base = (char *)pieces->iov_base + sent;
			pieces->iov_len -= sent;
		}
	}
	return true;
}

/* With the request lock held: until the reply is there, or never will be. */
static bool wait_for_reply(struct xs_handle *h)
{
	bool arrived;

	if (!h->reader_runs) {
		while (!h->reply.arrived && handle_receive(h))
			;
		return h->reply.arrived;
	}
	pthread_mutex_lock(&h->reply_lock);
	while (!h->reply.arrived && !h->failed)
		pthread_cond_wait(&h->reply_arrived, &h->reply_lock);
	arrived = h->reply.arrived;
	pthread_mutex_unlock(&h->reply_lock);
	return arrived;
}

/* Forgets a reply that was there before the request: the peer made it up. */
static bool reply_prepare(struct xs_handle *h)
{
	bool usable;

	pthread_mutex_lock(&h->reply_lock);
	free(h->reply.payload);
	h->reply = (struct reply){ 0 };
	usable = !h->failed;
	pthread_mutex_unlock(&h->reply_lock);
	return usable;
}

static struct reply exchange(struct xs_handle *h, struct iovec *pieces, unsigned int count)
{
	struct reply reply = { 0 };

	pthread_mutex_lock(&h->request);
	if (reply_prepare(h)) {
		if (!send_all(h, pieces, count))
			handle_fail(h);
		else if (wait_for_reply(h)) {
			reply = h->reply;
			h->reply = (struct reply){ 0 };
		}
	}
	pthread_mutex_unlock(&h->request);
	return reply;
}

static char *check_reply(struct xs_handle *h, struct reply *reply, uint32_t type)
{
	if (!reply->arrived) {
		errno = EBADF;
		return NULL;
	}
	if (reply->header.type == type) {
		/* Programs exist (test-xenstore) that look at errno after success, too. */
		errno = 0;
		return reply->payload;
	}
	if (reply->header.type == XS_ERROR) {
		errno = error_number(reply->payload);
	} else {
		handle_fail(h);
		errno = EBADF;
	}
	free(reply->payload);
	return NULL;
}

char *handle_talk(struct xs_handle *h, uint32_t type, xs_transaction_t t,
		  const struct iovec *pieces, unsigned int count, unsigned int *len)
{
	struct xsd_sockmsg header = { .type = type, .tx_id = t };
	struct iovec all[1 + PIECES_MAX] = { { &header, sizeof(header) } };
	struct reply reply;
	size_t sum = 0;

	for (unsigned int i = 0; i < count; i++) {
		all[1 + i] = pieces[i];
		sum += pieces[i].iov_len;
	}
	if (sum > XENSTORE_PAYLOAD_MAX) {
		errno = E2BIG;
		return NULL;
	}
	header.len = sum;
	reply = exchange(h, all, 1 + count);
	if (len)
		*len = reply.header.len;
	return check_reply(h, &reply, type);
}

char *handle_ask(struct xs_handle *h, uint32_t type, xs_transaction_t t, const char *string,
		 unsigned int *len)
{
	const struct iovec piece = string_piece(string);

	return handle_talk(h, type, t, &piece, 1, len);
}

bool handle_tell(struct xs_handle *h, uint32_t type, xs_transaction_t t,
		 const struct iovec *pieces, unsigned int count)
{
	char *reply = handle_talk(h, type, t, pieces, count, NULL);
	int error = errno;

	free(reply);
	errno = error;
	return reply;
}

bool handle_tell_string(struct xs_handle *h, uint32_t type, xs_transaction_t t,
			const char *string)
{
	const struct iovec piece = string_piece(string);

	return handle_tell(h, type, t, &piece, 1);
}
