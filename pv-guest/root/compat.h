/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The only place of pvn_root.ko that asks which kernel it is compiled for.
 */
#ifndef PVN_ROOT_COMPAT_H
#define PVN_ROOT_COMPAT_H

#include <linux/eventfd.h>
#include <linux/version.h>

static inline void compat_eventfd_signal(struct eventfd_ctx *context)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(context);
#else
	eventfd_signal(context, 1);
#endif
}

#endif
