// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The copy-on-write tree against a plain model, with snapshots held meanwhile.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "tree.h"

enum { NAMES = 300, STEPS = 20000, SNAPSHOTS = 8 };

struct model {
	int value[NAMES];	/* -1: no such child */
};

static struct perms *root_only(void)
{
	const struct perm perm = { 0 };

	return perms_new(&perm, 1);
}

static size_t child_path(char *path, int name)
{
	return sprintf(path, "/n%d", name);
}

static void assert_tree_is(const struct node *top, const struct model *model)
{
	const struct node *parent = tree_find(top, "/", 1), *child;
	struct children iter;
	unsigned int count = 0;
	char last[16] = "";

	children_begin(&iter, parent);
	while ((child = children_next(&iter))) {
		int name = atoi(child->name + 1);

		assert_true(strcmp(last, child->name) < 0);
		strcpy(last, child->name);
		assert_int_equal(node_value_len(child), sizeof(int));
		assert_memory_equal(child->value->data, &model->value[name], sizeof(int));
		count++;
	}
	children_end(&iter);
	assert_int_equal(parent->children_count, count);
	for (int i = 0; i < NAMES; i++)
		count -= model->value[i] >= 0;
	assert_int_equal(count, 0);
}

static void model_step(struct node **top, struct model *model, struct perms *perms, int step)
{
	int name = rand() % NAMES;
	char path[16];
	size_t len = child_path(path, name);

	if (rand() % 3 == 0) {
		if (model->value[name] >= 0)
			node_put(tree_detach(tree_own(top, "/", 1), path + 1, len - 1, step));
		model->value[name] = -1;
		return;
	}
	node_set_value(tree_make(top, path, len, perms, step), &step, sizeof(step));
	model->value[name] = step;
}

static void snapshots_never_change(void **state)
{
	struct model model, old[SNAPSHOTS];
	struct node *held[SNAPSHOTS] = { 0 };
	struct perms *perms = root_only();
	struct node *top = tree_new(perms);

	(void)state;
	hash_seed();
	srand(2);
	memset(&model, 0xff, sizeof(model));
	tree_make(&top, "/", 1, perms, 0);
	for (int step = 0; step < STEPS; step++) {
		int slot = rand() % SNAPSHOTS;

		model_step(&top, &model, perms, step);
		if (rand() % 50)
			continue;
		if (held[slot])
			assert_tree_is(held[slot], &old[slot]);
		node_put(held[slot]);
		held[slot] = node_get(top);
		old[slot] = model;
		assert_tree_is(top, &model);
	}
	for (int slot = 0; slot < SNAPSHOTS; slot++)
		node_put(held[slot]);
	assert_tree_is(top, &model);
	node_put(top);
	assert_int_equal(perms->refs, 1);
	perms_put(perms);
}

static void without_a_snapshot_nodes_are_changed_in_place(void **state)
{
	struct perms *perms = root_only();
	struct node *top = tree_new(perms);
	struct node *before = top, *snapshot;
	const struct node *leaf;

	(void)state;
	leaf = tree_make(&top, "/a/b/c", 6, perms, 0);
	assert_ptr_equal(tree_own(&top, "/a/b/c", 6), leaf);
	assert_ptr_equal(top, before);
	snapshot = node_get(top);
	assert_ptr_not_equal(tree_own(&top, "/a/b/c", 6), leaf);
	assert_ptr_equal(tree_find(snapshot, "/a/b/c", 6), leaf);
	node_put(snapshot);
	node_put(top);
	perms_put(perms);
}

struct seen {
	unsigned int count;
	char text[256];
};

static void note_path(void *arg, const struct node *node, const char *path, size_t len)
{
	struct seen *seen = arg;

	(void)node;
	assert_int_equal(strlen(path), len);
	seen->count++;
	strcat(seen->text, path);
	strcat(seen->text, " ");
}

static void a_walk_names_every_node_parents_first(void **state)
{
	struct perms *perms = root_only();
	struct node *top = tree_new(perms);
	struct seen seen = { 0 };

	(void)state;
	tree_make(&top, "/a/b", 4, perms, 0);
	tree_make(&top, "/c", 2, perms, 0);
	tree_make(&top, "@x", 2, perms, 0);
	tree_walk(top, "", 0, note_path, &seen);
	assert_int_equal(seen.count, 6);
	assert_non_null(strstr(seen.text, "/ "));
	assert_non_null(strstr(seen.text, "/a /a/b "));
	assert_non_null(strstr(seen.text, "/c "));
	assert_non_null(strstr(seen.text, "@x "));
	node_put(top);
	perms_put(perms);
}

static void a_hundred_thousand_children_need_no_deep_stack(void **state)
{
	struct perms *perms = root_only();
	struct node *top = tree_new(perms);
	char path[32];

	(void)state;
	for (int i = 0; i < 100000; i++)
		tree_make(&top, path, sprintf(path, "/w/%d", i), perms, i);
	assert_int_equal(tree_find(top, "/w", 2)->children_count, 100000);
	assert_non_null(tree_find(top, "/w/99999", 8));
	node_put(top);
	perms_put(perms);
}

static void count_visit(void *arg, const struct node *node, const char *path, size_t len)
{
	(void)node;
	(void)path;
	(void)len;
	++*(unsigned int *)arg;
}

/* Makes or removes a node that a domain owns. */
static void change_owned(struct node **top, uint16_t domid, int number, bool make)
{
	const struct perm owner = { .domid = domid };
	struct perms *perms = perms_new(&owner, 1);
	char path[32];
	int len = sprintf(path, "/d/%u/%d", domid, number);

	if (make)
		tree_make(top, path, len, perms, 0);
	else if (tree_find(*top, path, len)) {
		const char *name = strrchr(path, '/') + 1;

		node_put(tree_detach(tree_own(top, path, name - path - 1), name, strlen(name), 0));
	}
	perms_put(perms);
}

static void a_domains_nodes_are_found_without_looking_at_all(void **state)
{
	enum { DOMAINS = 1000, STEPS = 40000 };
	const struct perm nobody = { .domid = 0 };
	struct perms *perms = perms_new(&nobody, 1);
	struct node *top = tree_new(perms);
	unsigned int all = 0, some = 0;

	(void)state;
	srand(5);
	for (int i = 0; i < STEPS; i++)
		change_owned(&top, 1 + rand() % DOMAINS, rand() % 30, rand() % 4);
	tree_walk(top, "", 0, count_visit, &all);
	for (uint16_t domid = 1; domid <= DOMAINS; domid++) {
		unsigned int found = 0, wanted = 0;
		char path[32];
		const struct node *home = tree_find(top, path, sprintf(path, "/d/%u", domid));

		if (home)
			tree_walk(home, "/", 1, count_visit, &wanted);
		tree_walk_named(top, domid, count_visit, &found);
		assert_true(found >= wanted);
		some += found;
	}
	/* On average far less than one in a hundred, and what it has itself. */
	assert_true(some / DOMAINS < all / 100);
	node_put(top);
	perms_put(perms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_never_change),
		cmocka_unit_test(without_a_snapshot_nodes_are_changed_in_place),
		cmocka_unit_test(a_walk_names_every_node_parents_first),
		cmocka_unit_test(a_hundred_thousand_children_need_no_deep_stack),
		cmocka_unit_test(a_domains_nodes_are_found_without_looking_at_all),
	};

	return cmocka_run_group_tests_name("stored tree", tests, NULL, NULL);
}
