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

static void an_ipi_takes_a_sparse_set(void **state)
{
	struct { struct pvn_send_synthetic_cluster_ipi_ex_in in; uint64_t bank; } input = {
		.in = { .vector = 0x77, .vp_set_banks = 1 }, .bank = 2 };
	uint64_t control = PVN_CALL_send_synthetic_cluster_ipi_ex | 1ull << PVN_CONTROL_VARHEAD_SHIFT;

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		assert_true(lapic_write_msr(root_partition->vps[i], 0x80f, 0x1ff));
	memcpy(root_memory(FAKE_IN), &input, sizeof(input));
	assert_int_equal(fake_hypercall(machine.root_vp, control, FAKE_IN, 0), PVN_STATUS_SUCCESS);
	assert_false(is_raised(machine.root_vp, 0x77));
	assert_true(is_raised(root_partition->vps[1], 0x77));
	input.in.vector = 15;
	memcpy(root_memory(FAKE_IN), &input, sizeof(input));
	assert_int_equal(fake_hypercall(machine.root_vp, control, FAKE_IN, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	/* All, and no bank. */
	input.in.vector = 0x78;
	input.in.vp_set_format = PVN_VP_SET_ALL;
	memcpy(root_memory(FAKE_IN), &input, sizeof(input));
	assert_int_equal(fake_hypercall(machine.root_vp, PVN_CALL_send_synthetic_cluster_ipi_ex, FAKE_IN, 0),
			 PVN_STATUS_SUCCESS);
	assert_true(is_raised(machine.root_vp, 0x78));
}

static enum pvn_status assert_at(struct pvn_assert_virtual_interrupt_in in)
{
	return root_call(PVN_CALL_assert_virtual_interrupt, &in, sizeof(in), NULL, 0);
}

static void a_parent_interrupts_the_processor_with_the_apic_id(void **state)
{
	uint64_t id = make_child(2);
	struct partition *child = partition_of(id);

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		assert_true(lapic_write_msr(child->vps[i], 0x80f, 0x1ff));
	child->vps[1]->stop_reasons = 0;
	assert_int_equal(assert_at((struct pvn_assert_virtual_interrupt_in){
				 .partition_id = id, .destination = 1, .vector = 0x31 }),
			 PVN_STATUS_SUCCESS);
	assert_true(is_raised(child->vps[1], 0x31));
	assert_false(is_raised(child->vps[0], 0x31));
	assert_int_equal(assert_at((struct pvn_assert_virtual_interrupt_in){
				 .partition_id = id, .type = PVN_INTERRUPT_LOWEST,
				 .flags = PVN_INTERRUPT_LOGICAL, .destination = 1, .vector = 0x32 }),
			 PVN_STATUS_SUCCESS);
	assert_true(is_raised(child->vps[0], 0x32));
	assert_false(is_raised(child->vps[1], 0x32));
	assert_int_equal(assert_at((struct pvn_assert_virtual_interrupt_in){
				 .partition_id = id, .type = PVN_INTERRUPT_NMI, .destination = 0 }),
			 PVN_STATUS_SUCCESS);
	assert_true(child->vps[0]->lapic.events & LAPIC_NMI);
}

static void bad_interrupts_are_refused(void **state)
{
	const struct pvn_assert_virtual_interrupt_in bad[] = {
		{ .vector = 0x0f }, { .vector = 0x100 }, { .vector = PVN_INTERRUPT_NONE },
		{ .vector = 0x40, .type = 3 }, { .vector = 0x40, .type = 8 }, { .vector = 0x40, .type = ~0u },
		{ .vector = 0x40, .flags = 4 }, { .vector = 0x40, .target_vtl = 1 },
		{ .vector = 0x40, .destination = 1ull << 32 },
		{ .type = PVN_INTERRUPT_NMI, .flags = PVN_INTERRUPT_LEVEL },
		{ .type = PVN_INTERRUPT_SIPI, .vector = 0x100 },
		{ .type = PVN_INTERRUPT_EXTINT, .vector = 0x100 },
		{ .type = PVN_INTERRUPT_EXTINT, .vector = 8, .destination = 1 },
	};
	uint64_t id = make_child(1);

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pvn_assert_virtual_interrupt_in in = bad[i];

		in.partition_id = id;
		assert_int_equal(assert_at(in), PVN_STATUS_INVALID_PARAMETER);
	}
	assert_int_equal(assert_at((struct pvn_assert_virtual_interrupt_in){ .partition_id = id,
									    .type = PVN_INTERRUPT_SMI }),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(partition_of(id)->vps[0]->lapic.events, LAPIC_SMI);
	id = make_child(0);
	assert_int_equal(assert_at((struct pvn_assert_virtual_interrupt_in){ .partition_id = id,
									    .vector = 0x40 }),
			 PVN_STATUS_INVALID_VP_INDEX);
	assert_int_equal(root_call(PVN_CALL_clear_virtual_interrupt, &id, sizeof(id), NULL, 0),
			 PVN_STATUS_INVALID_VP_INDEX);
}

static void a_level_is_replaced_withdrawn_and_its_end_told(void **state)
{
	uint64_t id = make_child(1);
	struct vp *vp = partition_of(id)->vps[0];
	struct pvn_assert_virtual_interrupt_in in = {
		.partition_id = id, .flags = PVN_INTERRUPT_LEVEL, .vector = 0x41 };
	const struct pvn_message *message;

	(void)state;
	enable_synic(machine.root_vp, 0, 0x60);
	assert_true(lapic_write_msr(vp, 0x80f, 0x1ff));
	assert_int_equal(assert_at(in), PVN_STATUS_SUCCESS);
	in.vector = 0x42;
	assert_int_equal(assert_at(in), PVN_STATUS_SUCCESS);
	assert_false(is_raised(vp, 0x41));
	assert_true(is_raised(vp, 0x42));
	in.vector = PVN_INTERRUPT_NONE;
	assert_int_equal(assert_at(in), PVN_STATUS_SUCCESS);
	assert_false(is_raised(vp, 0x42));
	in.vector = 0x43;
	assert_int_equal(assert_at(in), PVN_STATUS_SUCCESS);
	lapic_accept(vp, 0x43);
	vp->stop_reasons = 0;
	lapic_eoi(vp);
	assert_int_equal(vp->stop_reasons, VP_STOP_INTERCEPT);
	message = &machine.root_vp->synic.messages->sint[0];
	assert_int_equal(message->type, PVN_MESSAGE_APIC_EOI);
	assert_int_equal(((const struct pvn_eoi_message *)message->payload)->vp_index, 0);
	assert_int_equal(((const struct pvn_eoi_message *)message->payload)->vector, 0x43);
}

static void a_guests_own_level_is_an_edge(void **state)
{
	struct vp *vp = partition_of(make_child(1))->vps[0];

	(void)state;
	assert_true(lapic_write_msr(vp, 0x80f, 0x1ff));
	assert_true(lapic_write_msr(vp, 0x830, 0x4c050));	/* to itself, level, assert */
	assert_true(is_raised(vp, 0x50));
	lapic_accept(vp, 0x50);
	vp->stop_reasons = 0;
	lapic_eoi(vp);
	assert_int_equal(vp->stop_reasons, 0);
	vp->stop_reasons = VP_STOP_EXPLICIT;
}

static void an_8259_waits_for_its_acknowledge(void **state)
{
	uint64_t id = make_child(1);
	struct vp *vp = partition_of(id)->vps[0];
	struct pvn_assert_virtual_interrupt_v2_in in = {
		.partition_id = id, .type = PVN_INTERRUPT_EXTINT, .vector = 8 };

#define ASSERT_V2() root_call(PVN_CALL_assert_virtual_interrupt_v2, &in, sizeof(in), NULL, 0)
#define CLEAR() root_call(PVN_CALL_clear_virtual_interrupt, &id, sizeof(id), NULL, 0)
	(void)state;
	/* Its APIC is off, which is no matter. */
	assert_int_equal(ASSERT_V2(), PVN_STATUS_SUCCESS);
	assert_true(vp->lapic.events & LAPIC_EXTINT);
	in.vector = 9;
	assert_int_equal(ASSERT_V2(), PVN_STATUS_SUCCESS);
	assert_int_equal(CLEAR(), PVN_STATUS_NOT_ACKNOWLEDGED);
	assert_int_equal(lapic_take_extint(vp), 9);
	assert_int_equal(lapic_take_extint(vp), -1);
	assert_int_equal(ASSERT_V2(), PVN_STATUS_ACKNOWLEDGED);
	assert_int_equal(CLEAR(), PVN_STATUS_SUCCESS);
	assert_int_equal(CLEAR(), PVN_STATUS_NOT_ACKNOWLEDGED);
	assert_int_equal(ASSERT_V2(), PVN_STATUS_SUCCESS);
	in.vector = PVN_INTERRUPT_NONE;
	assert_int_equal(ASSERT_V2(), PVN_STATUS_SUCCESS);
	assert_int_equal(lapic_take_extint(vp), -1);
}

static void a_parent_starts_a_processor(void **state)
{
	uint64_t id = make_child(2);
	struct vp *vp = partition_of(id)->vps[1];
	struct pvn_assert_virtual_interrupt_in in = {
		.partition_id = id, .type = PVN_INTERRUPT_SIPI, .vector = 8, .destination = 1 };

	(void)state;
	assert_int_equal(assert_at(in), PVN_STATUS_SUCCESS);
	assert_int_equal(vp->sipi_vector, 8);
	assert_false(vp->stop_reasons & VP_STOP_SIPI);
	vp->stop_reasons = 0;
	in.type = PVN_INTERRUPT_INIT;
	assert_int_equal(assert_at(in), PVN_STATUS_SUCCESS);
	assert_true(vp->init_pending);
}

static void processors_are_parked_by_those_who_may(void **state)
{
	struct vp *child = partition_of(make_child(1))->vps[0];

	(void)state;
	fake_enlighten(child);
	assert_int_equal(fake_hypercall(child, PVN_CALL_park_logical_processors | PVN_CONTROL_FAST, 2, 0),
			 PVN_STATUS_ACCESS_DENIED);
	assert_int_equal(machine.parked, 0);
	assert_int_equal(fake_hypercall(machine.root_vp,
					PVN_CALL_park_logical_processors | PVN_CONTROL_FAST, 6, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(machine.parked, 6);
	assert_int_equal(fake_hypercall(machine.root_vp,
					PVN_CALL_park_logical_processors | PVN_CONTROL_FAST, 1 << 4, 0),
			 PVN_STATUS_INVALID_PARAMETER);
}

static void a_processors_run_time_is_up_to_date(void **state)
{
	struct pvn_get_logical_processor_run_time_out out;
	uint64_t *count = machine.cpu[0].stats.count;

	(void)state;
	count[PVN_STAT_processor_global_time] = 1000;
	count[PVN_STAT_processor_run_time] = 500;
	count[PVN_STAT_processor_hypervisor_time] = 50;
	assert_int_equal(root_call(PVN_CALL_get_logical_processor_run_time, NULL, 0, &out, sizeof(out)),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(out.global_time, 1000);
	assert_int_equal(out.local_run_time, 507);
	assert_int_equal(out.reserved, 0);
	assert_int_equal(out.hypervisor_time, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_long_spin_wait_yields),
		ON_FAKE_MACHINE(an_ipi_reaches_those_in_the_mask_and_ignores_the_rest),
		ON_FAKE_MACHINE(an_ipi_takes_a_sparse_set),
		ON_FAKE_MACHINE(processors_are_parked_by_those_who_may),
		ON_FAKE_MACHINE(a_processors_run_time_is_up_to_date),
		ON_FAKE_MACHINE(vectors_of_exceptions_and_other_trust_levels_are_refused),
		ON_FAKE_MACHINE(a_parent_interrupts_the_processor_with_the_apic_id),
		ON_FAKE_MACHINE(bad_interrupts_are_refused),
		ON_FAKE_MACHINE(a_level_is_replaced_withdrawn_and_its_end_told),
		ON_FAKE_MACHINE(a_guests_own_level_is_an_edge),
		ON_FAKE_MACHINE(an_8259_waits_for_its_acknowledge),
		ON_FAKE_MACHINE(a_parent_starts_a_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
