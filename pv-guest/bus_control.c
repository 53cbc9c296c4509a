// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Obeys the parent: control/shutdown in the store says "poweroff", "reboot" or
 * "halt"; clearing the key is the acknowledgement. (Why a kernel panics is told
 * by pvn_core.ko.)
 */
#define pr_fmt(fmt) "pvn_bus: " fmt

#include <linux/reboot.h>
#include <linux/slab.h>

#include "pv-guest/bus_internal.h"
#include "pv-guest/pvn_bus.h"

static void shutdown_changed(struct pvn_store_watch *watch, const char *path)
{
	char *what = pvn_store_read("control", "shutdown");

	if (IS_ERR(what))
		return;
	if (!what[0])
		goto out;	/* our own acknowledgement */
	pvn_store_printf("control", "shutdown", "%s", "");
	pr_info("the parent asks for: %s\n", what);
	if (!strcmp(what, "poweroff") || !strcmp(what, "halt"))
		orderly_poweroff(true);
	else if (!strcmp(what, "reboot"))
		orderly_reboot();
	else
		pr_warn("control/shutdown: \"%s\" is not known\n", what);
out:
	kfree(what);
}

static struct pvn_store_watch shutdown_watch = {
	.path = "control/shutdown",
	.changed = shutdown_changed,
	.list = LIST_HEAD_INIT(shutdown_watch.list),
};

void pvn_control_start(void)
{
	int error = pvn_store_watch(&shutdown_watch);

	if (error)
		pr_warn("control/shutdown cannot be watched (%d): the parent cannot ask for a shutdown\n",
			error);
}

void pvn_control_stop(void)
{
	if (!list_empty(&shutdown_watch.list) && shutdown_watch.id)
		pvn_store_unwatch(&shutdown_watch);
	shutdown_watch.id = 0;
}
