/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the files of pvn_bus.ko have for one another.
 */
#ifndef PVN_BUS_INTERNAL_H
#define PVN_BUS_INTERNAL_H

#include <pvn/abi/store.h>

/* --- store_client.c --- */

/* Takes the page and the channel of the store into use. 0 or -errno. */
int pvn_store_start(struct pvn_store_page *page, u32 channel);
/* No request is running any more, and no callback. */
void pvn_store_stop(void);

/* --- bus_control.c --- */

/* Obeys control/shutdown; without a store that can be watched, says so and goes on. */
void pvn_control_start(void);
void pvn_control_stop(void);

#endif
