// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The requests that read or change nodes, on whichever view they are given:
 * the store's tree, a transaction's, or the one a commit tries. Each checks
 * everything first (arguments, permission, quota) and changes nothing unless it
 * succeeds. Nothing here knows connections, so that a transaction can repeat it.
 */
#include <errno.h>
#include <stdio.h>

#include "alloc.h"
#include "number.h"
#include "store.h"

/* Splits off the first NUL-terminated string of the payload; the rest stays in the op. */
struct rest {
	const char *text;
	size_t len;
};

static int rest_take_string(struct rest *rest, const char **text, size_t *len)
{
	const char *nul = rest->len ? memchr(rest->text, '\0', rest->len) : NULL;

	if (!nul)
		return EINVAL;
	*text = rest->text;
	*len = nul - rest->text;
	rest->len -= *len + 1;
	rest->text = nul + 1;
	return 0;
}

static uint32_t op_limit(const struct op *op, uint16_t domid, enum quota quota)
{
	static const struct quota_limits none;
	const struct store *store = op->view->store;
	const struct domain *domain = domain_find(op->view->store, domid);

	return quota_limit(&store->limits, domain ? &domain->limits : &none, quota);
}

static int op_take_path(const struct op *op, struct rest *rest, struct path *path)
{
	const char *text;
	size_t len;

	rest->text = (const char *)op->payload;
	rest->len = op->len;
	if (rest_take_string(rest, &text, &len))
		return EINVAL;
	return path_resolve(path, text, len, op->cred->domid,
			    op_limit(op, op->cred->domid, QUOTA_PATH_MAX));
}

/* For requests whose only argument is a path of an ordinary node. */
static int op_take_only_path(const struct op *op, struct path *path)
{
	struct rest rest;

	if (op_take_path(op, &rest, path) || rest.len || path->special)
		return EINVAL;
	return 0;
}

/*
 * The node, or its nearest ancestor and how many names are missing. Refuses
 * where the one that was found does not grant `want`: so a caller learns only
 * about places it may see whether something exists there.
 */
static int op_nearest(const struct op *op, const struct path *path, unsigned int want,
		      const struct node **node, unsigned int *missing)
{
	*node = tree_nearest(op->view->top, path->text, path->len, missing);
	return perms_allow((*node)->perms, op->cred, want) ? 0 : EACCES;
}

static int op_find(const struct op *op, const struct path *path, unsigned int want,
		   const struct node **node)
{
	unsigned int missing;
	int error = op_nearest(op, path, want, node, &missing);

	if (error)
		return error;
	return missing ? ENOENT : 0;
}

static void op_reply_ok(struct op *op)
{
	memcpy(op->reply, "OK", 3);
	op->reply_len = 3;
}

static int op_read(struct op *op)
{
	const struct node *node;
	struct path path;
	int error;

	error = op_take_only_path(op, &path);
	if (!error)
		error = op_find(op, &path, PERM_READ, &node);
	if (error)
		return error;
	op->reply_len = node_value_len(node);
	if (op->reply_len)
		memcpy(op->reply, node->value->data, op->reply_len);
	return 0;
}

static int op_directory(struct op *op)
{
	const struct node *node, *child;
	struct children iter;
	struct path path;
	int error;

	error = op_take_only_path(op, &path);
	if (!error)
		error = op_find(op, &path, PERM_READ, &node);
	if (error)
		return error;
	if (node->children_bytes > PVN_STORE_PAYLOAD_MAX)
		return E2BIG;
	children_begin(&iter, node);
	while ((child = children_next(&iter))) {
		memcpy(op->reply + op->reply_len, child->name, child->name_len + 1);
		op->reply_len += child->name_len + 1;
	}
	children_end(&iter);
	return 0;
}

/* Copies names from byte `offset` of the list on, as many as fit; an empty name ends the list. */
static void op_copy_part(struct op *op, const struct node *node, uint32_t offset)
{
	const struct node *child;
	struct children iter;
	size_t at = 0;

	children_begin(&iter, node);
	while ((child = children_next(&iter))) {
		size_t bytes = child->name_len + 1;

		if (at >= offset) {
			if (op->reply_len + bytes > PVN_STORE_PAYLOAD_MAX)
				break;
			memcpy(op->reply + op->reply_len, child->name, bytes);
			op->reply_len += bytes;
		}
		at += bytes;
	}
	if (!child && op->reply_len < PVN_STORE_PAYLOAD_MAX)
		op->reply[op->reply_len++] = '\0';
	children_end(&iter);
}

static int op_directory_part(struct op *op)
{
	const struct node *node;
	struct path path;
	struct rest rest;
	const char *text;
	uint32_t offset;
	size_t len;
	int error;

	if (op_take_path(op, &rest, &path) || path.special ||
	    rest_take_string(&rest, &text, &len) || rest.len ||
	    number_parse_u32(text, len, &offset))
		return EINVAL;
	error = op_find(op, &path, PERM_READ, &node);
	if (error)
		return error;
	op->reply_len = 1 + sprintf((char *)op->reply, "%llu",
				    (unsigned long long)node->generation);
	op_copy_part(op, node, offset);
	return 0;
}

static int op_get_perms(struct op *op)
{
	const struct node *node;
	struct path path;
	struct rest rest;
	int error;

	if (op_take_path(op, &rest, &path) || rest.len)
		return EINVAL;
	error = op_find(op, &path, PERM_READ, &node);
	if (error)
		return error;
	op->reply_len = perms_print(node->perms, (char *)op->reply, PVN_STORE_PAYLOAD_MAX);
	return op->reply_len ? 0 : E2BIG;
}

/* Would `nodes` more nodes and `bytes` more bytes be too much for a node's owner? */
static int op_check_growth(const struct op *op, uint16_t owner, unsigned int nodes,
			   int64_t bytes)
{
	struct quota_use use;

	if (op->cred->privileged || owner == 0 || (!nodes && bytes <= 0))
		return 0;
	use = view_use(op->view, owner);
	if (nodes && use.nodes + nodes > op_limit(op, owner, QUOTA_NODES))
		return ENOSPC;
	if (use.node_bytes + use.other_bytes + bytes > op_limit(op, owner, QUOTA_MEMORY))
		return ENOSPC;
	return 0;
}

static int op_check_node_size(const struct op *op, size_t value_len, unsigned int perms_count)
{
	size_t bytes = value_len + perms_count * sizeof(struct perm);

	if (op->cred->privileged)
		return 0;
	return bytes > op_limit(op, op->cred->domid, QUOTA_NODE_SIZE) ? ENOSPC : 0;
}

/* Bytes of the last `missing` names of a path, without slashes. */
static size_t path_tail_bytes(const struct path *path, unsigned int missing)
{
	size_t pos = path->len;

	for (unsigned int i = 0; i < missing; i++)
		while (path->text[--pos] != '/')
			;
	return path->len - pos - missing;
}

/* Creates the node and `missing - 1` ancestors below `nearest`. Only the node's event fires. */
static int op_create(const struct op *op, const struct path *path, const struct node *nearest,
		     unsigned int missing, const struct rest *value)
{
	struct view *view = op->view;
	struct perms *perms;
	struct node *node;
	uint16_t owner;
	int64_t bytes;
	int error;

	owner = op->cred->privileged ? nearest->perms->list[0].domid : op->cred->domid;
	bytes = missing * node_cost_of(0, 0, nearest->perms->count) +
		path_tail_bytes(path, missing) + value->len;
	error = op_check_growth(op, owner, missing, bytes);
	if (error)
		return error;
	perms = perms_with_owner(nearest->perms, owner);
	node = tree_make(&view->top, path->text, path->len, perms, ++view->store->generation);
	node_set_value(node, value->text, value->len);
	view_charge(view, owner, missing, bytes);
	perms_put(perms);
	view_changed(view, path, NULL, NULL);
	return 0;
}

static int op_write(struct op *op)
{
	const struct node *node;
	unsigned int missing;
	struct path path;
	struct rest rest;
	int64_t growth;
	uint16_t owner;
	int error;

	if (op_take_path(op, &rest, &path) || path.special)
		return EINVAL;
	error = op_nearest(op, &path, PERM_WRITE, &node, &missing);
	if (!error)
		error = op_check_node_size(op, rest.len, node->perms->count);
	if (error)
		return error;
	op_reply_ok(op);
	if (missing)
		return op_create(op, &path, node, missing, &rest);
	owner = node->perms->list[0].domid;
	growth = (int64_t)rest.len - (int64_t)node_value_len(node);
	error = op_check_growth(op, owner, 0, growth);
	if (error)
		return error;
	node_set_value(tree_own(&op->view->top, path.text, path.len), rest.text, rest.len);
	++op->view->store->generation;
	view_charge(op->view, owner, 0, growth);
	view_changed(op->view, &path, NULL, NULL);
	return 0;
}

static int op_mkdir(struct op *op)
{
	const struct rest nothing = { "", 0 };
	const struct node *node;
	unsigned int missing;
	struct path path;
	int error;

	error = op_take_only_path(op, &path);
	if (!error)
		error = op_nearest(op, &path, PERM_WRITE, &node, &missing);
	if (error)
		return error;
	op_reply_ok(op);
	return missing ? op_create(op, &path, node, missing, &nothing) : 0;
}

static void uncharge_node(void *view, const struct node *node, const char *path, size_t len)
{
	(void)path;
	(void)len;
	view_charge(view, node->perms->list[0].domid, -1, -(int64_t)node_cost(node));
}

void op_remove(struct view *view, const struct path *path)
{
	size_t parent_len = path_parent_len(path->text, path->len);
	const char *name = path->text + parent_len + (parent_len > 1);
	struct node *parent = tree_own(&view->top, path->text, parent_len);
	struct node *node = tree_detach(parent, name, path->text + path->len - name,
					++view->store->generation);

	tree_walk(node, path->text, path->len, uncharge_node, view);
	view_changed(view, path, node, NULL);
}

static int op_rm(struct op *op)
{
	const struct node *node;
	unsigned int missing;
	struct path path;
	int error;

	error = op_take_only_path(op, &path);
	if (!error && path.len == 1)
		error = EINVAL;		/* "/" stays */
	if (!error)
		error = op_nearest(op, &path, PERM_WRITE, &node, &missing);
	if (error)
		return error;
	if (missing > 1)
		return ENOENT;
	if (!missing)
		op_remove(op->view, &path);
	op_reply_ok(op);
	return 0;
}

void op_replace_perms(struct view *view, const struct path *path, struct perms *perms)
{
	struct node *node = tree_own(&view->top, path->text, path->len);
	struct perms *old = perms_get(node->perms);

	view_charge(view, old->list[0].domid, -1, -(int64_t)node_cost(node));
	node = tree_set_perms(&view->top, path->text, path->len, perms);
	view_charge(view, perms->list[0].domid, 1, node_cost(node));
	++view->store->generation;
	view_changed(view, path, NULL, old);
	perms_put(old);
}

/*
 * A privileged caller may name domains before they are introduced: that is how
 * a toolstack prepares a guest. From anybody else such an entry is kept but never
 * honoured, or a guest could be given rights in the name of a future one.
 */
static void perms_mark_stale(struct op *op, struct perms *perms)
{
	for (unsigned int i = 1; !op->cred->privileged && i < perms->count; i++) {
		struct perm *perm = &perms->list[i];

		perm->stale = perm->domid != PVN_STORE_DOMID_ANY &&
			      !domain_is_known(op->view->store, perm->domid);
	}
}

static int op_check_perms(struct op *op, const struct path *path, const struct perms *perms)
{
	const struct node *node;
	int error = op_find(op, path, PERM_WRITE, &node);

	if (error)
		return error;
	if (!perms_owned_by(node->perms, op->cred))
		return EACCES;
	if (!op->cred->privileged && perms->list[0].domid != node->perms->list[0].domid)
		return EPERM;
	if (perms->list[0].domid >= PVN_STORE_DOMID_FIRST_RESERVED)
		return EINVAL;
	error = op_check_node_size(op, node_value_len(node), perms->count);
	if (error)
		return error;
	return op_check_growth(op, perms->list[0].domid, 0,
			       ((int64_t)perms->count - node->perms->count) *
			       (int64_t)sizeof(struct perm));
}

static int op_set_perms(struct op *op)
{
	uint32_t max = op->cred->privileged ?
		0 : op_limit(op, op->cred->domid, QUOTA_NODE_PERMISSIONS);
	struct perms *perms;
	struct path path;
	struct rest rest;
	int error;

	if (op_take_path(op, &rest, &path))
		return EINVAL;
	perms = perms_parse(rest.text, rest.len, max, &error);
	if (!perms)
		return error;
	perms_mark_stale(op, perms);
	error = op_check_perms(op, &path, perms);
	if (!error) {
		op_replace_perms(op->view, &path, perms);
		op_reply_ok(op);
	}
	perms_put(perms);
	return error;
}

static int (*const node_ops[PVN_STORE_TYPE_COUNT])(struct op *op) = {
	[PVN_STORE_DIRECTORY] = op_directory,
	[PVN_STORE_READ] = op_read,
	[PVN_STORE_GET_PERMS] = op_get_perms,
	[PVN_STORE_WRITE] = op_write,
	[PVN_STORE_MKDIR] = op_mkdir,
	[PVN_STORE_RM] = op_rm,
	[PVN_STORE_SET_PERMS] = op_set_perms,
	[PVN_STORE_DIRECTORY_PART] = op_directory_part,
};

bool op_is_node_op(uint32_t type)
{
	return type < PVN_STORE_TYPE_COUNT && node_ops[type];
}

static bool op_is_served(const struct op *op)
{
	bool change = op->type == PVN_STORE_WRITE || op->type == PVN_STORE_MKDIR ||
		      op->type == PVN_STORE_RM;
	struct path path;
	struct rest rest;

	/* A path that is none gets its error later. Rights are the toolstack's to give. */
	if (op->type == PVN_STORE_SET_PERMS)
		return false;
	return op_take_path(op, &rest, &path) || path_is_served(&path, op->cred->serves, change);
}

int op_run(struct op *op)
{
	op->reply_len = 0;
	if (op->cred->serves && !op_is_served(op))
		return EACCES;
	return node_ops[op->type](op);
}
