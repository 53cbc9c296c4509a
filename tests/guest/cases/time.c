// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Time: reference counter, reference TSC page, frequencies
 * [TLFS 2.0 15.3 "Reference Counter", 15.5 "Partition Reference TSC Mechanism"].
 */
#include <pvn/abi/event.h>

#include "testguest.h"

static union {
	struct pvn_reference_tsc_page head;
	uint8_t page[PVN_PAGE_SIZE];
} tsc PAGE_ALIGNED;

#define tsc_page tsc.head

static void enable_page(void)
{
	wrmsr(PVN_MSR_REFERENCE_TSC, (uint64_t)&tsc_page | PVN_MSR_PAGE_ENABLE);
}

static uint64_t page_time(void)
{
	const volatile struct pvn_reference_tsc_page *page = &tsc_page;
	uint32_t sequence;
	uint64_t time;

	do {
		sequence = page->sequence;
		if (!sequence)
			test_fail(__FILE__, __LINE__, "the page says that it is not valid");
		time = (uint64_t)((unsigned __int128)rdtsc() * page->scale >> 64) +
		       (uint64_t)page->offset;
	} while (page->sequence != sequence);
	return time;
}

CASE(reference_counter_never_goes_back)
{
	uint64_t last = reference_time();

	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t now = reference_time();

		expect(now >= last, "%lu comes after %lu", now, last);
		last = now;
	}
}

CASE(reference_page_agrees_with_counter)
{
	enable_page();
	for (unsigned int i = 0; i < 500; i++) {
		uint64_t before = reference_time(), page = page_time(), after = reference_time();

		expect(before <= page && page <= after, "%lu, then %lu by the page, then %lu", before,
		       page, after);
	}
}

struct ping_pong {
	uint64_t last;
	unsigned int turn;
	bool wrong;
};

static void take_turns(struct ping_pong *game, unsigned int self)
{
	for (unsigned int i = 0; i < 300 && !game->wrong; i++) {
		uint64_t now;

		if (!wait_until(__atomic_load_n(&game->turn, __ATOMIC_ACQUIRE) == self, 10000 * MSECS))
			test_fail(__FILE__, __LINE__, "the other processor does not answer");
		now = i & 1 ? reference_time() : page_time();
		if (now < game->last)
			game->wrong = true;
		game->last = now;
		__atomic_store_n(&game->turn, !self, __ATOMIC_RELEASE);
	}
}

static void second_player(void *context)
{
	take_turns(context, 1);
}

CASE(processors_have_one_time)
{
	struct ping_pong game = { 0 };

	vp_need_second();
	enable_page();
	vp_begin(second_player, &game);
	take_turns(&game, 0);
	vp_finish();
	expect(!game.wrong, "time went back between two processors, at %lu", game.last);
}

CASE(reference_page_hides_what_is_below)
{
	memset(&tsc_page, 0x5a, sizeof(tsc_page));
	enable_page();
	expect(tsc_page.sequence != 0x5a5a5a5a, "the page is not there");
	wrmsr(PVN_MSR_REFERENCE_TSC, 0);
	expect_equal("what is below", *(volatile uint32_t *)&tsc_page.sequence, 0x5a5a5a5a);
	expect_fault("a page beyond the space",
		     wrmsr_fault(PVN_MSR_REFERENCE_TSC, 1ull << 52 | 1), VECTOR_GP);
}

static void write_page(void *context)
{
	(void)context;
	*(volatile uint64_t *)&tsc_page.scale = 0;
}

CASE(reference_page_is_not_writable)
{
	uint64_t scale;

	enable_page();
	scale = tsc_page.scale;
	expect_fault("a write", catch_fault(write_page, NULL, NULL), VECTOR_GP);
	expect_equal("scale", *(volatile uint64_t *)&tsc_page.scale, scale);
}

/* Both counters over the same stretch, with the reading of one around the other. */
CASE(tsc_frequency_is_right)
{
	uint64_t hz = rdmsr(PVN_MSR_TSC_FREQUENCY), reference, tsc, ticks, expected;

	reference = reference_time();
	tsc = rdtsc();
	wait_for(50 * MSECS);
	ticks = rdtsc() - tsc;
	reference = reference_time() - reference;
	expected = hz / 10000 * reference / 1000;
	expect(ticks < expected + expected / 50 && ticks + expected / 50 > expected,
	       "%lu ticks, by the frequency %lu", ticks, expected);
}

CASE(apic_frequency_is_right)
{
	uint64_t hz = rdmsr(PVN_MSR_APIC_FREQUENCY), reference, count, expected;

	expect(hz >= 1000000, "%lu Hz", hz);
	wrmsr(MSR_X2APIC_DIVIDE, 0xb);
	wrmsr(MSR_X2APIC_INITIAL, 0xffffffff);
	reference = reference_time();
	wait_for(50 * MSECS);
	count = 0xffffffff - rdmsr(MSR_X2APIC_CURRENT);
	reference = reference_time() - reference;
	expected = hz / 10000 * reference / 1000;
	expect(count < expected + expected / 50 && count + expected / 50 > expected,
	       "%lu counts, by the frequency %lu", count, expected);
}

CASE(run_time_is_counted)
{
	uint64_t run = rdmsr(PVN_MSR_VP_RUNTIME), reference = reference_time(), ran;

	wait_for(20 * MSECS);
	ran = rdmsr(PVN_MSR_VP_RUNTIME) - run;
	reference = reference_time() - reference;
	expect(ran > 0, "none in %lu", reference);
	expect(ran <= reference + MSECS, "%lu in %lu", ran, reference);
}

CASE(halted_time_is_not_run_time)
{
	uint64_t run, reference;

	wrmsr(PVN_MSR_STIMER0_CONFIG, PVN_STIMER_DIRECT | 0x40ull << PVN_STIMER_VECTOR_SHIFT |
	      PVN_STIMER_AUTO_ENABLE);
	run = rdmsr(PVN_MSR_VP_RUNTIME);
	reference = reference_time();
	wrmsr(PVN_MSR_STIMER0_COUNT, reference + 100 * MSECS);
	while (!interrupts_taken(0, 0x40))
		halt();
	run = rdmsr(PVN_MSR_VP_RUNTIME) - run;
	reference = reference_time() - reference;
	expect(reference >= 100 * MSECS, "it slept %lu", reference);
	expect(run < reference / 2, "it ran %lu of %lu while it slept", run, reference);
}
