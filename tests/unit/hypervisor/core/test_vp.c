// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Virtual processors: creation, registers, suspension.
 */
#include "fake_machine.h"

static struct vp *child_vp(unsigned int index)
{
	return partition_of(make_child(index + 1))->vps[index];
}

static uint64_t get(struct vp *vp, uint32_t name)
{
	uint64_t value[2];

	assert_int_equal(vp_get_register(vp, name, value), PVN_STATUS_SUCCESS);
	return value[0];
}

static enum pvn_status set(struct vp *vp, uint32_t name, uint64_t value)
{
	return vp_set_register(vp, name, (uint64_t[]){ value, 0 });
}

static void the_boot_processor_is_suspended_and_the_others_wait_for_sipi_too(void **state)
{
	struct vp *vp = child_vp(1);

	(void)state;
	assert_int_equal(vp->partition->vps[0]->stop_reasons, VP_STOP_EXPLICIT);
	assert_int_equal(vp->stop_reasons, VP_STOP_EXPLICIT | VP_STOP_SIPI);
	assert_int_equal(get(vp, PVN_REG_EXPLICIT_SUSPEND), 1);
	assert_int_equal(get(vp, PVN_REG_INTERCEPT_SUSPEND), 0);
}

static void a_new_vp_is_in_reset_state(void **state)
{
	struct vp *vp = child_vp(0);

	(void)state;
	assert_int_equal(get(vp, PVN_REG_RIP), 0xfff0);
	assert_int_equal(get(vp, PVN_REG_RFLAGS), 2);
	assert_int_equal(get(vp, PVN_REG_RAX), 0);
	assert_int_equal(get(vp, PVN_REG_XCR0), 1);
	assert_int_not_equal(get(vp, PVN_REG_RAX + RDX), 0);
	assert_int_equal(vp->map_generation_seen, ~0ull);
	assert_int_equal(*(uint16_t *)vp->fpu, 0x37f);
	assert_int_equal(((uint32_t *)vp->fpu)[6], 0x1f80);
}

static void general_registers_are_set_and_read_by_their_numbers(void **state)
{
	struct vp *vp = child_vp(0);

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(set(vp, PVN_REG_RAX + i, 0x1000 + i), PVN_STATUS_SUCCESS);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(vp->regs.gpr[i], 0x1000 + i);
	assert_int_equal(set(vp, PVN_REG_RIP, 0x200), PVN_STATUS_SUCCESS);
	assert_int_equal(get(vp, PVN_REG_RIP), 0x200);
	assert_int_equal(get(vp, PVN_REG_RAX + R8), 0x1008);
}

static void the_vendors_registers_go_to_the_vendor(void **state)
{
	struct vp *vp = child_vp(0);
	uint64_t value[2];

	(void)state;
	assert_int_equal(vp_set_register(vp, PVN_REG_CS, (uint64_t[]){ 5, 6 }), PVN_STATUS_SUCCESS);
	assert_int_equal(vp_get_register(vp, PVN_REG_CS, value), PVN_STATUS_SUCCESS);
	assert_int_equal(value[0], 5);
	assert_int_equal(value[1], 6);
	assert_int_equal(vp_get_register(vp, 0x12345, value), PVN_STATUS_INVALID_PARAMETER);
}

static void reserved_flags_and_features_are_refused(void **state)
{
	struct vp *vp = child_vp(0);

	(void)state;
	assert_int_equal(set(vp, PVN_REG_RFLAGS, 0x202), PVN_STATUS_SUCCESS);
	assert_int_equal(set(vp, PVN_REG_RFLAGS, 0x200), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(vp, PVN_REG_RFLAGS, 0x80000002), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(get(vp, PVN_REG_RFLAGS), 0x202);
	assert_int_equal(set(vp, PVN_REG_XCR0, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(vp, PVN_REG_XCR0, 5), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(vp, PVN_REG_XCR0, 1ull << 60 | 1), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(vp, PVN_REG_XCR0, 1), PVN_STATUS_SUCCESS);
}

static void read_only_registers_refuse_to_be_set(void **state)
{
	static const uint32_t names[] = { PVN_REG_CRASH_P0, PVN_REG_CRASH_CTL, PVN_REG_VP_INDEX,
					  PVN_REG_VP_RUNTIME, PVN_REG_TSC, PVN_REG_EOI,
					  PVN_REG_TIME_REF_COUNT, PVN_REG_SCONTROL + 1 };
	struct vp *vp = child_vp(0);

	(void)state;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(set(vp, names[i], 0), PVN_STATUS_INVALID_PARAMETER);
}

static void crash_registers_are_the_partitions(void **state)
{
	struct vp *vp = child_vp(0);

	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		vp->partition->crash[i] = 100 + i;
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(get(vp, PVN_REG_CRASH_P0 + i), 100 + i);
}

static void a_vp_runs_when_its_last_reason_to_stop_is_gone(void **state)
{
	struct vp *vp = child_vp(0);
	unsigned int wakes = machine.wakes;

	(void)state;
	vp_stop(vp, VP_STOP_INTERCEPT);
	assert_int_equal(set(vp, PVN_REG_EXPLICIT_SUSPEND, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.wakes, wakes);
	assert_int_equal(set(vp, PVN_REG_INTERCEPT_SUSPEND, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.wakes, wakes + 1);
	assert_int_equal(set(vp, PVN_REG_EXPLICIT_SUSPEND, 2), PVN_STATUS_INVALID_PARAMETER);
}

static void creation_without_memory_leaves_nothing_behind(void **state)
{
	struct partition *child = partition_of(make_child(0));
	uint64_t used = page_pool_used_count(&child->pool);
	void *taken[96];
	unsigned int count = 0;
	struct vp *vp;

	(void)state;
	while ((taken[count] = page_pool_alloc(&child->pool)))
		count++;
	/* With 0, 1, 2, ... pages, until it is enough. */
	for (unsigned int pages = 0;; pages++) {
		if (vp_create(child, 0, NUMA_ANY) == PVN_STATUS_SUCCESS) {
			assert_in_range(pages, 3, 10);
			break;
		}
		assert_null(child->vps[0]);
		assert_int_equal(page_pool_free_count(&child->pool), pages);
		page_pool_free(&child->pool, taken[--count]);
	}
	while (count)
		page_pool_free(&child->pool, taken[--count]);
	vp = child->vps[0];
	child->vps[0] = NULL;
	vp_destroy(vp);
	assert_int_equal(page_pool_used_count(&child->pool), used);
	child->vp_count = 0;
}

static void an_index_is_taken_once_and_not_beyond_the_maximum(void **state)
{
	struct partition *child = partition_of(make_child(1));

	(void)state;
	assert_int_equal(vp_create(child, 0, NUMA_ANY), PVN_STATUS_INVALID_VP_INDEX);
	assert_int_equal(vp_create(child, VPS_PER_PARTITION_MAX, NUMA_ANY), PVN_STATUS_INVALID_VP_INDEX);
	assert_int_equal(child->vp_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(the_boot_processor_is_suspended_and_the_others_wait_for_sipi_too),
		ON_FAKE_MACHINE(a_new_vp_is_in_reset_state),
		ON_FAKE_MACHINE(general_registers_are_set_and_read_by_their_numbers),
		ON_FAKE_MACHINE(the_vendors_registers_go_to_the_vendor),
		ON_FAKE_MACHINE(reserved_flags_and_features_are_refused),
		ON_FAKE_MACHINE(read_only_registers_refuse_to_be_set),
		ON_FAKE_MACHINE(crash_registers_are_the_partitions),
		ON_FAKE_MACHINE(a_vp_runs_when_its_last_reason_to_stop_is_gone),
		ON_FAKE_MACHINE(creation_without_memory_leaves_nothing_behind),
		ON_FAKE_MACHINE(an_index_is_taken_once_and_not_beyond_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
