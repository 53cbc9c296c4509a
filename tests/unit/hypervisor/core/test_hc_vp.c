// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on virtual processors: creation, registers, intercepts.
 */
#include "fake_machine.h"

static enum pvn_status get(uint64_t id, uint32_t vp, const uint32_t *names, unsigned int count,
			   struct pvn_get_vp_registers_oelem *values, unsigned int *done)
{
	struct pvn_get_vp_registers_in in = { .partition_id = id, .vp_index = vp };

	return root_rep_call(PVN_CALL_get_vp_registers, count, &in, sizeof(in), names,
			     count * sizeof(*names), values, count * sizeof(*values), done);
}

static enum pvn_status set(uint64_t id, uint32_t vp, uint32_t name, uint64_t value)
{
	struct pvn_set_vp_registers_in in = { .partition_id = id, .vp_index = vp };
	struct pvn_set_vp_registers_elem elem = { .name = name, .low = value };

	return root_rep_call(PVN_CALL_set_vp_registers, 1, &in, sizeof(in), &elem, sizeof(elem), NULL,
			     0, NULL);
}

static enum pvn_status install(uint64_t id, uint32_t type, uint32_t access, uint64_t parameter)
{
	struct pvn_install_intercept_in in = { .partition_id = id, .access_type = access,
					       .intercept_type = type, .parameter = parameter };

	return root_call(PVN_CALL_install_intercept, &in, sizeof(in), NULL, 0);
}

static void a_vp_is_created_once_within_an_active_child(void **state)
{
	uint64_t id = make_child(1);
	struct pvn_create_vp_in in = { .partition_id = id, .vp_index = 0 };

	(void)state;
	assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_VP_INDEX);
	in.vp_index = VPS_PER_PARTITION_MAX;
	assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_VP_INDEX);
	in.vp_index = 1;
	in.mbz_flags = 4;
	assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	in.mbz_flags = 0;
	in.partition_id = root_partition->id;
	assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_ACCESS_DENIED);
	finalize_child(id);
	in.partition_id = id;
	assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_PARTITION_STATE);
}

static void packed_names_give_16_byte_values(void **state)
{
	static const uint32_t names[] = { PVN_REG_RAX + RBX, PVN_REG_RIP, PVN_REG_VP_INDEX };
	struct pvn_get_vp_registers_oelem values[3];
	uint64_t id = make_child(2);
	struct vp *vp = partition_of(id)->vps[1];
	unsigned int done;

	(void)state;
	vp->regs.gpr[RBX] = 0xb;
	vp->regs.rip = 0x1234;
	assert_int_equal(get(id, 1, names, 3, values, &done), PVN_STATUS_SUCCESS);
	assert_int_equal(done, 3);
	assert_int_equal(values[0].low, 0xb);
	assert_int_equal(values[1].low, 0x1234);
	assert_int_equal(values[2].low, 1);
	assert_int_equal(values[2].high, 0);
}

static void an_unknown_register_says_which_one_it_was(void **state)
{
	static const uint32_t names[] = { PVN_REG_RIP, 0x999999, PVN_REG_RIP };
	struct pvn_get_vp_registers_oelem values[3];
	uint64_t id = make_child(1);
	unsigned int done;

	(void)state;
	assert_int_equal(get(id, 0, names, 3, values, &done), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(done, 1);
	assert_int_equal(values[0].low, 0xfff0);
}

static void many_registers_are_read_across_chunks(void **state)
{
	struct pvn_get_vp_registers_oelem values[80];
	uint64_t id = make_child(1);
	uint32_t names[80];

	(void)state;
	for (unsigned int i = 0; i < 80; i++)
		names[i] = PVN_REG_RAX + i % 16;
	for (unsigned int i = 0; i < 16; i++)
		partition_of(id)->vps[0]->regs.gpr[i] = 500 + i;
	assert_int_equal(get(id, 0, names, 80, values, NULL), PVN_STATUS_SUCCESS);
	for (unsigned int i = 0; i < 80; i++)
		assert_int_equal(values[i].low, 500 + i % 16);
}

static void registers_of_a_running_vp_cannot_be_touched(void **state)
{
	static const uint32_t rip = PVN_REG_RIP, suspend = PVN_REG_EXPLICIT_SUSPEND;
	struct pvn_get_vp_registers_oelem value;
	uint64_t id = make_child(1);

	(void)state;
	assert_int_equal(set(id, 0, PVN_REG_EXPLICIT_SUSPEND, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(get(id, 0, &rip, 1, &value, NULL), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(set(id, 0, PVN_REG_RIP, 5), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(get(id, 0, &suspend, 1, &value, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(value.low, 0);
	assert_int_equal(set(id, 0, PVN_REG_EXPLICIT_SUSPEND, 1), PVN_STATUS_SUCCESS);
	assert_int_equal(set(id, 0, PVN_REG_RIP, 5), PVN_STATUS_SUCCESS);
	assert_int_equal(partition_of(id)->vps[0]->regs.rip, 5);
}

static void a_partition_reads_its_own_registers_and_sets_none(void **state)
{
	static const uint32_t name = PVN_REG_VP_INDEX;
	struct pvn_get_vp_registers_oelem value;

	(void)state;
	assert_int_equal(get(HC_SELF_ID, 0, &name, 1, &value, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(set(root_partition->id, 0, PVN_REG_RAX, 5), PVN_STATUS_ACCESS_DENIED);
}

static void a_deleted_vp_is_no_more(void **state)
{
	uint64_t id = make_child(2);
	struct pvn_delete_vp_in in = { .partition_id = id, .vp_index = 1 };

	(void)state;
	assert_int_equal(root_call(PVN_CALL_delete_vp, &in, sizeof(in), NULL, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_delete_vp, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_VP_INDEX);
	assert_int_equal(set(id, 1, PVN_REG_RIP, 5), PVN_STATUS_INVALID_VP_INDEX);
	assert_int_equal(finalize_child(id), PVN_STATUS_SUCCESS);
}

static void io_intercepts_are_kept_by_port(void **state)
{
	uint64_t id = make_child(0);
	struct partition *child = partition_of(id);

	(void)state;
	assert_int_equal(install(id, PVN_INTERCEPT_IO_PORT, PVN_ACCESS_READ, 0x70), PVN_STATUS_SUCCESS);
	assert_int_equal(install(id, PVN_INTERCEPT_IO_PORT, PVN_ACCESS_READ | PVN_ACCESS_WRITE, 0x70),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(child->io.count, 1);
	assert_int_equal(child->io.at[0].access, 3);
	assert_int_equal(install(id, PVN_INTERCEPT_IO_PORT, PVN_ACCESS_NONE, 0x70), PVN_STATUS_SUCCESS);
	assert_int_equal(child->io.count, 0);
	for (unsigned int i = 0; i < IO_INTERCEPTS_MAX; i++)
		assert_int_equal(install(id, PVN_INTERCEPT_IO_PORT, PVN_ACCESS_READ, i),
				 PVN_STATUS_SUCCESS);
	assert_int_equal(install(id, PVN_INTERCEPT_IO_PORT, PVN_ACCESS_READ, 0x100),
			 PVN_STATUS_NO_RESOURCES);
	assert_int_equal(install(id, PVN_INTERCEPT_IO_PORT, PVN_ACCESS_READ, 0x10000),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(install(id, PVN_INTERCEPT_IO_PORT, PVN_ACCESS_EXECUTE, 0x80),
			 PVN_STATUS_INVALID_PARAMETER);
}

static void cpuid_leaves_msrs_and_exceptions_are_intercepted(void **state)
{
	uint64_t id = make_child(1);
	struct partition *child = partition_of(id);

	(void)state;
	assert_int_equal(install(id, PVN_INTERCEPT_CPUID, PVN_ACCESS_EXECUTE, 7), PVN_STATUS_SUCCESS);
	assert_int_equal(child->cpuid.at[0].what, 7);
	assert_int_equal(install(id, PVN_INTERCEPT_CPUID, PVN_ACCESS_READ, 7),
			 PVN_STATUS_INVALID_PARAMETER);
	for (unsigned int i = 8; i < 15; i++)
		assert_int_equal(install(id, PVN_INTERCEPT_CPUID, PVN_ACCESS_EXECUTE, i),
				 PVN_STATUS_SUCCESS);
	assert_int_equal(install(id, PVN_INTERCEPT_CPUID, PVN_ACCESS_EXECUTE, 100),
			 PVN_STATUS_INSUFFICIENT_MEMORY);
	assert_int_equal(install(id, PVN_INTERCEPT_CPUID, PVN_ACCESS_NONE, 7), PVN_STATUS_SUCCESS);
	assert_int_equal(child->cpuid.count, 7);
	assert_int_equal(install(id, PVN_INTERCEPT_MSR, PVN_ACCESS_WRITE, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(child->msr_access, PVN_ACCESS_WRITE);
	assert_int_equal(install(id, PVN_INTERCEPT_MSR, PVN_ACCESS_EXECUTE, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(install(id, PVN_INTERCEPT_EXCEPTION, PVN_ACCESS_EXECUTE, 14),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(fake_vendor(child->vps[0])->exception_intercepts, 1 << 14);
	assert_int_equal(install(id, PVN_INTERCEPT_EXCEPTION, PVN_ACCESS_NONE, 14), PVN_STATUS_SUCCESS);
	assert_int_equal(fake_vendor(child->vps[0])->exception_intercepts, 0);
	assert_int_equal(install(id, PVN_INTERCEPT_EXCEPTION, PVN_ACCESS_EXECUTE, 32),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(install(id, 77, PVN_ACCESS_READ, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(install(id, PVN_INTERCEPT_MSR, 8, 0), PVN_STATUS_INVALID_PARAMETER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_vp_is_created_once_within_an_active_child),
		ON_FAKE_MACHINE(packed_names_give_16_byte_values),
		ON_FAKE_MACHINE(an_unknown_register_says_which_one_it_was),
		ON_FAKE_MACHINE(many_registers_are_read_across_chunks),
		ON_FAKE_MACHINE(registers_of_a_running_vp_cannot_be_touched),
		ON_FAKE_MACHINE(a_partition_reads_its_own_registers_and_sets_none),
		ON_FAKE_MACHINE(a_deleted_vp_is_no_more),
		ON_FAKE_MACHINE(io_intercepts_are_kept_by_port),
		ON_FAKE_MACHINE(cpuid_leaves_msrs_and_exceptions_are_intercepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
