/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Statistics pages: counters of an object, in a page of their own, in the form in which
 * the root and the guest see them. Counting is one instruction on count[]; each page has
 * one writer, but for the hypervisor's.
 */
#pragma once

#include <pvn/abi/hypercall.h>
#include <pvn/abi/stats.h>
#include "core/addr.h"

struct page_pool;

struct stats {
	uint64_t *count;	/* (c) the page: slots PVN_STAT_<object>_* */
	uint64_t mapped_at;	/* [root partition's lock] GPA in the root | 1; 0: nowhere */
};

extern struct stats stats_hypervisor;

/* A page from the pool, with its headers. INSUFFICIENT_MEMORY. */
enum pvn_status stats_create(struct stats *stats, struct page_pool *pool, enum pvn_stats_type type);
/* The root loses sight of it, then it is freed; nothing happens to one never made. No locks. */
void stats_destroy(struct stats *stats, struct page_pool *pool);

/* OBJECT_IN_USE: it is mapped, or something else is there. No locks held. */
enum pvn_status stats_map(struct stats *stats, struct gpa at);
/* False: it was not mapped. No locks held. */
bool stats_unmap(struct stats *stats);

/* Of the hypervisor as a whole, which every processor counts. */
static inline void stats_total(enum pvn_stats_slot slot, uint64_t more)
{
	__atomic_fetch_add(&stats_hypervisor.count[slot], more, __ATOMIC_RELAXED);
}
