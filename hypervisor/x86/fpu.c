/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * XSAVE state of guests, switched only when the VP on a processor changes. All features
 * of the processor are switched, not only those that the guest has on just now: what it
 * turned off keeps its value for when it turns it on again.
 */
#include "x86/x86.h"

#define CR4_OSFXSR	(1u << 9)
/*
 * x87 SSE AVX AVX-512 PKRU; not AMX. PKRU for children too, although they are not told of it:
 * CR4.PKE is theirs to set, and WRPKRU would lock the root's processes out of their memory.
 */
#define FEATURES_USED	0x2e7ull

static uint64_t features;		/* 0: no XSAVE, FXSAVE is used */

void fpu_init_cpu(void)
{
	uint32_t r[4];

	write_cr0(read_cr0() & ~0xcull);	/* EM, TS */
	write_cr4(read_cr4() | CR4_OSFXSR);
	cpuid(1, 0, r);
	if (!(r[2] >> 26 & 1))
		return;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	cpuid(0xd, 0, r);
	features = (r[0] | (uint64_t)r[3] << 32) & FEATURES_USED;
	xsetbv(0, features);
	cpuid(0xd, 0, r);
	ASSERT(r[1] <= PAGE_SIZE);		/* size for what XCR0 has on */
}

void fpu_load(const struct vp *vp)
{
	if (!features)
		return fxrstor(vp->fpu);
	xrstor(vp->fpu, features);
	if (vp->xcr0 != features)
		xsetbv(0, vp->xcr0);
}

void fpu_save(struct vp *vp)
{
	if (!features)
		return fxsave(vp->fpu);
	fpu_sync_xcr0(vp);
	if (vp->xcr0 != features)
		xsetbv(0, features);
	xsave(vp->fpu, features);
}

void fpu_sync_xcr0(struct vp *vp)
{
	if (features)
		vp->xcr0 = xgetbv(0);
}

void debug_load(const struct vp *vp)
{
	write_dr0(vp->debug[0]);
	write_dr1(vp->debug[1]);
	write_dr2(vp->debug[2]);
	write_dr3(vp->debug[3]);
}

void debug_save(struct vp *vp)
{
	vp->debug[0] = read_dr0();
	vp->debug[1] = read_dr1();
	vp->debug[2] = read_dr2();
	vp->debug[3] = read_dr3();
}

void plat_fpu_sync(struct vp *vp)
{
	if (plat_this_cpu()->current != vp)
		return;
	fpu_save(vp);
	fpu_load(vp);
}

/* The registers are the guest's while its exit is handled: the hypervisor uses none. */
#define EACH_XMM(op) op(0) op(1) op(2) op(3) op(4) op(5)
#define READ_XMM(n) "movups %%xmm" #n ", " #n "*16(%0)\n\t"
#define WRITE_XMM(n) "movups " #n "*16(%0), %%xmm" #n "\n\t"

void plat_xmm_read(void *to) { asm volatile(EACH_XMM(READ_XMM) : : "r"(to) : "memory"); }
void plat_xmm_write(const void *from) { asm volatile(EACH_XMM(WRITE_XMM) : : "r"(from) : "memory"); }
