/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) The Paravane developers */
#include "x86/layout.h"
/* One image, loaded at 1 MiB; file offsets run parallel to load addresses (see entry.S). */
ENTRY(boot_entry32_phys)
PHDRS
{
	image PT_LOAD FLAGS(7);
}
SECTIONS
{
	. = KERNEL_BASE + 0x100000;
	image_start = .;
	.text : AT(ADDR(.text) - KERNEL_BASE) {
		KEEP(*(.boot))
		*(.text .text.*)
	} :image
	. = ALIGN(4096);
	image_rodata = .;
	.rodata : AT(ADDR(.rodata) - KERNEL_BASE) {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		symbol_table = .;
		KEEP(*(.symbols))
		symbol_table_end = .;
		*(.symbols.names)
	} :image
	. = ALIGN(4096);
	image_data = .;
	.data : AT(ADDR(.data) - KERNEL_BASE) { *(.data .data.*) } :image
	. = ALIGN(STACK_BYTES);
	image_data_end = .;
	.bss : AT(ADDR(.bss) - KERNEL_BASE) { *(.bss.boot) *(.bss .bss.* COMMON) } :image
	. = ALIGN(4096);
	image_end = .;
	boot_entry32_phys = boot_entry32 - KERNEL_BASE;
	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) }
}
