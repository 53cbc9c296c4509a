/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Nested page tables of four levels in any vendor's entry format: walking,
 * splitting and joining leaves. Knows nothing of locks, owners or overlays.
 */
#pragma once

#include "core/virt_ops.h"

#define NESTED_PT_TOP_LEVEL	4
#define NESTED_PT_ENTRIES	512

static inline uint64_t level_bytes(unsigned int level) { return 1ull << (PAGE_SHIFT + 9 * (level - 1)); }

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

static inline bool npt_is_present(uint64_t entry) { return entry & virt->npt->present; }

static inline bool npt_is_leaf(uint64_t entry, unsigned int level)
{
	return level == 1 || entry & virt->npt->large;
}

/* That an entry of that level names, or that begins the run of memory of a leaf. */
struct hpa npt_address(uint64_t entry, unsigned int level);
/* GPA_* of a leaf, and a leaf with them; without any: an entry that is not present. */
unsigned int npt_rights(uint64_t entry);
uint64_t npt_leaf(struct hpa page, unsigned int rights, unsigned int level);

bool nested_pt_is_table(struct nested_pt_slot slot);
/* The table that an entry names. */
uint64_t *nested_pt_next(struct nested_pt_slot slot);
/* Where the walk for at ends: a leaf, or an entry that is not present. */
struct nested_pt_slot nested_pt_find(uint64_t *top, struct gpa at);
/* As nested_pt_find(), but stops at this level when there is a table there. */
struct nested_pt_slot nested_pt_find_level(uint64_t *top, struct gpa at, unsigned int level);
/* Puts a table from the pool where slot is: empty, or the same leaf in 512 pieces. */
bool nested_pt_expand(struct page_pool *pool, struct nested_pt_slot slot);
/*
 * Replaces the table that slot names by one leaf if its entries are 512 leaves with
 * equal rights that name one aligned run of identity-mapped memory. Returns the table,
 * which processors may still walk until they are flushed; else NULL.
 */
uint64_t *nested_pt_join_identity(struct nested_pt_slot slot, struct gpa at);
