/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Synthetic registers [TLFS 2.0 App. H "Synthetic MSRs"].
 */
#ifndef PVN_ABI_MSR_H
#define PVN_ABI_MSR_H

#define PVN_MSR_GUEST_OS_ID		0x40000000u
#define PVN_MSR_HYPERCALL		0x40000001u
#define PVN_MSR_VP_INDEX		0x40000002u
#define PVN_MSR_RESET			0x40000003u
#define PVN_MSR_VP_RUNTIME		0x40000010u
#define PVN_MSR_TIME_REF_COUNT		0x40000020u
#define PVN_MSR_REFERENCE_TSC		0x40000021u
#define PVN_MSR_TSC_FREQUENCY		0x40000022u
#define PVN_MSR_APIC_FREQUENCY		0x40000023u
#define PVN_MSR_EOI			0x40000070u
#define PVN_MSR_ICR			0x40000071u
#define PVN_MSR_TPR			0x40000072u
#define PVN_MSR_VP_ASSIST_PAGE		0x40000073u
#define PVN_MSR_SCONTROL		0x40000080u
#define PVN_MSR_SVERSION		0x40000081u
#define PVN_MSR_SIEFP			0x40000082u
#define PVN_MSR_SIMP			0x40000083u
#define PVN_MSR_EOM			0x40000084u
#define PVN_MSR_SINT0			0x40000090u
#define PVN_MSR_STIMER0_CONFIG		0x400000b0u
#define PVN_MSR_STIMER0_COUNT		0x400000b1u
#define PVN_MSR_STATS_PARTITION		0x400000e0u	/* retail, then internal: the same page */
#define PVN_MSR_STATS_VP		0x400000e2u	/* likewise */
#define PVN_MSR_GUEST_IDLE		0x400000f0u
#define PVN_MSR_CRASH_P0		0x40000100u
#define PVN_MSR_CRASH_CTL		0x40000105u

#define PVN_MSR_PAGE_ENABLE		0x1ull	/* in every MSR that names a page */
#define PVN_MSR_PAGE_MASK		(~0xfffull)

#define PVN_SINT_VECTOR_MASK		0xffull
#define PVN_SINT_MASKED			(1ull << 16)
#define PVN_SINT_AUTO_EOI		(1ull << 17)
#define PVN_SINT_POLLING		(1ull << 18)
#define PVN_SINT_COUNT			16

#define PVN_STIMER_COUNT		4
#define PVN_STIMER_ENABLE		(1ull << 0)
#define PVN_STIMER_PERIODIC		(1ull << 1)
#define PVN_STIMER_LAZY			(1ull << 2)
#define PVN_STIMER_AUTO_ENABLE		(1ull << 3)
#define PVN_STIMER_VECTOR_SHIFT		4
#define PVN_STIMER_DIRECT		(1ull << 12)
#define PVN_STIMER_SINT_SHIFT		16

#define PVN_CRASH_CTL_MESSAGE		(1ull << 62)	/* P3 GPA, P4 length of a text */
#define PVN_CRASH_CTL_NOTIFY		(1ull << 63)

#endif
