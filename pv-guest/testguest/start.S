/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * First sector of a kernel file with the setup header that loaders look at, the 64-bit
 * entry point 0x200 bytes into the loaded part, and the way of further virtual
 * processors from real mode to C
 * [Linux Documentation/x86/boot.rst "The Linux/x86 Boot Protocol"].
 */
#define LOAD_HIGH	0x1
#define XLF_KERNEL_64	0x1
#define CR0_PG_NE_PE	0x80000021
#define CR4_PAE		0x20
#define MSR_EFER	0xc0000080
#define EFER_LME	0x100
#define TRAMPOLINE	0x8000		/* smp.c says it too */
#define LOADER_TABLES	0x9000		/* the loader's page tables, one to one */

	.section .setup, "a"
setup:
	.org 0x1f1
	.byte 1				/* setup sectors after the first */
	.word 0
	.long image_paragraphs
	.word 0, 0, 0
	.word 0xaa55
	.byte 0xeb, 0x264 - 0x202	/* 0x200: a jump, whose distance is the header's end */
signature:
	.ascii "HdrS"
	.word 0x020c
	.long 0
	.word 0, 0
	.byte 0, LOAD_HIGH
	.word 0
	.long 0x100000
	.long 0, 0, 0
	.word 0
	.byte 0, 0
	.long 0
	.long 0x7fffffff
	.long 0x200000			/* alignment */
	.byte 0, 21			/* not relocatable */
	.word XLF_KERNEL_64
	.long 2047			/* longest command line */
	.long 0
	.quad 0
	.long 0, 0
	.quad 0
	.quad image_start		/* preferred address */
	.long image_memory_bytes
	.org 0x264			/* an error if the header is longer */
header_end:
	.org 0x400

	.section .head, "ax"
	.code64
	.org 0x200
entry64:
	cli
	cld
	lea boot_stack_top(%rip), %rsp
	mov %rsi, %rbx
	lea bss_start(%rip), %rdi
	lea bss_end(%rip), %rcx
	sub %rdi, %rcx
	xor %eax, %eax
	rep stosb
	mov %rbx, %rdi
	xor %ebp, %ebp
	call testguest_main
1:	cli
	hlt
	jmp 1b

/* Copied to TRAMPOLINE; CS is its segment, all else is unknown. */
	.section .rodata
	.globl trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	lgdtl trampoline_gdt_pointer - trampoline_start
	mov $CR4_PAE, %eax
	mov %eax, %cr4
	mov $LOADER_TABLES, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $EFER_LME, %eax
	wrmsr
	mov $CR0_PG_NE_PE, %eax
	mov %eax, %cr0
	ljmpl $0x8, $secondary64

	.balign 8
trampoline_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
trampoline_gdt_pointer:
	.word . - trampoline_gdt - 1
	.long TRAMPOLINE + trampoline_gdt - trampoline_start
trampoline_end:

	.text
	.code64
secondary64:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov secondary_stack(%rip), %rsp
	xor %ebp, %ebp
	call vp_secondary_main
1:	cli
	hlt
	jmp 1b

	.bss
	.balign 16
	.skip 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
