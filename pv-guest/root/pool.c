// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The pages that a partition costs the hypervisor: given on demand, taken back at
 * the end. The root cannot touch a page while it is deposited.
 *
 * Linux reads up to seven bytes beyond the end of what it sums up or compares (csum_partial(),
 * load_unaligned_zeropad()), so also from the page behind, whosever that is: in front of
 * deposited pages lies one that nobody uses (a guard).
 */
#define pr_fmt(fmt) "pvn_root: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pv-guest/root/objects.h"

#define BATCH_ORDER 6
#define BATCH_PAGES (1u << BATCH_ORDER)
/* Nothing needs more at once; a call that asks for more is short of another pool. */
#define BATCHES_WITHOUT_PROGRESS 16

struct deposit_list {
	struct pvn_deposit_memory_in head;
	u64 page[BATCH_PAGES];
};

struct withdraw_list {
	u64 page[BATCH_PAGES * 4];
};

/* The pages of a block behind its guard; how many. */
static unsigned int allocate_block(struct root_partition *partition, unsigned int order,
				   gfp_t gfp, struct page **pages)
{
	struct page *block = alloc_pages(gfp | __GFP_NOWARN, order);
	unsigned int count;

	if (!block)
		return 0;
	split_page(block, order);
	list_add(&block->lru, &partition->guards);
	for (count = 0; count + 1 < 1u << order; count++)
		pages[count] = block + 1 + count;
	return count;
}

/*
 * One block when there is one: the hypervisor then splits its large pages of the
 * root in one place only. Otherwise whatever pairs of pages there are.
 */
static unsigned int allocate_batch(struct root_partition *partition, struct page **pages)
{
	unsigned int count = allocate_block(partition, BATCH_ORDER, GFP_KERNEL | __GFP_NORETRY,
					    pages);
	unsigned int more = !count;

	while (more && count < BATCH_PAGES) {
		more = allocate_block(partition, 1, GFP_KERNEL, pages + count);
		count += more;
	}
	return count;
}

static void free_batch(struct page **pages, unsigned int count)
{
	while (count--)
		__free_page(pages[count]);
}

/* Remembers pages before they are given away: afterwards nothing may fail. */
static int remember(struct root_partition *partition, struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		int error = xa_err(xa_store(&partition->deposits, page_to_pfn(pages[i]), pages[i],
					    GFP_KERNEL));

		if (!error)
			continue;
		while (i--)
			xa_erase(&partition->deposits, page_to_pfn(pages[i]));
		return error;
	}
	return 0;
}

static void forget(struct root_partition *partition, struct page **pages, unsigned int count)
{
	while (count--)
		xa_erase(&partition->deposits, page_to_pfn(pages[count]));
}

/* How many of the pages the hypervisor took; they are the first ones. */
static unsigned int give(struct root_partition *partition, struct page **pages,
			 unsigned int count)
{
	struct deposit_list list = { .head.partition_id = partition->id };
	unsigned int i, done = 0;
	u64 result;

	for (i = 0; i < count; i++)
		list.page[i] = page_to_pfn(pages[i]);
	do {
		result = pvn_call_memory(pvn_control_rep(PVN_CALL_deposit_memory, count, done),
					 &list, sizeof(list.head) + count * sizeof(u64), NULL, 0);
		done = pvn_result_reps(result);
	} while (pvn_result_status(result) == PVN_STATUS_SUCCESS && done < count);
	if (done < count)
		pr_warn("deposit to partition %llu: %s\n", partition->id,
			pvn_status_name(pvn_result_status(result)));
	return done;
}

static int deposit_batch(struct root_partition *partition)
{
	struct page **pages;
	unsigned int count, done;
	int error = -ENOMEM;

	pages = kmalloc_array(BATCH_PAGES, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	count = allocate_batch(partition, pages);
	if (!count)
		goto out;
	error = remember(partition, pages, count);
	if (error) {
		free_batch(pages, count);
		goto out;
	}
	done = give(partition, pages, count);
	atomic64_add(done, &root_counts.deposited_pages);
	forget(partition, pages + done, count - done);
	free_batch(pages + done, count - done);
	error = done ? 0 : -ENOMEM;
out:
	kfree(pages);
	return error;
}

int root_call(struct root_partition *partition, u64 control, const void *in, size_t in_bytes,
	      void *out, size_t out_bytes)
{
	unsigned int count = control >> PVN_CONTROL_REP_COUNT_SHIFT & PVN_CONTROL_REP_MASK;
	unsigned int batches = 0;
	u64 start = 0;

	for (;;) {
		u64 result = pvn_call_memory(control | start << PVN_CONTROL_REP_START_SHIFT,
					     in, in_bytes, out, out_bytes);
		unsigned int status = pvn_result_status(result);

		if (count && pvn_result_reps(result) > start) {
			start = pvn_result_reps(result);
			batches = 0;
		}
		if (status == PVN_STATUS_SUCCESS && start >= count)
			return 0;
		if (status == PVN_STATUS_INSUFFICIENT_MEMORY) {
			int error = ++batches > BATCHES_WITHOUT_PROGRESS ? -ENOMEM :
									  deposit_batch(partition);

			if (error)
				return error;
		} else if (status != PVN_STATUS_SUCCESS) {
			pr_debug("partition %llu: call 0x%llx: %s\n", partition->id,
				 control & PVN_CONTROL_CODE_MASK, pvn_status_name(status));
			return pvn_status_errno(status);
		}
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}

int root_call_own(u16 code, const void *in, size_t in_bytes)
{
	unsigned int status = pvn_result_status(pvn_call_memory(code, in, in_bytes, NULL, 0));

	if (status != PVN_STATUS_SUCCESS)
		pr_debug("call 0x%x: %s\n", code, pvn_status_name(status));
	return pvn_status_errno(status);
}

static void take_back(struct root_partition *partition, const u64 *list, unsigned int count,
		      struct list_head *back)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct page *page = xa_erase(&partition->deposits, list[i]);

		if (WARN_ONCE(!page, "pvn_root: page 0x%llx was never deposited\n", list[i]))
			continue;
		list_add(&page->lru, back);
		atomic64_dec(&root_counts.deposited_pages);
	}
}

static void free_pages_of(struct list_head *list)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, list, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

void root_pool_withdraw(struct root_partition *partition)
{
	const struct pvn_withdraw_memory_in in = { .partition_id = partition->id };
	struct withdraw_list *list = kmalloc(sizeof(*list), GFP_KERNEL | __GFP_NOFAIL);
	unsigned int status, done;
	LIST_HEAD(back);

	do {
		u64 result = pvn_call_memory(pvn_control_rep(PVN_CALL_withdraw_memory,
							     ARRAY_SIZE(list->page), 0),
					     &in, sizeof(in), list, sizeof(*list));

		status = pvn_result_status(result);
		done = pvn_result_reps(result);
		take_back(partition, list->page, done, &back);
	} while (status == PVN_STATUS_SUCCESS && done);
	/* Not before the pages behind them are there as well. */
	free_pages_of(&back);
	kfree(list);
}

void root_pool_destroy(struct root_partition *partition)
{
	unsigned long pfn, lost = 0;
	struct page *page;

	xa_for_each(&partition->deposits, pfn, page)
		lost++;
	if (lost)
		pr_err("partition %llu: the hypervisor kept %lu pages\n", partition->id, lost);
	else
		free_pages_of(&partition->guards);
	xa_destroy(&partition->deposits);
}
