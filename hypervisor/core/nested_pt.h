/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Nested page tables of four levels in any vendor's entry format: walking,
 * splitting and joining leaves. Knows nothing of locks, owners or overlays.
 */
#pragma once

#include "core/gpa_map.h"

#define NESTED_PT_TOP_LEVEL	4
#define NESTED_PT_ENTRIES	512

static inline uint64_t level_bytes(unsigned int level)
{
	return 1ull << (PAGE_SHIFT + 9 * (level - 1));
}

/* One entry of a table, and the level that it stands on. */
struct nested_pt_slot {
	uint64_t *entry;
	unsigned int level;
};

/* Processors walk the tables while they change: entries are written in one piece. */
static inline void nested_pt_write(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

bool nested_pt_is_table(const struct nested_pt_format *format, struct nested_pt_slot slot);
/* The table that an entry names. */
uint64_t *nested_pt_next(const struct nested_pt_format *format, struct nested_pt_slot slot);
/* Where the walk for at ends: a leaf, or an entry that is not present. */
struct nested_pt_slot nested_pt_find(const struct nested_pt_format *format, uint64_t *top,
				     struct gpa at);
/* As nested_pt_find(), but stops at this level when there is a table there. */
struct nested_pt_slot nested_pt_find_level(const struct nested_pt_format *format, uint64_t *top,
					   struct gpa at, unsigned int level);
/* Puts a table from the pool where slot is: empty, or the same leaf in 512 pieces. */
bool nested_pt_expand(const struct nested_pt_format *format, struct page_pool *pool,
		      struct nested_pt_slot slot);
/*
 * Replaces the table that slot names by one leaf if its entries are 512 leaves with
 * equal rights that name one aligned run of identity-mapped memory. Returns the table,
 * which processors may still walk until they are flushed; else NULL.
 */
uint64_t *nested_pt_join_identity(const struct nested_pt_format *format, struct nested_pt_slot slot,
				  struct gpa at);
