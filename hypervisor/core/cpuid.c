/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What CPUID shows. The root sees its own processor without what the hypervisor keeps for
 * itself; a child sees the features that are switched with it, as lists of what is kept,
 * so that a new processor's new feature is hidden until someone thinks of it. Then the
 * hypervisor's leaves [TLFS 2.0 ch. 3 "Feature and Interface Discovery"]. No locks.
 */
#include "core/exit.h"
#include <pvn/abi/cpuid.h>
#include "core/partition.h"
#include "core/platform.h"

enum { EAX, EBX, ECX, EDX };

#define BIT(n) (1u << (n))

/* Leaf 1. */
#define ECX1_MONITOR	BIT(3)
#define ECX1_VMX	BIT(5)
#define ECX1_SMX	BIT(6)
#define ECX1_X2APIC	BIT(21)
#define ECX1_DEADLINE	BIT(24)
#define ECX1_XSAVE	BIT(26)
#define ECX1_OSXSAVE	BIT(27)
#define ECX1_HYPERVISOR	BIT(31)
#define EDX1_APIC	BIT(9)
#define EDX1_HTT	BIT(28)
/* SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define ECX1_CHILD	0x76da3203u
/* FPU VME DE PSE TSC MSR PAE CX8 SEP PGE CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 SS */
#define EDX1_CHILD	0x0f8ba97fu

/* Leaf 7. */
#define EBX7_TSC_ADJUST	BIT(1)
#define ECX7_CET_SS	BIT(7)
#define ECX7_OSPKE	BIT(4)
#define EDX7_CET_IBT	BIT(20)
#define EDX7_AMX	(BIT(22) | BIT(24) | BIT(25))
/*
 * FSGSBASE BMI1 AVX2 FDP SMEP BMI2 ERMS INVPCID FCS AVX512F,DQ RDSEED ADX SMAP
 * AVX512IFMA CLFLUSHOPT CLWB AVX512PF,ER,CD SHA AVX512BW,VL
 */
#define EBX7_CHILD	0xfdbf27e9u
/* AVX512VBMI UMIP VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNT CLDEMOTE MOVDIRI MOVDIR64B */
#define ECX7_CHILD	0x1a005f46u
/* AVX512 4VNNIW 4FMAPS, FSRM, VP2INTERSECT, MD_CLEAR, SERIALIZE, AVX512_FP16 */
#define EDX7_CHILD	0x0080451cu
/* Subleaf 1: AVX_VNNI AVX512_BF16, fast short REP instructions */
#define EAX71_CHILD	0x00001c30u

/* Leaf 0x80000001. */
#define ECX81_CMP_LEGACY BIT(1)
#define ECX81_SVM	BIT(2)
#define ECX81_EXTAPIC	BIT(3)
#define ECX81_IBS	BIT(10)
#define ECX81_SKINIT	BIT(12)
#define ECX81_COUNTERS	(BIT(23) | BIT(24) | BIT(28))
#define ECX81_MWAITX	BIT(29)
/* LAHF CR8 ABM SSE4A misaligned SSE, PREFETCHW, XOP FMA4 TBM */
#define ECX81_CHILD	0x002109f1u
/* Leaf 1's, SYSCALL NX MMX+ FXSR FFXSR 1-GiB pages, LM 3DNOW; not MCE MTRR MCA RDTSCP */
#define EDX81_CHILD	0xe7d3a97fu
/* Reaches only the guest's own address space id, of which each processor has another one. */
#define EBX88_INVLPGB BIT(3)
/* CLZERO, saving FP error pointers, WBNOINVD */
#define EBX88_CHILD	(BIT(0) | BIT(2) | BIT(9))

#define LEAF_MAX_CHILD	  0xdu
#define EXTENDED_MAX_CHILD 0x80000008u
#define HYPERVISOR_MAX	  PVN_CPUID_HARDWARE
/* How often a guest tries a lock before it calls notify_long_spin_wait. */
#define SPINS_BEFORE_YIELD 4095
#define CR4_PKE		  (1u << 22)

/* x87, SSE, AVX, AVX-512; for the root protection keys too: all within a page. */
#define XCR0_CHILD	  0xe7ull
#define XCR0_ROOT	  0x2e7ull
#define XSAVE_LEGACY	  576u
#define XSAVES		  BIT(3)

/*
 * Privileges that leaf 3 shows: those that exist here. Not AccessPartitionId (EBX[1]): Linux
 * 6.1 then makes that call with a null output page. Not CpuManagement (EBX[12]): Linux takes
 * it to mean that it is Microsoft's root.
 */
#define SHOWN_EAX	  0x00000fffu
#define SHOWN_EBX	  0x000009f5u

static bool is_child(const struct vp *vp) { return !vp->partition->is_root; }

static void zero(uint32_t out[4]) { out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0; }

/* Features by their bit in the two properties [TLFS 2.0 5.2.11 "Processor Features"]. */
static const struct { uint32_t leaf; uint8_t subleaf, reg, bit; } feature_at[] = {
	{ 1, 0, ECX, 0 }, { 0x80000001, 0, ECX, 0 }, { 1, 0, ECX, 9 }, { 1, 0, ECX, 19 },
	{ 1, 0, ECX, 20 }, { 0x80000001, 0, ECX, 6 }, { 0x80000001, 0, ECX, 11 }, { 1, 0, ECX, 23 },
	{ 1, 0, ECX, 13 }, { 0x80000001, 0, ECX, 4 }, { 0x80000001, 0, ECX, 5 }, { 0x80000001, 0, ECX, 7 },
	{ 0x80000001, 0, EDX, 22 }, { 0x80000001, 0, EDX, 31 }, { 0x80000001, 0, EDX, 30 },
	{ 0x80000001, 0, EDX, 26 }, { 1, 0, ECX, 25 }, { 1, 0, ECX, 1 }, { 1, 0, ECX, 17 },
	/* XSAVE's */
	{ 1, 0, ECX, 26 }, { 0xd, 1, EAX, 0 }, { 1, 0, ECX, 28 },
};

#define FEATURES (sizeof(feature_at) / sizeof(feature_at[0]))

/* What needs AVX, by leaf, subleaf and register. */
static const struct { uint32_t leaf, subleaf, reg, bits; } needs_avx[] = {
	{ 1, 0, ECX, 0x30001000 }, { 7, 0, EBX, 0xdc230020 }, { 7, 0, ECX, 0x00005e42 },
	{ 7, 0, EDX, 0x0080010c }, { 7, 1, EAX, 0x00000030 }, { 0x80000001, 0, ECX, 0x00010800 },
};

static bool has_feature(const struct partition *partition, unsigned int i)
{
	unsigned int set = i >= PVN_PROCESSOR_FEATURE_COUNT;

	return partition->features[set] >> (i - set * PVN_PROCESSOR_FEATURE_COUNT) & 1;
}

uint64_t cpuid_features(unsigned int set)
{
	uint64_t found = 0;

	_Static_assert(FEATURES == PVN_PROCESSOR_FEATURE_COUNT + 3, "two sets");
	for (unsigned int i = FEATURES; i--;) {
		uint32_t out[4];

		if (set != (i >= PVN_PROCESSOR_FEATURE_COUNT))
			continue;
		plat_cpuid(feature_at[i].leaf, feature_at[i].subleaf, out);
		found = found << 1 | (out[feature_at[i].reg] >> feature_at[i].bit & 1);
	}
	return found;
}

static bool has_xsave(const struct partition *p) { return p->features[1] & PVN_XSAVE_SUPPORT; }
static bool has_avx(const struct partition *p) { return has_xsave(p) && p->features[1] & PVN_XSAVE_AVX; }

/* What the parent wants its child not to see. */
static void hide_features(const struct partition *partition, uint32_t leaf, uint32_t subleaf,
			  uint32_t out[4])
{
	for (unsigned int i = 0; i < FEATURES; i++)
		if (feature_at[i].leaf == leaf && (leaf != 0xd || feature_at[i].subleaf == subleaf) &&
		    !has_feature(partition, i))
			out[feature_at[i].reg] &= ~BIT(feature_at[i].bit);
	for (unsigned int i = 0; i < sizeof(needs_avx) / sizeof(needs_avx[0]); i++)
		if (needs_avx[i].leaf == leaf && needs_avx[i].subleaf == (leaf == 7 ? subleaf : 0) &&
		    !has_avx(partition))
			out[needs_avx[i].reg] &= ~needs_avx[i].bits;
	if (leaf == 1 && !has_xsave(partition))
		out[ECX] &= ~(ECX1_OSXSAVE | BIT(28));
}

/* Smallest n with 2^n >= count. */
static unsigned int bits_for(unsigned int count)
{
	return count > 1 ? 32 - __builtin_clz(count - 1) : 0;
}

static unsigned int vp_count(const struct vp *vp)
{
	unsigned int count = __atomic_load_n(&vp->partition->vp_count, __ATOMIC_RELAXED);

	return count ? count : 1;
}

/* Hypervisor leaves */

/* APIC MSRs: with x2APIC Linux takes of these only the EOI through the assist page, mostly without exit. */
static uint32_t hints(const struct vp *vp)
{
	return PVN_HINT_REMOTE_TLB_FLUSH | PVN_HINT_RELAXED_TIMING | PVN_HINT_NO_AUTO_EOI |
	       PVN_HINT_CLUSTER_IPI | PVN_HINT_EX_MASKS |
	       (partition_may(vp->partition, PVN_PRIVILEGE_ACCESS_APIC_MSRS) ? PVN_HINT_APIC_MSRS : 0);
}

static void features(const struct vp *vp, uint32_t out[4])
{
	out[EAX] = (uint32_t)vp->partition->privileges & SHOWN_EAX;
	out[EBX] = (uint32_t)(vp->partition->privileges >> 32) & SHOWN_EBX;
	out[EDX] = PVN_FEATURE_FREQUENCIES | PVN_FEATURE_CRASH_MSRS | PVN_FEATURE_DIRECT_TIMERS |
		   PVN_FEATURE_IDLE_STATE | PVN_FEATURE_XMM_INPUT | PVN_FEATURE_XMM_OUTPUT;
}

static void hypervisor_leaf(struct vp *vp, uint32_t leaf, uint32_t out[4])
{
	zero(out);
	switch (leaf) {
	case PVN_CPUID_VENDOR:
		out[EAX] = HYPERVISOR_MAX;
		out[EBX] = 0x7263694d;	/* "Microsoft Hv" */
		out[ECX] = 0x666f736f;
		out[EDX] = 0x76482074;
		break;
	case PVN_CPUID_INTERFACE:
		out[EAX] = PVN_CPUID_INTERFACE_HV1;
		break;
	case PVN_CPUID_VERSION:
		out[EAX] = PVN_ABI_MAJOR * 100 + PVN_ABI_MINOR;
		out[EBX] = PVN_ABI_MAJOR << 16 | PVN_ABI_MINOR;
		break;
	case PVN_CPUID_FEATURES:
		features(vp, out);
		break;
	case PVN_CPUID_HINTS:
		out[EAX] = hints(vp);
		out[EBX] = SPINS_BEFORE_YIELD;
		break;
	case PVN_CPUID_LIMITS:
		out[EAX] = VPS_PER_PARTITION_MAX;
		out[EBX] = plat_cpu_count();
		break;
	case PVN_CPUID_HARDWARE:
		out[EAX] = BIT(1) | BIT(3);	/* MSR bitmaps, second-level translation */
		break;
	case PVN_CPUID_OWN_FIRST:
		out[EAX] = PVN_CPUID_OWN_FIRST + 1;
		out[EBX] = PVN_SIGNATURE_EBX;
		out[ECX] = PVN_SIGNATURE_ECX;
		break;
	case PVN_CPUID_OWN_FIRST + 1:
		out[EAX] = PVN_ABI_MAJOR << 16 | PVN_ABI_MINOR;
		out[EBX] = vp->partition->is_root ? PVN_OWN_FEATURE_ROOT : 0;
		out[ECX] = vp->partition->id;
		out[EDX] = vp->index;
		break;
	}
}

/* XSAVE */

uint64_t cpuid_xcr0_mask(struct vp *vp)
{
	uint32_t one[4], out[4];

	plat_cpuid(1, 0, one);
	if (!(one[ECX] & ECX1_XSAVE) || !has_xsave(vp->partition))
		return 0;
	plat_cpuid(0xd, 0, out);
	return ((uint64_t)out[EDX] << 32 | out[EAX]) & (has_avx(vp->partition) ? ~0ull : 3) &
	       (is_child(vp) ? XCR0_CHILD : XCR0_ROOT);
}

/* [APM2 11.5.2 "XFEATURE_ENABLED_MASK"]: x87 always, AVX only with SSE, AVX-512 whole. */
bool cpuid_xcr0_is_valid(struct vp *vp, uint64_t value)
{
	return value & 1 && !(value & ~(cpuid_xcr0_mask(vp) | 1)) && (value & 6) != 4 &&
	       (!(value & 0xe0) || (value & 0xe6) == 0xe6);
}

/* Bytes of an XSAVE area with these components [SDM 1 13.4 "XSAVE Area"]. */
static uint32_t xsave_bytes(uint64_t components, bool compacted)
{
	uint32_t bytes = XSAVE_LEGACY;

	for (unsigned int i = 2; i < 63; i++) {
		uint32_t out[4];

		if (!(components >> i & 1))
			continue;
		plat_cpuid(0xd, i, out);
		if (!compacted) {
			if (bytes < out[EBX] + out[EAX])
				bytes = out[EBX] + out[EAX];
			continue;
		}
		if (out[ECX] & 2)
			bytes = (bytes + 63) & ~63u;
		bytes += out[EAX];
	}
	return bytes;
}

static void leaf_xsave(struct vp *vp, uint32_t subleaf, uint32_t out[4])
{
	uint64_t mask = cpuid_xcr0_mask(vp);

	if (!mask) {
		zero(out);
	} else if (subleaf == 0) {
		out[EAX] = mask;
		out[EDX] = mask >> 32;
		out[EBX] = xsave_bytes(vp->xcr0, false);
		out[ECX] = xsave_bytes(mask, false);
	} else if (subleaf == 1) {
		/* No XSAVES: supervisor state would have to be switched. */
		out[EAX] &= 0xf & ~XSAVES;
		out[EBX] = xsave_bytes(vp->xcr0, true);
		out[ECX] = out[EDX] = 0;
	} else if (subleaf >= 63 || !(mask >> subleaf & 1)) {
		zero(out);
	}
}

/* Topology of a child: its VPs are the cores of one package. */

static void leaf_topology(struct vp *vp, uint32_t subleaf, uint32_t out[4])
{
	zero(out);
	out[ECX] = subleaf & 0xff;
	if (subleaf == 0) {
		out[EBX] = 1;
		out[ECX] |= 1 << 8;		/* threads of a core */
	} else if (subleaf == 1) {
		out[EAX] = bits_for(vp_count(vp));
		out[EBX] = vp_count(vp);
		out[ECX] |= 2 << 8;		/* cores of the package */
	}
	out[EDX] = vp->lapic.id;
}

static void leaf_cache(struct vp *vp, uint32_t out[4])
{
	uint32_t cores = (1u << bits_for(vp_count(vp))) - 1, level = out[EAX] >> 5 & 7;

	if (!(out[EAX] & 0x1f))
		return;
	out[EAX] = (out[EAX] & 0x3fff) | (level >= 3 ? cores << 14 : 0) | (cores & 0x3f) << 26;
}

/* What both kinds of partition see */

static void leaf_identity(struct vp *vp, uint32_t out[4])
{
	bool enabled = vp_vendor_register(vp, PVN_REG_CR4, 0) & CR4_OSXSAVE;

	out[EBX] = (out[EBX] & 0x00ffffff) | vp->lapic.id << 24;
	out[ECX] &= ~(ECX1_MONITOR | ECX1_VMX | ECX1_SMX | ECX1_OSXSAVE);
	out[ECX] |= ECX1_HYPERVISOR | ECX1_X2APIC | ECX1_DEADLINE;
	if (enabled && out[ECX] & ECX1_XSAVE)
		out[ECX] |= ECX1_OSXSAVE;
	out[EDX] |= EDX1_APIC;
}

static void leaf_extended_features(struct vp *vp, uint32_t subleaf, uint32_t out[4])
{
	if (subleaf)
		return;
	/* The TSC is everybody's; CET and AMX state is not switched. */
	out[EBX] &= ~EBX7_TSC_ADJUST;
	out[ECX] &= ~(ECX7_CET_SS | ECX7_OSPKE);
	out[EDX] &= ~(EDX7_CET_IBT | EDX7_AMX);
	if (vp_vendor_register(vp, PVN_REG_CR4, 0) & CR4_PKE)
		out[ECX] |= ECX7_OSPKE;
}

static void adjust_common(struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	switch (leaf) {
	case 1: leaf_identity(vp, out); break;
	case 6:
		out[EAX] |= BIT(2);	/* the APIC timer never stops: it is ours */
		break;
	case 7: leaf_extended_features(vp, subleaf, out); break;
	case 0xb:
	case 0x1f: out[EDX] = vp->lapic.id; break;
	case 0xd: leaf_xsave(vp, subleaf, out); break;
	case 0x80000001:
		out[ECX] &= ~(ECX81_SVM | ECX81_EXTAPIC | ECX81_IBS | ECX81_SKINIT | ECX81_COUNTERS |
			      ECX81_MWAITX);
		out[EDX] |= EDX1_APIC;
		break;
	case 0x80000008: out[EBX] &= ~EBX88_INVLPGB; break;
	case 0x8000001e: out[EAX] = vp->lapic.id; break;
	case 5:			/* MONITOR */
	case 0xa:		/* performance counters: their interrupt is not passed on */
	case 0x1d:		/* AMX */
	case 0x1e:
	case 0x8000000a:	/* SVM */
	case 0x8000001b:	/* IBS */
	case 0x80000022:	/* AMD's performance counters */
		zero(out);
		break;
	}
}

/* What a child sees of that */

static void child_identity(struct vp *vp, uint32_t out[4])
{
	unsigned int count = vp_count(vp);

	out[EBX] = (out[EBX] & 0xff00ffff) | (1u << bits_for(count)) << 16;
	out[ECX] &= ECX1_CHILD | ECX1_OSXSAVE | ECX1_HYPERVISOR | ECX1_X2APIC | ECX1_DEADLINE;
	out[EDX] &= EDX1_CHILD | EDX1_APIC;
	if (count > 1)
		out[EDX] |= EDX1_HTT;
}

static void child_extended_features(uint32_t subleaf, uint32_t out[4])
{
	uint32_t shown = subleaf ? 0 : ~0u;

	out[EAX] = subleaf == 1 ? out[EAX] & EAX71_CHILD : out[EAX] && !subleaf;
	out[EBX] &= EBX7_CHILD & shown;
	out[ECX] &= ECX7_CHILD & shown;
	out[EDX] &= EDX7_CHILD & shown;
}

static void child_extended_identity(struct vp *vp, uint32_t out[4])
{
	bool amd = out[ECX] & ECX81_CMP_LEGACY;

	out[ECX] &= ECX81_CHILD;
	if (amd && vp_count(vp) > 1)
		out[ECX] |= ECX81_CMP_LEGACY;
	out[EDX] &= EDX81_CHILD | EDX1_APIC;
}

static void child_address_sizes(struct vp *vp, uint32_t out[4])
{
	unsigned int count = vp_count(vp);

	/* No guest physical addresses of its own, and no 57-bit linear ones. */
	out[EAX] &= 0xffff;
	if ((out[EAX] >> 8) > 48)
		out[EAX] = (out[EAX] & 0xff) | 48 << 8;
	out[EBX] &= EBX88_CHILD;
	out[ECX] = bits_for(count) << 12 | (count - 1);
	out[EDX] = 0;
}

static uint32_t clamp_leaf(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void adjust_child(struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	switch (leaf) {
	case 0: out[EAX] = clamp_leaf(out[EAX], 0xb, LEAF_MAX_CHILD); break;
	case 1: child_identity(vp, out); break;
	case 4: leaf_cache(vp, out); break;
	case 6:
		zero(out);
		out[EAX] = BIT(2);
		break;
	case 7: child_extended_features(subleaf, out); break;
	case 0xb: leaf_topology(vp, subleaf, out); break;
	case 0x80000000: out[EAX] = clamp_leaf(out[EAX], 0x80000000, EXTENDED_MAX_CHILD); break;
	case 0x80000001: child_extended_identity(vp, out); break;
	case 0x80000007:
		out[EAX] = out[EBX] = out[ECX] = 0;
		out[EDX] &= BIT(8);	/* invariant TSC */
		break;
	case 0x80000008: child_address_sizes(vp, out); break;
	case 2:			/* caches, names: as they are */
	case 0xd:
	case 0x80000002 ... 0x80000006:
		break;
	default:
		zero(out);
	}
}

void cpuid_values(struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	if (leaf >> 24 == 0x40) {
		hypervisor_leaf(vp, leaf, out);
		return;
	}
	plat_cpuid(leaf, subleaf, out);
	adjust_common(vp, leaf, subleaf, out);
	if (is_child(vp))
		adjust_child(vp, leaf, subleaf, out);
	if ((vp->partition->features[0] & vp->partition->features[1]) != ~0ull)
		hide_features(vp->partition, leaf, subleaf, out);
}

void cpuid_emulate(struct vp *vp)
{
	uint32_t out[4];

	cpuid_values(vp, vp->regs.gpr[RAX], vp->regs.gpr[RCX], out);
	vp->regs.gpr[RAX] = out[EAX];
	vp->regs.gpr[RBX] = out[EBX];
	vp->regs.gpr[RCX] = out[ECX];
	vp->regs.gpr[RDX] = out[EDX];
}
