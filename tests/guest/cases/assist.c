// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The TLFS's ways to the APIC: registers of their own, and EOI through the assist page
 * [TLFS 2.0 10.3 "Virtual APIC MSRs", 10.3.5 "EOI Assist"].
 */
#include <pvn/abi/event.h>

#include "testguest.h"

#define VECTOR 0x45

static union {
	struct pvn_vp_assist assist;
	uint8_t page[PVN_PAGE_SIZE];
} page PAGE_ALIGNED;
static unsigned int offers, calls;

static void open_window(void)
{
	interrupts_on();
	interrupts_off();
}

static bool take_offer(void)
{
	uint32_t was = __atomic_fetch_and(&page.assist.apic_assist, ~PVN_APIC_ASSIST_NO_EOI,
					  __ATOMIC_SEQ_CST);

	return was & PVN_APIC_ASSIST_NO_EOI;
}

static void end_by_assist(struct trap_frame *frame)
{
	(void)frame;
	calls++;
	if (take_offer())
		offers++;
	else
		wrmsr(PVN_MSR_EOI, 0);
}

static void assist_on(void)
{
	offers = calls = 0;
	memset(&page, 0, sizeof(page));
	wrmsr(PVN_MSR_VP_ASSIST_PAGE, (uint64_t)&page | PVN_MSR_PAGE_ENABLE);
	set_handler(VECTOR, end_by_assist);
}

CASE(assist_page_is_an_overlay)
{
	volatile uint32_t *word = &page.assist.apic_assist;

	*word = 0x12345678;
	wrmsr(PVN_MSR_VP_ASSIST_PAGE, (uint64_t)&page | PVN_MSR_PAGE_ENABLE);
	expect_equal("the register", rdmsr(PVN_MSR_VP_ASSIST_PAGE), (uint64_t)&page | 1);
	expect_equal("the first word", *word, 0);
	wrmsr(PVN_MSR_VP_ASSIST_PAGE, 0);
	expect_equal("what is below", *word, 0x12345678);
}

CASE(interrupts_end_without_an_exit)
{
	assist_on();
	for (unsigned int i = 0; i < 10; i++) {
		wrmsr(MSR_X2APIC_SELF, VECTOR);
		open_window();
	}
	expect_equal("interrupts", calls, 10);
	expect_equal("offers taken", offers, 10);
	expect_equal("in service", rdmsr(MSR_X2APIC_ISR0 + VECTOR / 32), 0);
}

CASE(no_offer_when_another_waits)
{
	assist_on();
	set_handler(VECTOR + 1, end_by_assist);
	wrmsr(MSR_X2APIC_SELF, VECTOR);
	wrmsr(MSR_X2APIC_SELF, VECTOR + 1);
	open_window();
	open_window();
	expect_equal("interrupts", calls, 2);
	expect(offers < 2, "an offer was made although another interrupt waited");
}

CASE(offer_not_taken_is_no_eoi)
{
	assist_on();
	set_handler(VECTOR, NULL);	/* counts, and ends by the APIC's own register */
	wrmsr(MSR_X2APIC_SELF, VECTOR);
	open_window();
	wrmsr(MSR_X2APIC_SELF, VECTOR);
	open_window();
	expect_equal("interrupts", interrupts_taken(0, VECTOR), 2);
	expect_equal("in service", rdmsr(MSR_X2APIC_ISR0 + VECTOR / 32), 0);
}

static void end_by_register(struct trap_frame *frame)
{
	(void)frame;
	calls++;
	wrmsr(PVN_MSR_EOI, 0);
}

CASE(eoi_register_ends_interrupts)
{
	calls = 0;
	set_handler(VECTOR, end_by_register);
	for (unsigned int i = 0; i < 3; i++) {
		wrmsr(MSR_X2APIC_SELF, VECTOR);
		open_window();
	}
	expect_equal("interrupts", calls, 3);
	expect_fault("high bits", wrmsr_fault(PVN_MSR_EOI, 1ull << 32), VECTOR_GP);
}

CASE(icr_register_sends)
{
	wrmsr(PVN_MSR_ICR, rdmsr(MSR_X2APIC_ID) << 56 | VECTOR | ICR_ASSERT);
	open_window();
	expect_equal("interrupts", interrupts_taken(0, VECTOR), 1);
}

CASE(tpr_register_is_the_task_priority)
{
	wrmsr(PVN_MSR_TPR, 0x50);
	expect_equal("the APIC's TPR", rdmsr(MSR_X2APIC_TPR), 0x50);
	wrmsr(MSR_X2APIC_TPR, 0x30);
	expect_equal("TPR", rdmsr(PVN_MSR_TPR), 0x30);
	expect_fault("9 bits", wrmsr_fault(PVN_MSR_TPR, 0x100), VECTOR_GP);
}
