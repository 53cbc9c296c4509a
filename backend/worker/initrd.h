/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Is an initrd whole? A guest with half an initrd panics in a confusing place, so
 * look before. Pure.
 */
#ifndef WORKER_INITRD_H
#define WORKER_INITRD_H

#include <stddef.h>
#include <stdint.h>

#include "libpvn/problem.h"

/*
 * 0, or -1 with *problem filled: empty or truncated. cpio archives and zstd frames
 * are walked, xz streams have an end mark; formats that only unpacking could
 * check (gzip, lz4, lzma, bzip2) pass.
 */
int initrd_check(const uint8_t *data, size_t bytes, const char *path,
		 struct pvn_problem *problem);

#endif
