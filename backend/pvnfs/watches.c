// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Events of the store: a connection of its own and a thread that waits on it.
 * Open files that somebody polls are watched under a token that is their number.
 */
#include "pvnfs/pvnfs.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RETRY_MS = 500, EVENTS_BYTES_MAX = 1 << 20 };

/* Everything below is under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, file) files = TAILQ_HEAD_INITIALIZER(files);
static struct pvn_store *store;		/* NULL while the daemon is away */
static unsigned int last_token;
static int wake_fd = -1;

static void tell(struct file *file)
{
	if (!file->waiting)
		return;
	fuse_notify_poll(file->waiting);
	fuse_pollhandle_destroy(file->waiting);
	file->waiting = NULL;
}

/* Events are lines. When nobody reads them, the folder's own name stands for all. */
static void add_event(struct file *file, const char *path)
{
	size_t len = strlen(path);
	char *grown;

	if (file->len + len + 1 > EVENTS_BYTES_MAX)
		return;
	grown = realloc(file->data, file->len + len + 1);
	if (!grown)
		return;
	memcpy(grown + file->len, path, len);
	grown[file->len + len] = '\n';
	file->data = grown;
	file->len += len + 1;
}

static void on_event(const char *path, const char *token)
{
	unsigned int number = strtoul(token, NULL, 10);
	struct file *file;

	TAILQ_FOREACH(file, &files, link)
		if (file->token == number)
			break;
	if (!file)
		return;
	if (file->initial_due) {
		file->initial_due = false;
		return;
	}
	if (file->kind == FILE_WATCH)
		add_event(file, path);
	file->changed = true;
	tell(file);
}

static int watch(struct file *file)
{
	char token[16];

	snprintf(token, sizeof(token), "%u", file->token);
	file->initial_due = true;
	return pvn_store_watch(store, file->node, token) ? -errno : 0;
}

/* A new daemon knows of no watch, and of what it was told meanwhile we know nothing. */
static void connect_again(void)
{
	struct file *file;

	pvn_store_close(store);
	store = pvn_store_open(pvnfs_options.socket);
	if (!store)
		return;
	TAILQ_FOREACH(file, &files, link) {
		watch(file);
		if (file->kind == FILE_WATCH)
			add_event(file, file->node);
		file->changed = true;
		tell(file);
	}
}

static void take_events(void)
{
	char *path, *token;
	int got;

	while (store && (got = pvn_store_next_event(store, &path, &token))) {
		if (got < 0) {
			pvn_store_close(store);
			store = NULL;
			return;
		}
		on_event(path, token);
		free(path);
		free(token);
	}
}

static void *thread_main(void *arg)
{
	uint64_t count;

	(void)arg;
	for (;;) {
		struct pollfd fds[] = { { wake_fd, POLLIN, 0 }, { -1, POLLIN, 0 } };

		pthread_mutex_lock(&lock);
		if (!store)
			connect_again();
		take_events();
		fds[1].fd = store ? pvn_store_fd(store) : -1;
		pthread_mutex_unlock(&lock);
		poll(fds, 2, fds[1].fd < 0 ? RETRY_MS : -1);
		if (fds[0].revents && read(wake_fd, &count, sizeof(count)) < 0)
			break;
	}
	return NULL;
}

/* A request may have pulled events off the descriptor: the thread has to look. */
static void wake(void)
{
	const uint64_t one = 1;

	if (write(wake_fd, &one, sizeof(one)) < 0)
		return;		/* full: it will look anyway */
}

int watches_start(void)
{
	pthread_t thread;
	int error;

	wake_fd = eventfd(0, EFD_CLOEXEC);
	if (wake_fd < 0)
		return -errno;
	error = pthread_create(&thread, NULL, thread_main, NULL);
	if (!error)
		pthread_detach(thread);
	return -error;
}

int watches_add(struct file *file)
{
	int error = 0;

	pthread_mutex_lock(&lock);
	if (!file->watched) {
		file->token = ++last_token;
		error = store ? watch(file) : 0;
		file->watched = !error;
		if (!error)
			TAILQ_INSERT_TAIL(&files, file, link);
	}
	pthread_mutex_unlock(&lock);
	wake();
	return error;
}

void watches_remove(struct file *file)
{
	char token[16];

	pthread_mutex_lock(&lock);
	if (file->watched) {
		TAILQ_REMOVE(&files, file, link);
		snprintf(token, sizeof(token), "%u", file->token);
		if (store)
			pvn_store_unwatch(store, file->node, token);
	}
	if (file->waiting)
		fuse_pollhandle_destroy(file->waiting);
	file->waiting = NULL;
	pthread_mutex_unlock(&lock);
	wake();
}

unsigned int watches_poll(struct file *file, struct fuse_pollhandle *waiting)
{
	unsigned int events = POLLOUT;

	pthread_mutex_lock(&lock);
	if (waiting) {
		if (file->waiting)
			fuse_pollhandle_destroy(file->waiting);
		file->waiting = waiting;
	}
	if (file->changed)
		events |= POLLIN | POLLPRI;
	pthread_mutex_unlock(&lock);
	return events;
}

void watches_seen(struct file *file)
{
	pthread_mutex_lock(&lock);
	file->changed = false;
	pthread_mutex_unlock(&lock);
}

int watches_take(struct file *file, char *buffer, size_t size)
{
	size_t len;

	pthread_mutex_lock(&lock);
	len = file->len < size ? file->len : size;
	/* Whole lines only, unless one alone is too long. */
	while (len < file->len && len && file->data[len - 1] != '\n')
		len--;
	if (!len && file->len)
		len = size;
	if (len)
		memcpy(buffer, file->data, len);
	file->len -= len;
	if (file->len)
		memmove(file->data, file->data + len, file->len);
	file->changed = file->len;
	pthread_mutex_unlock(&lock);
	return (int)len;
}
