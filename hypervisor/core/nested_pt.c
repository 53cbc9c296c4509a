// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See nested_pt.h.
 */
#include "core/nested_pt.h"
#include "core/platform.h"

static unsigned int index_at(struct gpa at, unsigned int level)
{
	return at.v >> (PAGE_SHIFT + 9 * (level - 1)) & (NESTED_PT_ENTRIES - 1);
}

bool nested_pt_is_table(const struct nested_pt_format *format, struct nested_pt_slot slot)
{
	return slot.level > 1 && format->is_present(*slot.entry) &&
	       !format->is_leaf(*slot.entry, slot.level);
}

uint64_t *nested_pt_next(const struct nested_pt_format *format, struct nested_pt_slot slot)
{
	return plat_hva(format->address(*slot.entry, slot.level));
}

struct nested_pt_slot nested_pt_find_level(const struct nested_pt_format *format, uint64_t *top,
					   struct gpa at, unsigned int level)
{
	struct nested_pt_slot slot = { .level = NESTED_PT_TOP_LEVEL };

	slot.entry = &top[index_at(at, slot.level)];
	while (slot.level > level && nested_pt_is_table(format, slot)) {
		uint64_t *table = nested_pt_next(format, slot);

		slot.level--;
		slot.entry = &table[index_at(at, slot.level)];
	}
	return slot;
}

struct nested_pt_slot nested_pt_find(const struct nested_pt_format *format, uint64_t *top, struct gpa at)
{
	return nested_pt_find_level(format, top, at, 1);
}

bool nested_pt_expand(const struct nested_pt_format *format, struct page_pool *pool,
		      struct nested_pt_slot slot)
{
	uint64_t old = *slot.entry, *table = page_pool_alloc(pool);

	if (!table)
		return false;
	if (format->is_present(old)) {
		struct hpa base = format->address(old, slot.level);
		unsigned int rights = format->rights(old), level = slot.level - 1;

		for (unsigned int i = 0; i < NESTED_PT_ENTRIES; i++)
			table[i] = format->leaf(hpa_add(base, i * level_bytes(level)), rights, level);
	}
	/* The release in here lets no processor see the table before its entries. */
	nested_pt_write(slot.entry, format->table(plat_hpa(table)));
	return true;
}

uint64_t *nested_pt_join_identity(const struct nested_pt_format *format, struct nested_pt_slot slot,
				  struct gpa at)
{
	uint64_t *table, base = at.v & ~(level_bytes(slot.level) - 1);
	unsigned int rights, level = slot.level - 1;

	if (!nested_pt_is_table(format, slot))
		return NULL;
	table = nested_pt_next(format, slot);
	rights = format->rights(table[0]);
	for (unsigned int i = 0; i < NESTED_PT_ENTRIES; i++) {
		if (!format->is_present(table[i]) || !format->is_leaf(table[i], level) ||
		    format->address(table[i], level).v != base + i * level_bytes(level) ||
		    format->rights(table[i]) != rights)
			return NULL;
	}
	nested_pt_write(slot.entry, format->leaf(hpa(base), rights, slot.level));
	return table;
}
