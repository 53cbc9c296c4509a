// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Watches. They hang on points, one for every watched path and each of its
 * ancestors, found by hash of (parent, name). An event walks the points along
 * its path, and stops where there are none: its cost does not depend on how many
 * watches exist elsewhere. Whether a watcher may know is decided when the event
 * fires, on the node as it is then or as it was before.
 */
#include <errno.h>
#include <stdio.h>

#include "alloc.h"
#include "hash.h"
#include "store.h"

static struct point_bucket *point_bucket(struct store *store, const struct watch_point *parent,
					 const char *name, size_t len)
{
	return &store->point_hash[hash_bytes((uintptr_t)parent, name, len) % store->bucket_count];
}

static struct watch_point *point_find(struct store *store, const struct watch_point *parent,
				      const char *name, size_t len)
{
	struct watch_point *point;

	LIST_FOREACH(point, point_bucket(store, parent, name, len), hash_link)
		if (point->parent == parent && point->name_len == len &&
		    !memcmp(point->name, name, len))
			return point;
	return NULL;
}

static struct watch_point *point_new(struct store *store, struct watch_point *parent,
				     const char *name, size_t len)
{
	struct watch_point *point = xcalloc(1, sizeof(*point) + len + 1);

	TAILQ_INIT(&point->children);
	TAILQ_INIT(&point->watches);
	point->parent = parent;
	point->name_len = len;
	memcpy(point->name, name, len);
	if (parent) {
		LIST_INSERT_HEAD(point_bucket(store, parent, name, len), point, hash_link);
		TAILQ_INSERT_TAIL(&parent->children, point, sibling_link);
	}
	return point;
}

void watch_points_init(struct store *store)
{
	store->points = point_new(store, NULL, "", 0);
}

void watch_points_free(struct store *store)
{
	free(store->points);
}

/* Frees a point and its ancestors as far as nothing hangs on them; the root point stays. */
static void point_release(struct watch_point *point)
{
	while (point->parent && TAILQ_EMPTY(&point->watches) && TAILQ_EMPTY(&point->children)) {
		struct watch_point *parent = point->parent;

		LIST_REMOVE(point, hash_link);
		TAILQ_REMOVE(&parent->children, point, sibling_link);
		free(point);
		point = parent;
	}
}

static struct watch_point *point_find_path(struct store *store, const struct path *path)
{
	struct watch_point *point = store->points;
	size_t pos = 0, name_len;
	const char *name;

	while (point && path_next_name(path->text, path->len, &pos, &name, &name_len))
		point = point_find(store, point, name, name_len);
	return point;
}

/* Searched at its point: a connection may have very many watches, a node rarely has. */
static struct watch *watch_find(struct conn *conn, const struct path *path, const char *token,
				size_t token_len)
{
	struct watch_point *point = point_find_path(conn->store, path);
	struct watch *watch;

	if (!point)
		return NULL;
	TAILQ_FOREACH(watch, &point->watches, point_link)
		if (watch->conn == conn && watch->token_len == token_len &&
		    watch->home_len == path->home_len && !memcmp(watch->token, token, token_len))
			return watch;
	return NULL;
}

/* What a watch may cost, as if it shared no point with another. */
static size_t watch_cost(const struct path *path, size_t token_len)
{
	size_t bytes = sizeof(struct watch) + 2 * path->len + token_len;

	for (size_t i = 0; i < path->len; i++)
		if (path->text[i] == '/')
			bytes += sizeof(struct watch_point);
	return bytes;
}

static int watch_check_quota(const struct conn *conn, size_t bytes)
{
	const struct quota_limits *global = &conn->store->limits;
	const struct quota_limits *own = &conn->domain->limits;
	const struct quota_use *use = &conn->domain->use;

	if (conn->cred.privileged)
		return 0;
	if (use->watches >= quota_limit(global, own, QUOTA_WATCHES))
		return ENOSPC;
	if (use->node_bytes + use->other_bytes + (int64_t)bytes >
	    quota_limit(global, own, QUOTA_MEMORY))
		return ENOSPC;
	return 0;
}

struct watch_point *watch_point_make(struct store *store, const char *path, size_t len)
{
	struct watch_point *point = store->points;
	size_t pos = 0, name_len;
	const char *name;

	while (path_next_name(path, len, &pos, &name, &name_len)) {
		struct watch_point *child = point_find(store, point, name, name_len);

		point = child ? child : point_new(store, point, name, name_len);
	}
	return point;
}

void watch_link(struct watch *watch)
{
	TAILQ_INSERT_TAIL(&watch->point->watches, watch, point_link);
	LIST_INSERT_HEAD(&watch->conn->watches, watch, conn_link);
	watch->conn->store->watch_count++;
}

int watch_add(struct conn *conn, const struct path *path, const char *token, size_t token_len,
	      uint32_t depth, struct watch **added)
{
	size_t bytes = watch_cost(path, token_len);
	struct watch *watch;
	int error;

	if (watch_find(conn, path, token, token_len))
		return EEXIST;
	error = watch_check_quota(conn, bytes);
	if (error)
		return error;
	watch = xcalloc(1, sizeof(*watch) + token_len + 1);
	watch->conn = conn;
	watch->home_len = path->home_len;
	watch->path = xstrndup(path->text, path->len);
	watch->path_len = path->len;
	watch->token_len = token_len;
	memcpy(watch->token, token, token_len);
	watch->charged_bytes = bytes;
	watch->depth = depth;
	watch->point = watch_point_make(conn->store, path->text, path->len);
	watch_link(watch);
	conn->domain->use.watches++;
	conn->domain->use.other_bytes += bytes;
	*added = watch;
	return 0;
}

void watch_free(struct watch *watch)
{
	struct conn *conn = watch->conn;

	conn->domain->use.watches--;
	conn->domain->use.other_bytes -= watch->charged_bytes;
	conn->store->watch_count--;
	LIST_REMOVE(watch, conn_link);
	TAILQ_REMOVE(&watch->point->watches, watch, point_link);
	point_release(watch->point);
	free(watch->path);
	free(watch);
}

int watch_remove(struct conn *conn, const struct path *path, const char *token,
		 size_t token_len)
{
	struct watch *watch = watch_find(conn, path, token, token_len);

	if (!watch)
		return ENOENT;
	watch_free(watch);
	return 0;
}

/*
 * A watcher may hear of a node that it can read, or could read before, or whose
 * parent it can read (it could see the node come and go in the list of names).
 */
static bool watch_may_see(const struct watch *watch, const char *path, size_t len,
			  const struct perms *old_perms)
{
	const struct cred *cred = &watch->conn->cred;
	const struct node *top = watch->conn->store->top;
	size_t parent_len = path_parent_len(path, len);
	const struct node *node;

	if (cred->privileged || (old_perms && perms_allow(old_perms, cred, PERM_READ)))
		return true;
	node = tree_find(top, path, len);
	if (node && perms_allow(node->perms, cred, PERM_READ))
		return true;
	node = parent_len ? tree_find(top, path, parent_len) : NULL;
	return node && perms_allow(node->perms, cred, PERM_READ);
}

/* `levels`: how far below the point the change is. */
static void point_fire(const struct watch_point *point, unsigned int levels, const char *path,
		       size_t len, const struct perms *old_perms)
{
	struct watch *watch;

	TAILQ_FOREACH(watch, &point->watches, point_link)
		if (levels <= watch->depth && watch_may_see(watch, path, len, old_perms))
			conn_queue_event(watch->conn, watch, path, len);
}

/* The next point in the tree of points below `base`, parents first; NULL at the end. */
static struct watch_point *point_next_below(const struct watch_point *base,
					    struct watch_point *point)
{
	if (!TAILQ_EMPTY(&point->children))
		return TAILQ_FIRST(&point->children);
	while (point != base) {
		struct watch_point *sibling = TAILQ_NEXT(point, sibling_link);

		if (sibling)
			return sibling;
		point = point->parent;
	}
	return NULL;
}

struct watch_point *watch_point_next(struct watch_point *point)
{
	struct watch_point *base = point;

	while (base->parent)
		base = base->parent;
	return point_next_below(base, point);
}

/* Watchers of what was removed together with its ancestor hear of their own path only. */
static void points_fire_removed(struct watch_point *base, const struct change *change)
{
	struct watch_point *point = base;

	while ((point = point_next_below(base, point))) {
		const struct watch *watch = TAILQ_FIRST(&point->watches);
		const struct node *node;
		size_t skip = change->len + 1;

		if (!watch)
			continue;
		node = tree_find(change->removed, watch->path + skip, watch->path_len - skip);
		if (node)
			point_fire(point, 0, watch->path, watch->path_len, node->perms);
	}
}

/* Levels below "/": "/" 0, "/a" 1. */
static unsigned int path_depth(const char *path, size_t len)
{
	unsigned int slashes = 0;

	for (size_t i = 0; i < len; i++)
		slashes += path[i] == '/';
	return len == 1 ? 0 : slashes;
}

void watch_fire(struct store *store, const struct change *change)
{
	const struct perms *old_perms = change->removed ? change->removed->perms :
							  change->old_perms;
	unsigned int levels = path_depth(change->path, change->len);
	struct watch_point *point = store->points;
	size_t pos = 0, name_len;
	const char *name;

	while (path_next_name(change->path, change->len, &pos, &name, &name_len)) {
		point = point_find(store, point, name, name_len);
		if (!point)
			return;
		/* "/" has one name but is as deep as the number of slashes behind it says. */
		point_fire(point, levels, change->path, change->len, old_perms);
		levels -= levels > 0;
	}
	if (change->removed)
		points_fire_removed(point, change);
}

/* Special nodes have permissions, their domains have not: who may read the one may hear of all. */
static void point_fire_special(const struct watch_point *point, const char *name,
			       const char *of_domain, bool all)
{
	struct watch *watch;

	TAILQ_FOREACH(watch, &point->watches, point_link) {
		/* One that gave a depth asked for the domain's number. */
		bool wants_number = all || (watch->depth && watch->depth != WATCH_DEPTH_ANY);
		const char *path = wants_number ? of_domain : name;

		if (watch_may_see(watch, name, strlen(name), NULL))
			conn_queue_event(watch->conn, watch, path, strlen(path));
	}
}

void watch_fire_special(struct store *store, const char *name, uint16_t domid)
{
	struct watch_point *point = point_find(store, store->points, name, strlen(name));
	char number[8], of_domain[32];

	if (!point)
		return;
	snprintf(number, sizeof(number), "%u", domid);
	snprintf(of_domain, sizeof(of_domain), "%s/%s", name, number);
	point_fire_special(point, name, of_domain, false);
	point = point_find(store, point, number, strlen(number));
	if (point)
		point_fire_special(point, name, of_domain, true);
}
