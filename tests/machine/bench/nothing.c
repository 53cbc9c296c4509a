// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The smallest program: without a C library, whose start-up executes CPUID some 30
 * times, each of which is an exit in a guest.
 */
#include <sys/syscall.h>

void _start(void);

void __attribute__((noreturn)) _start(void)
{
	for (;;)
		__asm__ volatile("syscall" : : "a"(SYS_exit), "D"(0) : "rcx", "r11", "memory");
}
