/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Physical pages that belong to one partition's bookkeeping: what its parent
 * deposited. Free pages are linked through themselves.
 */
#pragma once

#include "core/numa.h"
#include "lib/spinlock.h"

struct page_pool {
	struct spinlock lock;
	void *free;			/* [lock] first free page */
	uint64_t free_count;		/* [lock] */
	uint64_t used_count;		/* [lock] */
	void **last;			/* [lock] the last page's link */
	uint32_t domain;		/* (c) before the first page: whose pages it gives first; NUMA_ANY */
};

void page_pool_init(struct page_pool *pool);
/* Adds one page; its contents are the pool's from now on. */
void page_pool_add(struct page_pool *pool, struct hpa page);
/* Takes a zeroed page, or NULL when the pool is dry: INSUFFICIENT_MEMORY. */
void *page_pool_alloc(struct page_pool *pool);
/* Returns a page that page_pool_alloc() of the same pool gave; NULL is ignored. */
void page_pool_free(struct page_pool *pool, void *page);
/* Takes a free page, of that domain or any, out of the pool for good (withdraw), zeroed; NULL: none. */
void *page_pool_remove(struct page_pool *pool, uint32_t domain);
/* How many it has to give, and has given; at some moment. */
static inline uint64_t page_pool_free_count(const struct page_pool *pool)
{
	return __atomic_load_n(&pool->free_count, __ATOMIC_RELAXED);
}

static inline uint64_t page_pool_used_count(const struct page_pool *pool)
{
	return __atomic_load_n(&pool->used_count, __ATOMIC_RELAXED);
}
