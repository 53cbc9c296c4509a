// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What ethtool shows: counters of each queue, its sizes, the link.
 */
#include <linux/ethtool.h>
#include <linux/string.h>

#include "frontend/net/netfront.h"

struct counter {
	char name[ETH_GSTRING_LEN - 8];	/* room for "queue_N_" */
	size_t offset;
};

#define COUNT(field) { #field, offsetof(struct netfront_queue, counts.field) }
#define RING(ring, field) { #ring "_" #field, \
			    offsetof(struct netfront_queue, ring.queue.counters.field) }

static const struct counter stats[] = {
	COUNT(tx_packets), COUNT(tx_bytes), COUNT(tx_refused), COUNT(tx_stopped),
	COUNT(rx_packets), COUNT(rx_bytes), COUNT(rx_bad), COUNT(rx_no_memory),
	COUNT(rx_copied), COUNT(rx_blocks), COUNT(polls_paid),
	RING(tx, submitted), RING(tx, completed), RING(tx, notified),
	RING(tx, notifications_saved),
	RING(rx, submitted), RING(rx, completed), RING(rx, notified),
	RING(rx, notifications_saved), RING(rx, events), RING(rx, events_idle),
};

static void get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	struct netfront *front = netdev_priv(netdev);

	strscpy(info->driver, "pvn_netfront", sizeof(info->driver));
	strscpy(info->bus_info, dev_name(&front->device->dev), sizeof(info->bus_info));
}

/* A wire of memory has no speed. */
static int get_link_ksettings(struct net_device *netdev, struct ethtool_link_ksettings *settings)
{
	settings->base.speed = SPEED_UNKNOWN;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.port = PORT_OTHER;
	return 0;
}

static int get_sset_count(struct net_device *netdev, int set)
{
	struct netfront *front = netdev_priv(netdev);

	return set == ETH_SS_STATS ? front->queue_count * ARRAY_SIZE(stats) : -EOPNOTSUPP;
}

static void get_strings(struct net_device *netdev, u32 set, u8 *data)
{
	struct netfront *front = netdev_priv(netdev);
	unsigned int i, j;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < front->queue_count; i++)
		for (j = 0; j < ARRAY_SIZE(stats); j++, data += ETH_GSTRING_LEN)
			snprintf(data, ETH_GSTRING_LEN, "q%u_%s", i, stats[j].name);
}

static void get_ethtool_stats(struct net_device *netdev, struct ethtool_stats *what, u64 *data)
{
	struct netfront *front = netdev_priv(netdev);
	unsigned int i, j;

	for (i = 0; i < front->queue_count; i++)
		for (j = 0; j < ARRAY_SIZE(stats); j++)
			*data++ = READ_ONCE(*(u64 *)((char *)&front->queues[i] +
						     stats[j].offset));
}

static void get_channels(struct net_device *netdev, struct ethtool_channels *channels)
{
	struct netfront *front = netdev_priv(netdev);

	channels->max_combined = front->queue_count;
	channels->combined_count = front->queue_count;
}

static void get_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kernel_ring,
			  struct netlink_ext_ack *extack)
{
	struct netfront *front = netdev_priv(netdev);

	ring->rx_max_pending = PVN_RING_ENTRIES_MAX;
	ring->tx_max_pending = PVN_RING_ENTRIES_MAX;
	ring->rx_pending = front->entries;
	ring->tx_pending = front->entries;
}

const struct ethtool_ops netfront_ethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_ethtool_stats,
	.get_channels = get_channels,
	.get_ringparam = get_ringparam,
	.get_ts_info = ethtool_op_get_ts_info,
};
