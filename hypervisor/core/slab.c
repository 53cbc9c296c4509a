// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See slab.h. The first record of each page is its header; a bit map tells which
 * of the 31 others are taken.
 */
#include "core/slab.h"
#include "lib/log.h"
#include "lib/string.h"

#define RECORDS_MASK 0xfffffffeu	/* record 0 is the header */

struct slab_page {
	struct list node;
	uint32_t used;
};

_Static_assert(PAGE_SIZE / SLAB_RECORD_BYTES == 32, "one bit a record");

void slab_init(struct slab *slab, struct page_pool *pool)
{
	slab->pool = pool;
	list_init(&slab->pages);
}

static struct slab_page *page_with_room(struct slab *slab)
{
	struct slab_page *page = list_entry(slab->pages.next, struct slab_page, node);

	if (!list_is_empty(&slab->pages) && page->used != RECORDS_MASK)
		return page;
	page = page_pool_alloc(slab->pool);
	if (page)
		list_insert_before(slab->pages.next, &page->node);
	return page;
}

void *slab_alloc(struct slab *slab)
{
	struct slab_page *page = page_with_room(slab);
	unsigned int i;
	void *record;

	if (!page)
		return NULL;
	i = (unsigned int)__builtin_ctz(~page->used & RECORDS_MASK);
	page->used |= 1u << i;
	if (page->used == RECORDS_MASK) {
		list_remove(&page->node);
		list_append(&slab->pages, &page->node);
	}
	record = (char *)page + i * SLAB_RECORD_BYTES;
	memset(record, 0, SLAB_RECORD_BYTES);
	return record;
}

void slab_free(struct slab *slab, void *record)
{
	struct slab_page *page = (struct slab_page *)((uintptr_t)record & ~(uintptr_t)(PAGE_SIZE - 1));
	unsigned int i = ((uintptr_t)record & (PAGE_SIZE - 1)) / SLAB_RECORD_BYTES;

	ASSERT(page->used >> i & 1);
	page->used &= ~(1u << i);
	list_remove(&page->node);
	if (page->used)
		list_insert_before(slab->pages.next, &page->node);
	else
		page_pool_free(slab->pool, page);
}
