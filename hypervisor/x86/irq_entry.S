/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Entry stubs of the hypervisor's own IDT. All vectors build the same frame (struct
 * irq_frame in irq.h) and call irq_handle(frame).
 */
	.section .text
	.balign 16
	.globl irq_stubs
irq_stubs:
	vector = 0
	.rept 256
	.balign 16
	/* These push an error code themselves [APM2 8.2 "Vectors"]. */
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || \
	      vector == 29 || vector == 30)
	pushq $0
	.endif
	pushq $vector
	jmp irq_common
	vector = vector + 1
	.endr

irq_common:
	.irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	pushq %\register
	.endr
	cld
	movq %rsp, %rdi
	movq %rsp, %rbx
	andq $-16, %rsp
	callq irq_handle
	movq %rbx, %rsp
	.irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
	popq %\register
	.endr
	addq $16, %rsp
	iretq
	.section .note.GNU-stack, "", @progbits
