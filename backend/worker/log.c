// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The guest's log; see log.h. A line is one write, so that lines of several
 * processes do not mix.
 */
#include "worker/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int fd = STDERR_FILENO;

int log_open(const char *path)
{
	int opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (opened < 0)
		return -1;
	fd = opened;
	return 0;
}

int log_fd(void)
{
	return fd;
}

void log_line(const char *format, ...)
{
	char line[1024];
	time_t now = time(NULL);
	va_list arguments;
	struct tm t;
	size_t used;
	int wrote;

	gmtime_r(&now, &t);
	used = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%SZ ", &t);
	va_start(arguments, format);
	wrote = vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
	va_end(arguments);
	if (wrote < 0)
		return;
	used += wrote;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	/* Nothing can be done about a log that cannot be written. */
	if (write(fd, line, used) < 0)
		return;
}
