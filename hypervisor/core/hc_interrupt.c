// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on scheduling and interrupts, of the caller's own partition or of a child.
 */
#include "core/hypercall.h"
#include "core/sched.h"

#define VECTOR_FIRST 0x10u
#define VECTOR_LAST  0xffu
#define ICR_LOGICAL  11	/* bit */

HC(notify_long_spin_wait)
{
	sched_yield();
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status send_ipi(struct hc_call *call, uint32_t vector, uint8_t vtl, uint64_t mask)
{
	_Static_assert(VPS_PER_PARTITION_MAX <= 64, "a VP is a bit of the mask");

	if (vector < VECTOR_FIRST || vector > VECTOR_LAST || vtl)
		return PVN_STATUS_INVALID_PARAMETER;
	for (uint64_t rest = mask; rest; rest &= rest - 1) {
		unsigned int index = (unsigned int)__builtin_ctzll(rest);
		struct vp *vp = __atomic_load_n(&call->caller->vps[index], __ATOMIC_ACQUIRE);

		/* Those that do not exist, or wait for SIPI, are ignored. */
		if (vp && !(vp->stop_reasons & VP_STOP_SIPI))
			lapic_raise(vp, (uint8_t)vector);
	}
	return PVN_STATUS_SUCCESS;
}

HC(send_synthetic_cluster_ipi)
{
	return send_ipi(call, in->vector, in->target_vtl, in->processor_mask);
}

HC(send_synthetic_cluster_ipi_ex)
{
	uint64_t mask;
	enum pvn_status status = hc_vp_set(call, in->vp_set_format, in->vp_set_banks, &mask);

	return status == PVN_STATUS_SUCCESS ? send_ipi(call, in->vector, in->target_vtl, mask) : status;
}

/* Edge-triggered kinds only: what the parent knows of levels ends at its own I/O APIC. */
HC_ABOUT(assert_virtual_interrupt, hc_find_active_child)
{
	bool is_nmi = in->type == PVN_INTERRUPT_NMI;
	struct vp *any;

	if ((in->type > PVN_INTERRUPT_LOWEST && !is_nmi) || in->flags & ~PVN_INTERRUPT_LOGICAL ||
	    in->destination >> 32 || in->target_vtl ||
	    (!is_nmi && (in->vector < VECTOR_FIRST || in->vector > VECTOR_LAST)))
		return PVN_STATUS_INVALID_PARAMETER;
	any = __atomic_load_n(&target->vps[0], __ATOMIC_ACQUIRE);
	if (!any)
		return PVN_STATUS_INVALID_VP_INDEX;
	lapic_send(any, in->destination << 32 | in->type << 8 | (is_nmi ? 0 : in->vector) |
			(in->flags & PVN_INTERRUPT_LOGICAL ? 1u << ICR_LOGICAL : 0));
	return PVN_STATUS_SUCCESS;
}
