/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Guests' floating point and vector state. The hypervisor itself has none.
 */
#pragma once

#include "core/vp.h"

void fpu_init_cpu(void);
void fpu_load(const struct vp *vp);	/* into this processor */
void fpu_save(struct vp *vp);
/*
 * Where XSETBV does not exit (QEMU 7.2 has no such intercept) the guest changes XCR0 by
 * itself: vp->xcr0 is what the processor has.
 */
void fpu_sync_xcr0(struct vp *vp);
/* Debug address registers, which no vendor switches. */
void debug_load(const struct vp *vp);
void debug_save(struct vp *vp);
