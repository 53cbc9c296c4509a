/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Start and end of hypercall.c; the calls themselves are in pvn_core.h.
 */
#ifndef PVN_HYPERCALL_H
#define PVN_HYPERCALL_H

#include "pv-guest/pvn_core.h"

/* Allocates the parameter pages; -ENOMEM. */
int pvn_hypercall_init(void);
void pvn_hypercall_exit(void);

#endif
