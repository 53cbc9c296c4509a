/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * VMRUN, and light exits (svm_light.c) until there is another one. RDI: struct vp (general
 * registers first, in encoding order RAX RCX RDX RBX RSP RBP RSI RDI R8..R15); RSI: physical
 * address of the VMCB. RAX, RSP, RIP and RFLAGS travel in the VMCB. Returns what
 * svm_light() said of the last exit.
 *
 * VMRUN wants the host's interrupt flag set so that physical interrupts intercept
 * [APM2 15.13.1 "INTR Intercept"]; GIF keeps them off until it is in the guest, and during
 * a light exit. After the last #VMEXIT interrupts go off before GIF goes on, so that only
 * NMIs are taken here.
 */
	.section .text
	.globl svm_enter
svm_enter:
	pushq %rbp
	movq %rsp, %rbp
	.irp register, rbx, r12, r13, r14, r15, rsi, rdi
	pushq %\register
	.endr
	movq 8*5(%rdi), %rbp
	.irp number, 12, 13, 14, 15
	movq 8*\number(%rdi), %r\number
	.endr
	clgi
	/* Not STI: QEMU 7.2 hands its shadow on to the guest (docs/decisions/009). */
	pushq $0x202
	popfq
	/* From here those registers that C code changes, to and from RDI's VP. */
1:	movq 8(%rsp), %rax
	movq 8*1(%rdi), %rcx
	movq 8*2(%rdi), %rdx
	movq 8*3(%rdi), %rbx
	movq 8*6(%rdi), %rsi
	.irp number, 8, 9, 10, 11
	movq 8*\number(%rdi), %r\number
	.endr
	movq 8*7(%rdi), %rdi
	vmrun %rax
	movq (%rsp), %rax
	movq %rcx, 8*1(%rax)
	movq %rdx, 8*2(%rax)
	movq %rbx, 8*3(%rax)
	movq %rsi, 8*6(%rax)
	movq %rdi, 8*7(%rax)
	.irp number, 8, 9, 10, 11
	movq %r\number, 8*\number(%rax)
	.endr
	movq %rax, %rdi
	call svm_light
	movq (%rsp), %rdi
	cmpl $1, %eax		/* LIGHT_AGAIN */
	je 1b
	cli
	stgi
	movq %rbp, 8*5(%rdi)
	.irp number, 12, 13, 14, 15
	movq %r\number, 8*\number(%rdi)
	.endr
	.irp register, rdi, rsi, r15, r14, r13, r12, rbx, rbp
	popq %\register
	.endr
	retq
	.section .note.GNU-stack, "", @progbits
