// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Statistics pages: see stats.h [TLFS 2.0 ch. 21 "Statistics"]. The root sees a page as a
 * read-only overlay; an object that goes takes the overlay with it. Who maps and unmaps
 * holds the root partition's lock.
 */
#include "core/partition.h"
#include "core/platform.h"
#include "core/stats.h"

_Static_assert(PVN_STAT_vp_calls_last < (int)PVN_STATS_SLOTS - 1, "a page holds it, and its end");

struct stats stats_hypervisor;

/* Counters of the page's own object add to the length of the group that they are in. */
#define PVN_STATS_PAGE(object, code)
#define PVN_STATS_GROUP(object, name, id)						\
	if (type == PVN_STATS_TYPE_##object)						\
		*(header = page + PVN_STAT_##object##_group_##name) = PVN_STATS_HEADER(id);
#define PVN_STATS_COUNTER(object, name, unit, text) PVN_STATS_ARRAY(object, name, 1, unit, text)
#define PVN_STATS_ARRAY(object, name, count, unit, text)				\
	if (type == PVN_STATS_TYPE_##object)						\
		*header += (count) * sizeof(*page) << PVN_STATS_HEADER_BYTES_SHIFT;

static void write_headers(uint64_t *page, enum pvn_stats_type type)
{
	uint64_t *header = page;

#include <statistics.def>
}

enum pvn_status stats_create(struct stats *stats, struct page_pool *pool, enum pvn_stats_type type)
{
	stats->count = page_pool_alloc(pool);
	if (!stats->count)
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	write_headers(stats->count, type);
	return PVN_STATUS_SUCCESS;
}

void stats_destroy(struct stats *stats, struct page_pool *pool)
{
	if (stats->mapped_at)
		stats_unmap(stats);
	page_pool_free(pool, stats->count);
	stats->count = NULL;
}

enum pvn_status stats_map(struct stats *stats, struct gpa at)
{
	struct partition *root = root_partition;
	enum pvn_status status = PVN_STATUS_OBJECT_IN_USE;

	spin_lock(&root->lock);
	if (!stats->mapped_at)
		status = gpa_map_overlay_add(&root->map, at, plat_hpa(stats->count), GPA_READ);
	if (status == PVN_STATUS_SUCCESS)
		stats->mapped_at = at.v | 1;
	spin_unlock(&root->lock);
	if (status == PVN_STATUS_SUCCESS)
		gpa_map_flush(&root->map);
	return status;
}

bool stats_unmap(struct stats *stats)
{
	struct partition *root = root_partition;
	uint64_t at;

	spin_lock(&root->lock);
	at = stats->mapped_at;
	stats->mapped_at = 0;
	if (at)
		gpa_map_overlay_remove(&root->map, gpa(at & ~1ull));
	spin_unlock(&root->lock);
	if (at)
		gpa_map_flush(&root->map);
	return at;
}
