// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Copyright (C) The Paravane developers
 *
 * Opening and closing, and the thread that reads once there are watches.
 */
#include "handle.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Stack of the reader: it holds no message, but every thread has the program's TLS in it. */
enum { READER_STACK = 64 * 1024 };

/* There when the program uses other libraries of Xen's; this one needs none of them. */
void xentoolcore__register_active_handle(struct active_handle *handle) __attribute__((weak));
void xentoolcore__deregister_active_handle(struct active_handle *handle) __attribute__((weak));

static int handle_restrict(struct active_handle *active, uint16_t domid)
{
	struct xs_handle *h = (struct xs_handle *)((char *)active -
						   offsetof(struct xs_handle, active));
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), error;

	(void)domid;
	if (null_fd < 0)
		return -1;
	error = dup3(null_fd, h->fd, O_CLOEXEC) < 0;
	close(null_fd);
	return error ? -1 : 0;
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	strcpy(address.sun_path, path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Opens whatever the path names. */
static int open_path(const char *path, bool *is_socket)
{
	struct stat status;

	if (stat(path, &status))
		return -1;
	*is_socket = S_ISSOCK(status.st_mode);
	return *is_socket ? open_socket(path) : open(path, O_RDWR | O_CLOEXEC);
}

static const char *device_path(void)
{
	const char *path = getenv("XENSTORED_PATH");

	if (path)
		return path;
	if (!access("/dev/xen/xenbus", F_OK))
		return "/dev/xen/xenbus";
	return "/proc/xen/xenbus";
}

static struct xs_handle *handle_new(int fd, bool is_socket, unsigned long flags)
{
	struct xs_handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->fd = fd;
	h->is_socket = is_socket;
	h->unwatch_filter = flags & XS_UNWATCH_FILTER;
	h->pipe_read = -1;
	h->pipe_write = -1;
	h->stop_fd = -1;
	STAILQ_INIT(&h->events);
	pthread_mutex_init(&h->request, NULL);
	pthread_mutex_init(&h->reply_lock, NULL);
	pthread_cond_init(&h->reply_arrived, NULL);
	pthread_mutex_init(&h->watch_lock, NULL);
	pthread_cond_init(&h->event_arrived, NULL);
	h->active.restrict_callback = handle_restrict;
	if (xentoolcore__register_active_handle)
		xentoolcore__register_active_handle(&h->active);
	return h;
}

struct xs_handle *xs_open(unsigned long flags)
{
	struct xs_handle *h;
	bool is_socket;
	int fd = open_path(xs_daemon_socket(), &is_socket);

	if (fd < 0)
		fd = open_path(device_path(), &is_socket);
	if (fd < 0)
		return NULL;
	h = handle_new(fd, is_socket, flags);
	if (!h)
		close(fd);
	return h;
}

struct xs_handle *xs_daemon_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_domain_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_daemon_open_readonly(void)
{
	return xs_open(0);
}

static void *reader_main(void *arg)
{
	struct xs_handle *h = arg;

	while (handle_receive(h))
		;
	return NULL;
}

static bool reader_create(struct xs_handle *h)
{
	sigset_t all, old;
	pthread_attr_t attributes;
	size_t stack = READER_STACK;
	int error;

	/* The program's signal handlers do not expect to run in a thread of a library. */
	sigfillset(&all);
	if (stack < (size_t)sysconf(_SC_THREAD_STACK_MIN))
		stack = sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, stack);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&h->reader, &attributes, reader_main, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	errno = error;
	return !error;
}

/* From the first watch on, events are read as they come. */
bool handle_start_reader(struct xs_handle *h)
{
	bool started;

	pthread_mutex_lock(&h->request);
	if (!h->is_socket && h->stop_fd < 0)
		h->stop_fd = eventfd(0, EFD_CLOEXEC);
	started = h->reader_runs ||
		  ((h->is_socket || h->stop_fd >= 0) && reader_create(h));
	h->reader_runs = started;
	pthread_mutex_unlock(&h->request);
	return started;
}

static void handle_stop_reader(struct xs_handle *h)
{
	const uint64_t one = 1;

	if (!h->reader_runs)
		return;
	if (h->is_socket)
		shutdown(h->fd, SHUT_RDWR);
	else if (write(h->stop_fd, &one, sizeof(one)) != sizeof(one))
		pthread_cancel(h->reader);
	pthread_join(h->reader, NULL);
}

static void handle_free(struct xs_handle *h)
{
	if (xentoolcore__deregister_active_handle)
		xentoolcore__deregister_active_handle(&h->active);
	events_free(h);
	free(h->reply.payload);
	close(h->fd);
	if (h->stop_fd >= 0)
		close(h->stop_fd);
	pthread_cond_destroy(&h->event_arrived);
	pthread_mutex_destroy(&h->watch_lock);
	pthread_cond_destroy(&h->reply_arrived);
	pthread_mutex_destroy(&h->reply_lock);
	pthread_mutex_destroy(&h->request);
	free(h);
}

void xs_close(struct xs_handle *h)
{
	if (!h)
		return;
	handle_stop_reader(h);
	handle_free(h);
}

void xs_daemon_close(struct xs_handle *h)
{
	xs_close(h);
}

/*
 * The thread was not inherited, and locks may be held by threads that were not
 * either: nothing is waited for, and nothing of the connection is touched but
 * this process's descriptor of it.
 */
void xs_daemon_destroy_postfork(struct xs_handle *h)
{
	events_free(h);
	free(h->reply.payload);
	close(h->fd);
	if (h->stop_fd >= 0)
		close(h->stop_fd);
	if (xentoolcore__deregister_active_handle)
		xentoolcore__deregister_active_handle(&h->active);
	free(h);
}
