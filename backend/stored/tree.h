/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The tree of nodes. A tree is a pointer to its top; taking a reference to the
 * top is a snapshot, at no cost. A node with one reference is changed in place,
 * a shared one is copied first, so a change costs O(depth x log children) at
 * most and nothing is copied while no snapshot is held.
 *
 * Siblings form a treap ordered by name, with secret random priorities; the
 * links are in the nodes themselves. The top is nameless and holds "" (which is
 * "/") and the special nodes "@introduceDomain" and "@releaseDomain".
 *
 * Nothing here recurses: depth and width are chosen by guests. Permissions,
 * quotas and events are the callers' business (ops.c).
 */
#ifndef STORED_TREE_H
#define STORED_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perms.h"

struct value {
	uint32_t refs;
	uint32_t len;
	uint8_t data[];
};

struct node {
	uint32_t refs;
	uint32_t priority;
	struct node *left, *right;	/* siblings with smaller and larger names */
	struct node *children;		/* root of the children's treap */
	struct value *value;		/* NULL: empty */
	struct perms *perms;
	uint64_t generation;		/* of the last change of the list of children */
	uint64_t named;			/* at least the domains named here and behind any link */
	uint32_t children_count;
	uint32_t children_bytes;	/* of the names, each with its NUL */
	uint16_t name_len;
	char name[];
};

struct node *node_get(struct node *node);
void node_put(struct node *node);	/* NULL is allowed */

static inline size_t node_value_len(const struct node *node)
{
	return node->value ? node->value->len : 0;
}

/* What a node costs its owner, in bytes. */
size_t node_cost(const struct node *node);
size_t node_cost_of(size_t name_len, size_t value_len, size_t perms_count);

/* A top without "/"; the callers add what they want with tree_add(). */
struct node *tree_new(struct perms *perms);

/* The node at a canonical path, or NULL. */
const struct node *tree_find(const struct node *top, const char *path, size_t len);

/*
 * The node at the path or its nearest existing ancestor; *missing gets the
 * number of names below it that do not exist (0: it is the node itself).
 */
const struct node *tree_nearest(const struct node *top, const char *path, size_t len,
				unsigned int *missing);

/*
 * The node at the path, made exclusive to the tree at *top so that it may be
 * changed. The path must exist.
 */
struct node *tree_own(struct node **top, const char *path, size_t len);

/* Gives the node at the path, which must exist, other permissions; takes its own reference. */
struct node *tree_set_perms(struct node **top, const char *path, size_t len,
			    struct perms *perms);

/* Adds a child, which must not exist, to an owned node; takes its own reference to perms. */
struct node *tree_add(struct node *parent, const char *name, size_t name_len,
		      struct perms *perms, uint64_t generation);

/* The node at the path, owned; it and its missing ancestors are created with `perms`. */
struct node *tree_make(struct node **top, const char *path, size_t len, struct perms *perms,
		       uint64_t generation);

/* Takes a child, which must exist, out of an owned node. The caller gets the reference. */
struct node *tree_detach(struct node *parent, const char *name, size_t name_len,
			 uint64_t generation);

void node_set_value(struct node *node, const void *data, size_t len);	/* of an owned node */

/* The children in order of name. Free with children_end(), at any time. */
struct children {
	const struct node **stack;
	size_t depth, room;
};

void children_begin(struct children *iter, const struct node *parent);
const struct node *children_next(struct children *iter);
void children_end(struct children *iter);

/*
 * Calls visit(arg, node, path, len) for `node`, known as `path`, and all below
 * it, parents first. The tree must not change meanwhile.
 */
typedef void tree_visit(void *arg, const struct node *node, const char *path, size_t len);
void tree_walk(const struct node *node, const char *path, size_t len, tree_visit *visit,
	       void *arg);

/*
 * The same for all of a tree, but leaving out most of what does not name the
 * domain in its permissions. Corrects `named` on its way, also in shared nodes.
 */
void tree_walk_named(struct node *top, uint16_t domid, tree_visit *visit, void *arg);

/* Is `named` of a node right? For checks. */
bool node_names_all(const struct node *node);

#endif
