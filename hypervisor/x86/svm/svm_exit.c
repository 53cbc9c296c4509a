/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * From the exit code of the VMCB to a neutral exit. Instruction lengths come from NRIPS
 * where the processor has it; without it they are those of the plain encodings, so a
 * guest that puts prefixes in front of them harms only itself (docs/caveats.md).
 */
#include "x86/svm/svm.h"
#include "x86/x86.h"

#define IO_IN		(1u << 0)
#define IO_STRING	(1u << 2)
#define IO_REP		(1u << 3)
#define NPF_WRITE	(1ull << 1)
#define NPF_FETCH	(1ull << 4)

static void plain(const struct vmcb *vmcb, struct vp_exit *exit, enum vp_exit_reason reason, uint8_t bytes)
{
	exit->reason = reason;
	exit->insn_bytes = svm_features.next_rip && vmcb->next_rip ? vmcb->next_rip - vmcb->rip : bytes;
}

static void decode_io(const struct vmcb *vmcb, struct vp_exit *exit)
{
	uint32_t info = vmcb->exit_info1;

	exit->reason = EXIT_IO;
	exit->io.port = info >> 16;
	exit->io.bytes = info >> 4 & 7;
	exit->io.in = info & IO_IN;
	exit->io.string = info & IO_STRING;
	exit->io.rep = info & IO_REP;
	exit->io.next_rip = vmcb->exit_info2;
	exit->insn_bytes = vmcb->exit_info2 - vmcb->rip;
}

/* The present bit of the error code is not to be trusted (emulated-machine traps, 3). */
static void decode_npf(const struct vmcb *vmcb, struct vp_exit *exit)
{
	exit->reason = EXIT_MEMORY;
	exit->insn_bytes = 0;
	exit->memory.at = gpa(vmcb->exit_info2);
	exit->memory.access = vmcb->exit_info1 & NPF_FETCH ? GPA_EXECUTE :
			      vmcb->exit_info1 & NPF_WRITE ? GPA_WRITE : GPA_READ;
}

static void decode_exception(const struct vmcb *vmcb, struct vp_exit *exit)
{
	exit->reason = EXIT_EXCEPTION;
	exit->insn_bytes = 0;
	exit->exception.vector = vmcb->exit_code - SVM_EXCEPTION0;
	exit->exception.code = vmcb->exit_info1;
	exit->exception.has_code = 0x27d00u >> exit->exception.vector & 1;	/* 8 10-14 17 */
	exit->exception.parameter = vmcb->exit_info2;
}

/*
 * An exit in the middle of a delivery: the event must be delivered again. Not software
 * interrupts: RIP is still at the instruction, which raises them anew
 * [APM2 15.7.2 "State Saved on Exit": EXITINTINFO]. An "exception" of vector 32 and up is
 * QEMU's word for a virtual interrupt under way, which it leaves pending by itself.
 */
static void keep_event(struct vmcb *vmcb)
{
	uint64_t event = vmcb->exit_event;
	uint64_t type = event & EVENT_TYPE, vector = event & EVENT_VECTOR;
	bool raised_anew = type == EVENT_SOFTWARE ||
			   (type == EVENT_EXCEPTION && (vector == 3 || vector == 4 || vector >= 32));

	vmcb->event = event & EVENT_VALID && !raised_anew ? event : 0;
}

void svm_decode_exit(struct vp *vp, struct vp_exit *exit)
{
	struct vmcb *vmcb = svm_vmcb(vp);
	uint32_t code = vmcb->exit_code;	/* -1 is 32 bits wide in QEMU before 10.2 */

	keep_event(vmcb);
	switch (code) {
	case SVM_INTR: exit->reason = EXIT_INTERRUPT; return;
	case SVM_NMI: exit->reason = EXIT_NMI; return;
	case SVM_VINTR:
		vmcb->interrupt_control &= ~INT_V_IRQ;
		vmcb->intercept_misc[0] &= ~INTERCEPT_VINTR;
		exit->reason = EXIT_WINDOW;
		return;
	case SVM_HLT: plain(vmcb, exit, EXIT_HALT, 1); return;
	case SVM_CPUID:
		fpu_sync_xcr0(vp);	/* leaf 0xd depends on it */
		plain(vmcb, exit, EXIT_CPUID, 2);
		return;
	case SVM_VMMCALL: plain(vmcb, exit, EXIT_HYPERCALL, 3); return;
	case SVM_XSETBV: plain(vmcb, exit, EXIT_XSETBV, 3); return;
	case SVM_WBINVD:
	case SVM_INVD: plain(vmcb, exit, EXIT_IGNORE, 2); return;
	case SVM_MSR:
		plain(vmcb, exit, vmcb->exit_info1 ? EXIT_MSR_WRITE : EXIT_MSR_READ, 2);
		exit->msr.index = vp->regs.gpr[RCX];
		return;
	case SVM_IO: decode_io(vmcb, exit); return;
	case SVM_NPF: decode_npf(vmcb, exit); return;
	case SVM_SHUTDOWN: exit->reason = EXIT_TRIPLE_FAULT; return;
	case SVM_INIT: exit->reason = EXIT_INTERRUPT; return;
	case SVM_RSM: case SVM_RDPMC: case SVM_INVLPGA: case SVM_VMRUN: case SVM_VMLOAD: case SVM_VMSAVE:
	case SVM_STGI: case SVM_CLGI: case SVM_SKINIT: case SVM_MONITOR: case SVM_MWAIT: case SVM_MWAIT_ARMED:
		exit->reason = EXIT_UNDEFINED;
		exit->rsm = code == SVM_RSM;
		return;
	default:
		if (code >= SVM_EXCEPTION0 && code <= SVM_EXCEPTION31)
			return decode_exception(vmcb, exit);
		exit->reason = EXIT_FAILED;
		exit->failed.code = vmcb->exit_code;
		exit->failed.info = vmcb->exit_info1;
	}
}
