// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The toolstack's half of stored_control.h, and the removal of what a guest has in
 * the store.
 */
#include "libpvn/guest_store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "libpvn/store_client.h"
#include "libpvn/unix_socket.h"

static int connect_daemon(void)
{
	struct sockaddr_un address;
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/store/control", pvn_rundir());
	if (pvn_unix_address(&address, path))
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

static void attach(struct msghdr *message, char *buffer, const int *fds, unsigned int count)
{
	struct cmsghdr *header;

	message->msg_control = buffer;
	message->msg_controllen = CMSG_SPACE(count * sizeof(int));
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
}

/* 1: the daemon died before it answered. A successor is there at once. */
static int ask_once(const struct pvn_stored_request *request, const int *fds,
		    unsigned int count)
{
	char buffer[CMSG_SPACE(PVN_STORED_FD_COUNT * sizeof(int))] = { 0 };
	struct iovec part = { (void *)request, sizeof(*request) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct pvn_stored_reply reply = { 0 };
	int fd = connect_daemon(), error = 0, lost = 1;

	if (fd < 0)
		return -1;
	if (count)
		attach(&message, buffer, fds, count);
	if (sendmsg(fd, &message, MSG_NOSIGNAL) == sizeof(*request) &&
	    recv(fd, &reply, sizeof(reply), 0) == sizeof(reply) &&
	    reply.magic == PVN_STORED_MAGIC) {
		error = -reply.error;
		lost = 0;
	}
	close(fd);
	errno = error;
	return error ? -1 : lost;
}

/*
 * The control connection is the one that does not outlive the daemon's process, so
 * the request is repeated. It may have been carried out: what was released is unknown then.
 */
static int ask(const struct pvn_stored_request *request, const int *fds, unsigned int count)
{
	enum { TRIES = 100 };
	int result = 1;

	for (int i = 0; i < TRIES && result > 0; i++) {
		result = ask_once(request, fds, count);
		if (result < 0 && i && errno == ENOENT && request->op == PVN_STORED_RELEASE)
			result = 0;
	}
	if (result > 0)
		errno = EPIPE;
	return result ? -1 : 0;
}

int pvn_stored_introduce(unsigned int domid, const int fds[PVN_STORED_FD_COUNT])
{
	const struct pvn_stored_request request = {
		.magic = PVN_STORED_MAGIC,
		.op = PVN_STORED_INTRODUCE,
		.domid = domid,
	};

	return ask(&request, fds, PVN_STORED_FD_COUNT);
}

int pvn_stored_release(unsigned int domid)
{
	const struct pvn_stored_request request = {
		.magic = PVN_STORED_MAGIC,
		.op = PVN_STORED_RELEASE,
		.domid = domid,
	};

	return ask(&request, NULL, 0);
}

void pvn_guest_forget(unsigned int domid)
{
	static const char *const kinds[] = { "blk", "net", "console" };
	struct pvn_store *store;
	char path[128];
	size_t i;

	pvn_stored_release(domid);
	store = pvn_store_open(NULL);
	if (!store)
		return;
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	pvn_store_rm(store, 0, path);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u", kinds[i], domid);
		pvn_store_rm(store, 0, path);
	}
	pvn_store_close(store);
}
