/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Start of an application processor: copied to AP_START below 1 MiB by smp.c, entered in
 * real mode by the start-up IPI, goes to long mode and calls ap_main() on its own stack.
 */
#include "x86/layout.h"

#define HERE(symbol) (AP_START + (symbol) - ap_begin)

	.section .text
	.globl ap_begin, ap_end, ap_stack_slot
	.code16
ap_begin:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl HERE(ap_gdt_pointer)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x18, $HERE(ap_32)

	.code32
ap_32:
	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $HERE(ap_scratch_top), %esp
	movl $(enter_long_mode - KERNEL_BASE), %eax
	call *%eax
	ljmpl $0x08, $HERE(ap_64)

	.code64
ap_64:
	xorl %eax, %eax
	.irp register, ss, ds, es, fs, gs
	movw %ax, %\register
	.endr
	movq HERE(ap_stack_slot), %rsp
	xorl %ebp, %ebp
	movabsq $boot_gdt_pointer_high, %rax
	lgdt (%rax)
	movabsq $ap_main, %rax
	callq *%rax
	ud2

	.balign 8
ap_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 0x08 64-bit code */
	.quad 0x00cf93000000ffff	/* 0x10 data */
	.quad 0x00cf9b000000ffff	/* 0x18 32-bit code */
ap_gdt_end:
ap_gdt_pointer:
	.word ap_gdt_end - ap_gdt - 1
	.long HERE(ap_gdt)
	.balign 8
ap_stack_slot:
	.quad 0			/* written by smp.c: top of this processor's stack block */
	.skip 64
ap_scratch_top:
ap_end:
	.section .note.GNU-stack, "", @progbits
