// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What CPUID tells a child [TLFS 2.0 ch. 3 "Feature and Interface Discovery"].
 */
#include <pvn/abi/cpuid.h>

#include "testguest.h"

enum { EAX, EBX, ECX, EDX };

#define BIT(n) (1ull << (n))

static uint64_t privileges(void)
{
	uint32_t out[4];

	cpuid(PVN_CPUID_FEATURES, 0, out);
	return (uint64_t)out[EBX] << 32 | out[EAX];
}

CASE(hypervisor_is_announced)
{
	uint32_t out[4];

	cpuid(1, 0, out);
	expect(out[ECX] & BIT(31), "leaf 1 has ECX 0x%x", out[ECX]);
	cpuid(PVN_CPUID_VENDOR, 0, out);
	expect(out[EAX] >= PVN_CPUID_LIMITS && out[EAX] <= 0x4000ffff, "highest leaf 0x%x", out[EAX]);
	expect(!memcmp(&out[EBX], "Microsoft Hv", 12), "the vendor is %x %x %x", out[EBX], out[ECX],
	       out[EDX]);
	cpuid(PVN_CPUID_INTERFACE, 0, out);
	expect_equal("interface", out[EAX], PVN_CPUID_INTERFACE_HV1);
}

CASE(own_block_is_found)
{
	uint32_t base, out[4];

	for (base = PVN_CPUID_OWN_FIRST; base <= PVN_CPUID_OWN_LAST; base += PVN_CPUID_OWN_STEP) {
		cpuid(base, 0, out);
		if (out[EBX] == PVN_SIGNATURE_EBX && out[ECX] == PVN_SIGNATURE_ECX && !out[EDX])
			break;
	}
	expect(base <= PVN_CPUID_OWN_LAST, "no block has the signature");
	expect(out[EAX] >= base + 1, "its highest leaf is 0x%x", out[EAX]);
	cpuid(base + 1, 0, out);
	expect_equal("major version", out[EAX] >> 16, PVN_ABI_MAJOR);
	expect(!(out[EBX] & PVN_OWN_FEATURE_ROOT), "a child is told that it is the root");
	expect(out[ECX] > 1, "the partition's id is %u", out[ECX]);
	expect_equal("VP index", out[EDX], 0);
}

CASE(privileges_are_a_childs)
{
	const uint64_t wanted = BIT(PVN_PRIVILEGE_ACCESS_HYPERCALL_MSRS) |
		BIT(PVN_PRIVILEGE_ACCESS_VP_INDEX) | BIT(PVN_PRIVILEGE_ACCESS_REFERENCE_COUNTER) |
		BIT(PVN_PRIVILEGE_ACCESS_REFERENCE_TSC) | BIT(PVN_PRIVILEGE_ACCESS_SYNIC) |
		BIT(PVN_PRIVILEGE_ACCESS_SYNTHETIC_TIMERS) | BIT(PVN_PRIVILEGE_ACCESS_FREQUENCIES) |
		BIT(PVN_PRIVILEGE_POST_MESSAGES) | BIT(PVN_PRIVILEGE_SIGNAL_EVENTS);
	const uint64_t unwanted = BIT(PVN_PRIVILEGE_CREATE_PARTITIONS) |
		BIT(PVN_PRIVILEGE_ACCESS_MEMORY_POOL) | BIT(PVN_PRIVILEGE_CREATE_PORT) |
		BIT(PVN_PRIVILEGE_CONNECT_PORT) | BIT(PVN_PRIVILEGE_CPU_MANAGEMENT) |
		BIT(PVN_PRIVILEGE_DEBUGGING);
	uint64_t mask = privileges();

	expect(!(wanted & ~mask), "missing: 0x%lx", wanted & ~mask);
	expect(!(unwanted & mask), "too many: 0x%lx", unwanted & mask);
}

CASE(registers_follow_privileges)
{
	static const struct { unsigned int bit; uint32_t msr; } rows[] = {
		{ PVN_PRIVILEGE_ACCESS_VP_RUN_TIME, PVN_MSR_VP_RUNTIME },
		{ PVN_PRIVILEGE_ACCESS_REFERENCE_COUNTER, PVN_MSR_TIME_REF_COUNT },
		{ PVN_PRIVILEGE_ACCESS_SYNIC, PVN_MSR_SCONTROL },
		{ PVN_PRIVILEGE_ACCESS_SYNTHETIC_TIMERS, PVN_MSR_STIMER0_CONFIG },
		{ PVN_PRIVILEGE_ACCESS_APIC_MSRS, PVN_MSR_TPR },
		{ PVN_PRIVILEGE_ACCESS_HYPERCALL_MSRS, PVN_MSR_HYPERCALL },
		{ PVN_PRIVILEGE_ACCESS_VP_INDEX, PVN_MSR_VP_INDEX },
		{ PVN_PRIVILEGE_ACCESS_RESET, PVN_MSR_RESET },
		{ PVN_PRIVILEGE_ACCESS_STATS_MSRS, PVN_MSR_STATS_VP },
		{ PVN_PRIVILEGE_ACCESS_REFERENCE_TSC, PVN_MSR_REFERENCE_TSC },
		{ PVN_PRIVILEGE_ACCESS_FREQUENCIES, PVN_MSR_TSC_FREQUENCY },
	};
	uint64_t mask = privileges();

	for (unsigned int i = 0; i < ARRAY_COUNT(rows); i++) {
		bool may = mask >> rows[i].bit & 1;
		int vector = rdmsr_fault(rows[i].msr, NULL);

		expect(vector == (may ? NO_FAULT : VECTOR_GP), "MSR 0x%x: %s, and privilege %u is %u",
		       rows[i].msr, vector_name(vector), rows[i].bit, may);
	}
}

CASE(hints_are_those_that_help)
{
	uint32_t out[4];

	cpuid(PVN_CPUID_HINTS, 0, out);
	expect(out[EAX] & PVN_HINT_RELAXED_TIMING, "no relaxed timing: 0x%x", out[EAX]);
	expect(out[EAX] & PVN_HINT_CLUSTER_IPI, "no cluster IPI: 0x%x", out[EAX]);
	/* Each would lead to a call that the table must then have. */
	expect(!(out[EAX] & PVN_HINT_REMOTE_TLB_FLUSH) || call_find(2), "a flush without its call");
	expect(!(out[EAX] & PVN_HINT_EX_MASKS) || call_find(0x15), "masks without their call");
}

CASE(features_have_their_registers)
{
	uint32_t out[4];

	cpuid(PVN_CPUID_FEATURES, 0, out);
	if (out[EDX] & PVN_FEATURE_FREQUENCIES)
		expect_fault("APIC_FREQUENCY", rdmsr_fault(PVN_MSR_APIC_FREQUENCY, NULL), NO_FAULT);
	if (out[EDX] & PVN_FEATURE_CRASH_MSRS)
		expect_fault("CRASH_P0", rdmsr_fault(PVN_MSR_CRASH_P0, NULL), NO_FAULT);
	expect(out[EDX] & PVN_FEATURE_DIRECT_TIMERS, "no direct timers: 0x%x", out[EDX]);
}

CASE(virtualization_is_hidden)
{
	uint32_t out[4];

	cpuid(1, 0, out);
	expect(!(out[ECX] & BIT(5)), "VMX is shown");
	expect(!(out[ECX] & BIT(3)), "MONITOR is shown");
	cpuid(0x80000001, 0, out);
	expect(!(out[ECX] & BIT(2)), "SVM is shown");
	cpuid(0x8000000a, 0, out);
	expect(!(out[EAX] | out[EBX] | out[EDX]), "SVM's leaf is not empty");
	expect_fault("SVM's host register", rdmsr_fault(0xc0010117, NULL), VECTOR_GP);
}

CASE(leaves_beyond_the_last_are_empty)
{
	uint32_t last[4], out[4];

	cpuid(PVN_CPUID_VENDOR, 0, last);
	for (uint32_t leaf = last[EAX] + 1; leaf < PVN_CPUID_OWN_FIRST; leaf++) {
		cpuid(leaf, 0, out);
		expect(!(out[EAX] | out[EBX] | out[ECX] | out[EDX]), "leaf 0x%x is not empty", leaf);
	}
}

struct identity {
	uint32_t one[4], own[4], topology;
	uint64_t apic_id, index;
};

static void read_identity(void *context)
{
	struct identity *identity = context;
	uint32_t out[4];

	cpuid(1, 0, identity->one);
	cpuid(PVN_CPUID_OWN_FIRST + 1, 0, identity->own);
	cpuid(0xb, 0, out);
	identity->topology = out[EDX];
	identity->apic_id = rdmsr(MSR_X2APIC_ID);
	identity->index = rdmsr(PVN_MSR_VP_INDEX);
}

CASE(processors_differ_in_their_ids_only)
{
	struct identity vp[2];

	vp_need_second();
	read_identity(&vp[0]);
	vp_run(read_identity, &vp[1]);
	for (unsigned int i = 0; i < 2; i++) {
		expect_equal("VP_INDEX", vp[i].index, i);
		expect_equal("index in the own block", vp[i].own[EDX], i);
		expect_equal("APIC id in leaf 1", vp[i].one[EBX] >> 24, vp[i].apic_id);
		expect_equal("APIC id in leaf 0xb", vp[i].topology, vp[i].apic_id);
	}
	expect(vp[0].apic_id != vp[1].apic_id, "both have APIC id %lu", vp[0].apic_id);
	expect_equal("leaf 1, ECX of VP 1", vp[1].one[ECX], vp[0].one[ECX]);
	expect_equal("leaf 1, EDX of VP 1", vp[1].one[EDX], vp[0].one[EDX]);
}
