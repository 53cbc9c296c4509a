// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Before another kernel takes this one's place (kexec): whatever writes into memory from
 * outside lets go of it, back-ends first, as they are talked to by events, then the pages
 * of the synthetic interrupt controller. Linux does the same for its own pages (hypercall,
 * reference time, VP assist) right after [Linux arch/x86/kernel/cpu/mshyperv.c, what it sets
 * machine_ops.shutdown to]. A kernel that takes over after a crash finds everything as it was.
 */
#include <linux/export.h>
#include <linux/mutex.h>

#include <asm/mshyperv.h>

#include "pv-guest/core_internal.h"
#include "pv-guest/pvn_core.h"

static DEFINE_MUTEX(lock);
static void (*prepare)(void);

void pvn_kexec_set_prepare(void (*fn)(void))
{
	mutex_lock(&lock);
	prepare = fn;
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(pvn_kexec_set_prepare);

/* Process context; other processors still run. */
static void leave(void)
{
	mutex_lock(&lock);
	if (prepare)
		prepare();
	mutex_unlock(&lock);
	pvn_event_leave();
}

void pvn_kexec_init(void)
{
	hv_setup_kexec_handler(leave);
}

void pvn_kexec_exit(void)
{
	hv_remove_kexec_handler();
}
