// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Reference time: against exact arithmetic, and against the page that the guest computes with.
 */
#include "fake_vhw.h"

#include <string.h>

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

/* What a guest computes [TLFS 2.0 15.3.2 "Partition Reference TSC"]. */
static uint64_t guest_time(uint64_t tsc)
{
	const struct pvn_reference_tsc_page *page = fake.partition->tsc_page;

	assert_int_not_equal(page->sequence, 0);
	return (uint64_t)((unsigned __int128)tsc * page->scale >> 64) + (uint64_t)page->offset;
}

static const uint64_t frequencies[] = { 10000001, 999999937, 2500000000, 3700000123, 5800000000 };

static void reference_time_is_zero_at_creation(void **state)
{
	(void)state;
	fake.partition->reference_start = 123456789012345;
	assert_int_equal(partition_reference_time(fake.partition, 123456789012345), 0);
}

static void reference_time_counts_ten_million_a_second(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(frequencies) / sizeof(*frequencies); i++) {
		uint64_t hour;

		fake.tsc_hz = frequencies[i];
		hour = partition_reference_time(fake.partition,
						fake.partition->reference_start + 3600 * fake.tsc_hz);
		assert_in_range(hour, 3600 * 10000000ull - 1, 3600 * 10000000ull);
	}
}

static void the_page_and_the_register_agree_exactly(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(frequencies) / sizeof(*frequencies); i++) {
		fake.tsc_hz = frequencies[i];
		fake.partition->reference_start = next_random() >> 20;
		partition_fill_tsc_page(fake.partition, true);
		for (unsigned int j = 0; j < 1000; j++) {
			fake.tsc = fake.partition->reference_start + (next_random() >> 16);
			assert_int_equal(guest_time(fake.tsc),
					 fake_rdmsr(fake.vp[0], PVN_MSR_TIME_REF_COUNT));
		}
	}
}

static void a_disabled_page_sends_the_guest_to_the_register(void **state)
{
	(void)state;
	partition_fill_tsc_page(fake.partition, true);
	assert_int_equal(fake.partition->tsc_page->sequence, 1);
	partition_fill_tsc_page(fake.partition, false);
	assert_int_equal(fake.partition->tsc_page->sequence, 0);
}

static void the_way_back_to_the_tsc_is_the_first_tick_that_is_not_early(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(frequencies) / sizeof(*frequencies); i++) {
		fake.tsc_hz = frequencies[i];
		fake.partition->reference_start = next_random() >> 20;
		for (unsigned int j = 0; j < 1000; j++) {
			uint64_t want = next_random() >> (20 + j % 40);
			uint64_t tsc = partition_reference_to_tsc(fake.partition, want);

			assert_true(partition_reference_time(fake.partition, tsc) >= want);
			if (want)
				assert_true(partition_reference_time(fake.partition, tsc - 1) < want);
		}
	}
}

static void a_time_beyond_the_tsc_is_never(void **state)
{
	(void)state;
	assert_int_equal(partition_reference_to_tsc(fake.partition, ~0ull), ~0ull);
	assert_int_equal(partition_reference_to_tsc(fake.partition, ~0ull / 100), ~0ull);
}

static void reference_time_never_goes_back(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		uint64_t t = partition_reference_time(fake.partition, fake.tsc + i);

		assert_true(t >= last);
		last = t;
	}
}

static void lengths_of_time_are_converted(void **state)
{
	(void)state;
	assert_in_range(reference_units(FAKE_TSC_HZ), 9999999, 10000000);
	assert_int_equal(reference_units(0), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fake_vhw_setup, fake_vhw_teardown)
	const struct CMUnitTest tests[] = {
		T(reference_time_is_zero_at_creation),
		T(reference_time_counts_ten_million_a_second),
		T(the_page_and_the_register_agree_exactly),
		T(a_disabled_page_sends_the_guest_to_the_register),
		T(the_way_back_to_the_tsc_is_the_first_tick_that_is_not_early),
		T(a_time_beyond_the_tsc_is_never),
		T(reference_time_never_goes_back),
		T(lengths_of_time_are_converted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
