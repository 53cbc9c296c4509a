// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Nodes, values and permission lists in an image. Each is written where it is
 * met first; what has more than one reference gets a number there, and every
 * later place names the number. So snapshots stay snapshots, and two links to
 * one node are two links to one node again. Does not recurse: guests choose the
 * depth of the tree.
 */
#include "alloc.h"
#include "image.h"

/* What stands at the place of a pointer. */
enum tag {
	TAG_NULL,
	TAG_NUMBER,		/* one that was written before */
	TAG_SINGLE,		/* here it is, and nobody else refers to it */
	TAG_SHARED,		/* here it is, and gets the next number */
};

/* Writing: pointer to number, open addressing. Reading: number to pointer. */
struct image_map {
	const void **keys;
	uint32_t *numbers;
	size_t room;		/* a power of two, or 0 */
	void **objects;
	size_t object_room;
	uint32_t count;
};

struct image_map *image_map_new(void)
{
	return xcalloc(1, sizeof(struct image_map));
}

void image_map_free(struct image_map *map)
{
	free(map->keys);
	free(map->numbers);
	free(map->objects);
	free(map);
}

static size_t map_slot(const struct image_map *map, const void *key)
{
	size_t slot = ((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15ull >> 20;

	for (slot &= map->room - 1; map->keys[slot] && map->keys[slot] != key;)
		slot = (slot + 1) & (map->room - 1);
	return slot;
}

static void map_grow(struct image_map *map)
{
	struct image_map old = *map;

	map->room = old.room ? 2 * old.room : 64;
	map->keys = xcalloc(map->room, sizeof(*map->keys));
	map->numbers = xcalloc(map->room, sizeof(*map->numbers));
	for (size_t i = 0; i < old.room; i++) {
		size_t slot;

		if (!old.keys[i])
			continue;
		slot = map_slot(map, old.keys[i]);
		map->keys[slot] = old.keys[i];
		map->numbers[slot] = old.numbers[i];
	}
	free(old.keys);
	free(old.numbers);
}

/* True when it was written before; else it gets the next number. */
static bool map_number(struct image_map *map, const void *key, uint32_t *number)
{
	size_t slot;

	if (2 * ((size_t)map->count + 1) > map->room)
		map_grow(map);
	slot = map_slot(map, key);
	if (!map->keys[slot]) {
		map->keys[slot] = key;
		map->numbers[slot] = map->count++;
		return false;
	}
	*number = map->numbers[slot];
	return true;
}

static void map_add_object(struct image_map *map, void *object)
{
	if (map->count == map->object_room) {
		map->object_room = 2 * map->object_room + 64;
		map->objects = xrealloc(map->objects, map->object_room * sizeof(*map->objects));
	}
	map->objects[map->count++] = object;
}

static void put_tag(struct image_writer *writer, enum tag tag)
{
	uint8_t byte = tag;

	image_put_value(writer, byte);
}

/* True when the object itself has to follow. */
static bool put_pointer(struct image_writer *writer, struct image_map *map, const void *object,
			uint32_t refs)
{
	uint32_t number;

	if (!object) {
		put_tag(writer, TAG_NULL);
		return false;
	}
	if (refs == 1) {
		put_tag(writer, TAG_SINGLE);
		return true;
	}
	if (!map_number(map, object, &number)) {
		put_tag(writer, TAG_SHARED);
		return true;
	}
	put_tag(writer, TAG_NUMBER);
	image_put_value(writer, number);
	return false;
}

/* True when the object itself follows; else *object is what was meant, maybe NULL. */
static bool get_pointer(struct image_reader *reader, const struct image_map *map, void **object,
			bool *shared)
{
	uint8_t tag;
	uint32_t number;

	image_get(reader, &tag, sizeof(tag));
	*object = NULL;
	*shared = tag == TAG_SHARED;
	if (tag == TAG_NUMBER) {
		number = image_get_u32(reader);
		/* What was cut off reads as 0, which may be an ancestor. */
		if (!reader->failed && number < map->count)
			*object = map->objects[number];
		else
			reader->failed = true;
	}
	if (tag > TAG_SHARED)
		reader->failed = true;
	return !reader->failed && (tag == TAG_SINGLE || tag == TAG_SHARED);
}

void image_put_perms(struct image_writer *writer, struct image_map *map,
		     const struct perms *perms)
{
	if (!put_pointer(writer, map, perms, perms ? perms->refs : 0))
		return;
	image_put_value(writer, perms->count);
	image_put(writer, perms->list, perms->count * sizeof(perms->list[0]));
}

struct perms *image_get_perms(struct image_reader *reader, struct image_map *map)
{
	struct perms *perms;
	const void *list;
	uint32_t count;
	bool shared;
	void *known;

	if (!get_pointer(reader, map, &known, &shared))
		return known ? perms_get(known) : NULL;
	count = image_get_u32(reader);
	list = image_get_bytes(reader, (size_t)count * sizeof(struct perm));
	if (!list || !count) {
		reader->failed = true;
		return NULL;
	}
	perms = xmalloc(sizeof(*perms) + count * sizeof(struct perm));
	perms->refs = 1;
	perms->count = count;
	memcpy(perms->list, list, count * sizeof(struct perm));
	if (shared)
		map_add_object(map, perms);
	return perms;
}

static void put_value(struct image_writer *writer, struct image_map *map,
		      const struct value *value)
{
	if (!put_pointer(writer, map, value, value ? value->refs : 0))
		return;
	image_put_value(writer, value->len);
	image_put(writer, value->data, value->len);
}

static struct value *get_value(struct image_reader *reader, struct image_map *map)
{
	struct value *value;
	const void *data;
	uint32_t len;
	bool shared;
	void *known;

	if (!get_pointer(reader, map, &known, &shared)) {
		value = known;
		if (value)
			value->refs++;
		return value;
	}
	len = image_get_u32(reader);
	data = image_get_bytes(reader, len);
	if (!data)
		return NULL;
	value = xmalloc(sizeof(*value) + len);
	value->refs = 1;
	value->len = len;
	memcpy(value->data, data, len);
	if (shared)
		map_add_object(map, value);
	return value;
}

/* What of a node is written as it is. */
struct image_node {
	uint64_t generation;
	uint64_t named;
	uint32_t priority;
	uint32_t children_count, children_bytes;
	uint32_t name_len;
};

static void put_node(struct image_writer *writer, struct image_map *map,
		     const struct node *node)
{
	const struct image_node fixed = {
		.generation = node->generation,
		.named = node->named,
		.priority = node->priority,
		.children_count = node->children_count,
		.children_bytes = node->children_bytes,
		.name_len = node->name_len,
	};

	image_put_value(writer, fixed);
	image_put(writer, node->name, node->name_len);
	image_put_perms(writer, map, node->perms);
	put_value(writer, map, node->value);
}

static struct node *get_node(struct image_reader *reader, struct image_map *map)
{
	struct image_node fixed;
	struct node *node;
	const void *name;

	image_get(reader, &fixed, sizeof(fixed));
	name = fixed.name_len <= UINT16_MAX ? image_get_bytes(reader, fixed.name_len) : NULL;
	if (!name) {
		reader->failed = true;
		return NULL;
	}
	node = xcalloc(1, sizeof(*node) + fixed.name_len + 1);
	node->refs = 1;
	node->generation = fixed.generation;
	node->named = fixed.named;
	node->priority = fixed.priority;
	node->children_count = fixed.children_count;
	node->children_bytes = fixed.children_bytes;
	node->name_len = fixed.name_len;
	memcpy(node->name, name, fixed.name_len);
	node->perms = image_get_perms(reader, map);
	node->value = get_value(reader, map);
	if (!node->perms)
		reader->failed = true;
	return node;
}

/* Links still to be written or read, last one first. */
struct links {
	void **stack;
	size_t depth, room;
};

static void links_push(struct links *links, void *link)
{
	if (links->depth == links->room) {
		links->room = 2 * links->room + 64;
		links->stack = xrealloc(links->stack, links->room * sizeof(*links->stack));
	}
	links->stack[links->depth++] = link;
}

void image_put_tree(struct image_writer *writer, struct image_map *map, const struct node *top)
{
	struct links links = { 0 };

	links_push(&links, (void *)top);
	while (links.depth) {
		const struct node *node = links.stack[--links.depth];

		if (!put_pointer(writer, map, node, node ? node->refs : 0))
			continue;
		put_node(writer, map, node);
		links_push(&links, node->children);
		links_push(&links, node->right);
		links_push(&links, node->left);
	}
	free(links.stack);
}

struct node *image_get_tree(struct image_reader *reader, struct image_map *map)
{
	struct links links = { 0 };
	struct node *top = NULL;

	links_push(&links, &top);
	while (links.depth && !reader->failed) {
		struct node **link = links.stack[--links.depth], *node;
		uint32_t number = map->count;
		bool shared;
		void *known;

		if (!get_pointer(reader, map, &known, &shared)) {
			*link = known ? node_get(known) : NULL;
			continue;
		}
		/* It was numbered before what is in it. */
		if (shared)
			map_add_object(map, NULL);
		node = get_node(reader, map);
		*link = node;
		if (!node)
			break;
		if (shared)
			map->objects[number] = node;
		links_push(&links, &node->children);
		links_push(&links, &node->right);
		links_push(&links, &node->left);
	}
	free(links.stack);
	return top;
}
