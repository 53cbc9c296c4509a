/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A store as bytes, so that another process can go on where this one is: tree
 * with all that is shared between it and open transactions, domains,
 * connections with their unread and unsent bytes, watches. What the other one
 * then sends is, byte for byte, what this one would have sent. Pure.
 *
 * The bytes are for the same machine and the same format number only.
 */
#ifndef STORED_IMAGE_H
#define STORED_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

/* Changes whenever the meaning of any byte of an image or of the log does. */
enum { IMAGE_FORMAT = 3 };

/* Where an image is written. `grow` makes room for `bytes` more and returns false if it cannot. */
struct image_writer {
	uint8_t *base;
	size_t used, room;
	bool (*grow)(struct image_writer *writer, size_t bytes);
	void *owner;
	bool failed;
};

/* Where one is read; `failed` when it ended early or made no sense. */
struct image_reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};

void image_put(struct image_writer *writer, const void *data, size_t len);
void image_get(struct image_reader *reader, void *data, size_t len);	/* zeroes when failed */

/* Bytes in place, or NULL. */
const void *image_get_bytes(struct image_reader *reader, size_t len);

/* For fixed-size fields: image_put_value(writer, x); x = image_get_u32(reader). */
#define image_put_value(writer, value) image_put(writer, &(value), sizeof(value))
uint32_t image_get_u32(struct image_reader *reader);
uint64_t image_get_u64(struct image_reader *reader);

void store_save(const struct store *store, struct image_writer *writer);

/* Fills a store that is new; a failed one may only be freed. */
bool store_load(struct store *store, struct image_reader *reader);

/* image_tree.c: trees, with what they share */
struct image_map;
struct image_map *image_map_new(void);
void image_map_free(struct image_map *map);
void image_put_tree(struct image_writer *writer, struct image_map *map, const struct node *top);
void image_put_perms(struct image_writer *writer, struct image_map *map,
		     const struct perms *perms);
struct node *image_get_tree(struct image_reader *reader, struct image_map *map);
struct perms *image_get_perms(struct image_reader *reader, struct image_map *map);

#endif
