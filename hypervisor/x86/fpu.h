/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Guests' floating point and vector state. The hypervisor itself has none.
 */
#ifndef X86_FPU_H
#define X86_FPU_H

#include "core/vp.h"

void fpu_init_cpu(void);
void fpu_load(const struct vp *vp);	/* into this processor */
void fpu_save(struct vp *vp);
/* Debug address registers, which no vendor switches. */
void debug_load(const struct vp *vp);
void debug_save(struct vp *vp);

#endif
