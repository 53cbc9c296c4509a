// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What the root asks of the machine: statistics of everything, parked processors, shares
 * of processor time [TLFS 2.0 ch. 21 "Statistics", 6.4 "Logical Processors"].
 */
#include <pvn/abi/stats.h>

#include "parent.h"

#define STATS_PAGE 0x7000ull	/* of the root's memory, from 112 MiB up */

static uint64_t map_stats(uint32_t type, uint64_t id, uint32_t index, uint64_t page)
{
	const struct pvn_map_stats_page_in in = {
		.stats_type = type, .object_id = id, .index = index, .target_page = page };

	return call_map_stats_page(&in, NULL);
}

static uint64_t unmap_stats(uint32_t type, uint64_t id, uint32_t index)
{
	const struct pvn_unmap_stats_page_in in = { .stats_type = type, .object_id = id, .index = index };

	return call_unmap_stats_page(&in, NULL);
}

static uint64_t counter(unsigned int page, unsigned int slot)
{
	return ((const volatile uint64_t *)((STATS_PAGE + page) << 12))[slot];
}

CASE(statistics_of_everything_are_the_roots)
{
	uint64_t id = create_whole(1), exits;

	memset((void *)(STATS_PAGE << 12), 0, 4 << 12);
	expect_status("the hypervisor's", map_stats(PVN_STATS_TYPE_hypervisor, 0, 0, STATS_PAGE), SUCCESS);
	expect_status("a processor's", map_stats(PVN_STATS_TYPE_processor, 1, 0, STATS_PAGE + 1), SUCCESS);
	expect_status("a child's", map_stats(PVN_STATS_TYPE_partition, id, 0, STATS_PAGE + 2), SUCCESS);
	expect_status("a VP's", map_stats(PVN_STATS_TYPE_vp, id, 0, STATS_PAGE + 3), SUCCESS);
	expect_equal("partitions", counter(0, PVN_STAT_hypervisor_partitions), 2);
	expect_equal("processors", counter(0, PVN_STAT_hypervisor_logical_processors), 2);
	expect_equal("the child's VPs", counter(2, PVN_STAT_partition_virtual_processors), 1);
	expect_equal("the child's pages", counter(2, PVN_STAT_partition_gpa_pages), MEMORY_PAGES);
	exits = counter(3, PVN_STAT_vp_exit_cpuid);
	run_program(id, 0, cpuid);
	expect(wait_until(counter(3, PVN_STAT_vp_exit_cpuid) > exits, 1000 * MSECS), "no exit is counted");
	expect(counter(3, PVN_STAT_vp_exit_io) || counter(3, PVN_STAT_vp_exit_cpuid), "nothing is counted");
	/* What is left goes with its object. */
	expect_status("unmapping", unmap_stats(PVN_STATS_TYPE_hypervisor, 0, 0), SUCCESS);
	expect_status("unmapping", unmap_stats(PVN_STATS_TYPE_processor, 1, 0), SUCCESS);
	end_child(id);
	for (unsigned int page = 0; page < 4; page++)
		expect_equal("the memory below", counter(page, 0), 0);
}

CASE(bad_statistics_are_refused)
{
	uint64_t id = create_whole(1), early = create_child();

	expect_status("no type", map_stats(0, 0, 0, STATS_PAGE), INVALID_PARAMETER);
	expect_status("no processor", map_stats(PVN_STATS_TYPE_processor, 2, 0, STATS_PAGE),
		      INVALID_PARAMETER);
	expect_status("no partition", map_stats(PVN_STATS_TYPE_partition, 9999, 0, STATS_PAGE),
		      INVALID_PARTITION_ID);
	expect_status("not yet active", map_stats(PVN_STATS_TYPE_partition, early, 0, STATS_PAGE),
		      INVALID_PARTITION_STATE);
	expect_status("no VP", map_stats(PVN_STATS_TYPE_vp, id, 1, STATS_PAGE), INVALID_VP_INDEX);
	expect_status("no page", map_stats(PVN_STATS_TYPE_vp, id, 0, 1ull << 40), INVALID_PARAMETER);
	expect_status("not mapped", unmap_stats(PVN_STATS_TYPE_vp, id, 0), INVALID_PARAMETER);
	expect_status("mapping", map_stats(PVN_STATS_TYPE_vp, id, 0, STATS_PAGE), SUCCESS);
	expect_status("twice", map_stats(PVN_STATS_TYPE_vp, id, 0, STATS_PAGE + 1), OBJECT_IN_USE);
	expect_status("one over the other", map_stats(PVN_STATS_TYPE_partition, id, 0, STATS_PAGE),
		      OBJECT_IN_USE);
	end_child(early);
	end_child(id);
}

static uint64_t park(uint64_t mask)
{
	return hypercall(PVN_CALL_park_logical_processors | PVN_CONTROL_FAST, mask, 0);
}

CASE(a_parked_processor_runs_no_child)
{
	uint64_t id = create_whole(2), parked, open;

	expect_status("a processor's", map_stats(PVN_STATS_TYPE_processor, 0, 0, STATS_PAGE), SUCCESS);
	expect_status("a processor's", map_stats(PVN_STATS_TYPE_processor, 1, 0, STATS_PAGE + 1), SUCCESS);
	expect_status("parking", park(1), SUCCESS);
	expect_equal("parked", counter(0, PVN_STAT_processor_parked), 1);
	parked = counter(0, PVN_STAT_processor_child_switches);
	open = counter(1, PVN_STAT_processor_child_switches);
	run_program(id, 0, spin);
	expect(wait_until(counter(1, PVN_STAT_processor_child_switches) > open, 1000 * MSECS),
	       "it does not run on the other");
	wait_for(50 * MSECS);
	expect_equal("switches to children", counter(0, PVN_STAT_processor_child_switches), parked);
	expect_status("parking the other", park(2), SUCCESS);
	expect(wait_until(counter(0, PVN_STAT_processor_child_switches) > parked, 1000 * MSECS),
	       "it has not come over");
	expect_equal("parked", counter(0, PVN_STAT_processor_parked), 0);
	expect_status("opening", park(0), SUCCESS);
	unmap_stats(PVN_STATS_TYPE_processor, 0, 0);
	unmap_stats(PVN_STATS_TYPE_processor, 1, 0);
	end_child(id);
}

CASE(one_processor_stays_open)
{
	expect_status("all", park(3), OPERATION_DENIED);
	expect_status("one that is not there", park(4), INVALID_PARAMETER);
	expect_status("very many", park(~0ull), INVALID_PARAMETER);
	expect_status("none", park(0), SUCCESS);
}

CASE(a_processors_run_time_rises)
{
	struct pvn_get_logical_processor_run_time_out first, second;

	expect_status("run time", call_get_logical_processor_run_time(NULL, &first), SUCCESS);
	wait_for(20 * MSECS);
	expect_status("run time", call_get_logical_processor_run_time(NULL, &second), SUCCESS);
	expect(second.global_time >= first.global_time + 20 * MSECS, "global time stands still");
	expect(second.local_run_time > first.local_run_time, "run time stands still");
	expect(second.local_run_time <= second.global_time, "more run time than time");
	expect_equal("reserved", second.reserved, 0);
}

static uint64_t set_property(uint64_t id, uint32_t property, uint64_t value)
{
	const struct pvn_set_partition_property_in in = {
		.partition_id = id, .property = property, .value = value };

	return call_set_partition_property(&in, NULL);
}

CASE(a_capped_child_stands_still_in_between)
{
	uint64_t id = create_whole(1), start, before, ran;

	expect_status("a cap", set_property(id, PVN_PROPERTY_CPU_CAP, 0x4000), SUCCESS);
	expect_status("a VP's", map_stats(PVN_STATS_TYPE_vp, id, 0, STATS_PAGE), SUCCESS);
	run_program(id, 0, spin);
	wait_for(100 * MSECS);
	before = counter(0, PVN_STAT_vp_run_time);
	start = reference_time();
	wait_for(600 * MSECS);
	ran = counter(0, PVN_STAT_vp_run_time) - before;
	expect(ran * 2 < reference_time() - start, "it ran for %lu of %lu", ran, reference_time() - start);
	expect(ran * 20 > reference_time() - start, "it ran for %lu only", ran);
	end_child(id);
}

CASE(shares_are_what_there_is)
{
	uint64_t id = create_whole(2);
	const struct pvn_create_vp_in third = { .partition_id = id, .vp_index = 2 };

	expect_status("more than the cap", set_property(id, PVN_PROPERTY_CPU_RESERVE, 0x10001),
		      PROPERTY_VALUE_OUT_OF_RANGE);
	expect_status("all of both", set_property(id, PVN_PROPERTY_CPU_RESERVE, 0x10000), SUCCESS);
	expect_status("a third", call_create_vp(&third, NULL), OPERATION_DENIED);
	expect_status("a cap below it", set_property(id, PVN_PROPERTY_CPU_CAP, 0x8000),
		      PROPERTY_VALUE_OUT_OF_RANGE);
	expect_status("half of both", set_property(id, PVN_PROPERTY_CPU_RESERVE, 0x8000), SUCCESS);
	expect_status("a third", call_create_vp(&third, NULL), SUCCESS);
	expect_status("the root's cap", set_property(~0ull, PVN_PROPERTY_CPU_CAP, 0x8000), OPERATION_DENIED);
	expect_status("the root's reserve", set_property(~0ull, PVN_PROPERTY_CPU_RESERVE, 1),
		      OPERATION_DENIED);
	end_child(id);
}
