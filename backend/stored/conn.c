// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Connections without their transport: what belongs to one, and its queue of
 * replies and events. The queue is bounded: requests are not taken while too
 * many replies are unread (proto.c), an event equal to one still queued is not
 * queued again, and beyond a number of unread events the watched path itself
 * stands for whatever changed below it, so that nothing is lost but detail.
 */
#include "alloc.h"
#include "hash.h"
#include "store.h"

/* Unread events of a local program before they collapse. */
enum { SOCKET_EVENTS_MAX = 16384 };

struct conn *conn_new(struct store *store, struct domain *domain, bool privileged)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));

	conn->id = ++store->last_conn_id;
	conn->store = store;
	conn->domain = domain;
	conn->cred = (struct cred){ .domid = domain->domid, .target = domain->target,
				     .privileged = privileged };
	LIST_INIT(&conn->watches);
	LIST_INIT(&conn->txns);
	STAILQ_INIT(&conn->out);
	conn_link(conn);
	return conn;
}

static struct conn_bucket *conn_bucket(struct store *store, uint64_t id)
{
	return &store->conn_hash[id % STORE_CONN_BUCKETS];
}

void conn_link(struct conn *conn)
{
	LIST_INSERT_HEAD(&conn->store->conns, conn, link);
	LIST_INSERT_HEAD(conn_bucket(conn->store, conn->id), conn, hash_link);
}

struct conn *conn_find(struct store *store, uint64_t id)
{
	struct conn *conn;

	LIST_FOREACH(conn, conn_bucket(store, id), hash_link)
		if (conn->id == id)
			return conn;
	return NULL;
}

static void message_unhash(struct message *message)
{
	if (message->hashed)
		LIST_REMOVE(message, hash_link);
	message->hashed = false;
}

static size_t message_cost(const struct message *message)
{
	return sizeof(*message) + message->len;
}

static void conn_pop_message(struct conn *conn)
{
	struct message *message = STAILQ_FIRST(&conn->out);

	STAILQ_REMOVE_HEAD(&conn->out, link);
	message_unhash(message);
	conn->out_bytes -= message->len;
	conn->domain->use.other_bytes -= message_cost(message);
	if (message->event)
		conn->out_events--;
	else
		conn->out_replies--;
	conn->out_done = 0;
	free(message);
}

void conn_drop_watches(struct conn *conn)
{
	while (!LIST_EMPTY(&conn->watches))
		watch_free(LIST_FIRST(&conn->watches));
	while (!LIST_EMPTY(&conn->txns))
		txn_free(conn, LIST_FIRST(&conn->txns));
}

void conn_reset(struct conn *conn)
{
	conn_drop_watches(conn);
	while (!STAILQ_EMPTY(&conn->out))
		conn_pop_message(conn);
	conn->in_len = 0;
}

void conn_free(struct conn *conn)
{
	struct store *store = conn->store;

	if (conn->transport && store->conn_gone)
		store->conn_gone(conn);
	conn_reset(conn);
	if (conn->dirty)
		TAILQ_REMOVE(&store->dirty, conn, dirty_link);
	if (conn->domain->conn == conn)
		conn->domain->conn = NULL;
	LIST_REMOVE(conn, link);
	LIST_REMOVE(conn, hash_link);
	free(conn);
}

void conn_append(struct conn *conn, struct message *message)
{
	STAILQ_INSERT_TAIL(&conn->out, message, link);
	conn->out_bytes += message->len;
	conn->domain->use.other_bytes += message_cost(message);
	if (message->event)
		conn->out_events++;
	else
		conn->out_replies++;
	if (!conn->dirty)
		TAILQ_INSERT_TAIL(&conn->store->dirty, conn, dirty_link);
	conn->dirty = true;
}

static struct message *message_new(const struct pvn_store_header *header)
{
	struct message *message = xmalloc(sizeof(*message) + sizeof(*header) + header->len);

	message->event = false;
	message->hashed = false;
	message->len = sizeof(*header) + header->len;
	memcpy(message->data, header, sizeof(*header));
	return message;
}

void conn_queue_reply(struct conn *conn, const struct pvn_store_header *header,
		      const void *payload)
{
	struct message *message = message_new(header);

	if (header->len)
		memcpy(message->data + sizeof(*header), payload, header->len);
	conn_append(conn, message);
}

/* Is the same event waiting already, with nothing of it sent yet? */
static bool event_is_queued(const struct conn *conn, const struct message *event,
			    const struct message_bucket *bucket)
{
	const struct message *other;

	LIST_FOREACH(other, bucket, hash_link)
		if (other->conn == conn && other->len == event->len &&
		    !memcmp(other->data, event->data, event->len))
			return true;
	return false;
}

static unsigned int conn_events_max(const struct conn *conn)
{
	if (conn->cred.privileged)
		return SOCKET_EVENTS_MAX;
	return quota_limit(&conn->store->limits, &conn->domain->limits, QUOTA_EVENTS);
}

static struct message *event_new(const struct watch *watch, const char *path, size_t len)
{
	struct pvn_store_header header = {
		.type = PVN_STORE_WATCH_EVENT,
		.len = len + 1 + watch->token_len + 1,
	};
	struct message *event = message_new(&header);
	char *payload = (char *)event->data + sizeof(header);

	event->event = true;
	memcpy(payload, path, len);
	payload[len] = '\0';
	memcpy(payload + len + 1, watch->token, watch->token_len + 1);
	return event;
}

static struct message_bucket *event_bucket(const struct conn *conn, const struct message *event)
{
	uint64_t hash = hash_bytes(conn->id, event->data, event->len);

	return &conn->store->event_hash[hash % conn->store->bucket_count];
}

void conn_hash_event(struct conn *conn, struct message *event)
{
	LIST_INSERT_HEAD(event_bucket(conn, event), event, hash_link);
	event->hashed = true;
}

void conn_queue_event(struct conn *conn, const struct watch *watch, const char *path,
		      size_t len)
{
	struct message_bucket *bucket;
	struct message *event;

	if (conn->out_events >= conn_events_max(conn)) {
		path = watch->path;
		len = watch->path_len;
	}
	/* A relative watch is below its home, and so is all it hears of. */
	path += watch->home_len;
	len -= watch->home_len;
	if (len + 1 + watch->token_len + 1 > PVN_STORE_PAYLOAD_MAX)
		return;
	event = event_new(watch, path, len);
	event->conn = conn;
	bucket = event_bucket(conn, event);
	/* Every @releaseDomain counts: somebody may look for one domain after each. */
	if (path[0] != '@' && event_is_queued(conn, event, bucket)) {
		conn->store->coalesced_count++;
		free(event);
		return;
	}
	LIST_INSERT_HEAD(bucket, event, hash_link);
	event->hashed = true;
	conn->store->event_count++;
	conn_append(conn, event);
}

unsigned int conn_output(const struct conn *conn, struct iovec *pieces, unsigned int max)
{
	size_t skip = conn->out_done;
	struct message *message;
	unsigned int count = 0;

	STAILQ_FOREACH(message, &conn->out, link) {
		if (count == max)
			break;
		pieces[count].iov_base = message->data + skip;
		pieces[count++].iov_len = message->len - skip;
		skip = 0;
	}
	return count;
}

void conn_output_done(struct conn *conn, size_t bytes)
{
	while (bytes) {
		struct message *message = STAILQ_FIRST(&conn->out);
		size_t left = message->len - conn->out_done;

		if (bytes < left) {
			conn->out_done += bytes;
			message_unhash(message);
			return;
		}
		bytes -= left;
		conn_pop_message(conn);
	}
}
