/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Registers that live in the VMCB, by their ABI name, and the architectural reset state.
 */
#include "x86/svm/svm.h"

#define EFER_KNOWN	0x4d01ull	/* SCE LME LMA NXE FFXSR */
#define CR0_NW		(1ull << 29)
#define CR0_CD		(1ull << 30)

/* ABI attributes have AVL L D G in [15:12], the VMCB in [11:8]. */
static uint16_t attributes_to_vmcb(uint16_t a) { return (a & 0xff) | (a >> 4 & 0xf00); }
static uint16_t attributes_from_vmcb(uint16_t a) { return (a & 0xff) | (a & 0xf00) << 4; }

static struct vmcb_segment *segment_of(struct vmcb *vmcb, uint32_t name)
{
	/* ES CS SS DS FS GS LDTR TR, in the order of the names, and where they are from ES on. */
	static const uint8_t at[] = { 0, 1, 2, 3, 4, 5, 7, 9 };

	return name - PVN_REG_ES < sizeof(at) ? &vmcb->es + at[name - PVN_REG_ES] : NULL;
}

static struct vmcb_segment *table_of(struct vmcb *vmcb, uint32_t name)
{
	return name == PVN_REG_IDTR ? &vmcb->idtr : name == PVN_REG_GDTR ? &vmcb->gdtr : NULL;
}

/* Plain 64-bit registers; NULL: not one of them. */
static uint64_t *plain_of(struct vp *vp, uint32_t name)
{
#define AT(name, field) { PVN_REG_##name, offsetof(struct vmcb, field) }
	static const struct { uint32_t name, offset; } at[] = {
		AT(CR0, cr0), AT(CR2, cr2), AT(CR3, cr3), AT(CR4, cr4), AT(DR0 + 4, dr6), AT(DR0 + 5, dr7),
		AT(KERNEL_GS_BASE, kernel_gs_base), AT(PAT, pat), AT(SYSENTER_CS, sysenter_cs),
		AT(SYSENTER_EIP, sysenter_eip), AT(SYSENTER_ESP, sysenter_esp), AT(STAR, star),
		AT(LSTAR, lstar), AT(CSTAR, cstar), AT(SFMASK, sfmask),
	};
#undef AT

	if (name - PVN_REG_DR0 < 4)
		return &vp->debug[name - PVN_REG_DR0];
	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i].name == name)
			return (uint64_t *)((char *)vp->vendor + at[i].offset);
	return NULL;
}

/* [TLFS 2.0 9.6 "Pending Interruption"]; the types have the same numbers. */
static uint64_t get_event(const struct vmcb *vmcb)
{
	uint64_t v = vmcb->event;

	if (!(v & EVENT_VALID))
		return 0;
	return (v & ~0xffffffffull) | (v & EVENT_VECTOR) << PVN_PENDING_VECTOR_SHIFT |
	       (v & EVENT_TYPE) >> 8 << PVN_PENDING_TYPE_SHIFT |
	       (v & EVENT_HAS_CODE ? PVN_PENDING_HAS_CODE : 0) | PVN_PENDING_VALID;
}

static bool set_event(struct vmcb *vmcb, uint64_t v)
{
	uint64_t vector = v >> PVN_PENDING_VECTOR_SHIFT & 0xffff, type = (v & PVN_PENDING_TYPE_MASK) >> 1;

	/* What VMRUN would refuse, or deliver as something else [APM2 15.20 "Event Injection"]. */
	if (v & 0xffe0 || vector > 0xff || type == 1 || type > 4 || (type == 2 && vector != 2) ||
	    (type == 3 && (vector > 31 || vector == 2)))
		return false;
	vmcb->event = v & PVN_PENDING_VALID ? (v & ~0xffffffffull) | vector | type << 8 | EVENT_VALID |
			(v & PVN_PENDING_HAS_CODE ? EVENT_HAS_CODE : 0) : 0;
	return true;
}

static void get_segment(const struct vmcb_segment *s, uint64_t value[2])
{
	value[0] = s->base;
	value[1] = s->limit | (uint64_t)s->selector << 32 |
		   (uint64_t)attributes_from_vmcb(s->attributes) << 48;
}

static void set_segment(struct vmcb *vmcb, struct vmcb_segment *s, const uint64_t value[2])
{
	s->base = value[0];
	s->limit = value[1];
	s->selector = value[1] >> 32;
	s->attributes = attributes_to_vmcb(value[1] >> 48);
	/* The processor takes the CPL from here, not from SS [APM2 15.5.1]. */
	if (s == &vmcb->ss)
		vmcb->cpl = s->attributes >> 5 & 3;
}

enum pvn_status svm_get_register(struct vp *vp, uint32_t name, uint64_t value[2])
{
	struct vmcb *vmcb = svm_vmcb(vp);
	const uint64_t *plain = plain_of(vp, name);
	struct vmcb_segment *segment = segment_of(vmcb, name), *table = table_of(vmcb, name);

	/* What VMLOAD and VMSAVE move may be newer in the processor, as DR0-3; CS, SS, CRs are not. */
	if ((name >= PVN_REG_ES + 4 && name != PVN_REG_EFER && name != PVN_REG_PAT) || name >> 16 == 5)
		svm_sync_from_cpu(vp);
	value[1] = 0;
	if (plain) {
		value[0] = *plain;
	} else if (segment) {
		get_segment(segment, value);
		/* SYSRET leaves SS's own DPL behind; the CPL is the truth [APM2 15.5.1]. */
		if (name == PVN_REG_SS)
			value[1] = (value[1] & ~(3ull << 53)) | (uint64_t)(vmcb->cpl & 3) << 53;
	} else if (table) {
		value[0] = (uint64_t)(uint16_t)table->limit << 48;
		value[1] = table->base;
	} else if (name == PVN_REG_EFER) {
		value[0] = vmcb->efer & ~EFER_SVME;
	} else if (name == PVN_REG_CR8) {
		value[0] = vmcb->interrupt_control & INT_TPR_MASK;
	} else if (name == PVN_REG_INTERRUPT_STATE) {
		value[0] = vmcb->interrupt_state & 1;
	} else if (name == PVN_REG_PENDING_INTERRUPTION) {
		value[0] = get_event(vmcb);
	} else {
		return PVN_STATUS_INVALID_PARAMETER;
	}
	return PVN_STATUS_SUCCESS;
}

/* LMA is what CR0.PG and LME say, whatever was asked for. */
static void update_lma(struct vmcb *vmcb)
{
	vmcb->efer &= ~EFER_LMA;
	if (vmcb->efer & EFER_LME && vmcb->cr0 & CR0_PG)
		vmcb->efer |= EFER_LMA;
}

/* What VMRUN would refuse [APM2 15.5.1 "Canonicalization and Consistency Checks"]. */
static bool is_consistent(uint32_t name, uint64_t v)
{
	switch (name) {
	case PVN_REG_CR0: return !(v >> 32) && (v & CR0_CD || !(v & CR0_NW)) && (v & CR0_PE || !(v & CR0_PG));
	case PVN_REG_CR3: return !(v >> 52);
	case PVN_REG_CR4: return !(v >> 32);
	case PVN_REG_EFER: return !(v & ~EFER_KNOWN);
	case PVN_REG_DR0 + 4:
	case PVN_REG_DR0 + 5: return !(v >> 32);
	case PVN_REG_CR8: return v < 16;
	default: return true;
	}
}

enum pvn_status svm_set_register(struct vp *vp, uint32_t name, const uint64_t value[2])
{
	struct vmcb *vmcb = svm_vmcb(vp);
	uint64_t *plain = plain_of(vp, name);
	struct vmcb_segment *segment = segment_of(vmcb, name), *table = table_of(vmcb, name);

	if (!is_consistent(name, value[0]))
		return PVN_STATUS_INVALID_PARAMETER;
	svm_sync_from_cpu(vp);
	if (plain) {
		*plain = value[0];
	} else if (segment) {
		set_segment(vmcb, segment, value);
	} else if (table) {
		table->limit = value[0] >> 48;
		table->base = value[1];
	} else if (name == PVN_REG_EFER) {
		vmcb->efer = value[0] | EFER_SVME;
	} else if (name == PVN_REG_CR8) {
		vmcb->interrupt_control = (vmcb->interrupt_control & ~INT_TPR_MASK) | value[0];
	} else if (name == PVN_REG_INTERRUPT_STATE) {
		vmcb->interrupt_state = value[0] & 1;
	} else if (name != PVN_REG_PENDING_INTERRUPTION || !set_event(vmcb, value[0])) {
		return PVN_STATUS_INVALID_PARAMETER;
	}
	if (name == PVN_REG_EFER || name == PVN_REG_CR0)
		update_lma(vmcb);
	svm_sync_to_cpu(vp);
	return PVN_STATUS_SUCCESS;
}
