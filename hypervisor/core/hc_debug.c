// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Paravane's own calls: what the hypervisor holds.
 */
#include "core/hypercall.h"

HC(get_census)
{
	struct census census;

	partition_census(&census);
	*out = (struct pvn_get_census_out){
		.pages_total = census.pages_total,
		.pages_free = census.pages_free,
		.pages_deposited = census.pages_deposited,
		.partitions = census.partitions,
		.vps = census.vps,
		.ports = census.ports,
		.connections = census.connections,
		.gpa_pages = census.gpa_pages,
	};
	return PVN_STATUS_SUCCESS;
}
