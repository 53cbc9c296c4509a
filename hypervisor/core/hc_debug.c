// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Paravane's own calls: what the hypervisor holds.
 */
#include "core/hypercall.h"

HC(get_census)
{
	partition_census(out);
	return PVN_STATUS_SUCCESS;
}
