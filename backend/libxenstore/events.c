// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Copyright (C) The Paravane developers
 *
 * Watches and their events. Programs with an event loop wait for the read end of
 * a pipe, in which a byte lies exactly while events are queued.
 */
#include "handle.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A pipe holds at least a page: one byte never blocks and never fails. */
static void pipe_mark(struct xs_handle *h)
{
	while (h->pipe_write >= 0 && write(h->pipe_write, "", 1) < 0 && errno == EINTR)
		;
}

static void pipe_clear(struct xs_handle *h)
{
	char byte;

	while (h->pipe_read >= 0 && read(h->pipe_read, &byte, 1) < 0 && errno == EINTR)
		;
}

/* The event keeps its vector in a block of its own, which becomes the caller's. */
static struct event *event_new(const char *payload, size_t len)
{
	const char *nul = memchr(payload, '\0', len);
	struct event *event = malloc(sizeof(*event));
	char **vector = malloc(2 * sizeof(*vector) + len);

	if (!nul || nul == payload + len - 1 || payload[len - 1] || !event || !vector) {
		free(event);
		free(vector);
		return NULL;
	}
	memcpy(vector + 2, payload, len);
	vector[XS_WATCH_PATH] = (char *)(vector + 2);
	vector[XS_WATCH_TOKEN] = vector[XS_WATCH_PATH] + (nul - payload) + 1;
	event->vector = vector;
	return event;
}

bool events_add(struct xs_handle *h, const char *payload, size_t len)
{
	struct event *event = len ? event_new(payload, len) : NULL;

	if (!event)
		return false;
	pthread_mutex_lock(&h->watch_lock);
	if (STAILQ_EMPTY(&h->events))
		pipe_mark(h);
	STAILQ_INSERT_TAIL(&h->events, event, link);
	pthread_cond_signal(&h->event_arrived);
	pthread_mutex_unlock(&h->watch_lock);
	return true;
}

void events_fail(struct xs_handle *h)
{
	pthread_mutex_lock(&h->watch_lock);
	h->watch_failed = true;
	/* Without a writer the pipe is readable for ever: the program will look, and learn. */
	if (h->pipe_write >= 0)
		close(h->pipe_write);
	h->pipe_write = -1;
	pthread_cond_broadcast(&h->event_arrived);
	pthread_mutex_unlock(&h->watch_lock);
}

void events_free(struct xs_handle *h)
{
	struct event *event;

	while ((event = STAILQ_FIRST(&h->events))) {
		STAILQ_REMOVE_HEAD(&h->events, link);
		free(event->vector);
		free(event);
	}
	if (h->pipe_read >= 0)
		close(h->pipe_read);
	if (h->pipe_write >= 0)
		close(h->pipe_write);
}

int xs_fileno(struct xs_handle *h)
{
	int ends[2], fd;

	pthread_mutex_lock(&h->watch_lock);
	if (h->pipe_read < 0 && !pipe2(ends, O_CLOEXEC)) {
		h->pipe_read = ends[0];
		h->pipe_write = ends[1];
		if (!STAILQ_EMPTY(&h->events))
			pipe_mark(h);
		if (h->watch_failed) {
			close(h->pipe_write);
			h->pipe_write = -1;
		}
	}
	fd = h->pipe_read;
	pthread_mutex_unlock(&h->watch_lock);
	return fd;
}

/* The oldest event; `wait` for one. NULL with errno. */
static char **next_event(struct xs_handle *h, bool wait)
{
	struct event *event;
	char **vector = NULL;
	int error = 0;

	pthread_mutex_lock(&h->watch_lock);
	while (wait && STAILQ_EMPTY(&h->events) && !h->watch_failed)
		pthread_cond_wait(&h->event_arrived, &h->watch_lock);
	event = STAILQ_FIRST(&h->events);
	if (event) {
		STAILQ_REMOVE_HEAD(&h->events, link);
		vector = event->vector;
		free(event);
		if (STAILQ_EMPTY(&h->events))
			pipe_clear(h);
	} else {
		error = h->watch_failed ? EINVAL : EAGAIN;
	}
	pthread_mutex_unlock(&h->watch_lock);
	if (error)
		errno = error;
	return vector;
}

char **xs_check_watch(struct xs_handle *h)
{
	return next_event(h, false);
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
	char **vector = next_event(h, true);

	if (vector)
		*num = 2;
	return vector;
}

static bool watch(struct xs_handle *h, const char *path, const char *token, const char *depth)
{
	struct iovec pieces[3] = { string_piece(path), string_piece(token) };

	if (depth)
		pieces[2] = string_piece(depth);
	return handle_start_reader(h) &&
	       handle_tell(h, XS_WATCH, XBT_NULL, pieces, depth ? 3 : 2);
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	return watch(h, path, token, NULL);
}

bool xs_watch_depth(struct xs_handle *h, const char *path, const char *token,
		    unsigned int depth)
{
	enum { FEATURE_WATCH_DEPTH = 4 };
	unsigned int features;
	char text[MAX_STRLEN(depth)];

	if (!xs_get_features_supported(h, &features))
		return false;
	if (!(features & FEATURE_WATCH_DEPTH)) {
		errno = ENOSYS;
		return false;
	}
	snprintf(text, sizeof(text), "%u", depth);
	return watch(h, path, token, text);
}

bool xs_watch_try_depth(struct xs_handle *h, const char *path, const char *token,
			unsigned int depth)
{
	return xs_watch_depth(h, path, token, depth) ||
	       (errno != EEXIST && xs_watch(h, path, token));
}

/* Events of a token at or below a path that are still queued. */
static void drop_events(struct xs_handle *h, const char *path, const char *token)
{
	STAILQ_HEAD(, event) kept = STAILQ_HEAD_INITIALIZER(kept);
	struct event *event;
	bool had_some;

	pthread_mutex_lock(&h->watch_lock);
	had_some = !STAILQ_EMPTY(&h->events);
	while ((event = STAILQ_FIRST(&h->events))) {
		STAILQ_REMOVE_HEAD(&h->events, link);
		if (!strcmp(event->vector[XS_WATCH_TOKEN], token) &&
		    xs_path_is_subpath(path, event->vector[XS_WATCH_PATH])) {
			free(event->vector);
			free(event);
		} else {
			STAILQ_INSERT_TAIL(&kept, event, link);
		}
	}
	STAILQ_CONCAT(&h->events, &kept);
	if (had_some && STAILQ_EMPTY(&h->events))
		pipe_clear(h);
	pthread_mutex_unlock(&h->watch_lock);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	const struct iovec pieces[] = { string_piece(path), string_piece(token) };
	bool done = handle_tell(h, XS_UNWATCH, XBT_NULL, pieces, 2);

	/* What fired before was sent before the reply, so it is queued already. */
	if (h->unwatch_filter)
		drop_events(h, path, token);
	return done;
}
