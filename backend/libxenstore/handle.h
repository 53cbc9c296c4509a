/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copyright (C) The Paravane developers
 *
 * A connection as the files of this library see it. handle.c opens and closes
 * it, talk.c moves messages, events.c keeps events; nodes.c and admin.c are made of
 * requests.
 *
 * Locks, in the order in which they are taken: `request` for as long as a request
 * is outstanding, `reply` and `watch` for moments. Who reads the descriptor: the
 * holder of `request`, until the reader thread exists; from then on only that.
 */
#ifndef LIBXENSTORE_HANDLE_H
#define LIBXENSTORE_HANDLE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include <xenstore.h>

enum { MESSAGE_MAX = sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX };

/* What libxentoolcore keeps of a handle, to take its descriptor away: its layout is theirs. */
struct active_handle {
	int (*restrict_callback)(struct active_handle *handle, uint16_t domid);
	void *links[2];
};

struct event {
	STAILQ_ENTRY(event) link;
	char **vector;		/* one block with the strings */
};

struct reply {
	struct xsd_sockmsg header;
	char *payload;			/* with a NUL behind it */
	bool arrived;
};

struct xs_handle {
	int fd;				/* constant */
	bool is_socket, unwatch_filter;	/* constant */
	struct active_handle active;

	pthread_mutex_t request;
	bool reader_runs;		/* [request] */
	pthread_t reader;

	pthread_mutex_t reply_lock;
	pthread_cond_t reply_arrived;
	struct reply reply;		/* [reply] of the one outstanding request */
	bool failed;			/* [reply] the connection is lost */

	pthread_mutex_t watch_lock;
	pthread_cond_t event_arrived;
	STAILQ_HEAD(, event) events;	/* [watch] */
	bool watch_failed;		/* [watch] no more events will come */
	int pipe_read, pipe_write;	/* [watch] a byte is in it while there are events */

	int stop_fd;			/* ends a reader that waits on a device */
	size_t in_len;			/* of whoever reads */
	char in[2 * MESSAGE_MAX];
};

/*
 * talk.c: sends a request and waits for the reply: malloc'ed, a NUL behind it,
 * *len (may be NULL) its length. NULL with errno.
 */
char *handle_talk(struct xs_handle *h, uint32_t type, xs_transaction_t t,
		  const struct iovec *pieces, unsigned int count, unsigned int *len);

/* The same with one string; and for requests whose reply has no content. */
char *handle_ask(struct xs_handle *h, uint32_t type, xs_transaction_t t, const char *string,
		 unsigned int *len);
bool handle_tell(struct xs_handle *h, uint32_t type, xs_transaction_t t,
		 const struct iovec *pieces, unsigned int count);
bool handle_tell_string(struct xs_handle *h, uint32_t type, xs_transaction_t t,
			const char *string);

/* Reads what has arrived, waiting for some; delivers it. False: the connection is lost. */
bool handle_receive(struct xs_handle *h);

/* events.c */
bool events_add(struct xs_handle *h, const char *payload, size_t len);
void events_fail(struct xs_handle *h);
void events_free(struct xs_handle *h);

/* handle.c */
bool handle_start_reader(struct xs_handle *h);

static inline struct iovec string_piece(const char *string)
{
	size_t len = 0;

	while (string[len])
		len++;
	return (struct iovec){ (void *)(uintptr_t)string, len + 1 };
}

#endif
