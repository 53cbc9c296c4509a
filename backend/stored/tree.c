// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Copy-on-write tree; see tree.h for the idea. The one rule that makes it safe:
 * a node may be changed only by somebody who reached it through owned links from
 * a top that it holds, because only then nobody else can see the node
 * (link_own() establishes this one link at a time, from the top down).
 */
#include "tree.h"

#include "alloc.h"
#include "hash.h"
#include "path.h"

static struct value *value_new(const void *data, size_t len)
{
	struct value *value = xmalloc(sizeof(*value) + len);

	value->refs = 1;
	value->len = len;
	memcpy(value->data, data, len);
	return value;
}

static void value_put(struct value *value)
{
	if (value && --value->refs == 0)
		free(value);
}

struct node *node_get(struct node *node)
{
	node->refs++;
	return node;
}

/* Drops one reference; a node that nobody holds any more joins the chain of the dead. */
static void node_drop(struct node *node, struct node **dead)
{
	if (node && --node->refs == 0) {
		/* `generation` has no use in a dead node; `left` etc. are still needed. */
		node->generation = (uintptr_t)*dead;
		*dead = node;
	}
}

void node_put(struct node *node)
{
	struct node *dead = NULL;

	node_drop(node, &dead);
	while (dead) {
		struct node *victim = dead;

		dead = (struct node *)(uintptr_t)victim->generation;
		node_drop(victim->left, &dead);
		node_drop(victim->right, &dead);
		node_drop(victim->children, &dead);
		value_put(victim->value);
		perms_put(victim->perms);
		free(victim);
	}
}

size_t node_cost_of(size_t name_len, size_t value_len, size_t perms_count)
{
	return sizeof(struct node) + name_len + 1 + value_len +
	       perms_count * sizeof(struct perm);
}

size_t node_cost(const struct node *node)
{
	return node_cost_of(node->name_len, node_value_len(node), node->perms->count);
}

static struct node *node_new(const char *name, size_t name_len, struct perms *perms)
{
	struct node *node = xcalloc(1, sizeof(*node) + name_len + 1);

	node->refs = 1;
	node->priority = hash_random();
	node->perms = perms_get(perms);
	node->named = perms_mask(perms);
	node->name_len = name_len;
	memcpy(node->name, name, name_len);
	return node;
}

static struct node *node_copy(const struct node *node)
{
	size_t bytes = sizeof(*node) + node->name_len + 1;
	struct node *copy = xmalloc(bytes);

	memcpy(copy, node, bytes);
	copy->refs = 1;
	perms_get(copy->perms);
	if (copy->value)
		copy->value->refs++;
	if (copy->left)
		copy->left->refs++;
	if (copy->right)
		copy->right->refs++;
	if (copy->children)
		copy->children->refs++;
	return copy;
}

/* Makes the node behind a link (itself in an owned node) exclusive. */
static struct node *link_own(struct node **link)
{
	struct node *node = *link;

	if (node->refs > 1) {
		*link = node_copy(node);
		node->refs--;	/* others hold it: it cannot drop to zero */
	}
	return *link;
}

static int name_compare(const char *name, size_t len, const struct node *node)
{
	size_t common = len < node->name_len ? len : node->name_len;
	int order = memcmp(name, node->name, common);

	if (order)
		return order;
	return len < node->name_len ? -1 : len > node->name_len;
}

static const struct node *child_find(const struct node *parent, const char *name, size_t len)
{
	const struct node *node = parent->children;

	while (node) {
		int order = name_compare(name, len, node);

		if (!order)
			return node;
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

/* The link to an existing child, with everything on the way owned and `named` added to it. */
static struct node **child_own_link(struct node *parent, const char *name, size_t len,
				    uint64_t named)
{
	struct node **link = &parent->children;

	for (;;) {
		struct node *node = link_own(link);
		int order = name_compare(name, len, node);

		node->named |= named;
		if (!order)
			return link;
		link = order < 0 ? &node->left : &node->right;
	}
}

struct node *tree_new(struct perms *perms)
{
	return node_new("", 0, perms);
}

const struct node *tree_nearest(const struct node *top, const char *path, size_t len,
				unsigned int *missing)
{
	const struct node *node = top;
	size_t pos = 0, name_len;
	const char *name;

	*missing = 0;
	while (path_next_name(path, len, &pos, &name, &name_len)) {
		const struct node *child = *missing ? NULL : child_find(node, name, name_len);

		if (child)
			node = child;
		else
			++*missing;
	}
	return node;
}

const struct node *tree_find(const struct node *top, const char *path, size_t len)
{
	unsigned int missing;
	const struct node *node = tree_nearest(top, path, len, &missing);

	return missing ? NULL : node;
}

static struct node *own_path(struct node **top, const char *path, size_t len, uint64_t named)
{
	struct node *node = link_own(top);
	size_t pos = 0, name_len;
	const char *name;

	node->named |= named;
	while (path_next_name(path, len, &pos, &name, &name_len))
		node = *child_own_link(node, name, name_len, named);
	return node;
}

struct node *tree_own(struct node **top, const char *path, size_t len)
{
	return own_path(top, path, len, 0);
}

struct node *tree_set_perms(struct node **top, const char *path, size_t len,
			    struct perms *perms)
{
	struct node *node = own_path(top, path, len, perms_mask(perms));
	struct perms *old = node->perms;

	node->perms = perms_get(perms);
	perms_put(old);
	return node;
}

struct node *tree_make(struct node **top, const char *path, size_t len, struct perms *perms,
		       uint64_t generation)
{
	const uint64_t named = perms_mask(perms);
	struct node *node = link_own(top);
	size_t pos = 0, name_len;
	const char *name;

	node->named |= named;
	while (path_next_name(path, len, &pos, &name, &name_len)) {
		if (child_find(node, name, name_len))
			node = *child_own_link(node, name, name_len, named);
		else
			node = tree_add(node, name, name_len, perms, generation);
	}
	return node;
}

static uint64_t names_of(const struct node *node)
{
	uint64_t named = perms_mask(node->perms);

	if (node->left)
		named |= node->left->named;
	if (node->right)
		named |= node->right->named;
	if (node->children)
		named |= node->children->named;
	return named;
}

/* What is behind its links may have lost names since; a node's mask never misses one. */
static void node_correct_named(struct node *node)
{
	node->named = names_of(node);
}

bool node_names_all(const struct node *node)
{
	return !(names_of(node) & ~node->named);
}

/* Splits the treap behind *tree into names smaller and larger than `name`. */
static void treap_split(struct node *tree, const char *name, size_t len,
			struct node **smaller, struct node **larger)
{
	while (tree) {
		struct node *node = link_own(&tree);

		if (name_compare(name, len, node) > 0) {
			*smaller = node;
			smaller = &node->right;
			tree = node->right;
		} else {
			*larger = node;
			larger = &node->left;
			tree = node->left;
		}
	}
	*smaller = NULL;
	*larger = NULL;
}

/* Joins two treaps, all names of `left` being smaller, into *link. */
static void treap_join(struct node **link, struct node *left, struct node *right)
{
	while (left && right) {
		if (left->priority > right->priority) {
			*link = link_own(&left);
			left->named |= right->named;
			link = &left->right;
			left = *link;
		} else {
			*link = link_own(&right);
			right->named |= left->named;
			link = &right->left;
			right = *link;
		}
	}
	*link = left ? left : right;
}

struct node *tree_add(struct node *parent, const char *name, size_t name_len,
		      struct perms *perms, uint64_t generation)
{
	struct node *added = node_new(name, name_len, perms);
	struct node **link = &parent->children;

	while (*link && (*link)->priority >= added->priority) {
		struct node *node = link_own(link);

		node->named |= added->named;
		link = name_compare(name, name_len, node) < 0 ? &node->left : &node->right;
	}
	treap_split(*link, name, name_len, &added->left, &added->right);
	*link = added;
	node_correct_named(added);
	added->generation = generation;
	parent->generation = generation;
	parent->children_count++;
	parent->children_bytes += name_len + 1;
	return added;
}

struct node *tree_detach(struct node *parent, const char *name, size_t name_len,
			 uint64_t generation)
{
	struct node **link = child_own_link(parent, name, name_len, 0);
	struct node *node = *link;

	treap_join(link, node->left, node->right);
	node->left = NULL;
	node->right = NULL;
	parent->generation = generation;
	parent->children_count--;
	parent->children_bytes -= name_len + 1;
	return node;
}

void node_set_value(struct node *node, const void *data, size_t len)
{
	struct value *old = node->value;

	node->value = len ? value_new(data, len) : NULL;
	value_put(old);
}

static void children_descend(struct children *iter, const struct node *node)
{
	for (; node; node = node->left) {
		if (iter->depth == iter->room) {
			iter->room = iter->room ? 2 * iter->room : 32;
			iter->stack = xrealloc(iter->stack, iter->room * sizeof(*iter->stack));
		}
		iter->stack[iter->depth++] = node;
	}
}

void children_begin(struct children *iter, const struct node *parent)
{
	*iter = (struct children){ 0 };
	children_descend(iter, parent->children);
}

const struct node *children_next(struct children *iter)
{
	const struct node *node;

	if (!iter->depth)
		return NULL;
	node = iter->stack[--iter->depth];
	children_descend(iter, node->right);
	return node;
}

void children_end(struct children *iter)
{
	free(iter->stack);
	*iter = (struct children){ 0 };
}

/*
 * A walk keeps one path buffer. An entry remembers how much of it is its
 * parent's path; nothing visited before the entry is popped changes that part,
 * because it all lies below the same parent.
 */
struct walk_entry {
	const struct node *node;
	size_t parent_len;
};

struct walk {
	struct walk_entry *stack;
	size_t depth, room;
	uint64_t wanted;	/* only behind links that have all of these bits */
};

static void walk_push(struct walk *walk, const struct node *node, size_t parent_len)
{
	if (!node || (node->named & walk->wanted) != walk->wanted)
		return;
	if (walk->depth == walk->room) {
		walk->room = walk->room ? 2 * walk->room : 64;
		walk->stack = xrealloc(walk->stack, walk->room * sizeof(*walk->stack));
	}
	walk->stack[walk->depth++] = (struct walk_entry){ node, parent_len };
}

static size_t walk_append_name(char *path, size_t parent_len, const struct node *node)
{
	size_t len = parent_len;

	/* Children of "/" must not get a second slash; those of the top get none at all. */
	if (len && path[len - 1] != '/')
		path[len++] = '/';
	memcpy(path + len, node->name, node->name_len);
	len += node->name_len;
	if (!len)
		path[len++] = '/';
	path[len] = '\0';
	return len;
}

static void walk_below(struct walk *walk, const struct node *node, const char *path, size_t len,
		       tree_visit *visit, void *arg)
{
	char text[PVN_STORE_ABS_PATH_MAX + 1];

	memcpy(text, path, len);
	text[len] = '\0';
	visit(arg, node, text, len);
	walk_push(walk, node->children, len);
	while (walk->depth) {
		struct walk_entry entry = walk->stack[--walk->depth];
		size_t entry_len = walk_append_name(text, entry.parent_len, entry.node);

		if (walk->wanted)
			node_correct_named((struct node *)entry.node);
		visit(arg, entry.node, text, entry_len);
		walk_push(walk, entry.node->left, entry.parent_len);
		walk_push(walk, entry.node->right, entry.parent_len);
		walk_push(walk, entry.node->children, entry_len);
	}
	free(walk->stack);
}

void tree_walk(const struct node *node, const char *path, size_t len, tree_visit *visit,
	       void *arg)
{
	struct walk walk = { 0 };

	walk_below(&walk, node, path, len, visit, arg);
}

void tree_walk_named(struct node *top, uint16_t domid, tree_visit *visit, void *arg)
{
	struct walk walk = { .wanted = domid_mask(domid) };

	walk_below(&walk, top, "", 0, visit, arg);
}
