// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Local APIC: acceptance and priority, EOI in all its forms, inter-processor interrupts, timer.
 */
#include "fake_vhw.h"

#include <string.h>

#define REG_EOI		0x0b
#define REG_SPURIOUS	0x0f
#define REG_ISR		0x10
#define REG_ESR		0x28
#define REG_ICR		0x30
#define REG_LVT_TIMER	0x32
#define REG_INITIAL	0x38
#define REG_CURRENT	0x39
#define REG_DIVIDE	0x3e
#define REG_SELF	0x3f
#define MSR_DEADLINE	0x6e0
#define BY_1		0xb
#define PERIODIC	0x20000
#define DEADLINE	0x40000
#define MASKED		0x10000

static void accept_next(struct vp *vp)
{
	int vector = lapic_pending(vp);

	assert_in_range(vector, 16, 255);
	lapic_accept(vp, vector);
}

static bool in_service(struct vp *vp, unsigned int vector)
{
	return fake_rdmsr(vp, X2APIC_MSR(REG_ISR + vector / 32)) >> vector % 32 & 1;
}

static void enable_assist(struct vp *vp)
{
	fake_wrmsr(vp, PVN_MSR_VP_ASSIST_PAGE, 0x5000 | PVN_MSR_PAGE_ENABLE);
}

static void an_apic_in_reset_is_in_x2apic_mode_and_software_disabled(void **state)
{
	(void)state;
	lapic_reset(fake.vp[1]);
	assert_int_equal(fake_rdmsr(fake.vp[0], 0x1b), 0xfee00d00);
	assert_int_equal(fake_rdmsr(fake.vp[1], 0x1b), 0xfee00c00);
	assert_int_equal(fake_rdmsr(fake.vp[1], X2APIC_MSR(REG_SPURIOUS)), 0xff);
	assert_int_equal(fake_rdmsr(fake.vp[1], X2APIC_MSR(REG_LVT_TIMER)), MASKED);
	lapic_raise(fake.vp[1], 0x40);
	fake_wrmsr(fake.vp[1], X2APIC_MSR(REG_SPURIOUS), 0x1ff);
	assert_int_equal(lapic_pending(fake.vp[1]), -1);
}

static void x2apic_mode_cannot_be_left(void **state)
{
	bool bad_value;

	(void)state;
	/* Refused, but not for good: an MSR intercept gets it, without one it is #GP. */
	assert_false(msr_write(fake.vp[0], 0x1b, 0xfee00900, &bad_value));
	assert_false(bad_value);
	assert_false(msr_write(fake.vp[0], 0x1b, 0xfed00d00, &bad_value));
	assert_false(bad_value);
	assert_true(msr_write(fake.vp[0], 0x1b, 0xfee00d00, &bad_value));
	assert_int_equal(fake_rdmsr(fake.vp[0], 0x1b), 0xfee00d00);
}

static void the_highest_vector_is_delivered_first(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	lapic_raise(vp, 0x41);
	lapic_raise(vp, 0xef);
	lapic_raise(vp, 0x80);
	assert_int_equal(fake.notified[0], 3);
	assert_int_equal(lapic_pending(vp), 0xef);
	accept_next(vp);
	assert_int_equal(lapic_pending(vp), -1);
	lapic_eoi(vp);
	assert_int_equal(lapic_pending(vp), 0x80);
}

static void a_vector_of_the_class_in_service_waits(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	lapic_raise(vp, 0x41);
	accept_next(vp);
	lapic_raise(vp, 0x4f);
	assert_int_equal(lapic_pending(vp), -1);
	lapic_raise(vp, 0x50);
	assert_int_equal(lapic_pending(vp), 0x50);
}

static void task_priority_holds_vectors_back(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	lapic_raise(vp, 0x4f);
	fake_wrmsr(vp, X2APIC_MSR(0x08), 0x40);
	assert_int_equal(lapic_pending(vp), -1);
	assert_false(lapic_has_wakeup(vp));
	assert_int_equal(fake_rdmsr(vp, X2APIC_MSR(0x0a)), 0x40);
	fake_wrmsr(vp, X2APIC_MSR(0x08), 0x30);
	assert_int_equal(lapic_pending(vp), 0x4f);
	assert_true(lapic_has_wakeup(vp));
}

static void eoi_of_something_other_than_zero_faults(void **state)
{
	(void)state;
	assert_true(fake_wrmsr_faults(fake.vp[0], X2APIC_MSR(REG_EOI), 1));
	assert_false(fake_wrmsr_faults(fake.vp[0], X2APIC_MSR(REG_EOI), 0));
}

static void read_only_and_absent_registers_fault(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	assert_true(fake_wrmsr_faults(vp, X2APIC_MSR(0x02), 0));
	assert_true(fake_wrmsr_faults(vp, X2APIC_MSR(0x0d), 0));
	assert_true(fake_wrmsr_faults(vp, X2APIC_MSR(REG_ISR), 0));
	assert_true(fake_wrmsr_faults(vp, X2APIC_MSR(0x31), 0));
	assert_true(fake_wrmsr_faults(vp, X2APIC_MSR(REG_LVT_TIMER), 1ull << 32));
	assert_true(fake_wrmsr_faults(vp, X2APIC_MSR(REG_LVT_TIMER), 1u << 20));
	assert_true(fake_rdmsr_faults(vp, X2APIC_MSR(REG_EOI)));
	assert_true(fake_rdmsr_faults(vp, X2APIC_MSR(0x2e)));
}

static void the_assist_is_offered_for_a_lone_edge_interrupt(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	enable_assist(vp);
	lapic_raise(vp, 0x50);
	accept_next(vp);
	assert_int_equal(vp->assist->apic_assist, PVN_APIC_ASSIST_NO_EOI);
	assert_true(in_service(vp, 0x50));
	/* The guest takes it. */
	vp->assist->apic_assist = 0;
	assert_false(in_service(vp, 0x50));
	assert_int_equal(lapic_pending(vp), -1);
}

static void without_the_page_enabled_no_assist_is_offered(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	lapic_raise(vp, 0x50);
	accept_next(vp);
	assert_int_equal(vp->assist->apic_assist, 0);
}

static void the_assist_is_not_offered_when_another_vector_waits(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	enable_assist(vp);
	lapic_raise(vp, 0x50);
	lapic_raise(vp, 0x40);
	accept_next(vp);
	assert_int_equal(vp->assist->apic_assist, 0);
}

static void the_assist_is_withdrawn_when_another_vector_comes(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	enable_assist(vp);
	lapic_raise(vp, 0x50);
	accept_next(vp);
	lapic_raise(vp, 0x40);
	assert_int_equal(lapic_pending(vp), -1);
	assert_int_equal(vp->assist->apic_assist, 0);
	assert_true(in_service(vp, 0x50));
	lapic_eoi(vp);
	assert_int_equal(lapic_pending(vp), 0x40);
}

static void an_assist_taken_lets_a_lower_vector_through(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	enable_assist(vp);
	lapic_raise(vp, 0x50);
	accept_next(vp);
	vp->assist->apic_assist = 0;
	lapic_raise(vp, 0x40);
	assert_true(lapic_has_wakeup(vp));
	assert_int_equal(lapic_pending(vp), 0x40);
}

static void a_real_eoi_in_spite_of_the_offer_retires_one_vector_only(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	lapic_raise(vp, 0x50);
	accept_next(vp);
	enable_assist(vp);
	lapic_raise(vp, 0x60);
	accept_next(vp);
	assert_int_equal(vp->assist->apic_assist, 0);	/* nested: no offer */
	fake_wrmsr(vp, PVN_MSR_EOI, 0);
	assert_true(in_service(vp, 0x50));
	fake_wrmsr(vp, PVN_MSR_EOI, 0);
	lapic_raise(vp, 0x70);
	accept_next(vp);
	assert_int_equal(vp->assist->apic_assist, PVN_APIC_ASSIST_NO_EOI);
	fake_wrmsr(vp, PVN_MSR_EOI, 0);
	assert_int_equal(vp->assist->apic_assist, 0);
	assert_false(in_service(vp, 0x70));
}

static void turning_the_assist_page_off_ends_an_offer(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	enable_assist(vp);
	lapic_raise(vp, 0x50);
	accept_next(vp);
	fake_wrmsr(vp, PVN_MSR_VP_ASSIST_PAGE, 0);
	assert_true(in_service(vp, 0x50));
	assert_int_equal(fake_overlay_of(vp->assist), ~0ull);
	lapic_eoi(vp);
	assert_false(in_service(vp, 0x50));
}

static void a_level_interrupt_is_acknowledged_physically_by_the_guests_eoi(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	enable_assist(vp);
	lapic_raise_device(vp, 0x51, true);
	accept_next(vp);
	assert_int_equal(vp->assist->apic_assist, 0);
	assert_int_equal(fake.device_eoi_count, 0);
	lapic_eoi(vp);
	assert_int_equal(fake.device_eoi_count, 1);
	assert_int_equal(fake.device_eois[0], 0x51);
	lapic_raise_device(vp, 0x61, false);
	accept_next(vp);
	lapic_eoi(vp);
	assert_int_equal(fake.device_eoi_count, 1);
}

static void level_interrupts_are_acknowledged_physically_from_the_highest(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	lapic_raise_device(vp, 0x31, true);
	accept_next(vp);
	/* A higher one comes while the guest still holds it off. */
	lapic_raise_device(vp, 0x61, true);
	lapic_eoi(vp);
	assert_int_equal(fake.device_eoi_count, 0);
	accept_next(vp);
	lapic_eoi(vp);
	assert_int_equal(fake.device_eoi_count, 2);
	assert_int_equal(fake.device_eois[0], 0x61);
	assert_int_equal(fake.device_eois[1], 0x31);
}

static void a_reset_acknowledges_what_nobody_will(void **state)
{
	(void)state;
	lapic_raise_device(fake.vp[0], 0x31, true);
	lapic_raise_device(fake.vp[0], 0x61, true);
	lapic_reset(fake.vp[0]);
	assert_int_equal(fake.device_eoi_count, 2);
	assert_int_equal(fake.device_eois[0], 0x61);
	assert_int_equal(lapic_pending(fake.vp[0]), -1);
}

static void send(unsigned int from, uint64_t icr) { fake_wrmsr(fake.vp[from], X2APIC_MSR(REG_ICR), icr); }

static unsigned int who_has(uint8_t vector)
{
	unsigned int mask = 0;

	for (unsigned int i = 0; i < FAKE_VPS; i++)
		if (lapic_pending(fake.vp[i]) == vector)
			mask |= 1u << i;
	return mask;
}

static void an_ipi_reaches_its_physical_destination(void **state)
{
	(void)state;
	send(0, 2ull << 32 | 0x40);
	assert_int_equal(who_has(0x40), 1u << 2);
	send(0, 9ull << 32 | 0x41);
	assert_int_equal(who_has(0x41), 0);
	send(0, 0xffffffffull << 32 | 0x42);
	assert_int_equal(who_has(0x42), 0xf);
}

static void an_ipi_reaches_its_logical_destinations(void **state)
{
	(void)state;
	fake.vp[3]->lapic.id = 0x12;	/* cluster 1, bit 2 */
	send(0, 0x6ull << 32 | 0x800 | 0x40);
	assert_int_equal(who_has(0x40), 0x6);
	send(0, 0x10004ull << 32 | 0x800 | 0x41);
	assert_int_equal(who_has(0x41), 0x8);
	assert_int_equal(fake_rdmsr(fake.vp[3], X2APIC_MSR(0x0d)), 0x10004);
}

static void shorthands_reach_self_all_and_all_others(void **state)
{
	(void)state;
	send(1, 0x40000 | 0x40);
	assert_int_equal(who_has(0x40), 0x2);
	send(1, 0x80000 | 0x50);
	assert_int_equal(who_has(0x50), 0xf);
	send(1, 0xc0000 | 0x60);
	assert_int_equal(who_has(0x60), 0xd);
	fake_wrmsr(fake.vp[1], X2APIC_MSR(REG_SELF), 0x70);
	assert_int_equal(who_has(0x70), 0x2);
}

static void lowest_priority_reaches_one_of_its_destinations(void **state)
{
	(void)state;
	send(0, 0xeull << 32 | 0x900 | 0x40);
	assert_int_equal(who_has(0x40), 0x2);
}

static void the_synthetic_icr_has_its_destination_in_the_top_byte(void **state)
{
	(void)state;
	fake_wrmsr(fake.vp[0], PVN_MSR_ICR, 3ull << 56 | 0x40);
	assert_int_equal(who_has(0x40), 1u << 3);
	assert_int_equal(fake_rdmsr(fake.vp[0], PVN_MSR_ICR), 3ull << 56 | 0x40);
	fake_wrmsr(fake.vp[0], PVN_MSR_ICR, 0xffull << 56 | 0x50);
	assert_int_equal(who_has(0x50), 0xf);
}

static void a_vector_below_16_is_not_sent(void **state)
{
	(void)state;
	send(0, 1ull << 32 | 0x0f);
	assert_int_equal(fake.notified[1], 0);
	assert_int_equal(fake_rdmsr(fake.vp[0], X2APIC_MSR(REG_ESR)), 0x20);
	fake_wrmsr(fake.vp[0], X2APIC_MSR(REG_ESR), 0);
	assert_int_equal(fake_rdmsr(fake.vp[0], X2APIC_MSR(REG_ESR)), 0);
}

static void an_nmi_is_pending_and_wakes(void **state)
{
	(void)state;
	send(0, 1ull << 32 | 0x400);
	assert_true(fake.vp[1]->lapic.events & LAPIC_NMI);
	assert_int_equal(fake.notified[1], 1);
}

static void startup_starts_a_vp_that_waits(void **state)
{
	(void)state;
	fake.vp[1]->stop_reasons = VP_STOP_SIPI;
	send(0, 1ull << 32 | 0x4500);		/* INIT: it is in that state */
	assert_false(fake.vp[1]->init_pending);
	send(0, 1ull << 32 | 0x4600 | 0x9a);
	assert_int_equal(fake.vp[1]->sipi_vector, 0x9a);
	assert_int_equal(fake.resumed[1], VP_STOP_SIPI);
	send(0, 1ull << 32 | 0x4600 | 0x9b);	/* the second one is late */
	assert_int_equal(fake.vp[1]->sipi_vector, 0x9a);
}

static void startup_right_after_init_is_not_lost(void **state)
{
	(void)state;
	send(0, 1ull << 32 | 0x4500);
	assert_true(fake.vp[1]->init_pending);
	send(0, 1ull << 32 | 0x4600 | 0x10);
	assert_int_equal(fake.vp[1]->sipi_vector, 0x10);
	assert_int_equal(fake.resumed[1], 0);	/* it has not begun to wait */
}

static void startup_without_init_does_nothing(void **state)
{
	(void)state;
	send(0, 1ull << 32 | 0x4600 | 0x10);
	assert_int_equal(fake.vp[1]->sipi_vector, -1);
}

static void init_level_deassert_does_nothing(void **state)
{
	(void)state;
	send(0, 1ull << 32 | 0x8500);
	assert_false(fake.vp[1]->init_pending);
}

static void start_timer(struct vp *vp, uint32_t lvt, uint32_t count)
{
	fake_wrmsr(vp, X2APIC_MSR(REG_DIVIDE), BY_1);
	fake_wrmsr(vp, X2APIC_MSR(REG_LVT_TIMER), lvt);
	fake_wrmsr(vp, X2APIC_MSR(REG_INITIAL), count);
}

static void a_one_shot_timer_fires_once(void **state)
{
	struct vp *vp = fake.vp[0];
	uint32_t count = FAKE_APIC_HZ / 1000;	/* 1 ms */

	(void)state;
	start_timer(vp, 0xec, count);
	fake_pass(999 * FAKE_US);
	assert_int_equal(lapic_pending(vp), -1);
	assert_int_equal(fake_rdmsr(vp, X2APIC_MSR(REG_CURRENT)), count / 1000);
	fake_pass(1 * FAKE_US);
	assert_int_equal(lapic_pending(vp), 0xec);
	assert_int_equal(fake_rdmsr(vp, X2APIC_MSR(REG_CURRENT)), 0);
	lapic_accept(vp, 0xec);
	lapic_eoi(vp);
	fake_pass(5000 * FAKE_US);
	assert_int_equal(lapic_pending(vp), -1);
}

static void the_divider_slows_the_timer_down(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, X2APIC_MSR(REG_LVT_TIMER), 0xec);
	fake_wrmsr(vp, X2APIC_MSR(REG_DIVIDE), 0x3);	/* 16 */
	fake_wrmsr(vp, X2APIC_MSR(REG_INITIAL), FAKE_APIC_HZ / 1000);
	fake_pass(15999 * FAKE_US);
	assert_int_equal(lapic_pending(vp), -1);
	fake_pass(1 * FAKE_US);
	assert_int_equal(lapic_pending(vp), 0xec);
}

static void a_periodic_timer_fires_again(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	start_timer(vp, PERIODIC | 0xec, FAKE_APIC_HZ / 1000);
	for (unsigned int i = 0; i < 3; i++) {
		fake_pass(1000 * FAKE_US);
		accept_next(vp);
		lapic_eoi(vp);
	}
	fake_wrmsr(vp, X2APIC_MSR(REG_INITIAL), 0);
	fake_pass(1000 * FAKE_US);
	assert_int_equal(lapic_pending(vp), -1);
	assert_int_equal(fake_programmed(), ~0ull);
}

static void a_tiny_period_does_not_keep_the_processor_busy(void **state)
{
	(void)state;
	start_timer(fake.vp[0], PERIODIC | 0xec, 1);
	fake.timer_writes = 0;
	fake_pass(1000 * FAKE_US);
	assert_in_range(fake.timer_writes, 1, 40);
}

static void a_masked_timer_runs_without_an_interrupt(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	start_timer(vp, MASKED | 0xec, FAKE_APIC_HZ / 1000);
	fake_pass(2000 * FAKE_US);
	assert_int_equal(lapic_pending(vp), -1);
}

static void a_tsc_deadline_fires_at_its_value(void **state)
{
	struct vp *vp = fake.vp[0];
	uint64_t deadline = fake.tsc + 500 * FAKE_US;

	(void)state;
	fake_wrmsr(vp, X2APIC_MSR(REG_LVT_TIMER), DEADLINE | 0xec);
	fake_wrmsr(vp, MSR_DEADLINE, deadline);
	assert_int_equal(fake_programmed(), deadline);
	assert_int_equal(fake_rdmsr(vp, MSR_DEADLINE), deadline);
	fake_pass(500 * FAKE_US);
	assert_int_equal(lapic_pending(vp), 0xec);
	assert_int_equal(fake_rdmsr(vp, MSR_DEADLINE), 0);
}

static void a_tsc_deadline_of_zero_disarms(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, X2APIC_MSR(REG_LVT_TIMER), DEADLINE | 0xec);
	fake_wrmsr(vp, MSR_DEADLINE, fake.tsc + 500);
	fake_wrmsr(vp, MSR_DEADLINE, 0);
	assert_int_equal(fake_programmed(), ~0ull);
}

static void a_tsc_deadline_outside_its_mode_is_ignored(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, MSR_DEADLINE, fake.tsc + 500);
	assert_int_equal(fake_programmed(), ~0ull);
	assert_int_equal(fake_rdmsr(vp, MSR_DEADLINE), 0);
	fake_wrmsr(vp, X2APIC_MSR(REG_LVT_TIMER), DEADLINE | 0xec);
	fake_wrmsr(vp, MSR_DEADLINE, fake.tsc + 500);
	fake_wrmsr(vp, X2APIC_MSR(REG_LVT_TIMER), 0xec);
	assert_int_equal(fake_programmed(), ~0ull);
}

static void software_disable_masks_the_local_vectors(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, X2APIC_MSR(REG_LVT_TIMER), 0xec);
	fake_wrmsr(vp, X2APIC_MSR(REG_SPURIOUS), 0xff);
	assert_int_equal(fake_rdmsr(vp, X2APIC_MSR(REG_LVT_TIMER)), MASKED | 0xec);
	fake_wrmsr(vp, X2APIC_MSR(REG_LVT_TIMER), 0xec);
	assert_int_equal(fake_rdmsr(vp, X2APIC_MSR(REG_LVT_TIMER)), MASKED | 0xec);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fake_vhw_setup, fake_vhw_teardown)
	const struct CMUnitTest tests[] = {
		T(an_apic_in_reset_is_in_x2apic_mode_and_software_disabled),
		T(x2apic_mode_cannot_be_left),
		T(the_highest_vector_is_delivered_first),
		T(a_vector_of_the_class_in_service_waits),
		T(task_priority_holds_vectors_back),
		T(eoi_of_something_other_than_zero_faults),
		T(read_only_and_absent_registers_fault),
		T(the_assist_is_offered_for_a_lone_edge_interrupt),
		T(without_the_page_enabled_no_assist_is_offered),
		T(the_assist_is_not_offered_when_another_vector_waits),
		T(the_assist_is_withdrawn_when_another_vector_comes),
		T(an_assist_taken_lets_a_lower_vector_through),
		T(a_real_eoi_in_spite_of_the_offer_retires_one_vector_only),
		T(turning_the_assist_page_off_ends_an_offer),
		T(a_level_interrupt_is_acknowledged_physically_by_the_guests_eoi),
		T(level_interrupts_are_acknowledged_physically_from_the_highest),
		T(a_reset_acknowledges_what_nobody_will),
		T(an_ipi_reaches_its_physical_destination),
		T(an_ipi_reaches_its_logical_destinations),
		T(shorthands_reach_self_all_and_all_others),
		T(lowest_priority_reaches_one_of_its_destinations),
		T(the_synthetic_icr_has_its_destination_in_the_top_byte),
		T(a_vector_below_16_is_not_sent),
		T(an_nmi_is_pending_and_wakes),
		T(startup_starts_a_vp_that_waits),
		T(startup_right_after_init_is_not_lost),
		T(startup_without_init_does_nothing),
		T(init_level_deassert_does_nothing),
		T(a_one_shot_timer_fires_once),
		T(the_divider_slows_the_timer_down),
		T(a_periodic_timer_fires_again),
		T(a_tiny_period_does_not_keep_the_processor_busy),
		T(a_masked_timer_runs_without_an_interrupt),
		T(a_tsc_deadline_fires_at_its_value),
		T(a_tsc_deadline_of_zero_disarms),
		T(a_tsc_deadline_outside_its_mode_is_ignored),
		T(software_disable_masks_the_local_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
