// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Statistics pages that a guest lays over its own memory [TLFS 2.0 21.4 "Statistics MSRs"].
 */
#include <pvn/abi/stats.h>

#include "testguest.h"

#define BELOW 0x5a

static uint64_t pages[2][PVN_STATS_SLOTS] PAGE_ALIGNED;

static uint64_t counter(unsigned int page, unsigned int slot)
{
	return *(const volatile uint64_t *)&pages[page][slot];
}

static void show(uint32_t msr, unsigned int page)
{
	wrmsr(msr, (uint64_t)pages[page] | PVN_MSR_PAGE_ENABLE);
}

CASE(vp_page_counts_exits)
{
	uint64_t before[4];

	memset(pages, BELOW, sizeof(pages));
	show(PVN_MSR_STATS_VP, 0);
	expect_equal("the first group", pvn_stats_group_id(counter(0, 0)), 2);
	expect_equal("its counters", pvn_stats_group_slots(counter(0, 0)), 2);
	before[0] = counter(0, PVN_STAT_vp_exit_cpuid);
	before[1] = counter(0, PVN_STAT_vp_exit_hypercall);
	before[2] = counter(0, PVN_STAT_vp_calls + PVN_CALL_notify_long_spin_wait);
	before[3] = counter(0, PVN_STAT_vp_exit_msr_read);
	for (unsigned int i = 0; i < 10; i++) {
		uint32_t out[4];

		cpuid(0, 0, out);
		hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 1, 0);
		rdmsr(PVN_MSR_VP_INDEX);
	}
	expect_equal("CPUID", counter(0, PVN_STAT_vp_exit_cpuid) - before[0], 10);
	expect_equal("hypercalls", counter(0, PVN_STAT_vp_exit_hypercall) - before[1], 10);
	expect_equal("hypercalls of the code",
		     counter(0, PVN_STAT_vp_calls + PVN_CALL_notify_long_spin_wait) - before[2], 10);
	expect_equal("RDMSR", counter(0, PVN_STAT_vp_exit_msr_read) - before[3], 10);
	wrmsr(PVN_MSR_STATS_VP, 0);
	expect_equal("the memory below", counter(0, 0), 0x5a5a5a5a5a5a5a5aull);
}

CASE(partition_page_counts_processors)
{
	show(PVN_MSR_STATS_PARTITION, 1);
	expect_equal("VPs", counter(1, PVN_STAT_partition_virtual_processors), 2);
	expect(counter(1, PVN_STAT_partition_gpa_pages) >= 8192, "32 MiB have %lu pages",
	       counter(1, PVN_STAT_partition_gpa_pages));
	expect_equal("the register", rdmsr(PVN_MSR_STATS_PARTITION), (uint64_t)pages[1] | 1);
	wrmsr(PVN_MSR_STATS_PARTITION, 0);
}

static void write_page(void *context)
{
	*(volatile uint64_t *)context = 1;
}

CASE(statistics_are_read_only)
{
	struct caught caught;

	show(PVN_MSR_STATS_VP, 0);
	expect_fault("a write", catch_fault(write_page, pages[0], &caught), VECTOR_GP);
	expect_equal("the first group", pvn_stats_group_id(counter(0, 0)), 2);
	wrmsr(PVN_MSR_STATS_VP, 0);
}

CASE(statistics_registers_take_pages_in_the_space)
{
	for (uint32_t msr = PVN_MSR_STATS_PARTITION; msr < PVN_MSR_STATS_VP + 2; msr++) {
		expect_fault("a page beyond", wrmsr_fault(msr, 1ull << 52 | 1), VECTOR_GP);
		expect_fault("a page", wrmsr_fault(msr, (uint64_t)pages[0] | 1), NO_FAULT);
		expect_fault("none", wrmsr_fault(msr, 0), NO_FAULT);
	}
	/* Two overlays cannot be at one place. */
	show(PVN_MSR_STATS_VP, 0);
	expect_fault("an occupied page", wrmsr_fault(PVN_MSR_STATS_VP + 1, (uint64_t)pages[0] | 1),
		     VECTOR_GP);
	wrmsr(PVN_MSR_STATS_VP, 0);
}

CASE(run_time_rises)
{
	uint64_t before;

	show(PVN_MSR_STATS_VP, 0);
	before = counter(0, PVN_STAT_vp_run_time);
	wait_for(100 * MSECS);
	/* Brought up to date every few exits. */
	for (unsigned int i = 0; i < 100; i++)
		rdmsr(PVN_MSR_VP_INDEX);
	expect(counter(0, PVN_STAT_vp_run_time) > before, "it stands at %lu", before);
	expect(counter(0, PVN_STAT_vp_run_time) <= rdmsr(PVN_MSR_VP_RUNTIME), "more than the register's");
	expect(counter(0, PVN_STAT_vp_hypervisor_time), "no time in the hypervisor");
	wrmsr(PVN_MSR_STATS_VP, 0);
}
