// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on scheduling and interrupts of the caller's own partition.
 */
#include "core/hypercall.h"
#include "core/sched.h"

#define VECTOR_FIRST 0x10u
#define VECTOR_LAST  0xffu

HC(notify_long_spin_wait)
{
	sched_yield();
	return PVN_STATUS_SUCCESS;
}

HC(send_synthetic_cluster_ipi)
{
	_Static_assert(VPS_PER_PARTITION_MAX <= 64, "a VP is a bit of the mask");

	if (in->vector < VECTOR_FIRST || in->vector > VECTOR_LAST || in->target_vtl)
		return PVN_STATUS_INVALID_PARAMETER;
	for (uint64_t rest = in->processor_mask; rest; rest &= rest - 1) {
		unsigned int index = (unsigned int)__builtin_ctzll(rest);
		struct vp *vp = __atomic_load_n(&call->caller->vps[index], __ATOMIC_ACQUIRE);

		/* Those that do not exist, or wait for SIPI, are ignored. */
		if (vp && !(vp->stop_reasons & VP_STOP_SIPI))
			lapic_raise(vp, (uint8_t)in->vector);
	}
	return PVN_STATUS_SUCCESS;
}
