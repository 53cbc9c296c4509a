// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Synthetic timers: one-shot, periodic, auto-enable, direct mode, messages.
 */
#include "fake_vhw.h"

#include <string.h>

#define CONFIG(n) (PVN_MSR_STIMER0_CONFIG + 2 * (n))
#define COUNT(n)  (PVN_MSR_STIMER0_COUNT + 2 * (n))
#define DIRECT(vector) (PVN_STIMER_DIRECT | (uint64_t)(vector) << PVN_STIMER_VECTOR_SHIFT)
#define TO_SINT(n) ((uint64_t)(n) << PVN_STIMER_SINT_SHIFT)
#define UNITS_PER_MS 10000ull
#define MS (1000 * FAKE_US)

static uint64_t now(void) { return partition_reference_time(fake.partition, fake.tsc); }

static bool take(struct vp *vp, uint8_t vector)
{
	if (lapic_pending(vp) != vector)
		return false;
	lapic_accept(vp, vector);
	lapic_eoi(vp);
	return true;
}

static void synic_on(struct vp *vp, unsigned int sint, uint8_t vector)
{
	fake_wrmsr(vp, PVN_MSR_SIMP, 0x8000 | PVN_MSR_PAGE_ENABLE);
	fake_wrmsr(vp, PVN_MSR_SINT0 + sint, vector);
	fake_wrmsr(vp, PVN_MSR_SCONTROL, 1);
}

static struct pvn_timer_message payload_of(struct vp *vp, unsigned int sint)
{
	struct pvn_timer_message out;

	memcpy(&out, vp->synic.messages->sint[sint].payload, sizeof(out));
	return out;
}

/* As Linux does it: one-shot, direct, auto-enable. */
static void a_direct_one_shot_timer_fires_once_and_never_early(void **state)
{
	struct vp *vp = fake.vp[0];
	uint64_t due = now() + UNITS_PER_MS;

	(void)state;
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(0), due);
	assert_true(fake_rdmsr(vp, CONFIG(0)) & PVN_STIMER_ENABLE);
	assert_true(partition_reference_time(fake.partition, fake_programmed()) >= due);
	assert_true(partition_reference_time(fake.partition, fake_programmed() - 1) < due);
	fake_pass(fake_programmed() - fake.tsc - 1);
	assert_false(take(vp, 0xed));
	fake_pass(1);
	assert_true(take(vp, 0xed));
	assert_false(fake_rdmsr(vp, CONFIG(0)) & PVN_STIMER_ENABLE);
	fake_pass(10 * MS);
	assert_false(take(vp, 0xed));
	assert_int_equal(fake_programmed(), ~0ull);
}

static void a_count_in_the_past_expires_at_once(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake.tsc += 5 * MS;
	fake_wrmsr(vp, CONFIG(1), DIRECT(0xee) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(1), now() - 1);
	assert_true(take(vp, 0xee));
}

static void a_count_of_zero_disables(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(0), now() + UNITS_PER_MS);
	fake_wrmsr(vp, COUNT(0), 0);
	assert_false(fake_rdmsr(vp, CONFIG(0)) & PVN_STIMER_ENABLE);
	assert_int_equal(fake_programmed(), ~0ull);
	fake_pass(10 * MS);
	assert_false(take(vp, 0xed));
}

static void without_auto_enable_the_count_alone_starts_nothing(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed));
	fake_wrmsr(vp, COUNT(0), now() + UNITS_PER_MS);
	assert_int_equal(fake_programmed(), ~0ull);
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed) | PVN_STIMER_ENABLE);
	fake_pass(2 * MS);
	assert_true(take(vp, 0xed));
}

static void reserved_bits_of_the_configuration_fault(void **state)
{
	(void)state;
	assert_true(fake_wrmsr_faults(fake.vp[0], CONFIG(0), 1u << 13));
	assert_true(fake_wrmsr_faults(fake.vp[0], CONFIG(0), 1ull << 20));
	assert_true(fake_rdmsr_faults(fake.vp[0], CONFIG(4)));
}

static void a_timer_for_sint_0_is_not_enabled(void **state)
{
	(void)state;
	fake_wrmsr(fake.vp[0], CONFIG(0), PVN_STIMER_ENABLE);
	assert_int_equal(fake_rdmsr(fake.vp[0], CONFIG(0)), 0);
}

static void a_periodic_timer_fires_each_period(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed) | PVN_STIMER_PERIODIC | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(0), UNITS_PER_MS);
	fake_pass(MS / 2);
	assert_false(take(vp, 0xed));
	fake_pass(MS);
	for (unsigned int i = 0; i < 5; i++) {
		assert_true(take(vp, 0xed));
		fake_pass(MS);
	}
	assert_true(fake_rdmsr(vp, CONFIG(0)) & PVN_STIMER_ENABLE);
	fake_wrmsr(vp, CONFIG(0), 0);
	assert_int_equal(fake_programmed(), ~0ull);
}

static void periods_that_went_by_are_one_expiry(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed) | PVN_STIMER_PERIODIC | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(0), UNITS_PER_MS);
	fake.tsc += 10 * MS + MS / 2;	/* the processor was busy elsewhere */
	fake_pass(0);
	assert_true(take(vp, 0xed));
	fake_pass(MS / 4);
	assert_false(take(vp, 0xed));
	fake_pass(MS / 2);
	assert_true(take(vp, 0xed));
}

static void a_tiny_period_does_not_keep_the_processor_busy(void **state)
{
	(void)state;
	fake_wrmsr(fake.vp[0], CONFIG(0), DIRECT(0xed) | PVN_STIMER_PERIODIC | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(fake.vp[0], COUNT(0), 1);
	fake.timer_writes = 0;
	fake_pass(MS);
	assert_in_range(fake.timer_writes, 1, 40);
}

static void a_count_beyond_all_time_never_expires(void **state)
{
	(void)state;
	fake_wrmsr(fake.vp[0], CONFIG(0), DIRECT(0xed) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(fake.vp[0], COUNT(0), ~0ull - 1);
	assert_int_equal(fake_programmed(), ~0ull);
	fake_wrmsr(fake.vp[0], CONFIG(1), DIRECT(0xed) | PVN_STIMER_AUTO_ENABLE | PVN_STIMER_PERIODIC);
	fake_wrmsr(fake.vp[0], COUNT(1), ~0ull);
	assert_int_equal(fake_programmed(), ~0ull);
}

static void the_earliest_of_all_timers_is_waited_for(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, CONFIG(1), DIRECT(0x6e) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(0), now() + 3 * UNITS_PER_MS);
	fake_wrmsr(vp, COUNT(1), now() + 2 * UNITS_PER_MS);
	fake_wrmsr(vp, X2APIC_MSR(0x32), 0x40000 | 0x5c);
	fake_wrmsr(vp, 0x6e0, fake.tsc + MS);
	assert_int_equal(fake_programmed(), fake.tsc + MS);
	fake_pass(MS + 1);
	assert_true(take(vp, 0x5c));
	fake_pass(MS);
	assert_true(take(vp, 0x6e));
	fake_pass(MS);
	assert_true(take(vp, 0xed));
}

static void a_message_timer_fills_its_slot(void **state)
{
	struct vp *vp = fake.vp[0];
	uint64_t due = now() + UNITS_PER_MS;
	struct pvn_timer_message m;

	(void)state;
	synic_on(vp, 4, 0x94);
	fake_wrmsr(vp, CONFIG(2), TO_SINT(4) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(2), due);
	fake_pass(2 * MS);
	assert_true(take(vp, 0x94));
	assert_int_equal(vp->synic.messages->sint[4].type, PVN_MESSAGE_TIMER_EXPIRED);
	assert_int_equal(vp->synic.messages->sint[4].payload_bytes, 24);
	m = payload_of(vp, 4);
	assert_int_equal(m.timer, 2);
	assert_int_equal(m.expired_at, due);
	assert_true(m.delivered_at >= due);
}

static void a_message_timer_with_a_busy_slot_is_delivered_later(void **state)
{
	struct vp *vp = fake.vp[0];
	struct pvn_message *slot = &vp->synic.messages->sint[4];

	(void)state;
	synic_on(vp, 4, 0x94);
	slot->type = 77;
	fake_wrmsr(vp, CONFIG(2), TO_SINT(4) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, CONFIG(3), TO_SINT(4) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(2), now() + 1);
	fake_wrmsr(vp, COUNT(3), now() + 1);
	fake_pass(MS);
	assert_int_equal(slot->type, 77);
	assert_int_equal(slot->flags, PVN_MESSAGE_FLAG_PENDING);
	assert_false(take(vp, 0x94));
	slot->type = 0;
	fake_wrmsr(vp, PVN_MSR_EOM, 0);
	assert_true(take(vp, 0x94));
	assert_int_equal(payload_of(vp, 4).timer, 2);
	assert_int_equal(slot->flags, PVN_MESSAGE_FLAG_PENDING);	/* the other one */
	slot->type = 0;
	fake_wrmsr(vp, PVN_MSR_EOM, 0);
	assert_int_equal(payload_of(vp, 4).timer, 3);
	assert_int_equal(vp->synic.waiting, 0);
}

static void a_timer_armed_on_another_processor_is_moved(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake.this_cpu = 1;
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(0), now() + UNITS_PER_MS);
	assert_ptr_equal(vp->timer.cpu, &fake.cpu[1]);
	fake.this_cpu = 0;
	fake_wrmsr(vp, COUNT(0), now() + 2 * UNITS_PER_MS);
	assert_ptr_equal(vp->timer.cpu, &fake.cpu[0]);
	assert_true(list_is_empty(&fake.cpu[1].timers));
	fake_pass(3 * MS);
	assert_true(take(vp, 0xed));
}

static void a_reset_stops_all_timers(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, CONFIG(0), DIRECT(0xed) | PVN_STIMER_AUTO_ENABLE);
	fake_wrmsr(vp, COUNT(0), now() + UNITS_PER_MS);
	synic_reset(vp);
	assert_int_equal(fake_programmed(), ~0ull);
	assert_int_equal(fake_rdmsr(vp, CONFIG(0)), 0);
	assert_int_equal(fake_rdmsr(vp, COUNT(0)), 0);
}

static void a_capped_vp_goes_on_with_its_next_period(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	vp->stop_reasons = VP_STOP_CAP;
	spin_lock(&vp->timer_lock);
	vp->cap_end = fake.tsc + 1000;
	vp_timers_rearm(vp);
	spin_unlock(&vp->timer_lock);
	fake_pass(999);
	assert_int_equal(vp->stop_reasons, VP_STOP_CAP);
	fake_pass(1);
	assert_int_equal(vp->stop_reasons, 0);
	assert_int_equal(vp->cap_end, 0);
	assert_int_equal(fake_programmed(), ~0ull);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fake_vhw_setup, fake_vhw_teardown)
	const struct CMUnitTest tests[] = {
		T(a_capped_vp_goes_on_with_its_next_period),
		T(a_direct_one_shot_timer_fires_once_and_never_early),
		T(a_count_in_the_past_expires_at_once),
		T(a_count_of_zero_disables),
		T(without_auto_enable_the_count_alone_starts_nothing),
		T(reserved_bits_of_the_configuration_fault),
		T(a_timer_for_sint_0_is_not_enabled),
		T(a_periodic_timer_fires_each_period),
		T(periods_that_went_by_are_one_expiry),
		T(a_tiny_period_does_not_keep_the_processor_busy),
		T(a_count_beyond_all_time_never_expires),
		T(the_earliest_of_all_timers_is_waited_for),
		T(a_message_timer_fills_its_slot),
		T(a_message_timer_with_a_busy_slot_is_delivered_later),
		T(a_timer_armed_on_another_processor_is_moved),
		T(a_reset_stops_all_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
