/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The virtual machine control block [APM2 App. B "Layout of VMCB"].
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct vmcb_segment {
	uint16_t selector;
	uint16_t attributes;	/* [7:0] access byte, [8] AVL [9] L [10] D [11] G */
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint32_t intercept_cr, intercept_dr, intercept_exceptions;
	uint32_t intercept_misc[2];	/* a bit an exit code: 0x60 to 0x7f, from 0x80 on */
#define INTERCEPT_VINTR	(1u << SVM_VINTR % 32)
	uint8_t pad0[0x40 - 0x14];
	uint64_t io_map, msr_map, tsc_offset;
	uint32_t asid;
	uint8_t tlb_control;	/* 0 nothing, 1 flush all */
	uint8_t pad1[3];
	uint64_t interrupt_control;
#define INT_TPR_MASK	0xfull
#define INT_V_IRQ	(1ull << 8)
#define INT_V_PRIORITY	(0xfull << 16)
#define INT_V_IGN_TPR	(1ull << 20)
#define INT_V_MASKING	(1ull << 24)
#define INT_V_VECTOR_SHIFT 32
#define INT_V_VECTOR	(0xffull << 32)
	uint64_t interrupt_state;	/* [0] shadow */
	uint64_t exit_code, exit_info1, exit_info2, exit_event, nested_enable;
	uint8_t pad2[0xa8 - 0x98];
	uint64_t event;
#define EVENT_VECTOR	0xffull
#define EVENT_TYPE	0x700ull
#define EVENT_NMI	0x200ull
#define EVENT_EXCEPTION	0x300ull
#define EVENT_SOFTWARE	0x400ull
#define EVENT_HAS_CODE	(1ull << 11)
#define EVENT_VALID	(1ull << 31)
	uint64_t nested_cr3, lbr, clean, next_rip;
	uint8_t pad3[0x400 - 0xd0];

	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t pad4[0x4cb - 0x4a0];
	uint8_t cpl;
	uint32_t pad5;
	uint64_t efer;
	uint8_t pad6[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
	uint8_t pad7[0x5d8 - 0x580];
	uint64_t rsp;
	uint8_t pad8[0x5f8 - 0x5e0];
	uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp,
		sysenter_eip, cr2;
	uint8_t pad9[0x668 - 0x648];
	uint64_t pat;
	uint8_t pad10[0x1000 - 0x670];
};

_Static_assert(sizeof(struct vmcb) == 4096, "VMCB is a page");
_Static_assert(offsetof(struct vmcb, nested_cr3) == 0xb0, "control area");
_Static_assert(offsetof(struct vmcb, cr4) == 0x548, "state area");
_Static_assert(offsetof(struct vmcb, cr2) == 0x640, "state area");

enum svm_exit_code {
	SVM_EXCEPTION0 = 0x40, SVM_EXCEPTION31 = 0x5f,
	SVM_INTR = 0x60, SVM_NMI = 0x61, SVM_INIT = 0x63, SVM_VINTR = 0x64,
	SVM_RDPMC = 0x6f, SVM_CPUID = 0x72, SVM_RSM = 0x73, SVM_INVD = 0x76, SVM_HLT = 0x78,
	SVM_INVLPGA = 0x7a, SVM_IO = 0x7b, SVM_MSR = 0x7c, SVM_TASK = 0x7d, SVM_FERR = 0x7e,
	SVM_SHUTDOWN = 0x7f,
	SVM_VMRUN = 0x80, SVM_VMMCALL = 0x81, SVM_VMLOAD = 0x82, SVM_VMSAVE = 0x83, SVM_STGI = 0x84,
	SVM_CLGI = 0x85, SVM_SKINIT = 0x86, SVM_WBINVD = 0x89, SVM_MONITOR = 0x8a, SVM_MWAIT = 0x8b,
	SVM_MWAIT_ARMED = 0x8c, SVM_XSETBV = 0x8d,
	SVM_NPF = 0x400,
};
