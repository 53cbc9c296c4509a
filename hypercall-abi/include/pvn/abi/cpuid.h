/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Discovery: the TLFS leaves that stock kernels read, and Paravane's own block.
 *
 * Own block: scan from 0x40000100 in steps of 0x100 up to 0x4000ff00 for the
 * signature "Paravane" in EBX, ECX (EDX is 0); EAX is the block's highest leaf.
 *	base + 0	signature
 *	base + 1	EAX ABI major << 16 | minor; EBX feature bits; ECX partition
 *			id (low 32 bits); EDX VP index
 */
#ifndef PVN_ABI_CPUID_H
#define PVN_ABI_CPUID_H

#include <pvn/abi/types.h>

#define PVN_CPUID_VENDOR	0x40000000u	/* "Microsoft Hv": what stock Linux looks for */
#define PVN_CPUID_INTERFACE	0x40000001u	/* EAX "Hv#1" */
#define PVN_CPUID_VERSION	0x40000002u
#define PVN_CPUID_FEATURES	0x40000003u
#define PVN_CPUID_HINTS		0x40000004u
#define PVN_CPUID_LIMITS	0x40000005u
#define PVN_CPUID_HARDWARE	0x40000006u
#define PVN_CPUID_INTERFACE_HV1	0x31237648u

/* 0x40000003 EDX */
#define PVN_FEATURE_XMM_INPUT		(1u << 4)
#define PVN_FEATURE_IDLE_STATE		(1u << 5)
#define PVN_FEATURE_FREQUENCIES		(1u << 8)
#define PVN_FEATURE_CRASH_MSRS		(1u << 10)
#define PVN_FEATURE_XMM_OUTPUT		(1u << 15)
#define PVN_FEATURE_DIRECT_TIMERS	(1u << 19)
/* 0x40000004 EAX */
#define PVN_HINT_REMOTE_TLB_FLUSH	(1u << 2)
#define PVN_HINT_APIC_MSRS		(1u << 3)
#define PVN_HINT_RELAXED_TIMING		(1u << 5)
#define PVN_HINT_NO_AUTO_EOI		(1u << 9)
#define PVN_HINT_CLUSTER_IPI		(1u << 10)
#define PVN_HINT_EX_MASKS		(1u << 11)

#define PVN_CPUID_OWN_FIRST	0x40000100u
#define PVN_CPUID_OWN_STEP	0x100u
#define PVN_CPUID_OWN_LAST	0x4000ff00u
#define PVN_SIGNATURE_EBX	0x61726150u	/* "Para" */
#define PVN_SIGNATURE_ECX	0x656e6176u	/* "vane" */

/* own block + 1, EBX */
#define PVN_OWN_FEATURE_ROOT	(1u << 0)	/* the caller is the root partition */

#endif
