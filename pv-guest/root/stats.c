// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Statistics pages of the hypervisor, for programs of the root. A page is mapped when
 * somebody first asks for it and stays until its object is gone, so that reading it
 * again costs no hypercall, and what is measured is not disturbed by measuring.
 */
#define pr_fmt(fmt) "pvn_root: " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <pvn/abi/stats.h>

#include "pv-guest/root/objects.h"

/* A page of ours under a page of the hypervisor's. */
struct stats_view {
	struct list_head node;
	struct pvn_unmap_stats_page_in of;
	struct page *page;
};

static DEFINE_MUTEX(views_lock);
static LIST_HEAD(views);	/* [views_lock] */

static struct stats_view *view_find(const struct pvn_unmap_stats_page_in *of)
{
	struct stats_view *view;

	list_for_each_entry(view, &views, node)
		if (!memcmp(&view->of, of, sizeof(*of)))
			return view;
	return NULL;
}

static struct stats_view *view_make(const struct pvn_unmap_stats_page_in *of)
{
	struct pvn_map_stats_page_in in = {
		.stats_type = of->stats_type, .object_id = of->object_id, .index = of->index };
	struct stats_view *view = kzalloc(sizeof(*view), GFP_KERNEL);
	int error = -ENOMEM;

	if (!view)
		return ERR_PTR(-ENOMEM);
	view->of = *of;
	view->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!view->page)
		goto free;
	in.target_page = page_to_pfn(view->page);
	error = root_call_own(PVN_CALL_map_stats_page, &in, sizeof(in));
	if (error)
		goto free_page;
	list_add(&view->node, &views);
	return view;
free_page:
	__free_page(view->page);
free:
	kfree(view);
	return ERR_PTR(error);
}

/* Each counter as one word: the hypervisor is counting meanwhile. */
static int copy_words(u64 __user *to, const u64 *words)
{
	unsigned int i;

	for (i = 0; i < PVN_STATS_SLOTS; i++)
		if (put_user(READ_ONCE(words[i]), to + i))
			return -EFAULT;
	return 0;
}

long root_stats_read(const void __user *from)
{
	struct pvn_unmap_stats_page_in of = { 0 };
	struct pvn_root_stats request;
	struct stats_view *view;
	long result;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	of.stats_type = request.type;
	of.index = request.index;
	of.object_id = request.object_id;
	if (mutex_lock_killable(&views_lock))
		return -EINTR;
	view = view_find(&of);
	if (!view)
		view = view_make(&of);
	if (IS_ERR(view))
		result = PTR_ERR(view);
	else
		result = copy_words(u64_to_user_ptr(request.address), page_address(view->page));
	mutex_unlock(&views_lock);
	return result;
}

/* The hypervisor takes its page away with the object; whose page it still is we must not free. */
static void view_free(struct stats_view *view)
{
	u64 result = pvn_call_memory(PVN_CALL_unmap_stats_page, &view->of, sizeof(view->of), NULL, 0);
	unsigned int status = pvn_result_status(result);

	list_del(&view->node);
	if (status == PVN_STATUS_SUCCESS || status == PVN_STATUS_INVALID_PARTITION_ID)
		__free_page(view->page);
	else
		pr_err("a statistics page is lost: %s\n", pvn_status_name(status));
	kfree(view);
}

void root_stats_forget(u64 partition_id)
{
	struct stats_view *view, *next;

	mutex_lock(&views_lock);
	list_for_each_entry_safe(view, next, &views, node) {
		bool of_partition = view->of.stats_type == PVN_STATS_TYPE_partition ||
				    view->of.stats_type == PVN_STATS_TYPE_vp;

		if (!partition_id || (of_partition && view->of.object_id == partition_id))
			view_free(view);
	}
	mutex_unlock(&views_lock);
}
