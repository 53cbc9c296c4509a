/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Allocation that does not fail. Every byte a guest can make the daemon keep is
 * charged to that guest and limited (quota.c), so running out of memory means
 * that the machine is out of memory: end with a clear sentence, not half-way
 * through a change.
 */
#ifndef STORED_ALLOC_H
#define STORED_ALLOC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *alloc_checked(void *memory)
{
	if (!memory) {
		fputs("pvn-stored: the machine is out of memory, giving up\n", stderr);
		abort();
	}
	return memory;
}

static inline void *xmalloc(size_t bytes)
{
	return alloc_checked(malloc(bytes ? bytes : 1));
}

static inline void *xcalloc(size_t count, size_t bytes)
{
	return alloc_checked(calloc(count ? count : 1, bytes ? bytes : 1));
}

static inline void *xrealloc(void *memory, size_t bytes)
{
	return alloc_checked(realloc(memory, bytes ? bytes : 1));
}

static inline char *xstrndup(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

#endif
