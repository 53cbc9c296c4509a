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

static void only_protected_mode_code_at_cpl_0_may_call(void **state)
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
	/* Real mode. */
	fake_set_register(vp, PVN_REG_CS, 0, 0x009bull << 48);
	fake_set_register(vp, PVN_REG_CR0, 0x10, 0);
	fake_hypercall(vp, PVN_CALL_get_partition_id, 0, FAKE_OUT);
	assert_int_equal(fake_vendor(vp)->exceptions_injected, 2);
	assert_int_equal(vp->regs.rip, rip);
	assert_int_equal(vp->regs.gpr[RAX], rax);
}

static void code_of_32_bits_has_its_own_registers(void **state)
{
	struct vp *vp = machine.root_vp;
	uint64_t *memory = root_memory(FAKE_OUT);

	(void)state;
	fake_set_register(vp, PVN_REG_CS, 0, 0xc09bull << 48);
	fake_set_register(vp, PVN_REG_CR0, 0x11, 0);
	/* Upper halves, and the registers of the 64-bit form, mean nothing. */
	for (unsigned int i = 0; i < 16; i++)
		vp->regs.gpr[i] = 0xdeadbeef00000000ull;
	vp->regs.gpr[RAX] |= PVN_CALL_get_partition_id;
	vp->regs.gpr[RSI] |= FAKE_OUT;
	vp->regs.gpr[RDX] = 0;
	vp->regs.gpr[RDI] = 0;
	hypercall_exit(vp, 3);
	assert_int_equal(vp->regs.gpr[RAX], PVN_STATUS_SUCCESS);
	assert_int_equal(vp->regs.gpr[RDX], 0);
	assert_int_equal(*memory, root_partition->id);
	/* In registers both ways, and a result word with both halves. */
	vp->regs.gpr[RAX] = PVN_CALL_get_partition_id | FAST;
	hypercall_exit(vp, 3);
	assert_int_equal(vp->regs.gpr[RCX], root_partition->id);
	assert_int_equal(vp->regs.gpr[RBX], 0);
	memory = root_memory(FAKE_IN);
	memory[0] = HC_SELF_ID;
	memory[1] = 0;
	((uint32_t *)memory)[4] = PVN_REG_VP_INDEX;
	((uint32_t *)memory)[5] = PVN_REG_VP_INDEX;
	vp->regs.gpr[RDX] = 2;
	vp->regs.gpr[RAX] = PVN_CALL_get_vp_registers;
	vp->regs.gpr[RBX] = vp->regs.gpr[RDI] = 0;
	vp->regs.gpr[RCX] = FAKE_IN;
	vp->regs.gpr[RSI] = FAKE_OUT;
	hypercall_exit(vp, 3);
	assert_int_equal(vp->regs.gpr[RAX], PVN_STATUS_SUCCESS);
	assert_int_equal(vp->regs.gpr[RDX], 2);
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
	assert_int_equal(call(PVN_CALL_create_vp | FAST, 0, 0), PVN_STATUS_INVALID_HYPERCALL_INPUT);
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

static void fast_input_goes_on_in_vector_registers(void **state)
{
	struct vp *other = root_partition->vps[1];
	uint64_t *xmm = (uint64_t *)machine.xmm, set = 1ull << PVN_CONTROL_VARHEAD_SHIFT;

	(void)state;
	assert_true(lapic_write_msr(other, 0x80f, 0x1ff));
	/* Format in R8, banks and the first bank in XMM0. */
	xmm[0] = 1;
	xmm[1] = 1ull << 1;
	assert_int_equal(call(PVN_CALL_send_synthetic_cluster_ipi_ex | FAST | set, 0x46, PVN_VP_SET_SPARSE),
			 PVN_STATUS_SUCCESS);
	assert_true(is_raised(other, 0x46));
	assert_false(is_raised(machine.root_vp, 0x46));
	/* 24 bytes of header, 8 of set, and 80 of list are 112; one more element is too much. */
	xmm[0] = PVN_FLUSH_ALL_PROCESSORS;
	assert_int_equal(call(pvn_control_rep(PVN_CALL_flush_virtual_address_list, 11, 0) | FAST, 0,
			      PVN_FLUSH_ALL_PROCESSORS), PVN_STATUS_SUCCESS);
	assert_int_equal(call(pvn_control_rep(PVN_CALL_flush_virtual_address_list, 12, 0) | FAST, 0,
			      PVN_FLUSH_ALL_PROCESSORS), PVN_STATUS_INVALID_HYPERCALL_INPUT);
}

static void fast_output_follows_the_input(void **state)
{
	struct vp *vp = machine.root_vp;
	uint64_t *xmm = (uint64_t *)machine.xmm;
	uint32_t *names = (uint32_t *)machine.xmm;

	(void)state;
	memset(machine.xmm, 0xee, sizeof(machine.xmm));
	assert_int_equal(call(PVN_CALL_get_partition_id | FAST, 5, 5), PVN_STATUS_SUCCESS);
	assert_int_equal(vp->regs.gpr[RDX], root_partition->id);
	assert_int_equal(xmm[0], 0xeeeeeeeeeeeeeeeeull);
	/* Input is 16 + 3 names of 4 bytes: 32 with padding; the first output is XMM1. */
	names[0] = names[1] = names[2] = PVN_REG_GUEST_OS_ID;
	assert_int_equal(call(pvn_control_rep(PVN_CALL_get_vp_registers, 3, 0) | FAST, HC_SELF_ID, 0),
			 PVN_STATUS_SUCCESS);
	for (unsigned int i = 1; i < 4; i++)
		assert_int_equal(xmm[2 * i], root_partition->guest_os_id);
	assert_int_equal(xmm[8], 0xeeeeeeeeeeeeeeeeull);
	assert_int_equal(vp->regs.gpr[RDX], HC_SELF_ID);
	/* Six outputs do not fit behind 40 bytes of input. */
	assert_int_equal(call(pvn_control_rep(PVN_CALL_get_vp_registers, 6, 0) | FAST, HC_SELF_ID, 0),
			 PVN_STATUS_INVALID_HYPERCALL_INPUT);
	/* A failure returns nothing. */
	memset(machine.xmm, 0xee, sizeof(machine.xmm));
	assert_int_equal(call(pvn_control_rep(PVN_CALL_get_vp_registers, 1, 0) | FAST, HC_SELF_ID, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(xmm[2], 0xeeeeeeeeeeeeeeeeull);
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
	assert_int_equal(page_pool_free_count(&partition_of(id)->pool), 94);
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
	assert_int_equal(page_pool_free_count(&partition_of(id)->pool), 192);
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
		ON_FAKE_MACHINE(only_protected_mode_code_at_cpl_0_may_call),
		ON_FAKE_MACHINE(code_of_32_bits_has_its_own_registers),
		ON_FAKE_MACHINE(a_guest_that_has_not_said_who_it_is_may_not_call),
		ON_FAKE_MACHINE(a_call_writes_its_result_and_nothing_but_rax_and_rip),
		ON_FAKE_MACHINE(unknown_codes_are_refused),
		ON_FAKE_MACHINE(reserved_bits_and_wrong_repeat_fields_are_refused),
		ON_FAKE_MACHINE(memory_calls_refuse_the_fast_form),
		ON_FAKE_MACHINE(fast_input_is_in_rdx_and_r8),
		ON_FAKE_MACHINE(fast_input_goes_on_in_vector_registers),
		ON_FAKE_MACHINE(fast_output_follows_the_input),
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
