// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The census, and the debugger.
 */
#include "fake_machine.h"

static struct pvn_get_census_out census(void)
{
	struct pvn_get_census_out out;

	assert_int_equal(root_call(PVN_CALL_get_census, NULL, 0, &out, sizeof(out)), PVN_STATUS_SUCCESS);
	return out;
}

static void an_empty_machine_has_one_partition(void **state)
{
	struct pvn_get_census_out out = census();

	(void)state;
	assert_int_equal(out.partitions, 1);
	assert_int_equal(out.vps, 2);
	assert_int_equal(out.ports, 0);
	assert_int_equal(out.gpa_pages, 0);
	assert_int_equal(out.pages_deposited, 0);
	assert_int_equal(out.pages_total, (FAKE_HYPERVISOR_BYTES >> PAGE_SHIFT) - 1);
}

static void what_a_child_holds_is_counted_and_goes_again(void **state)
{
	struct pvn_get_census_out before = census(), during, after;
	uint64_t id = make_child(2);

	(void)state;
	map_pages(id, 0, take_root_pages(7), 7, GPA_ALL);
	during = census();
	assert_int_equal(during.partitions, 2);
	assert_int_equal(during.vps, 4);
	assert_int_equal(during.gpa_pages, 7);
	assert_int_equal(during.pages_deposited, 96);
	remove_child(id);
	after = census();
	assert_memory_equal(&before, &after, sizeof(before));
}

static void the_debugger_is_entered_if_there_is_one(void **state)
{
	(void)state;
	assert_int_equal(root_call(PVN_CALL_invoke_hypervisor_debugger, NULL, 0, NULL, 0),
			 PVN_STATUS_OPERATION_DENIED);
	machine.debugger = true;
	assert_int_equal(root_call(PVN_CALL_invoke_hypervisor_debugger, NULL, 0, NULL, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(machine.debugged, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(an_empty_machine_has_one_partition),
		ON_FAKE_MACHINE(what_a_child_holds_is_counted_and_goes_again),
		ON_FAKE_MACHINE(the_debugger_is_entered_if_there_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
