/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * One ring of a network queue, tx or rx, and the slots of what is in it. Pure:
 * compiled on the host for the unit tests as well. The caller serialises.
 *
 * The id on the wire is a slot and a generation that changes with every use, so
 * a completion that comes twice, late, or from an earlier connection names
 * nothing. A cookie is what the slot stands for: a frame, a buffer.
 */
#ifndef NETFRONT_RING_H
#define NETFRONT_RING_H

#include <pvn/abi/io/net.h>

struct netfront_slot {
	struct pvn_net_request request;		/* as submitted */
	struct pvn_net_segment *indirect;	/* PVN_NET_SEGMENTS_MAX of them; tx only */
	pvn_u64 indirect_gpa;
	void *cookie;				/* NULL: free */
	pvn_u32 next;				/* free list */
	pvn_u16 generation;
};

struct netfront_ring {
	struct pvn_queue_front queue;
	struct netfront_slot *slots;		/* one for each entry of the ring */
	pvn_u32 entries;
	pvn_u32 free;				/* first free slot; entries: none */
	pvn_u32 in_flight;
};

/* Slots come zeroed, those of a tx ring with their indirect segments. */
void netfront_ring_init(struct netfront_ring *ring, struct netfront_slot *slots, pvn_u32 entries);

/*
 * Takes `base`, pvn_ring_bytes(entries) of zeroed memory, into use for a new
 * connection. Nothing may be in flight: netfront_abandon() comes first.
 */
void netfront_ring_connect(struct netfront_ring *ring, void *base, pvn_u32 epoch);

/* Begins a request in a free slot; NULL: the ring is full. */
struct netfront_slot *netfront_begin(struct netfront_ring *ring, enum pvn_net_op op);

/* Adds guest memory, as part of the last segment where it follows on. False: too many. */
bool netfront_add(struct netfront_slot *slot, pvn_u64 gpa, pvn_u32 bytes);

/* Writes it into the ring. False: the queue is broken; the slot is still free. */
bool netfront_submit(struct netfront_ring *ring, struct netfront_slot *slot, void *cookie);

/* One completion. */
struct netfront_done {
	void *cookie;
	enum pvn_net_status status;
	pvn_u32 value;
};

/*
 * Takes the next completion; its slot is free again. False when there is none,
 * or the ring is broken (ring->queue.broken): one that names nothing breaks it.
 */
bool netfront_next(struct netfront_ring *ring, struct netfront_done *done);

/* Takes anything in flight back; NULL when nothing is. */
void *netfront_abandon(struct netfront_ring *ring);

#endif
