// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_core.ko: start and end. Refuses to load where there is no Paravane, so that
 * modules that use it need not ask.
 */
#define pr_fmt(fmt) "pvn_core: " fmt

#include <linux/module.h>

#include <pvn/abi/cpuid.h>

#include "pv-guest/core_internal.h"

static bool is_root(void)
{
	return pvn_platform()->features & PVN_OWN_FEATURE_ROOT;
}

static int __init core_init(void)
{
	int error = pvn_detect();

	if (error)
		return error;
	error = pvn_hypercall_init();
	if (error)
		return error;
	error = pvn_event_init();
	if (error)
		goto no_events;
	if (!is_root())
		error = pvn_crash_init();
	if (error)
		goto no_crash;
	if (!is_root())
		pvn_kexec_init();
	pr_info("Paravane, ABI %u.%u, partition %llu%s\n", pvn_platform()->abi >> 16,
		pvn_platform()->abi & 0xffff, pvn_platform()->partition_id,
		is_root() ? " (root)" : "");
	return 0;

no_crash:
	pvn_event_exit();
no_events:
	pvn_hypercall_exit();
	return error;
}

static void __exit core_exit(void)
{
	if (!is_root()) {
		pvn_kexec_exit();
		pvn_crash_exit();
	}
	pvn_event_exit();
	pvn_hypercall_exit();
}

module_init(core_init);
module_exit(core_exit);
MODULE_DESCRIPTION("Paravane: hypervisor calls, doorbells and messages");
MODULE_LICENSE("GPL");
