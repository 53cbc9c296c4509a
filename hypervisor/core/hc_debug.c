// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Looking into the hypervisor: what it holds, and its debugger.
 */
#include "core/hypercall.h"
#include "core/platform.h"

HC(invoke_hypervisor_debugger)
{
	return plat_debugger() ? PVN_STATUS_SUCCESS : PVN_STATUS_OPERATION_DENIED;
}

HC(get_census)
{
	partition_census(out);
	return PVN_STATUS_SUCCESS;
}
