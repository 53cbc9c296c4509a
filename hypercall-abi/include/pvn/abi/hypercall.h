/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Calling convention: control word, result word, and, expanded from the tables,
 * the codes, the statuses and the argument structs of every call.
 *
 * [TLFS 2.0 ch. 4 "Hypercall Interface"]. Registers of a 64-bit caller:
 *	RCX control word; RDX, R8 the GPAs of the input and output blocks, or with
 *	the fast bit the first 16 bytes of parameters; RAX the result word.
 * Of a 32-bit caller: EDX:EAX, EBX:ECX, EDI:ESI, and EDX:EAX.
 * Fast parameters beyond 16 bytes are in XMM0 to XMM5 [TLFS 6.0b 3.7.1 "XMM Fast
 * Hypercall Input"]; output begins at the next 16 bytes after the input and is returned
 * in the same registers.
 */
#ifndef PVN_ABI_HYPERCALL_H
#define PVN_ABI_HYPERCALL_H

#include <pvn/abi/types.h>

/* Control word (RCX). */
#define PVN_CONTROL_CODE_MASK		0xffffull
#define PVN_CONTROL_FAST		(1ull << 16)
#define PVN_CONTROL_VARHEAD_SHIFT	17	/* in u64 */
#define PVN_CONTROL_VARHEAD_MASK	(0x3ffull << 17)
#define PVN_CONTROL_REP_COUNT_SHIFT	32
#define PVN_CONTROL_REP_START_SHIFT	48
#define PVN_CONTROL_REP_MASK		0xfffull
#define PVN_CONTROL_RESERVED		0xf000f00078000000ull
#define PVN_FAST_BYTES			112	/* RDX, R8, XMM0..XMM5 */

/* Result word (RAX). */
#define PVN_RESULT_STATUS_MASK		0xffffull
#define PVN_RESULT_REPS_SHIFT		32

static inline pvn_u64 pvn_control_rep(pvn_u16 code, unsigned int count, unsigned int start)
{
	return code | (pvn_u64)count << PVN_CONTROL_REP_COUNT_SHIFT |
	       (pvn_u64)start << PVN_CONTROL_REP_START_SHIFT;
}

static inline unsigned int pvn_result_status(pvn_u64 result)
{
	return result & PVN_RESULT_STATUS_MASK;
}

static inline unsigned int pvn_result_reps(pvn_u64 result)
{
	return (result >> PVN_RESULT_REPS_SHIFT) & PVN_CONTROL_REP_MASK;
}

/* Statuses, PVN_STATUS_SUCCESS and so on. */
enum pvn_status {
#define PVN_STATUS(number, name, error, text) PVN_STATUS_##name = number,
#include "../../../statuses.def"
#undef PVN_STATUS
};

/*
 * Privileges of a partition, by bit number
 * [TLFS 2.0 5.2.3 "Partition Privilege Flags"].
 */
enum pvn_privilege {
	PVN_PRIVILEGE_ACCESS_VP_RUN_TIME	= 0,
	PVN_PRIVILEGE_ACCESS_REFERENCE_COUNTER	= 1,
	PVN_PRIVILEGE_ACCESS_SYNIC		= 2,
	PVN_PRIVILEGE_ACCESS_SYNTHETIC_TIMERS	= 3,
	PVN_PRIVILEGE_ACCESS_APIC_MSRS		= 4,
	PVN_PRIVILEGE_ACCESS_HYPERCALL_MSRS	= 5,
	PVN_PRIVILEGE_ACCESS_VP_INDEX		= 6,
	PVN_PRIVILEGE_ACCESS_RESET		= 7,
	PVN_PRIVILEGE_ACCESS_STATS_MSRS		= 8,
	PVN_PRIVILEGE_ACCESS_REFERENCE_TSC	= 9,
	PVN_PRIVILEGE_ACCESS_GUEST_IDLE		= 10,
	PVN_PRIVILEGE_ACCESS_FREQUENCIES	= 11,
	PVN_PRIVILEGE_CREATE_PARTITIONS		= 32,
	PVN_PRIVILEGE_ACCESS_PARTITION_ID	= 33,
	PVN_PRIVILEGE_ACCESS_MEMORY_POOL	= 34,
	PVN_PRIVILEGE_POST_MESSAGES		= 36,
	PVN_PRIVILEGE_SIGNAL_EVENTS		= 37,
	PVN_PRIVILEGE_CREATE_PORT		= 38,
	PVN_PRIVILEGE_CONNECT_PORT		= 39,
	PVN_PRIVILEGE_ACCESS_STATS		= 40,
	PVN_PRIVILEGE_DEBUGGING			= 43,
	PVN_PRIVILEGE_CPU_MANAGEMENT		= 44,
	PVN_PRIVILEGE_CONFIGURE_PROFILER	= 45,
	/* Not bits of the mask: what else a row of the table may say. */
	PVN_PRIVILEGE_NONE			= 0xfe,
	PVN_PRIVILEGE_PARENT			= 0xff,
};

/* Codes: PVN_CALL_create_partition and so on. */
#define PVN_CALL(code, name, since, shape, form, privilege, in, elem, out, oelem, text) \
	PVN_CALL_##name = code,
enum pvn_call_code {
#include "../../../hypercalls.def"
};
#undef PVN_CALL

/*
 * Argument structs of call x: pvn_x_in (fixed input), pvn_x_elem (an element of
 * its input list), pvn_x_out, pvn_x_oelem. Those a call does not have are empty.
 */
#define IN(...) __VA_ARGS__
#define ELEM(...) __VA_ARGS__
#define OUT(...) __VA_ARGS__
#define OELEM(...) __VA_ARGS__
#define F(type, name) pvn_##type name;
#define FA(type, name, count) pvn_##type name[count];
#define PVN_CALL(code, name, since, shape, form, privilege, in, elem, out, oelem, text) \
	struct pvn_##name##_in { in };						\
	struct pvn_##name##_elem { elem };					\
	struct pvn_##name##_out { out };					\
	struct pvn_##name##_oelem { oelem };
#include "../../../hypercalls.def"
#undef PVN_CALL
#undef F
#undef FA

/* No implicit padding anywhere: each struct is as long as its fields. */
#define F(type, name) + sizeof(pvn_##type)
#define FA(type, name, count) + sizeof(pvn_##type) * (count)
#define PVN_CALL(code, name, since, shape, form, privilege, in, elem, out, oelem, text) \
	_Static_assert(sizeof(struct pvn_##name##_in) == 0 in, #name " input");		\
	_Static_assert(sizeof(struct pvn_##name##_elem) == 0 elem, #name " element");	\
	_Static_assert(sizeof(struct pvn_##name##_out) == 0 out, #name " output");	\
	_Static_assert(sizeof(struct pvn_##name##_oelem) == 0 oelem, #name " output element");
#include "../../../hypercalls.def"
#undef PVN_CALL
#undef F
#undef FA
#undef IN
#undef ELEM
#undef OUT
#undef OELEM

/* flags of the flush_virtual_address_* calls. */
#define PVN_FLUSH_ALL_PROCESSORS	0x1ull	/* whatever the mask or set says */
#define PVN_FLUSH_ALL_SPACES		0x2ull	/* address_space is ignored */
#define PVN_FLUSH_NON_GLOBAL		0x4ull	/* not for lists */
/* vp_set_format: sets of virtual processors; bank n, bit b is VP 64 n + b. */
#define PVN_VP_SET_SPARSE		0ull
#define PVN_VP_SET_ALL			1ull

/* map_flags of map_gpa_pages and map_sparse_gpa_pages. */
#define PVN_MAP_READ		0x1u
#define PVN_MAP_WRITE		0x2u
#define PVN_MAP_EXECUTE		0x4u
#define PVN_MAP_HUGE		0x40000000u	/* elements and targets are 1 GiB pages */
#define PVN_MAP_LARGE		0x80000000u	/* elements and targets are 2 MiB pages */
/* unmap_flags of unmap_gpa_pages. */
#define PVN_UNMAP_LARGE		0x2u
#define PVN_UNMAP_HUGE		0x4u

/* Partition properties [TLFS 2.0 5.2 "Partition Properties"]. */
#define PVN_PROPERTY_PRIVILEGES		0x00010000u
#define PVN_PROPERTY_CPU_RESERVE	0x00020001u
#define PVN_PROPERTY_CPU_CAP		0x00020002u
#define PVN_PROPERTY_CPU_WEIGHT		0x00020003u
#define PVN_PROPERTY_PROCESSOR_VENDOR	0x00060000u
#define PVN_PROPERTY_PROCESSOR_FEATURES	0x00060001u	/* PVN_PROCESSOR_* */
#define PVN_PROPERTY_XSAVE_FEATURES	0x00060002u	/* PVN_XSAVE_* */
#define PVN_PROPERTY_CACHE_LINE		0x00060003u	/* CLFLUSH size in 8 bytes, of CPUID 1 */

/*
 * Processor features that a child may see, by bit: SSE3, LAHF/SAHF, SSSE3, SSE4.1, SSE4.2,
 * SSE4A, XOP, POPCNT, CMPXCHG16B, MOV CR8 by LOCK, LZCNT, misaligned SSE, MMX extensions,
 * 3DNow!, its extensions, 1 GiB pages, AES, PCLMUL, PCID. Set before the child is
 * initialized; two hosts that give the same values show the same processor.
 */
#define PVN_PROCESSOR_FEATURE_COUNT	19
#define PVN_XSAVE_SUPPORT		0x1ull
#define PVN_XSAVE_OPT			0x2ull
#define PVN_XSAVE_AVX			0x4ull
/* Compatibility mode: what every such processor has had, with XSAVE features 0. */
#define PVN_COMPATIBLE_INTEL		0x0103ull	/* SSE3, LAHF/SAHF, CMPXCHG16B */
#define PVN_COMPATIBLE_AMD		0x1303ull	/* and MOV CR8 by LOCK, MMX extensions */

/* Port types and port properties. */
#define PVN_PORT_MESSAGE	1u
#define PVN_PORT_EVENT		2u
/*
 * Its page (struct pvn_monitor_page) lies over a page of either partition, 0: of this one
 * not. In create_port the words of target_sint and target_vp are where.
 */
#define PVN_PORT_MONITOR	3u
#define PVN_PORT_PROPERTY_POSTS	0u
#define PVN_PORT_PROPERTY_TARGET_VP 1u
#define PVN_VP_ANY		0xffffffffu

/*
 * System properties. The profiler samples each logical processor every period events of its
 * source, of which there is one here: cycles of the TSC. Samples go into the diagnostics group
 * of the event log (eventlog.h) while there is one.
 */
#define PVN_SYSTEM_PROPERTY_PROFILER	0u
#define PVN_PROFILE_OFF			0u
#define PVN_PROFILE_CYCLES		1u
#define PVN_PROFILE_CACHE_MISSES	2u	/* FEATURE_UNAVAILABLE */
#define PVN_PROFILE_MISPREDICTIONS	3u	/* likewise */
#define PVN_PROFILE_PERIOD_BITS		40u	/* longer ones are out of range, and less than 100 us */

/* intercept_type and access_type of install_intercept. */
#define PVN_INTERCEPT_IO_PORT	0u
#define PVN_INTERCEPT_MSR	1u
#define PVN_INTERCEPT_CPUID	2u
#define PVN_INTERCEPT_EXCEPTION	3u
#define PVN_ACCESS_NONE		0u
#define PVN_ACCESS_READ		1u
#define PVN_ACCESS_WRITE	2u
#define PVN_ACCESS_EXECUTE	4u

/* control_flags, result and result_flags of translate_virtual_address. */
#define PVN_TRANSLATE_READ		0x1ull
#define PVN_TRANSLATE_WRITE		0x2ull
#define PVN_TRANSLATE_EXECUTE		0x4ull
#define PVN_TRANSLATE_NO_PRIVILEGE	0x8ull	/* as if by the hypervisor, not by the VP's CPL */
#define PVN_TRANSLATE_SET_BITS		0x10ull	/* accessed and dirty, in the guest's tables */
#define PVN_TRANSLATE_INHIBIT_FLUSH	0x20ull	/* flushes wait until the VP is resumed */
#define PVN_TRANSLATE_OK		0u
#define PVN_TRANSLATE_NOT_PRESENT	1u
#define PVN_TRANSLATE_PRIVILEGE		2u
#define PVN_TRANSLATE_BAD_ENTRY		3u
#define PVN_TRANSLATE_UNMAPPED		4u	/* gpa_page is the page that is not there */
#define PVN_TRANSLATE_NO_READ		5u
#define PVN_TRANSLATE_NO_WRITE		6u
#define PVN_TRANSLATE_OVERLAY		7u
#define PVN_TRANSLATE_CACHE_MASK	0xffu	/* of result_flags: 0 UC 1 WC 4 WT 5 WP 6 WB */
#define PVN_TRANSLATE_IS_OVERLAY	0x100u
/* result of read_gpa and write_gpa. */
#define PVN_ACCESS_RESULT_OK		0ull
#define PVN_ACCESS_RESULT_UNMAPPED	1ull
#define PVN_ACCESS_RESULT_READ		2ull
#define PVN_ACCESS_RESULT_WRITE		3ull
#define PVN_ACCESS_RESULT_OVERLAY	4ull

/* type and flags of assert_virtual_interrupt [TLFS 2.0 13.3 "Virtual Interrupt Types"]. */
#define PVN_INTERRUPT_FIXED	0u
#define PVN_INTERRUPT_LOWEST	1u
#define PVN_INTERRUPT_SMI	2u	/* FEATURE_UNAVAILABLE: guests have no such mode */
#define PVN_INTERRUPT_NMI	4u
#define PVN_INTERRUPT_INIT	5u
#define PVN_INTERRUPT_SIPI	6u
#define PVN_INTERRUPT_EXTINT	7u	/* an 8259's: to VP 0 whatever its APIC, destination 0 */
#define PVN_INTERRUPT_LEVEL	1u	/* EOI is told by PVN_MESSAGE_APIC_EOI; not SMI to SIPI */
#define PVN_INTERRUPT_LOGICAL	2u	/* destination is a set; otherwise an APIC id */
#define PVN_INTERRUPT_NONE	0xffffffffu	/* vector: level or ExtInt is withdrawn */

/* Names of registers [TLFS 2.0 9.x "Virtual Processor Registers"]. */
#define PVN_REG_EXPLICIT_SUSPEND	0x00000u
#define PVN_REG_INTERCEPT_SUSPEND	0x00001u
#define PVN_REG_CRASH_P0		0x00210u	/* P0..P4: 0x210..0x214 */
#define PVN_REG_CRASH_CTL		0x00215u
#define PVN_REG_PENDING_INTERRUPTION	0x10002u	/* PVN_PENDING_* */
#define PVN_REG_INTERRUPT_STATE		0x10003u
#define PVN_REG_RAX			0x20000u	/* RAX RCX RDX RBX RSP RBP RSI RDI R8..R15 */
#define PVN_REG_RIP			0x20010u
#define PVN_REG_RFLAGS			0x20011u
#define PVN_REG_XMM0			0x30000u	/* XMM0..XMM15 */
#define PVN_REG_FP0			0x30010u	/* x87 stack, MMX: FP0..FP7 */
#define PVN_REG_FP_CONTROL		0x30018u	/* as in the first 16 bytes of FXSAVE */
#define PVN_REG_XMM_CONTROL		0x30019u	/* as in the second */
#define PVN_REG_CR0			0x40000u
#define PVN_REG_CR2			0x40001u
#define PVN_REG_CR3			0x40002u
#define PVN_REG_CR4			0x40003u
#define PVN_REG_CR8			0x40004u
#define PVN_REG_XCR0			0x40005u
#define PVN_REG_DR0			0x50000u	/* DR0..DR3, DR6, DR7 */
#define PVN_REG_ES			0x60000u	/* ES CS SS DS FS GS LDTR TR */
#define PVN_REG_CS			0x60001u
#define PVN_REG_SS			0x60002u
#define PVN_REG_IDTR			0x70000u
#define PVN_REG_GDTR			0x70001u
#define PVN_REG_TSC			0x80000u
#define PVN_REG_EFER			0x80001u
#define PVN_REG_KERNEL_GS_BASE		0x80002u
#define PVN_REG_APIC_BASE		0x80003u
#define PVN_REG_PAT			0x80004u
#define PVN_REG_SYSENTER_CS		0x80005u
#define PVN_REG_SYSENTER_EIP		0x80006u
#define PVN_REG_SYSENTER_ESP		0x80007u
#define PVN_REG_STAR			0x80008u
#define PVN_REG_LSTAR			0x80009u
#define PVN_REG_CSTAR			0x8000au
#define PVN_REG_SFMASK			0x8000bu
#define PVN_REG_INITIAL_APIC_ID		0x8000cu
#define PVN_REG_MTRR_CAP		0x8000du
#define PVN_REG_MTRR_DEFAULT		0x8000eu
#define PVN_REG_MTRR_BASE0		0x80010u	/* 8 */
#define PVN_REG_MTRR_MASK0		0x80040u	/* 8 */
#define PVN_REG_MTRR_FIXED0		0x80070u	/* 11 */
#define PVN_REG_X2APIC			0x80100u	/* of our own: the 64 MSRs from 0x800 on */
#define PVN_REG_VP_RUNTIME		0x90000u
#define PVN_REG_HYPERCALL		0x90001u
#define PVN_REG_GUEST_OS_ID		0x90002u
#define PVN_REG_VP_INDEX		0x90003u
#define PVN_REG_TIME_REF_COUNT		0x90004u
#define PVN_REG_EOI			0x90010u	/* neither read nor set */
#define PVN_REG_ICR			0x90011u
#define PVN_REG_TPR			0x90012u
#define PVN_REG_VP_ASSIST_PAGE		0x90013u
#define PVN_REG_REFERENCE_TSC		0x90017u
#define PVN_REG_STATS_PARTITION		0x90020u	/* retail, internal; then the VP's two */
#define PVN_REG_SINT0			0xa0000u	/* 16 */
#define PVN_REG_SCONTROL		0xa0010u	/* SCONTROL, SVERSION, SIEFP, SIMP, EOM */
#define PVN_REG_STIMER0_CONFIG		0xb0000u	/* config and count of four timers */

#define PVN_PENDING_VALID		0x1ull
#define PVN_PENDING_TYPE_SHIFT		1	/* 0 external, 2 NMI, 3 exception, 4 software */
#define PVN_PENDING_TYPE_MASK		(7ull << 1)
#define PVN_PENDING_HAS_CODE		(1ull << 4)
#define PVN_PENDING_VECTOR_SHIFT	16	/* [31:16]; the error code is in [63:32] */

/* Segment register as a 16-byte register value: low = base. */
struct pvn_segment {
	pvn_u64 base;
	pvn_u32 limit;
	pvn_u16 selector;
	pvn_u16 attributes;	/* [3:0] type [4] S [6:5] DPL [7] P [12] AVL [13] L [14] D [15] G */
};

/* Table register as a 16-byte register value. */
struct pvn_table {
	pvn_u16 pad[3];
	pvn_u16 limit;
	pvn_u64 base;
};

_Static_assert(sizeof(struct pvn_segment) == 16, "segment register value");
_Static_assert(sizeof(struct pvn_table) == 16, "table register value");

#endif
