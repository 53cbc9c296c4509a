/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Which exits are light (core/light.h), on SVM. Everything is read from and written to the
 * VMCB itself. GIF is clear, the host's interrupt flag set: nothing is taken here, and what
 * is pending ends the guest's next entry at once.
 */
#include "x86/svm/svm.h"
#include "x86/x86.h"

#define CS_SELECTOR_RPL	0x3u
#define CS_LONG		(1u << 9)
#define LEAF_XSAVE	0xdu
#define VMMCALL_BYTES	3
#define CPUID_BYTES	2

static bool is_kernel64(const struct vmcb *vmcb)
{
	return (vmcb->cs.attributes & CS_LONG) && !(vmcb->cs.selector & CS_SELECTOR_RPL);
}

/*
 * The exiting instruction is done: behind it there is no interrupt shadow. An exit of this
 * kind is never in the middle of a delivery [APM2 15.7.2 "State Saved on Exit"].
 */
static inline enum light skip(struct vmcb *vmcb, unsigned int bytes, enum light light)
{
	vmcb->rip += bytes;
	if (svm_features.next_rip && vmcb->next_rip)
		vmcb->rip = vmcb->next_rip;
	vmcb->interrupt_state &= ~1ull;
	return light;
}

/* Apart, so that the shortest way saves no registers for these. */
static __attribute__((noinline)) enum light hypercall(struct vp *vp, struct vmcb *vmcb)
{
	enum light light = light_hypercall(vp);

	if (light == LIGHT_NOT)
		return LIGHT_NOT;
	vmcb->rax = PVN_STATUS_SUCCESS;
	return skip(vmcb, VMMCALL_BYTES, light);
}

static __attribute__((noinline)) enum light cpuid_exit(struct vp *vp, struct vmcb *vmcb)
{
	if ((uint32_t)vmcb->rax == LEAF_XSAVE)
		fpu_sync_xcr0(vp);
	return light_cpuid(vp, &vmcb->rax) == LIGHT_NOT ? LIGHT_NOT : skip(vmcb, CPUID_BYTES, LIGHT_AGAIN);
}

enum light svm_light(struct vp *vp)
{
	struct vmcb *vmcb = svm_vmcb(vp);
	uint32_t code = vmcb->exit_code;

	if (code == SVM_VMMCALL) {
		if (!is_kernel64(vmcb))
			return LIGHT_NOT;
		if (!light_yield(vp))
			return hypercall(vp, vmcb);
		vmcb->rax = PVN_STATUS_SUCCESS;
		return skip(vmcb, VMMCALL_BYTES, LIGHT_AGAIN);
	}
	return code == SVM_CPUID ? cpuid_exit(vp, vmcb) : LIGHT_NOT;
}
