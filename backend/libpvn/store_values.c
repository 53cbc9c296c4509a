// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Values of the store: numbers, whether a node is there, waiting for one. Made of
 * the client's other functions (store_client.c); the interface is store_client.h.
 */
#include "libpvn/store_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "libpvn/clock.h"

int pvn_store_read_u64(struct pvn_store *store, uint32_t tx, const char *path, uint64_t *value)
{
	char *text = pvn_store_read(store, tx, path, NULL);
	unsigned long long number;
	bool hex;
	char *end;

	if (!text)
		return -1;
	errno = 0;
	hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	/* strtoull() would also take blanks and signs: not numbers here. */
	if (text[0] < '0' || text[0] > '9')
		errno = EINVAL;
	number = strtoull(text, &end, hex ? 16 : 10);
	if (!errno && *end)
		errno = EINVAL;
	free(text);
	if (errno)
		return -1;
	*value = number;
	return 0;
}

int pvn_store_exists(struct pvn_store *store, uint32_t tx, const char *path)
{
	char *value = pvn_store_read(store, tx, path, NULL);

	free(value);
	if (value)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

/* 1 it is, 0 it is not (yet), -1 + errno. */
static int value_is(struct pvn_store *store, const char *path, const char *value)
{
	char *text = pvn_store_read(store, 0, path, NULL);
	int same;

	if (!text)
		return errno == ENOENT ? 0 : -1;
	same = !strcmp(text, value);
	free(text);
	return same;
}

/* Sleeps until the watched node may have changed. 1 go and look, 0 timed out, -1 + errno. */
static int wait_event(struct pvn_store *store, int64_t deadline)
{
	struct pollfd waiting = { .fd = pvn_store_fd(store), .events = POLLIN };
	char *path, *token;
	int got;

	for (;;) {
		int64_t left = deadline - pvn_now_ms();

		got = pvn_store_next_event(store, &path, &token);
		if (got) {
			if (got > 0) {
				free(path);
				free(token);
			}
			return got;
		}
		if (left <= 0)
			return 0;
		if (poll(&waiting, 1, left) < 0 && errno != EINTR)
			return -1;
	}
}

int pvn_store_wait_value(struct pvn_store *store, const char *path, const char *value,
			 int timeout_ms)
{
	struct pvn_store *own = pvn_store_open(pvn_store_path(store));
	int64_t deadline = pvn_now_ms() + timeout_ms;
	int result, error;

	if (!own)
		return -1;
	result = pvn_store_watch(own, path, "wait") ? -1 : 1;
	while (result > 0) {
		int is = value_is(own, path, value);

		result = is ? is : wait_event(own, deadline);
		if (is)
			break;
	}
	error = errno;
	pvn_store_close(own);
	errno = error;
	return result;
}
