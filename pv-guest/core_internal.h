/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the files of pvn_core.ko owe each other: each part's start and end.
 */
#ifndef PVN_CORE_INTERNAL_H
#define PVN_CORE_INTERNAL_H

#include "pv-guest/detect.h"
#include "pv-guest/hypercall.h"

int pvn_event_init(void);
void pvn_event_exit(void);
/* No page of this kernel is the hypervisor's any more; nothing is heard. */
void pvn_event_leave(void);

/* Guests only: their panics are told to the parent. */
int pvn_crash_init(void);
void pvn_crash_exit(void);

/* Guests only: another kernel may take over. */
void pvn_kexec_init(void);
void pvn_kexec_exit(void);

#endif
