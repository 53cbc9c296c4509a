/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Multiboot 1 header and 32-bit entry of the payload, its interrupt handlers, and where
 * its second processor starts (copied to 0x8000). FLAT: the header has address fields.
 */
#define MAGIC	0x1badb002
#define FLAGS	(0x3 | (FLAT << 16))	/* aligned modules, memory size */

	.section .header, "a"
	.balign 4
header:
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)
#if FLAT
	.long header, image_start, data_end, bss_end, start
#endif

	.text
	.code32
	.globl start
start:
	mov $stack_end, %esp
	push %ebx
	push %eax
	call payload_main
1:	hlt
	jmp 1b

	/* Vectors 0x40 and 0x41: counted, acknowledged through the page of the APIC. */
	.globl on_first, on_second
on_first:
	lock incl interrupts
	jmp end_of_interrupt
on_second:
	lock incl interrupts + 4
end_of_interrupt:
	movl $0, 0xfee000b0
	iret

	.code16
	.globl second_start, second_end
second_start:
	mov %cs, %ax
	mov %ax, %ds
	lock incl (second_count - second_start)
2:	hlt
	jmp 2b
	.balign 4
second_count:
	.long 0
second_end:

	.globl second_count

	.bss
	.balign 4096
	.globl hypercall_page, message_page, event_page, call_block
hypercall_page:	.skip 4096
message_page:	.skip 4096
event_page:	.skip 4096
call_block:	.skip 4096
	.skip 8192
stack_end:

	.section .note.GNU-stack, "", @progbits
