// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See backend.h. The last steps of a back-end's start: to be the only one, and to give
 * up what it does not need.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpvn/backend.h"
#include "libpvn/sandbox.h"

static int refuse(const struct pvn_backend *backend, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", backend->ops->program, what, strerror(errno));
	return -1;
}

static const char *rundir(void)
{
	const char *name = getenv("PVN_RUNDIR");

	return name && *name ? name : PVN_STORE_DEFAULT_RUNDIR;
}

/* The lock is the process's: it ends with it, however it ends. Its children do not have it. */
int pvn_backend_claim(const struct pvn_backend *backend)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PVN_BACKEND_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/backends", rundir());
	if (mkdir(path, 0700) && errno != EEXIST)
		return refuse(backend, path);
	snprintf(path, sizeof(path), "%s/backends/%s-%u-%u", rundir(), backend->ops->kind,
		 backend->domid, backend->device);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return refuse(backend, path);
	if (!fcntl(fd, F_SETLK, &lock))
		return 0;	/* kept open until the end */
	pvn_backend_log(backend, "another process serves this device already; ending");
	close(fd);
	return -1;
}

int pvn_backend_confine(const struct pvn_backend *backend, unsigned int needs, const char *folder)
{
	char store[PVN_BACKEND_PATH_MAX];
	const struct pvn_sandbox sandbox = {
		.needs = needs, .uid = backend->uid,
		/* Where /etc/resolv.conf may lead to. */
		.folder = { folder, needs & PVN_SANDBOX_NETWORK ? "-/run/systemd/resolve" : NULL,
			    store },
	};

	snprintf(store, sizeof(store), "%s/store", rundir());
	if (!pvn_sandbox_enter(&sandbox))
		return 0;
	return refuse(backend, "sandbox");
}
