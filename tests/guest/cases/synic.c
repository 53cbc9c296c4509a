// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The synthetic interrupt controller's registers and pages
 * [TLFS 2.0 14.8 "SynIC Interrupt Controller"].
 */
#include <pvn/abi/event.h>

#include "testguest.h"

static struct pvn_message_page messages PAGE_ALIGNED;
static struct pvn_event_page events PAGE_ALIGNED;

CASE(synic_tells_its_version)
{
	expect_equal("SVERSION", rdmsr(PVN_MSR_SVERSION), 1);
}

CASE(eom_reads_zero)
{
	expect_fault("a write", wrmsr_fault(PVN_MSR_EOM, 0x1234), NO_FAULT);
	expect_equal("EOM", rdmsr(PVN_MSR_EOM), 0);
}

CASE(scontrol_keeps_its_bit)
{
	wrmsr(PVN_MSR_SCONTROL, 1);
	expect_equal("SCONTROL", rdmsr(PVN_MSR_SCONTROL) & 1, 1);
	wrmsr(PVN_MSR_SCONTROL, 0);
	expect_equal("SCONTROL", rdmsr(PVN_MSR_SCONTROL) & 1, 0);
}

static void check_reset_sints(void *context)
{
	(void)context;
	for (unsigned int i = 0; i < PVN_SINT_COUNT; i++)
		expect_equal("a SINT", rdmsr(PVN_MSR_SINT0 + i), PVN_SINT_MASKED);
	expect_equal("SCONTROL", rdmsr(PVN_MSR_SCONTROL), 0);
	expect_equal("SIMP", rdmsr(PVN_MSR_SIMP), 0);
	expect_equal("SIEFP", rdmsr(PVN_MSR_SIEFP), 0);
	for (unsigned int i = 0; i < 2 * PVN_STIMER_COUNT; i++)
		expect_equal("a timer", rdmsr(PVN_MSR_STIMER0_CONFIG + i), 0);
}

static void spoil_synic(void *context)
{
	(void)context;
	wrmsr(PVN_MSR_SINT0 + 3, 0x50);
	wrmsr(PVN_MSR_SCONTROL, 1);
	wrmsr(PVN_MSR_STIMER0_CONFIG + 1, 1ull << 60);
}

CASE(init_resets_the_synic)
{
	vp_need_second();
	vp_run(spoil_synic, NULL);
	expect(vp_start(1), "virtual processor 1 does not start again");
	vp_run(check_reset_sints, NULL);
}

CASE(sints_refuse_low_vectors)
{
	for (unsigned int vector = 0; vector < 16; vector++) {
		int got = wrmsr_fault(PVN_MSR_SINT0 + 5, vector);

		expect(got == VECTOR_GP, "vector %u: %s", vector, vector_name(got));
		expect_fault("masked", wrmsr_fault(PVN_MSR_SINT0 + 5, PVN_SINT_MASKED | vector),
			     NO_FAULT);
	}
	expect_fault("vector 16", wrmsr_fault(PVN_MSR_SINT0 + 5, 16), NO_FAULT);
	expect_equal("SINT 5", rdmsr(PVN_MSR_SINT0 + 5) & 0x1ffff, 16);
}

static void check_page(uint32_t msr, volatile uint64_t *page)
{
	*page = 0x1122334455667788ull;
	wrmsr(msr, (uint64_t)page | PVN_MSR_PAGE_ENABLE);
	expect_equal("the register", rdmsr(msr), (uint64_t)page | PVN_MSR_PAGE_ENABLE);
	expect_equal("the page's first word", *page, 0);
	*page = 42;
	expect_equal("what was written", *page, 42);
	*page = 0;
	wrmsr(msr, 0);
	expect_equal("what is below", *page, 0x1122334455667788ull);
	expect_fault("a page beyond the space",
		     wrmsr_fault(msr, 1ull << 52 | PVN_MSR_PAGE_ENABLE), VECTOR_GP);
	*page = 0;
}

CASE(synic_pages_hide_what_is_below)
{
	check_page(PVN_MSR_SIMP, (volatile uint64_t *)&messages);
	check_page(PVN_MSR_SIEFP, (volatile uint64_t *)&events);
}
