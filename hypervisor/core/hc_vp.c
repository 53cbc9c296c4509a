// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on virtual processors: creation, registers, intercepts
 * [TLFS 2.0 ch. 9 "Virtual Processor Management", ch. 10 "Intercepts"].
 */
#include "core/hypercall.h"
#include "core/sched.h"

#define VECTORS		32u
#define PORT_LAST	0xffffu
#define MEMORY_AT	(1ull << 20)	/* where a guest has its memory, if anywhere */

HC_ABOUT(create_vp, hc_find_active_child)
{
	uint32_t domain;

	/* Of what it names of a domain the specification has but this status. */
	if (numa_domain(in->proximity_id, in->proximity_flags, &domain))
		return PVN_STATUS_INVALID_PARAMETER;
	if (!partition_reserves_fit(target, target->cpu_reserve, 1))
		return PVN_STATUS_OPERATION_DENIED;
	if (domain == NUMA_ANY)
		domain = target->pool.domain;
	/* Nothing is said: near to where its memory is. */
	if (domain == NUMA_ANY)
		domain = numa_of(true, gpa_map_lookup(&target->map, gpa(MEMORY_AT), GPA_READ).v);
	return vp_create(target, in->vp_index, domain);
}

/*
 * The VP never runs again and cannot be named any more. Its memory stays until its
 * partition is finalized: the other VPs may be sending it an interrupt just now.
 */
HC_ABOUT_VP(delete_vp, hc_find_active_child)
{
	vp_stop(vp, VP_STOP_DYING);
	sched_wait_stopped(vp);
	return PVN_STATUS_SUCCESS;
}

enum pvn_status hc_settle(struct hc_call *call, struct vp *vp)
{
	if (vp == call->vp)
		return PVN_STATUS_SUCCESS;
	/* Its cap stops a VP for a moment only. */
	if (!(__atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST) & ~VP_STOP_CAP))
		return PVN_STATUS_OPERATION_DENIED;
	sched_wait_stopped(vp);
	return PVN_STATUS_SUCCESS;
}

/* Some may be read and set while the VP runs. */
static enum pvn_status settle_for(struct hc_call *call, struct vp *vp, uint32_t name)
{
	return name == PVN_REG_EXPLICIT_SUSPEND || name == PVN_REG_INTERCEPT_SUSPEND ||
	       (name >= PVN_REG_CRASH_P0 && name <= PVN_REG_CRASH_CTL) ?
	       PVN_STATUS_SUCCESS : hc_settle(call, vp);
}

HC_ABOUT_VP(get_vp_registers, hc_find_active)
{
	uint64_t value[2];
	enum pvn_status status = settle_for(call, vp, elem->name) ?: vp_get_register(vp, elem->name, value);

	if (status == PVN_STATUS_SUCCESS)
		*oelem = (struct pvn_get_vp_registers_oelem){ value[0], value[1] };
	return status;
}

HC_ABOUT_VP(set_vp_registers, hc_find_active_child)
{
	const uint64_t value[2] = { elem->low, elem->high };

	return settle_for(call, vp, elem->name) ?: vp_set_register(vp, elem->name, value);
}

/* On the list while anything is intercepted; full: the list has no room. */
static enum pvn_status install_on(struct intercept_list *list, unsigned int max, uint32_t access,
				  uint32_t what, enum pvn_status full)
{
	unsigned int i;

	for (i = 0; i < list->count && list->at[i].what != what; i++)
		;
	if (access == PVN_ACCESS_NONE) {
		if (i < list->count)
			list->at[i] = list->at[--list->count];
		return PVN_STATUS_SUCCESS;
	}
	if (i == max)
		return full;
	list->at[i] = (struct intercepted){ .what = what, .access = (uint8_t)access };
	list->count += i == list->count;
	return PVN_STATUS_SUCCESS;
}

/* The vendor's control block of a VP may be written while the VP is off its processor only. */
static enum pvn_status install_exception(struct partition *partition, uint32_t access, uint64_t vector)
{
	if (vector >= VECTORS || access & ~PVN_ACCESS_EXECUTE)
		return PVN_STATUS_INVALID_PARAMETER;
	for_each_vp(vp, partition)
		if (vp->state != VP_STOPPED)
			return PVN_STATUS_INVALID_PARTITION_STATE;
	partition->exceptions &= ~(1u << vector);
	if (access)
		partition->exceptions |= 1u << vector;
	for_each_vp(vp, partition)
		virt->set_exception_intercepts(vp, partition->exceptions);
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status install(struct partition *partition, const struct pvn_install_intercept_in *in)
{
	uint32_t access = in->access_type;
	uint64_t what = in->parameter;

	switch (in->intercept_type) {
	case PVN_INTERCEPT_IO_PORT:
		return what > PORT_LAST || access & PVN_ACCESS_EXECUTE ? PVN_STATUS_INVALID_PARAMETER :
		       install_on(&partition->io, IO_INTERCEPTS_MAX, access, what, PVN_STATUS_NO_RESOURCES);
	case PVN_INTERCEPT_MSR:
		if (access & PVN_ACCESS_EXECUTE)
			return PVN_STATUS_INVALID_PARAMETER;
		partition->msr_access = (uint8_t)access;
		return PVN_STATUS_SUCCESS;
	case PVN_INTERCEPT_CPUID:
		return what > 0xffffffff || access & ~PVN_ACCESS_EXECUTE ? PVN_STATUS_INVALID_PARAMETER :
		       install_on(&partition->cpuid, CPUID_INTERCEPTS_MAX, access, what,
				  PVN_STATUS_INSUFFICIENT_MEMORY);
	case PVN_INTERCEPT_EXCEPTION: return install_exception(partition, access, what);
	default: return PVN_STATUS_INVALID_PARAMETER;
	}
}

HC_ABOUT(install_intercept, hc_find_active_child)
{
	SPIN_HOLD(&target->lock);

	return in->access_type & ~(PVN_ACCESS_READ | PVN_ACCESS_WRITE | PVN_ACCESS_EXECUTE) ?
	       PVN_STATUS_INVALID_PARAMETER : install(target, in);
}
