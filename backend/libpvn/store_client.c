// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Client of the store; the interface and its rules are in store_client.h. What is made
 * of other functions of it is in store_values.c.
 *
 * One request is outstanding at a time. Whatever arrives passes through one
 * buffer: events go to a queue, the reply to whoever waits. The buffer holds two
 * messages of the largest size, so there is always room for a whole one.
 */
#include "libpvn/store_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pvn/abi/store.h"

enum { MESSAGE_MAX = sizeof(struct pvn_store_header) + PVN_STORE_PAYLOAD_MAX };

struct store_event {
	STAILQ_ENTRY(store_event) link;
	char *path;
	char *token;
};

/* A reply while it is waited for. */
struct store_reply {
	uint32_t req_id;
	uint32_t type;
	bool arrived;
	char *payload;		/* malloc'ed, NUL behind it */
	size_t len;
};

struct pvn_store {
	int fd;
	bool lost;
	uint32_t last_req_id;
	STAILQ_HEAD(, store_event) events;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	size_t in_len;
	uint8_t in[2 * MESSAGE_MAX];
};

/* A message to send: header and up to three pieces. */
enum { REQUEST_PIECES = 3 };

static const struct {
	const char *name;
	int number;
} error_names[] = {
#define ROW(name) { #name, name },
	PVN_STORE_ERRORS(ROW)
#undef ROW
};

static int error_number(const char *name)
{
	for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++)
		if (!strcmp(error_names[i].name, name))
			return error_names[i].number;
	return EINVAL;
}

static int socket_path(const char *path, char *full, size_t size)
{
	const char *rundir = getenv("PVN_RUNDIR");
	int len;

	if (path)
		len = snprintf(full, size, "%s", path);
	else
		len = snprintf(full, size, "%s/store/socket",
			       rundir && *rundir ? rundir : PVN_STORE_DEFAULT_RUNDIR);
	if ((size_t)len < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int socket_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

struct pvn_store *pvn_store_open(const char *path)
{
	struct pvn_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	STAILQ_INIT(&store->events);
	if (socket_path(path, store->path, sizeof(store->path)))
		goto fail;
	store->fd = socket_connect(store->path);
	if (store->fd < 0)
		goto fail;
	return store;
fail:
	free(store);
	return NULL;
}

static void event_free(struct pvn_store *store, struct store_event *event)
{
	STAILQ_REMOVE(&store->events, event, store_event, link);
	free(event->path);
	free(event->token);
	free(event);
}

void pvn_store_close(struct pvn_store *store)
{
	if (!store)
		return;
	while (!STAILQ_EMPTY(&store->events))
		event_free(store, STAILQ_FIRST(&store->events));
	close(store->fd);
	free(store);
}

int pvn_store_fd(const struct pvn_store *store)
{
	return store->fd;
}

const char *pvn_store_path(const struct pvn_store *store)
{
	return store->path;
}

bool pvn_store_events_pending(const struct pvn_store *store)
{
	return !STAILQ_EMPTY(&store->events);
}

static int store_lose(struct pvn_store *store)
{
	store->lost = true;
	errno = ENOTCONN;
	return -1;
}

/* Copies bytes and puts a NUL behind them. */
static char *bytes_to_string(const void *bytes, size_t len)
{
	char *string = malloc(len + 1);

	if (!string)
		return NULL;
	memcpy(string, bytes, len);
	string[len] = '\0';
	return string;
}

static int event_queue(struct pvn_store *store, const char *payload, size_t len)
{
	const char *nul = memchr(payload, '\0', len);
	struct store_event *event;

	if (!nul || payload[len - 1] != '\0' || nul == payload + len - 1)
		return -1;
	event = calloc(1, sizeof(*event));
	if (!event)
		return -1;
	event->path = strdup(payload);
	event->token = strdup(nul + 1);
	STAILQ_INSERT_TAIL(&store->events, event, link);
	if (event->path && event->token)
		return 0;
	event_free(store, event);
	return -1;
}

static int message_take(struct pvn_store *store, const struct pvn_store_header *header,
			const uint8_t *payload, struct store_reply *reply)
{
	if (header->type == PVN_STORE_WATCH_EVENT)
		return event_queue(store, (const char *)payload, header->len);
	/* Nothing but events comes unasked. */
	if (!reply || reply->arrived || header->req_id != reply->req_id)
		return -1;
	reply->arrived = true;
	reply->type = header->type;
	reply->len = header->len;
	reply->payload = bytes_to_string(payload, header->len);
	return reply->payload ? 0 : -1;
}

/* Takes every complete message out of the buffer. */
static int store_parse(struct pvn_store *store, struct store_reply *reply)
{
	struct pvn_store_header header;
	size_t pos = 0;

	while (store->in_len - pos >= sizeof(header)) {
		memcpy(&header, store->in + pos, sizeof(header));
		if (header.len > PVN_STORE_PAYLOAD_MAX)
			return store_lose(store);
		if (store->in_len - pos < sizeof(header) + header.len)
			break;
		if (message_take(store, &header, store->in + pos + sizeof(header), reply))
			return store_lose(store);
		pos += sizeof(header) + header.len;
	}
	memmove(store->in, store->in + pos, store->in_len - pos);
	store->in_len -= pos;
	return 0;
}

/* Receives once and parses. 1: something came; 0: nothing there (MSG_DONTWAIT); -1: lost. */
static int store_receive(struct pvn_store *store, struct store_reply *reply, int flags)
{
	ssize_t got;

	do {
		got = recv(store->fd, store->in + store->in_len,
			   sizeof(store->in) - store->in_len, flags);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got <= 0)
		return store_lose(store);
	store->in_len += got;
	return store_parse(store, reply) ? -1 : 1;
}

static int store_send(struct pvn_store *store, struct iovec *pieces, unsigned int count)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };

	while (message.msg_iovlen) {
		ssize_t sent = sendmsg(store->fd, &message, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return store_lose(store);
		while (message.msg_iovlen && (size_t)sent >= message.msg_iov->iov_len) {
			sent -= message.msg_iov->iov_len;
			message.msg_iov++;
			message.msg_iovlen--;
		}
		if (message.msg_iovlen) {
			message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
			message.msg_iov->iov_len -= sent;
		}
	}
	return 0;
}

/* Sends header and pieces and waits for the reply, which the caller owns. -1: lost. */
static int store_exchange(struct pvn_store *store, struct pvn_store_header *header,
			  const struct iovec *payload, unsigned int count,
			  struct store_reply *reply)
{
	struct iovec pieces[1 + REQUEST_PIECES];

	if (store->lost) {
		errno = ENOTCONN;
		return -1;
	}
	header->req_id = ++store->last_req_id;
	*reply = (struct store_reply){ .req_id = header->req_id };
	pieces[0] = (struct iovec){ header, sizeof(*header) };
	memcpy(pieces + 1, payload, count * sizeof(*payload));
	if (store_send(store, pieces, 1 + count))
		return -1;
	while (!reply->arrived)
		if (store_receive(store, reply, 0) < 0) {
			free(reply->payload);
			return -1;
		}
	return 0;
}

static char *store_request(struct pvn_store *store, uint32_t type, uint32_t tx,
			   const struct iovec *payload, unsigned int count, size_t *reply_len)
{
	struct pvn_store_header header = { .type = type, .tx_id = tx };
	struct store_reply reply;
	size_t len = 0;

	for (unsigned int i = 0; i < count; i++)
		len += payload[i].iov_len;
	if (len > PVN_STORE_PAYLOAD_MAX) {
		errno = E2BIG;
		return NULL;
	}
	header.len = len;
	if (store_exchange(store, &header, payload, count, &reply))
		return NULL;
	if (reply.type == type) {
		if (reply_len)
			*reply_len = reply.len;
		return reply.payload;
	}
	errno = reply.type == PVN_STORE_ERROR ? error_number(reply.payload) : EIO;
	free(reply.payload);
	return NULL;
}

char *pvn_store_request(struct pvn_store *store, uint32_t type, uint32_t tx,
			const void *payload, size_t payload_len, size_t *reply_len)
{
	const struct iovec piece = { (void *)payload, payload_len };

	return store_request(store, type, tx, &piece, 1, reply_len);
}

/* A piece with its NUL. */
static struct iovec string_piece(const char *string)
{
	return (struct iovec){ (void *)string, strlen(string) + 1 };
}

/* For requests whose reply says no more than that they were carried out. */
static int store_command(struct pvn_store *store, uint32_t type, uint32_t tx,
			 const struct iovec *payload, unsigned int count)
{
	char *reply = store_request(store, type, tx, payload, count, NULL);

	free(reply);
	return reply ? 0 : -1;
}

static char *store_ask_path(struct pvn_store *store, uint32_t type, uint32_t tx,
			    const char *path, size_t *len)
{
	const struct iovec piece = string_piece(path);

	return store_request(store, type, tx, &piece, 1, len);
}

static int store_command_path(struct pvn_store *store, uint32_t type, uint32_t tx,
			      const char *path)
{
	const struct iovec piece = string_piece(path);

	return store_command(store, type, tx, &piece, 1);
}

char *pvn_store_read(struct pvn_store *store, uint32_t tx, const char *path, size_t *len)
{
	return store_ask_path(store, PVN_STORE_READ, tx, path, len);
}

/* Formats into `text` of PVN_STORE_PAYLOAD_MAX bytes; E2BIG when that is too small. */
static int format_text(char *text, const char *format, va_list args)
{
	int len = vsnprintf(text, PVN_STORE_PAYLOAD_MAX, format, args);

	if (len >= 0 && (size_t)len < PVN_STORE_PAYLOAD_MAX)
		return 0;
	errno = E2BIG;
	return -1;
}

char *pvn_store_readf(struct pvn_store *store, uint32_t tx, const char *path_format, ...)
{
	char path[PVN_STORE_PAYLOAD_MAX];
	va_list args;
	int error;

	va_start(args, path_format);
	error = format_text(path, path_format, args);
	va_end(args);
	return error ? NULL : pvn_store_read(store, tx, path, NULL);
}

int pvn_store_write(struct pvn_store *store, uint32_t tx, const char *path, const void *data,
		    size_t len)
{
	const struct iovec pieces[] = { string_piece(path), { (void *)data, len } };

	return store_command(store, PVN_STORE_WRITE, tx, pieces, 2);
}

int pvn_store_writef(struct pvn_store *store, uint32_t tx, const char *value,
		     const char *path_format, ...)
{
	char path[PVN_STORE_PAYLOAD_MAX];
	va_list args;
	int error;

	va_start(args, path_format);
	error = format_text(path, path_format, args);
	va_end(args);
	return error ? -1 : pvn_store_write(store, tx, path, value, strlen(value));
}

int pvn_store_printf(struct pvn_store *store, uint32_t tx, const char *path,
		     const char *value_format, ...)
{
	char value[PVN_STORE_PAYLOAD_MAX];
	va_list args;
	int error;

	va_start(args, value_format);
	error = format_text(value, value_format, args);
	va_end(args);
	return error ? -1 : pvn_store_write(store, tx, path, value, strlen(value));
}

int pvn_store_mkdir(struct pvn_store *store, uint32_t tx, const char *path)
{
	return store_command_path(store, PVN_STORE_MKDIR, tx, path);
}

int pvn_store_rm(struct pvn_store *store, uint32_t tx, const char *path)
{
	return store_command_path(store, PVN_STORE_RM, tx, path);
}

/* A long list of names in the making. */
struct name_list {
	char *bytes;
	size_t len;
	char generation[24];
};

/* One part of the list: 1 complete, 0 more to come, -1 + errno (EAGAIN: it changed meanwhile). */
static int directory_take_part(struct pvn_store *store, uint32_t tx, const char *path,
			       struct name_list *list)
{
	char offset[24], *reply, *bytes;
	struct iovec pieces[2];
	size_t len, skip;
	bool last;

	snprintf(offset, sizeof(offset), "%zu", list->len);
	pieces[0] = string_piece(path);
	pieces[1] = string_piece(offset);
	reply = store_request(store, PVN_STORE_DIRECTORY_PART, tx, pieces, 2, &len);
	if (!reply)
		return -1;
	skip = strlen(reply) + 1;
	if (!list->len)
		snprintf(list->generation, sizeof(list->generation), "%s", reply);
	bytes = len > skip ? realloc(list->bytes, list->len + len - skip) : NULL;
	if (!bytes || strcmp(list->generation, reply)) {
		if (bytes)
			list->bytes = bytes;
		errno = bytes ? EAGAIN : len > skip ? ENOMEM : EIO;
		free(reply);
		return -1;
	}
	list->bytes = bytes;
	len -= skip;
	/* The end of the list is an empty name. */
	last = reply[skip + len - 1] == '\0' && (len == 1 || reply[skip + len - 2] == '\0');
	len -= last;
	memcpy(list->bytes + list->len, reply + skip, len);
	list->len += len;
	free(reply);
	return last;
}

static int directory_take_parts(struct pvn_store *store, uint32_t tx, const char *path,
				struct name_list *list)
{
	int done;

	do {
		list->len = 0;
		do {
			done = directory_take_part(store, tx, path, list);
		} while (!done);
	} while (done < 0 && errno == EAGAIN);
	return done < 0 ? -1 : 0;
}

/* Turns "a\0b\0" into one block of pointers and strings. */
static char **names_split(const char *bytes, size_t len, unsigned int *count)
{
	unsigned int names = 0;
	char **list, *text;

	for (size_t i = 0; i < len; i++)
		names += bytes[i] == '\0';
	list = malloc((names + 1) * sizeof(*list) + len);
	if (!list)
		return NULL;
	text = (char *)(list + names + 1);
	if (len)
		memcpy(text, bytes, len);
	for (unsigned int i = 0; i < names; i++) {
		list[i] = text;
		text += strlen(text) + 1;
	}
	list[names] = NULL;
	if (count)
		*count = names;
	return list;
}

char **pvn_store_directory(struct pvn_store *store, uint32_t tx, const char *path,
			   unsigned int *count)
{
	struct name_list list = { 0 };
	char **names = NULL;

	list.bytes = store_ask_path(store, PVN_STORE_DIRECTORY, tx, path, &list.len);
	if (!list.bytes && errno == E2BIG && directory_take_parts(store, tx, path, &list)) {
		free(list.bytes);
		return NULL;
	}
	if (list.bytes)
		names = names_split(list.bytes, list.len, count);
	free(list.bytes);
	return names;
}

int pvn_store_set_perms(struct pvn_store *store, uint32_t tx, const char *path,
			const struct pvn_store_perm *perms, unsigned int count)
{
	struct iovec pieces[2] = { string_piece(path) };
	char text[PVN_STORE_PAYLOAD_MAX];
	size_t len = 0;

	for (unsigned int i = 0; i < count; i++) {
		len += 1 + snprintf(text + len, sizeof(text) - len, "%c%u", perms[i].access,
				    perms[i].domid);
		if (len >= sizeof(text)) {
			errno = E2BIG;
			return -1;
		}
	}
	pieces[1] = (struct iovec){ text, len };
	return store_command(store, PVN_STORE_SET_PERMS, tx, pieces, 2);
}

/* The next entry of "n0 r1" or, with '\0' as separator, of a reply. NULL: malformed. */
static const char *perm_parse(const char *text, struct pvn_store_perm *perm)
{
	unsigned long domid;
	char *end;

	if (!text[0] || !strchr("nrwb", text[0]) || text[1] < '0' || text[1] > '9')
		return NULL;
	domid = strtoul(text + 1, &end, 10);
	if (domid > UINT16_MAX || (*end && *end != ' '))
		return NULL;
	perm->access = text[0];
	perm->domid = domid;
	return end;
}

int pvn_store_set_perms_text(struct pvn_store *store, uint32_t tx, const char *path,
			     const char *text)
{
	enum { COUNT_MAX = 512 };
	struct pvn_store_perm perms[COUNT_MAX];
	unsigned int count = 0;

	for (;;) {
		text += strspn(text, " ");
		if (!*text)
			break;
		text = count < COUNT_MAX ? perm_parse(text, &perms[count++]) : NULL;
		if (!text) {
			errno = EINVAL;
			return -1;
		}
	}
	return pvn_store_set_perms(store, tx, path, perms, count);
}

struct pvn_store_perm *pvn_store_get_perms(struct pvn_store *store, uint32_t tx,
					   const char *path, unsigned int *count)
{
	struct pvn_store_perm *perms;
	unsigned int entries = 0;
	size_t len;
	char *reply = store_ask_path(store, PVN_STORE_GET_PERMS, tx, path, &len);

	if (!reply)
		return NULL;
	perms = calloc(len / 2 + 1, sizeof(*perms));
	for (const char *at = reply; perms && at < reply + len; at++) {
		at = perm_parse(at, &perms[entries++]);
		if (!at) {
			free(perms);
			perms = NULL;
			errno = EIO;
			break;
		}
	}
	free(reply);
	if (perms && count)
		*count = entries;
	return perms;
}

int pvn_store_transaction_start(struct pvn_store *store, uint32_t *tx)
{
	char *reply = store_ask_path(store, PVN_STORE_TRANSACTION_START, 0, "", NULL);

	if (!reply)
		return -1;
	*tx = strtoul(reply, NULL, 10);
	free(reply);
	return 0;
}

int pvn_store_transaction_end(struct pvn_store *store, uint32_t tx, bool commit)
{
	return store_command_path(store, PVN_STORE_TRANSACTION_END, tx, commit ? "T" : "F");
}

int pvn_store_watch(struct pvn_store *store, const char *path, const char *token)
{
	const struct iovec pieces[] = { string_piece(path), string_piece(token) };

	return store_command(store, PVN_STORE_WATCH, 0, pieces, 2);
}

static bool path_is_below(const char *path, const char *base)
{
	size_t len = strlen(base);

	if (!strcmp(base, "/"))
		return path[0] == '/';
	return !strncmp(path, base, len) && (path[len] == '\0' || path[len] == '/');
}

int pvn_store_unwatch(struct pvn_store *store, const char *path, const char *token)
{
	const struct iovec pieces[] = { string_piece(path), string_piece(token) };
	struct store_event *event, *next;

	if (store_command(store, PVN_STORE_UNWATCH, 0, pieces, 2))
		return -1;
	/* The daemon keeps order: whatever it sent for this watch was before the reply. */
	for (event = STAILQ_FIRST(&store->events); event; event = next) {
		next = STAILQ_NEXT(event, link);
		if (!strcmp(event->token, token) && path_is_below(event->path, path))
			event_free(store, event);
	}
	return 0;
}

int pvn_store_next_event(struct pvn_store *store, char **path, char **token)
{
	struct store_event *event;
	int got = 1;

	while (STAILQ_EMPTY(&store->events) && !store->lost && got > 0)
		got = store_receive(store, NULL, MSG_DONTWAIT);
	event = STAILQ_FIRST(&store->events);
	if (!event) {
		if (store->lost)
			errno = ENOTCONN;
		return store->lost ? -1 : 0;
	}
	*path = event->path;
	*token = event->token;
	STAILQ_REMOVE_HEAD(&store->events, link);
	free(event);
	return 1;
}
