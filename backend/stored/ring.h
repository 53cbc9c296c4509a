/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The server's end of a guest's store page. The guest may write any byte of it
 * at any time, so: our own indices are private and only published to the page,
 * the guest's are read once per use and checked, and data is copied before
 * anybody looks at it. Pure: works on any 4096 bytes.
 */
#ifndef STORED_RING_H
#define STORED_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "pvn/abi/store.h"

struct ring {
	struct pvn_store_page *page;
	uint32_t req_cons;
	uint32_t rsp_prod;
};

/* Takes a page up where its indices stand, and announces `features`. */
void ring_attach(struct ring *ring, struct pvn_store_page *page, uint32_t features);

/* Empties both directions and tells the guest that it is connected. */
void ring_reset(struct ring *ring);

bool ring_reconnect_requested(const struct ring *ring);

/* Gives the page up; `error` tells the guest why. */
void ring_fail(struct ring *ring, enum pvn_store_ring_error error);

/* Bytes moved, or -1 when the guest's index is impossible. After any, ring the guest. */
ssize_t ring_receive(struct ring *ring, void *data, size_t room);
ssize_t ring_send(struct ring *ring, const struct iovec *pieces, unsigned int count);

#endif
