// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Ticket locks and their levels.
 */
#include "fake_machine.h"

static struct spinlock outer = SPINLOCK(LOCK_PARTITION), inner = SPINLOCK(LOCK_POOL);
static struct spinlock second = SPINLOCK(LOCK_POOL);

static bool is_locked(const struct spinlock *lock) { return lock->next != lock->owner; }

static void locks_are_taken_in_rising_order(void **state)
{
	(void)state;
	spin_lock(&outer);
	spin_lock(&inner);
	assert_true(is_locked(&outer));
	spin_unlock(&inner);
	spin_unlock(&outer);
	assert_false(is_locked(&outer));
	assert_int_equal(machine.cpu[0].locks_held, 0);
}

static void a_lock_of_a_lower_or_the_same_level_is_caught(void **state)
{
	(void)state;
	spin_lock(&inner);
	expect_panic(spin_lock(&outer));
	expect_panic(spin_lock(&second));
	spin_unlock(&inner);
}

static void releasing_what_is_not_held_is_caught(void **state)
{
	(void)state;
	expect_panic(spin_unlock(&outer));
}

static struct spinlock contended = SPINLOCK(LOCK_POOL);

static void other_processor_releases(void)
{
	machine.this_cpu = 1;
	spin_unlock(&contended);
	machine.this_cpu = 0;
}

static void a_taken_lock_is_waited_for(void **state)
{
	(void)state;
	machine.this_cpu = 1;
	spin_lock(&contended);
	machine.this_cpu = 0;
	machine.on_relax = other_processor_releases;
	spin_lock(&contended);
	assert_int_equal(machine.relaxes, 1);
	spin_unlock(&contended);
}

static void tickets_wrap_around(void **state)
{
	struct spinlock lock = { .next = 65535, .owner = 65535, .level = LOCK_POOL };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		spin_lock(&lock);
		assert_true(is_locked(&lock));
		spin_unlock(&lock);
		assert_false(is_locked(&lock));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(locks_are_taken_in_rising_order),
		ON_FAKE_MACHINE(a_lock_of_a_lower_or_the_same_level_is_caught),
		ON_FAKE_MACHINE(releasing_what_is_not_held_is_caught),
		ON_FAKE_MACHINE(a_taken_lock_is_waited_for),
		ON_FAKE_MACHINE(tickets_wrap_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
