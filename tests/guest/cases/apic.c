// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The local APIC in x2APIC form [SDM 3A 11.12 "Extended XAPIC (x2APIC)"].
 */
#include "testguest.h"

#define LOW	0x41
#define HIGH	0x91
#define APIC_BASE_BSP	0x100u
#define APIC_BASE_X2	0xc00u
#define LVT_MASKED	0x10000u
#define LVT_PERIODIC	0x20000u
#define LVT_DEADLINE	0x40000u
#define DIVIDE_BY_1	0xb

static void send_self(unsigned int vector)
{
	wrmsr(MSR_X2APIC_SELF, vector);
}

static bool is_pending(unsigned int vector)
{
	return rdmsr(MSR_X2APIC_IRR0 + vector / 32) >> vector % 32 & 1;
}

static void open_window(void)
{
	interrupts_on();
	interrupts_off();
}

CASE(apic_is_an_x2apic)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	expect_equal("mode", base & APIC_BASE_X2, APIC_BASE_X2);
	expect(base & APIC_BASE_BSP, "VP 0 is not the boot processor");
	expect_equal("page", base & 0xfffff000, 0xfee00000);
	expect_equal("version", rdmsr(MSR_X2APIC_VERSION) & 0xf0, 0x10);
}

CASE(reserved_apic_registers_fault)
{
	static const uint32_t missing[] = { 0x800, 0x801, 0x804, 0x809, 0x80c, 0x80e, 0x831, 0x83a };

	for (unsigned int i = 0; i < ARRAY_COUNT(missing); i++) {
		int vector = rdmsr_fault(missing[i], NULL);

		expect(vector == VECTOR_GP, "0x%x: %s", missing[i], vector_name(vector));
	}
	expect_fault("TPR of 9 bits", wrmsr_fault(MSR_X2APIC_TPR, 0x100), VECTOR_GP);
	expect_fault("EOI of 1", wrmsr_fault(MSR_X2APIC_EOI, 1), VECTOR_GP);
	expect_fault("self IPI of 9 bits", wrmsr_fault(MSR_X2APIC_SELF, 0x100), VECTOR_GP);
	expect_fault("a timer's reserved bit", wrmsr_fault(MSR_X2APIC_LVT_TIMER, 1u << 20), VECTOR_GP);
}

CASE(self_ipi_waits_for_the_window)
{
	send_self(LOW);
	expect(is_pending(LOW), "it is not pending");
	expect_equal("taken with IF = 0", interrupts_taken(0, LOW), 0);
	open_window();
	expect_equal("taken", interrupts_taken(0, LOW), 1);
	expect(!is_pending(LOW), "it is still pending");
	open_window();
	expect_equal("taken", interrupts_taken(0, LOW), 1);
}

CASE(equal_interrupts_merge)
{
	send_self(LOW);
	send_self(LOW);
	open_window();
	open_window();
	expect_equal("taken", interrupts_taken(0, LOW), 1);
}

CASE(task_priority_holds_interrupts_back)
{
	wrmsr(MSR_X2APIC_TPR, LOW & 0xf0);
	send_self(LOW);
	open_window();
	expect_equal("taken below the priority", interrupts_taken(0, LOW), 0);
	expect_equal("PPR", rdmsr(MSR_X2APIC_PPR), LOW & 0xf0);
	wrmsr(MSR_X2APIC_TPR, 0);
	open_window();
	expect_equal("taken", interrupts_taken(0, LOW), 1);
}

CASE(cr8_is_the_task_priority)
{
	uint64_t value = 4;

	__asm__ volatile("mov %0, %%cr8" : : "r"(value));
	expect_equal("TPR", rdmsr(MSR_X2APIC_TPR), 0x40);
	send_self(LOW);
	open_window();
	expect_equal("taken below the priority", interrupts_taken(0, LOW), 0);
	value = 3;
	__asm__ volatile("mov %0, %%cr8" : : "r"(value));
	/* CR8 does not exit: what it held back is looked at again at the next exit. */
	rdmsr(MSR_X2APIC_ID);
	open_window();
	expect_equal("taken", interrupts_taken(0, LOW), 1);
	wrmsr(MSR_X2APIC_TPR, 0x20);
	__asm__ volatile("mov %%cr8, %0" : "=r"(value));
	expect_equal("CR8", value, 2);
}

static unsigned int order[4], order_count;

static void nest(struct trap_frame *frame)
{
	order[order_count++ & 3] = (unsigned int)frame->vector;
	if (frame->vector == LOW) {
		send_self(HIGH);
		interrupts_on();
		interrupts_off();
		order[order_count++ & 3] = 1;
	} else {
		/* Lower than the one in service: waits for the EOI. */
		send_self(LOW + 1);
		interrupts_on();
		interrupts_off();
	}
	apic_eoi();
}

CASE(higher_interrupts_come_first)
{
	order_count = 0;
	set_handler(LOW, nest);
	set_handler(HIGH, nest);
	send_self(LOW);
	open_window();
	open_window();
	expect_equal("handlers", order_count, 3);
	expect(order[0] == LOW && order[1] == HIGH && order[2] == 1, "order 0x%x 0x%x 0x%x", order[0],
	       order[1], order[2]);
	expect_equal("the lower one, afterwards", interrupts_taken(0, LOW + 1), 1);
}

static void look_in_service(struct trap_frame *frame)
{
	(void)frame;
	order[0] = (unsigned int)(rdmsr(MSR_X2APIC_ISR0 + LOW / 32) >> LOW % 32 & 1);
	order[1] = (unsigned int)rdmsr(MSR_X2APIC_PPR);
	apic_eoi();
	order[2] = (unsigned int)(rdmsr(MSR_X2APIC_ISR0 + LOW / 32) >> LOW % 32 & 1);
}

CASE(service_register_follows)
{
	set_handler(LOW, look_in_service);
	send_self(LOW);
	open_window();
	expect_equal("in service", order[0], 1);
	expect_equal("PPR", order[1], LOW & 0xf0);
	expect_equal("in service after EOI", order[2], 0);
}

CASE(nmi_comes_with_interrupts_off)
{
	wrmsr(MSR_X2APIC_ICR, rdmsr(MSR_X2APIC_ID) << 32 | ICR_NMI | ICR_ASSERT);
	expect(wait_until(interrupts_taken(0, VECTOR_NMI) == 1, 3000 * MSECS), "it does not come");
}

static bool taken_within(unsigned int vector, unsigned int times, uint64_t reference_units)
{
	bool taken;

	interrupts_on();
	taken = wait_until(interrupts_taken(0, vector) >= times, reference_units);
	interrupts_off();
	return taken;
}

CASE(apic_timer_fires_once_and_not_early)
{
	uint64_t ticks = rdmsr(PVN_MSR_APIC_FREQUENCY) / 100, start;

	wrmsr(MSR_X2APIC_DIVIDE, DIVIDE_BY_1);
	wrmsr(MSR_X2APIC_LVT_TIMER, LOW);
	start = reference_time();
	wrmsr(MSR_X2APIC_INITIAL, ticks);
	expect(taken_within(LOW, 1, 3000 * MSECS), "it does not fire");
	expect(reference_time() - start >= 10 * MSECS, "it fires after %lu, not 10 ms",
	       reference_time() - start);
	expect_equal("what is left", rdmsr(MSR_X2APIC_CURRENT), 0);
	expect(!taken_within(LOW, 2, 30 * MSECS), "it fires twice");
}

CASE(apic_timer_repeats)
{
	uint64_t ticks = rdmsr(PVN_MSR_APIC_FREQUENCY) / 200, start = reference_time();

	wrmsr(MSR_X2APIC_DIVIDE, DIVIDE_BY_1);
	wrmsr(MSR_X2APIC_LVT_TIMER, LOW | LVT_PERIODIC);
	wrmsr(MSR_X2APIC_INITIAL, ticks);
	expect(taken_within(LOW, 5, 5000 * MSECS), "%u times in 5 seconds",
	       interrupts_taken(0, LOW));
	expect(reference_time() - start >= 25 * MSECS, "5 times 5 ms in %lu",
	       reference_time() - start);
}

CASE(masked_apic_timer_is_silent)
{
	wrmsr(MSR_X2APIC_DIVIDE, DIVIDE_BY_1);
	wrmsr(MSR_X2APIC_LVT_TIMER, LOW | LVT_MASKED);
	wrmsr(MSR_X2APIC_INITIAL, 1000);
	expect(!taken_within(LOW, 1, 10 * MSECS), "it fires");
}

CASE(tsc_deadline_is_not_early)
{
	uint64_t due, last;

	wrmsr(MSR_X2APIC_LVT_TIMER, LOW | LVT_DEADLINE);
	due = rdtsc() + rdmsr(PVN_MSR_TSC_FREQUENCY) / 100;
	wrmsr(MSR_TSC_DEADLINE, due);
	expect_equal("the register", rdmsr(MSR_TSC_DEADLINE), due);
	expect(taken_within(LOW, 1, 3000 * MSECS), "it does not fire");
	last = rdtsc();
	expect(last >= due, "it fires %lu ticks too early", due - last);
	expect_equal("the register", rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + rdmsr(PVN_MSR_TSC_FREQUENCY) / 20);
	wrmsr(MSR_TSC_DEADLINE, 0);
	expect(!taken_within(LOW, 2, 70 * MSECS), "it fires after it was disarmed");
}

CASE(disabled_apic_takes_no_ipi)
{
	wrmsr(MSR_X2APIC_SPURIOUS, 0xff);
	send_self(LOW);
	wrmsr(MSR_X2APIC_SPURIOUS, APIC_ENABLE | 0xff);
	open_window();
	expect_equal("taken", interrupts_taken(0, LOW), 0);
}

CASE(enabling_interrupts_takes_effect_one_instruction_later)
{
	uint64_t seen = 0;

	send_self(LOW);
	/* In the shadow of STI nothing comes: the next instruction turns it off again. */
	__asm__ volatile("sti; cli" : : : "memory");
	seen = interrupts_taken(0, LOW);
	expect_equal("taken in the shadow", seen, 0);
	open_window();
	expect_equal("taken", interrupts_taken(0, LOW), 1);
}

static unsigned int depth, deepest;

static void send_nmi(void)
{
	wrmsr(MSR_X2APIC_ICR, rdmsr(MSR_X2APIC_ID) << 32 | ICR_NMI | ICR_ASSERT);
}

static void nest_nmi(struct trap_frame *frame)
{
	(void)frame;
	if (++depth > deepest)
		deepest = depth;
	if (!vp_self()->taken[VECTOR_NMI]++) {
		send_nmi();
		/* Exits, at which it could come. */
		for (unsigned int i = 0; i < 10; i++)
			rdmsr(MSR_X2APIC_ID);
	}
	depth--;
}

CASE(nmi_waits_for_the_one_before)
{
	depth = deepest = 0;
	set_handler(VECTOR_NMI, nest_nmi);
	send_nmi();
	expect(wait_until(interrupts_taken(0, VECTOR_NMI) == 2, 3000 * MSECS), "%u NMIs come, not 2",
	       interrupts_taken(0, VECTOR_NMI));
	if (deepest > 1)
		test_skip("NMIs nest here: docs/caveats.md");
}

CASE(deadline_in_the_past_fires_at_once)
{
	wrmsr(MSR_X2APIC_LVT_TIMER, LOW | LVT_DEADLINE);
	wrmsr(MSR_TSC_DEADLINE, 1);
	expect(taken_within(LOW, 1, 3000 * MSECS), "it does not fire");
}

/* The shadow of STI ends with an instruction that the hypervisor does for the guest. */
CASE(shadow_ends_with_an_emulated_instruction)
{
	send_self(LOW);
	__asm__ volatile("xor %%eax, %%eax; sti; cpuid; cli" : : : "rax", "rbx", "rcx", "rdx", "memory");
	expect_equal("taken behind CPUID", interrupts_taken(0, LOW), 1);
	send_self(LOW);
	__asm__ volatile("sti; rdmsr; cli" : : "c"(MSR_X2APIC_ID) : "rax", "rdx", "memory");
	expect_equal("taken behind RDMSR", interrupts_taken(0, LOW), 2);
}
