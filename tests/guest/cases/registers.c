// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * State that must survive the time when others run: vector registers, x87, debug registers.
 */
#include "testguest.h"

#define CR4_OSFXSR	(1u << 9)
#define CR4_OSXSAVE	(1u << 18)
#define CR4_PKE		(1u << 22)
#define TURNS		400

struct vectors { uint8_t bytes[16][32] __attribute__((aligned(32))); };

static bool has_avx(void)
{
	uint32_t out[4];

	cpuid(1, 0, out);
	return (out[2] >> 26 & 1) && (out[2] >> 28 & 1);
}

static void vectors_on(bool avx)
{
	write_cr4(read_cr4() | CR4_OSFXSR | (avx ? CR4_OSXSAVE : 0));
	if (avx)
		write_xcr0(7);
	__asm__ volatile("fninit");
}

#define EACH(op) \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
	op(14) op(15)
#define LOAD_X(i) "movdqa " #i "*32(%0), %%xmm" #i "\n\t"
#define SAVE_X(i) "movdqa %%xmm" #i ", " #i "*32(%0)\n\t"
#define LOAD_Y(i) "vmovdqa " #i "*32(%0), %%ymm" #i "\n\t"
#define SAVE_Y(i) "vmovdqa %%ymm" #i ", " #i "*32(%0)\n\t"

static void load(const struct vectors *v, bool avx)
{
	if (avx)
		__asm__ volatile(EACH(LOAD_Y) : : "r"(v) : "memory");
	else
		__asm__ volatile(EACH(LOAD_X) : : "r"(v) : "memory");
}

static void save(struct vectors *v, bool avx)
{
	if (avx)
		__asm__ volatile(EACH(SAVE_Y) : : "r"(v) : "memory");
	else
		__asm__ volatile(EACH(SAVE_X) : : "r"(v) : "memory");
}

static void fill(struct vectors *v, unsigned int seed)
{
	for (unsigned int i = 0; i < 16; i++)
		for (unsigned int j = 0; j < 32; j++)
			v->bytes[i][j] = (uint8_t)(seed * 101 + i * 32 + j);
}

struct vector_job { bool avx; unsigned int seed; bool wrong; };

/* Exits, yields and waits, with all registers full, and looks at them again. */
static void keep_vectors(void *context)
{
	struct vector_job *job = context;
	struct vectors wanted, got;

	vectors_on(job->avx);
	fill(&wanted, job->seed);
	memset(&got, 0, sizeof(got));
	load(&wanted, job->avx);
	for (unsigned int turn = 0; turn < TURNS && !job->wrong; turn++) {
		hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 0, 0);
		for (unsigned int i = 0; i < 2000; i++)
			relax();
		save(&got, job->avx);
		for (unsigned int i = 0; i < 16; i++)
			if (memcmp(got.bytes[i], wanted.bytes[i], job->avx ? 32 : 16))
				job->wrong = true;
	}
}

static void check_vectors(bool avx)
{
	struct vector_job zero = { avx, 1, false }, one = { avx, 2, false };

	vp_need_second();
	vp_begin(keep_vectors, &one);
	keep_vectors(&zero);
	vp_finish();
	expect(!zero.wrong, "registers of VP 0 have changed");
	expect(!one.wrong, "registers of VP 1 have changed");
}

CASE(sse_registers_are_kept)
{
	check_vectors(false);
}

CASE(avx_registers_are_kept)
{
	if (!has_avx())
		test_skip("the processor has no AVX");
	check_vectors(true);
}

static void set_xcr0(void *context)
{
	write_xcr0(*(uint64_t *)context);
}

CASE(xcr0_is_checked)
{
	static const uint64_t bad[] = { 0, 2, 5, 1ull << 63 | 3, 1ull << 62 | 3, 0x23 };
	uint64_t value = 3;

	if (!has_avx())
		test_skip("the processor has no AVX");
	vectors_on(true);
	for (unsigned int i = 0; i < ARRAY_COUNT(bad); i++) {
		int vector = catch_fault(set_xcr0, (void *)&bad[i], NULL);

		expect(vector == VECTOR_GP, "0x%lx: %s", bad[i], vector_name(vector));
	}
	expect_fault("x87 and SSE", catch_fault(set_xcr0, &value, NULL), NO_FAULT);
}

static void use_x87(void *context)
{
	const uint16_t control = *(const uint16_t *)context;
	uint16_t got = 0;
	uint32_t number = control, stored = 0;

	__asm__ volatile("fninit; fldcw %0; fildl %1" : : "m"(control), "m"(number));
	for (unsigned int turn = 0; turn < 50; turn++) {
		hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 0, 0);
		__asm__ volatile("fnstcw %0; fistl %1" : "=m"(got), "=m"(stored));
		expect_equal("control word", got, control);
		expect_equal("number on the stack", stored, number);
	}
	__asm__ volatile("fninit");
}

CASE(x87_state_is_kept)
{
	uint16_t zero = 0x0f7f, one = 0x037f;

	vp_need_second();
	vp_begin(use_x87, &one);
	use_x87(&zero);
	vp_finish();
}

static void keys_on(void *context)
{
	(void)context;
	write_cr4(read_cr4() | CR4_PKE);
}

static void write_pkru(uint32_t value)
{
	/* As bytes: old assemblers do not know it. */
	__asm__ volatile(".byte 0x0f, 0x01, 0xef" : : "a"(value), "c"(0), "d"(0) : "memory");
}

static uint32_t read_pkru(void)
{
	uint32_t value;

	__asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(value) : "c"(0) : "rdx");
	return value;
}

/* No access by any key. Were it not switched, the root's processes would die of it. */
static void keep_keys(void *context)
{
	uint32_t mark = *(uint32_t *)context;

	keys_on(NULL);
	write_pkru(mark);
	for (unsigned int turn = 0; turn < 100; turn++) {
		hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 0, 0);
		for (unsigned int i = 0; i < 2000; i++)
			relax();
		expect_equal("PKRU", read_pkru(), mark);
	}
	write_pkru(0);
}

CASE(protection_keys_are_kept)
{
	uint32_t zero = 0xffffffff, one = 0x55555555;

	/* Hidden from children, but CR4 is theirs. */
	if (catch_fault(keys_on, NULL, NULL) != NO_FAULT)
		test_skip("the processor has no protection keys");
	vp_need_second();
	vp_begin(keep_keys, &one);
	keep_keys(&zero);
	vp_finish();
}

static void keep_debug_registers(void *context)
{
	uint64_t mark = *(uint64_t *)context, got[4];

	__asm__ volatile("mov %0, %%dr0" : : "r"(mark));
	__asm__ volatile("mov %0, %%dr1" : : "r"(mark + 1));
	__asm__ volatile("mov %0, %%dr2" : : "r"(mark + 2));
	__asm__ volatile("mov %0, %%dr3" : : "r"(mark + 3));
	for (unsigned int turn = 0; turn < 100; turn++) {
		hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 0, 0);
		for (unsigned int i = 0; i < 2000; i++)
			relax();
		__asm__ volatile("mov %%dr0, %0" : "=r"(got[0]));
		__asm__ volatile("mov %%dr1, %0" : "=r"(got[1]));
		__asm__ volatile("mov %%dr2, %0" : "=r"(got[2]));
		__asm__ volatile("mov %%dr3, %0" : "=r"(got[3]));
		for (unsigned int i = 0; i < 4; i++)
			expect_equal("a debug register", got[i], mark + i);
	}
}

CASE(debug_registers_are_kept)
{
	uint64_t zero = 0x1000, one = 0x2000;

	vp_need_second();
	vp_begin(keep_debug_registers, &one);
	keep_debug_registers(&zero);
	vp_finish();
}

static volatile uint32_t watched;

static void note_watchpoint(struct trap_frame *frame)
{
	(void)frame;
	vp_self()->taken[VECTOR_DB]++;
}

CASE(watchpoints_work)
{
	uint64_t off = 0x400, on = 0x400 | 1 | 1u << 16 | 3u << 18;	/* DR0, writes, 4 bytes */

	set_handler(VECTOR_DB, note_watchpoint);
	__asm__ volatile("mov %0, %%dr0" : : "r"((uint64_t)&watched));
	__asm__ volatile("mov %0, %%dr7" : : "r"(on));
	watched = 1;
	hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 0, 0);
	watched = 2;
	__asm__ volatile("mov %0, %%dr7" : : "r"(off));
	watched = 3;
	expect_equal("traps", vp_self()->taken[VECTOR_DB], 2);
}

CASE(sizes_of_state_follow_xcr0)
{
	uint32_t out[4];

	if (!has_avx())
		test_skip("the processor has no AVX");
	write_cr4(read_cr4() & ~(uint64_t)CR4_OSXSAVE);
	cpuid(1, 0, out);
	expect(!(out[2] >> 27 & 1), "OSXSAVE is told while it is off");
	vectors_on(true);
	cpuid(1, 0, out);
	expect(out[2] >> 27 & 1, "OSXSAVE is not told while it is on");
	cpuid(0xd, 0, out);
	expect_equal("bytes with AVX", out[1], 832);
	write_xcr0(3);
	cpuid(0xd, 0, out);
	expect_equal("bytes without AVX", out[1], 576);
}
