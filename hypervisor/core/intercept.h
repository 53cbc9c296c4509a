/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The one intercept message buffer that each VP has; sending is in exit.h.
 */
#pragma once

#include "core/vp.h"

/* At creation: the buffer is the end of the VP's own page. */
void intercept_init(struct vp *vp);
/* Before destruction: takes the message back if nobody has read it. */
void intercept_cancel(struct vp *vp);
