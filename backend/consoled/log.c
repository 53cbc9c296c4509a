// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See log.h.
 */
#include "consoled/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpvn/sandbox.h"

int log_open(struct log *log)
{
	struct stat status;
	int fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	log->bytes = fstat(fd, &status) ? 0 : (uint64_t)status.st_size;
	log->fd = fd;
	return 0;
}

/* FILE.1 becomes FILE.2 and so on; the last one is overwritten. */
static int move_old_files(const struct log *log)
{
	char from[PATH_MAX], to[PATH_MAX];
	unsigned int i;

	if (!log->old_files)
		return unlink(log->path);
	for (i = log->old_files; i > 1; i--) {
		snprintf(from, sizeof(from), "%s.%u", log->path, i - 1);
		snprintf(to, sizeof(to), "%s.%u", log->path, i);
		if (rename(from, to) && errno != ENOENT)
			return -1;
	}
	snprintf(to, sizeof(to), "%s.1", log->path);
	return rename(log->path, to);
}

/* --- where this process may not --- */

static int take_file(struct log *log)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = space,
				  .msg_controllen = sizeof(space) };
	struct cmsghdr *header;

	if (recvmsg(log->mover, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&log->fd, CMSG_DATA(header), sizeof(log->fd));
	log->bytes = 0;
	return 0;
}

static int ask_mover(struct log *log)
{
	return send(log->mover, "", 1, MSG_NOSIGNAL) == 1 ? take_file(log) : -1;
}

/* An answer without a file: it could not be done. */
static bool answer(struct log *log, int socket)
{
	char byte = 0, space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *header;

	close(log->fd);
	log->fd = -1;
	if (!move_old_files(log) && !log_open(log)) {
		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &log->fd, sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

/* Ends with the process that it serves. */
static void __attribute__((noreturn)) move(struct log *log, int socket)
{
	char folder[PATH_MAX], byte;
	const struct pvn_sandbox sandbox = { .needs = PVN_SANDBOX_LOGS, .folder = { folder } };

	snprintf(folder, sizeof(folder), "%s", log->path);
	dirname(folder);
	if (pvn_sandbox_enter(&sandbox)) {
		fprintf(stderr, "pvn-consoled: %s does not get old logs: %s\n", log->path,
			strerror(errno));
		_exit(EXIT_FAILURE);
	}
	while (recv(socket, &byte, 1, 0) == 1 && answer(log, socket))
		;
	_exit(EXIT_SUCCESS);
}

int log_start_mover(struct log *log)
{
	int sockets[2];
	pid_t pid;

	if (!log->bytes_max)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -1;
	pid = fork();
	if (!pid) {
		close(sockets[0]);
		move(log, sockets[1]);
	}
	close(sockets[1]);
	log->mover = sockets[0];
	return pid < 0 ? -1 : 0;
}

/* Without a new file the old one goes on. */
static void rotate(struct log *log)
{
	int old = log->fd;

	if (log->mover ? !ask_mover(log) : !move_old_files(log) && !log_open(log))
		close(old);
	else
		log->bytes = 0;		/* try again after as much */
}

int log_write(struct log *log, const char *bytes, size_t count)
{
	bool had_failed = log->failed;

	if (log->bytes_max && log->bytes >= log->bytes_max)
		rotate(log);
	while (count) {
		ssize_t done = write(log->fd, bytes, count);

		if (done < 0 && errno == EINTR)
			continue;
		log->failed = done <= 0;
		if (log->failed)
			return had_failed ? 0 : errno;
		log->bytes += (uint64_t)done;
		bytes += done;
		count -= (size_t)done;
	}
	return 0;
}
