// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Two processors: start-up, interrupts between them, and the call that sends many.
 */
#include "testguest.h"

#define VECTOR 0x61
#define TIME (3000 * MSECS)

static bool second_took(unsigned int times)
{
	return wait_until(interrupts_taken(1, VECTOR) >= times, TIME);
}

static void send(uint64_t destination, uint32_t icr)
{
	wrmsr(MSR_X2APIC_ICR, destination << 32 | icr);
}

CASE(second_processor_starts)
{
	vp_need_second();
	expect(vp_at(1)->online, "it is not there");
}

CASE(second_processor_starts_again_and_again)
{
	vp_need_second();
	for (unsigned int i = 0; i < 10; i++)
		expect(vp_start(1), "it does not start for the %u. time", i + 2);
}

static void spin(void *context)
{
	unsigned int *count = context;

	for (;;) {
		__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
		relax();
	}
}

CASE(init_stops_a_busy_processor)
{
	unsigned int count = 0, before;

	vp_need_second();
	vp_begin(spin, &count);
	expect(wait_until(__atomic_load_n(&count, __ATOMIC_RELAXED) > 10, TIME), "it does not run");
	vp_stop_second();
	wait_for(20 * MSECS);
	before = __atomic_load_n(&count, __ATOMIC_RELAXED);
	wait_for(20 * MSECS);
	expect_equal("turns after INIT", __atomic_load_n(&count, __ATOMIC_RELAXED), before);
	expect(vp_start(1), "it does not start afterwards");
}

CASE(startup_without_init_is_ignored)
{
	unsigned int count = 0;

	vp_need_second();
	vp_begin(spin, &count);
	expect(wait_until(__atomic_load_n(&count, __ATOMIC_RELAXED) > 10, TIME), "it does not run");
	vp_at(1)->online = false;
	send(1, ICR_STARTUP | 8);
	expect(!wait_until(__atomic_load_n(&vp_at(1)->online, __ATOMIC_ACQUIRE), 20 * MSECS),
	       "it starts again");
	vp_at(1)->online = true;
	expect(vp_start(1), "it does not start after INIT");
}

CASE(ipi_reaches_the_other)
{
	vp_need_second();
	send(1, VECTOR | ICR_ASSERT);
	expect(second_took(1), "it does not come");
	expect_equal("taken by the sender", interrupts_taken(0, VECTOR), 0);
}

CASE(ipi_to_a_logical_destination)
{
	vp_need_second();
	expect_equal("LDR", rdmsr(MSR_X2APIC_LDR), 1);
	send(2, VECTOR | ICR_ASSERT | ICR_LOGICAL);
	expect(second_took(1), "it does not come");
	send(3, VECTOR | ICR_ASSERT | ICR_LOGICAL);
	expect(second_took(2), "one to both does not come");
	interrupts_on();
	interrupts_off();
	expect_equal("taken by the sender", interrupts_taken(0, VECTOR), 1);
}

CASE(ipi_to_all_and_to_others)
{
	vp_need_second();
	send(0, VECTOR | ICR_ASSERT | ICR_OTHERS);
	expect(second_took(1), "to others: it does not come");
	interrupts_on();
	interrupts_off();
	expect_equal("to others: taken by the sender", interrupts_taken(0, VECTOR), 0);
	send(0, VECTOR | ICR_ASSERT | ICR_ALL);
	expect(second_took(2), "to all: it does not come");
	interrupts_on();
	interrupts_off();
	expect_equal("to all: taken by the sender", interrupts_taken(0, VECTOR), 1);
}

CASE(ipi_to_nobody_is_lost)
{
	vp_need_second();
	send(50, VECTOR | ICR_ASSERT);
	wait_for(5 * MSECS);
	interrupts_on();
	interrupts_off();
	expect_equal("taken", interrupts_taken(0, VECTOR) + interrupts_taken(1, VECTOR), 0);
}

CASE(many_ipis_lose_none)
{
	vp_need_second();
	for (unsigned int i = 1; i <= 500; i++) {
		send(1, VECTOR | ICR_ASSERT);
		expect(second_took(i), "number %u does not come", i);
	}
	expect_equal("taken", interrupts_taken(1, VECTOR), 500);
}

CASE(cluster_ipi_reaches_those_named)
{
	struct pvn_send_synthetic_cluster_ipi_in in = { .vector = VECTOR, .processor_mask = 2 };

	vp_need_second();
	expect_status("to VP 1", call_send_synthetic_cluster_ipi(&in, NULL), SUCCESS);
	expect(second_took(1), "it does not come");
	in.processor_mask = 3;
	expect_status("to both", call_send_synthetic_cluster_ipi(&in, NULL), SUCCESS);
	expect(second_took(2), "one to both does not come");
	interrupts_on();
	interrupts_off();
	expect_equal("taken by the sender", interrupts_taken(0, VECTOR), 1);
	expect_status("fast", hypercall(PVN_CALL_send_synthetic_cluster_ipi | PVN_CONTROL_FAST, VECTOR,
					2), SUCCESS);
	expect(second_took(3), "the fast form's does not come");
}

CASE(cluster_ipi_is_checked)
{
	struct pvn_send_synthetic_cluster_ipi_in in = { .vector = 15, .processor_mask = 1 };

	expect_status("vector 15", call_send_synthetic_cluster_ipi(&in, NULL), INVALID_PARAMETER);
	in.vector = 256;
	expect_status("vector 256", call_send_synthetic_cluster_ipi(&in, NULL), INVALID_PARAMETER);
	in.vector = VECTOR;
	in.target_vtl = 1;
	expect_status("another trust level", call_send_synthetic_cluster_ipi(&in, NULL),
		      INVALID_PARAMETER);
	in.target_vtl = 0;
	in.processor_mask = 0;
	expect_status("to nobody", call_send_synthetic_cluster_ipi(&in, NULL), SUCCESS);
	in.processor_mask = ~0xffull;
	expect_status("to VPs that do not exist", call_send_synthetic_cluster_ipi(&in, NULL),
		      SUCCESS);
}

CASE(ipi_to_everybody_by_number)
{
	vp_need_second();
	send(0xffffffff, VECTOR | ICR_ASSERT);
	expect(second_took(1), "it does not come");
	interrupts_on();
	interrupts_off();
	expect_equal("taken by the sender", interrupts_taken(0, VECTOR), 1);
}

static void spoil_apic(void *context)
{
	(void)context;
	wrmsr(MSR_X2APIC_LVT_TIMER, 0x20055);
	wrmsr(MSR_X2APIC_TPR, 0xf0);
	wrmsr(MSR_X2APIC_DIVIDE, 0xb);
	wrmsr(MSR_X2APIC_INITIAL, 0xffffffff);
	wrmsr(MSR_X2APIC_SELF, VECTOR);
}

static void check_reset_apic(void *context)
{
	(void)context;
	expect_equal("the timer's LVT", rdmsr(MSR_X2APIC_LVT_TIMER), 0x10000);
	expect_equal("TPR", rdmsr(MSR_X2APIC_TPR), 0);
	expect_equal("initial count", rdmsr(MSR_X2APIC_INITIAL), 0);
	expect_equal("IRR", rdmsr(MSR_X2APIC_IRR0 + VECTOR / 32), 0);
	expect_equal("APIC id", rdmsr(MSR_X2APIC_ID), 1);
	expect(!(rdmsr(MSR_APIC_BASE) & 0x100), "it has become the boot processor");
}

CASE(init_resets_the_apic)
{
	vp_need_second();
	vp_run(spoil_apic, NULL);
	expect(vp_start(1), "virtual processor 1 does not start again");
	vp_run(check_reset_apic, NULL);
}
