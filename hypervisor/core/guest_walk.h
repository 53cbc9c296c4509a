/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What a guest's own page tables say.
 */
#pragma once

#include "core/vp.h"

/*
 * Translates an address as the VP would, for the accesses in flags (PVN_TRANSLATE_*).
 * Returns PVN_TRANSLATE_OK and where it leads, or why not; *at is then the table's or
 * page's GPA that was in the way. *cache: the guest's memory type for it. The VP is
 * stopped, or the one that has just exited here.
 */
uint32_t guest_translate(struct vp *vp, uint64_t gva, uint64_t flags, struct gpa *at,
			 unsigned int *cache);
