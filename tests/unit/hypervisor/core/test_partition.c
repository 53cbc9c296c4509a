// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Partitions: life cycle, references, census.
 */
#include "fake_machine.h"

static uint64_t create(void)
{
	uint64_t id = 0;

	assert_int_equal(partition_create(root_partition, NUMA_ANY, &id), PVN_STATUS_SUCCESS);
	return id;
}

static void the_root_is_active_and_has_all_privileges(void **state)
{
	(void)state;
	assert_true(root_partition->is_root);
	assert_true(partition_is_active(root_partition));
	assert_true(partition_may(root_partition, PVN_PRIVILEGE_CREATE_PARTITIONS));
	assert_true(partition_may(root_partition, PVN_PRIVILEGE_CPU_MANAGEMENT));
	assert_null(root_partition->parent);
}

static void a_child_may_signal_and_post_but_not_create(void **state)
{
	struct partition *child = partition_of(create());

	(void)state;
	assert_true(partition_may(child, PVN_PRIVILEGE_SIGNAL_EVENTS));
	assert_true(partition_may(child, PVN_PRIVILEGE_POST_MESSAGES));
	assert_false(partition_may(child, PVN_PRIVILEGE_CREATE_PARTITIONS));
	assert_false(partition_may(child, PVN_PRIVILEGE_ACCESS_MEMORY_POOL));
	assert_false(partition_may(child, PVN_PRIVILEGE_CREATE_PORT));
	assert_int_equal(child->cpu_weight, 100);
	assert_int_equal(child->cpu_cap, 0x10000);
	assert_int_equal(child->cpu_reserve, 0);
}

static void ids_are_never_reused(void **state)
{
	uint64_t first = create(), second;

	(void)state;
	remove_child(first);
	second = create();
	assert_true(second > first);
	assert_null(partition_get(first));
}

static void a_partition_comes_from_its_parents_pool_and_goes_back(void **state)
{
	uint64_t used = page_pool_used_count(&root_partition->pool), id;

	(void)state;
	id = create();
	assert_int_equal(page_pool_used_count(&root_partition->pool), used + 1);
	remove_child(id);
	assert_int_equal(page_pool_used_count(&root_partition->pool), used);
}

static void a_child_cannot_have_children(void **state)
{
	struct partition *child = partition_of(create());
	uint64_t id;

	(void)state;
	assert_int_equal(partition_create(child, NUMA_ANY, &id), PVN_STATUS_PARTITION_TOO_DEEP);
}

static void initialize_without_pages_leaves_the_state(void **state)
{
	uint64_t id = create();
	struct partition *child = partition_of(id);

	(void)state;
	assert_int_equal(partition_initialize(child), PVN_STATUS_INSUFFICIENT_MEMORY);
	deposit(id, take_root_pages(3), 3, NULL);
	assert_int_equal(partition_initialize(child), PVN_STATUS_INSUFFICIENT_MEMORY);
	assert_int_equal(page_pool_used_count(&child->pool), 0);
	deposit(id, take_root_pages(1), 1, NULL);
	assert_int_equal(partition_initialize(child), PVN_STATUS_SUCCESS);
	assert_int_equal(partition_initialize(child), PVN_STATUS_INVALID_PARTITION_STATE);
}

static void the_hypercall_page_calls_and_returns(void **state)
{
	static const uint8_t code[] = { 0x0f, 0x01, 0xd9, 0xc3, 0xcc };

	(void)state;
	assert_memory_equal(root_partition->hypercall_page, code, sizeof(code));
}

static void finalize_returns_every_page_to_the_pool(void **state)
{
	uint64_t id = make_child(4);
	struct partition *child = partition_of(id);

	(void)state;
	assert_int_equal(map_pages(id, 0, take_root_pages(64), 64, GPA_ALL), PVN_STATUS_SUCCESS);
	enable_synic(child->vps[1], 2, 0x40);
	assert_int_equal(finalize_child(id), PVN_STATUS_SUCCESS);
	assert_int_equal(page_pool_used_count(&child->pool), 0);
	assert_int_equal(page_pool_free_count(&child->pool), 96);
	assert_int_equal(child->vp_count, 0);
	assert_int_equal(finalize_child(id), PVN_STATUS_INVALID_PARTITION_STATE);
}

static void finalize_continues_when_its_time_is_up(void **state)
{
	uint64_t id = make_child(4);

	(void)state;
	map_pages(id, 0, take_root_pages(64), 64, GPA_ALL);
	machine.tsc_step = FAKE_TSC_HZ;
	assert_int_equal(finalize_child(id), PVN_STATUS_SUCCESS);
	assert_true(fake_executions > 2);
}

static void finalize_waits_for_calls_of_other_processors(void **state)
{
	uint64_t id = make_child(1);
	struct partition *mine = partition_get(id), *other = partition_get(id);

	(void)state;
	assert_int_equal(partition_finalize(mine), STATUS_CONTINUE);
	assert_non_null(mine->vps[0]);
	assert_int_equal(mine->state, PARTITION_FINALIZING);
	partition_put(other);
	assert_int_equal(partition_finalize(mine), PVN_STATUS_SUCCESS);
	partition_put(mine);
}

static void delete_needs_an_empty_pool_and_a_finished_partition(void **state)
{
	uint64_t id = make_child(0);

	(void)state;
	assert_int_equal(root_call(PVN_CALL_delete_partition, &id, sizeof(id), NULL, 0),
			 PVN_STATUS_INVALID_PARTITION_STATE);
	finalize_child(id);
	assert_int_equal(root_call(PVN_CALL_delete_partition, &id, sizeof(id), NULL, 0),
			 PVN_STATUS_OPERATION_DENIED);
	remove_child(id);
	assert_null(partition_get(id));
}

static void a_deleted_partition_lives_until_its_last_reference(void **state)
{
	uint64_t id = create(), used = page_pool_used_count(&root_partition->pool);
	struct partition *mine = partition_get(id);

	(void)state;
	assert_int_equal(partition_delete(mine), PVN_STATUS_SUCCESS);
	assert_null(partition_get(id));
	assert_int_equal(page_pool_used_count(&root_partition->pool), used);
	partition_put(mine);
	assert_int_equal(page_pool_used_count(&root_partition->pool), used - 1);
}

static void children_are_listed_in_the_order_of_creation(void **state)
{
	uint64_t a = create(), b = create(), c = create();

	(void)state;
	assert_int_equal(partition_next_child(root_partition, 0), a);
	assert_int_equal(partition_next_child(root_partition, a), b);
	remove_child(b);
	assert_int_equal(partition_next_child(root_partition, b), c);
	assert_int_equal(partition_next_child(root_partition, c), 0);
}

static void a_hundred_cycles_leave_the_census_as_it_was(void **state)
{
	struct pvn_get_census_out before, after;

	(void)state;
	partition_census(&before);
	for (unsigned int i = 0; i < 100; i++) {
		uint64_t id;
		struct pvn_create_partition_in in = { 0 };
		struct pvn_create_vp_in vp = { 0 };

		root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id));
		assert_int_equal(deposit(id, 0x1000, 64, NULL), PVN_STATUS_SUCCESS);
		root_call(PVN_CALL_initialize_partition, &id, sizeof(id), NULL, 0);
		vp.partition_id = id;
		assert_int_equal(root_call(PVN_CALL_create_vp, &vp, sizeof(vp), NULL, 0),
				 PVN_STATUS_SUCCESS);
		assert_int_equal(map_pages(id, 0, 0x3001, 2, GPA_ALL | PVN_MAP_LARGE),
				 PVN_STATUS_INVALID_PARAMETER);
		assert_int_equal(map_pages(id, 0, 0x3000, 2, GPA_ALL | PVN_MAP_LARGE),
				 PVN_STATUS_SUCCESS);
		assert_int_equal(map_pages(id, 0x10000, 0x2800, 8, GPA_READ), PVN_STATUS_SUCCESS);
		remove_child(id);
	}
	partition_census(&after);
	assert_memory_equal(&before, &after, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(the_root_is_active_and_has_all_privileges),
		ON_FAKE_MACHINE(a_child_may_signal_and_post_but_not_create),
		ON_FAKE_MACHINE(ids_are_never_reused),
		ON_FAKE_MACHINE(a_partition_comes_from_its_parents_pool_and_goes_back),
		ON_FAKE_MACHINE(a_child_cannot_have_children),
		ON_FAKE_MACHINE(initialize_without_pages_leaves_the_state),
		ON_FAKE_MACHINE(the_hypercall_page_calls_and_returns),
		ON_FAKE_MACHINE(finalize_returns_every_page_to_the_pool),
		ON_FAKE_MACHINE(finalize_continues_when_its_time_is_up),
		ON_FAKE_MACHINE(finalize_waits_for_calls_of_other_processors),
		ON_FAKE_MACHINE(delete_needs_an_empty_pool_and_a_finished_partition),
		ON_FAKE_MACHINE(a_deleted_partition_lives_until_its_last_reference),
		ON_FAKE_MACHINE(children_are_listed_in_the_order_of_creation),
		ON_FAKE_MACHINE(a_hundred_cycles_leave_the_census_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
