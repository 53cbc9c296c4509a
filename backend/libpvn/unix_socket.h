/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Addresses of local sockets: a path that does not fit is an error, not another path.
 */
#ifndef PVN_UNIX_SOCKET_H
#define PVN_UNIX_SOCKET_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* 0, or -1 with ENAMETOOLONG. */
static inline int pvn_unix_address(struct sockaddr_un *address, const char *path)
{
	size_t bytes = strlen(path) + 1;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (bytes > sizeof(address->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address->sun_path, path, bytes);
	return 0;
}

#endif
