// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * MSRs: privileges, page registers, ends of a guest, architectural registers of children and root.
 */
#include "fake_vhw.h"

#include <string.h>

#define LINUX_ID   0x8100000000060100ull
#define MSR_PAT	   0x277
#define MSR_VM_CR  0xc0010114

static void every_synthetic_register_needs_its_privilege(void **state)
{
	static const struct { uint32_t msr; enum pvn_privilege privilege; } rows[] = {
		{ PVN_MSR_GUEST_OS_ID, PVN_PRIVILEGE_ACCESS_HYPERCALL_MSRS },
		{ PVN_MSR_HYPERCALL, PVN_PRIVILEGE_ACCESS_HYPERCALL_MSRS },
		{ PVN_MSR_VP_INDEX, PVN_PRIVILEGE_ACCESS_VP_INDEX },
		{ PVN_MSR_RESET, PVN_PRIVILEGE_ACCESS_RESET },
		{ PVN_MSR_VP_RUNTIME, PVN_PRIVILEGE_ACCESS_VP_RUN_TIME },
		{ PVN_MSR_TIME_REF_COUNT, PVN_PRIVILEGE_ACCESS_REFERENCE_COUNTER },
		{ PVN_MSR_REFERENCE_TSC, PVN_PRIVILEGE_ACCESS_REFERENCE_TSC },
		{ PVN_MSR_TSC_FREQUENCY, PVN_PRIVILEGE_ACCESS_FREQUENCIES },
		{ PVN_MSR_APIC_FREQUENCY, PVN_PRIVILEGE_ACCESS_FREQUENCIES },
		{ PVN_MSR_TPR, PVN_PRIVILEGE_ACCESS_APIC_MSRS },
		{ PVN_MSR_VP_ASSIST_PAGE, PVN_PRIVILEGE_ACCESS_APIC_MSRS },
		{ PVN_MSR_SCONTROL, PVN_PRIVILEGE_ACCESS_SYNIC },
		{ PVN_MSR_SINT0 + 15, PVN_PRIVILEGE_ACCESS_SYNIC },
		{ PVN_MSR_STIMER0_CONFIG + 7, PVN_PRIVILEGE_ACCESS_SYNTHETIC_TIMERS },
		{ PVN_MSR_GUEST_IDLE, PVN_PRIVILEGE_ACCESS_GUEST_IDLE },
		{ PVN_MSR_CRASH_CTL, PVN_PRIVILEGE_ACCESS_HYPERCALL_MSRS },
	};
	bool bad_value;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fake.partition->privileges = 1ull << rows[i].privilege;
		assert_false(fake_rdmsr_faults(fake.vp[0], rows[i].msr));
		fake.partition->privileges = ~(1ull << rows[i].privilege);
		assert_true(fake_rdmsr_faults(fake.vp[0], rows[i].msr));
		/* Not virtualized rather than a bad value: an intercept may have it. */
		assert_false(msr_write(fake.vp[0], rows[i].msr, 0, &bad_value));
		assert_false(bad_value);
	}
	fake.partition->privileges = ~0ull;
}

static void a_synthetic_register_that_does_not_exist_is_nobodys(void **state)
{
	static const uint32_t msrs[] = { 0x40000004, 0x40000040, 0x40000085, 0x400000a0, 0x400000b8,
					 0x400000f1, 0x40000106, 0x40000118, 0x40001002, 0x4fffffff };

	(void)state;
	for (unsigned int i = 0; i < sizeof(msrs) / sizeof(*msrs); i++)
		assert_true(fake_rdmsr_faults(fake.vp[0], msrs[i]));
}

static void read_only_synthetic_registers_fault_on_write(void **state)
{
	(void)state;
	assert_true(fake_wrmsr_faults(fake.vp[0], PVN_MSR_VP_INDEX, 0));
	assert_true(fake_wrmsr_faults(fake.vp[0], PVN_MSR_TIME_REF_COUNT, 0));
	assert_true(fake_wrmsr_faults(fake.vp[0], PVN_MSR_TSC_FREQUENCY, 0));
	assert_true(fake_wrmsr_faults(fake.vp[0], PVN_MSR_GUEST_IDLE, 0));
	assert_true(fake_rdmsr_faults(fake.vp[0], PVN_MSR_EOI));
}

static void the_hypercall_page_needs_an_identity_first(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, PVN_MSR_HYPERCALL, 0x3001);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_HYPERCALL), 0x3000);
	fake_wrmsr(vp, PVN_MSR_GUEST_OS_ID, LINUX_ID);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_GUEST_OS_ID), LINUX_ID);
	fake_wrmsr(vp, PVN_MSR_HYPERCALL, 0x3001);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_HYPERCALL), 0x3001);
	assert_int_equal(fake_overlay_of(fake.partition->hypercall_page), 0x3000);
	assert_int_equal(fake.overlay[0].rights, GPA_READ | GPA_EXECUTE);
}

static void taking_the_identity_back_takes_the_hypercall_page_away(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, PVN_MSR_GUEST_OS_ID, LINUX_ID);
	fake_wrmsr(vp, PVN_MSR_HYPERCALL, 0x3001);
	fake_wrmsr(vp, PVN_MSR_GUEST_OS_ID, 0);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_HYPERCALL), 0x3000);
	assert_int_equal(fake_overlay_of(fake.partition->hypercall_page), ~0ull);
}

static void a_locked_hypercall_register_does_not_change(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, PVN_MSR_GUEST_OS_ID, LINUX_ID);
	fake_wrmsr(vp, PVN_MSR_HYPERCALL, 0x3003);
	assert_true(fake_wrmsr_faults(vp, PVN_MSR_HYPERCALL, 0));
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_HYPERCALL), 0x3003);
}

static void a_page_beyond_the_guests_space_faults(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, PVN_MSR_GUEST_OS_ID, LINUX_ID);
	assert_true(fake_wrmsr_faults(vp, PVN_MSR_HYPERCALL, 1ull << 60 | 1));
	fake.overlay_refusals = 1;
	assert_true(fake_wrmsr_faults(vp, PVN_MSR_HYPERCALL, 0x3001));
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_HYPERCALL), 0);
}

static void the_reference_tsc_page_appears_filled_and_goes_disabled(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, PVN_MSR_REFERENCE_TSC, 0x9001);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_REFERENCE_TSC), 0x9001);
	assert_int_equal(fake_overlay_of(fake.partition->tsc_page), 0x9000);
	assert_int_equal(fake.partition->tsc_page->sequence, 1);
	fake_wrmsr(vp, PVN_MSR_REFERENCE_TSC, 0);
	assert_int_equal(fake_overlay_of(fake.partition->tsc_page), ~0ull);
	assert_int_equal(fake.partition->tsc_page->sequence, 0);
}

static void clocks_and_identities_are_told(void **state)
{
	struct vp *vp = fake.vp[3];

	(void)state;
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_VP_INDEX), 3);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_TSC_FREQUENCY), FAKE_TSC_HZ);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_APIC_FREQUENCY), FAKE_APIC_HZ);
	fake.tsc += FAKE_TSC_HZ;
	assert_in_range(fake_rdmsr(vp, PVN_MSR_TIME_REF_COUNT), 9999999, 10000000);
	vp->run_tsc = FAKE_TSC_HZ;
	vp->charged = fake.tsc - FAKE_TSC_HZ;
	assert_in_range(fake_rdmsr(vp, PVN_MSR_VP_RUNTIME), 19999998, 20000000);
}

static void statistics_pages_appear_for_reading(void **state)
{
	struct vp *vp = fake.vp[1];

	(void)state;
	fake_wrmsr(vp, PVN_MSR_STATS_VP, 0x7001);
	assert_int_equal(fake_overlay_of(vp->stats.count), 0x7000);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_STATS_VP), 0x7001);
	fake_wrmsr(vp, PVN_MSR_STATS_PARTITION + 1, 0x8001);
	assert_int_equal(fake_overlay_of(fake.partition->stats.count), 0x8000);
	for (unsigned int i = 0; i < FAKE_OVERLAYS; i++)
		assert_int_equal(fake.overlay[i].rights, fake.overlay[i].page ? GPA_READ : 0);
	assert_true(fake_wrmsr_faults(vp, PVN_MSR_STATS_VP, 1ull << 60 | 1));
	fake_wrmsr(vp, PVN_MSR_STATS_VP, 0);
	fake_wrmsr(vp, PVN_MSR_STATS_PARTITION + 1, 0);
	assert_int_equal(fake_overlay_of(vp->stats.count), ~0ull);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_STATS_PARTITION + 1), 0);
}

static void reading_guest_idle_puts_the_vp_to_sleep(void **state)
{
	(void)state;
	assert_int_equal(fake_rdmsr(fake.vp[1], PVN_MSR_GUEST_IDLE), 0);
	assert_true(fake.vp[1]->halted);
	assert_true(fake.vp[1]->idle);
}

static void a_crash_is_told_to_the_parent(void **state)
{
	struct vp *vp = fake.vp[1];
	struct pvn_crash_message m;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		fake_wrmsr(vp, PVN_MSR_CRASH_P0 + i, 100 + i);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_CRASH_P0 + 4), 104);
	assert_true(fake_rdmsr(vp, PVN_MSR_CRASH_CTL) & PVN_CRASH_CTL_NOTIFY);
	fake_wrmsr(vp, PVN_MSR_CRASH_CTL, 0);
	assert_int_equal(fake.intercepts, 0);
	fake_wrmsr(vp, PVN_MSR_CRASH_CTL, PVN_CRASH_CTL_NOTIFY);
	assert_int_equal(fake.intercept_type, PVN_MESSAGE_CRASH);
	memcpy(&m, fake.intercept_payload, sizeof(m));
	assert_int_equal(m.p[0], 100);
	assert_int_equal(m.p[4], 104);
	assert_int_equal(m.control, PVN_CRASH_CTL_NOTIFY);
	assert_int_equal(fake.partition->crash[5], PVN_CRASH_CTL_NOTIFY);
}

static void a_reset_is_told_to_the_parent(void **state)
{
	(void)state;
	fake_wrmsr(fake.vp[1], PVN_MSR_RESET, 0);
	assert_int_equal(fake.intercepts, 0);
	assert_true(fake_wrmsr_faults(fake.vp[1], PVN_MSR_RESET, 3));
	fake_wrmsr(fake.vp[1], PVN_MSR_RESET, 1);
	assert_int_equal(fake.intercept_type, PVN_MESSAGE_RESET);
	assert_int_equal(fake_rdmsr(fake.vp[1], PVN_MSR_RESET), 0);
}

static void the_roots_crash_and_reset_stop_nothing(void **state)
{
	(void)state;
	fake.partition->is_root = true;
	fake_wrmsr(fake.vp[0], PVN_MSR_RESET, 1);
	fake_wrmsr(fake.vp[0], PVN_MSR_CRASH_CTL, PVN_CRASH_CTL_NOTIFY);
	assert_int_equal(fake.intercepts, 0);
}

static void efer_hides_the_hypervisors_bit_and_checks_the_others(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake.efer = 0x1d01;
	assert_int_equal(fake_rdmsr(vp, MSR_EFER), 0xd01);
	fake_wrmsr(vp, MSR_EFER, 0x901);		/* LMA is read-only: it stays */
	assert_int_equal(fake.efer & 0xfff, 0xd01);
	assert_true(fake_wrmsr_faults(vp, MSR_EFER, 0x1d01));
	assert_true(fake_wrmsr_faults(vp, MSR_EFER, 1ull << 40));
	fake.cr0 = 1u << 31;
	assert_true(fake_wrmsr_faults(vp, MSR_EFER, 0x801));	/* LME under paging */
	fake.cr0 = 0;
	assert_false(fake_wrmsr_faults(vp, MSR_EFER, 0x801));
}

static void a_child_has_a_pat_with_valid_types_only(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, MSR_PAT, 0x0407050600070406);
	assert_int_equal(fake_rdmsr(vp, MSR_PAT), 0x0407050600070406);
	assert_true(fake_wrmsr_faults(vp, MSR_PAT, 0x0407050600070402));
	assert_true(fake_wrmsr_faults(vp, MSR_PAT, 0x0807050600070406));
}

static void a_childs_boot_finds_the_registers_that_it_expects(void **state)
{
	static const uint32_t msrs[] = { 0x10, 0x17, 0x8b, 0xce, 0xfe, 0x179, 0x1a0, 0x1d9, 0x2ff,
					 0xc0010010, 0xc0010015, 0xc0010055, 0xc0011029 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(msrs) / sizeof(*msrs); i++) {
		uint64_t before = fake_rdmsr(fake.vp[0], msrs[i]);

		fake_wrmsr(fake.vp[0], msrs[i], ~before);
		assert_int_equal(fake_rdmsr(fake.vp[0], msrs[i]), before);
	}
	assert_int_equal(fake_rdmsr(fake.vp[0], 0x10), fake.tsc);
}

/* The page that says what there is says the truth; EOI is not read. */
static void registers_of_the_specification_are_there_as_the_table_says(void **state)
{
	static const struct { uint32_t first, count; bool there; } rows[] = {
#define PVN_TLFS_MSR(first, count, name, privilege, remark) \
		{ first, count, PVN_PRIVILEGE_##privilege != PVN_PRIVILEGE_NONE },
#include "tlfs-v2.def"
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (uint32_t msr = rows[i].first; msr < rows[i].first + rows[i].count; msr++)
			if (msr != PVN_MSR_EOI)
				assert_int_equal(fake_rdmsr_faults(fake.vp[0], msr), !rows[i].there);
}

static void unknown_registers_are_nobodys(void **state)
{
	bool bad_value;

	(void)state;
	assert_true(fake_rdmsr_faults(fake.vp[0], 0x48));
	assert_true(fake_rdmsr_faults(fake.vp[0], MSR_VM_CR));
	assert_false(msr_write(fake.vp[0], 0x48, 1, &bad_value));
	assert_false(bad_value);
	fake.partition->is_root = true;
	assert_true(fake_rdmsr_faults(fake.vp[0], MSR_VM_CR));
	assert_true(fake_rdmsr_faults(fake.vp[0], 0xc0010117));
	assert_false(msr_write(fake.vp[0], MSR_VM_CR, 0, &bad_value));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fake_vhw_setup, fake_vhw_teardown)
	const struct CMUnitTest tests[] = {
		T(every_synthetic_register_needs_its_privilege),
		T(a_synthetic_register_that_does_not_exist_is_nobodys),
		T(read_only_synthetic_registers_fault_on_write),
		T(the_hypercall_page_needs_an_identity_first),
		T(taking_the_identity_back_takes_the_hypercall_page_away),
		T(a_locked_hypercall_register_does_not_change),
		T(a_page_beyond_the_guests_space_faults),
		T(the_reference_tsc_page_appears_filled_and_goes_disabled),
		T(clocks_and_identities_are_told),
		T(statistics_pages_appear_for_reading),
		T(reading_guest_idle_puts_the_vp_to_sleep),
		T(a_crash_is_told_to_the_parent),
		T(a_reset_is_told_to_the_parent),
		T(the_roots_crash_and_reset_stop_nothing),
		T(efer_hides_the_hypervisors_bit_and_checks_the_others),
		T(a_child_has_a_pat_with_valid_types_only),
		T(a_childs_boot_finds_the_registers_that_it_expects),
		T(registers_of_the_specification_are_there_as_the_table_says),
		T(unknown_registers_are_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
