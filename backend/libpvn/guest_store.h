/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A guest comes to the store and leaves it; the protocol is stored_control.h.
 */
#ifndef PVN_GUEST_STORE_H
#define PVN_GUEST_STORE_H

#include "libpvn/stored_control.h"

/* Page, doorbell in, doorbell out; 0 or -1 + errno. */
int pvn_stored_introduce(unsigned int domid, const int fds[PVN_STORED_FD_COUNT]);
int pvn_stored_release(unsigned int domid);
/* Releases the guest and removes its home and its back-ends' folders; nothing is an error. */
void pvn_guest_forget(unsigned int domid);

#endif
