// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Spin waits and synthetic IPIs.
 */
#include "fake_machine.h"

static unsigned int ipi(struct vp *vp, uint64_t vector, uint64_t mask)
{
	return fake_hypercall(vp, PVN_CALL_send_synthetic_cluster_ipi | PVN_CONTROL_FAST, vector, mask);
}

static void a_long_spin_wait_yields(void **state)
{
	(void)state;
	assert_int_equal(fake_hypercall(machine.root_vp,
					PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 4096, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(machine.yields, 1);
}

static void an_ipi_reaches_those_in_the_mask_and_ignores_the_rest(void **state)
{
	struct partition *child = partition_of(make_child(3));

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		assert_true(lapic_write_msr(child->vps[i], 0x80f, 0x1ff));
	child->vps[1]->stop_reasons = 0;
	assert_int_equal(ipi(child->vps[0], 0x99, ~0ull), PVN_STATUS_SUCCESS);
	assert_true(is_raised(child->vps[0], 0x99));
	assert_true(is_raised(child->vps[1], 0x99));
	/* Waits for SIPI. */
	assert_false(is_raised(child->vps[2], 0x99));
	assert_false(is_raised(machine.root_vp, 0x99));
}

static void vectors_of_exceptions_and_other_trust_levels_are_refused(void **state)
{
	(void)state;
	assert_int_equal(ipi(machine.root_vp, 0x0f, 1), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(ipi(machine.root_vp, 0x100, 1), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(ipi(machine.root_vp, 0x50 | 1ull << 32, 1), PVN_STATUS_INVALID_PARAMETER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_long_spin_wait_yields),
		ON_FAKE_MACHINE(an_ipi_reaches_those_in_the_mask_and_ignores_the_rest),
		ON_FAKE_MACHINE(vectors_of_exceptions_and_other_trust_levels_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
