/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Loading of the root partition's Linux kernel.
 */
#pragma once

#include "boot/boot_info.h"
#include "core/vp.h"

/*
 * Checks module 0 as a bzImage with the 64-bit boot protocol and says where its
 * initrd's end may be; NULL or the reason why it cannot be used.
 */
const char *root_image_check(const struct boot_info *info);
/*
 * Puts kernel and initrd (module 1, if any) where they run, and boot parameters, command
 * line and page tables into low memory; info's memory map is the one the root is to see.
 * NULL or the reason.
 */
const char *root_image_load(const struct boot_info *info);
/* Registers of the root's boot processor at the kernel's 64-bit entry. */
void root_image_enter(struct vp *vp);
