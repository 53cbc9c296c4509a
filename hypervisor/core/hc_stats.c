// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on statistics pages [TLFS 2.0 21.3 "Statistics Interfaces"]: the root sees its
 * own, its children's, and those of the machine.
 */
#include "core/hypercall.h"
#include "core/platform.h"

static enum pvn_status find_in_partition(struct hc_call *call, uint32_t type, uint64_t id,
					 uint32_t index, struct stats **out)
{
	struct partition *partition;
	struct vp *vp;
	enum pvn_status status = hc_find_active(call, id, &partition);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	vp = partition_vp(partition, index);
	*out = type == PVN_STATS_TYPE_partition ? &partition->stats : vp ? &vp->stats : NULL;
	return *out ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_VP_INDEX;
}

static enum pvn_status find_stats(struct hc_call *call, uint32_t type, uint64_t id, uint32_t index,
				  struct stats **out)
{
	if (!call->caller->is_root)
		return PVN_STATUS_ACCESS_DENIED;
	switch (type) {
	case PVN_STATS_TYPE_hypervisor:
		*out = &stats_hypervisor;
		return PVN_STATUS_SUCCESS;
	case PVN_STATS_TYPE_processor:
		if (id >= plat_cpu_count())
			return PVN_STATUS_INVALID_PARAMETER;
		*out = &plat_cpu((unsigned int)id)->stats;
		return PVN_STATUS_SUCCESS;
	case PVN_STATS_TYPE_partition:
	case PVN_STATS_TYPE_vp: return find_in_partition(call, type, id, index, out);
	default: return PVN_STATUS_INVALID_PARAMETER;
	}
}

HC(map_stats_page)
{
	struct stats *stats;

	return find_stats(call, in->stats_type, in->object_id, in->index, &stats) ?:
	       in->target_page >= GPA_SPACE_PAGES ? PVN_STATUS_INVALID_PARAMETER :
	       stats_map(stats, gpa(in->target_page << PAGE_SHIFT));
}

HC(unmap_stats_page)
{
	struct stats *stats;

	return find_stats(call, in->stats_type, in->object_id, in->index, &stats) ?:
	       stats_unmap(stats) ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PARAMETER;
}
