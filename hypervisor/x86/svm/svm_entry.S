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
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %rsi
	pushq %rdi
	movq 8*5(%rdi), %rbp
	movq 8*12(%rdi), %r12
	movq 8*13(%rdi), %r13
	movq 8*14(%rdi), %r14
	movq 8*15(%rdi), %r15
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
	movq 8*8(%rdi), %r8
	movq 8*9(%rdi), %r9
	movq 8*10(%rdi), %r10
	movq 8*11(%rdi), %r11
	movq 8*7(%rdi), %rdi
	vmrun %rax
	movq (%rsp), %rax
	movq %rcx, 8*1(%rax)
	movq %rdx, 8*2(%rax)
	movq %rbx, 8*3(%rax)
	movq %rsi, 8*6(%rax)
	movq %rdi, 8*7(%rax)
	movq %r8, 8*8(%rax)
	movq %r9, 8*9(%rax)
	movq %r10, 8*10(%rax)
	movq %r11, 8*11(%rax)
	movq %rax, %rdi
	call svm_light
	movq (%rsp), %rdi
	cmpl $1, %eax		/* LIGHT_AGAIN */
	je 1b
	cli
	stgi
	movq %rbp, 8*5(%rdi)
	movq %r12, 8*12(%rdi)
	movq %r13, 8*13(%rdi)
	movq %r14, 8*14(%rdi)
	movq %r15, 8*15(%rdi)
	popq %rdi
	popq %rsi
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	retq
	.section .note.GNU-stack, "", @progbits
