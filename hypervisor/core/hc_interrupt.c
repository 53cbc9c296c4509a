// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on scheduling and interrupts, of the caller's own partition or of a child.
 */
#include "core/hypercall.h"
#include "core/ipi.h"
#include "core/platform.h"
#include "core/sched.h"

HC(get_logical_processor_run_time)
{
	const uint64_t *count = plat_this_cpu()->stats.count;

	sched_charge();
	out->global_time = count[PVN_STAT_processor_global_time];
	out->local_run_time = count[PVN_STAT_processor_run_time];
	out->hypervisor_time = count[PVN_STAT_processor_hypervisor_time];
	return PVN_STATUS_SUCCESS;
}

HC(park_logical_processors) { return sched_park(in->processor_mask); }

HC(notify_long_spin_wait)
{
	sched_yield();
	return PVN_STATUS_SUCCESS;
}

HC(send_synthetic_cluster_ipi)
{
	return ipi_send(call->caller, in->vector, in->target_vtl, in->processor_mask);
}

HC(send_synthetic_cluster_ipi_ex)
{
	uint64_t mask;

	return hc_vp_set(call, in->vp_set_format, in->vp_set_banks, &mask) ?:
	       ipi_send(call->caller, in->vector, in->target_vtl, mask);
}

#define BIT(n) (1u << (n))
#define WITH_LEVEL (BIT(PVN_INTERRUPT_FIXED) | BIT(PVN_INTERRUPT_LOWEST) | BIT(PVN_INTERRUPT_EXTINT))
#define TYPES (WITH_LEVEL | BIT(PVN_INTERRUPT_SMI) | BIT(PVN_INTERRUPT_NMI) | BIT(PVN_INTERRUPT_INIT) | \
	       BIT(PVN_INTERRUPT_SIPI))

static bool interrupt_is_valid(const struct pvn_assert_virtual_interrupt_v2_in *in)
{
	bool level = in->flags & PVN_INTERRUPT_LEVEL;

	if (in->type > PVN_INTERRUPT_EXTINT || !((level ? WITH_LEVEL : TYPES) >> in->type & 1) ||
	    in->flags & ~(PVN_INTERRUPT_LEVEL | PVN_INTERRUPT_LOGICAL) || in->destination >> 32)
		return false;
	switch (in->type) {
	case PVN_INTERRUPT_EXTINT:
		return !in->destination && (in->vector <= VECTOR_LAST || in->vector == PVN_INTERRUPT_NONE);
	case PVN_INTERRUPT_FIXED:
	case PVN_INTERRUPT_LOWEST:
		return (in->vector >= VECTOR_FIRST && in->vector <= VECTOR_LAST) ||
		       (level && in->vector == PVN_INTERRUPT_NONE);
	case PVN_INTERRUPT_SIPI: return in->vector <= VECTOR_LAST;
	default: return true;
	}
}

/* [TLFS 2.0 13.3 "Virtual Interrupts"] */
HC_ABOUT(assert_virtual_interrupt_v2, hc_find_active_child)
{
	struct vp *first = partition_vp(target, 0);
	uint64_t icr;

	if (!interrupt_is_valid(in))
		return PVN_STATUS_INVALID_PARAMETER;
	if (!first)
		return PVN_STATUS_INVALID_VP_INDEX;
	if (in->type == PVN_INTERRUPT_EXTINT)
		return lapic_extint(first, in->vector);
	icr = in->destination << 32 | in->type << 8;
	if (in->type == PVN_INTERRUPT_SIPI || BIT(in->type) & WITH_LEVEL)
		icr |= in->vector & 0xff;
	if (in->flags & PVN_INTERRUPT_LOGICAL)
		icr |= ICR_LOGICAL;
	if (in->flags & PVN_INTERRUPT_LEVEL)
		icr |= ICR_LEVEL | (in->vector == PVN_INTERRUPT_NONE ? 0 : ICR_ASSERT);
	lapic_send(first, icr);
	return PVN_STATUS_SUCCESS;
}

HC(assert_virtual_interrupt)
{
	_Static_assert(sizeof(*in) == sizeof(struct pvn_assert_virtual_interrupt_v2_in), "same layout");

	return in->target_vtl ? PVN_STATUS_INVALID_PARAMETER :
	       hc_assert_virtual_interrupt_v2(call, (const void *)in, NULL, NULL, NULL);
}

HC_ABOUT(clear_virtual_interrupt, hc_find_active_child)
{
	struct vp *first = partition_vp(target, 0);

	return first ? lapic_clear_extint(first) : PVN_STATUS_INVALID_VP_INDEX;
}
