/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Entry from the boot loader: multiboot 1 (QEMU -kernel) or multiboot 2 (GRUB), 32-bit
 * protected mode, paging off, EAX magic, EBX information. Checks for long mode, builds
 * on the static boot page tables, and calls boot_main(magic, info) on the high mapping.
 *
 * The image is linked at KERNEL_BASE + 1 MiB and loaded at 1 MiB. Multiboot 1 gets load
 * addresses in its header, so that the 64-bit ELF file can be loaded as it is.
 */
#include "x86/layout.h"

#define PHYS(symbol) ((symbol) - KERNEL_BASE)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003	/* page-aligned modules, memory map, address fields */
#define MB2_MAGIC 0xe85250d6

	.section .boot, "ax"
	.code32

	.balign 8
mb1_header:
	.long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
	.long PHYS(mb1_header), PHYS(image_start), PHYS(image_data_end), PHYS(image_end), PHYS(boot_entry32)

	.balign 8
mb2_header:
	/* 0: i386 protected mode */
	.long MB2_MAGIC, 0, mb2_header_end - mb2_header, -(MB2_MAGIC + 0 + (mb2_header_end - mb2_header))
	/* load addresses */
	.word 2, 0
	.long 24, PHYS(mb2_header), PHYS(image_start), PHYS(image_data_end), PHYS(image_end)
	/* entry address */
	.balign 8
	.word 3, 0
	.long 12, PHYS(boot_entry32)
	/* modules page-aligned */
	.balign 8
	.word 6, 0
	.long 8
	/* end */
	.balign 8
	.word 0, 0
	.long 8
mb2_header_end:

	.globl boot_entry32
boot_entry32:
	cli
	cld
	movl $PHYS(boot_stack_top), %esp
	movl %eax, %edi		/* magic */
	movl %ebx, %esi		/* information */
	/* Long mode, NX? [APM3 E.4 "Function 8000_0001h"] */
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc no_long_mode
	btl $20, %edx
	jnc no_long_mode

	call fill_boot_tables
	lgdtl PHYS(boot_gdt_pointer)
	call enter_long_mode
	ljmpl $0x08, $PHYS(long_mode)

/*
 * Boot tables: 4 GiB with 2 MiB pages, seen at 0, at DIRECT_MAP and (the first GiB)
 * at KERNEL_BASE. boot.c tightens them later.
 */
fill_boot_tables:
	movl $PHYS(boot_pd), %ebx
	movl $0x83, %eax	/* present, writable, large */
	movl $2048, %ecx
1:	movl %eax, (%ebx)
	movl $0, 4(%ebx)
	addl $0x200000, %eax
	addl $8, %ebx
	loop 1b
	movl $PHYS(boot_pd) + 3, %eax
	movl $PHYS(boot_pdpt), %ebx
	movl $4, %ecx
2:	movl %eax, (%ebx)
	addl $4096, %eax
	addl $8, %ebx
	loop 2b
	movl $PHYS(boot_pd) + 3, PHYS(boot_pdpt_high) + 510 * 8
	movl $PHYS(boot_pdpt) + 3, PHYS(boot_pml4)
	movl $PHYS(boot_pdpt) + 3, PHYS(boot_pml4) + DIRECT_MAP_SLOT * 8
	movl $PHYS(boot_pdpt_high) + 3, PHYS(boot_pml4) + 511 * 8
	ret

/* Also used by the application processors: CR3, PAE, EFER.LME+NXE, paging on. */
	.globl enter_long_mode
enter_long_mode:
	movl $PHYS(boot_pml4), %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x900, %eax
	wrmsr
	movl %cr0, %eax
	andl $~0x60000000, %eax		/* CD and NW as INIT leaves them: caches on */
	orl $0x80010001, %eax
	movl %eax, %cr0
	ret

no_long_mode:
	movl $PHYS(no_long_mode_text), %esi
1:	lodsb
	testb %al, %al
	jz 2f
	movb %al, %bl
	movw $0x2fd, %dx
3:	inb %dx, %al
	testb $0x20, %al
	jz 3b
	movb %bl, %al
	movw $0x2f8, %dx
	outb %al, %dx
	movw $0x3f8, %dx
	outb %al, %dx
	jmp 1b
2:	hlt
	jmp 2b
no_long_mode_text:
	.asciz "paravane: this processor has no 64-bit mode with NX: cannot start\r\n"

	.code64
long_mode:
	movl %edi, %edi
	movl %esi, %esi
	movabsq $boot_stack_top, %rsp
	movabsq $boot_main, %rax

/* Also for the application processors: calls RAX, high, on the stack in RSP. */
	.globl enter_high
enter_high:
	xorl %ecx, %ecx
	.irp register, ss, ds, es, fs, gs
	movw %cx, %\register
	.endr
	lgdt boot_gdt_pointer_high(%rip)
	xorl %ebp, %ebp
	callq *%rax
	ud2

	.balign 8
	.globl boot_gdt
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 0x08 64-bit code */
	.quad 0x00cf93000000ffff	/* 0x10 data */
	.quad 0x00cf9b000000ffff	/* 0x18 32-bit code */
boot_gdt_end:
boot_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.long PHYS(boot_gdt)
boot_gdt_pointer_high:
	.word boot_gdt_end - boot_gdt - 1
	.quad boot_gdt

	.section .bss.boot, "aw", @nobits
	/*
	 * The boot processor's stack block: struct cpu at its bottom, as everywhere. First
	 * in .bss, which the linker script aligns to STACK_BYTES (an alignment of 16 KiB
	 * in here would move the headers out of the part of the file that loaders search).
	 */
	.balign 4096
	.globl boot_stack, boot_stack_top
boot_stack:	.skip STACK_BYTES
boot_stack_top:
	.globl boot_pml4, boot_pdpt, boot_pdpt_high, boot_pd
boot_pml4:	.skip 4096
boot_pdpt:	.skip 4096
boot_pdpt_high:	.skip 4096
boot_pd:	.skip 4 * 4096
	.section .note.GNU-stack, "", @progbits
