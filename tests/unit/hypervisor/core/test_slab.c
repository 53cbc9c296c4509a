// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Small records.
 */
#include "fake_machine.h"

#include "core/slab.h"

static void records_are_distinct_zeroed_and_come_from_one_page(void **state)
{
	struct page_pool *pool = &root_partition->pool;
	uint64_t used = page_pool_used_count(pool);
	struct slab slab;
	char *record[31];

	(void)state;
	slab_init(&slab, pool);
	for (unsigned int i = 0; i < 31; i++) {
		record[i] = slab_alloc(&slab);
		for (unsigned int j = 0; j < SLAB_RECORD_BYTES; j++)
			assert_int_equal(record[i][j], 0);
		memset(record[i], 0xff, SLAB_RECORD_BYTES);
	}
	assert_int_equal(page_pool_used_count(pool), used + 1);
	for (unsigned int i = 0; i < 31; i++)
		slab_free(&slab, record[i]);
	assert_int_equal(page_pool_used_count(pool), used);
}

static void a_full_page_is_followed_by_another_and_holes_are_filled(void **state)
{
	struct page_pool *pool = &root_partition->pool;
	uint64_t used = page_pool_used_count(pool);
	struct slab slab;
	char *record[62], *again;

	(void)state;
	slab_init(&slab, pool);
	for (unsigned int i = 0; i < 62; i++)
		record[i] = slab_alloc(&slab);
	assert_int_equal(page_pool_used_count(pool), used + 2);
	slab_free(&slab, record[3]);
	again = slab_alloc(&slab);
	assert_ptr_equal(again, record[3]);
	for (unsigned int i = 0; i < 62; i++)
		slab_free(&slab, record[i]);
	assert_int_equal(page_pool_used_count(pool), used);
	assert_true(list_is_empty(&slab.pages));
}

static void a_dry_pool_gives_no_record(void **state)
{
	struct page_pool pool;
	struct slab slab;

	(void)state;
	page_pool_init(&pool);
	slab_init(&slab, &pool);
	assert_null(slab_alloc(&slab));
}

static void freeing_a_record_twice_is_caught(void **state)
{
	struct slab slab;
	void *record, *other;

	(void)state;
	slab_init(&slab, &root_partition->pool);
	record = slab_alloc(&slab);
	other = slab_alloc(&slab);
	slab_free(&slab, record);
	assert_non_null(other);
	expect_panic(slab_free(&slab, record));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(records_are_distinct_zeroed_and_come_from_one_page),
		ON_FAKE_MACHINE(a_full_page_is_followed_by_another_and_holes_are_filled),
		ON_FAKE_MACHINE(a_dry_pool_gives_no_record),
		ON_FAKE_MACHINE(freeing_a_record_twice_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
