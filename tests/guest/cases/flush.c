// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Flushes of translations by call. The second VP looks at a page without ever leaving its
 * guest, so that only the call can make it see where the page has gone: in an emulator
 * too, whose TLB lives as long as nobody exits.
 */
#include "testguest.h"

#define WINDOW	(1ull << 39)		/* the first address of the second top-level entry */
#define PRESENT	3ull			/* and writable */
#define BOTH	3ull

static uint64_t level3[512] PAGE_ALIGNED, level2[512] PAGE_ALIGNED, level1[512] PAGE_ALIGNED;
static uint64_t pages[2][512] PAGE_ALIGNED;

static volatile uint64_t *window(void) { return (volatile uint64_t *)WINDOW; }

static void show(unsigned int page)
{
	__atomic_store_n(&level1[0], (uint64_t)pages[page] | PRESENT, __ATOMIC_SEQ_CST);
}

static void make_window(void)
{
	uint64_t *top = (uint64_t *)(read_cr3() & ~0xfffull);

	pages[0][0] = 1;
	pages[1][0] = 2;
	level2[0] = (uint64_t)level1 | PRESENT;
	level3[0] = (uint64_t)level2 | PRESENT;
	top[1] = (uint64_t)level3 | PRESENT;
	show(0);
}

static uint64_t flush(uint64_t space, uint64_t flags, uint64_t mask)
{
	const struct pvn_flush_virtual_address_space_in in = {
		.address_space = space, .flags = flags, .processor_mask = mask };

	return call_flush_virtual_address_space(&in, NULL);
}

struct watch { bool stop; uint64_t seen, wanted; bool stale; };

/* No instruction here leaves the guest. */
static void watch_window(void *context)
{
	struct watch *watch = context;

	while (!__atomic_load_n(&watch->stop, __ATOMIC_ACQUIRE)) {
		uint64_t wanted = __atomic_load_n(&watch->wanted, __ATOMIC_ACQUIRE);
		uint64_t seen = *window();

		__atomic_store_n(&watch->seen, seen, __ATOMIC_RELEASE);
		if (wanted && seen != wanted &&
		    __atomic_load_n(&watch->wanted, __ATOMIC_ACQUIRE) == wanted)
			watch->stale = true;
		relax();
	}
}

/* Moves the page a hundred times; each time the other must see it when the call is over. */
static void move_and_flush(uint64_t (*flush_both)(void))
{
	struct watch watch = { 0 };

	vp_need_second();
	make_window();
	vp_begin(watch_window, &watch);
	expect(wait_until(__atomic_load_n(&watch.seen, __ATOMIC_ACQUIRE) == 1, 1000 * MSECS),
	       "VP 1 does not look");
	for (unsigned int i = 1; i <= 100; i++) {
		__atomic_store_n(&watch.wanted, 0, __ATOMIC_SEQ_CST);
		show(i % 2);
		expect_status("the flush", flush_both(), SUCCESS);
		expect_equal("what VP 0 sees", *window(), i % 2 + 1);
		__atomic_store_n(&watch.wanted, i % 2 + 1, __ATOMIC_SEQ_CST);
		wait_for(MSECS / 20);
	}
	__atomic_store_n(&watch.stop, true, __ATOMIC_RELEASE);
	vp_finish();
	expect(!watch.stale, "VP 1 has used an old translation after the flush");
}

static uint64_t flush_own_space(void) { return flush(read_cr3(), 0, BOTH); }
static uint64_t flush_all(void) { return flush(~0ull, PVN_FLUSH_ALL_PROCESSORS | PVN_FLUSH_ALL_SPACES, 0); }

static uint64_t flush_list(void)
{
	const struct pvn_flush_virtual_address_list_in in = {
		.address_space = read_cr3(), .processor_mask = BOTH };
	uint64_t range = WINDOW | 7;

	memcpy(call_in, &in, sizeof(in));
	for (unsigned int i = 0; i < 300; i++)
		memcpy(call_in + sizeof(in) + i * sizeof(range), &range, sizeof(range));
	return hypercall_memory(pvn_control_rep(PVN_CALL_flush_virtual_address_list, 300, 0));
}

/* In vector registers, with one bank. */
static uint64_t flush_set(void)
{
	struct fast_block block = { { 0, PVN_FLUSH_ALL_SPACES, PVN_VP_SET_SPARSE, 1, BOTH } };

	return hypercall_fast(PVN_CALL_flush_virtual_address_space_ex | PVN_CONTROL_FAST |
			      1ull << PVN_CONTROL_VARHEAD_SHIFT, &block);
}

static uint64_t flush_set_list(void)
{
	const struct pvn_flush_virtual_address_list_ex_in in = {
		.address_space = read_cr3(), .vp_set_format = PVN_VP_SET_ALL };
	uint64_t range = WINDOW;

	memcpy(call_in, &in, sizeof(in));
	memcpy(call_in + sizeof(in), &range, sizeof(range));
	return hypercall_memory(pvn_control_rep(PVN_CALL_flush_virtual_address_list_ex, 1, 0));
}

CASE(flush_of_a_space_reaches_the_other) { move_and_flush(flush_own_space); }
CASE(flush_of_all_reaches_the_other) { move_and_flush(flush_all); }
CASE(flush_of_a_list_reaches_the_other) { move_and_flush(flush_list); }
CASE(flush_of_a_set_reaches_the_other) { move_and_flush(flush_set); }
CASE(flush_of_a_sets_list_reaches_the_other) { move_and_flush(flush_set_list); }

CASE(flush_is_checked)
{
	struct pvn_flush_virtual_address_list_in list = { .flags = PVN_FLUSH_NON_GLOBAL,
							  .processor_mask = 1 };
	struct pvn_flush_virtual_address_space_ex_in set = { .flags = PVN_FLUSH_ALL_SPACES,
							     .vp_set_format = 2 };

	expect_status("non-global ones", flush(0, PVN_FLUSH_NON_GLOBAL, 1), SUCCESS);
	expect_status("an unknown flag", flush(0, 0x10, 1), INVALID_PARAMETER);
	expect_status("nobody", flush(0, PVN_FLUSH_ALL_SPACES, 0), INVALID_PARAMETER);
	expect_status("those that do not exist", flush(0, PVN_FLUSH_ALL_SPACES, 1ull << 63), SUCCESS);
	expect_status("a space that cannot be", flush(1ull << 60, 0, 1), INVALID_PARAMETER);
	expect_status("a list of non-global ones", call_flush_virtual_address_list(&list, NULL),
		      INVALID_PARAMETER);
	expect_status("an unknown set", call_flush_virtual_address_space_ex(&set, NULL),
		      INVALID_PARAMETER);
	set.vp_set_format = PVN_VP_SET_SPARSE;
	expect_status("an empty set", call_flush_virtual_address_space_ex(&set, NULL), INVALID_PARAMETER);
	set.vp_set_banks = 1;
	expect_status("a set without its bank", call_flush_virtual_address_space_ex(&set, NULL),
		      INVALID_HYPERCALL_INPUT);
}

CASE(address_space_is_switched)
{
	uint64_t old = read_cr3();

	expect_status("to the same", hypercall(PVN_CALL_switch_virtual_address_space | PVN_CONTROL_FAST,
					       old, 0), SUCCESS);
	expect_equal("CR3", read_cr3(), old);
	expect_status("to what cannot be one", hypercall(PVN_CALL_switch_virtual_address_space |
							 PVN_CONTROL_FAST, 1ull << 60, 0),
		      INVALID_PARAMETER);
	expect_equal("CR3 after that", read_cr3(), old);
	make_window();
	expect_equal("the window", *window(), 1);
	show(1);
	expect_status("once more", hypercall(PVN_CALL_switch_virtual_address_space | PVN_CONTROL_FAST,
					     old, 0), SUCCESS);
	expect_equal("the window after it has moved", *window(), 2);
}

static uint64_t rounds;

static void flush_for_a_while(void *context)
{
	uint64_t end = reference_time() + 200 * MSECS;

	(void)context;
	while (reference_time() < end) {
		struct fast_block block = {
			{ 0, PVN_FLUSH_ALL_PROCESSORS | PVN_FLUSH_ALL_SPACES, 0 } };

		expect_status("a flush", hypercall_fast(PVN_CALL_flush_virtual_address_space |
							PVN_CONTROL_FAST, &block), SUCCESS);
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	}
}

CASE(two_that_flush_each_other_go_on)
{
	rounds = 0;
	vp_need_second();
	vp_begin(flush_for_a_while, NULL);
	flush_for_a_while(NULL);
	vp_finish();
	expect(rounds > 100, "%lu flushes in 200 ms", rounds);
}
