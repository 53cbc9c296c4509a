// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Synthetic timers [TLFS 2.0 15.4 "Synthetic Timers"].
 */
#include <pvn/abi/event.h>

#include "testguest.h"

#define VECTOR	0x41
#define SINT	4
#define CONFIG(i) (PVN_MSR_STIMER0_CONFIG + 2 * (i))
#define COUNT(i)  (PVN_MSR_STIMER0_COUNT + 2 * (i))
#define DIRECT	(PVN_STIMER_ENABLE | PVN_STIMER_DIRECT | (uint64_t)VECTOR << PVN_STIMER_VECTOR_SHIFT)
#define TO_SINT	(PVN_STIMER_ENABLE | (uint64_t)SINT << PVN_STIMER_SINT_SHIFT)

static struct pvn_message_page messages PAGE_ALIGNED;
static volatile uint64_t fired_at;

static void note_time(struct trap_frame *frame)
{
	struct guest_vp *vp = vp_self();

	fired_at = reference_time();
	vp->taken[frame->vector]++;
	apic_eoi();
}

static void messages_on(void)
{
	wrmsr(PVN_MSR_SIMP, (uint64_t)&messages | PVN_MSR_PAGE_ENABLE);
	/* The overlay, which has kept what the case before left in it. */
	memset(&messages, 0, sizeof(messages));
	wrmsr(PVN_MSR_SINT0 + SINT, VECTOR);
	wrmsr(PVN_MSR_SCONTROL, 1);
}

static bool wait_fired(unsigned int times, uint64_t reference_units)
{
	bool fired;

	interrupts_on();
	fired = wait_until(interrupts_taken(0, VECTOR) >= times, reference_units);
	interrupts_off();
	return fired;
}

CASE(direct_timer_fires_once_and_not_early)
{
	uint64_t due = reference_time() + 10 * MSECS;

	set_handler(VECTOR, note_time);
	wrmsr(COUNT(0), due);
	wrmsr(CONFIG(0), DIRECT);
	expect(wait_fired(1, 3000 * MSECS), "it does not fire");
	expect(fired_at >= due, "it fires %lu too early", due - fired_at);
	expect(!(rdmsr(CONFIG(0)) & PVN_STIMER_ENABLE), "it is still on");
	expect(!wait_fired(2, 20 * MSECS), "it fires twice");
}

CASE(all_four_timers_work)
{
	for (unsigned int i = 0; i < PVN_STIMER_COUNT; i++) {
		wrmsr(COUNT(i), reference_time() + MSECS);
		wrmsr(CONFIG(i), DIRECT);
		expect(wait_fired(i + 1, 3000 * MSECS), "timer %u does not fire", i);
	}
}

CASE(timer_in_the_past_fires_at_once)
{
	wrmsr(COUNT(1), 1);
	wrmsr(CONFIG(1), DIRECT);
	expect(wait_fired(1, 3000 * MSECS), "it does not fire");
}

CASE(periodic_timer_keeps_its_pace)
{
	const uint64_t period = 5 * MSECS;
	uint64_t start = reference_time(), periods;
	unsigned int taken;

	wrmsr(COUNT(0), period);
	wrmsr(CONFIG(0), DIRECT | PVN_STIMER_PERIODIC);
	interrupts_on();
	wait_for(200 * MSECS);
	interrupts_off();
	taken = interrupts_taken(0, VECTOR);
	periods = (reference_time() - start) / period;
	/* Those that go by while others run on our processor are not caught up with. */
	expect(taken <= periods + 1, "%u in %lu periods", taken, periods);
	expect(taken >= 2, "%u in %lu periods", taken, periods);
	wrmsr(CONFIG(0), 0);
	wait_fired(~0u, MSECS);
	taken = interrupts_taken(0, VECTOR);
	expect(!wait_fired(taken + 1, 3 * period), "it fires after it was turned off");
}

CASE(message_timer_sends_a_message)
{
	const struct pvn_message *slot = &messages.sint[SINT];
	struct pvn_timer_message payload;
	uint64_t due;

	messages_on();
	due = reference_time() + 10 * MSECS;
	wrmsr(COUNT(2), due);
	wrmsr(CONFIG(2), TO_SINT);
	expect(wait_fired(1, 3000 * MSECS), "no interrupt comes");
	expect_equal("message type", slot->type, PVN_MESSAGE_TIMER_EXPIRED);
	expect_equal("payload's length", slot->payload_bytes, sizeof(payload));
	memcpy(&payload, slot->payload, sizeof(payload));
	expect_equal("timer", payload.timer, 2);
	expect_equal("due time", payload.expired_at, due);
	expect(payload.delivered_at >= due, "it comes %lu too early", due - payload.delivered_at);
}

CASE(full_slot_keeps_the_next_message_waiting)
{
	volatile struct pvn_message *slot = &messages.sint[SINT];

	messages_on();
	slot->type = 77;
	wrmsr(COUNT(0), 1);
	wrmsr(CONFIG(0), TO_SINT);
	expect(!wait_fired(1, 5 * MSECS), "an interrupt comes for a message that does not fit");
	expect_equal("type of the message before", slot->type, 77);
	expect(slot->flags & PVN_MESSAGE_FLAG_PENDING, "nothing says that one waits");
	slot->type = 0;
	wrmsr(PVN_MSR_EOM, 0);
	expect(wait_fired(1, 3000 * MSECS), "EOM does not bring it");
	expect_equal("message type", slot->type, PVN_MESSAGE_TIMER_EXPIRED);
}

CASE(timer_without_a_way_stays_off)
{
	wrmsr(COUNT(0), reference_time() + MSECS);
	wrmsr(CONFIG(0), PVN_STIMER_ENABLE);
	expect(!(rdmsr(CONFIG(0)) & PVN_STIMER_ENABLE), "SINT 0, not direct: it is on");
}

CASE(count_starts_and_stops_timers)
{
	wrmsr(CONFIG(0), (DIRECT & ~PVN_STIMER_ENABLE) | PVN_STIMER_AUTO_ENABLE);
	wrmsr(COUNT(0), reference_time() + 50 * MSECS);
	expect(rdmsr(CONFIG(0)) & PVN_STIMER_ENABLE, "a count does not turn it on");
	wrmsr(COUNT(0), 0);
	expect(!(rdmsr(CONFIG(0)) & PVN_STIMER_ENABLE), "count 0 does not turn it off");
	expect(!wait_fired(1, 70 * MSECS), "it fires with count 0");
}

CASE(timer_that_is_turned_off_does_not_fire)
{
	wrmsr(COUNT(0), reference_time() + 50 * MSECS);
	wrmsr(CONFIG(0), DIRECT);
	wrmsr(CONFIG(0), 0);
	expect(!wait_fired(1, 70 * MSECS), "it fires");
}

CASE(reserved_timer_bits_are_refused)
{
	static const unsigned int bits[] = { 13, 14, 15, 20, 31, 32, 63 };

	for (unsigned int i = 0; i < ARRAY_COUNT(bits); i++) {
		int vector = wrmsr_fault(CONFIG(0), 1ull << bits[i]);

		expect(vector == VECTOR_GP, "bit %u: %s", bits[i], vector_name(vector));
	}
}

CASE(idle_register_wakes_with_interrupts_off)
{
	uint64_t due = reference_time() + 10 * MSECS;

	wrmsr(COUNT(0), due);
	wrmsr(CONFIG(0), DIRECT);
	rdmsr(PVN_MSR_GUEST_IDLE);
	expect(reference_time() >= due, "it wakes before the interrupt");
	expect_equal("interrupts taken with IF = 0", interrupts_taken(0, VECTOR), 0);
	expect(wait_fired(1, 3000 * MSECS), "the interrupt is lost");
}

CASE(halted_processor_wakes)
{
	uint64_t due = reference_time() + 10 * MSECS;

	wrmsr(COUNT(0), due);
	wrmsr(CONFIG(0), DIRECT);
	while (!interrupts_taken(0, VECTOR))
		halt();
	expect(reference_time() >= due, "it wakes before the interrupt");
}

static void no_eoi(struct trap_frame *frame)
{
	vp_self()->taken[frame->vector]++;
	messages.sint[SINT].type = PVN_MESSAGE_NONE;
}

CASE(auto_eoi_needs_no_eoi)
{
	messages_on();
	wrmsr(PVN_MSR_SINT0 + SINT, VECTOR | PVN_SINT_AUTO_EOI);
	set_handler(VECTOR, no_eoi);
	for (unsigned int i = 1; i <= 3; i++) {
		wrmsr(COUNT(0), 1);
		wrmsr(CONFIG(0), TO_SINT);
		expect(wait_fired(i, 3000 * MSECS), "interrupt %u does not come", i);
		expect_equal("in service", rdmsr(MSR_X2APIC_ISR0 + VECTOR / 32), 0);
	}
}

static void check_silent(uint64_t sint)
{
	messages_on();
	wrmsr(PVN_MSR_SINT0 + SINT, sint);
	wrmsr(COUNT(0), 1);
	wrmsr(CONFIG(0), TO_SINT);
	expect(!wait_fired(1, 5 * MSECS), "an interrupt comes");
	expect_equal("message type", *(volatile uint32_t *)&messages.sint[SINT].type,
		     PVN_MESSAGE_TIMER_EXPIRED);
	wrmsr(PVN_MSR_SIMP, 0);
}

CASE(masked_and_polled_sints_have_no_interrupt)
{
	check_silent(VECTOR | PVN_SINT_MASKED);
	check_silent(VECTOR | PVN_SINT_POLLING);
}

static void idle_in_service(struct trap_frame *frame)
{
	(void)frame;
	wrmsr(COUNT(0), reference_time() + 5 * MSECS);
	wrmsr(CONFIG(0), DIRECT);
	rdmsr(PVN_MSR_GUEST_IDLE);
	fired_at = reference_time();
	apic_eoi();
}

CASE(idle_register_wakes_for_any_priority)
{
	uint64_t start = reference_time();

	fired_at = 0;
	set_handler(VECTOR + 1, idle_in_service);
	wrmsr(MSR_X2APIC_SELF, VECTOR + 1);
	expect(wait_fired(1, 3000 * MSECS), "the interrupt is lost");
	expect(fired_at >= start + 5 * MSECS, "it wakes before the interrupt");
}
