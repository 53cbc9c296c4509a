// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The dispatcher: who may call, control words, blocks, continuation.
 */
#include "fake_machine.h"

#define FAST PVN_CONTROL_FAST

static unsigned int call(uint64_t control, uint64_t in, uint64_t out)
{
	return pvn_result_status(fake_hypercall(machine.root_vp, control, in, out));
}

static void only_64_bit_code_at_cpl_0_may_call(void **state)
{
	struct vp *vp = machine.root_vp;
	uint64_t rip = vp->regs.rip, rax = vp->regs.gpr[RAX];

	(void)state;
	/* As SYSRET leaves it: CS of CPL 3, SS with the attributes of CPL 0. */
	fake_set_register(vp, PVN_REG_CS, 0, 0x20fbull << 48 | 0x33ull << 32);
	fake_hypercall(vp, PVN_CALL_get_partition_id, 0, FAKE_OUT);
	assert_int_equal(fake_vendor(vp)->exceptions_injected, 1);
	assert_int_equal(fake_vendor(vp)->last_exception, 6);
	fake_enlighten(vp);
	fake_set_register(vp, PVN_REG_CS, 0, 0xc09bull << 48);
	fake_hypercall(vp, PVN_CALL_get_partition_id, 0, FAKE_OUT);
	assert_int_equal(fake_vendor(vp)->exceptions_injected, 2);
	assert_int_equal(vp->regs.rip, rip);
	assert_int_equal(vp->regs.gpr[RAX], rax);
}

static void a_guest_that_has_not_said_who_it_is_may_not_call(void **state)
{
	(void)state;
	root_partition->guest_os_id = 0;
	fake_hypercall(machine.root_vp, PVN_CALL_get_partition_id, 0, FAKE_OUT);
	assert_int_equal(fake_vendor(machine.root_vp)->exceptions_injected, 1);
}

static void a_call_writes_its_result_and_nothing_but_rax_and_rip(void **state)
{
	struct vp *vp = machine.root_vp;
	struct vp_regs before;

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		vp->regs.gpr[i] = 0x1111 * i;
	vp->regs.gpr[RCX] = PVN_CALL_get_partition_id;
	vp->regs.gpr[R8] = FAKE_OUT;
	before = vp->regs;
	hypercall_exit(vp, 3);
	assert_int_equal(*(uint64_t *)root_memory(FAKE_OUT), root_partition->id);
	before.gpr[RAX] = PVN_STATUS_SUCCESS;
	before.rip += 3;
	assert_memory_equal(&before, &vp->regs, sizeof(before));
	assert_int_equal(fake_vendor(vp)->shadows_cleared, 1);
}

static void unknown_codes_are_refused(void **state)
{
	(void)state;
	assert_int_equal(call(0, 0, 0), PVN_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(call(0xff, 0, 0), PVN_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(call(0x100, 0, 0), PVN_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(call(0x3fff, 0, 0), PVN_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(call(0x400f, 0, 0), PVN_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(call(0x4010, 0, 0), PVN_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(call(0xffff, 0, 0), PVN_STATUS_INVALID_HYPERCALL_CODE);
}

static void reserved_bits_and_wrong_repeat_fields_are_refused(void **state)
{
	(void)state;
	for (unsigned int bit = 17; bit < 64; bit++) {
		/* The outermost hypervisor, which a nested one asks for by this bit, is us. */
		if (bit != 31)
			assert_int_equal(call(PVN_CALL_get_partition_id | 1ull << bit, 0, FAKE_OUT),
					 PVN_STATUS_INVALID_HYPERCALL_INPUT);
	}
	assert_int_equal(call(pvn_control_rep(PVN_CALL_unmap_gpa_pages, 0, 0), FAKE_IN, 0),
			 PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(call(pvn_control_rep(PVN_CALL_unmap_gpa_pages, 5, 5), FAKE_IN, 0),
			 PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(machine.root_vp->regs.gpr[RAX] >> 16, 0);
}

static void memory_calls_refuse_the_fast_form(void **state)
{
	(void)state;
	assert_int_equal(call(PVN_CALL_post_message | FAST, 0, 0), PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(call(PVN_CALL_get_partition_id | FAST, 0, 0),
			 PVN_STATUS_INVALID_HYPERCALL_INPUT);
}

static void fast_input_is_in_rdx_and_r8(void **state)
{
	struct vp *other = root_partition->vps[1];

	(void)state;
	assert_true(lapic_write_msr(other, 0x80f, 0x1ff));
	assert_int_equal(call(PVN_CALL_send_synthetic_cluster_ipi | FAST, 0x45, 1ull << 1),
			 PVN_STATUS_SUCCESS);
	assert_true(is_raised(other, 0x45));
	assert_false(is_raised(machine.root_vp, 0x45));
}

static void fast_rows_take_memory_too(void **state)
{
	struct pvn_signal_event_in in = { .connection_id = 77 };

	(void)state;
	assert_int_equal(root_call(PVN_CALL_signal_event, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_CONNECTION_ID);
	in.mbz = 1;
	assert_int_equal(root_call(PVN_CALL_signal_event, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_PARAMETER);
}

static void blocks_must_be_aligned_within_a_page_and_the_space(void **state)
{
	(void)state;
	assert_int_equal(call(PVN_CALL_get_partition_id, 0, FAKE_OUT + 4), PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(call(PVN_CALL_get_partition_id, 0, GPA_SPACE_BYTES),
			 PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(call(PVN_CALL_get_partition_id, 0, FAKE_OUT + 0xff8), PVN_STATUS_SUCCESS);
	assert_int_equal(call(PVN_CALL_get_memory_balance, FAKE_IN + 0xff8, FAKE_OUT),
			 PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(call(PVN_CALL_get_memory_balance, FAKE_IN, FAKE_OUT + 0xff8),
			 PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(call(PVN_CALL_get_memory_balance, FAKE_IN, FAKE_IN),
			 PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(call(PVN_CALL_get_memory_balance, FAKE_IN, FAKE_IN + 8),
			 PVN_STATUS_INVALID_ALIGNMENT);
	/* A list of one element too many for the page. */
	assert_int_equal(call(pvn_control_rep(PVN_CALL_deposit_memory, 512, 0), FAKE_IN, 0),
			 PVN_STATUS_INVALID_ALIGNMENT);
}

static void blocks_that_are_not_there_are_refused_before_anything_is_done(void **state)
{
	struct pvn_create_partition_in in = { 0 };

	(void)state;
	memcpy(root_memory(FAKE_IN), &in, sizeof(in));
	assert_int_equal(call(PVN_CALL_create_partition, FAKE_IN, FAKE_HYPERVISOR),
			 PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(partition_next_child(root_partition, 0), 0);
	assert_int_equal(call(PVN_CALL_create_partition, FAKE_HYPERVISOR, FAKE_OUT),
			 PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(call(PVN_CALL_create_partition, FAKE_DEVICE, FAKE_OUT),
			 PVN_STATUS_INVALID_HYPERCALL_INPUT);
}

static void the_privilege_is_looked_at_before_anything_else(void **state)
{
	struct partition *child = partition_of(make_child(1));
	struct vp *vp = child->vps[0];
	uint64_t word;

	(void)state;
	word = fake_hypercall(vp, PVN_CALL_create_partition | 1ull << 63, 1, 1);
	assert_int_equal(word, PVN_STATUS_ACCESS_DENIED);
	word = fake_hypercall(vp, pvn_control_rep(PVN_CALL_deposit_memory, 0, 7), 1, 1);
	assert_int_equal(word, PVN_STATUS_ACCESS_DENIED);
	/* What a privilege bit allows, whoever has it. */
	word = fake_hypercall(vp, PVN_CALL_signal_event | FAST, 5, 0);
	assert_int_equal(word, PVN_STATUS_INVALID_CONNECTION_ID);
}

static void a_childs_blocks_are_in_its_own_memory(void **state)
{
	uint64_t id = make_child(1), page = take_root_pages(1);
	struct vp *vp = partition_of(id)->vps[0];
	struct pvn_signal_event_in in = { .connection_id = 9 };

	(void)state;
	assert_int_equal(fake_hypercall(vp, PVN_CALL_signal_event, 0x3000, 0),
			 PVN_STATUS_INVALID_HYPERCALL_INPUT);
	map_pages(id, 3, page, 1, GPA_READ);
	memcpy(root_memory(page << PAGE_SHIFT), &in, sizeof(in));
	assert_int_equal(fake_hypercall(vp, PVN_CALL_signal_event, 0x3000, 0),
			 PVN_STATUS_INVALID_CONNECTION_ID);
}

static void a_failing_element_says_how_many_came_before(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(2);
	uint64_t pages[] = { page, page + 1, FAKE_HYPERVISOR >> PAGE_SHIFT, page };
	unsigned int done;

	(void)state;
	assert_int_equal(root_rep_call(PVN_CALL_deposit_memory, 4, &id, sizeof(id), pages,
				       sizeof(pages), NULL, 0, &done), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(done, 2);
	assert_int_equal(page_pool_free_count(&partition_of(id)->pool), 95);
}

static void a_call_that_takes_too_long_continues_with_the_next_element(void **state)
{
	struct vp *vp = machine.root_vp;
	uint64_t id = make_child(0), first = take_root_pages(100), rip = vp->regs.rip, control;
	uint64_t *list = root_memory(FAKE_IN);
	unsigned int start = 0;

	(void)state;
	list[0] = id;
	for (unsigned int i = 0; i < 100; i++)
		list[1 + i] = first + i;
	control = pvn_control_rep(PVN_CALL_deposit_memory, 100, 0);
	vp->regs.gpr[RCX] = control;
	vp->regs.gpr[RDX] = FAKE_IN;
	machine.tsc_step = FAKE_TSC_HZ;
	while (start < 96) {
		hypercall_exit(vp, 3);
		assert_int_equal(vp->regs.rip, rip);
		start += HC_CHUNK;
		assert_int_equal(vp->regs.gpr[RCX], pvn_control_rep(PVN_CALL_deposit_memory, 100, start));
	}
	hypercall_exit(vp, 3);
	assert_int_equal(vp->regs.rip, rip + 3);
	assert_int_equal(vp->regs.gpr[RAX], 100ull << PVN_RESULT_REPS_SHIFT);
	assert_int_equal(page_pool_free_count(&partition_of(id)->pool), 193);
}

static void a_start_index_skips_what_was_done(void **state)
{
	uint64_t id = make_child(0), *list = root_memory(FAKE_IN), page = take_root_pages(3);
	uint64_t word;

	(void)state;
	list[0] = id;
	list[1] = list[2] = ~0ull;
	list[3] = page;
	word = fake_hypercall(machine.root_vp, pvn_control_rep(PVN_CALL_deposit_memory, 3, 2), FAKE_IN, 0);
	assert_int_equal(word, 3ull << PVN_RESULT_REPS_SHIFT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(only_64_bit_code_at_cpl_0_may_call),
		ON_FAKE_MACHINE(a_guest_that_has_not_said_who_it_is_may_not_call),
		ON_FAKE_MACHINE(a_call_writes_its_result_and_nothing_but_rax_and_rip),
		ON_FAKE_MACHINE(unknown_codes_are_refused),
		ON_FAKE_MACHINE(reserved_bits_and_wrong_repeat_fields_are_refused),
		ON_FAKE_MACHINE(memory_calls_refuse_the_fast_form),
		ON_FAKE_MACHINE(fast_input_is_in_rdx_and_r8),
		ON_FAKE_MACHINE(fast_rows_take_memory_too),
		ON_FAKE_MACHINE(blocks_must_be_aligned_within_a_page_and_the_space),
		ON_FAKE_MACHINE(blocks_that_are_not_there_are_refused_before_anything_is_done),
		ON_FAKE_MACHINE(the_privilege_is_looked_at_before_anything_else),
		ON_FAKE_MACHINE(a_childs_blocks_are_in_its_own_memory),
		ON_FAKE_MACHINE(a_failing_element_says_how_many_came_before),
		ON_FAKE_MACHINE(a_call_that_takes_too_long_continues_with_the_next_element),
		ON_FAKE_MACHINE(a_start_index_skips_what_was_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
