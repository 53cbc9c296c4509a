/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The hypervisor's own address space.
 */
#pragma once

#include "core/addr.h"

/*
 * Memory above 4 GiB into the direct map, up to end; table_pages gives pages for the
 * tables, one per GiB, as many as paging_table_pages() says.
 */
size_t paging_table_pages(uint64_t end);
void paging_map_high(uint64_t end, char *table_pages);
/* Own image: text read-only executable, data not executable; low identity map gone. */
void paging_protect(void);
/* Loads the final tables on this processor. */
void paging_load(void);
