// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What a call names: blocks of guest memory, and other partitions. Takes the
 * caller's map lock, or the partition table's.
 */
#include "core/hypercall.h"

enum pvn_status hc_check_block(uint64_t at, size_t bytes)
{
	return at & 7 || at >= GPA_SPACE_BYTES || bytes > PAGE_SIZE - (at & (PAGE_SIZE - 1)) ?
	       PVN_STATUS_INVALID_ALIGNMENT : PVN_STATUS_SUCCESS;
}

enum pvn_status hc_check_writable(struct hc_call *call, uint64_t at)
{
	return hpa_is_none(gpa_map_lookup(&call->caller->map, gpa(at), GPA_WRITE)) ?
	       PVN_STATUS_INVALID_HYPERCALL_INPUT : PVN_STATUS_SUCCESS;
}

enum pvn_status hc_copy_in(struct hc_call *call, void *to, uint64_t from, size_t bytes)
{
	return gpa_map_copy_in(&call->caller->map, to, gpa(from), bytes) ?
	       PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_HYPERCALL_INPUT;
}

enum pvn_status hc_copy_out(struct hc_call *call, uint64_t to, const void *from, size_t bytes)
{
	return gpa_map_copy_out(&call->caller->map, gpa(to), from, bytes) ?
	       PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_HYPERCALL_INPUT;
}

/* A rep call names the same partition for each element: it is looked up once. */
static struct partition *hold(struct hc_call *call, uint64_t id)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (!call->held[i])
			call->held[i] = partition_get(id);
		if (!call->held[i] || call->held[i]->id == id)
			return call->held[i];
	}
	return NULL;
}

enum pvn_status hc_find_child(struct hc_call *call, uint64_t id, struct partition **out)
{
	/* Same answer whether the partition exists or not. */
	if (!partition_may(call->caller, PVN_PRIVILEGE_CREATE_PARTITIONS))
		return PVN_STATUS_ACCESS_DENIED;
	*out = hold(call, id);
	if (!*out)
		return PVN_STATUS_INVALID_PARTITION_ID;
	return (*out)->parent == call->caller ? PVN_STATUS_SUCCESS : PVN_STATUS_ACCESS_DENIED;
}

enum pvn_status hc_find_self_or_child(struct hc_call *call, uint64_t id, struct partition **out)
{
	if (id != call->caller->id && id != HC_SELF_ID)
		return hc_find_child(call, id, out);
	*out = call->caller;
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status check_active(const struct partition *partition)
{
	return partition_is_active(partition) ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PARTITION_STATE;
}

enum pvn_status hc_find_active_child(struct hc_call *call, uint64_t id, struct partition **out)
{
	return hc_find_child(call, id, out) ?: check_active(*out);
}

enum pvn_status hc_find_active(struct hc_call *call, uint64_t id, struct partition **out)
{
	return hc_find_self_or_child(call, id, out) ?: check_active(*out);
}

void hc_release(struct hc_call *call)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (call->held[i])
			partition_put(call->held[i]);
		call->held[i] = NULL;
	}
}

/* [TLFS 6.0b 7.8.7.3 "Sparse Virtual Processor Set"] */
enum pvn_status hc_vp_set(const struct hc_call *call, uint64_t format, uint64_t banks, uint64_t *mask)
{
	unsigned int count = 0;

	_Static_assert(VPS_PER_PARTITION_MAX <= 64, "all VPs are in bank 0");
	*mask = ~0ull;
	if (format == PVN_VP_SET_ALL)
		return PVN_STATUS_SUCCESS;
	if (format != PVN_VP_SET_SPARSE)
		return PVN_STATUS_INVALID_PARAMETER;
	for (uint64_t rest = banks; rest; rest &= rest - 1)
		count++;
	if (count != call->var_count)
		return PVN_STATUS_INVALID_HYPERCALL_INPUT;
	*mask = banks & 1 ? call->var[0] : 0;
	return PVN_STATUS_SUCCESS;
}
