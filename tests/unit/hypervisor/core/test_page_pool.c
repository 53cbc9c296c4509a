// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Pools of pages.
 */
#include "fake_machine.h"

static void a_page_is_zeroed_when_it_is_allocated(void **state)
{
	struct page_pool pool;
	uint8_t *page;

	(void)state;
	page_pool_init(&pool);
	memset(root_memory(0x5000), 0xaa, PAGE_SIZE);
	page_pool_add(&pool, hpa(0x5000));
	page = page_pool_alloc(&pool);
	assert_ptr_equal(page, root_memory(0x5000));
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(page[i], 0);
}

static void an_empty_pool_gives_nothing(void **state)
{
	struct page_pool pool;

	(void)state;
	page_pool_init(&pool);
	assert_null(page_pool_alloc(&pool));
	assert_null(page_pool_remove(&pool, NUMA_ANY));
	page_pool_free(&pool, NULL);
	assert_int_equal(page_pool_free_count(&pool), 0);
}

static void free_and_used_pages_are_counted(void **state)
{
	struct page_pool pool;
	void *page;

	(void)state;
	page_pool_init(&pool);
	page_pool_add(&pool, hpa(0x5000));
	page_pool_add(&pool, hpa(0x6000));
	page = page_pool_alloc(&pool);
	assert_int_equal(page_pool_free_count(&pool), 1);
	assert_int_equal(page_pool_used_count(&pool), 1);
	page_pool_free(&pool, page);
	assert_int_equal(page_pool_free_count(&pool), 2);
	assert_int_equal(page_pool_used_count(&pool), 0);
}

static void a_removed_page_is_neither_free_nor_used_and_zeroed(void **state)
{
	struct page_pool pool;
	uint64_t *page;

	(void)state;
	page_pool_init(&pool);
	page_pool_add(&pool, hpa(0x5000));
	page_pool_add(&pool, hpa(0x6000));
	page = page_pool_remove(&pool, NUMA_ANY);
	assert_int_equal(page[0], 0);
	assert_int_equal(page_pool_free_count(&pool), 1);
	assert_int_equal(page_pool_used_count(&pool), 0);
}

static void freeing_more_than_was_allocated_is_caught(void **state)
{
	struct page_pool pool;

	(void)state;
	page_pool_init(&pool);
	expect_panic(page_pool_free(&pool, root_memory(0x5000)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_page_is_zeroed_when_it_is_allocated),
		ON_FAKE_MACHINE(an_empty_pool_gives_nothing),
		ON_FAKE_MACHINE(free_and_used_pages_are_counted),
		ON_FAKE_MACHINE(a_removed_page_is_neither_free_nor_used_and_zeroed),
		ON_FAKE_MACHINE(freeing_more_than_was_allocated_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
