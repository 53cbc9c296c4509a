// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The hypercall page, and who may call at all [TLFS 2.0 4.12 "Establishing the Hypercall
 * Interface"].
 */
#include "testguest.h"

#define BELOW 0x5a

static uint8_t page_a[PVN_PAGE_SIZE] PAGE_ALIGNED, page_b[PVN_PAGE_SIZE] PAGE_ALIGNED;

static void enable_at(const uint8_t *page)
{
	wrmsr(PVN_MSR_HYPERCALL, (uint64_t)page | PVN_MSR_PAGE_ENABLE);
}

static bool is_untouched(const uint8_t *page)
{
	for (unsigned int i = 0; i < PVN_PAGE_SIZE; i++)
		if (((const volatile uint8_t *)page)[i] != BELOW)
			return false;
	return true;
}

/* ... 0f 01 d9 or 0f 01 c1, and soon after it c3. */
static bool is_call(const uint8_t *page)
{
	for (unsigned int i = 0; i < 32; i++)
		if (page[i] == 0x0f && page[i + 1] == 0x01 &&
		    (page[i + 2] == 0xd9 || page[i + 2] == 0xc1))
			for (unsigned int j = i + 3; j < i + 16; j++)
				if (page[j] == 0xc3)
					return true;
	return false;
}

CASE(page_hides_what_is_below)
{
	memset(page_a, BELOW, sizeof(page_a));
	enable_at(page_a);
	expect_equal("the register", rdmsr(PVN_MSR_HYPERCALL), (uint64_t)page_a | 1);
	expect(is_call(page_a), "the page does not begin with a call: %x %x %x %x", page_a[0],
	       page_a[1], page_a[2], page_a[3]);
	wrmsr(PVN_MSR_HYPERCALL, 0);
	expect(is_untouched(page_a), "the memory below has changed");
}

CASE(page_moves)
{
	memset(page_a, BELOW, sizeof(page_a));
	memset(page_b, BELOW, sizeof(page_b));
	enable_at(page_a);
	enable_at(page_b);
	expect(is_untouched(page_a), "it is still at its old place");
	expect(is_call(page_b), "it is not at its new place");
	enable_at(hypercall_page);
	expect(is_untouched(page_b), "it is still at its second place");
}

CASE(page_needs_an_identity)
{
	wrmsr(PVN_MSR_GUEST_OS_ID, 0);
	expect(!(rdmsr(PVN_MSR_HYPERCALL) & PVN_MSR_PAGE_ENABLE), "it stays when the identity goes");
	memset(page_a, BELOW, sizeof(page_a));
	enable_at(page_a);
	expect(!(rdmsr(PVN_MSR_HYPERCALL) & PVN_MSR_PAGE_ENABLE), "it comes without an identity");
	expect(is_untouched(page_a), "it comes without an identity");
}

CASE(page_must_be_in_the_space)
{
	uint64_t before = rdmsr(PVN_MSR_HYPERCALL);

	expect_fault("a page beyond the space",
		     wrmsr_fault(PVN_MSR_HYPERCALL, 1ull << 52 | PVN_MSR_PAGE_ENABLE), VECTOR_GP);
	expect_equal("the register", rdmsr(PVN_MSR_HYPERCALL), before);
}

static void write_into(void *context)
{
	*(volatile uint8_t *)context = 0xcc;
}

CASE(page_is_not_writable)
{
	uint8_t before = hypercall_page[0];

	expect_fault("a write to the page", catch_fault(write_into, hypercall_page, NULL), VECTOR_GP);
	expect_equal("its first byte", hypercall_page[0], before);
}

static void call_directly(void *context)
{
	(void)context;
	__asm__ volatile("vmmcall" : : "a"(0), "c"(PVN_CALL_notify_long_spin_wait | 1ull << 16), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
}

CASE(call_without_identity_is_undefined)
{
	wrmsr(PVN_MSR_GUEST_OS_ID, 0);
	expect_fault("the instruction", catch_fault(call_directly, NULL, NULL), VECTOR_UD);
}

/* All of the loader's page tables get the user bit, down to the page that is needed. */
static void allow_user(bool allow)
{
	const uint64_t user = 4;
	uint64_t *table = (uint64_t *)(read_cr3() & ~0xfffull);

	for (unsigned int level = 0; level < 3; level++) {
		table[level == 2] = allow ? table[level == 2] | user : table[level == 2] & ~user;
		table = (uint64_t *)(table[0] & 0xffffffffff000ull);
	}
	write_cr3(read_cr3());
}

static const uint8_t call_bytes[16] __attribute__((aligned(16))) = {
	0x0f, 0x01, 0xd9, 0x0f, 0x0b,		/* vmmcall; ud2 */
};

static void call_as_user(void *context)
{
	user_mode_run((uint64_t)context, (uint64_t)(page_a + sizeof(page_a)));
}

CASE(call_from_user_mode_is_undefined)
{
	struct caught caught;

	allow_user(true);
	catch_fault(call_as_user, (void *)call_bytes, &caught);
	allow_user(false);
	expect_fault("the instruction", caught.vector, VECTOR_UD);
	expect_equal("CS", caught.cs, 0x23);
	expect_equal("RIP", caught.rip, (uint64_t)call_bytes);
}

/* A list of two own registers, from 32-bit code: EDX:EAX, EBX:ECX, EDI:ESI. */
CASE(call_from_compatibility_mode_has_its_registers)
{
	const struct pvn_get_vp_registers_in in = { .partition_id = ~0ull };
	uint32_t names[2] = { PVN_REG_GUEST_OS_ID, PVN_REG_VP_INDEX };
	struct pvn_get_vp_registers_oelem out[2];
	uint64_t result;

	memcpy(call_in, &in, sizeof(in));
	memcpy(call_in + sizeof(in), names, sizeof(names));
	memset(call_out, 0xee, sizeof(call_out));
	result = compatibility_mode_call(pvn_control_rep(PVN_CALL_get_vp_registers, 2, 0),
					 (uint64_t)call_in, (uint64_t)call_out);
	expect_equal("result word", result, 2ull << PVN_RESULT_REPS_SHIFT);
	memcpy(out, call_out, sizeof(out));
	expect_equal("GUEST_OS_ID", out[0].low, GUEST_OS_ID);
	expect_equal("VP_INDEX", out[1].low, 0);
	expect_equal("a reserved bit in EDX",
		     compatibility_mode_call(PVN_CALL_get_vp_registers | 1ull << 63, 0, 0),
		     PVN_STATUS_INVALID_HYPERCALL_INPUT);
	/* In registers, whose output is EBX:ECX of the caller: just the status here. */
	expect_equal("the fast form",
		     compatibility_mode_call(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 5, 0),
		     PVN_STATUS_SUCCESS);
}

CASE(call_keeps_registers)
{
	const uint64_t marks[] = { 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666, 0x7777, 0x8888 };
	uint64_t after[8], result;

	__asm__ volatile("push %%rbp\n\t"
			 "mov 0(%[marks]), %%rbx\n\t"
			 "mov 8(%[marks]), %%rbp\n\t"
			 "mov 16(%[marks]), %%r10\n\t"
			 "mov 24(%[marks]), %%r11\n\t"
			 "mov 32(%[marks]), %%r12\n\t"
			 "mov 40(%[marks]), %%r13\n\t"
			 "mov 48(%[marks]), %%r14\n\t"
			 "mov 56(%[marks]), %%r15\n\t"
			 "vmmcall\n\t"
			 "mov %%rbx, 0(%[after])\n\t"
			 "mov %%rbp, 8(%[after])\n\t"
			 "mov %%r10, 16(%[after])\n\t"
			 "mov %%r11, 24(%[after])\n\t"
			 "mov %%r12, 32(%[after])\n\t"
			 "mov %%r13, 40(%[after])\n\t"
			 "mov %%r14, 48(%[after])\n\t"
			 "mov %%r15, 56(%[after])\n\t"
			 "pop %%rbp"
			 : "=a"(result)
			 : [marks] "S"(marks), [after] "D"(after), "c"(0xffff), "d"(0)
			 : "memory", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15");
	expect_status("code 0xffff", result, INVALID_HYPERCALL_CODE);
	for (unsigned int i = 0; i < 8; i++)
		expect_equal("a register", after[i], marks[i]);
}
