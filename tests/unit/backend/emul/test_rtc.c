// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Clock, by the rules of the MC146818's data sheet; and the keyboard controller, which
 * is as small.
 */
#include "machine.h"

#include "emul/i8042.h"
#include "emul/rtc.h"

#define SECOND 1000000000ull
/* 2021-02-03 04:05:06, a Wednesday. */
#define THEN 1612325106ull

static struct rtc rtc;
static struct i8042 i8042;
static uint64_t now_ns;
static unsigned int resets;

static uint64_t now(void *context)
{
	(void)context;
	return now_ns;
}

static void reset(void *context)
{
	(void)context;
	resets++;
}

static int setup(void **state)
{
	machine_setup(state);
	now_ns = THEN * SECOND + SECOND / 2;
	resets = 0;
	rtc_init(&rtc, &machine.bus, &machine.ioapic, now, NULL, NULL);
	i8042_init(&i8042, &machine.bus, reset, NULL);
	enable_pin(RTC_PIN);
	return 0;
}

static uint8_t get(uint8_t cell)
{
	out(0x70, 1, cell);
	return in(0x71, 1);
}

static void set(uint8_t cell, uint8_t value)
{
	out(0x70, 1, cell);
	out(0x71, 1, value);
}

static void time_is_in_decimals_and_24_hours(void **state)
{
	(void)state;
	assert_int_equal(get(0), 0x06);
	assert_int_equal(get(2), 0x05);
	assert_int_equal(get(4), 0x04);
	assert_int_equal(get(6), 4);
	assert_int_equal(get(7), 0x03);
	assert_int_equal(get(8), 0x02);
	assert_int_equal(get(9), 0x21);
	assert_int_equal(get(0x32), 0x20);
	assert_int_equal(get(0x0b), 0x02);
	assert_int_equal(get(0x0d), 0x80);
}

static void hours_of_12_have_a_bit_for_the_afternoon(void **state)
{
	(void)state;
	set(0x0b, 0x04);
	now_ns = (THEN + 11 * 3600) * SECOND;	/* 15:05:06 */
	assert_int_equal(get(4), 0x83);
	now_ns = (THEN - 4 * 3600) * SECOND;	/* 00:05:06 */
	assert_int_equal(get(4), 12);
}

static void it_can_be_set_and_runs_on_from_there(void **state)
{
	(void)state;
	set(0x0b, 0x82);
	set(0, 0x58);
	set(2, 0x59);
	set(4, 0x23);
	set(7, 0x31);
	set(8, 0x12);
	set(9, 0x99);
	now_ns += 10 * SECOND;
	assert_int_equal(get(0), 0x58);		/* stands still while it is set */
	set(0x0b, 0x02);
	now_ns += 3 * SECOND;
	assert_int_equal(get(0), 0x01);
	assert_int_equal(get(4), 0x00);
	assert_int_equal(get(7), 0x01);
	assert_int_equal(get(9), 0x00);
	assert_int_equal(get(0x32), 0x21);
}

static void an_update_is_announced(void **state)
{
	(void)state;
	assert_int_equal(get(0x0a) & 0x80, 0);
	now_ns = (THEN + 1) * SECOND - 100000;
	assert_int_equal(get(0x0a) & 0x80, 0x80);
}

static void the_alarm_rings_at_its_time_once(void **state)
{
	(void)state;
	set(1, 0x08);
	set(3, 0x05);
	set(5, 0x04);
	set(0x0b, 0x22);
	assert_true(rtc_next(&rtc) == (THEN + 1) * SECOND);
	now_ns += SECOND;
	rtc_expire(&rtc);
	assert_int_equal(interrupts(), 0);
	now_ns += SECOND;
	rtc_expire(&rtc);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(get(0x0c) & 0xa0, 0xa0);
	assert_int_equal(get(0x0c), 0);
	now_ns += SECOND;
	rtc_expire(&rtc);
	assert_int_equal(interrupts(), 0);
}

static void a_field_of_c0_matches_always(void **state)
{
	(void)state;
	set(1, 0xc0);
	set(3, 0xff);
	set(5, 0xc5);
	set(0x0b, 0x22);
	now_ns += SECOND;
	rtc_expire(&rtc);
	assert_int_equal(interrupts(), 1);
}

static void the_periodic_interrupt_comes_at_its_rate(void **state)
{
	(void)state;
	set(0x0a, 0x2f);	/* 2 Hz */
	set(0x0b, 0x42);
	assert_true(rtc_next(&rtc) == now_ns + SECOND / 2);
	now_ns += SECOND / 2;
	rtc_expire(&rtc);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(get(0x0c) & 0xc0, 0xc0);
	set(0x0b, 0x02);
	assert_true(rtc_next(&rtc) == RTC_NEVER);
}

/* The times are those of the rate, however late somebody looks. */
static void a_late_look_does_not_make_the_periodic_interrupt_slow(void **state)
{
	uint64_t began = now_ns;

	(void)state;
	set(0x0a, 0x2f);	/* 2 Hz */
	set(0x0b, 0x42);
	now_ns = began + SECOND / 2 + 1000;
	rtc_expire(&rtc);
	assert_true(rtc_next(&rtc) == began + SECOND);
	now_ns = began + 10 * SECOND + 1000;
	rtc_expire(&rtc);
	assert_true(rtc_next(&rtc) == began + 10 * SECOND + SECOND / 2);
}

static void a_request_ends_when_nobody_asks_for_it(void **state)
{
	(void)state;
	set(0x0a, 0x2f);
	set(0x0b, 0x42);
	now_ns += SECOND / 2;
	rtc_expire(&rtc);
	assert_int_equal(interrupts(), 1);
	set(0x0b, 0x02);
	/* The flag stays until it is read; asked for again, it interrupts again. */
	set(0x0b, 0x42);
	assert_int_equal(interrupts(), 1);
	set(0x0b, 0x02);
	assert_int_equal(get(0x0c) & 0xc0, 0x40);
}

static void the_rest_is_memory(void **state)
{
	(void)state;
	set(0x7f, 0x5a);
	set(0x0e, 0xa5);
	assert_int_equal(get(0x7f), 0x5a);
	assert_int_equal(get(0x8e), 0xa5);	/* bit 7 is the mask of NMIs */
	set(0x0c, 0xff);
	set(0x0d, 0);
	assert_int_equal(get(0x0c), 0);
	assert_int_equal(get(0x0d), 0x80);
}

static void the_keyboard_controller_resets(void **state)
{
	(void)state;
	assert_int_equal(in(0x64, 1) & 0x03, 0);
	out(0x64, 1, 0xff);
	assert_int_equal(resets, 0);
	out(0x64, 1, 0xfe);
	assert_int_equal(resets, 1);
	out(0x64, 1, 0xd1);
	out(0x60, 1, 0xdf);
	assert_int_equal(resets, 1);
	out(0x64, 1, 0xd1);
	out(0x60, 1, 0xde);
	assert_int_equal(resets, 2);
	out(0x60, 1, 0);
	assert_int_equal(resets, 2);
}

static void the_keyboard_controller_passes_its_test(void **state)
{
	(void)state;
	out(0x64, 1, 0xaa);
	assert_int_equal(in(0x64, 1) & 0x05, 0x05);
	assert_int_equal(in(0x60, 1), 0x55);
	assert_int_equal(in(0x64, 1) & 0x01, 0);
}

static void the_keyboard_controller_keeps_its_configuration(void **state)
{
	(void)state;
	out(0x64, 1, 0x60);
	out(0x60, 1, 0x34);
	out(0x64, 1, 0x20);
	assert_int_equal(in(0x60, 1), 0x34);
	/* Not reset, A20 open. */
	out(0x64, 1, 0xd0);
	assert_int_equal(in(0x60, 1) & 0x03, 0x03);
	out(0x64, 1, 0x55);	/* unknown: no answer */
	assert_int_equal(in(0x64, 1) & 0x01, 0);
}

#define ON_CLOCK(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_CLOCK(time_is_in_decimals_and_24_hours),
		ON_CLOCK(hours_of_12_have_a_bit_for_the_afternoon),
		ON_CLOCK(it_can_be_set_and_runs_on_from_there),
		ON_CLOCK(an_update_is_announced),
		ON_CLOCK(the_alarm_rings_at_its_time_once),
		ON_CLOCK(a_field_of_c0_matches_always),
		ON_CLOCK(the_periodic_interrupt_comes_at_its_rate),
		ON_CLOCK(a_late_look_does_not_make_the_periodic_interrupt_slow),
		ON_CLOCK(a_request_ends_when_nobody_asks_for_it),
		ON_CLOCK(the_rest_is_memory),
		ON_CLOCK(the_keyboard_controller_resets),
		ON_CLOCK(the_keyboard_controller_passes_its_test),
		ON_CLOCK(the_keyboard_controller_keeps_its_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
