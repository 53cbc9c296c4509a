// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What pages are used for: the two words never allow both a child and a pool.
 */
#include "fake_machine.h"

#include <stdlib.h>

static const struct hpa page = { 0x400000 };

static void a_page_that_a_child_maps_cannot_be_deposited(void **state)
{
	bool in_use;

	(void)state;
	assert_true(page_info_map(page, 1));
	assert_false(page_info_deposit(page, &in_use));
	assert_true(in_use);
	page_info_unmap(page, 1);
	assert_true(page_info_deposit(page, &in_use));
	assert_int_equal(page_info_kind(page), PAGE_DEPOSITED);
}

static void a_page_within_a_large_leaf_cannot_be_deposited(void **state)
{
	bool in_use;

	(void)state;
	assert_true(page_info_map(page, 2));
	assert_false(page_info_deposit(hpa_add(page, 7 * PAGE_SIZE), &in_use));
	assert_true(in_use);
	page_info_unmap(page, 2);
	assert_true(page_info_deposit(hpa_add(page, 7 * PAGE_SIZE), &in_use));
}

static void a_deposited_page_cannot_be_mapped_small_or_large(void **state)
{
	struct hpa inner = hpa_add(page, 5 * PAGE_SIZE);
	bool in_use;

	(void)state;
	assert_true(page_info_deposit(inner, &in_use));
	assert_false(page_info_map(inner, 1));
	assert_false(page_info_map(page, 2));
	assert_true(page_info_map(page, 1));
	page_info_withdraw(inner);
	assert_true(page_info_map(inner, 1));
	assert_true(page_info_map(page, 2));
}

static void a_deposited_page_cannot_be_deposited_again(void **state)
{
	bool in_use;

	(void)state;
	assert_true(page_info_deposit(page, &in_use));
	assert_false(page_info_deposit(page, &in_use));
	assert_false(in_use);
}

static void a_split_large_leaf_counts_as_512_small_ones(void **state)
{
	bool in_use;

	(void)state;
	assert_true(page_info_map(page, 2));
	page_info_split(page);
	for (unsigned int i = 0; i < 512; i++)
		assert_false(page_info_deposit(hpa_add(page, i * PAGE_SIZE), &in_use));
	for (unsigned int i = 0; i < 512; i++)
		page_info_unmap(hpa_add(page, i * PAGE_SIZE), 1);
	assert_true(page_info_deposit(page, &in_use));
}

static void reserved_and_unknown_pages_are_not_for_children(void **state)
{
	bool in_use;

	(void)state;
	page_info_reserve(page, 1, PAGE_DEVICE);
	assert_int_equal(page_info_kind(page), PAGE_DEVICE);
	assert_false(page_info_map(page, 1));
	assert_false(page_info_map(page, 2));
	assert_false(page_info_deposit(page, &in_use));
	assert_false(page_info_map(hpa(FAKE_MEMORY_BYTES), 1));
	assert_false(page_info_deposit(hpa(FAKE_MEMORY_BYTES), &in_use));
	assert_int_equal(page_info_kind(hpa(FAKE_MEMORY_BYTES)), PAGE_DEVICE);
	assert_int_equal(page_info_kind(hpa(FAKE_HYPERVISOR)), PAGE_HYPERVISOR);
}

static void a_page_mapped_very_often_is_refused_and_not_miscounted(void **state)
{
	unsigned int times = 0;
	bool in_use;

	(void)state;
	while (page_info_map(page, 1))
		times++;
	assert_in_range(times, 1000, 0x3fff);
	while (times--)
		page_info_unmap(page, 1);
	assert_true(page_info_deposit(page, &in_use));
}

static void a_huge_leaf_counts_as_512_large_ones(void **state)
{
	const uint64_t pages = 2ull << 18;	/* 2 GiB */
	const struct hpa huge = { 1ull << 30 }, inner = { (1ull << 30) + 511 * LARGE_PAGE_SIZE };
	void *words = malloc(page_info_bytes(pages)), *before = malloc(page_info_bytes(pages));
	bool in_use;

	(void)state;
	page_info_init(words, pages);
	memcpy(before, words, page_info_bytes(pages));
	assert_true(page_info_map(huge, 3));
	assert_false(page_info_deposit(inner, &in_use));
	assert_true(in_use);
	/* Split into large ones it needs nothing, and one of those is split as ever. */
	page_info_split(inner);
	page_info_unmap(huge, 2);
	for (uint64_t i = 1; i < 511; i++)
		page_info_unmap(hpa_add(huge, i << LARGE_PAGE_SHIFT), 2);
	for (uint64_t i = 0; i < 512; i++)
		page_info_unmap(hpa_add(inner, i << PAGE_SHIFT), 1);
	assert_memory_equal(words, before, page_info_bytes(pages));
	/* All or nothing. */
	assert_true(page_info_deposit(inner, &in_use));
	assert_false(page_info_map(huge, 3));
	page_info_withdraw(inner);
	assert_memory_equal(words, before, page_info_bytes(pages));
	assert_false(page_info_map((struct hpa){ 2ull << 30 }, 3));
	assert_true(page_info_map(huge, 3));
	page_info_unmap(huge, 3);
	assert_memory_equal(words, before, page_info_bytes(pages));
	free(words);
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_page_that_a_child_maps_cannot_be_deposited),
		ON_FAKE_MACHINE(a_page_within_a_large_leaf_cannot_be_deposited),
		ON_FAKE_MACHINE(a_deposited_page_cannot_be_mapped_small_or_large),
		ON_FAKE_MACHINE(a_deposited_page_cannot_be_deposited_again),
		ON_FAKE_MACHINE(a_split_large_leaf_counts_as_512_small_ones),
		ON_FAKE_MACHINE(reserved_and_unknown_pages_are_not_for_children),
		ON_FAKE_MACHINE(a_page_mapped_very_often_is_refused_and_not_miscounted),
		ON_FAKE_MACHINE(a_huge_leaf_counts_as_512_large_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
