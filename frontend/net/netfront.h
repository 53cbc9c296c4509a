/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the files of pvn_netfront.ko share.
 *
 * netfront.c holds the life of a device; netfront_tx.c and netfront_rx.c are the
 * two directions; netfront_ethtool.c tells about it.
 *
 * Locks: rtnl (state of the device, rings when quiet) around the transmit lock of
 * a queue (its tx ring). An rx ring belongs to its NAPI; while NAPI is off, to
 * whoever holds rtnl.
 */
#ifndef NETFRONT_H
#define NETFRONT_H

#include <linux/netdevice.h>
#include <linux/workqueue.h>

#include "frontend/net/netfront_ring.h"
#include "pv-guest/pvn_bus.h"
#include "pv-guest/pvn_core.h"

struct netfront;
struct page_pool;

/* Written by one context each; read by anybody. */
struct netfront_counts {
	u64 tx_packets, tx_bytes, tx_refused;
	u64 tx_stopped;			/* the ring was full */
	u64 tx_fallback;		/* gso that only the guest itself could cut */
	u64 rx_packets, rx_bytes, rx_bad, rx_no_memory;
	u64 rx_copied;			/* small frames, copied out of their buffer */
	u64 rx_blocks;			/* buffers taken that were blocks of pages */
	u64 polls_paid;			/* looked before sleeping, and found work */
};

struct netfront_queue {
	struct netfront *front;
	unsigned int index;
	u32 channel;
	bool listening;
	struct napi_struct napi;
	struct delayed_work refill;	/* memory was short */

	struct netfront_ring tx;	/* under the transmit lock */
	void *tx_pages;
	void *segments;			/* indirect segments of all tx slots */

	struct netfront_ring rx;	/* NAPI's */
	void *rx_pages;
	struct page_pool *pages, *blocks;	/* buffers come from these */
	bool wants_blocks;
	u32 short_bytes, long_bytes;	/* in frames of that kind, since the last refill */
	struct sk_buff *partial;	/* frame whose last buffer has not come yet */
	struct pvn_net_received partial_head;
	bool skipping;			/* the rest of a bad frame */
	u32 armed_at;			/* buffers taken when a doorbell was last asked for */
	struct pvn_poll poll;

	struct netfront_counts counts;
};

struct netfront {
	struct pvn_device *device;
	struct net_device *netdev;
	struct netfront_queue *queues;
	unsigned int queue_count;
	u32 entries;
	u32 epoch;
	bool registered;
	unsigned int connections;	/* connections so far */
	bool connected;			/* [rtnl] */
	bool napi_on;			/* [rtnl] */
	bool groups;			/* the back-end can ring once for many frames */
	bool dead;			/* the back-end broke the rules, or it was unplugged */
	struct work_struct bury;
};

/* --- netfront_tx.c --- */

netdev_tx_t netfront_start_xmit(struct sk_buff *skb, struct net_device *netdev);
netdev_features_t netfront_features_check(struct sk_buff *skb, struct net_device *netdev,
					  netdev_features_t features);
/* Frees what was sent and restarts a stopped queue; in NAPI. */
void netfront_tx_poll(struct netfront_queue *queue, int budget);
/* Frees all frames, sent or not; the queue is quiet. */
void netfront_tx_purge(struct netfront_queue *queue);

/* --- netfront_rx.c --- */

int netfront_rx_create(struct netfront_queue *queue);
void netfront_rx_destroy(struct netfront_queue *queue);
/* Takes up to `budget` frames and offers new buffers; in NAPI. */
int netfront_rx_poll(struct netfront_queue *queue, int budget);
/* Offers buffers until the ring is full or memory is short; true: ring the back-end. */
bool netfront_rx_refill(struct netfront_queue *queue, gfp_t gfp);
/* Takes all buffers back; the queue is quiet. */
void netfront_rx_purge(struct netfront_queue *queue);

/* --- netfront_ethtool.c --- */

extern const struct ethtool_ops netfront_ethtool_ops;

#endif
