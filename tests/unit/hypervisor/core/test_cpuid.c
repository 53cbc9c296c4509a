// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * CPUID: what is hidden from whom, topology, XSAVE sizes, the hypervisor's leaves.
 */
#include "fake_vhw.h"

#include <string.h>

#include <pvn/abi/cpuid.h>

enum { EAX, EBX, ECX, EDX };

#define BIT(n) (1u << (n))

static uint32_t out[4];

static uint32_t *cpuid(struct vp *vp, uint32_t leaf, uint32_t subleaf)
{
	cpuid_values(vp, leaf, subleaf, out);
	return out;
}

/* A processor with AVX (at 576), AVX-512 and protection keys, and nothing in other leaves. */
static void cpuid_with_avx(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	static const struct { uint32_t bytes, offset, flags; } component[] = {
		[2] = { 256, 576, 0 }, [5] = { 64, 1088, 0 }, [6] = { 512, 1152, 2 },
		[7] = { 1024, 1664, 2 }, [9] = { 8, 2688, 0 },
	};

	memset(r, 0, 4 * sizeof(*r));
	if (leaf == 1)
		r[ECX] = BIT(26);
	if (leaf != 0xd)
		return;
	if (subleaf == 0) {
		r[EAX] = 0x2e7;
	} else if (subleaf == 1) {
		r[EAX] = 0x1f;
	} else if (subleaf < 10) {
		r[EAX] = component[subleaf].bytes;
		r[EBX] = component[subleaf].offset;
		r[ECX] = component[subleaf].flags;
	}
}

static void stock_linux_finds_its_interface(void **state)
{
	const char vendor[12] = "Microsoft Hv";

	(void)state;
	cpuid(fake.vp[0], 0x40000000, 0);
	assert_in_range(out[EAX], 0x40000005, 0x400000ff);
	assert_memory_equal(&out[EBX], vendor, 12);
	assert_int_equal(cpuid(fake.vp[0], 0x40000001, 0)[EAX], PVN_CPUID_INTERFACE_HV1);
	assert_true(cpuid(fake.vp[0], 1, 0)[ECX] & BIT(31));
	assert_int_equal(cpuid(fake.vp[0], 0x40000003, 0)[EAX] & 0x60, 0x60);
	assert_int_equal(cpuid(fake.vp[0], 0x40000005, 0)[EAX], VPS_PER_PARTITION_MAX);
}

static void privileges_that_mislead_linux_are_not_shown(void **state)
{
	(void)state;
	fake.partition->is_root = true;
	cpuid(fake.vp[0], PVN_CPUID_FEATURES, 0);
	assert_false(out[EBX] & (BIT(1) | BIT(12) | BIT(20) | BIT(22)));
	assert_false(out[EAX] & (BIT(12) | BIT(13) | BIT(15)));
	assert_true(out[EBX] & BIT(0));
	assert_true(out[EDX] & PVN_FEATURE_DIRECT_TIMERS);
	assert_true(out[EDX] & PVN_FEATURE_XMM_INPUT);
	assert_true(out[EDX] & PVN_FEATURE_XMM_OUTPUT);
}

static void features_follow_the_partitions_privileges(void **state)
{
	(void)state;
	fake.partition->privileges = 1ull << PVN_PRIVILEGE_ACCESS_HYPERCALL_MSRS;
	cpuid(fake.vp[0], PVN_CPUID_FEATURES, 0);
	assert_int_equal(out[EAX], BIT(5));
	assert_int_equal(out[EBX], 0);
	assert_false(cpuid(fake.vp[0], PVN_CPUID_HINTS, 0)[EAX] & PVN_HINT_APIC_MSRS);
}

static void hints_ask_for_what_saves_exits(void **state)
{
	(void)state;
	cpuid(fake.vp[0], PVN_CPUID_HINTS, 0);
	assert_int_equal(out[EAX], PVN_HINT_REMOTE_TLB_FLUSH | PVN_HINT_APIC_MSRS |
				   PVN_HINT_RELAXED_TIMING | PVN_HINT_NO_AUTO_EOI |
				   PVN_HINT_CLUSTER_IPI | PVN_HINT_EX_MASKS);
	/* Neither never nor always. */
	assert_in_range(out[EBX], 1, 0xfffffffe);
}

static void the_own_block_names_partition_and_vp(void **state)
{
	(void)state;
	cpuid(fake.vp[2], PVN_CPUID_OWN_FIRST, 0);
	assert_int_equal(out[EBX], PVN_SIGNATURE_EBX);
	assert_int_equal(out[ECX], PVN_SIGNATURE_ECX);
	assert_int_equal(out[EDX], 0);
	assert_int_equal(out[EAX], PVN_CPUID_OWN_FIRST + 1);
	cpuid(fake.vp[2], PVN_CPUID_OWN_FIRST + 1, 0);
	assert_int_equal(out[EAX], PVN_ABI_MAJOR << 16 | PVN_ABI_MINOR);
	assert_int_equal(out[EBX], 0);
	assert_int_equal(out[ECX], 7);
	assert_int_equal(out[EDX], 2);
	fake.partition->is_root = true;
	assert_int_equal(cpuid(fake.vp[2], PVN_CPUID_OWN_FIRST + 1, 0)[EBX], PVN_OWN_FEATURE_ROOT);
}

static void unused_hypervisor_leaves_are_zero(void **state)
{
	static const uint32_t leaves[] = { 0x40000007, 0x40000082, 0x40000102, 0x40000200, 0x40ffffff };

	(void)state;
	for (unsigned int i = 0; i < sizeof(leaves) / sizeof(*leaves); i++) {
		cpuid(fake.vp[0], leaves[i], 0);
		assert_int_equal(out[EAX] | out[EBX] | out[ECX] | out[EDX], 0);
	}
}

static void virtualization_and_monitor_are_hidden_from_everybody(void **state)
{
	(void)state;
	for (unsigned int root = 0; root < 2; root++) {
		fake.partition->is_root = root;
		assert_false(cpuid(fake.vp[0], 1, 0)[ECX] & (BIT(3) | BIT(5)));
		assert_true(out[ECX] & BIT(21));
		assert_true(out[ECX] & BIT(24));
		assert_false(cpuid(fake.vp[0], 0x80000001, 0)[ECX] & (BIT(2) | BIT(29)));
		cpuid(fake.vp[0], 0x8000000a, 0);
		assert_int_equal(out[EAX] | out[EBX] | out[ECX] | out[EDX], 0);
	}
}

static void a_child_does_not_see_what_is_not_switched(void **state)
{
	(void)state;
	cpuid(fake.vp[0], 1, 0);
	assert_false(out[EDX] & (BIT(7) | BIT(12) | BIT(14)));	/* MCE MTRR MCA */
	assert_true(out[EDX] & BIT(16));				/* PAT */
	cpuid(fake.vp[0], 7, 0);
	assert_false(out[EBX] & (BIT(1) | BIT(2) | BIT(14) | BIT(25)));
	assert_false(out[ECX] & (BIT(3) | BIT(4) | BIT(7) | BIT(16) | BIT(22)));
	assert_false(out[EDX] & (BIT(20) | BIT(26) | BIT(27) | BIT(31)));
	assert_true(out[EBX] & BIT(5));					/* AVX2 stays */
	assert_false(cpuid(fake.vp[0], 0x80000001, 0)[EDX] & BIT(27));	/* RDTSCP */
	assert_false(out[ECX] & (BIT(15) | BIT(22) | BIT(23)));
	assert_true(out[EDX] & BIT(29));
	assert_int_equal(cpuid(fake.vp[0], 0xa, 0)[EAX], 0);
	assert_int_equal(cpuid(fake.vp[0], 0x80000007, 0)[EDX], BIT(8));
	assert_int_equal(cpuid(fake.vp[0], 0, 0)[EAX], 0xd);
	assert_int_equal(cpuid(fake.vp[0], 0x80000000, 0)[EAX], 0x80000008);
}

static void the_root_keeps_what_its_processor_has(void **state)
{
	(void)state;
	fake.partition->is_root = true;
	assert_true(cpuid(fake.vp[0], 1, 0)[EDX] & BIT(12));
	assert_true(cpuid(fake.vp[0], 0x80000001, 0)[EDX] & BIT(27));
	assert_true(cpuid(fake.vp[0], 7, 0)[ECX] & BIT(22));
	assert_int_equal(cpuid(fake.vp[0], 0, 0)[EAX], 0xffffffff);
	/* But INVLPGB, which reaches one address space id only. */
	assert_int_equal(cpuid(fake.vp[0], 0x80000008, 0)[EBX], 0xffffffff & ~BIT(3));
}

static void osxsave_reflects_the_guests_cr4(void **state)
{
	(void)state;
	assert_false(cpuid(fake.vp[0], 1, 0)[ECX] & BIT(27));
	fake.cr4 = CR4_OSXSAVE;
	assert_true(cpuid(fake.vp[0], 1, 0)[ECX] & BIT(27));
}

static void every_vp_sees_its_own_apic_id(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < FAKE_VPS; i++) {
		assert_int_equal(cpuid(fake.vp[i], 1, 0)[EBX] >> 24, i);
		assert_int_equal(cpuid(fake.vp[i], 0xb, 0)[EDX], i);
		assert_int_equal(cpuid(fake.vp[i], 0xb, 5)[EDX], i);
	}
	fake.partition->is_root = true;
	assert_int_equal(cpuid(fake.vp[3], 0x1f, 0)[EDX], 3);
}

static void the_vps_of_a_child_are_cores_of_one_package(void **state)
{
	(void)state;
	fake.partition->vp_count = 3;
	assert_int_equal(cpuid(fake.vp[0], 1, 0)[EBX] >> 16 & 0xff, 4);
	assert_true(out[EDX] & BIT(28));
	cpuid(fake.vp[0], 0xb, 0);
	assert_int_equal(out[EAX], 0);
	assert_int_equal(out[EBX], 1);
	assert_int_equal(out[ECX], 0x100);
	cpuid(fake.vp[0], 0xb, 1);
	assert_int_equal(out[EAX], 2);
	assert_int_equal(out[EBX], 3);
	assert_int_equal(out[ECX], 0x201);
	assert_int_equal(cpuid(fake.vp[0], 0xb, 2)[ECX], 2);
	assert_int_equal(out[EBX], 0);
	assert_int_equal(cpuid(fake.vp[0], 0x80000008, 0)[ECX], 2 << 12 | 2);
	assert_int_equal(cpuid(fake.vp[0], 4, 0)[EAX] >> 26, 3);
	assert_true(cpuid(fake.vp[0], 0x80000001, 0)[ECX] & BIT(1));
}

static void a_child_with_one_vp_has_no_threads(void **state)
{
	(void)state;
	fake.partition->vp_count = 1;
	assert_int_equal(cpuid(fake.vp[0], 1, 0)[EBX] >> 16 & 0xff, 1);
	assert_false(out[EDX] & BIT(28));
	assert_int_equal(cpuid(fake.vp[0], 0xb, 1)[EBX], 1);
	assert_int_equal(cpuid(fake.vp[0], 0x80000008, 0)[ECX], 0);
	assert_false(cpuid(fake.vp[0], 0x80000001, 0)[ECX] & BIT(1));
}

static void xsave_sizes_follow_the_guests_xcr0(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake.cpuid = cpuid_with_avx;
	assert_int_equal(cpuid_xcr0_mask(vp), 0xe7);
	cpuid(vp, 0xd, 0);
	assert_int_equal(out[EAX], 0xe7);
	assert_int_equal(out[EBX], 576);
	assert_int_equal(out[ECX], 2688);
	vp->xcr0 = 7;
	assert_int_equal(cpuid(vp, 0xd, 0)[EBX], 832);
	vp->xcr0 = 0xe7;
	assert_int_equal(cpuid(vp, 0xd, 0)[EBX], 2688);
	cpuid(vp, 0xd, 1);
	assert_int_equal(out[EAX], 0x7);			/* no XSAVES */
	assert_int_equal(out[EBX], 576 + 256 + 64 + 512 + 1024);	/* compacted */
	assert_int_equal(cpuid(vp, 0xd, 2)[EAX], 256);
	assert_int_equal(cpuid(vp, 0xd, 9)[EAX], 0);		/* protection keys */
	fake.partition->is_root = true;
	assert_int_equal(cpuid_xcr0_mask(vp), 0x2e7);
	assert_int_equal(cpuid(vp, 0xd, 9)[EAX], 8);
}

static void xcr0_takes_what_the_processor_would(void **state)
{
	static const uint64_t good[] = { 1, 3, 7, 0xe7 };
	/* Without x87; AVX without SSE; AVX-512 in parts, or without AVX; not a child's. */
	static const uint64_t bad[] = { 0, 2, 5, 0x27, 0x61, 0xe3, 0x207, 1ull << 60 | 7 };

	(void)state;
	fake.cpuid = cpuid_with_avx;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(cpuid_xcr0_is_valid(fake.vp[0], good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cpuid_xcr0_is_valid(fake.vp[0], bad[i]));
	fake.partition->is_root = true;
	assert_true(cpuid_xcr0_is_valid(fake.vp[0], 0x207));
}

static void cpuid_none(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	(void)leaf;
	(void)subleaf;
	memset(r, 0, 4 * sizeof(*r));
}

static void without_xsave_there_is_no_xcr0(void **state)
{
	(void)state;
	fake.cpuid = cpuid_none;
	assert_int_equal(cpuid_xcr0_mask(fake.vp[0]), 0);
	cpuid(fake.vp[0], 0xd, 0);
	assert_int_equal(out[EAX] | out[EBX] | out[ECX], 0);
	fake.cr4 = CR4_OSXSAVE;
	assert_false(cpuid(fake.vp[0], 1, 0)[ECX] & BIT(27));
}

static void the_instruction_fills_four_registers(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	vp->regs.gpr[RAX] = 0xffffffff40000000;
	vp->regs.gpr[RCX] = ~0ull;
	cpuid_emulate(vp);
	assert_int_equal(vp->regs.gpr[RAX], PVN_CPUID_HARDWARE);
	assert_int_equal(vp->regs.gpr[RBX], 0x7263694d);
	assert_int_equal(vp->regs.gpr[RCX], 0x666f736f);
	assert_int_equal(vp->regs.gpr[RDX], 0x76482074);
}

static void what_the_parent_hides_is_hidden(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake.partition->features[0] = PVN_COMPATIBLE_AMD;
	fake.partition->features[1] = 0;
	cpuid(vp, 1, 0);
	/* SSE3 and CMPXCHG16B stay; SSSE3 to SSE4.2, AES and all that saves its state goes. */
	assert_true(out[ECX] & BIT(0) && out[ECX] & BIT(13));
	assert_false(out[ECX] & (BIT(9) | BIT(19) | BIT(20) | BIT(23) | BIT(25) | BIT(1) | BIT(17)));
	assert_false(out[ECX] & (BIT(26) | BIT(27) | BIT(28) | BIT(12) | BIT(29)));
	assert_true(out[ECX] & BIT(31));
	cpuid(vp, 0x80000001, 0);
	assert_true(out[ECX] & BIT(0) && out[ECX] & BIT(4) && out[EDX] & BIT(22));
	assert_false(out[ECX] & (BIT(5) | BIT(6) | BIT(7) | BIT(11) | BIT(16)));
	assert_false(out[EDX] & (BIT(26) | BIT(30) | BIT(31)));
	assert_true(out[EDX] & BIT(29));
	assert_false(cpuid(vp, 7, 0)[EBX] & (BIT(5) | BIT(16)));
	assert_true(cpuid(vp, 7, 0)[EBX] & BIT(8));
	assert_int_equal(cpuid_xcr0_mask(vp), 0);
	assert_int_equal(cpuid(vp, 0xd, 0)[EAX], 0);
	assert_int_equal(cpuid(vp, 0xd, 1)[EAX], 0);
}

static void xsave_without_avx_keeps_sse_alone(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake.cpuid = cpuid_with_avx;
	fake.partition->features[1] = PVN_XSAVE_SUPPORT;
	assert_int_equal(cpuid_xcr0_mask(vp), 3);
	assert_false(cpuid_xcr0_is_valid(vp, 7));
	assert_true(cpuid_xcr0_is_valid(vp, 3));
	assert_int_equal(cpuid(vp, 0xd, 0)[ECX], 576);
	assert_int_equal(cpuid(vp, 0xd, 1)[EAX] & 1, 0);	/* XSAVEOPT */
	assert_true(cpuid(vp, 1, 0)[ECX] & BIT(26));
	fake.partition->features[1] = PVN_XSAVE_AVX;
	assert_int_equal(cpuid_xcr0_mask(vp), 0);
}

static void features_of_the_processor_have_their_bits(void **state)
{
	(void)state;
	assert_int_equal(cpuid_features(0), (1u << PVN_PROCESSOR_FEATURE_COUNT) - 1);
	assert_int_equal(cpuid_features(1), 7);
	fake.cpuid = cpuid_with_avx;
	assert_int_equal(cpuid_features(0), 0);
	assert_int_equal(cpuid_features(1), PVN_XSAVE_SUPPORT | PVN_XSAVE_OPT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fake_vhw_setup, fake_vhw_teardown)
	const struct CMUnitTest tests[] = {
		T(stock_linux_finds_its_interface),
		T(privileges_that_mislead_linux_are_not_shown),
		T(features_follow_the_partitions_privileges),
		T(hints_ask_for_what_saves_exits),
		T(the_own_block_names_partition_and_vp),
		T(unused_hypervisor_leaves_are_zero),
		T(virtualization_and_monitor_are_hidden_from_everybody),
		T(a_child_does_not_see_what_is_not_switched),
		T(the_root_keeps_what_its_processor_has),
		T(osxsave_reflects_the_guests_cr4),
		T(every_vp_sees_its_own_apic_id),
		T(the_vps_of_a_child_are_cores_of_one_package),
		T(a_child_with_one_vp_has_no_threads),
		T(xsave_sizes_follow_the_guests_xcr0),
		T(xcr0_takes_what_the_processor_would),
		T(without_xsave_there_is_no_xcr0),
		T(what_the_parent_hides_is_hidden),
		T(xsave_without_avx_keeps_sse_alone),
		T(features_of_the_processor_have_their_bits),
		T(the_instruction_fills_four_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
