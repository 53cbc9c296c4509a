/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Small records cut from pages of a pool: ports, connections, overlays. The
 * owner serializes; a page goes back to the pool with its last record.
 */
#pragma once

#include "core/page_pool.h"
#include "lib/list.h"

#define SLAB_RECORD_BYTES 128

struct slab {
	struct page_pool *pool;
	struct list pages;	/* those with a free record first */
};

void slab_init(struct slab *slab, struct page_pool *pool);
/* A zeroed record of SLAB_RECORD_BYTES, or NULL: the pool is dry. */
void *slab_alloc(struct slab *slab);
void slab_free(struct slab *slab, void *record);
