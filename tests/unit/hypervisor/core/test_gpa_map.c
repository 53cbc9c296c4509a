// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * GPA maps: leaves of all sizes, overlays, copies, flushes.
 */
#include "fake_machine.h"

#include <stdlib.h>

static struct gpa_map map;

static void child_map(void)
{
	assert_int_equal(gpa_map_init(&map, &root_partition->pool, true),
			 PVN_STATUS_SUCCESS);
}

static enum pvn_status insert(uint64_t target, uint64_t source, uint64_t bytes, bool *replaced)
{
	*replaced = false;
	return gpa_map_insert(&map, gpa(target), hpa(source), bytes, GPA_ALL, replaced);
}

static uint64_t lookup(uint64_t at)
{
	return gpa_map_lookup(&map, gpa(at), GPA_READ).v;
}

static void a_mapped_page_is_found_and_its_neighbours_are_not(void **state)
{
	bool replaced;

	(void)state;
	child_map();
	assert_int_equal(insert(0x7000, 0x123000, PAGE_SIZE, &replaced), PVN_STATUS_SUCCESS);
	assert_false(replaced);
	assert_int_equal(lookup(0x7abc), 0x123abc);
	assert_true(hpa_is_none(hpa(lookup(0x6000))));
	assert_true(hpa_is_none(hpa(lookup(0x8000))));
	assert_true(hpa_is_none(hpa(lookup(GPA_SPACE_BYTES + 0x7000))));
	assert_int_equal(map.mapped_pages, 1);
	gpa_map_destroy(&map);
}

static void rights_are_those_that_were_given(void **state)
{
	bool replaced = false;

	(void)state;
	child_map();
	gpa_map_insert(&map, gpa(0x7000), hpa(0x123000), PAGE_SIZE, GPA_READ, &replaced);
	assert_false(hpa_is_none(gpa_map_lookup(&map, gpa(0x7000), GPA_READ)));
	assert_true(hpa_is_none(gpa_map_lookup(&map, gpa(0x7000), GPA_WRITE)));
	assert_true(hpa_is_none(gpa_map_lookup(&map, gpa(0x7000), GPA_EXECUTE)));
	gpa_map_destroy(&map);
}

static void an_aligned_2_mib_run_takes_one_leaf(void **state)
{
	uint64_t used = page_pool_used_count(&root_partition->pool);
	bool replaced;

	(void)state;
	child_map();
	assert_int_equal(insert(0x600000, 0x400000, LARGE_PAGE_SIZE, &replaced), PVN_STATUS_SUCCESS);
	/* Top, third and second level: no table of 4 KiB leaves. */
	assert_int_equal(page_pool_used_count(&root_partition->pool), used + 3);
	assert_int_equal(lookup(0x6fedcb), 0x4fedcb);
	assert_int_equal(map.mapped_pages, 512);
	gpa_map_destroy(&map);
	assert_int_equal(page_pool_used_count(&root_partition->pool), used);
}

static void replacing_a_mapping_says_so_and_frees_the_old_page(void **state)
{
	bool replaced, in_use;

	(void)state;
	child_map();
	insert(0x7000, 0x123000, PAGE_SIZE, &replaced);
	assert_int_equal(insert(0x7000, 0x456000, PAGE_SIZE, &replaced), PVN_STATUS_SUCCESS);
	assert_true(replaced);
	assert_int_equal(lookup(0x7000), 0x456000);
	assert_int_equal(map.mapped_pages, 1);
	assert_true(page_info_deposit(hpa(0x123000), &in_use));
	assert_false(page_info_deposit(hpa(0x456000), &in_use));
	gpa_map_destroy(&map);
	assert_true(page_info_deposit(hpa(0x456000), &in_use));
}

static void removing_a_page_of_a_large_leaf_splits_it(void **state)
{
	bool replaced = false, in_use;

	(void)state;
	child_map();
	insert(0x600000, 0x400000, LARGE_PAGE_SIZE, &replaced);
	assert_int_equal(gpa_map_remove(&map, gpa(0x605000), PAGE_SIZE, &replaced),
			 PVN_STATUS_SUCCESS);
	assert_true(replaced);
	assert_true(hpa_is_none(hpa(lookup(0x605000))));
	assert_int_equal(lookup(0x604fff), 0x404fff);
	assert_int_equal(lookup(0x606000), 0x406000);
	assert_int_equal(map.mapped_pages, 511);
	assert_true(page_info_deposit(hpa(0x405000), &in_use));
	assert_false(page_info_deposit(hpa(0x404000), &in_use));
	gpa_map_destroy(&map);
	assert_true(page_info_deposit(hpa(0x404000), &in_use));
}

static void a_large_insertion_over_small_leaves_keeps_their_table(void **state)
{
	bool replaced;

	(void)state;
	child_map();
	insert(0x601000, 0x123000, PAGE_SIZE, &replaced);
	assert_int_equal(insert(0x600000, 0x400000, LARGE_PAGE_SIZE, &replaced), PVN_STATUS_SUCCESS);
	assert_true(replaced);
	assert_int_equal(lookup(0x601000), 0x401000);
	assert_int_equal(lookup(0x7ff000), 0x5ff000);
	assert_int_equal(map.mapped_pages, 512);
	gpa_map_destroy(&map);
}

static void removing_nothing_succeeds_and_replaces_nothing(void **state)
{
	bool replaced = false;

	(void)state;
	child_map();
	assert_int_equal(gpa_map_remove(&map, gpa(0), 1ull << 40, &replaced), PVN_STATUS_SUCCESS);
	assert_false(replaced);
	gpa_map_destroy(&map);
}

static void without_memory_for_tables_nothing_changes(void **state)
{
	struct page_pool small;
	bool replaced, in_use;

	(void)state;
	page_pool_init(&small);
	page_pool_add(&small, hpa(0x800000));
	page_pool_add(&small, hpa(0x801000));
	assert_int_equal(gpa_map_init(&map, &small, true), PVN_STATUS_SUCCESS);
	assert_int_equal(insert(0x7000, 0x123000, PAGE_SIZE, &replaced),
			 PVN_STATUS_INSUFFICIENT_MEMORY);
	assert_int_equal(map.mapped_pages, 0);
	assert_true(page_info_deposit(hpa(0x123000), &in_use));
	gpa_map_destroy(&map);
	assert_int_equal(page_pool_free_count(&small), 2);
}

static void a_page_that_is_not_the_roots_is_refused(void **state)
{
	bool replaced;

	(void)state;
	child_map();
	assert_int_equal(insert(0x7000, FAKE_HYPERVISOR, PAGE_SIZE, &replaced),
			 PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(insert(0x7000, FAKE_DEVICE, PAGE_SIZE, &replaced),
			 PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(map.mapped_pages, 0);
	gpa_map_destroy(&map);
}

static void an_overlay_hides_the_page_below_which_comes_back(void **state)
{
	void *page = page_pool_alloc(&root_partition->pool);
	bool replaced;

	(void)state;
	child_map();
	insert(0x600000, 0x400000, LARGE_PAGE_SIZE, &replaced);
	assert_int_equal(gpa_map_overlay_add(&map, gpa(0x603000), plat_hpa(page), GPA_READ),
			 PVN_STATUS_SUCCESS);
	assert_true(gpa_map_has_overlay(&map, gpa(0x603abc)));
	assert_int_equal(lookup(0x603000), plat_hpa(page).v);
	assert_true(hpa_is_none(gpa_map_lookup(&map, gpa(0x603000), GPA_WRITE)));
	assert_int_equal(lookup(0x604000), 0x404000);
	gpa_map_overlay_remove(&map, gpa(0x603000));
	assert_int_equal(lookup(0x603000), 0x403000);
	assert_false(gpa_map_has_overlay(&map, gpa(0x603000)));
	gpa_map_destroy(&map);
	page_pool_free(&root_partition->pool, page);
}

static void mapping_under_an_overlay_changes_only_what_is_below(void **state)
{
	void *page = page_pool_alloc(&root_partition->pool);
	bool replaced, in_use;

	(void)state;
	child_map();
	gpa_map_overlay_add(&map, gpa(0x3000), plat_hpa(page), GPA_READ);
	assert_int_equal(insert(0x3000, 0x123000, PAGE_SIZE, &replaced), PVN_STATUS_SUCCESS);
	assert_false(replaced);
	assert_int_equal(lookup(0x3000), plat_hpa(page).v);
	assert_false(page_info_deposit(hpa(0x123000), &in_use));
	gpa_map_remove(&map, gpa(0x3000), PAGE_SIZE, &replaced);
	assert_int_equal(lookup(0x3000), plat_hpa(page).v);
	assert_true(page_info_deposit(hpa(0x123000), &in_use));
	/* A large insertion goes around it, too. */
	assert_int_equal(insert(0, 0x400000, LARGE_PAGE_SIZE, &replaced), PVN_STATUS_SUCCESS);
	assert_int_equal(lookup(0x3000), plat_hpa(page).v);
	assert_int_equal(lookup(0x4000), 0x404000);
	gpa_map_overlay_remove(&map, gpa(0x3000));
	assert_int_equal(lookup(0x3000), 0x403000);
	gpa_map_destroy(&map);
	page_pool_free(&root_partition->pool, page);
}

static void a_second_overlay_at_the_same_page_is_refused(void **state)
{
	(void)state;
	child_map();
	assert_int_equal(gpa_map_overlay_add(&map, gpa(0x3000), hpa(0x5000), GPA_READ),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(gpa_map_overlay_add(&map, gpa(0x3000), hpa(0x6000), GPA_READ),
			 PVN_STATUS_OBJECT_IN_USE);
	assert_int_equal(gpa_map_overlay_add(&map, gpa(GPA_SPACE_BYTES), hpa(0x6000), GPA_READ),
			 PVN_STATUS_INVALID_PARAMETER);
	gpa_map_destroy(&map);
}

static void an_overlay_of_the_root_gives_its_large_leaf_back(void **state)
{
	struct page_pool *pool = &root_partition->pool;
	uint64_t used = page_pool_used_count(pool);

	(void)state;
	assert_int_equal(gpa_map_overlay_add(&root_partition->map, gpa(0x203000),
					     hpa(FAKE_HYPERVISOR), GPA_READ), PVN_STATUS_SUCCESS);
	assert_int_equal(page_pool_used_count(pool), used + 2);
	gpa_map_overlay_remove(&root_partition->map, gpa(0x203000));
	assert_int_equal(page_pool_used_count(pool), used);
}

static void copies_stay_within_a_page_and_respect_rights(void **state)
{
	char text[8] = "";
	bool replaced = false;

	(void)state;
	child_map();
	gpa_map_insert(&map, gpa(0x7000), hpa(0x123000), PAGE_SIZE, GPA_READ, &replaced);
	memcpy(root_memory(0x123ff8), "pvn", 4);
	assert_true(gpa_map_copy_in(&map, text, gpa(0x7ff8), 8));
	assert_string_equal(text, "pvn");
	assert_false(gpa_map_copy_in(&map, text, gpa(0x7ff9), 8));
	assert_false(gpa_map_copy_in(&map, text, gpa(0x9000), 8));
	assert_false(gpa_map_copy_in(&map, text, gpa(0x7000), 0));
	assert_false(gpa_map_copy_out(&map, gpa(0x7000), text, 8));
	gpa_map_destroy(&map);
}

static void device_memory_is_never_touched_for_a_guest(void **state)
{
	uint64_t value = 0;

	(void)state;
	assert_false(hpa_is_none(gpa_map_lookup(&root_partition->map, gpa(FAKE_DEVICE), GPA_ALL)));
	assert_false(gpa_map_copy_in(&root_partition->map, &value, gpa(FAKE_DEVICE), 8));
	assert_false(gpa_map_copy_out(&root_partition->map, gpa(FAKE_DEVICE), &value, 8));
}

static void a_source_must_be_contiguous_and_without_overlays(void **state)
{
	bool replaced;

	(void)state;
	child_map();
	insert(0x600000, 0x400000, LARGE_PAGE_SIZE, &replaced);
	assert_int_equal(gpa_map_source(&map, gpa(0x600000), LARGE_PAGE_SIZE, GPA_ALL).v, 0x400000);
	insert(0x605000, 0x123000, PAGE_SIZE, &replaced);
	assert_true(hpa_is_none(gpa_map_source(&map, gpa(0x600000), LARGE_PAGE_SIZE, GPA_ALL)));
	assert_int_equal(gpa_map_source(&map, gpa(0x605000), PAGE_SIZE, GPA_ALL).v, 0x123000);
	gpa_map_overlay_add(&map, gpa(0x606000), hpa(0x5000), GPA_ALL);
	assert_true(hpa_is_none(gpa_map_source(&map, gpa(0x606000), PAGE_SIZE, GPA_READ)));
	gpa_map_destroy(&map);
}

static void a_flush_waits_for_processors_in_a_guest_only(void **state)
{
	uint64_t generation;

	(void)state;
	child_map();
	generation = map.generation;
	machine.cpu[1].entry_generation = 5;
	machine.cpu[2].entry_generation = 6;
	gpa_map_flush(&map);
	assert_int_equal(machine.kicks[0], 0);
	assert_int_equal(machine.kicks[1], 1);
	assert_int_equal(machine.kicks[2], 0);
	assert_true(map.generation > generation);
	gpa_map_destroy(&map);
}

static void clearing_stops_when_its_time_is_up_and_goes_on(void **state)
{
	uint64_t used = page_pool_used_count(&root_partition->pool);
	unsigned int rounds = 1;
	bool replaced;

	(void)state;
	child_map();
	for (uint64_t i = 0; i < 8; i++)
		insert(i << 30 | 0x1000, 0x123000, PAGE_SIZE, &replaced);
	/* Even when it is late from the beginning, something is done each time. */
	while (!gpa_map_clear(&map, 0))
		rounds++;
	assert_in_range(rounds, 8, 30);
	assert_int_equal(map.mapped_pages, 0);
	gpa_map_destroy(&map);
	assert_int_equal(page_pool_used_count(&root_partition->pool), used);
}

static void a_childs_1_gib_leaf_is_split_and_taken_away(void **state)
{
	const uint64_t huge = 1ull << 30, pages = 2ull << 18;
	uint64_t used = page_pool_used_count(&root_partition->pool);
	void *words = malloc(page_info_bytes(pages));
	bool replaced, in_use;

	(void)state;
	page_info_init(words, pages);
	child_map();
	assert_int_equal(insert(4 * huge, huge, huge, &replaced), PVN_STATUS_SUCCESS);
	/* The top and the third level. */
	assert_int_equal(page_pool_used_count(&root_partition->pool), used + 2);
	assert_int_equal(map.mapped_pages, 512 * 512);
	assert_int_equal(lookup(4 * huge + 0x12345678), huge + 0x12345678);
	assert_false(page_info_deposit(hpa(huge + 0x5000), &in_use));
	/* A hole of one page: two levels are split. */
	assert_int_equal(gpa_map_remove(&map, gpa(4 * huge + 0x5000), PAGE_SIZE, &replaced),
			 PVN_STATUS_SUCCESS);
	assert_true(replaced);
	assert_int_equal(page_pool_used_count(&root_partition->pool), used + 4);
	assert_true(hpa_is_none(hpa(lookup(4 * huge + 0x5000))));
	assert_int_equal(lookup(4 * huge + 0x6000), huge + 0x6000);
	assert_int_equal(lookup(5 * huge - 8), 2 * huge - 8);
	assert_true(page_info_deposit(hpa(huge + 0x5000), &in_use));
	page_info_withdraw(hpa(huge + 0x5000));
	gpa_map_destroy(&map);
	assert_int_equal(page_pool_used_count(&root_partition->pool), used);
	assert_true(page_info_deposit(hpa(huge + 0x6000), &in_use));
	free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_mapped_page_is_found_and_its_neighbours_are_not),
		ON_FAKE_MACHINE(rights_are_those_that_were_given),
		ON_FAKE_MACHINE(an_aligned_2_mib_run_takes_one_leaf),
		ON_FAKE_MACHINE(replacing_a_mapping_says_so_and_frees_the_old_page),
		ON_FAKE_MACHINE(removing_a_page_of_a_large_leaf_splits_it),
		ON_FAKE_MACHINE(a_large_insertion_over_small_leaves_keeps_their_table),
		ON_FAKE_MACHINE(removing_nothing_succeeds_and_replaces_nothing),
		ON_FAKE_MACHINE(without_memory_for_tables_nothing_changes),
		ON_FAKE_MACHINE(a_page_that_is_not_the_roots_is_refused),
		ON_FAKE_MACHINE(an_overlay_hides_the_page_below_which_comes_back),
		ON_FAKE_MACHINE(mapping_under_an_overlay_changes_only_what_is_below),
		ON_FAKE_MACHINE(a_second_overlay_at_the_same_page_is_refused),
		ON_FAKE_MACHINE(an_overlay_of_the_root_gives_its_large_leaf_back),
		ON_FAKE_MACHINE(copies_stay_within_a_page_and_respect_rights),
		ON_FAKE_MACHINE(device_memory_is_never_touched_for_a_guest),
		ON_FAKE_MACHINE(a_source_must_be_contiguous_and_without_overlays),
		ON_FAKE_MACHINE(a_flush_waits_for_processors_in_a_guest_only),
		ON_FAKE_MACHINE(clearing_stops_when_its_time_is_up_and_goes_on),
		ON_FAKE_MACHINE(a_childs_1_gib_leaf_is_split_and_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
