/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The only place of pvn_core.ko that asks which kernel it is compiled for.
 */
#ifndef PVN_COMPAT_H
#define PVN_COMPAT_H

#include <linux/kmsg_dump.h>
#include <linux/version.h>

#include <asm/msr.h>

/* Parameters of kmsg_dumper.dump, and the reason among them. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define COMPAT_DUMP_PARAMETERS struct kmsg_dumper *dumper, struct kmsg_dump_detail *detail
#define COMPAT_DUMP_REASON (detail->reason)
#else
#define COMPAT_DUMP_PARAMETERS struct kmsg_dumper *dumper, enum kmsg_dump_reason reason
#define COMPAT_DUMP_REASON reason
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#undef rdmsrl
#undef wrmsrl
#define rdmsrl(msr, value) rdmsrq(msr, value)
#define wrmsrl(msr, value) wrmsrq(msr, value)
#endif

#endif
