/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Entries of all 256 vectors, and the pair of functions by which an exception is caught.
 */
#define STUB_BYTES 16

	.text
	.code64
	.globl trap_stubs
	.balign STUB_BYTES
trap_stubs:
	vector = 0
	.rept 256
	.balign STUB_BYTES
	/* 8 10-14 17 21 29 30 come with an error code. */
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || \
	    vector == 29 || vector == 30
	.else
	push $0
	.endif
	push $vector
	jmp trap_common
	vector = vector + 1
	.endr

trap_common:
	cld
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	mov %rsp, %rbx
	and $~0xf, %rsp
	call trap_handle
	mov %rbx, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rbp
	pop %rbx
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq

/*
 * bool trap_run(void (*call)(void *), void *context, uint64_t *stack): runs call(context);
 * false when it returns, true when trap_leave(*stack) was called meanwhile.
 */
	.globl trap_run
trap_run:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	pushfq
	mov %rsp, (%rdx)
	mov %rdi, %rax
	mov %rsi, %rdi
	call *%rax
	xor %eax, %eax
1:	popfq
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.globl trap_leave
trap_leave:
	mov %rdi, %rsp
	mov $1, %eax
	jmp 1b

/* void user_mode_run(uint64_t rip, uint64_t rsp): goes there at CPL 3; only a trap comes back. */
	.globl user_mode_run
user_mode_run:
	push $0x2b
	push %rsi
	pushfq
	push $0x23
	push %rdi
	iretq

/*
 * uint64_t compatibility_mode_call(uint64_t control, uint64_t in, uint64_t out): the
 * hypercall instruction in 32-bit code, with that code's registers.
 */
	.globl compatibility_mode_call
compatibility_mode_call:
	push %rbx
	mov %rdx, %r8
	mov %rdi, %rax
	mov %rdi, %rdx
	shr $32, %rdx
	mov %rsi, %rcx
	mov %rsi, %rbx
	shr $32, %rbx
	mov %r8, %rsi
	mov %r8, %rdi
	shr $32, %rdi
	push $0x18
	lea 1f(%rip), %r8
	push %r8
	lretq
	.code32
1:	vmmcall
	ljmp $0x8, $2f
	.code64
2:	shl $32, %rdx
	mov %eax, %eax
	or %rdx, %rax
	pop %rbx
	ret

	.section .note.GNU-stack, "", @progbits
