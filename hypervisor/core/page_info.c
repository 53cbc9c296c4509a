// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See page_info.h. The order that makes the two words safe together: whoever
 * takes a page away first claims it in the large word (refused while a large leaf
 * exists), then in the small word (refused while a small leaf exists).
 */
#include "core/page_info.h"
#include "core/platform.h"
#include "lib/log.h"
#include "lib/string.h"

/* Small word: kind in [15:14], leaves in [13:0]. */
#define KIND_SHIFT	14
#define LEAVES_MASK	0x3fffu
/*
 * Below half of what fits, also for large leaves: splitting a large leaf must not
 * fail, and turns at most as many large leaves into small ones.
 */
#define LEAVES_MAX	0x1fffu

/* Large leaves of children; pages that are not NORMAL. */
union large_word {
	struct { uint16_t leaves, special; } info;
	uint32_t raw;
};

static uint16_t *small;
static uint32_t *large;
static uint64_t page_count;

static uint64_t large_count(uint64_t pages) { return (pages + 511) / 512; }

size_t page_info_bytes(uint64_t pages)
{
	return large_count(pages) * sizeof(uint32_t) + pages * sizeof(uint16_t);
}

void page_info_init(void *memory, uint64_t pages)
{
	memset(memory, 0, page_info_bytes(pages));
	large = memory;
	small = (uint16_t *)(large + large_count(pages));
	page_count = pages;
	/* A last large page that is not all there is never mapped as one. */
	if (pages % 512)
		large[pages / 512] = (union large_word){ .info.special = 512 - pages % 512 }.raw;
}

static bool is_known(struct hpa page) { return page.v >> PAGE_SHIFT < page_count; }

static uint16_t *small_word(struct hpa page) { return &small[page.v >> PAGE_SHIFT]; }

/*
 * Adds to both halves; refuses a leaf while a page is not NORMAL, and a page that leaves NORMAL
 * while there is a leaf; and more leaves than the maximum.
 */
static bool large_add(struct hpa page, int leaves, int special)
{
	uint32_t *word = &large[page.v >> LARGE_PAGE_SHIFT];
	union large_word old = { .raw = __atomic_load_n(word, __ATOMIC_RELAXED) }, new;

	do {
		if ((special > 0 && old.info.leaves) ||
		    (leaves > 0 && (old.info.special || old.info.leaves >= LEAVES_MAX)))
			return false;
		ASSERT(old.info.leaves + leaves >= 0 && old.info.special + special >= 0);
		new.info.leaves = (uint16_t)(old.info.leaves + leaves);
		new.info.special = (uint16_t)(old.info.special + special);
	} while (!atomic_swap_if(word, &old.raw, new.raw));
	return true;
}

void page_info_reserve(struct hpa first, uint64_t pages, enum page_kind kind)
{
	for (uint64_t i = 0; i < pages; i++) {
		struct hpa page = hpa_add(first, i << PAGE_SHIFT);

		if (!is_known(page))
			return;
		if (page_info_kind(page) == PAGE_NORMAL)
			large_add(page, 0, 1);
		*small_word(page) = (uint16_t)(kind << KIND_SHIFT);
	}
}

enum page_kind page_info_kind(struct hpa page)
{
	if (!is_known(page))
		return PAGE_DEVICE;
	return __atomic_load_n(small_word(page), __ATOMIC_RELAXED) >> KIND_SHIFT;
}

static bool map_small(struct hpa page)
{
	uint16_t *word = small_word(page), old = __atomic_load_n(word, __ATOMIC_RELAXED);

	do {
		if (old >> KIND_SHIFT != PAGE_NORMAL || (old & LEAVES_MASK) >= LEAVES_MAX)
			return false;
	} while (!atomic_swap_if(word, &old, (uint16_t)(old + 1)));
	return true;
}

/* A leaf of level 3 counts as 512 large ones. */
static uint64_t large_leaves(unsigned int level) { return level == 3 ? 512 : 1; }

static void unmap_large(struct hpa page, uint64_t count)
{
	while (count--)
		large_add(hpa_add(page, count << LARGE_PAGE_SHIFT), -1, 0);
}

unsigned int page_info_map_list(const struct hpa *pages, unsigned int count)
{
	unsigned int i = 0;

	while (i < count && is_known(pages[i]) && map_small(pages[i]))
		i++;
	return i;
}

bool page_info_map(struct hpa page, unsigned int level)
{
	if (level == 1)
		return page_info_map_list(&page, 1);
	for (uint64_t i = 0; i < large_leaves(level); i++) {
		struct hpa at = hpa_add(page, i << LARGE_PAGE_SHIFT);

		if (is_known(at) && large_add(at, 1, 0))
			continue;
		unmap_large(page, i);
		return false;
	}
	return true;
}

void page_info_unmap(struct hpa page, unsigned int level)
{
	if (level == 1) {
		uint16_t old = __atomic_fetch_sub(small_word(page), 1, __ATOMIC_SEQ_CST);

		ASSERT(old & LEAVES_MASK);
	} else {
		unmap_large(page, large_leaves(level));
	}
}

void page_info_split(struct hpa first)
{
	for (uint64_t i = 0; i < 512; i++)
		__atomic_fetch_add(small_word(hpa_add(first, i << PAGE_SHIFT)), 1, __ATOMIC_SEQ_CST);
	large_add(first, -1, 0);
}

bool page_info_deposit(struct hpa page, bool *in_use)
{
	uint16_t old = PAGE_NORMAL << KIND_SHIFT;

	*in_use = false;
	if (!is_known(page))
		return false;
	*in_use = true;
	if (!large_add(page, 0, 1))
		return false;
	if (atomic_swap_if(small_word(page), &old, PAGE_DEPOSITED << KIND_SHIFT))
		return true;
	large_add(page, 0, -1);
	*in_use = old >> KIND_SHIFT == PAGE_NORMAL;
	return false;
}

void page_info_withdraw(struct hpa page)
{
	ASSERT(page_info_kind(page) == PAGE_DEPOSITED);
	__atomic_store_n(small_word(page), PAGE_NORMAL << KIND_SHIFT, __ATOMIC_SEQ_CST);
	large_add(page, 0, -1);
}
