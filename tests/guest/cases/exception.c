// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Exceptions and memory as the architecture has them.
 */
#include "testguest.h"

#define LARGE_PAGE 0x200000ull
#define MEMORY_BYTES 0x2000000ull	/* what tests/guest gives */

static void breakpoint(void *context)
{
	(void)context;
	__asm__ volatile("int3");
}

static void divide_by_zero(void *context)
{
	(void)context;
	__asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx" : : "a"(1) : "ecx", "edx");
}

static void not_canonical(void *context)
{
	(void)context;
	*(volatile uint8_t *)0x8000000000000000ull = 1;
}

static void undefined(void *context)
{
	(void)context;
	__asm__ volatile("ud2");
}

CASE(exceptions_reach_the_guest)
{
	struct caught caught;

	expect_fault("int3", catch_fault(breakpoint, NULL, NULL), VECTOR_BP);
	expect_fault("a division by zero", catch_fault(divide_by_zero, NULL, NULL), VECTOR_DE);
	expect_fault("ud2", catch_fault(undefined, NULL, NULL), VECTOR_UD);
	expect_fault("an address that is not canonical", catch_fault(not_canonical, NULL, &caught),
		     VECTOR_GP);
	expect_equal("error code", caught.error, 0);
}

static void step_over(struct trap_frame *frame)
{
	(void)frame;
	vp_self()->taken[VECTOR_BP]++;
}

CASE(breakpoint_returns_behind_itself)
{
	set_handler(VECTOR_BP, step_over);
	__asm__ volatile("int3; int3" : : : "memory");
	expect_equal("taken", vp_self()->taken[VECTOR_BP], 2);
}

CASE(software_interrupts_are_taken)
{
	/* The handler writes an EOI, for which nothing is in service. */
	__asm__ volatile("int $0x80" : : : "memory");
	expect_equal("taken", vp_self()->taken[0x80], 1);
}

static uint64_t *directory_entry(uint64_t address)
{
	uint64_t *table = (uint64_t *)(read_cr3() & ~0xfffull);

	table = (uint64_t *)(table[address >> 39 & 511] & 0xffffffffff000ull);
	table = (uint64_t *)(table[address >> 30 & 511] & 0xffffffffff000ull);
	return &table[address >> 21 & 511];
}

static void touch(void *context)
{
	*(volatile uint8_t *)context = 1;
}

CASE(page_faults_tell_their_address)
{
	uint8_t *at = (uint8_t *)(10 * LARGE_PAGE + 0x123);
	uint64_t *entry = directory_entry((uint64_t)at), was = *entry;
	struct caught caught;

	*entry = 0;
	invlpg(at);
	catch_fault(touch, at, &caught);
	*entry = was;
	expect_fault("a page that is not present", caught.vector, VECTOR_PF);
	expect_equal("CR2", caught.cr2, (uint64_t)at);
	expect_equal("error code", caught.error, 2);
	expect_fault("the page when it is back", catch_fault(touch, at, NULL), NO_FAULT);
}

CASE(page_tables_are_the_guests_own)
{
	volatile uint64_t *a = (uint64_t *)(10 * LARGE_PAGE), *b = (uint64_t *)(11 * LARGE_PAGE);
	uint64_t *entry = directory_entry((uint64_t)a), was = *entry;

	*a = 1;
	*b = 2;
	*entry = *directory_entry((uint64_t)b);
	invlpg(a);
	expect_equal("what the first address shows", *a, 2);
	*entry = was;
	invlpg(a);
	expect_equal("what it shows again", *a, 1);
}

static void fill(uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at += PVN_PAGE_SIZE)
		*(volatile uint64_t *)at = at * 0x9e3779b97f4a7c15ull;
}

CASE(memory_is_all_there)
{
	uint64_t from = 10 * LARGE_PAGE;

	fill(from, MEMORY_BYTES);
	for (uint64_t at = from; at < MEMORY_BYTES; at += PVN_PAGE_SIZE)
		expect(*(volatile uint64_t *)at == at * 0x9e3779b97f4a7c15ull, "0x%lx has changed", at);
}

static void single_step(struct trap_frame *frame)
{
	vp_self()->taken[VECTOR_DB]++;
	if (vp_self()->taken[VECTOR_DB] >= 6)
		frame->rflags &= ~0x100ull;
}

CASE(single_steps_are_single)
{
	uint64_t value = 0;

	set_handler(VECTOR_DB, single_step);
	/* Each traps once, those that exit too: nop, cpuid, inc, nop, nop, nop. */
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t"
			 "nop; xor %%eax, %%eax; cpuid; incq %0; nop; nop; nop"
			 : "+m"(value) : : "rax", "rbx", "rcx", "rdx", "memory");
	expect_equal("instructions done", value, 1);
	expect_equal("traps", vp_self()->taken[VECTOR_DB], 6);
}

CASE(port_widths_are_kept)
{
	uint64_t rax = 0x1122334455667788ull;

	__asm__ volatile("inb $0x80, %%al" : "+a"(rax));
	expect_equal("RAX after a byte", rax, 0x11223344556677ffull);
	rax = 0x1122334455667788ull;
	__asm__ volatile("inw $0x80, %%ax" : "+a"(rax));
	expect_equal("RAX after a word", rax, 0x112233445566ffffull);
	rax = 0x1122334455667788ull;
	__asm__ volatile("inl $0x80, %%eax" : "+a"(rax));
	expect_equal("RAX after a double word", rax, 0xffffffffull);
	/* The same from the worker. */
	rax = 0x1122334455667788ull;
	__asm__ volatile("inb %%dx, %%al" : "+a"(rax) : "d"(PORT_SLEEP_CONTROL));
	expect_equal("RAX after the worker's byte", rax, 0x1122334455667700ull);
}
