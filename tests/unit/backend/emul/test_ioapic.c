// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * I/O APIC, by the rules of the 82093AA's data sheet.
 */
#include "machine.h"

static uint32_t get(uint8_t reg)
{
	store(IOAPIC_BASE, reg);
	return load(IOAPIC_BASE + 0x10);
}

static void set(uint8_t reg, uint32_t value)
{
	store(IOAPIC_BASE, reg);
	store(IOAPIC_BASE + 0x10, value);
}

static void it_tells_its_version_and_its_number_of_entries(void **state)
{
	(void)state;
	assert_int_equal(get(1), 0x00170020);
	set(0, 0xff000000);
	assert_int_equal(get(0), 0x0f000000);
	assert_int_equal(get(0x40), 0);
	assert_int_equal(get(0xff), 0);
}

static void all_pins_are_masked_at_first(void **state)
{
	unsigned int pin;

	(void)state;
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		assert_int_equal(get(0x10 + 2 * pin), 0x10000);
		ioapic_set(&machine.ioapic, pin, 0, true);
	}
	assert_int_equal(interrupts(), 0);
}

static void an_edge_sends_what_the_entry_says(void **state)
{
	(void)state;
	set(0x10 + 2 * 5, 0x931);	/* lowest priority, logical, 0x31 */
	set(0x10 + 2 * 5 + 1, 0x03000000);
	ioapic_set(&machine.ioapic, 5, 0, true);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(machine.last.vector, 0x31);
	assert_int_equal(machine.last.mode, 1);
	assert_true(machine.last.logical);
	assert_int_equal(machine.last.destination, 3);
	ioapic_set(&machine.ioapic, 5, 0, true);
	ioapic_set(&machine.ioapic, 5, 0, false);
	assert_int_equal(interrupts(), 0);
	ioapic_set(&machine.ioapic, 5, 0, true);
	assert_int_equal(interrupts(), 1);
}

static void every_source_of_a_pin_has_its_own_edge(void **state)
{
	(void)state;
	enable_pin(16);
	ioapic_set(&machine.ioapic, 16, 0, true);
	ioapic_set(&machine.ioapic, 16, 1, true);
	assert_int_equal(interrupts(), 2);
	ioapic_set(&machine.ioapic, 16, 0, false);
	ioapic_set(&machine.ioapic, 16, 0, true);
	assert_int_equal(interrupts(), 1);
}

static void a_line_held_while_masked_interrupts_when_it_is_unmasked(void **state)
{
	(void)state;
	ioapic_set(&machine.ioapic, 16, 0, true);
	enable_pin(16);
	assert_int_equal(interrupts(), 1);
	enable_pin(16);
	assert_int_equal(interrupts(), 0);
}

static void a_level_is_sent_again_after_its_end_while_it_is_held(void **state)
{
	(void)state;
	set(0x10 + 2 * 16, 0x8040);
	ioapic_set(&machine.ioapic, 16, 0, true);
	ioapic_set(&machine.ioapic, 16, 1, true);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(get(0x10 + 2 * 16), 0xc040);
	store(IOAPIC_BASE + 0x40, 0x41);	/* another vector's */
	assert_int_equal(interrupts(), 0);
	store(IOAPIC_BASE + 0x40, 0x40);
	assert_int_equal(interrupts(), 1);
	ioapic_set(&machine.ioapic, 16, 0, false);
	ioapic_set(&machine.ioapic, 16, 1, false);
	store(IOAPIC_BASE + 0x40, 0x40);
	assert_int_equal(interrupts(), 0);
	assert_int_equal(get(0x10 + 2 * 16), 0x8040);
}

static void read_only_bits_stay(void **state)
{
	(void)state;
	set(0x10, 0xffffffff);
	set(0x11, 0xffffffff);
	assert_int_equal(get(0x10), 0x1afff);
	assert_int_equal(get(0x11), 0xff000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_MACHINE(it_tells_its_version_and_its_number_of_entries),
		ON_MACHINE(all_pins_are_masked_at_first),
		ON_MACHINE(an_edge_sends_what_the_entry_says),
		ON_MACHINE(every_source_of_a_pin_has_its_own_edge),
		ON_MACHINE(a_line_held_while_masked_interrupts_when_it_is_unmasked),
		ON_MACHINE(a_level_is_sent_again_after_its_end_while_it_is_held),
		ON_MACHINE(read_only_bits_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
