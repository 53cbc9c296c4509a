/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What pvnfs gives to libfuse.
 */
#ifndef PVNFS_FS_H
#define PVNFS_FS_H

#include "pvnfs/pvnfs.h"

extern const struct fuse_operations fs_operations;

#endif
