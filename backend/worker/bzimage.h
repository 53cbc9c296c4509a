/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Linux kernel files, as the x86 boot protocol describes them
 * [Linux Documentation/x86/boot.rst "The Linux/x86 Boot Protocol"]. Pure.
 */
#ifndef WORKER_BZIMAGE_H
#define WORKER_BZIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpvn/problem.h"

enum {
	BZIMAGE_HEADER_AT = 0x1f1,	/* of the setup header, in the file and in boot_params */
	BZIMAGE_HEADER_BYTES = 0x280,	/* first bytes of the file that bzimage_parse() wants */
	BZIMAGE_ENTRY_64 = 0x200,	/* of the 64-bit entry, from where the kernel is loaded */
};

struct bzimage {
	uint64_t kernel_at;		/* of the protected-mode part, in the file */
	uint64_t kernel_bytes;
	uint64_t preferred;		/* load address */
	uint64_t init_bytes;		/* memory it needs from there on, before it has an allocator */
	uint64_t initrd_max;		/* highest address that an initrd may have */
	uint32_t cmdline_max;		/* without the NUL */
	unsigned int header_bytes;	/* of the setup header */
};

/* Does it say that it is one? */
bool bzimage_is_one(const uint8_t *start, size_t start_bytes);

/*
 * Checks the start of a kernel file of `file_bytes` in all. `path` is for messages
 * only. 0, or -1 with *problem filled.
 */
int bzimage_parse(struct bzimage *image, const uint8_t *start, size_t start_bytes,
		  uint64_t file_bytes, const char *path, struct pvn_problem *problem);

#endif
