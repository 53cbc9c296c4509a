/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Finding the hypervisor; pvn_platform() in pvn_core.h tells the result.
 */
#ifndef PVN_DETECT_H
#define PVN_DETECT_H

#include "pv-guest/pvn_core.h"

/* -ENODEV: not under Paravane, or under one whose ABI we do not speak; it is logged why. */
int pvn_detect(void);

#endif
