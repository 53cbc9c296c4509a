// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Pools of physical pages. A free page's first word names the next one; those of the pool's
 * proximity domain come first. Pages are zeroed when they leave, outside of the lock. Takes the
 * pool's lock only.
 */
#include "core/page_pool.h"
#include "core/platform.h"

void page_pool_init(struct page_pool *pool)
{
	*pool = (struct page_pool){ .domain = NUMA_ANY, .last = &pool->free };
	spinlock_init(&pool->lock, LOCK_POOL);
}

static void push(struct page_pool *pool, void *page, unsigned int was_used)
{
	bool far = pool->domain != NUMA_ANY && numa_of(true, plat_hpa(page).v) != pool->domain;
	SPIN_HOLD(&pool->lock);
	void **link = far ? pool->last : &pool->free;

	ASSERT(!((uintptr_t)page & (PAGE_SIZE - 1)));
	*(void **)page = *link;
	*link = page;
	if (pool->last == link)
		pool->last = page;
	pool->free_count++;
	pool->used_count -= was_used;
}

static void *pop(struct page_pool *pool, unsigned int now_used, uint32_t domain)
{
	void **link = &pool->free, *page;

	spin_lock(&pool->lock);
	while (domain != NUMA_ANY && *link && numa_of(true, plat_hpa(*link).v) != domain)
		link = *link;
	page = *link;
	if (page) {
		*link = *(void **)page;
		if (pool->last == page)
			pool->last = link;
		pool->free_count--;
		pool->used_count += now_used;
	}
	spin_unlock(&pool->lock);
	if (page)
		memset(page, 0, PAGE_SIZE);
	return page;
}

void page_pool_add(struct page_pool *pool, struct hpa page) { push(pool, plat_hva(page), 0); }

void *page_pool_alloc(struct page_pool *pool) { return pop(pool, 1, NUMA_ANY); }

void page_pool_free(struct page_pool *pool, void *page)
{
	if (!page)
		return;
	ASSERT(pool->used_count);
	push(pool, page, 1);
}

void *page_pool_remove(struct page_pool *pool, uint32_t domain) { return pop(pool, 0, domain); }
