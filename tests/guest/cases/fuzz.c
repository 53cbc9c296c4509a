// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Thousands of calls and register accesses with random words, the same ones in every run.
 * The guest survives them, and so do (the host looks) the root and the hypervisor.
 */
#include "testguest.h"

#define CALLS 4000
#define ACCESSES 3000

static uint64_t random_address(struct random *random)
{
	uint64_t r = random_next(random);

	switch (r >> 60 & 7) {
	case 0:
		return r;
	case 1:
		return r & 0xffffffffffffull;
	case 2:
		return (uint64_t)call_in + (r & 0xfff);
	case 3:
		return STORE_PAGE + (r & 0xfff);
	case 4:
		return (uint64_t)hypercall_page + (r & 0xff8);
	default:
		return (uint64_t)call_in + (r & 0xff8);
	}
}

/* Reads only come out of these blocks, so that nothing lands in our own memory. */
static bool is_harmless_output(uint64_t at)
{
	return at - (uint64_t)call_out < sizeof(call_out) || at >= STORE_PAGE;
}

CASE(random_registers_are_survived)
{
	struct random random = { 0x9e3779b97f4a7c15ull };

	for (unsigned int i = 0; i < CALLS; i++) {
		uint64_t control = random_next(&random), in = random_next(&random);
		uint64_t out = random_next(&random);

		hypercall(control, in, is_harmless_output(out) ? out : out | 1ull << 62);
	}
}

/* IPIs to ourselves, at vectors that are exceptions too; and other page tables. */
static bool does_what_it_should(const struct call_row *row)
{
	return row->code == PVN_CALL_send_synthetic_cluster_ipi ||
	       row->code == PVN_CALL_send_synthetic_cluster_ipi_ex ||
	       row->code == PVN_CALL_switch_virtual_address_space;
}

CASE(random_calls_of_the_table_are_survived)
{
	struct random random = { 0xd1b54a32d192ed03ull };

	for (unsigned int i = 0; i < CALLS; i++) {
		const struct call_row *row = &call_rows[random_next(&random) % call_row_count];
		uint64_t noise = random_next(&random), control = row->code;

		if (does_what_it_should(row))
			continue;
		if (noise & 1)
			control |= PVN_CONTROL_FAST;
		if (row->rep || !(noise & 6))
			control |= pvn_control_rep(0, noise >> 8 & 0x3f, noise & 8 ? noise >> 16 & 0x3f : 0);
		if (!(noise >> 3 & 0x1f))
			control |= 1ull << (noise >> 24 & 63);
		for (unsigned int at = 0; at < 512; at += 8) {
			uint64_t word = random_next(&random);

			if (noise >> 40 & 3)
				word &= 0xff;
			memcpy(call_in + at, &word, sizeof(word));
		}
		hypercall(control, random_address(&random),
			  noise >> 50 & 1 ? (uint64_t)call_out : random_next(&random) | 1ull << 62);
	}
}

/* Whose reading or writing does what it should: end the guest, or let it sleep. */
static bool is_left_out(uint32_t msr, bool write)
{
	if (msr == PVN_MSR_GUEST_IDLE || msr == PVN_MSR_RESET || msr == PVN_MSR_CRASH_CTL)
		return true;
	if (!write)
		return false;
	/* Without these the guest cannot tell that it survived; and no overlay over itself. */
	return msr <= PVN_MSR_HYPERCALL || msr == PVN_MSR_REFERENCE_TSC || msr == PVN_MSR_ICR ||
	       msr == PVN_MSR_VP_ASSIST_PAGE || msr == PVN_MSR_SIEFP || msr == PVN_MSR_SIMP;
}

CASE(random_synthetic_registers_are_survived)
{
	struct random random = { 0x2545f4914f6cdd1dull };

	for (unsigned int i = 0; i < ACCESSES; i++) {
		uint64_t noise = random_next(&random);
		uint32_t msr = 0x40000000u + (noise & 0x1ff);
		bool write = noise >> 32 & 1;
		int vector;

		if (is_left_out(msr, write))
			continue;
		vector = write ? wrmsr_fault(msr, random_next(&random) >> (noise >> 40 & 63)) :
				 rdmsr_fault(msr, NULL);
		expect(vector == NO_FAULT || vector == VECTOR_GP, "MSR 0x%x: %s", msr,
		       vector_name(vector));
	}
}

CASE(random_registers_can_be_read)
{
	static const uint32_t bases[] = { 0, 0x100, 0x200, 0x800, 0xc0000000, 0xc0010000, 0xc0011000 };
	struct random random = { 0x853c49e6748fea9bull };

	for (unsigned int i = 0; i < ACCESSES; i++) {
		uint64_t noise = random_next(&random);
		uint32_t msr = noise & 1 ? (uint32_t)(noise >> 32) & 0xbfffffff :
					   bases[noise % ARRAY_COUNT(bases)] + (noise >> 8 & 0x1ff);
		int vector = rdmsr_fault(msr, NULL);

		expect(vector == NO_FAULT || vector == VECTOR_GP, "MSR 0x%x: %s", msr,
		       vector_name(vector));
	}
}

CASE(random_ports_are_survived)
{
	struct random random = { 0xda942042e4dd58b5ull };

	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t noise = random_next(&random);
		uint16_t port = noise & 0xffff;

		/* Power, reset, clock and text are the worker's. */
		if (port >> 4 == PORT_SLEEP_CONTROL >> 4 || port >> 4 == 0xe || port >> 4 == 7)
			continue;
		if (noise >> 16 & 1)
			outl(port, (uint32_t)(noise >> 32));
		else if (port < 0x600 || port > 0x60f)
			expect_equal("a port where nothing is", inl(port), 0xffffffff);
	}
}

/* Calls that look right in their control word, over and over, about anything. */
static void call_at_random(void *context)
{
	struct random random = { *(uint64_t *)context };

	for (unsigned int i = 0; i < 1500; i++) {
		const struct call_row *row = &call_rows[random_next(&random) % call_row_count];

		if (!does_what_it_should(row))
			hypercall(pvn_control_rep(row->code, row->rep, 0), (uint64_t)call_in,
				  (uint64_t)call_out);
	}
}

CASE(calls_of_two_processors_are_survived)
{
	uint64_t zero = 0x243f6a8885a308d3ull, one = 0x13198a2e03707344ull;

	vp_need_second();
	memset(call_in, 0, sizeof(call_in));
	vp_begin(call_at_random, &one);
	call_at_random(&zero);
	vp_finish();
}

static uint8_t places[4][PVN_PAGE_SIZE] PAGE_ALIGNED;

/* Not the hypercall page, which both would call through. */
static void move_pages(void *context)
{
	static const uint32_t pages[] = {
		PVN_MSR_REFERENCE_TSC, PVN_MSR_SIMP, PVN_MSR_SIEFP, PVN_MSR_VP_ASSIST_PAGE,
	};
	struct random random = { *(uint64_t *)context };

	for (unsigned int i = 0; i < 600; i++) {
		uint64_t noise = random_next(&random);
		uint64_t place = (uint64_t)places[noise >> 8 & 3];

		/* Two pages at one place are refused, which is fine. */
		wrmsr_fault(pages[noise & 3], place | (noise >> 16 & 1));
	}
	for (unsigned int i = 0; i < ARRAY_COUNT(pages); i++)
		wrmsr(pages[i], 0);
}

CASE(pages_that_two_processors_move_are_survived)
{
	uint64_t zero = 0xa4093822299f31d0ull, one = 0x082efa98ec4e6c89ull;

	vp_need_second();
	vp_begin(move_pages, &one);
	move_pages(&zero);
	vp_finish();
}

static void use_ports(void *context)
{
	(void)context;
	for (;;)
		inb(PORT_SLEEP_CONTROL);
}

/* INIT may come at any time: also while the worker has the processor's intercept. */
CASE(init_at_any_time_is_survived)
{
	vp_need_second();
	for (unsigned int i = 0; i < 40; i++) {
		vp_begin(use_ports, NULL);
		wait_for((i * 7 % 20) * MSECS / 20);
		expect(vp_start(1), "it does not start for the %u. time", i + 2);
	}
}

/* Every timer of the processor with the shortest period there is. */
CASE(timers_of_no_length_leave_time)
{
	uint64_t start;
	unsigned int turns = 0;

	for (unsigned int i = 0; i < PVN_STIMER_COUNT; i++) {
		wrmsr(PVN_MSR_STIMER0_COUNT + 2 * i, 1);
		wrmsr(PVN_MSR_STIMER0_CONFIG + 2 * i, PVN_STIMER_ENABLE | PVN_STIMER_PERIODIC |
		      PVN_STIMER_DIRECT | (0x50ull + i) << PVN_STIMER_VECTOR_SHIFT);
	}
	wrmsr(MSR_X2APIC_DIVIDE, 0xb);
	wrmsr(MSR_X2APIC_LVT_TIMER, 0x54 | 0x20000);
	wrmsr(MSR_X2APIC_INITIAL, 1);
	start = reference_time();
	interrupts_on();
	for (; reference_time() - start < 200 * MSECS; turns++)
		relax();
	interrupts_off();
	expect(turns > 10, "%u turns of a loop in 200 ms", turns);
}
