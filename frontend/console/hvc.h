/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Linux's interface for hypervisor consoles. It is exported to modules, but its
 * header (drivers/tty/hvc/hvc_console.h) is not among the installed ones, so
 * what we use of it is declared here, for the kernels that differ.
 */
#ifndef FRONTEND_HVC_H
#define FRONTEND_HVC_H

#include <linux/types.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
typedef u8 hvc_char;
typedef size_t hvc_count;
typedef ssize_t hvc_result;
#else
typedef char hvc_char;
typedef int hvc_count;
typedef int hvc_result;
#endif

struct hvc_struct;

struct hv_ops {
	hvc_result (*get_chars)(u32 vtermno, hvc_char *buf, hvc_count count);
	hvc_result (*put_chars)(u32 vtermno, const hvc_char *buf, hvc_count count);
	int (*flush)(u32 vtermno, bool wait);
	int (*notifier_add)(struct hvc_struct *hp, int irq);
	void (*notifier_del)(struct hvc_struct *hp, int irq);
	void (*notifier_hangup)(struct hvc_struct *hp, int irq);
	int (*tiocmget)(struct hvc_struct *hp);
	int (*tiocmset)(struct hvc_struct *hp, unsigned int set, unsigned int clear);
	void (*dtr_rts)(struct hvc_struct *hp, bool active);
};

struct hvc_struct *hvc_alloc(u32 vtermno, int data, const struct hv_ops *ops, int outbuf_size);
/* int until 6.8, void since: the result is not used. */
int hvc_remove(struct hvc_struct *hp);
int hvc_poll(struct hvc_struct *hp);
void hvc_kick(void);

#endif
