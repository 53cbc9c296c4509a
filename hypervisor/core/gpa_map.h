/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Guest-physical address space of a partition: nested page tables and overlay
 * pages. Vendor-neutral: the entry format comes from virt_ops->npt.
 */
#pragma once

#include "core/slab.h"

enum gpa_rights { GPA_READ = 1, GPA_WRITE = 2, GPA_EXECUTE = 4, GPA_ALL = 7 };

/* How a vendor writes nested page table entries: bits besides the address. */
struct nested_pt_format {
	uint64_t present;
	uint64_t table, leaf;	/* all of an entry that names a table; those of every leaf, */
	uint64_t large;		/* and of one above level 1 */
	uint64_t write, execute, no_execute;	/* set: allowed, allowed, not allowed */
	bool huge_pages;	/* 1 GiB leaves work */
};

struct gpa_overlay;

struct gpa_map {
	struct spinlock lock;
	struct page_pool *pool;			/* (c) where tables come from */
	uint64_t *top;				/* (c) level 4 table */
	/*
	 * (c) The map of a child: what it names is counted in page_info. The root's is
	 * identity: everything that is not the hypervisor's.
	 */
	bool counted;
	struct list overlays;			/* [lock] */
	struct slab overlay_records;		/* [lock] */
	uint64_t mapped_pages;			/* [lock] 4 KiB pages mapped */
	/*
	 * Bumped before gpa_map_flush() kicks; an entry with an older value seen must
	 * flush first. What silicon needs and software emulation cannot show missing.
	 */
	uint64_t generation;			/* [a] */
};

/* GPAs end here: what four levels reach. */
#define GPA_SPACE_BYTES (1ull << 48)
#define GPA_SPACE_PAGES (GPA_SPACE_BYTES >> PAGE_SHIFT)

/* Takes one page of the pool for the top table. */
enum pvn_status gpa_map_init(struct gpa_map *map, struct page_pool *pool, bool counted);
/*
 * Drops all overlay records, mappings and tables; nobody may run on the map. Gives up
 * at that TSC value (false), but not before one table is done: call again to go on.
 */
bool gpa_map_clear(struct gpa_map *map, uint64_t tsc_deadline);
/* gpa_map_clear() to the end, and the top table. */
void gpa_map_destroy(struct gpa_map *map);
struct hpa gpa_map_top(const struct gpa_map *map);

/*
 * Maps bytes (multiple of 4 KiB) from target to source with the largest pages that
 * alignment allows, replacing what was there; under overlays the page below changes.
 * INSUFFICIENT_MEMORY leaves everything as it was for a single page or large page;
 * OPERATION_DENIED: a child's map may not name such a page;
 * callers go element by element. Caller flushes with gpa_map_flush() when
 * *replaced became true (something that was present changed).
 */
enum pvn_status gpa_map_insert(struct gpa_map *map, struct gpa target, struct hpa source,
			       uint64_t bytes, unsigned int rights, bool *replaced);
/*
 * The short way for lists of small pages, of which each takes two steps: where the caller's pages
 * are, and into empty entries of tables that are there. Each does as many of the first as
 * it can and returns how many; the next one takes the long way.
 */
struct pvn_map_sparse_gpa_pages_elem;
unsigned int gpa_map_find_small(struct gpa_map *map, const struct pvn_map_sparse_gpa_pages_elem *list,
				unsigned int count, unsigned int rights, struct hpa *found);
unsigned int gpa_map_fill_small(struct gpa_map *map, const struct pvn_map_sparse_gpa_pages_elem *list,
				const struct hpa *source, unsigned int count, unsigned int rights);
enum pvn_status gpa_map_remove(struct gpa_map *map, struct gpa target, uint64_t bytes, bool *replaced);
/*
 * Joins 512 identity leaves around target into one larger leaf where it can (root's map).
 * Flushes when it did.
 */
void gpa_map_merge(struct gpa_map *map, struct gpa target);

/*
 * Where a guest access with these rights would land: the overlay when there is one,
 * else the mapping. HPA_NONE when not mapped or not allowed.
 * The answer holds only while the map's lock is held.
 */
struct hpa gpa_map_lookup(struct gpa_map *map, struct gpa at, unsigned int rights);
/* As gpa_map_lookup(), with the lock held by the caller. */
struct hpa gpa_map_lookup_locked(struct gpa_map *map, struct gpa at, unsigned int rights);

/*
 * The run of memory of that length (4 KiB or 2 MiB, aligned) at one GPA, if it is all
 * there with these rights, contiguous, and without overlays; else HPA_NONE. Takes the lock.
 */
struct hpa gpa_map_source(struct gpa_map *map, struct gpa at, uint64_t bytes, unsigned int rights);

/*
 * Guest memory by private copy; the range must not cross a page. False: not mapped
 * or not allowed.
 */
bool gpa_map_copy_in(struct gpa_map *map, void *to, struct gpa from, size_t bytes);
bool gpa_map_copy_out(struct gpa_map *map, struct gpa to, const void *from, size_t bytes);

/*
 * Overlay pages (hypercall page, SynIC pages, ...): the page hides whatever is or
 * will be mapped at that GPA. One overlay per GPA page: a second one at the same
 * GPA gives OBJECT_IN_USE. The memory for the record comes from the pool.
 */
enum pvn_status gpa_map_overlay_add(struct gpa_map *map, struct gpa at, struct hpa page, unsigned int rights);
void gpa_map_overlay_remove(struct gpa_map *map, struct gpa at);
bool gpa_map_has_overlay(struct gpa_map *map, struct gpa at);	/* takes the lock */

/*
 * All processors have left every translation older than now: of this map, and of any
 * other map that was changed before. Whoever waits for a processor waits only while that
 * one is in a guest, so that two who flush cannot wait for each other.
 */
void gpa_map_flush(struct gpa_map *map);
