/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Start of an application processor: copied to AP_START below 1 MiB by smp.c, entered in
 * real mode by the start-up IPI, goes on in the image, and calls ap_main() on its own stack.
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
	ljmpl $0x18, $(ap_32 - KERNEL_BASE)
ap_gdt_pointer:
	.word 4 * 8 - 1
	.long boot_gdt - KERNEL_BASE
	.balign 8
ap_stack_slot:
	.quad 0			/* written by smp.c: top of this processor's stack block */
ap_end:

	/* From here on in the image itself; of the copy's page the end serves as stack. */
	.code32
ap_32:
	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $(AP_START + 0x1000), %esp
	call enter_long_mode
	ljmpl $0x08, $(ap_64 - KERNEL_BASE)

	.code64
ap_64:
	movq HERE(ap_stack_slot), %rsp
	movabsq $ap_main, %rax
	jmp enter_high
	.section .note.GNU-stack, "", @progbits
