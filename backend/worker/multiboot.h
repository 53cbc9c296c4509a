/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Programs for a multiboot 1 loader: kernels and test programs of others, which are
 * entered in 32-bit protected mode [multiboot 1 3.1 "OS image format"]. Pure; nothing
 * of the file is believed.
 */
#ifndef WORKER_MULTIBOOT_H
#define WORKER_MULTIBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpvn/problem.h"

enum {
	MULTIBOOT_SEARCH_BYTES = 8192,	/* first bytes of the file that may hold the header */
	MULTIBOOT_SEGMENTS_MAX = 16,
};

struct layout;

/* What goes where; the memory beyond the file's bytes is zero. */
struct multiboot_segment {
	uint64_t file_at, file_bytes;
	uint64_t gpa, memory_bytes;
};

struct multiboot {
	uint32_t entry;
	uint64_t low, end;		/* GPAs that the segments lie between */
	unsigned int segment_count;
	struct multiboot_segment segment[MULTIBOOT_SEGMENTS_MAX];
};

/* Is there a multiboot header that adds up? */
bool multiboot_is_one(const uint8_t *file, size_t file_bytes);

/* Checks a whole file. `path` is for messages only. 0, or -1 with *problem filled. */
int multiboot_parse(struct multiboot *image, const uint8_t *file, size_t file_bytes,
		    const char *path, struct pvn_problem *problem);

/* What a parser found, looked at again: NULL, or what cannot be. */
const char *multiboot_check(const struct multiboot *image, uint64_t file_bytes);

/*
 * Writes the boot information, as long as low memory allows, for a payload whose
 * command line is "kernel cmdline", as other loaders have it. 0, or -1 with *problem
 * filled: the command line is too long.
 */
int multiboot_write(uint8_t *low_memory, const struct layout *layout, const char *kernel,
		    const char *cmdline, const char *module, struct pvn_problem *problem);

#endif
