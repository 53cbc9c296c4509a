// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See tail.h.
 */
#include "consoled/tail.h"

#include <stdlib.h>
#include <string.h>

int tail_create(struct tail *tail, size_t size)
{
	*tail = (struct tail){ .data = malloc(size), .size = size };
	return tail->data ? 0 : -1;
}

void tail_destroy(struct tail *tail)
{
	free(tail->data);
	*tail = (struct tail){ 0 };
}

static size_t at(const struct tail *tail, size_t offset)
{
	return (tail->start + offset) % tail->size;
}

void tail_add(struct tail *tail, const char *bytes, size_t count)
{
	size_t end, piece;

	if (count > tail->size) {
		tail->forgotten += count - tail->size;
		bytes += count - tail->size;
		count = tail->size;
	}
	if (count > tail_room(tail)) {
		tail->forgotten += count - tail_room(tail);
		tail_consume(tail, count - tail_room(tail));
	}
	end = at(tail, tail->used);
	piece = count < tail->size - end ? count : tail->size - end;
	memcpy(tail->data + end, bytes, piece);
	memcpy(tail->data, bytes + piece, count - piece);
	tail->used += count;
}

size_t tail_first(const struct tail *tail, const char **bytes)
{
	size_t piece = tail->size - tail->start;

	*bytes = tail->data + tail->start;
	return tail->used < piece ? tail->used : piece;
}

void tail_consume(struct tail *tail, size_t count)
{
	tail->start = at(tail, count);
	tail->used -= count;
}

void tail_append(struct tail *to, const struct tail *from)
{
	struct tail copy = *from;
	const char *bytes;
	size_t count;

	while ((count = tail_first(&copy, &bytes)) > 0) {
		tail_add(to, bytes, count);
		tail_consume(&copy, count);
	}
}
