/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The last bytes of a stream: a buffer of fixed size that forgets the oldest
 * bytes when it is full. Pure.
 */
#ifndef CONSOLED_TAIL_H
#define CONSOLED_TAIL_H

#include <stddef.h>

struct tail {
	char *data;
	size_t size;
	size_t start;		/* of the oldest byte */
	size_t used;
	size_t forgotten;	/* bytes that were pushed out */
};

/* 0, or -1 + errno. */
int tail_create(struct tail *tail, size_t size);
void tail_destroy(struct tail *tail);

/* Appends, forgetting as much as is needed. */
void tail_add(struct tail *tail, const char *bytes, size_t count);

/* The oldest bytes that lie in one piece; 0 when the buffer is empty. */
size_t tail_first(const struct tail *tail, const char **bytes);

/* The oldest `count` bytes have been used. */
void tail_consume(struct tail *tail, size_t count);

/* Room before anything is forgotten. */
static inline size_t tail_room(const struct tail *tail)
{
	return tail->size - tail->used;
}

/* Appends what `from` holds; `from` is unchanged. */
void tail_append(struct tail *to, const struct tail *from);

#endif
