// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Linux kernel files; see bzimage.h. Offsets are those of the boot protocol.
 */
#include "worker/bzimage.h"

#include <string.h>

#define VERSION_WITH_XLOADFLAGS 0x020c
#define XLF_KERNEL_64 0x1

static uint32_t number(const uint8_t *start, unsigned int at, unsigned int bytes)
{
	uint32_t value = 0;

	memcpy(&value, start + at, bytes);
	return value;
}

static int no_bzimage(const char *path, struct pvn_problem *problem, const char *why)
{
	return pvn_fail(problem, PVN_EXIT_FAILED, path,
			"give the bzImage of an x86-64 Linux, such as Debian's /boot/vmlinuz-*",
			"the kernel is no bzImage: %s", why);
}

bool bzimage_is_one(const uint8_t *start, size_t start_bytes)
{
	return start_bytes >= BZIMAGE_HEADER_BYTES && number(start, 0x1fe, 2) == 0xaa55 &&
	       !memcmp(start + 0x202, "HdrS", 4);
}

int bzimage_parse(struct bzimage *image, const uint8_t *start, size_t start_bytes,
		  uint64_t file_bytes, const char *path, struct pvn_problem *problem)
{
	unsigned int setup_sectors;

	if (start_bytes < BZIMAGE_HEADER_BYTES)
		return no_bzimage(path, problem, "it is too short");
	if (!bzimage_is_one(start, start_bytes))
		return no_bzimage(path, problem, "it has no setup header");
	if (number(start, 0x206, 2) < VERSION_WITH_XLOADFLAGS)
		return no_bzimage(path, problem, "its boot protocol is older than 2.12 (Linux 3.8)");
	if (!(number(start, 0x236, 2) & XLF_KERNEL_64))
		return no_bzimage(path, problem, "it has no 64-bit entry point");
	setup_sectors = start[0x1f1] ? start[0x1f1] : 4;
	image->kernel_at = (setup_sectors + 1) * 512ull;
	image->kernel_bytes = number(start, 0x1f4, 4) * 16ull;
	memcpy(&image->preferred, start + 0x258, 8);
	image->init_bytes = number(start, 0x260, 4);
	image->initrd_max = number(start, 0x22c, 4);
	image->cmdline_max = number(start, 0x238, 4);
	image->header_bytes = 0x202 + start[0x201] - BZIMAGE_HEADER_AT;
	/* No kernel wants to be beyond what processors address: sums with it do not wrap. */
	if (image->preferred >> 52 || image->kernel_bytes <= BZIMAGE_ENTRY_64 ||
	    image->init_bytes < image->kernel_bytes ||
	    image->header_bytes > BZIMAGE_HEADER_BYTES - BZIMAGE_HEADER_AT)
		return no_bzimage(path, problem, "its setup header contradicts itself");
	if (image->kernel_at + image->kernel_bytes > file_bytes)
		return pvn_fail(problem, PVN_EXIT_FAILED, path, "copy the kernel again",
				"the kernel is truncated: %llu bytes of %llu are there",
				(unsigned long long)file_bytes,
				(unsigned long long)(image->kernel_at + image->kernel_bytes));
	return 0;
}
