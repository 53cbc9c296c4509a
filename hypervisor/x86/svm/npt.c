/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Entry format of nested page tables: the format of ordinary long-mode tables
 * [APM2 15.25.5 "Nested Table Walk"]. Entries carry the user bit: the walk is one of
 * user accesses. There is no read bit: what is present can be read.
 */
#include "x86/svm/svm.h"

#define PRESENT 0x1ull
#define WRITE	0x2ull
#define USER	0x4ull
#define ACCESSED_DIRTY 0x60ull

struct nested_pt_format npt_format = {
	.present = PRESENT, .table = USER | WRITE | PRESENT, .leaf = USER | ACCESSED_DIRTY | PRESENT,
	.large = 0x80, .write = WRITE, .no_execute = 1ull << 63,
	.huge_pages = false,	/* svm_probe() knows */
};
