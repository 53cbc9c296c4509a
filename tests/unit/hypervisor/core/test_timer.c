// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The queue of deadlines of a processor and its one hardware timer.
 */
#include "fake_vhw.h"

static struct timer *fired[16];
static unsigned int fired_count;

static void note(struct timer *timer) { fired[fired_count++] = timer; }

static int setup(void **state)
{
	fired_count = 0;
	return fake_vhw_setup(state);
}

static void timers_fire_in_order_of_deadline(void **state)
{
	struct timer a, b, c;

	(void)state;
	timer_init(&a, note);
	timer_init(&b, note);
	timer_init(&c, note);
	timer_arm(&a, fake.tsc + 300);
	timer_arm(&b, fake.tsc + 100);
	timer_arm(&c, fake.tsc + 200);
	fake_pass(250);
	assert_int_equal(fired_count, 2);
	assert_ptr_equal(fired[0], &b);
	assert_ptr_equal(fired[1], &c);
	assert_ptr_equal(a.cpu, &fake.cpu[0]);
	assert_null(b.cpu);
	fake_pass(50);
	assert_ptr_equal(fired[2], &a);
	assert_int_equal(fake_programmed(), ~0ull);
}

static void the_hardware_is_set_to_the_earliest_deadline(void **state)
{
	struct timer a, b;

	(void)state;
	timer_init(&a, note);
	timer_init(&b, note);
	timer_arm(&a, 5000000);
	assert_int_equal(fake_programmed(), 5000000);
	timer_arm(&b, 4000000);
	assert_int_equal(fake_programmed(), 4000000);
	timer_cancel(&b);
	assert_int_equal(fake_programmed(), 5000000);
	timer_cancel(&a);
}

static void the_hardware_is_not_written_without_need(void **state)
{
	struct timer a, b;

	(void)state;
	timer_init(&a, note);
	timer_init(&b, note);
	timer_arm(&a, 5000000);
	fake_programmed();
	timer_arm(&b, 6000000);
	fake_programmed();
	timer_arm(&b, 7000000);
	fake_programmed();
	assert_int_equal(fake.timer_writes, 1);
	timer_cancel(&a);
	timer_cancel(&b);
}

static void the_end_of_the_slice_and_the_nudge_count_too(void **state)
{
	struct timer a;

	(void)state;
	timer_init(&a, note);
	fake.cpu[0].slice_end = 3000000;
	timer_arm(&a, 5000000);
	assert_int_equal(fake_programmed(), 3000000);
	fake.cpu[0].nudge = 2000000;
	assert_int_equal(fake_programmed(), 2000000);
	fake.cpu[0].slice_end = fake.cpu[0].nudge = ~0ull;
	assert_int_equal(fake_programmed(), 5000000);
	timer_cancel(&a);
}

static void a_cancelled_timer_does_not_fire(void **state)
{
	struct timer a;

	(void)state;
	timer_init(&a, note);
	timer_arm(&a, fake.tsc + 100);
	timer_cancel(&a);
	timer_cancel(&a);
	fake_pass(1000);
	assert_int_equal(fired_count, 0);
}

static void a_timer_armed_again_fires_at_its_new_deadline_only(void **state)
{
	struct timer a;

	(void)state;
	timer_init(&a, note);
	timer_arm(&a, fake.tsc + 100);
	timer_arm(&a, fake.tsc + 500);
	fake_pass(400);
	assert_int_equal(fired_count, 0);
	fake_pass(100);
	assert_int_equal(fired_count, 1);
}

static void a_timer_on_another_processors_queue_can_be_cancelled(void **state)
{
	struct timer a;

	(void)state;
	timer_init(&a, note);
	fake.this_cpu = 1;
	timer_arm(&a, fake.tsc + 100);
	fake.this_cpu = 0;
	timer_cancel_wait(&a);
	assert_null(a.cpu);
	assert_true(list_is_empty(&fake.cpu[1].timers));
}

static unsigned int arms;

static void arm_again(struct timer *timer)
{
	if (++arms < 3)
		timer_arm(timer, fake.tsc + 100);
}

static void a_callback_may_arm_its_timer(void **state)
{
	struct timer a;

	(void)state;
	arms = 0;
	timer_init(&a, arm_again);
	timer_arm(&a, fake.tsc + 100);
	fake_pass(1000);
	assert_int_equal(arms, 3);
	assert_int_equal(a.running, 0);
}

static void a_parked_processor_keeps_its_pinned_timers_only(void **state)
{
	struct cpu *parked = &fake.cpu[0], *open = &fake.cpu[1];
	struct timer child, root;

	(void)state;
	timer_init(&child, note);
	timer_init(&root, note);
	root.pinned = parked;
	timer_arm(&child, fake.tsc + 1000);
	timer_arm(&root, fake.tsc + 500);
	parked->parked = true;
	timer_evacuate(parked);
	assert_int_equal(fired_count, 1);
	assert_null(child.cpu);
	/* Its owner sees that nothing is due, and arms it again. */
	timer_arm(&child, fake.tsc + 1000);
	assert_ptr_equal(child.cpu, open);
	assert_int_equal(fake.kicks[1], 1);
	assert_ptr_equal(root.cpu, parked);
	timer_arm(&root, fake.tsc + 600);
	assert_ptr_equal(root.cpu, parked);
	timer_cancel(&child);
	timer_cancel(&root);
	parked->parked = false;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fake_vhw_teardown)
	const struct CMUnitTest tests[] = {
		T(timers_fire_in_order_of_deadline),
		T(the_hardware_is_set_to_the_earliest_deadline),
		T(the_hardware_is_not_written_without_need),
		T(the_end_of_the_slice_and_the_nudge_count_too),
		T(a_cancelled_timer_does_not_fire),
		T(a_timer_armed_again_fires_at_its_new_deadline_only),
		T(a_timer_on_another_processors_queue_can_be_cancelled),
		T(a_callback_may_arm_its_timer),
		T(a_parked_processor_keeps_its_pinned_timers_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
