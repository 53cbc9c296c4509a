// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Copyright (C) The Paravane developers
 *
 * What needs no connection: where the daemon is, permissions as text, paths.
 */
#include <xenstore.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer than any path that a socket can have. */
enum { PATH_BYTES = 256 };

const char *xs_daemon_rundir(void)
{
	static __thread char path[PATH_BYTES];
	const char *rundir = getenv("XENSTORED_RUNDIR");

	if (rundir)
		return rundir;
	rundir = getenv("PVN_RUNDIR");
	snprintf(path, sizeof(path), "%s/store", rundir && *rundir ? rundir : "/run/paravane");
	return path;
}

const char *xs_daemon_socket(void)
{
	static __thread char path[PATH_BYTES];
	const char *chosen = getenv("XENSTORED_PATH");

	if (chosen)
		return chosen;
	snprintf(path, sizeof(path), "%s/socket", xs_daemon_rundir());
	return path;
}

const char *xs_daemon_socket_ro(void)
{
	return xs_daemon_socket();
}

bool xs_write_all(int fd, const void *data, unsigned int len)
{
	const char *at = data;

	while (len) {
		ssize_t done = write(fd, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		len -= done;
	}
	return true;
}

static bool perm_parse(struct xs_permissions *perm, const char *text)
{
	char *end;

	switch (*text) {
	case 'n':
		perm->perms = XS_PERM_NONE;
		break;
	case 'r':
		perm->perms = XS_PERM_READ;
		break;
	case 'w':
		perm->perms = XS_PERM_WRITE;
		break;
	case 'b':
		perm->perms = XS_PERM_READ | XS_PERM_WRITE;
		break;
	default:
		return false;
	}
	perm->id = (unsigned int)strtol(text + 1, &end, 0);
	return end != text + 1 && !*end;
}

bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num, const char *strings)
{
	for (unsigned int i = 0; i < num; i++) {
		if (!perm_parse(&perms[i], strings)) {
			errno = EINVAL;
			return false;
		}
		strings += strlen(strings) + 1;
	}
	return true;
}

bool xs_path_is_subpath(const char *parent, const char *child)
{
	size_t len = strlen(parent);

	return !strncmp(parent, child, len) && (child[len] == '/' || !child[len]);
}
