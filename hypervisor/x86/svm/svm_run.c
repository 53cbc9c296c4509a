/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * VPs on SVM: creation, switching, entry, injection. The table at the end is the folder's
 * only face.
 *
 * FS, GS, TR, LDTR, KernelGSBase, STAR family and SYSENTER MSRs stay the guest's while
 * the hypervisor runs (it uses none of them): VMLOAD and VMSAVE happen when the VP on a
 * processor changes, not at every exit.
 */
#include "x86/svm/svm.h"
#include "x86/x86.h"

#define MSR_PRED_CMD 0x49
#define PAT_RESET 0x0007040600070406ull
/*
 * Exceptions of children that exit whoever wants them: #DB and #AC, which a guest can make
 * the processor deliver again and again without ever taking an interrupt (CVE-2015-8104,
 * CVE-2015-5307), and #MC, which is about the machine.
 */
#define EXIT_ALWAYS (1u << 1 | 1u << 17 | 1u << 18)

static uint64_t vmcb_pa(const struct vp *vp) { return plat_hpa(vp->vendor).v; }
static bool is_loaded(const struct vp *vp) { return plat_this_cpu()->current == vp; }

void svm_sync_from_cpu(struct vp *vp)
{
	if (is_loaded(vp)) {
		svm_vmsave(vmcb_pa(vp));
		debug_save(vp);
	}
}

void svm_sync_to_cpu(struct vp *vp)
{
	if (is_loaded(vp)) {
		svm_vmload(vmcb_pa(vp));
		debug_load(vp);
	}
}

static void set_intercepts(struct vmcb *vmcb, bool root)
{
	static const uint8_t codes[] = {
		SVM_INTR, SVM_NMI, SVM_INIT, SVM_CPUID, SVM_INVD, SVM_HLT, SVM_INVLPGA, SVM_IO, SVM_MSR,
		SVM_SHUTDOWN, SVM_VMRUN, SVM_VMMCALL, SVM_VMLOAD, SVM_VMSAVE, SVM_STGI, SVM_CLGI, SVM_SKINIT,
		SVM_MONITOR, SVM_MWAIT, SVM_MWAIT_ARMED, SVM_XSETBV,
		/* of a child only */
		SVM_RSM, SVM_RDPMC, SVM_TASK, SVM_FERR, SVM_WBINVD,
	};

	for (unsigned int i = 0; i < sizeof(codes) - (root ? 5 : 0); i++)
		vmcb->intercept_misc[codes[i] >= SVM_VMRUN] |= 1u << codes[i] % 32;
}

static struct vmcb_segment segment(uint16_t selector, uint64_t base, uint16_t attributes)
{
	return (struct vmcb_segment){ .selector = selector, .base = base, .limit = 0xffff,
				      .attributes = attributes };
}

/* [APM2 14.1.3 "Processor Initialization State"] */
static void svm_vp_reset(struct vp *vp)
{
	struct vmcb *vmcb = svm_vmcb(vp);
	bool root = vp->partition->is_root;
	uint32_t exceptions = vmcb->intercept_exceptions;

	memset(vmcb, 0, sizeof(*vmcb));
	set_intercepts(vmcb, root);
	vmcb->intercept_exceptions = exceptions;
	vmcb->io_map = svm_io_map(root).v;
	vmcb->msr_map = svm_msr_map(root).v;
	vmcb->interrupt_control = INT_V_MASKING;
	vmcb->nested_enable = 1;
	vmcb->nested_cr3 = gpa_map_top(&vp->partition->map).v;
	vmcb->es = vmcb->ss = vmcb->ds = vmcb->fs = vmcb->gs = segment(0, 0, 0x93);
	vmcb->cs = segment(0xf000, 0xffff0000, 0x9b);
	vmcb->gdtr = vmcb->idtr = segment(0, 0, 0);
	vmcb->ldtr = segment(0, 0, 0x82);
	vmcb->tr = segment(0, 0, 0x8b);
	vmcb->efer = EFER_SVME;
	vmcb->cr0 = 0x60000010;
	vmcb->dr6 = 0xffff0ff0;
	vmcb->dr7 = 0x400;
	vmcb->pat = PAT_RESET;
	vp->vendor_tag = 0;
	memset(vp->debug, 0, sizeof(vp->debug));
	if (is_loaded(vp)) {
		svm_sync_to_cpu(vp);
		fpu_load(vp);
	}
}

static void svm_vp_start_at(struct vp *vp, uint8_t sipi_vector)
{
	struct vmcb *vmcb = svm_vmcb(vp);

	vmcb->cs = segment((uint16_t)sipi_vector << 8, (uint64_t)sipi_vector << 12, 0x9b);
	vp->regs.rip = 0;
}

static void svm_vp_load(struct vp *vp)
{
	struct svm_cpu *state = plat_this_cpu()->vendor;

	/* Partitions must not steer each other's speculation. */
	if (svm_features.branch_barrier && state->partition != vp->partition->id)
		wrmsr(MSR_PRED_CMD, 1);
	state->partition = vp->partition->id;
	svm_vmload(vmcb_pa(vp));
	fpu_load(vp);
	debug_load(vp);
}

static void svm_vp_unload(struct vp *vp)
{
	svm_vmsave(vmcb_pa(vp));
	fpu_save(vp);
	debug_save(vp);
}

/*
 * Address space ids of this processor: handed out in order; when they run out all are
 * flushed and a new generation begins. A VP's tag (generation and processor) says
 * whether its id is still good; tag 0 forces a new one, which is how one VP is flushed
 * without the processor's help.
 */
static void take_asid(struct vp *vp, struct vmcb *vmcb)
{
	struct cpu *cpu = plat_this_cpu();
	struct svm_cpu *mine = cpu->vendor;
	uint64_t *state = &mine->asids;		/* [31:0] last id given, [63:32] generation */
	uint64_t generation = *state >> 32, tag;

	vmcb->tlb_control = 0;
	if (!generation)
		generation = 1, *state = generation << 32;
	tag = generation << 8 | cpu->index;
	if (vp->vendor_tag == tag)
		return;
	if ((uint32_t)*state + 1 >= svm_features.asid_count) {
		*state = ++generation << 32;
		tag = generation << 8 | cpu->index;
		vmcb->tlb_control = 1;
	}
	vmcb->asid = (uint32_t)++*state;
	vp->vendor_tag = tag;
}

static void svm_vp_run(struct vp *vp, struct vp_exit *exit)
{
	struct vmcb *vmcb = svm_vmcb(vp);
	enum light light;
	bool shadow;

	vmcb->rax = vp->regs.gpr[RAX];
	vmcb->rsp = vp->regs.gpr[RSP];
	vmcb->rip = vp->regs.rip;
	vmcb->rflags = vp->regs.rflags;
	vmcb->clean = 0;
	take_asid(vp, vmcb);
	shadow = vmcb->interrupt_state & 1;
	light = svm_enter(vp, vmcb_pa(vp));
	/* Nothing ran and the shadow is lost (see svm_request_window()): it still stands. */
	if (shadow && svm_features.loses_shadow && vmcb->exit_code == SVM_INTR && vmcb->rip == vp->regs.rip)
		vmcb->interrupt_state |= 1;
	vp->regs.gpr[RAX] = vmcb->rax;
	vp->regs.gpr[RSP] = vmcb->rsp;
	vp->regs.rip = vmcb->rip;
	vp->regs.rflags = vmcb->rflags;
	exit->done = light == LIGHT_LEAVE;
	if (exit->done)
		exit->reason = EXIT_HYPERCALL;
	else
		svm_decode_exit(vp, exit);
}

/* Was the processor called away before it delivered the virtual interrupt? */
static bool interrupt_underway(const struct vmcb *vmcb)
{
	return vmcb->interrupt_control & INT_V_IRQ && !(vmcb->intercept_misc[0] & INTERCEPT_VINTR);
}

static bool svm_interrupt_window(struct vp *vp)
{
	const struct vmcb *vmcb = svm_vmcb(vp);

	return vp->regs.rflags & RFLAGS_IF && !(vmcb->interrupt_state & 1) && !(vmcb->event & EVENT_VALID) &&
	       !interrupt_underway(vmcb);
}

static bool svm_event_pending(struct vp *vp) { return svm_vmcb(vp)->event & EVENT_VALID; }

/*
 * As a virtual interrupt, not through EVENTINJ: QEMU's software SVM may deliver an
 * interrupt injected there a second time, whatever IF says (docs/decisions/009). The
 * window is open, so it is taken before the guest's next instruction; if the processor
 * is called away before that, it stays pending in the VMCB.
 */
static void svm_inject_interrupt(struct vp *vp, uint8_t vector)
{
	struct vmcb *vmcb = svm_vmcb(vp);

	vmcb->intercept_misc[0] &= ~INTERCEPT_VINTR;
	vmcb->interrupt_control &= ~INT_V_VECTOR;
	vmcb->interrupt_control |= INT_V_IRQ | INT_V_PRIORITY | INT_V_IGN_TPR |
				   (uint64_t)vector << INT_V_VECTOR_SHIFT;
}

static void svm_inject_exception(struct vp *vp, uint8_t vector, bool has_code, uint32_t code)
{
	svm_vmcb(vp)->event = EVENT_VALID | EVENT_EXCEPTION | vector | (has_code ? EVENT_HAS_CODE : 0) |
			      (uint64_t)code << 32;
}

static void svm_inject_nmi(struct vp *vp) { svm_vmcb(vp)->event = EVENT_VALID | EVENT_NMI | 2; }

/* The guest runs on for a moment: something waits that cannot be waited for otherwise. */
static void exit_soon(void) { plat_this_cpu()->nudge = plat_tsc() + plat_tsc_hz() / 50000; }

/*
 * A virtual interrupt that is never delivered: its intercept says that the window is
 * open. Where VMRUN loses the interrupt shadow that would end "sti; hlt" between the
 * two and lose a wake-up, so there the guest runs on until the HLT exits or a short
 * timer does.
 */
static void svm_request_window(struct vp *vp, bool on)
{
	struct vmcb *vmcb = svm_vmcb(vp);

	if (interrupt_underway(vmcb)) {
		if (on)
			exit_soon();
		return;
	}
	if (on && vmcb->interrupt_state & 1 && svm_features.loses_shadow) {
		exit_soon();
		on = false;
	}
	vmcb->interrupt_control &= ~(INT_V_IRQ | INT_V_PRIORITY | INT_V_VECTOR);
	vmcb->intercept_misc[0] &= ~INTERCEPT_VINTR;
	if (on) {
		vmcb->interrupt_control |= INT_V_IRQ | INT_V_PRIORITY | INT_V_IGN_TPR;
		vmcb->intercept_misc[0] |= INTERCEPT_VINTR;
	}
}

static void svm_clear_shadow(struct vp *vp) { svm_vmcb(vp)->interrupt_state &= ~1ull; }
static void svm_flush(struct vp *vp) { vp->vendor_tag = 0; }
static uint8_t svm_get_tpr(struct vp *vp) { return (svm_vmcb(vp)->interrupt_control & INT_TPR_MASK) << 4; }

static void svm_set_tpr(struct vp *vp, uint8_t tpr)
{
	struct vmcb *vmcb = svm_vmcb(vp);

	vmcb->interrupt_control = (vmcb->interrupt_control & ~INT_TPR_MASK) | tpr >> 4;
}

static void svm_set_exception_intercepts(struct vp *vp, uint32_t vectors)
{
	svm_vmcb(vp)->intercept_exceptions = vectors | (vp->partition->is_root ? 0 : EXIT_ALWAYS);
}

static void svm_dump(struct vp *vp)
{
	const struct vmcb *v = svm_vmcb(vp);

	log_error("vmcb: cs %x base %lx rip %lx rsp %lx cr0 %lx cr3 %lx cr4 %lx efer %lx", v->cs.selector,
		  v->cs.base, v->rip, v->rsp, v->cr0, v->cr3, v->cr4, v->efer);
	log_error("vmcb: exit %lx info %lx %lx event in %lx out %lx int %lx state %lx asid %u", v->exit_code,
		  v->exit_info1, v->exit_info2, v->exit_event, v->event, v->interrupt_control,
		  v->interrupt_state, v->asid);
}

const struct virt_ops svm_ops = {
	.npt = &npt_format,
	.hypercall_code = { 0x0f, 0x01, 0xd9, 0xc3 },	/* VMMCALL */
#define OP(name) .name = svm_##name
	OP(probe), OP(cpu_enable), OP(vp_reset), OP(vp_start_at), OP(vp_load), OP(vp_unload), OP(vp_run),
	OP(interrupt_window), OP(inject_interrupt), OP(inject_exception), OP(inject_nmi),
	OP(request_window), OP(clear_shadow), OP(event_pending), OP(flush), OP(get_register),
	OP(set_register), OP(get_tpr), OP(set_tpr), OP(set_exception_intercepts), OP(dump),
#undef OP
};
