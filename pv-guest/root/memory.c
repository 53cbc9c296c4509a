// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Guest memory: pages of a process, pinned and mapped into a partition, with 2 MiB
 * pages wherever the process's pages and the guest's addresses allow.
 *
 * The pages are walked the same way to map and to unmap, so that what was mapped
 * large is unmapped large.
 */
#include <linux/anon_inodes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pv-guest/root/objects.h"

#define LARGE_PAGES (1ul << (21 - PAGE_SHIFT))
/* What fits behind the head in one page [TLFS 2.0 8.4.1 "HvMapGpaPages"]. */
#define LIST_MAX ((PAGE_SIZE - sizeof(struct pvn_map_gpa_pages_in)) / sizeof(u64))
#define PIN_BATCH 4096ul

struct root_memory {
	struct root_partition *partition;	/* (c) */
	u64 gpa_page;				/* (c) */
	unsigned long count;			/* (c) */
	unsigned long pinned;			/* (c) */
	unsigned int rights;			/* (c) */
	struct page **pages;			/* (c) */
};

struct map_list {
	struct pvn_map_gpa_pages_in head;
	u64 page[LIST_MAX];
};

_Static_assert(sizeof(struct map_list) <= PAGE_SIZE, "one page of parameters");

/* Pages that one call may treat alike: large ones or small ones. */
struct run {
	unsigned long first, count;	/* in 4 KiB pages */
	bool large;
};

static bool is_large(const struct root_memory *memory, unsigned long i)
{
	unsigned long pfn, j;

	if (i + LARGE_PAGES > memory->count || (memory->gpa_page + i) % LARGE_PAGES)
		return false;
	pfn = page_to_pfn(memory->pages[i]);
	if (pfn % LARGE_PAGES)
		return false;
	for (j = 1; j < LARGE_PAGES; j++)
		if (page_to_pfn(memory->pages[i + j]) != pfn + j)
			return false;
	return true;
}

static struct run next_run(const struct root_memory *memory, unsigned long first)
{
	struct run run = { .first = first, .large = is_large(memory, first) };
	unsigned long step = run.large ? LARGE_PAGES : 1, i = first;

	do {
		i += step;
	} while (i < memory->count && (i - first) / step < LIST_MAX &&
		 /* small pages can turn large at a 2 MiB boundary of the guest only */
		 (run.large ? is_large(memory, i) :
			      ((memory->gpa_page + i) % LARGE_PAGES || !is_large(memory, i))));
	run.count = i - first;
	return run;
}

static int map_run(const struct root_memory *memory, const struct run *run,
		   struct map_list *list)
{
	unsigned long step = run->large ? LARGE_PAGES : 1;
	unsigned long count = run->count / step, i;

	list->head = (struct pvn_map_gpa_pages_in) {
		.partition_id = memory->partition->id,
		.target_page = memory->gpa_page + run->first,
		.map_flags = memory->rights | (run->large ? PVN_MAP_LARGE : 0),
	};
	for (i = 0; i < count; i++)
		list->page[i] = page_to_pfn(memory->pages[run->first + i * step]);
	return root_call(memory->partition, pvn_control_rep(PVN_CALL_map_gpa_pages, count, 0),
			 list, sizeof(list->head) + count * sizeof(u64), NULL, 0);
}

static int map_all(const struct root_memory *memory)
{
	struct map_list *list = kmalloc(sizeof(*list), GFP_KERNEL);
	unsigned long at;
	int error = 0;

	if (!list)
		return -ENOMEM;
	for (at = 0; at < memory->count && !error;) {
		const struct run run = next_run(memory, at);

		error = map_run(memory, &run, list);
		at += run.count;
		cond_resched();
	}
	kfree(list);
	return error;
}

/* Unmapping what is not mapped succeeds, so this also undoes half a map_all(). */
static void unmap_all(const struct root_memory *memory)
{
	unsigned long at;

	for (at = 0; at < memory->count;) {
		const struct run run = next_run(memory, at);
		const struct pvn_unmap_gpa_pages_in in = {
			.partition_id = memory->partition->id,
			.target_page = memory->gpa_page + at,
			.unmap_flags = run.large ? PVN_UNMAP_LARGE : 0,
		};
		unsigned long count = run.large ? run.count / LARGE_PAGES : run.count;
		int error = root_call(memory->partition,
				      pvn_control_rep(PVN_CALL_unmap_gpa_pages, count, 0),
				      &in, sizeof(in), NULL, 0);

		WARN_ONCE(error && error != -EINTR, "pvn_root: unmapping fails: %d\n", error);
		at += run.count;
		cond_resched();
	}
}

static void memory_free(struct root_memory *memory)
{
	if (memory->pinned) {
		unpin_user_pages_dirty_lock(memory->pages, memory->pinned,
					    memory->rights & PVN_MAP_WRITE);
		atomic64_sub(memory->pinned, &root_counts.pinned_pages);
	}
	kvfree(memory->pages);
	kfree(memory);
}

static int pin(struct root_memory *memory, unsigned long address)
{
	unsigned int flags = FOLL_LONGTERM | (memory->rights & PVN_MAP_WRITE ? FOLL_WRITE : 0);

	while (memory->pinned < memory->count) {
		unsigned long want = min(memory->count - memory->pinned, PIN_BATCH);
		int got = pin_user_pages_fast(address + memory->pinned * PAGE_SIZE, want, flags,
					      memory->pages + memory->pinned);

		if (got <= 0)
			return got ? got : -EFAULT;
		memory->pinned += got;
		atomic64_add(got, &root_counts.pinned_pages);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static bool request_is_good(const struct pvn_root_map *map)
{
	const u32 rights = PVN_MAP_READ | PVN_MAP_WRITE | PVN_MAP_EXECUTE;

	if (map->mbz || map->rights & ~rights || !(map->rights & PVN_MAP_READ))
		return false;
	if ((map->gpa | map->user_address | map->bytes) & ~PAGE_MASK || !map->bytes)
		return false;
	return map->gpa + map->bytes > map->gpa &&
	       map->user_address + map->bytes > map->user_address;
}

static struct root_memory *memory_new(struct root_partition *partition,
				      const struct pvn_root_map *map)
{
	struct root_memory *memory = kzalloc(sizeof(*memory), GFP_KERNEL);

	if (!memory)
		return NULL;
	memory->partition = partition;
	memory->gpa_page = map->gpa >> PAGE_SHIFT;
	memory->count = map->bytes >> PAGE_SHIFT;
	memory->rights = map->rights;
	memory->pages = kvmalloc_array(memory->count, sizeof(*memory->pages), GFP_KERNEL);
	if (memory->pages)
		return memory;
	kfree(memory);
	return NULL;
}

/* In a dead partition nothing is mapped any more: only the pins are left. */
static int memory_release(struct inode *inode, struct file *file)
{
	struct root_memory *memory = file->private_data;
	struct root_partition *partition = memory->partition;

	mutex_lock(&partition->lock);
	if (!partition->dead)
		unmap_all(memory);
	mutex_unlock(&partition->lock);
	memory_free(memory);
	atomic64_dec(&root_counts.memories);
	root_partition_put(partition);
	return 0;
}

static const struct file_operations memory_operations = {
	.owner = THIS_MODULE,
	.release = memory_release,
};

int root_memory_create(struct root_partition *partition, const struct pvn_root_map *map)
{
	struct root_memory *memory;
	int result;

	if (!request_is_good(map))
		return -EINVAL;
	memory = memory_new(partition, map);
	if (!memory)
		return -ENOMEM;
	result = pin(memory, map->user_address);
	if (result)
		goto not_pinned;
	result = map_all(memory);
	if (result)
		goto not_mapped;
	result = anon_inode_getfd("paravane-memory", &memory_operations, memory,
				  O_RDWR | O_CLOEXEC);
	if (result < 0)
		goto not_mapped;
	root_partition_get(partition);
	atomic64_inc(&root_counts.memories);
	return result;

not_mapped:
	unmap_all(memory);
not_pinned:
	memory_free(memory);
	return result;
}
