/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What children of the test guest execute, in real mode: copied to CHILD_CODE, with a
 * segment that begins there. Ports 0x80 and up go to the parent.
 */
#define PROGRAM(name) .globl child_##name, child_##name##_end; child_##name:
#define END(name) 1: jmp 1b; child_##name##_end:

	.section .rodata
	.code16

PROGRAM(ports)
	movb $0x5a, %al
	outb %al, $0x80
	inb $0x80, %al
	outb %al, $0x81
END(ports)

PROGRAM(cpuid)
	movl $0x4f000000, %eax
	movl $7, %ecx
	cpuid
	outb %al, $0x80
	movl $1, %eax
	cpuid
	outb %al, $0x81
END(cpuid)

PROGRAM(msr)
	movl $0xc0dead, %ecx
	rdmsr
	outb %al, $0x80
	wrmsr
	outb %al, $0x81
END(msr)

PROGRAM(undefined)
	ud2
	outb %al, $0x80
END(undefined)

PROGRAM(memory)
	movw $0x7000, %bx
	movb (%bx), %al
	outb %al, $0x80
	movb $0x77, (%bx)
	outb %al, $0x81
END(memory)

PROGRAM(vectors)
	movups %xmm0, 0x3000
	outb %al, $0x80
END(vectors)

/* Turns its APIC on, says so, and waits for interrupts. */
PROGRAM(wait)
	movl $0x80f, %ecx
	movl $0x1ff, %eax
	xorl %edx, %edx
	wrmsr
	outb %al, $0x80
	sti
2:	hlt
	jmp 2b
END(wait)

/* Waits with its APIC as after reset: off. */
PROGRAM(wait_without_apic)
	sti
2:	hlt
	jmp 2b
END(wait_without_apic)

/* Handlers lie in the code's page too, at fixed places: see parent.h. */
PROGRAM(handler)
	outb %al, $0x90
	iret
END(handler)

PROGRAM(handler_eoi)
	outb %al, $0x90
	movl $0x80b, %ecx
	xorl %eax, %eax
	xorl %edx, %edx
	wrmsr
	outb %al, $0x91
	iret
END(handler_eoi)

/* Tells that it runs, waits for a word at 0x3000, then starts VP 1 at 0x2000. */
PROGRAM(boot_other)
	outb %al, $0x80
2:	pause
	cmpb $0, 0x3000
	je 2b
	movl $0x830, %ecx
	movl $1, %edx
	movl $0x4602, %eax
	wrmsr
END(boot_other)

PROGRAM(other)
	outb %al, $0x82
END(other)

PROGRAM(spin)
2:	incl 0x3000
	jmp 2b
END(spin)

/* Sets trigger 4 of group 0 of the monitor page at 0x7000. */
PROGRAM(monitor)
	lock orl $0x10, 0x7008
	outb %al, $0x80
END(monitor)

PROGRAM(smm)
	outb %al, $0x80
	outb %al, $0x81
END(smm)

/* Counts what wakes it. */
PROGRAM(halts)
	outb %al, $0x80
	sti
2:	hlt
	incl 0x3000
	jmp 2b
END(halts)

/* An SMI by its own APIC, then a return from none. */
PROGRAM(smi_to_self)
	movl $0x830, %ecx
	xorl %edx, %edx
	movl $0x4200, %eax
	wrmsr
	outb %al, $0x80
	rsm
END(smi_to_self)

/* Of system management mode: counts, and leaves no register as it was. */
PROGRAM(smi_handler)
	incl 0x3004
	movl %cr0, %ebx
	movl $0xdeadbeef, %eax
	movl %eax, %ecx
	movl %eax, %edx
	movl %eax, %esi
	movl %eax, %edi
	movl %eax, %ebp
	movl %eax, %esp
	movw %ax, %es
	movw %ax, %ss
	movw %ax, %gs
	std
	outb %al, $0x84
	rsm
END(smi_handler)

	.section .note.GNU-stack, "", @progbits
