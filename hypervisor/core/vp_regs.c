// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Registers of a virtual processor by their names [TLFS 2.0 9.6 "Virtual Processor
 * Registers"]: what core holds; the rest is the vendor's. The VP is stopped, or it is the
 * caller's own, of which registers are read only.
 */
#include "core/exit.h"
#include "core/platform.h"

#define RFLAGS_SETTABLE	0x3f7fd7ull
#define APIC_ID_MAX	254u
#define MSR_X2APIC	0x800u
#define X2APIC_MSRS	0x40u

/* The XSAVE area [SDM 1 10.5.1 "FXSAVE Area", 13.4.2 "XSAVE Header"]. */
#define FPU_STACK	32
#define FPU_XMM		160
#define FPU_PRESENT	512
#define FPU_BYTES	16
#define MXCSR_VALID	0xffffu
#define XSTATE_X87	1ull
#define XSTATE_SSE	2ull

/* Those that are MSRs of the guest too, in the order of both. */
static const struct { uint32_t first, count, msr; } msrs[] = {
#define PVN_REGISTER_MSR(first, count, msr) { first, count, msr },
#include <processor.def>
};

/* 0: none of them. */
static uint32_t msr_of(uint32_t name)
{
	for (unsigned int i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++)
		if (name - msrs[i].first < msrs[i].count)
			return msrs[i].msr + name - msrs[i].first;
	return 0;
}

/* There are none, so that these are 0: see MTRR_CAP. */
static bool is_mtrr(uint32_t name)
{
	return name - PVN_REG_MTRR_BASE0 < 8 || name - PVN_REG_MTRR_MASK0 < 8 ||
	       name - PVN_REG_MTRR_FIXED0 < 11;
}

/* Where XMM, x87 stack or their control words lie in the XSAVE area, 16 bytes each. */
static void *fpu_place(struct vp *vp, uint32_t name)
{
	char *area = vp->fpu;

	if (name >= PVN_REG_FP_CONTROL)
		return area + (name - PVN_REG_FP_CONTROL) * FPU_BYTES;
	if (name >= PVN_REG_FP0)
		return area + FPU_STACK + (name - PVN_REG_FP0) * FPU_BYTES;
	return area + FPU_XMM + (name - PVN_REG_XMM0) * FPU_BYTES;
}

static enum pvn_status set_fpu(struct vp *vp, uint32_t name, const uint64_t value[2])
{
	uint64_t *present = (uint64_t *)((char *)vp->fpu + FPU_PRESENT);

	/* A reserved bit would fault in the hypervisor. */
	if (name == PVN_REG_XMM_CONTROL && (uint32_t)value[1] & ~MXCSR_VALID)
		return PVN_STATUS_INVALID_PARAMETER;
	memcpy(fpu_place(vp, name), value, FPU_BYTES);
	*present |= name < PVN_REG_FP0 || name == PVN_REG_XMM_CONTROL ? XSTATE_SSE : XSTATE_X87;
	return PVN_STATUS_SUCCESS;
}

static uint32_t stop_reasons(struct vp *vp) { return __atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST); }

static bool is_x2apic(uint32_t name) { return name - PVN_REG_X2APIC < X2APIC_MSRS; }

static enum pvn_status get_from_msr(struct vp *vp, uint32_t name, uint64_t value[2])
{
	uint32_t msr = msr_of(name);

	if (is_mtrr(name) ||
	    (is_x2apic(name) && lapic_read_msr(vp, MSR_X2APIC + name - PVN_REG_X2APIC, value)))
		return PVN_STATUS_SUCCESS;
	if (!msr)
		return virt->get_register(vp, name, value);
	return msr_read_state(vp, msr, value) ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PARAMETER;
}

enum pvn_status vp_get_register(struct vp *vp, uint32_t name, uint64_t value[2])
{
	value[0] = value[1] = 0;
	switch (name) {
	case PVN_REG_EXPLICIT_SUSPEND: value[0] = !!(stop_reasons(vp) & VP_STOP_EXPLICIT); break;
	case PVN_REG_INTERCEPT_SUSPEND:
		value[0] = (stop_reasons(vp) & VP_STOP_INTERCEPT ? 1 : 0) |
			   (stop_reasons(vp) & VP_STOP_NO_FLUSH ? 2 : 0);
		break;
	case PVN_REG_CRASH_P0 ... PVN_REG_CRASH_CTL:
		value[0] = vp->partition->crash[name - PVN_REG_CRASH_P0];
		break;
	case PVN_REG_RAX ... PVN_REG_RAX + 15: value[0] = vp->regs.gpr[name - PVN_REG_RAX]; break;
	case PVN_REG_RIP: value[0] = vp->regs.rip; break;
	case PVN_REG_RFLAGS: value[0] = vp->regs.rflags; break;
	case PVN_REG_XMM0 ... PVN_REG_XMM_CONTROL:
		plat_fpu_sync(vp);
		memcpy(value, fpu_place(vp, name), FPU_BYTES);
		break;
	case PVN_REG_XCR0: value[0] = vp->xcr0; break;
	case PVN_REG_TSC: value[0] = plat_tsc(); break;
	case PVN_REG_APIC_BASE: value[0] = vp->lapic.base; break;
	case PVN_REG_INITIAL_APIC_ID: value[0] = vp->apic_id; break;
	case PVN_REG_VP_RUNTIME: value[0] = reference_units(vp->run_tsc); break;
	default: return get_from_msr(vp, name, value);
	}
	return PVN_STATUS_SUCCESS;
}

/* A VP that is resumed may be flushed again. */
static enum pvn_status set_suspend(struct vp *vp, uint32_t reason, uint64_t value)
{
	if (value > 1)
		return PVN_STATUS_INVALID_PARAMETER;
	if (value)
		vp_stop(vp, reason);
	else
		vp_resume(vp, reason | VP_STOP_NO_FLUSH);
	return PVN_STATUS_SUCCESS;
}

/* Another one than the index; before the VP has begun, since it may have read it. */
static bool set_apic_id(struct vp *vp, uint64_t id)
{
	if (id > APIC_ID_MAX || vp->run_tsc)
		return false;
	for_each_vp(other, vp->partition)
		if (other != vp && other->apic_id == id)
			return false;
	vp->apic_id = vp->lapic.id = (uint32_t)id;
	return true;
}

static bool set_plain(struct vp *vp, uint32_t name, uint64_t v)
{
	switch (name) {
	case PVN_REG_RAX ... PVN_REG_RAX + 15: vp->regs.gpr[name - PVN_REG_RAX] = v; return true;
	case PVN_REG_RIP: vp->regs.rip = v; return true;
	case PVN_REG_RFLAGS:
		if (!(v & RFLAGS_FIXED) || v & ~RFLAGS_SETTABLE)
			return false;
		vp->regs.rflags = v;
		return true;
	case PVN_REG_XCR0:
		if (!cpuid_xcr0_is_valid(vp, v))
			return false;
		vp->xcr0 = v;
		return true;
	case PVN_REG_APIC_BASE: return v == vp->lapic.base;
	case PVN_REG_INITIAL_APIC_ID: return set_apic_id(vp, v);
	default:
		if (is_mtrr(name))
			return !v;
		if (is_x2apic(name))
			return lapic_write_msr(vp, MSR_X2APIC + name - PVN_REG_X2APIC, v);
		return msr_of(name) && msr_write_state(vp, msr_of(name), v);
	}
}

/* What is not settable here is not settable at the vendor's either. */
enum pvn_status vp_set_register(struct vp *vp, uint32_t name, const uint64_t value[2])
{
	if (name == PVN_REG_EXPLICIT_SUSPEND)
		return set_suspend(vp, VP_STOP_EXPLICIT, value[0]);
	if (name == PVN_REG_INTERCEPT_SUSPEND)
		return set_suspend(vp, VP_STOP_INTERCEPT, value[0]);
	if (name >= PVN_REG_XMM0 && name <= PVN_REG_XMM_CONTROL)
		return set_fpu(vp, name, value);
	return set_plain(vp, name, value[0]) ? PVN_STATUS_SUCCESS : virt->set_register(vp, name, value);
}
