// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Nested page tables: walking, splitting, joining.
 */
#include "fake_machine.h"

#include "core/nested_pt.h"

static struct page_pool *pool(void) { return &root_partition->pool; }

static void an_empty_table_ends_the_walk_at_the_top(void **state)
{
	uint64_t *top = page_pool_alloc(pool());
	struct nested_pt_slot slot = nested_pt_find(top, gpa(3ull << 39 | 0x1000));

	(void)state;
	assert_int_equal(slot.level, 4);
	assert_ptr_equal(slot.entry, &top[3]);
}

static void an_expanded_entry_leads_one_level_down(void **state)
{
	uint64_t *top = page_pool_alloc(pool());
	struct gpa at = gpa(5ull << 30);
	struct nested_pt_slot slot = nested_pt_find(top, at);

	(void)state;
	assert_true(nested_pt_expand(pool(), slot));
	assert_true(nested_pt_is_table(slot));
	slot = nested_pt_find(top, at);
	assert_int_equal(slot.level, 3);
	assert_int_equal(*slot.entry, 0);
}

static void splitting_a_leaf_keeps_address_and_rights_of_every_piece(void **state)
{
	uint64_t entry = npt_leaf(hpa(0x40000000), GPA_READ | GPA_EXECUTE, 3), *table;
	struct nested_pt_slot slot = { &entry, 3 };

	(void)state;
	assert_true(nested_pt_expand(pool(), slot));
	table = nested_pt_next(slot);
	for (unsigned int i = 0; i < 512; i++) {
		assert_true(npt_is_leaf(table[i], 2));
		assert_int_equal(npt_address(table[i], 2).v, 0x40000000 + i * LARGE_PAGE_SIZE);
		assert_int_equal(npt_rights(table[i]), GPA_READ | GPA_EXECUTE);
	}
}

static void no_memory_leaves_the_entry_as_it_was(void **state)
{
	uint64_t entry = npt_leaf(hpa(0), GPA_ALL, 2), before = entry;
	struct page_pool empty;

	(void)state;
	page_pool_init(&empty);
	assert_false(nested_pt_expand(&empty, (struct nested_pt_slot){ &entry, 2 }));
	assert_int_equal(entry, before);
}

static void identity_leaves_are_joined_and_others_are_not(void **state)
{
	uint64_t entry = npt_leaf(hpa(0x200000), GPA_ALL, 2), *table, kept;
	struct nested_pt_slot slot = { &entry, 2 };

	(void)state;
	assert_true(nested_pt_expand(pool(), slot));
	table = nested_pt_next(slot);
	kept = table[9];
	table[9] = 0;
	assert_null(nested_pt_join_identity(slot, gpa(0x209000)));
	table[9] = npt_leaf(hpa(0x209000), GPA_READ, 1);
	assert_null(nested_pt_join_identity(slot, gpa(0x209000)));
	table[9] = npt_leaf(hpa(0x20a000), GPA_ALL, 1);
	assert_null(nested_pt_join_identity(slot, gpa(0x209000)));
	table[9] = kept;
	/* The same memory at another GPA is not identity. */
	assert_null(nested_pt_join_identity(slot, gpa(0x409000)));
	assert_ptr_equal(nested_pt_join_identity(slot, gpa(0x209000)), table);
	assert_int_equal(entry, npt_leaf(hpa(0x200000), GPA_ALL, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(an_empty_table_ends_the_walk_at_the_top),
		ON_FAKE_MACHINE(an_expanded_entry_leads_one_level_down),
		ON_FAKE_MACHINE(splitting_a_leaf_keeps_address_and_rights_of_every_piece),
		ON_FAKE_MACHINE(no_memory_leaves_the_entry_as_it_was),
		ON_FAKE_MACHINE(identity_leaves_are_joined_and_others_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
