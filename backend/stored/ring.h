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

/* Forgets what is in both directions; then tells the guest that it is connected. */
void ring_empty(struct ring *ring);
void ring_connect(struct ring *ring);

/* Takes a page up with indices of our own: those of the process before this one. */
void ring_resume(struct ring *ring, struct pvn_store_page *page, uint32_t features);

bool ring_reconnect_requested(const struct ring *ring);

/* Gives the page up; `error` tells the guest why. */
void ring_fail(struct ring *ring, enum pvn_store_ring_error error);

/*
 * Bytes copied, or -1 when the guest's index is impossible. The guest sees that
 * they were with ring_publish(), which comes when that is recorded; then ring it.
 */
ssize_t ring_receive(struct ring *ring, void *data, size_t room);
ssize_t ring_send(struct ring *ring, const struct iovec *pieces, unsigned int count);
void ring_publish(struct ring *ring);

#endif
