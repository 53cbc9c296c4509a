// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See log.h.
 */
#include "consoled/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Without a new file the old one goes on. */
static void rotate(struct log *log)
{
	int old = log->fd;

	if (!move_old_files(log) && !log_open(log))
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
