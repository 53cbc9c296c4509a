// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Pools of physical pages. A free page's first word names the next one; pages
 * are zeroed when they leave, outside of the lock. Takes the pool's lock only.
 */
#include "core/page_pool.h"
#include "core/platform.h"

void page_pool_init(struct page_pool *pool)
{
	*pool = (struct page_pool){ 0 };
	spinlock_init(&pool->lock, LOCK_POOL);
}

static void push(struct page_pool *pool, void *page, unsigned int was_used)
{
	ASSERT(!((uintptr_t)page & (PAGE_SIZE - 1)));
	spin_lock(&pool->lock);
	*(void **)page = pool->free;
	pool->free = page;
	pool->free_count++;
	pool->used_count -= was_used;
	spin_unlock(&pool->lock);
}

static void *pop(struct page_pool *pool, unsigned int now_used)
{
	void *page;

	spin_lock(&pool->lock);
	page = pool->free;
	if (page) {
		pool->free = *(void **)page;
		pool->free_count--;
		pool->used_count += now_used;
	}
	spin_unlock(&pool->lock);
	if (page)
		memset(page, 0, PAGE_SIZE);
	return page;
}

void page_pool_add(struct page_pool *pool, struct hpa page) { push(pool, plat_hva(page), 0); }

void *page_pool_alloc(struct page_pool *pool) { return pop(pool, 1); }

void page_pool_free(struct page_pool *pool, void *page)
{
	if (!page)
		return;
	ASSERT(pool->used_count);
	push(pool, page, 1);
}

void *page_pool_remove(struct page_pool *pool) { return pop(pool, 0); }
