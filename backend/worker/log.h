/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The guest's log, <logdir>/<name>.log: one line an event, with the time.
 */
#ifndef WORKER_LOG_H
#define WORKER_LOG_H

/* Opens the log for appending; back-ends write to the same descriptor. -1 + errno. */
int log_open(const char *path);
int log_fd(void);
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
