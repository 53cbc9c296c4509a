/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What CPUID shows: of the processor what the rows of processor.def leave of it, and what
 * depends on the VP; then the hypervisor's leaves [TLFS 2.0 ch. 3 "Feature and Interface
 * Discovery"]. No locks.
 */
#include "core/exit.h"
#include <pvn/abi/cpuid.h>
#include "core/platform.h"

enum { EAX, EBX, ECX, EDX };

#define BIT(n) (1u << (n))
/* Apart, so that the shortest ways save no registers for these. */
#define NOT_INLINE __attribute__((noinline))

#define ECX1_XSAVE	BIT(26)
#define ECX1_OSXSAVE	BIT(27)
#define EDX1_HTT	BIT(28)
#define ECX7_OSPKE	BIT(4)
#define ECX81_CMP_LEGACY BIT(1)

#define LEAF_MAX_CHILD	  0xdu
#define EXTENDED_MAX_CHILD 0x80000008u
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
#define SHOWN_EBX	  0x000029f5u

static bool is_child(const struct vp *vp) { return !vp->partition->is_root; }

static void zero(uint32_t out[4]) { out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0; }

static const struct { uint32_t leaf; uint8_t subleaf, reg, bit; } feature_at[] = {
#define PVN_CPUID_FEATURE(leaf, subleaf, reg, bit) { leaf, subleaf, reg, bit },
#include <processor.def>
};

#define FEATURES (sizeof(feature_at) / sizeof(feature_at[0]))

static const struct { uint32_t leaf, subleaf, reg, bits; } needs_avx[] = {
#define PVN_CPUID_AVX(leaf, subleaf, reg, bits) { leaf, subleaf, reg, bits },
#include <processor.def>
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
static NOT_INLINE void hide_features(const struct partition *partition, uint32_t leaf, uint32_t subleaf,
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
static unsigned int bits_for(unsigned int count) { return count > 1 ? 32 - __builtin_clz(count - 1) : 0; }

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

static NOT_INLINE void hypervisor_leaf(struct vp *vp, uint32_t leaf, uint32_t out[4])
{
	zero(out);
	switch (leaf) {
#define PVN_CPUID_OWN(number, a, b, c, d, text)						\
	case number:									\
		out[EAX] = a;								\
		out[EBX] = b;								\
		out[ECX] = c;								\
		out[EDX] = d;								\
		break;
#include <processor.def>
	case PVN_CPUID_FEATURES: features(vp, out); break;
	case PVN_CPUID_HINTS:
		out[EAX] = hints(vp);
		out[EBX] = SPINS_BEFORE_YIELD;
		break;
	case PVN_CPUID_LIMITS:
		out[EAX] = VPS_PER_PARTITION_MAX;
		out[EBX] = plat_cpu_count();
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
		if (compacted)
			bytes = (out[ECX] & 2 ? (bytes + 63) & ~63u : bytes) + out[EAX];
		else if (bytes < out[EBX] + out[EAX])
			bytes = out[EBX] + out[EAX];
	}
	return bytes;
}

static NOT_INLINE void leaf_xsave(struct vp *vp, uint32_t subleaf, uint32_t out[4])
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

static NOT_INLINE void leaf_topology(struct vp *vp, uint32_t subleaf, uint32_t out[4])
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

/* Subleaves of leaf 7 have the numbers of leaves that the processor does not have. */
#define ROW(leaf, subleaf) ((subleaf) ? 0x40000000u | (subleaf) : (leaf))

/* What the rows say */
static void apply_rows(bool child, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	uint32_t known = subleaf < 0xff ? subleaf : 0xff;

	switch (leaf == 7 ? ROW(leaf, known) : leaf) {
#define R(reg, hidden, kept, added) out[reg] = (out[reg] & ~(hidden) & (child ? (kept) : ~0u)) | (added);
#define PVN_CPUID(number, sub, registers, text) case ROW(number, sub): registers break;
#include <processor.def>
	default:
		if (child)
			zero(out);
	}
}

static NOT_INLINE void leaf_identity(struct vp *vp, uint32_t out[4])
{
	unsigned int count = vp_count(vp);

	out[EBX] = (out[EBX] & 0x00ffffff) | vp->lapic.id << 24;
	if (out[ECX] & ECX1_XSAVE && vp_vendor_register(vp, PVN_REG_CR4, 0) & CR4_OSXSAVE)
		out[ECX] |= ECX1_OSXSAVE;
	if (is_child(vp)) {
		out[EBX] = (out[EBX] & 0xff00ffff) | (1u << bits_for(count)) << 16;
		out[EDX] |= count > 1 ? EDX1_HTT : 0;
	}
}

static void child_address_sizes(struct vp *vp, uint32_t out[4])
{
	unsigned int count = vp_count(vp);

	/* No 57-bit linear addresses. */
	if ((out[EAX] >> 8) > 48)
		out[EAX] = (out[EAX] & 0xff) | 48 << 8;
	out[ECX] = bits_for(count) << 12 | (count - 1);
}

static uint32_t clamp_leaf(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void adjust_child(struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	switch (leaf) {
	case 0: out[EAX] = clamp_leaf(out[EAX], 0xb, LEAF_MAX_CHILD); break;
	case 1: leaf_identity(vp, out); break;
	case 4: leaf_cache(vp, out); break;
	case 7: out[EAX] = subleaf ? out[EAX] : !!out[EAX]; break;
	case 0xb: leaf_topology(vp, subleaf, out); break;
	case 0xd: leaf_xsave(vp, subleaf, out); break;
	case 0x80000000: out[EAX] = clamp_leaf(out[EAX], 0x80000000, EXTENDED_MAX_CHILD); break;
	case 0x80000001: out[ECX] &= vp_count(vp) > 1 ? ~0u : ~ECX81_CMP_LEGACY; break;
	case 0x80000008: child_address_sizes(vp, out); break;
	}
}

static NOT_INLINE void adjust_root(struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	switch (leaf) {
	case 1: leaf_identity(vp, out); break;
	case 7:
		if (!subleaf && vp_vendor_register(vp, PVN_REG_CR4, 0) & CR4_PKE)
			out[ECX] |= ECX7_OSPKE;
		break;
	case 0xb:
	case 0x1f: out[EDX] = vp->lapic.id; break;
	case 0xd: leaf_xsave(vp, subleaf, out); break;
	case 0x8000001e: out[EAX] = vp->lapic.id; break;
	}
}

void cpuid_values(struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	const struct partition *partition = vp->partition;

	if (leaf >> 24 == 0x40)
		return hypervisor_leaf(vp, leaf, out);
	plat_cpuid(leaf, subleaf, out);
	apply_rows(!partition->is_root, leaf, subleaf, out);
	if (!partition->is_root)
		adjust_child(vp, leaf, subleaf, out);
	else
		adjust_root(vp, leaf, subleaf, out);
	if ((partition->features[0] & partition->features[1]) != ~0ull)
		hide_features(partition, leaf, subleaf, out);
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
