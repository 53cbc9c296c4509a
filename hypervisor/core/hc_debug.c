// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Paravane's own calls: what the hypervisor holds.
 */
#include "core/hypercall.h"

enum pvn_status hc_get_census(struct hc_call *call, const struct pvn_get_census_in *in,
			      const struct pvn_get_census_elem *elem, struct pvn_get_census_out *out,
			      struct pvn_get_census_oelem *oelem)
{
	struct census census;

	(void)call, (void)in, (void)elem, (void)oelem;
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
