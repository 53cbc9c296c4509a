/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Marks in a program that the instruction-counting plug-in of the emulator sees: a
 * multi-byte NOP with a number in it, which does nothing anywhere else
 * [APM3 "NOP"]. 0x50564e00 + id begins the window `id`, 0x50564f00 + id ends it.
 */
#ifndef BENCH_MARKER_H
#define BENCH_MARKER_H

#define MARK_BEGIN 0x50564e00
#define MARK_END 0x50564f00

#define MARK(number) __asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" : : "i"(number) : "memory")

/* One for each thing that is counted; instructions.py has their names. */
enum window {
	WINDOW_HYPERCALL = 1,
	WINDOW_DOORBELL,
	WINDOW_CPUID,
	WINDOW_TIMER,
	WINDOW_EOI,
	WINDOW_MAP,
	WINDOW_UNMAP,
	WINDOW_DISK,
	WINDOW_SPAWN,
	WINDOW_SWITCH,
	WINDOW_NOTHING,
	WINDOW_DOORBELL_APART,
};

#define WINDOW_BEGIN(id) MARK(MARK_BEGIN + (id))
#define WINDOW_END(id) MARK(MARK_END + (id))

#endif
