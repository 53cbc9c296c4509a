/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Entry format of nested page tables: the format of ordinary long-mode tables
 * [APM2 15.25.5 "Nested Table Walk"]. Entries carry the user bit: the walk is one of
 * user accesses. There is no read bit: what is present can be read.
 */
#include "x86/insn.h"
#include "x86/svm/svm.h"

#define PRESENT 0x1ull
#define WRITE	0x2ull
#define USER	0x4ull
#define AD	0x60ull
#define LARGE	0x80ull
#define NX	(1ull << 63)
#define ADDRESS 0x000ffffffffff000ull

static uint64_t npt_table(struct hpa next) { return next.v | USER | WRITE | PRESENT; }

static uint64_t npt_leaf(struct hpa page, unsigned int rights, unsigned int level)
{
	if (!rights)
		return 0;
	return page.v | PRESENT | USER | AD | (rights & GPA_WRITE ? WRITE : 0) |
	       (rights & GPA_EXECUTE ? 0 : NX) | (level > 1 ? LARGE : 0);
}

static bool npt_is_present(uint64_t entry) { return entry & PRESENT; }
static bool npt_is_leaf(uint64_t entry, unsigned int level) { return level == 1 || entry & LARGE; }

static struct hpa npt_address(uint64_t entry, unsigned int level)
{
	uint64_t mask = level > 1 && entry & LARGE ? ~((1ull << (PAGE_SHIFT + 9 * (level - 1))) - 1) : ~0ull;

	return hpa(entry & ADDRESS & mask);
}

static unsigned int npt_rights(uint64_t entry)
{
	return GPA_READ | (entry & WRITE ? GPA_WRITE : 0) | (entry & NX ? 0 : GPA_EXECUTE);
}

struct nested_pt_format npt_format = {
	.table = npt_table,
	.leaf = npt_leaf,
	.is_present = npt_is_present,
	.is_leaf = npt_is_leaf,
	.address = npt_address,
	.rights = npt_rights,
	.huge_pages = false,	/* svm_probe() knows */
};
