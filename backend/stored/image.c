// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A store as bytes: everything but the trees, which are in image_tree.c. The
 * two halves of each thing stand one behind the other; see image.h.
 */
#include "image.h"

#include "alloc.h"
#include "hash.h"

void image_put(struct image_writer *writer, const void *data, size_t len)
{
	if (writer->failed)
		return;
	if (writer->room - writer->used < len && !writer->grow(writer, len)) {
		writer->failed = true;
		return;
	}
	if (len)
		memcpy(writer->base + writer->used, data, len);
	writer->used += len;
}

const void *image_get_bytes(struct image_reader *reader, size_t len)
{
	const uint8_t *bytes = reader->at;

	if (reader->failed || reader->left < len) {
		reader->failed = true;
		return NULL;
	}
	reader->at += len;
	reader->left -= len;
	return bytes;
}

void image_get(struct image_reader *reader, void *data, size_t len)
{
	const void *bytes = image_get_bytes(reader, len);

	if (bytes)
		memcpy(data, bytes, len);
	else
		memset(data, 0, len);
}

uint32_t image_get_u32(struct image_reader *reader)
{
	uint32_t value;

	image_get(reader, &value, sizeof(value));
	return value;
}

uint64_t image_get_u64(struct image_reader *reader)
{
	uint64_t value;

	image_get(reader, &value, sizeof(value));
	return value;
}

static void put_u32(struct image_writer *writer, uint32_t value)
{
	image_put_value(writer, value);
}

static void put_u64(struct image_writer *writer, uint64_t value)
{
	image_put_value(writer, value);
}

/* Numbers of the store itself. */
struct image_store {
	struct hash_state hash;
	uint64_t generation, release_count, last_conn_id;
	uint64_t request_count, event_count, coalesced_count, conflict_count;
	struct quota_limits limits;
	char upgrade_program[256];
};

static void put_store(struct image_writer *writer, const struct store *store)
{
	struct image_store fixed = {
		.hash = hash_save(),
		.generation = store->generation,
		.release_count = store->release_count,
		.last_conn_id = store->last_conn_id,
		.request_count = store->request_count,
		.event_count = store->event_count,
		.coalesced_count = store->coalesced_count,
		.conflict_count = store->conflict_count,
		.limits = store->limits,
	};

	memcpy(fixed.upgrade_program, store->upgrade_program, sizeof(fixed.upgrade_program));
	image_put_value(writer, fixed);
}

static void get_store(struct image_reader *reader, struct store *store)
{
	struct image_store fixed;

	image_get(reader, &fixed, sizeof(fixed));
	if (reader->failed)
		return;
	hash_restore(&fixed.hash);
	store->generation = fixed.generation;
	store->release_count = fixed.release_count;
	store->last_conn_id = fixed.last_conn_id;
	store->request_count = fixed.request_count;
	store->event_count = fixed.event_count;
	store->coalesced_count = fixed.coalesced_count;
	store->conflict_count = fixed.conflict_count;
	store->limits = fixed.limits;
	memcpy(store->upgrade_program, fixed.upgrade_program, sizeof(store->upgrade_program));
}

struct image_domain {
	uint16_t domid, target;
	uint32_t introduced;
	uint32_t features;
	struct quota_use use;
	struct quota_limits limits;
};

static void put_domains(struct image_writer *writer, const struct store *store)
{
	const struct domain *domain;
	uint32_t count = 0;

	LIST_FOREACH(domain, &store->domains, link)
		count++;
	put_u32(writer, count);
	LIST_FOREACH(domain, &store->domains, link) {
		const struct image_domain fixed = {
			.domid = domain->domid,
			.target = domain->target,
			.introduced = domain->introduced,
			.features = domain->features,
			.use = domain->use,
			.limits = domain->limits,
		};

		image_put_value(writer, fixed);
	}
}

static void get_domains(struct image_reader *reader, struct store *store)
{
	uint32_t count = image_get_u32(reader);

	while (count-- && !reader->failed) {
		struct image_domain fixed;
		struct domain *domain;

		image_get(reader, &fixed, sizeof(fixed));
		if (reader->failed)
			return;
		domain = domain_get(store, fixed.domid);
		domain->introduced = fixed.introduced;
		domain_set_target(store, domain, fixed.target);
		domain->features = fixed.features;
		domain->use = fixed.use;
		domain->limits = fixed.limits;
	}
}

static void put_changes(struct image_writer *writer, struct image_map *map,
			const struct change_list *changes)
{
	const struct change *change;

	STAILQ_FOREACH(change, changes, link) {
		put_u32(writer, change->len + 1);
		image_put(writer, change->path, change->len);
		image_put_tree(writer, map, change->removed);
		image_put_perms(writer, map, change->old_perms);
	}
	put_u32(writer, 0);
}

static void get_changes(struct image_reader *reader, struct image_map *map,
			struct change_list *changes)
{
	uint32_t len;

	while ((len = image_get_u32(reader))) {
		const void *path = image_get_bytes(reader, --len);
		struct change *change;

		if (!path)
			return;
		change = xcalloc(1, sizeof(*change) + len + 1);
		change->len = len;
		memcpy(change->path, path, len);
		STAILQ_INSERT_TAIL(changes, change, link);
		change->removed = image_get_tree(reader, map);
		change->old_perms = image_get_perms(reader, map);
	}
}

/* An entry of a transaction's log; its payload follows. */
struct image_entry {
	uint64_t reply_hash;
	int32_t error;
	uint32_t type, len;
	uint32_t present;	/* 0 ends the list */
};

static void put_log(struct image_writer *writer, const struct txn *txn)
{
	struct image_entry fixed = { .present = 1 };
	const struct txn_entry *entry;

	STAILQ_FOREACH(entry, &txn->log, link) {
		fixed.reply_hash = entry->reply_hash;
		fixed.error = entry->error;
		fixed.type = entry->type;
		fixed.len = entry->len;
		image_put_value(writer, fixed);
		image_put(writer, entry->payload, entry->len);
	}
	fixed = (struct image_entry){ 0 };
	image_put_value(writer, fixed);
}

static void get_log(struct image_reader *reader, struct txn *txn)
{
	for (;;) {
		struct image_entry fixed;
		struct txn_entry *entry;
		const void *payload;

		image_get(reader, &fixed, sizeof(fixed));
		payload = fixed.present ? image_get_bytes(reader, fixed.len) : NULL;
		if (!payload)
			return;
		entry = xmalloc(sizeof(*entry) + fixed.len);
		entry->reply_hash = fixed.reply_hash;
		entry->error = fixed.error;
		entry->type = fixed.type;
		entry->len = fixed.len;
		memcpy(entry->payload, payload, fixed.len);
		STAILQ_INSERT_TAIL(&txn->log, entry, link);
		txn->log_count++;
	}
}

struct image_txn {
	uint64_t charged_bytes, release_count;
	uint32_t id;		/* 0 ends the list */
	uint32_t sets_perms, delta_count;
};

static void put_txns(struct image_writer *writer, struct image_map *map,
		     const struct conn *conn)
{
	struct image_txn fixed = { 0 };
	const struct txn *txn;

	LIST_FOREACH(txn, &conn->txns, link) {
		fixed.charged_bytes = txn->charged_bytes;
		fixed.release_count = txn->release_count;
		fixed.id = txn->id;
		fixed.sets_perms = txn->sets_perms;
		fixed.delta_count = txn->view.delta_count;
		image_put_value(writer, fixed);
		image_put(writer, txn->view.deltas,
			  txn->view.delta_count * sizeof(*txn->view.deltas));
		image_put_tree(writer, map, txn->base);
		image_put_tree(writer, map, txn->view.top);
		put_changes(writer, map, &txn->view.changes);
		put_log(writer, txn);
	}
	fixed = (struct image_txn){ 0 };
	image_put_value(writer, fixed);
}

static void get_txn(struct image_reader *reader, struct image_map *map, struct conn *conn,
		    const struct image_txn *fixed)
{
	size_t bytes = fixed->delta_count * sizeof(struct delta);
	const void *deltas = image_get_bytes(reader, bytes);
	struct txn *txn;

	if (!deltas)
		return;
	txn = txn_restore(conn, fixed->id);
	txn->charged_bytes = fixed->charged_bytes;
	txn->release_count = fixed->release_count;
	txn->sets_perms = fixed->sets_perms;
	txn->view.deltas = xmalloc(bytes);
	memcpy(txn->view.deltas, deltas, bytes);
	txn->view.delta_count = fixed->delta_count;
	txn->view.delta_room = fixed->delta_count;
	txn->base = image_get_tree(reader, map);
	txn->view.top = image_get_tree(reader, map);
	get_changes(reader, map, &txn->view.changes);
	get_log(reader, txn);
}

static void get_txns(struct image_reader *reader, struct image_map *map, struct conn *conn)
{
	struct image_txn fixed;

	for (;;) {
		image_get(reader, &fixed, sizeof(fixed));
		if (!fixed.id || reader->failed)
			return;
		get_txn(reader, map, conn, &fixed);
	}
}

struct image_message {
	uint32_t len;		/* 0 ends the list */
	uint8_t event, hashed;
	uint16_t zero;
};

static void put_messages(struct image_writer *writer, const struct conn *conn)
{
	struct image_message fixed = { 0 };
	const struct message *message;

	STAILQ_FOREACH(message, &conn->out, link) {
		fixed.len = message->len;
		fixed.event = message->event;
		fixed.hashed = message->hashed;
		image_put_value(writer, fixed);
		image_put(writer, message->data, message->len);
	}
	fixed = (struct image_message){ 0 };
	image_put_value(writer, fixed);
}

/* The domain's use is known already, so it is taken back where queueing charges it. */
static void get_messages(struct image_reader *reader, struct conn *conn)
{
	const struct quota_use use = conn->domain->use;
	struct image_message fixed;

	for (;;) {
		struct message *message;
		const void *data;

		image_get(reader, &fixed, sizeof(fixed));
		data = fixed.len ? image_get_bytes(reader, fixed.len) : NULL;
		if (!data)
			break;
		message = xcalloc(1, sizeof(*message) + fixed.len);
		message->conn = conn;
		message->event = fixed.event;
		message->len = fixed.len;
		memcpy(message->data, data, fixed.len);
		conn_append(conn, message);
		if (fixed.hashed)
			conn_hash_event(conn, message);
	}
	conn->domain->use = use;
}

struct image_conn {
	uint64_t id, out_done, in_len;
	uint32_t last_tx_id;
	uint16_t domid, present;	/* 0 ends the list */
	uint16_t privileged, serves;
	uint32_t target;
};

static void put_conns(struct image_writer *writer, struct image_map *map,
		      const struct store *store)
{
	struct image_conn fixed = { 0 };
	const struct conn *conn;

	LIST_FOREACH(conn, &store->conns, link) {
		fixed.id = conn->id;
		fixed.out_done = conn->out_done;
		fixed.in_len = conn->in_len;
		fixed.last_tx_id = conn->last_tx_id;
		fixed.domid = conn->domain->domid;
		fixed.present = 1;
		fixed.privileged = conn->cred.privileged;
		fixed.serves = conn->cred.serves;
		fixed.target = conn->cred.target;
		image_put_value(writer, fixed);
		image_put(writer, conn->in, conn->in_len);
		put_messages(writer, conn);
		put_txns(writer, map, conn);
	}
	fixed = (struct image_conn){ 0 };
	image_put_value(writer, fixed);
}

static bool get_conn(struct image_reader *reader, struct image_map *map, struct store *store)
{
	uint64_t last_id = store->last_conn_id;
	struct image_conn fixed;
	struct conn *conn;

	image_get(reader, &fixed, sizeof(fixed));
	if (!fixed.present || fixed.in_len > sizeof(conn->in)) {
		reader->failed |= fixed.present;
		return false;
	}
	store->last_conn_id = fixed.id - 1;
	conn = conn_new(store, domain_get(store, fixed.domid), fixed.privileged);
	store->last_conn_id = last_id;
	conn->cred.target = fixed.target;
	conn->cred.serves = fixed.serves;
	conn->last_tx_id = fixed.last_tx_id;
	conn->in_len = fixed.in_len;
	if (!fixed.privileged)
		conn->domain->conn = conn;
	image_get(reader, conn->in, fixed.in_len);
	get_messages(reader, conn);
	conn->out_done = fixed.out_done;
	get_txns(reader, map, conn);
	return !reader->failed;
}

struct image_watch {
	uint64_t conn_id, charged_bytes;
	uint32_t home_len, depth;
	uint32_t path_len, token_len;	/* path_len 0 ends the list */
};

/* By points, parents first and older before younger: both orders are kept so. */
static void put_watches(struct image_writer *writer, const struct store *store)
{
	struct image_watch fixed = { 0 };
	struct watch_point *point = store->points;
	const struct watch *watch;

	while ((point = watch_point_next(point)))
		TAILQ_FOREACH(watch, &point->watches, point_link) {
			fixed.conn_id = watch->conn->id;
			fixed.charged_bytes = watch->charged_bytes;
			fixed.home_len = watch->home_len;
			fixed.depth = watch->depth;
			fixed.path_len = watch->path_len;
			fixed.token_len = watch->token_len;
			image_put_value(writer, fixed);
			image_put(writer, watch->path, watch->path_len);
			image_put(writer, watch->token, watch->token_len);
		}
	fixed = (struct image_watch){ 0 };
	image_put_value(writer, fixed);
}

static bool get_watch(struct image_reader *reader, struct store *store)
{
	const void *path, *token;
	struct image_watch fixed;
	struct watch *watch;
	struct conn *conn;

	image_get(reader, &fixed, sizeof(fixed));
	if (!fixed.path_len)
		return false;
	path = image_get_bytes(reader, fixed.path_len);
	token = image_get_bytes(reader, fixed.token_len);
	conn = conn_find(store, fixed.conn_id);
	if (!token || !conn) {
		reader->failed = true;
		return false;
	}
	watch = xcalloc(1, sizeof(*watch) + fixed.token_len + 1);
	watch->conn = conn;
	watch->home_len = fixed.home_len;
	watch->charged_bytes = fixed.charged_bytes;
	watch->depth = fixed.depth;
	watch->path = xstrndup(path, fixed.path_len);
	watch->path_len = fixed.path_len;
	watch->token_len = fixed.token_len;
	memcpy(watch->token, token, fixed.token_len);
	watch->point = watch_point_make(store, watch->path, watch->path_len);
	watch_link(watch);
	return true;
}

void store_save(const struct store *store, struct image_writer *writer)
{
	struct image_map *map = image_map_new();

	put_store(writer, store);
	put_domains(writer, store);
	image_put_tree(writer, map, store->top);
	put_conns(writer, map, store);
	put_watches(writer, store);
	put_u64(writer, IMAGE_FORMAT);
	image_map_free(map);
}

bool store_load(struct store *store, struct image_reader *reader)
{
	struct image_map *map = image_map_new();

	store_clear(store);
	get_store(reader, store);
	get_domains(reader, store);
	store->top = image_get_tree(reader, map);
	while (get_conn(reader, map, store))
		;
	while (get_watch(reader, store))
		;
	if (image_get_u64(reader) != IMAGE_FORMAT || !store->top)
		reader->failed = true;
	image_map_free(map);
	return !reader->failed;
}
