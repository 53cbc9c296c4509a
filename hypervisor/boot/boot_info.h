/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the boot loader says, in one form for multiboot 1 and 2. Pure parsing: reads
 * memory only through plat_hva(), so that it is tested on the host.
 */
#pragma once

#include "core/addr.h"

#define BOOT_TEXT_BYTES	   2048
#define BOOT_MODULES_MAX   4
#define BOOT_MEMORY_MAX	   128
#define BOOT_RSDP_BYTES	   36

#define MB1_LOADER_MAGIC 0x2badb002u
#define MB2_LOADER_MAGIC 0x36d76289u

/* Types as in the BIOS' E820 and as Linux takes them. */
enum { MEMORY_RAM = 1, MEMORY_RESERVED = 2, MEMORY_ACPI = 3, MEMORY_NVS = 4, MEMORY_BAD = 5 };

struct boot_module {
	struct hpa start;
	uint64_t bytes;
	char text[BOOT_TEXT_BYTES];	/* its command line */
};

struct memory_range { uint64_t start, end; uint32_t type; };

struct boot_info {
	char text[BOOT_TEXT_BYTES];	/* the hypervisor's command line */
	unsigned int module_count;
	struct boot_module modules[BOOT_MODULES_MAX];
	unsigned int range_count;
	struct memory_range ranges[BOOT_MEMORY_MAX];	/* sorted by start */
	struct hpa rsdp;		/* of the copy; HPA_NONE: look for it */
	char rsdp_copy[BOOT_RSDP_BYTES];
};

/* NULL, or the reason why the information cannot be used. */
const char *boot_info_parse(struct boot_info *out, uint32_t magic, struct hpa info);

/*
 * Value of "name=value" in a command line of words, up to the next blank; NULL: not there.
 * A word "name" alone has an empty value.
 */
const char *boot_option(const char *line, const char *name);
/* Is the value this word? */
bool boot_is(const char *value, const char *word);
/* Decimal or 0x number with optional K, M, G; false: not a number. */
bool boot_number(const char *value, uint64_t *out);

/* Makes [start, end) that type, splitting what is there; false: no room for more ranges. */
bool boot_ranges_set(struct boot_info *info, uint64_t start, uint64_t end, uint32_t type);
/*
 * Highest aligned block of RAM in [floor, limit) that touches none of the module ranges;
 * HPA_NONE: there is none.
 */
struct hpa boot_find_top(const struct boot_info *info, uint64_t bytes, uint64_t align, uint64_t floor,
			 uint64_t limit);
