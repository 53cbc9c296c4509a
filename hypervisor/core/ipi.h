/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Synthetic cluster IPIs [TLFS 6.0b 10.5.1 "HvCallSendSyntheticClusterIpi"]: inline for
 * the light exit's sake.
 */
#pragma once

#include "core/partition.h"

#define VECTOR_FIRST 0x10u
#define VECTOR_LAST	 0xffu

/* To the VPs named by mask, a bit each. INVALID_PARAMETER: vector or trust level. */
static inline enum pvn_status ipi_send(struct partition *partition, uint32_t vector, uint8_t vtl,
				       uint64_t mask)
{
	_Static_assert(VPS_PER_PARTITION_MAX <= 64, "a VP is a bit of the mask");

	if (vector - VECTOR_FIRST > VECTOR_LAST - VECTOR_FIRST || vtl)
		return PVN_STATUS_INVALID_PARAMETER;
	for (; mask; mask &= mask - 1) {
		unsigned int index = (unsigned int)__builtin_ctzll(mask);
		struct vp *vp = __atomic_load_n(&partition->vps[index], __ATOMIC_ACQUIRE);

		/* Those that do not exist, or wait for SIPI, are ignored. */
		if (vp && !(vp->stop_reasons & VP_STOP_SIPI))
			lapic_raise(vp, (uint8_t)vector);
	}
	return PVN_STATUS_SUCCESS;
}
