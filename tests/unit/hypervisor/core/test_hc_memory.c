// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Pools and mappings: who may give, take and map which page.
 */
#include "fake_machine.h"

static uint64_t used(void) { return page_pool_used_count(&root_partition->pool); }

static bool root_reaches(uint64_t page)
{
	return !hpa_is_none(gpa_map_lookup(&root_partition->map, gpa(page << PAGE_SHIFT), GPA_ALL));
}

static void a_deposited_page_leaves_the_root_and_comes_back_zeroed(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(1), before = used();
	unsigned int done;

	(void)state;
	assert_int_equal(deposit(id, page, 1, &done), PVN_STATUS_SUCCESS);
	assert_int_equal(done, 1);
	assert_false(root_reaches(page));
	memset(root_memory(page << PAGE_SHIFT) + 8, 0xaa, 100);
	assert_int_equal(withdraw(id, 1, &done), PVN_STATUS_SUCCESS);
	assert_int_equal(*(uint64_t *)root_memory(FAKE_OUT), page);
	assert_true(root_reaches(page));
	for (unsigned int i = 0; i < 108; i++)
		assert_int_equal(((uint8_t *)root_memory(page << PAGE_SHIFT))[i], 0);
	assert_int_equal(used(), before);
}

static void the_roots_large_leaves_return_with_the_last_page(void **state)
{
	struct pvn_create_partition_in in = { 0 };
	uint64_t id, before, pages = 0x800;

	(void)state;
	root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id));
	before = used();
	assert_int_equal(deposit(id, pages, 300, NULL), PVN_STATUS_SUCCESS);
	assert_true(used() > before);
	assert_int_equal(withdraw(id, 299, NULL), PVN_STATUS_SUCCESS);
	assert_true(used() > before);
	assert_int_equal(withdraw(id, 1, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(used(), before);
}

static void a_deposit_flushes_before_the_page_is_used(void **state)
{
	uint64_t id = make_child(0);

	(void)state;
	machine.cpu[2].entry_generation = 9;
	assert_int_equal(deposit(id, take_root_pages(3), 3, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.kicks[2], 1);
	assert_int_equal(machine.cpu[2].entry_generation, 10);
}

static void a_page_of_the_hypervisor_or_of_a_device_cannot_be_deposited(void **state)
{
	uint64_t id = make_child(0);

	(void)state;
	assert_int_equal(deposit(id, FAKE_HYPERVISOR >> PAGE_SHIFT, 1, NULL),
			 PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(deposit(id, FAKE_DEVICE >> PAGE_SHIFT, 1, NULL), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(deposit(id, 1ull << 36, 1, NULL), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(deposit(id, ~0ull, 1, NULL), PVN_STATUS_INVALID_PARAMETER);
}

static void a_page_cannot_be_deposited_twice(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(1), pages[3] = { page, page, page };
	unsigned int done;

	(void)state;
	assert_int_equal(root_rep_call(PVN_CALL_deposit_memory, 3, &id, sizeof(id), pages,
				       sizeof(pages), NULL, 0, &done), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(done, 1);
}

static void a_page_that_a_child_maps_is_in_use(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(1);
	struct pvn_unmap_gpa_pages_in in = { .partition_id = id, .target_page = 7 };

	(void)state;
	assert_int_equal(map_pages(id, 7, page, 1, GPA_READ), PVN_STATUS_SUCCESS);
	assert_int_equal(deposit(id, page, 1, NULL), PVN_STATUS_OBJECT_IN_USE);
	assert_true(root_reaches(page));
	assert_int_equal(root_rep_call(PVN_CALL_unmap_gpa_pages, 1, &in, sizeof(in), NULL, 0, NULL, 0,
				       NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(deposit(id, page, 1, NULL), PVN_STATUS_SUCCESS);
}

static void a_page_of_an_overlay_cannot_be_deposited_or_mapped(void **state)
{
	uint64_t id = make_child(0), page;

	(void)state;
	enable_synic(machine.root_vp, 2, 0x40);
	page = (machine.root_vp->synic.event_msr & PVN_MSR_PAGE_MASK) >> PAGE_SHIFT;
	assert_int_equal(deposit(id, page, 1, NULL), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(map_pages(id, 0, page, 1, GPA_READ), PVN_STATUS_OPERATION_DENIED);
}

static void withdrawing_more_than_there_is_says_how_many_came(void **state)
{
	struct pvn_create_partition_in in = { 0 };
	unsigned int done;
	uint64_t id;

	(void)state;
	root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id));
	deposit(id, take_root_pages(5), 5, NULL);
	assert_int_equal(withdraw(id, 8, &done), PVN_STATUS_NO_RESOURCES);
	assert_int_equal(done, 5);
}

static void the_hypervisors_own_memory_is_not_given_away(void **state)
{
	unsigned int done;

	(void)state;
	assert_int_equal(withdraw(root_partition->id, 1, &done), PVN_STATUS_NO_RESOURCES);
	assert_int_equal(done, 0);
}

static void the_balance_counts_free_and_used_pages(void **state)
{
	struct pvn_get_memory_balance_in in = { .partition_id = make_child(0) };
	struct pvn_get_memory_balance_out out;

	(void)state;
	assert_int_equal(root_call(PVN_CALL_get_memory_balance, &in, sizeof(in), &out, sizeof(out)),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(out.pages_available, 92);
	assert_int_equal(out.pages_in_use, 4);
}

static void a_long_list_is_done_in_several_executions(void **state)
{
	struct pvn_create_partition_in in = { 0 };
	unsigned int done;
	uint64_t id;

	(void)state;
	root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id));
	machine.tsc_step = 30000;
	assert_int_equal(deposit(id, take_root_pages(200), 200, &done), PVN_STATUS_SUCCESS);
	assert_int_equal(done, 200);
	assert_true(fake_executions > 1);
	assert_int_equal(page_pool_free_count(&partition_of(id)->pool), 200);
}

static void mapped_pages_are_the_callers_with_the_rights_given(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(2);
	struct gpa_map *map = &partition_of(id)->map;

	(void)state;
	assert_int_equal(map_pages(id, 0x100, page, 2, GPA_READ | GPA_EXECUTE), PVN_STATUS_SUCCESS);
	assert_int_equal(gpa_map_lookup(map, gpa(0x101000), GPA_EXECUTE).v,
			 (page + 1) << PAGE_SHIFT);
	assert_true(hpa_is_none(gpa_map_lookup(map, gpa(0x101000), GPA_WRITE)));
	/* No rights at all: nothing is there any more. */
	assert_int_equal(map_pages(id, 0x100, page, 2, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(map->mapped_pages, 0);
}

static void bad_flags_and_pages_are_refused(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(1);

	(void)state;
	assert_int_equal(map_pages(id, 0, page, 1, GPA_WRITE), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, 0, page, 1, GPA_EXECUTE), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, 0, page, 1, GPA_ALL | 8), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, 1ull << 36, page, 1, GPA_ALL), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, (1ull << 36) - 1, page, 2, GPA_ALL),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, 0, 1ull << 36, 1, GPA_ALL), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, 0, FAKE_HYPERVISOR >> PAGE_SHIFT, 1, GPA_ALL),
			 PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(map_pages(id, 512, 1, 1, GPA_ALL | PVN_MAP_LARGE),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, 1, 512, 1, GPA_ALL | PVN_MAP_LARGE),
			 PVN_STATUS_INVALID_PARAMETER);
}

static void large_elements_map_2_mib_each(void **state)
{
	uint64_t id = make_child(0);
	struct gpa_map *map = &partition_of(id)->map;

	(void)state;
	assert_int_equal(map_pages(id, 0x400, 0x2800, 2, GPA_ALL | PVN_MAP_LARGE), PVN_STATUS_SUCCESS);
	assert_int_equal(map->mapped_pages, 1024);
	assert_int_equal(gpa_map_lookup(map, gpa(0x600ull << 12 | 0x123), GPA_ALL).v,
			 0x2a00ull << 12 | 0x123);
	/* 2 MiB of which one page is somebody else's. */
	assert_int_equal(deposit(id, 0x3001, 1, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(map_pages(id, 0x800, 0x3000, 1, GPA_ALL | PVN_MAP_LARGE),
			 PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(deposit(id, 0x2801, 1, NULL), PVN_STATUS_OBJECT_IN_USE);
}

static void unmapping_large_counts_in_2_mib(void **state)
{
	uint64_t id = make_child(0);
	struct gpa_map *map = &partition_of(id)->map;
	struct pvn_unmap_gpa_pages_in in = { .partition_id = id, .target_page = 0x400,
					     .unmap_flags = PVN_UNMAP_LARGE };

	(void)state;
	map_pages(id, 0x400, 0x2800, 3, GPA_ALL | PVN_MAP_LARGE);
	assert_int_equal(root_rep_call(PVN_CALL_unmap_gpa_pages, 2, &in, sizeof(in), NULL, 0, NULL, 0,
				       NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(map->mapped_pages, 512);
	in.unmap_flags = 1;
	assert_int_equal(root_rep_call(PVN_CALL_unmap_gpa_pages, 2, &in, sizeof(in), NULL, 0, NULL, 0,
				       NULL), PVN_STATUS_INVALID_PARAMETER);
	/* Nothing there: fine. */
	in.unmap_flags = 0;
	assert_int_equal(root_rep_call(PVN_CALL_unmap_gpa_pages, 4095, &in, sizeof(in), NULL, 0, NULL,
				       0, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(map->mapped_pages, 0);
}

static void sparse_elements_go_where_they_say(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(2);
	struct pvn_map_sparse_gpa_pages_in in = { .partition_id = id, .map_flags = GPA_ALL };
	struct pvn_map_sparse_gpa_pages_elem list[] = { { 0x1000, page }, { 0x5, page + 1 } };
	struct gpa_map *map = &partition_of(id)->map;

	(void)state;
	assert_int_equal(root_rep_call(PVN_CALL_map_sparse_gpa_pages, 2, &in, sizeof(in), list,
				       sizeof(list), NULL, 0, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(gpa_map_lookup(map, gpa(0x1000000), GPA_ALL).v, page << PAGE_SHIFT);
	assert_int_equal(gpa_map_lookup(map, gpa(0x5000), GPA_ALL).v, (page + 1) << PAGE_SHIFT);
}

/* Lists of small pages by the short way: what it leaves is done, or refused, one by one. */
static unsigned int map_list(uint64_t id, const struct pvn_map_sparse_gpa_pages_elem *list,
			     unsigned int count, enum pvn_status expected)
{
	struct pvn_map_sparse_gpa_pages_in in = { .partition_id = id, .map_flags = GPA_ALL };
	unsigned int done;

	assert_int_equal(root_rep_call(PVN_CALL_map_sparse_gpa_pages, count, &in, sizeof(in), list,
				       count * sizeof(*list), NULL, 0, &done), expected);
	return done;
}

static struct hpa mapped_at(uint64_t id, uint64_t page)
{
	return gpa_map_lookup(&partition_of(id)->map, gpa(page << PAGE_SHIFT), GPA_ALL);
}

static void a_list_ends_at_the_page_that_is_refused_and_counts_no_other(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(8), hypervisor = FAKE_HYPERVISOR >> PAGE_SHIFT;
	struct pvn_map_sparse_gpa_pages_elem list[] = {
		{ 0x100, page }, { 0x101, page + 1 }, { 0x102, page + 2 }, { 0x103, hypervisor },
		{ 0x104, page + 4 },
	};

	(void)state;
	assert_int_equal(map_list(id, list, 5, PVN_STATUS_OPERATION_DENIED), 3);
	assert_int_equal(partition_of(id)->map.mapped_pages, 3);
	assert_true(hpa_is_none(mapped_at(id, 0x104)));
	/* The page behind it is nobody's: it can be deposited; those before cannot. */
	assert_int_equal(deposit(id, page + 4, 1, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(deposit(id, page + 2, 1, NULL), PVN_STATUS_OBJECT_IN_USE);
	list[3] = (struct pvn_map_sparse_gpa_pages_elem){ 0x103, 1ull << 40 };
	assert_int_equal(map_list(id, list + 3, 1, PVN_STATUS_INVALID_PARAMETER), 0);
	list[3] = (struct pvn_map_sparse_gpa_pages_elem){ 1ull << 40, page + 3 };
	assert_int_equal(map_list(id, list + 3, 1, PVN_STATUS_INVALID_PARAMETER), 0);
	assert_int_equal(deposit(id, page + 3, 1, NULL), PVN_STATUS_SUCCESS);
}

static void a_list_may_name_a_target_twice_and_the_last_one_stays(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(4);
	struct pvn_map_sparse_gpa_pages_elem list[] = {
		{ 0x200, page }, { 0x201, page + 1 }, { 0x200, page + 2 }, { 0x202, page + 3 },
	};

	(void)state;
	assert_int_equal(map_list(id, list, 4, PVN_STATUS_SUCCESS), 4);
	assert_int_equal(mapped_at(id, 0x200).v >> PAGE_SHIFT, page + 2);
	assert_int_equal(mapped_at(id, 0x202).v >> PAGE_SHIFT, page + 3);
	assert_int_equal(partition_of(id)->map.mapped_pages, 3);
	assert_int_equal(deposit(id, page, 1, NULL), PVN_STATUS_SUCCESS);
}

static void a_list_goes_below_an_overlay_and_past_the_end_of_a_table(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(4);
	struct pvn_map_sparse_gpa_pages_elem list[] = {
		{ 0x3fe, page }, { 0x3ff, page + 1 }, { 0x400, page + 2 }, { 0x401, page + 3 },
	};
	struct gpa_map *map = &partition_of(id)->map;

	(void)state;
	assert_int_equal(map_list(id, list, 1, PVN_STATUS_SUCCESS), 1);
	assert_int_equal(gpa_map_overlay_add(map, gpa(0x3ffull << PAGE_SHIFT), hpa(FAKE_HYPERVISOR),
					     GPA_READ), PVN_STATUS_SUCCESS);
	assert_int_equal(map_list(id, list + 1, 3, PVN_STATUS_SUCCESS), 3);
	assert_true(hpa_is_none(mapped_at(id, 0x3ff)));		/* the overlay has no right to write */
	gpa_map_overlay_remove(map, gpa(0x3ffull << PAGE_SHIFT));
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(mapped_at(id, 0x3fe + i).v >> PAGE_SHIFT, page + i);
}

static void replacing_a_childs_page_flushes_the_processors(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(2);

	(void)state;
	machine.cpu[3].entry_generation = 1;
	assert_int_equal(map_pages(id, 0, page, 1, GPA_ALL), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.kicks[3], 0);
	assert_int_equal(map_pages(id, 0, page + 1, 1, GPA_ALL), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.kicks[3], 1);
}

static void mapping_needs_an_active_child_of_the_caller(void **state)
{
	struct pvn_create_partition_in in = { 0 };
	uint64_t id, page = take_root_pages(1);

	(void)state;
	root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id));
	assert_int_equal(map_pages(id, 0, page, 1, GPA_ALL), PVN_STATUS_INVALID_PARTITION_STATE);
	assert_int_equal(map_pages(root_partition->id, 0, page, 1, GPA_ALL), PVN_STATUS_ACCESS_DENIED);
	assert_int_equal(map_pages(id + 1000, 0, page, 1, GPA_ALL), PVN_STATUS_INVALID_PARTITION_ID);
}

static void a_child_without_pool_pages_cannot_be_mapped_into(void **state)
{
	struct pvn_create_partition_in in = { 0 };
	uint64_t id, page = take_root_pages(5);

	(void)state;
	root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id));
	deposit(id, page, 4, NULL);
	root_call(PVN_CALL_initialize_partition, &id, sizeof(id), NULL, 0);
	assert_int_equal(map_pages(id, 0, page + 4, 1, GPA_ALL), PVN_STATUS_INSUFFICIENT_MEMORY);
	assert_int_equal(deposit(id, page + 4, 1, NULL), PVN_STATUS_SUCCESS);
}

static void huge_pages_are_checked(void **state)
{
	const uint64_t pages = 1ull << 18;
	struct pvn_unmap_gpa_pages_in in = { .unmap_flags = PVN_UNMAP_HUGE };
	uint64_t id = make_child(0);

	(void)state;
	assert_int_equal(map_pages(id, 0, 0, 1, GPA_ALL | PVN_MAP_HUGE | PVN_MAP_LARGE),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, 512, 0, 1, GPA_ALL | PVN_MAP_HUGE), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map_pages(id, 0, 512, 1, GPA_ALL | PVN_MAP_HUGE), PVN_STATUS_INVALID_PARAMETER);
	/* The root has 64 MiB, and a hole in them. */
	assert_int_equal(map_pages(id, 0, 0, 1, GPA_ALL | PVN_MAP_HUGE), PVN_STATUS_OPERATION_DENIED);
	in.partition_id = id;
	in.target_page = pages;
	assert_int_equal(root_rep_call(PVN_CALL_unmap_gpa_pages, 1, &in, sizeof(in), NULL, 0, NULL, 0, NULL),
			 PVN_STATUS_SUCCESS);
	in.target_page = pages + 1;
	assert_int_equal(root_rep_call(PVN_CALL_unmap_gpa_pages, 1, &in, sizeof(in), NULL, 0, NULL, 0, NULL),
			 PVN_STATUS_INVALID_PARAMETER);
}

static void a_huge_page_is_unmapped_whole(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(1);
	struct pvn_unmap_gpa_pages_in in = { .partition_id = id, .target_page = 0,
					     .unmap_flags = PVN_UNMAP_HUGE };

	(void)state;
	assert_int_equal(map_pages(id, 7, page, 1, GPA_ALL), PVN_STATUS_SUCCESS);
	assert_int_equal(map_pages(id, 0x200, 0x2800, 1, GPA_ALL | PVN_MAP_LARGE), PVN_STATUS_SUCCESS);
	assert_int_equal(root_rep_call(PVN_CALL_unmap_gpa_pages, 1, &in, sizeof(in), NULL, 0, NULL, 0, NULL),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(partition_of(id)->map.mapped_pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_deposited_page_leaves_the_root_and_comes_back_zeroed),
		ON_FAKE_MACHINE(the_roots_large_leaves_return_with_the_last_page),
		ON_FAKE_MACHINE(a_deposit_flushes_before_the_page_is_used),
		ON_FAKE_MACHINE(a_page_of_the_hypervisor_or_of_a_device_cannot_be_deposited),
		ON_FAKE_MACHINE(a_page_cannot_be_deposited_twice),
		ON_FAKE_MACHINE(a_page_that_a_child_maps_is_in_use),
		ON_FAKE_MACHINE(a_page_of_an_overlay_cannot_be_deposited_or_mapped),
		ON_FAKE_MACHINE(withdrawing_more_than_there_is_says_how_many_came),
		ON_FAKE_MACHINE(the_hypervisors_own_memory_is_not_given_away),
		ON_FAKE_MACHINE(the_balance_counts_free_and_used_pages),
		ON_FAKE_MACHINE(a_long_list_is_done_in_several_executions),
		ON_FAKE_MACHINE(mapped_pages_are_the_callers_with_the_rights_given),
		ON_FAKE_MACHINE(bad_flags_and_pages_are_refused),
		ON_FAKE_MACHINE(large_elements_map_2_mib_each),
		ON_FAKE_MACHINE(unmapping_large_counts_in_2_mib),
		ON_FAKE_MACHINE(sparse_elements_go_where_they_say),
		ON_FAKE_MACHINE(a_list_ends_at_the_page_that_is_refused_and_counts_no_other),
		ON_FAKE_MACHINE(a_list_may_name_a_target_twice_and_the_last_one_stays),
		ON_FAKE_MACHINE(a_list_goes_below_an_overlay_and_past_the_end_of_a_table),
		ON_FAKE_MACHINE(replacing_a_childs_page_flushes_the_processors),
		ON_FAKE_MACHINE(mapping_needs_an_active_child_of_the_caller),
		ON_FAKE_MACHINE(a_child_without_pool_pages_cannot_be_mapped_into),
		ON_FAKE_MACHINE(huge_pages_are_checked),
		ON_FAKE_MACHINE(a_huge_page_is_unmapped_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
