/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the files of bench-work share.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds of a clock that only goes on. */
double work_now(void);
/* Ends the program with errno's words. */
void fail(const char *what) __attribute__((noreturn));

/* "p50 p90 p99 p99.9 max count", in microseconds; sorts what it gets. */
void work_print_latencies(double *microseconds, size_t count);

/* So many random 4 KiB transfers past the page cache, `depth` at a time. Prints how many
 * in a second, and how many. */
void work_disk(const char *path, bool write, unsigned int depth, unsigned int count);
/* So many bytes of text to a terminal, until they are gone. Prints KB/s and bytes. */
void work_console(const char *path, size_t bytes);
/* Answers every byte of every TCP connection, for ever. */
void work_serve(void) __attribute__((noreturn));
/* Sends one byte and waits for it, so many times. Prints latencies. */
void work_ask(const char *address, unsigned int count);
/* Reads xentrace's output from stdin until it ends, and keeps in a file how many exits there
 * were: "exits N", "lost N" (records that Xen had no room for), "0xCODE N". */
void work_xen_exits(const char *path);

#endif
