// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Finds the hypervisor by its own CPUID block. The TLFS leaves do not do: they
 * say "Microsoft Hv" for the sake of stock kernels, and they must not tell the root
 * its privileges, or stock Linux would behave as the root of Hyper-V.
 */
#define pr_fmt(fmt) "pvn_core: " fmt

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/printk.h>

#include <asm/cpufeature.h>
#include <asm/processor.h>

#include <pvn/abi/cpuid.h>

#include "pv-guest/detect.h"

static struct pvn_platform platform;

/* Base of Paravane's block, or 0. */
static u32 find_leaf(void)
{
	u32 eax, ebx, ecx, edx, leaf;

	for (leaf = PVN_CPUID_OWN_FIRST; leaf <= PVN_CPUID_OWN_LAST; leaf += PVN_CPUID_OWN_STEP) {
		cpuid(leaf, &eax, &ebx, &ecx, &edx);
		if (ebx == PVN_SIGNATURE_EBX && ecx == PVN_SIGNATURE_ECX && eax >= leaf + 1)
			return leaf;
	}
	return 0;
}

int pvn_detect(void)
{
	u32 vp_index, id;

	if (boot_cpu_has(X86_FEATURE_HYPERVISOR))
		platform.leaf = find_leaf();
	if (!platform.leaf) {
		pr_err("this kernel does not run under the Paravane hypervisor\n");
		return -ENODEV;
	}
	cpuid(platform.leaf + 1, &platform.abi, &platform.features, &id, &vp_index);
	if (platform.abi >> 16 != PVN_ABI_MAJOR) {
		pr_err("the hypervisor speaks ABI %u.%u, these modules speak %u.x\n",
		       platform.abi >> 16, platform.abi & 0xffff, PVN_ABI_MAJOR);
		return -ENODEV;
	}
	platform.partition_id = id;
	platform.hints = cpuid_eax(PVN_CPUID_HINTS);
	return 0;
}

const struct pvn_platform *pvn_platform(void)
{
	return &platform;
}
EXPORT_SYMBOL_GPL(pvn_platform);
