/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * One queue of an interface: back-end's ends of its two rings, and the buffers
 * that the guest has offered. Frames are sent and received within a call, so
 * nothing is in flight but empty buffers.
 */
#ifndef NETD_QUEUE_H
#define NETD_QUEUE_H

#include "libpvn/limit.h"
#include "netd/guard.h"
#include "netd/wire.h"

struct net_counts {
	uint64_t sent, sent_bytes, received, received_bytes;
	uint64_t dropped;		/* the wire did not take it */
	uint64_t refused;		/* bad requests */
	uint64_t guarded;		/* frames that the spoof guard held back */
};

struct net_interface {
	struct wire wire;
	struct net_limits offers;	/* to the guest */
	struct net_limits takes;	/* what the guest takes */
	bool plugged;			/* by the operator's wish */
	bool link;			/* plugged in, and the wire is there */
	struct net_guard guard;
	struct pvn_limit tx_limit, rx_limit;
	uint64_t tx_held_until_ns, rx_held_until_ns;	/* by the limits; 0: not held */
	uint64_t now_ns;		/* kept up to date while there are limits */
	const struct pvn_guest_memory *memory;
};

struct net_queue {
	struct net_interface *interface;
	unsigned int index;
	bool attached;
	bool reported;			/* the log has said that it is broken */
	bool dry;			/* the wire had nothing for it in the last turn */
	struct pvn_queue_back tx, rx;
	/* Offered buffers, oldest first: offered[first % PVN_RING_ENTRIES_MAX] ... */
	struct net_buffer offered[PVN_RING_ENTRIES_MAX];
	uint32_t first, offered_count;
	uint64_t offered_bytes;
	struct net_counts counts;
	uint8_t head[NET_GUARD_HEAD_BYTES];	/* start of the frame being sent, for the guard */
};

/* Starts to serve two rings that nobody served in this epoch; false: not the epoch's. */
bool net_queue_attach(struct net_queue *queue, void *tx, uint32_t tx_entries, void *rx,
		      uint32_t rx_entries, uint32_t epoch);

/* Touches the guest's memory no more. */
void net_queue_detach(struct net_queue *queue);

/*
 * How much goes one way before the other way, and then other queues, have their turn: what
 * comes back from the far end (an acknowledgement) must not wait behind megabytes.
 */
struct net_turn {
	unsigned int frames;
	uint64_t bytes;		/* at which no further frame is begun */
};

/* Sends frames of the guest; true if there were any. */
bool net_queue_send(struct net_queue *queue, const struct net_turn *turn);

/* Brings frames to the guest; true if there were any. */
bool net_queue_receive(struct net_queue *queue, const struct net_turn *turn);

/* Announces what was done; true: ring the guest. */
bool net_queue_publish(struct net_queue *queue);

/* Is any rate limited? Then interface->now_ns must be right at each turn. */
static inline bool net_interface_is_limited(const struct net_interface *interface)
{
	return pvn_limit_is_set(&interface->tx_limit) || pvn_limit_is_set(&interface->rx_limit);
}

/*
 * Asks for a doorbell where one is needed; true: there is something to do
 * already. `*hungry`: frames may come, there are buffers for them.
 */
bool net_queue_arm(struct net_queue *queue, bool *hungry);

/* The reason why a ring is not served any more, or PVN_RING_OK. */
enum pvn_ring_error net_queue_broken(const struct net_queue *queue);

#endif
