// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Tells the parent of a guest that this kernel panics, with the end of its log,
 * through the crash registers. Stock Linux does this in its VMBus driver only,
 * which has no device here.
 */
#include <linux/errno.h>
#include <linux/gfp.h>

#include <asm/io.h>

#include <pvn/abi/msr.h>

#include "pv-guest/compat.h"
#include "pv-guest/core_internal.h"

static char *crash_text;	/* one page, known to the parent by its GPA */

static void report_panic(COMPAT_DUMP_PARAMETERS)
{
	struct kmsg_dump_iter lines;
	size_t bytes = 0;

	if (COMPAT_DUMP_REASON != KMSG_DUMP_PANIC)
		return;
	kmsg_dump_rewind(&lines);
	kmsg_dump_get_buffer(&lines, false, crash_text, PAGE_SIZE, &bytes);
	wrmsrl(PVN_MSR_CRASH_P0, 0);
	wrmsrl(PVN_MSR_CRASH_P0 + 1, 0);
	wrmsrl(PVN_MSR_CRASH_P0 + 2, 0);
	wrmsrl(PVN_MSR_CRASH_P0 + 3, bytes ? virt_to_phys(crash_text) : 0);
	wrmsrl(PVN_MSR_CRASH_P0 + 4, bytes);
	wrmsrl(PVN_MSR_CRASH_CTL, PVN_CRASH_CTL_NOTIFY | (bytes ? PVN_CRASH_CTL_MESSAGE : 0));
}

static struct kmsg_dumper dumper = {
	.dump = report_panic,
	.max_reason = KMSG_DUMP_PANIC,
};

int pvn_crash_init(void)
{
	int error;

	crash_text = (char *)get_zeroed_page(GFP_KERNEL);
	if (!crash_text)
		return -ENOMEM;
	error = kmsg_dump_register(&dumper);
	if (error)
		free_page((unsigned long)crash_text);
	return error;
}

void pvn_crash_exit(void)
{
	kmsg_dump_unregister(&dumper);
	free_page((unsigned long)crash_text);
}
