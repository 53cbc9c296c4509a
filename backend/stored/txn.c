// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Views of the tree, and transactions. A transaction works on a snapshot and
 * keeps a log of its requests with a hash of each reply. To commit:
 *
 *	(a) it changed nothing: nothing to do, whatever others did;
 *	(b) the store's tree is still the snapshot: the transaction's tree becomes
 *	    the store's;
 *	(c) otherwise its requests are repeated on a copy of the store's present
 *	    tree. If every reply is what it was, nobody can tell that the
 *	    transaction did not run just now: the copy becomes the store's tree.
 *	    Else EAGAIN, and the copy is thrown away.
 *
 * So a commit is all or nothing, quotas included, and fails only where somebody
 * changed what the transaction saw. A domain that went away in between cannot
 * be seen in replies, hence the release_count test for those that name domains.
 */
#include <errno.h>

#include "alloc.h"
#include "hash.h"
#include "store.h"

static void view_init(struct store *store, struct view *view, struct node *top, bool direct)
{
	*view = (struct view){ .store = store, .top = top, .direct = direct };
	STAILQ_INIT(&view->changes);
}

static void change_free(struct change *change)
{
	node_put(change->removed);
	perms_put(change->old_perms);
	free(change);
}

static void view_clear_changes(struct view *view, bool fire)
{
	struct change *change;

	while ((change = STAILQ_FIRST(&view->changes))) {
		STAILQ_REMOVE_HEAD(&view->changes, link);
		if (fire)
			watch_fire(view->store, change);
		change_free(change);
	}
}

void view_begin(struct store *store, struct view *view)
{
	/* The pointer moves, no reference is added: without snapshots, changes are in place. */
	view_init(store, view, store->top, true);
	store->top = NULL;
}

void view_end(struct store *store, struct view *view)
{
	store->top = view->top;
	view_clear_changes(view, true);
}

static void view_drop(struct view *view)
{
	node_put(view->top);
	view_clear_changes(view, false);
	free(view->deltas);
}

static void domain_charge(struct store *store, uint16_t domid, int64_t nodes, int64_t bytes)
{
	struct domain *domain = domain_get(store, domid);

	domain->use.nodes += nodes;
	domain->use.node_bytes += bytes;
}

/* Searched from the end: neighbours in the tree mostly have the same owner. */
static struct delta *view_delta(const struct view *view, uint16_t domid)
{
	for (unsigned int i = view->delta_count; i > 0; i--)
		if (view->deltas[i - 1].domid == domid)
			return &view->deltas[i - 1];
	return NULL;
}

void view_charge(struct view *view, uint16_t domid, int64_t nodes, int64_t bytes)
{
	struct delta *delta;

	if (view->direct) {
		domain_charge(view->store, domid, nodes, bytes);
		return;
	}
	delta = view_delta(view, domid);
	if (!delta) {
		if (view->delta_count == view->delta_room) {
			view->delta_room = 2 * view->delta_room + 4;
			view->deltas = xrealloc(view->deltas,
						view->delta_room * sizeof(*view->deltas));
		}
		delta = &view->deltas[view->delta_count++];
		*delta = (struct delta){ .domid = domid };
	}
	delta->nodes += nodes;
	delta->bytes += bytes;
}

struct quota_use view_use(const struct view *view, uint16_t domid)
{
	const struct domain *domain = domain_find(view->store, domid);
	const struct delta *delta = view_delta(view, domid);
	struct quota_use use = { 0 };

	if (domain)
		use = domain->use;
	if (delta) {
		use.nodes += delta->nodes;
		use.node_bytes += delta->bytes;
	}
	return use;
}

/* Takes over the reference `removed`; takes its own one to `old_perms`. */
void view_changed(struct view *view, const struct path *path, struct node *removed,
		  struct perms *old_perms)
{
	struct change *change = xmalloc(sizeof(*change) + path->len + 1);

	change->removed = removed;
	change->old_perms = old_perms ? perms_get(old_perms) : NULL;
	change->len = path->len;
	memcpy(change->path, path->text, path->len + 1);
	STAILQ_INSERT_TAIL(&view->changes, change, link);
}

static void txn_charge(struct conn *conn, struct txn *txn, size_t bytes)
{
	txn->charged_bytes += bytes;
	conn->domain->use.other_bytes += bytes;
}

struct txn *txn_find(struct conn *conn, uint32_t id)
{
	struct txn *txn;

	LIST_FOREACH(txn, &conn->txns, link)
		if (txn->id == id)
			return txn;
	return NULL;
}

/* In the lists of its connection; trees and charges are the caller's. */
struct txn *txn_restore(struct conn *conn, uint32_t id)
{
	struct txn *txn = xcalloc(1, sizeof(*txn));

	txn->id = id;
	view_init(conn->store, &txn->view, NULL, false);
	STAILQ_INIT(&txn->log);
	LIST_INSERT_HEAD(&conn->txns, txn, link);
	conn->txn_count++;
	conn->store->txn_count++;
	return txn;
}

int txn_start(struct conn *conn, uint32_t *id)
{
	struct store *store = conn->store;
	struct txn *txn;

	if (!conn->cred.privileged &&
	    conn->domain->use.transactions >= quota_limit(&store->limits, &conn->domain->limits,
							  QUOTA_TRANSACTIONS))
		return ENOSPC;
	do {
		conn->last_tx_id++;
	} while (!conn->last_tx_id || txn_find(conn, conn->last_tx_id));
	txn = txn_restore(conn, conn->last_tx_id);
	txn->base = node_get(store->top);
	txn->view.top = node_get(store->top);
	txn->release_count = store->release_count;
	conn->domain->use.transactions++;
	txn_charge(conn, txn, sizeof(*txn));
	*id = txn->id;
	return 0;
}

void txn_free(struct conn *conn, struct txn *txn)
{
	struct txn_entry *entry;

	while ((entry = STAILQ_FIRST(&txn->log))) {
		STAILQ_REMOVE_HEAD(&txn->log, link);
		free(entry);
	}
	view_drop(&txn->view);
	node_put(txn->base);
	LIST_REMOVE(txn, link);
	conn->txn_count--;
	conn->domain->use.transactions--;
	conn->domain->use.other_bytes -= txn->charged_bytes;
	conn->store->txn_count--;
	free(txn);
}

/* The generation in front of a DIRECTORY_PART reply is nothing a client can rely on. */
static uint64_t reply_hash(const struct op *op)
{
	const uint8_t *from = op->reply;
	const uint8_t *end = op->reply + op->reply_len;

	if (op->type == PVN_STORE_DIRECTORY_PART) {
		const uint8_t *nul = memchr(from, '\0', op->reply_len);

		if (nul)
			from = nul;
	}
	return hash_bytes(op->type, from, end - from);
}

static int txn_check_quota(struct conn *conn, struct txn *txn, size_t bytes)
{
	const struct quota_limits *global = &conn->store->limits;
	const struct quota_limits *own = &conn->domain->limits;
	const struct quota_use use = conn->domain->use;

	if (conn->cred.privileged)
		return 0;
	if (txn->log_count >= quota_limit(global, own, QUOTA_TRANSACTION_NODES))
		return ENOSPC;
	if (use.node_bytes + use.other_bytes + (int64_t)bytes >
	    quota_limit(global, own, QUOTA_MEMORY))
		return ENOSPC;
	return 0;
}

int op_run_in_txn(struct conn *conn, struct txn *txn, struct op *op)
{
	size_t bytes = sizeof(struct txn_entry) + op->len;
	struct txn_entry *entry;
	int error;

	error = txn_check_quota(conn, txn, bytes);
	if (error)
		return error;
	op->view = &txn->view;
	error = op_run(op);
	entry = xmalloc(bytes);
	entry->type = op->type;
	entry->error = error;
	entry->reply_hash = error ? 0 : reply_hash(op);
	entry->len = op->len;
	memcpy(entry->payload, op->payload, op->len);
	STAILQ_INSERT_TAIL(&txn->log, entry, link);
	txn->log_count++;
	txn_charge(conn, txn, bytes);
	if (op->type == PVN_STORE_SET_PERMS)
		txn->sets_perms = true;
	return error;
}

/* Makes a view's tree the store's, with everything that depends on it. */
static void view_install(struct store *store, struct view *view)
{
	struct node *old = store->top;

	store->top = view->top;
	view->top = NULL;
	node_put(old);
	for (unsigned int i = 0; i < view->delta_count; i++)
		domain_charge(store, view->deltas[i].domid, view->deltas[i].nodes,
			      view->deltas[i].bytes);
	view_clear_changes(view, true);
}

static bool txn_repeat(struct conn *conn, const struct txn *txn, struct view *view)
{
	uint8_t reply[PVN_STORE_PAYLOAD_MAX];
	const struct txn_entry *entry;

	STAILQ_FOREACH(entry, &txn->log, link) {
		struct op op = {
			.view = view,
			.cred = &conn->cred,
			.type = entry->type,
			.payload = entry->payload,
			.len = entry->len,
			.reply = reply,
		};

		if (op_run(&op) != entry->error)
			return false;
		if (!entry->error && reply_hash(&op) != entry->reply_hash)
			return false;
	}
	return true;
}

static int txn_commit_repeated(struct conn *conn, const struct txn *txn)
{
	struct store *store = conn->store;
	struct view view;
	bool same;

	if (txn->sets_perms && txn->release_count != store->release_count)
		return EAGAIN;
	view_init(store, &view, node_get(store->top), false);
	same = txn_repeat(conn, txn, &view);
	if (same)
		view_install(store, &view);
	view_drop(&view);
	return same ? 0 : EAGAIN;
}

int txn_commit(struct conn *conn, struct txn *txn)
{
	struct store *store = conn->store;
	int error = 0;

	if (STAILQ_EMPTY(&txn->view.changes))
		error = 0;				/* (a) */
	else if (txn->base == store->top && txn->release_count == store->release_count)
		view_install(store, &txn->view);	/* (b) */
	else
		error = txn_commit_repeated(conn, txn);	/* (c) */
	if (error)
		store->conflict_count++;
	txn_free(conn, txn);
	return error;
}
