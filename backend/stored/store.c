// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The store as a whole, and the life of domains in it: what they find at
 * the start, and that nothing of them stays behind.
 */
#include "store.h"

#include <errno.h>

#include "alloc.h"

static const char *const initial_nodes[] = {
	"/", "@introduceDomain", "@releaseDomain", "/tool/xenstored", "/local/domain",
};

static void charge_initial(void *store, const struct node *node, const char *path, size_t len)
{
	struct domain *root = domain_get(store, 0);

	(void)path;
	if (!len)
		return;
	root->use.nodes++;
	root->use.node_bytes += node_cost(node);
}

struct store *store_new(unsigned int bucket_count)
{
	const struct perm root_only = { .domid = 0, .access = PERM_NONE };
	struct store *store = xcalloc(1, sizeof(*store));
	struct perms *perms = perms_new(&root_only, 1);

	store->bucket_count = bucket_count;
	store->point_hash = xcalloc(bucket_count, sizeof(store->point_hash[0]));
	store->event_hash = xcalloc(bucket_count, sizeof(store->event_hash[0]));
	quota_init(&store->limits);
	LIST_INIT(&store->conns);
	LIST_INIT(&store->domains);
	LIST_INIT(&store->targeting);
	TAILQ_INIT(&store->dirty);
	watch_points_init(store);
	store->generation = 1;
	store->top = tree_new(perms);
	for (size_t i = 0; i < sizeof(initial_nodes) / sizeof(initial_nodes[0]); i++)
		tree_make(&store->top, initial_nodes[i], strlen(initial_nodes[i]), perms,
			  store->generation);
	perms_put(perms);
	domain_get(store, 0)->introduced = true;
	tree_walk(store->top, "", 0, charge_initial, store);
	return store;
}

void store_clear(struct store *store)
{
	node_put(store->top);
	store->top = NULL;
	domain_get(store, 0)->use = (struct quota_use){ 0 };
}

static void domain_forget(struct domain *domain)
{
	if (domain->target != domain->domid)
		LIST_REMOVE(domain, targeting_link);
	LIST_REMOVE(domain, link);
	LIST_REMOVE(domain, hash_link);
	free(domain);
}

void store_free(struct store *store)
{
	while (!LIST_EMPTY(&store->conns))
		conn_free(LIST_FIRST(&store->conns));
	node_put(store->top);
	watch_points_free(store);
	while (!LIST_EMPTY(&store->domains))
		domain_forget(LIST_FIRST(&store->domains));
	free(store->point_hash);
	free(store->event_hash);
	free(store);
}

static struct domain_bucket *domain_bucket(struct store *store, uint16_t domid)
{
	return &store->domain_hash[domid % STORE_DOMAIN_BUCKETS];
}

struct domain *domain_find(struct store *store, uint16_t domid)
{
	struct domain *domain;

	LIST_FOREACH(domain, domain_bucket(store, domid), hash_link)
		if (domain->domid == domid)
			return domain;
	return NULL;
}

struct domain *domain_get(struct store *store, uint16_t domid)
{
	struct domain *domain = domain_find(store, domid);

	if (domain)
		return domain;
	domain = xcalloc(1, sizeof(*domain));
	domain->domid = domid;
	domain->target = domid;
	domain->features = STORE_FEATURES;
	LIST_INSERT_HEAD(&store->domains, domain, link);
	LIST_INSERT_HEAD(domain_bucket(store, domid), domain, hash_link);
	return domain;
}

void domain_set_target(struct store *store, struct domain *domain, uint16_t target)
{
	if (domain->target != domain->domid)
		LIST_REMOVE(domain, targeting_link);
	domain->target = target;
	if (domain->target != domain->domid)
		LIST_INSERT_HEAD(&store->targeting, domain, targeting_link);
	if (domain->conn)
		domain->conn->cred.target = target;
}

bool domain_is_known(struct store *store, uint16_t domid)
{
	const struct domain *domain = domain_find(store, domid);

	return domain && domain->introduced;
}

struct domain *domain_introduce(struct store *store, uint16_t domid, uint16_t target)
{
	struct domain *domain = domain_get(store, domid);
	bool first = !domain->introduced;

	domain->introduced = true;
	if (domain->conn)
		conn_reset(domain->conn);
	else
		domain->conn = conn_new(store, domain, false);
	domain_set_target(store, domain, target);
	if (first)
		watch_fire_special(store, "@introduceDomain", domid);
	return domain;
}

/* Paths of the nodes that name a domain, parents before what is below them. */
struct purge {
	uint16_t domid;
	struct path **paths;
	size_t count, room;
};

static void purge_visit(void *arg, const struct node *node, const char *path, size_t len)
{
	struct purge *purge = arg;
	struct path *found;

	if (node->perms->list[0].domid != purge->domid &&
	    !perms_mention(node->perms, purge->domid))
		return;
	if (!len)
		return;		/* the nameless top belongs to nobody */
	if (purge->count == purge->room) {
		purge->room = 2 * purge->room + 16;
		purge->paths = xrealloc(purge->paths, purge->room * sizeof(*purge->paths));
	}
	found = xmalloc(sizeof(*found));
	found->len = len;
	memcpy(found->text, path, len + 1);
	purge->paths[purge->count++] = found;
}

static void purge_path(struct view *view, const struct path *path, uint16_t domid)
{
	const struct node *node = tree_find(view->top, path->text, path->len);
	struct perms *purged, *owned;

	if (!node)
		return;		/* went away with its parent */
	if (node->perms->list[0].domid == domid && path_parent_len(path->text, path->len)) {
		op_remove(view, path);
		return;
	}
	/* "/" and the special nodes cannot go: they fall to the root partition. */
	purged = perms_without(node->perms, domid);
	owned = purged->list[0].domid == domid ? perms_with_owner(purged, 0) :
						 perms_get(purged);
	op_replace_perms(view, path, owned);
	perms_put(owned);
	perms_put(purged);
}

static void domain_purge(struct store *store, uint16_t domid)
{
	struct purge purge = { .domid = domid };
	struct view view;

	tree_walk_named(store->top, domid, purge_visit, &purge);
	view_begin(store, &view);
	for (size_t i = 0; i < purge.count; i++) {
		purge_path(&view, purge.paths[i], domid);
		free(purge.paths[i]);
	}
	free(purge.paths);
	view_end(store, &view);
}

static void domain_forget_target(struct store *store, uint16_t domid)
{
	struct domain *domain, *next;

	for (domain = LIST_FIRST(&store->targeting); domain; domain = next) {
		next = LIST_NEXT(domain, targeting_link);
		if (domain->target == domid)
			domain_set_target(store, domain, domain->domid);
	}
}

int domain_release(struct store *store, uint16_t domid)
{
	struct domain *domain = domain_find(store, domid);
	bool introduced = domain && domain->introduced;

	if (domid == 0)
		return EINVAL;
	if (domain && domain->conn)
		conn_free(domain->conn);
	store->release_count++;
	domain_purge(store, domid);
	/* Looked up again: the purge made one if there was none. */
	domain = domain_find(store, domid);
	if (domain)
		domain_forget(domain);
	domain_forget_target(store, domid);
	if (!introduced)
		return ENOENT;
	watch_fire_special(store, "@releaseDomain", domid);
	return 0;
}
