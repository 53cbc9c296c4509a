// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_netfront.ko: network interfaces served by pvn-netd. This file is the life
 * of a device; netfront.h says what the others do, pvn/abi/io/net.h which keys
 * and states there are.
 *
 * Life: a new device waits for its back-end; (a) back-end at 2: the front-end
 * announces rings (new epoch) and goes to 3; (b) back-end at 4 and serving that
 * epoch: frames flow. (a) again while connected means that the back-end was
 * restarted: what is in flight is given up, as frames on a wire may be, and the
 * link stays up. A back-end that breaks the protocol takes the link down for good.
 */
#define pr_fmt(fmt) "pvn_netfront: " fmt

#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>

#include "frontend/net/netfront.h"

enum { LONE_BUFFERS = 4 };	/* so few since the last doorbell: somebody waits for each */

static unsigned int ring_entries = 256;
module_param(ring_entries, uint, 0444);
MODULE_PARM_DESC(ring_entries, "entries of each ring, a power of two from 32 to 256");

static unsigned int poll_us = 20;
module_param(poll_us, uint, 0644);
MODULE_PARM_DESC(poll_us, "longest look at the ring before an idle processor sleeps, in us; 0: none");

/* --- doorbells and NAPI --- */

/* From pv-guest/event.c, hard interrupt context. */
static void back_end_rang(void *context)
{
	struct netfront_queue *queue = context;

	queue->rx.queue.counters.events++;
	if (!pvn_front_ready(&queue->rx.queue) && !pvn_front_ready(&queue->tx.queue))
		queue->rx.queue.counters.events_idle++;
	napi_schedule_irqoff(&queue->napi);
}

/*
 * A processor that has nothing else to do looks for the learned time before it
 * asks for a doorbell: a doorbell and the halt before it cost more than the look.
 */
static bool look_for_a_while(struct netfront_queue *queue)
{
	u64 end;

	queue->poll.ceiling_ns = READ_ONCE(poll_us) * NSEC_PER_USEC;
	queue->poll.floor_ns = queue->poll.ceiling_ns / 8;
	if (!queue->poll.ceiling_ns || !is_idle_task(current))
		return false;
	end = local_clock() + queue->poll.budget_ns;
	do {
		if (pvn_front_ready(&queue->rx.queue)) {
			pvn_poll_hit(&queue->poll);
			queue->counts.polls_paid++;
			return true;
		}
		cpu_relax();
	} while (!need_resched() && local_clock() < end);
	pvn_poll_miss(&queue->poll);
	return false;
}

/*
 * Asks for a doorbell; true: there is something already. While much comes in, for a quarter
 * of the ring at once: the back-end tells earlier when it has no more, and the rest of the
 * ring keeps it busy while we take that quarter.
 */
static bool ask_for_doorbell(struct netfront_queue *queue)
{
	struct pvn_queue_front *ring = &queue->rx.queue;
	u32 taken = ring->cq_head - queue->armed_at;

	queue->armed_at = ring->cq_head;
	if (!queue->front->groups)
		return pvn_front_arm(ring, 1);
	return pvn_front_arm_group(ring, taken > LONE_BUFFERS ? queue->rx.entries / 4 : 1);
}

static int napi_poll(struct napi_struct *napi, int budget)
{
	struct netfront_queue *queue = container_of(napi, struct netfront_queue, napi);
	int done;

	/* Netpoll (a budget of 0) does not arm again. */
	if (queue->front->groups && budget)
		pvn_front_disarm(&queue->rx.queue);
	netfront_tx_poll(queue, budget);
	done = netfront_rx_poll(queue, budget);
	if (done == budget)
		return budget;
	/*
	 * Armed before NAPI is told: a doorbell in between only makes it run again.
	 * (A budget of 0 is netpoll's, which ends above.)
	 */
	if (look_for_a_while(queue) || ask_for_doorbell(queue))
		return budget;
	napi_complete_done(napi, done);
	return done;
}

/* --- quiet and not; under rtnl --- */

static void make_quiet(struct netfront *front)
{
	unsigned int i;

	netif_tx_disable(front->netdev);
	if (!front->napi_on)
		return;
	for (i = 0; i < front->queue_count; i++)
		napi_disable(&front->queues[i].napi);
	front->napi_on = false;
}

static void make_loud(struct netfront *front)
{
	unsigned int i;

	if (!front->connected || !netif_running(front->netdev) || front->napi_on)
		return;
	for (i = 0; i < front->queue_count; i++)
		napi_enable(&front->queues[i].napi);
	front->napi_on = true;
	netif_tx_wake_all_queues(front->netdev);
	local_bh_disable();
	for (i = 0; i < front->queue_count; i++)
		napi_schedule(&front->queues[i].napi);
	local_bh_enable();
}

static int open_netdev(struct net_device *netdev)
{
	make_loud(netdev_priv(netdev));
	return 0;
}

static int stop_netdev(struct net_device *netdev)
{
	make_quiet(netdev_priv(netdev));
	return 0;
}

/* --- what Linux asks --- */

static void get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *stats)
{
	struct netfront *front = netdev_priv(netdev);
	unsigned int i;

	netdev_stats_to_stats64(stats, &netdev->stats);
	for (i = 0; i < front->queue_count; i++) {
		const struct netfront_counts *counts = &front->queues[i].counts;

		stats->tx_packets += READ_ONCE(counts->tx_packets);
		stats->tx_bytes += READ_ONCE(counts->tx_bytes);
		stats->tx_dropped += READ_ONCE(counts->tx_refused);
		stats->rx_packets += READ_ONCE(counts->rx_packets);
		stats->rx_bytes += READ_ONCE(counts->rx_bytes);
		stats->rx_errors += READ_ONCE(counts->rx_bad);
		stats->rx_dropped += READ_ONCE(counts->rx_no_memory);
	}
}

static const struct net_device_ops netdev_ops = {
	.ndo_open = open_netdev,
	.ndo_stop = stop_netdev,
	.ndo_start_xmit = netfront_start_xmit,
	.ndo_features_check = netfront_features_check,
	.ndo_get_stats64 = get_stats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

/* --- the back-end's wishes --- */

static void set_features(struct netfront *front)
{
	const char *there = front->device->otherend;
	struct net_device *netdev = front->netdev;
	const netdev_features_t ours = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO |
				       NETIF_F_TSO_ECN | NETIF_F_TSO6;
	netdev_features_t can = NETIF_F_SG;

	if (pvn_store_number(there, "feature-csum", 0, 1, 0)) {
		can |= NETIF_F_HW_CSUM;
		if (pvn_store_number(there, "feature-tso4", 0, 1, 0))
			can |= NETIF_F_TSO | NETIF_F_TSO_ECN;
		if (pvn_store_number(there, "feature-tso6", 0, 1, 0))
			can |= NETIF_F_TSO6;
	}
	front->groups = pvn_store_number(there, "feature-rx-group", 0, 1, 0);
	rtnl_lock();
	/* What somebody switched off stays off when the back-end comes back. */
	netdev->wanted_features |= can & ~netdev->hw_features;
	netdev->hw_features = (netdev->hw_features & ~ours) | can;
	netdev->vlan_features = can | NETIF_F_RXCSUM;
	netdev_update_features(netdev);
	rtnl_unlock();
}

static void update_link(struct netfront *front)
{
	const char *there = front->device->otherend;
	unsigned int mtu = pvn_store_number(there, "mtu", PVN_NET_MTU_MIN, PVN_NET_MTU_MAX,
					    ETH_DATA_LEN);
	bool link = pvn_store_number(there, "link", 0, 1, 1);
	struct net_device *netdev = front->netdev;

	rtnl_lock();
	netdev->max_mtu = mtu;
	if (!front->connections || netdev->mtu > mtu)
		dev_set_mtu(netdev, mtu);
	if (link)
		netif_carrier_on(netdev);
	else
		netif_carrier_off(netdev);
	rtnl_unlock();
}

/* --- rings --- */

static bool refill_and_publish(struct netfront_queue *queue)
{
	bool ring = netfront_rx_refill(queue, GFP_KERNEL);

	return pvn_front_publish(&queue->tx.queue) || ring;
}

/* Rings for the next connection, with buffers offered in them. */
static void renew_rings(struct netfront *front)
{
	unsigned int i;

	rtnl_lock();
	make_quiet(front);
	front->connected = false;
	if (!++front->epoch)
		front->epoch = 1;
	for (i = 0; i < front->queue_count; i++) {
		struct netfront_queue *queue = &front->queues[i];

		netfront_tx_purge(queue);
		netfront_rx_purge(queue);
		memset(queue->tx_pages, 0, pvn_ring_bytes(front->entries));
		memset(queue->rx_pages, 0, pvn_ring_bytes(front->entries));
		netfront_ring_connect(&queue->tx, queue->tx_pages, front->epoch);
		netfront_ring_connect(&queue->rx, queue->rx_pages, front->epoch);
		refill_and_publish(queue);
	}
	rtnl_unlock();
}

static int write_keys(struct netfront *front)
{
	static const char *const offloads[] = { "feature-csum", "feature-tso4", "feature-tso6" };
	struct pvn_device *device = front->device;
	unsigned int i;
	int error = 0;

	for (i = 0; i < front->queue_count && !error; i++) {
		struct netfront_queue *queue = &front->queues[i];

		error = pvn_device_write_ring(device, i, "tx-", queue->tx_pages, front->entries);
		if (!error)
			error = pvn_device_write_ring(device, i, "rx-", queue->rx_pages,
						      front->entries);
	}
	for (i = 0; i < ARRAY_SIZE(offloads) && !error; i++)
		error = pvn_store_printf(device->node, offloads[i], "1");
	if (!error)
		error = pvn_store_printf(device->node, "protocol", "%u", PVN_NET_PROTOCOL);
	if (!error)
		error = pvn_store_printf(device->node, "queue-count", "%u", front->queue_count);
	if (!error)
		error = pvn_store_printf(device->node, "epoch", "%u", front->epoch);
	return error;
}

/* (a) The back-end waits for rings. */
static void announce(struct netfront *front)
{
	int error;

	if (front->connected)
		dev_info(&front->device->dev, "the back-end was restarted, connecting again\n");
	renew_rings(front);
	error = write_keys(front);
	if (!error)
		error = pvn_device_set_state(front->device, PVN_XENBUS_INITIALISED);
	if (error)
		dev_err(&front->device->dev,
			"the rings cannot be announced in the store (%d)\n", error);
}

static bool is_served(struct netfront *front)
{
	unsigned int i;

	for (i = 0; i < front->queue_count; i++)
		if (pvn_ring_load(&front->queues[i].tx.queue.peer->epoch) != front->epoch ||
		    pvn_ring_load(&front->queues[i].rx.queue.peer->epoch) != front->epoch)
			return false;
	return true;
}

/* Frames of a processor go through its own queue. */
static void spread_queues(struct netfront *front)
{
	struct cpumask *mask = kzalloc(cpumask_size(), GFP_KERNEL);
	unsigned int i, cpu;

	for (i = 0; mask && i < front->queue_count; i++) {
		cpumask_clear(mask);
		for_each_possible_cpu(cpu)
			if (cpu % front->queue_count == i)
				cpumask_set_cpu(cpu, mask);
		netif_set_xps_queue(front->netdev, mask, i);
	}
	kfree(mask);
}

static int add_netdev(struct netfront *front)
{
	int error;

	netif_tx_stop_all_queues(front->netdev);
	error = register_netdev(front->netdev);
	if (error) {
		dev_err(&front->device->dev, "no interface can be added (%d)\n", error);
		return error;
	}
	front->registered = true;
	spread_queues(front);
	return 0;
}

/* (b) The back-end is connected: to these rings, or it will say so again. */
static void connect(struct netfront *front)
{
	if (!front->connected) {
		if (front->device->state != PVN_XENBUS_INITIALISED || !is_served(front))
			return;
		set_features(front);
	}
	update_link(front);
	if (front->connected)
		return;
	if (!front->connections++)
		dev_info(&front->device->dev, "%s: %pM, MTU %u, %u queues of %u\n",
			 front->netdev->name, front->netdev->dev_addr, front->netdev->mtu,
			 front->queue_count, front->entries);
	pvn_device_set_state(front->device, PVN_XENBUS_CONNECTED);
	rtnl_lock();
	front->connected = true;
	make_loud(front);
	rtnl_unlock();
}

/* --- the end --- */

/* Nothing goes in or out any more; the interface may stay. */
static void give_up(struct netfront *front)
{
	rtnl_lock();
	front->dead = true;
	front->connected = false;
	netif_carrier_off(front->netdev);
	make_quiet(front);
	rtnl_unlock();
}

static void remove_netdev(struct netfront *front)
{
	if (front->registered)
		unregister_netdev(front->netdev);
	front->registered = false;
}

static void bury(struct work_struct *work)
{
	struct netfront *front = container_of(work, struct netfront, bury);
	unsigned int i;

	if (front->dead)
		return;
	for (i = 0; i < front->queue_count; i++) {
		struct netfront_queue *queue = &front->queues[i];

		if (queue->tx.queue.broken || queue->rx.queue.broken)
			dev_err(&front->device->dev,
				"the back-end broke the rules of queue %u (reasons %d, %d): the link is down until the driver is loaded anew\n",
				i, queue->tx.queue.broken, queue->rx.queue.broken);
	}
	give_up(front);
	pvn_device_set_state(front->device, PVN_XENBUS_CLOSED);
}

static void otherend_changed(struct pvn_device *device, enum pvn_xenbus_state state)
{
	struct netfront *front = dev_get_drvdata(&device->dev);

	switch (front->dead ? PVN_XENBUS_UNKNOWN : state) {
	case PVN_XENBUS_INIT_WAIT:
		announce(front);
		break;
	case PVN_XENBUS_CONNECTED:
		connect(front);
		break;
	case PVN_XENBUS_CLOSING:
		give_up(front);
		remove_netdev(front);
		pvn_device_set_state(device, PVN_XENBUS_CLOSED);
		break;
	default:
		break;		/* not there yet, or not there any more: its successor will say 2 */
	}
}

/* --- start --- */

static int create_slots(struct netfront *front, struct netfront_queue *queue)
{
	const size_t bytes = PVN_NET_SEGMENTS_MAX * sizeof(struct pvn_net_segment);
	struct netfront_slot *tx = kvcalloc(front->entries, sizeof(*tx), GFP_KERNEL);
	struct netfront_slot *rx = kvcalloc(front->entries, sizeof(*rx), GFP_KERNEL);
	unsigned int i;

	netfront_ring_init(&queue->tx, tx, tx ? front->entries : 0);
	netfront_ring_init(&queue->rx, rx, rx ? front->entries : 0);
	/* Physically contiguous, so no slot's segments cross a page: 512 divides it. */
	queue->segments = alloc_pages_exact(front->entries * bytes, GFP_KERNEL | __GFP_ZERO);
	if (!tx || !rx || !queue->segments)
		return -ENOMEM;
	for (i = 0; i < front->entries; i++) {
		tx[i].indirect = queue->segments + i * bytes;
		tx[i].indirect_gpa = virt_to_phys(tx[i].indirect);
	}
	return 0;
}

static int create_queue(struct netfront *front, unsigned int index)
{
	struct netfront_queue *queue = &front->queues[index];
	u32 bytes = pvn_ring_bytes(front->entries);
	int error;

	queue->front = front;
	queue->index = index;
	error = pvn_device_channel(front->device, index, &queue->channel);
	if (!error)
		error = create_slots(front, queue);
	if (!error)
		error = netfront_rx_create(queue);
	if (error)
		return error;
	queue->tx_pages = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO);
	queue->rx_pages = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO);
	if (!queue->tx_pages || !queue->rx_pages)
		return -ENOMEM;
	/* Before anything is announced: the rings must be readable for the handler. */
	netfront_ring_connect(&queue->tx, queue->tx_pages, 0);
	netfront_ring_connect(&queue->rx, queue->rx_pages, 0);
	netif_napi_add(front->netdev, &queue->napi, napi_poll);
	error = pvn_event_register(queue->channel, back_end_rang, queue);
	queue->listening = !error;
	return error;
}

static void destroy_queue(struct netfront *front, struct netfront_queue *queue)
{
	u32 bytes = pvn_ring_bytes(front->entries);

	netfront_tx_purge(queue);
	netfront_rx_destroy(queue);
	if (queue->tx_pages)
		free_pages_exact(queue->tx_pages, bytes);
	if (queue->rx_pages)
		free_pages_exact(queue->rx_pages, bytes);
	if (queue->segments)
		free_pages_exact(queue->segments, front->entries * PVN_NET_SEGMENTS_MAX *
				 sizeof(struct pvn_net_segment));
	kvfree(queue->tx.slots);
	kvfree(queue->rx.slots);
}

/* Without `memory_too`, what the back-end may still write to is given up. */
static void destroy(struct netfront *front, bool memory_too)
{
	struct netfront_queue *queues = front->queues;
	unsigned int i;

	for (i = 0; queues && i < front->queue_count; i++) {
		if (queues[i].listening)
			pvn_event_unregister(queues[i].channel);
		if (queues[i].pages)
			cancel_delayed_work_sync(&queues[i].refill);
		if (memory_too)
			destroy_queue(front, &queues[i]);
	}
	free_netdev(front->netdev);	/* front is part of it, and knows of each NAPI */
	if (memory_too)
		kfree(queues);
}

static int read_mac(struct pvn_device *device, struct net_device *netdev)
{
	char *text = pvn_store_read(device->node, "mac");
	u8 mac[ETH_ALEN];
	bool good;

	if (IS_ERR(text))
		return PTR_ERR(text);
	good = mac_pton(text, mac) && is_valid_ether_addr(mac);
	if (good)
		eth_hw_addr_set(netdev, mac);
	else
		dev_err(&device->dev, "%s/mac is no address of an interface: %s\n", device->node,
			text);
	kfree(text);
	return good ? 0 : -EINVAL;
}

static struct netfront *create(struct pvn_device *device)
{
	unsigned int most = pvn_store_number(device->node, "queue-max", 1, PVN_NET_QUEUES_MAX, 1);
	unsigned int count = min(most, num_possible_cpus());
	struct net_device *netdev = alloc_etherdev_mqs(sizeof(struct netfront), count, count);
	struct netfront *front;

	if (!netdev)
		return NULL;
	front = netdev_priv(netdev);
	front->device = device;
	front->netdev = netdev;
	front->queue_count = count;
	front->entries = pvn_ring_entries_ok(ring_entries) && ring_entries >= 32 ?
			 ring_entries : 256;
	INIT_WORK(&front->bury, bury);
	netdev->netdev_ops = &netdev_ops;
	netdev->ethtool_ops = &netfront_ethtool_ops;
	netdev->features = NETIF_F_SG | NETIF_F_RXCSUM;
	netdev->hw_features = NETIF_F_SG;
	netdev->min_mtu = PVN_NET_MTU_MIN;
	netdev->max_mtu = PVN_NET_MTU_MAX;
	SET_NETDEV_DEV(netdev, &device->dev);
	netif_carrier_off(netdev);
	return front;
}

static int probe(struct pvn_device *device)
{
	struct netfront *front = create(device);
	unsigned int i;
	int error;

	if (!front)
		return -ENOMEM;
	error = read_mac(device, front->netdev);
	if (!error) {
		front->queues = kcalloc(front->queue_count, sizeof(*front->queues), GFP_KERNEL);
		error = front->queues ? 0 : -ENOMEM;
	}
	for (i = 0; i < front->queue_count && !error; i++)
		error = create_queue(front, i);
	/* Before there is a back-end, so that names follow the devices' numbers. */
	if (!error)
		error = add_netdev(front);
	if (error) {
		destroy(front, true);
		return error;
	}
	dev_set_drvdata(&device->dev, front);
	/* A back-end that still serves a predecessor's rings lets go of them. */
	pvn_device_set_state(device, PVN_XENBUS_INITIALISING);
	return 0;
}

static void remove(struct pvn_device *device)
{
	struct netfront *front = dev_get_drvdata(&device->dev);

	give_up(front);
	cancel_work_sync(&front->bury);
	remove_netdev(front);
	destroy(front, pvn_device_close(device));
}

static void quiesce(struct pvn_device *device)
{
	give_up(dev_get_drvdata(&device->dev));
	pvn_device_close(device);
}

static struct pvn_driver netfront_driver = {
	.type = "net",
	.probe = probe,
	.remove = remove,
	.quiesce = quiesce,
	.otherend_changed = otherend_changed,
	.driver.name = "pvn_netfront",
};
module_driver(netfront_driver, pvn_driver_register, pvn_driver_unregister);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Paravane developers");
MODULE_DESCRIPTION("Paravane network front-end");
MODULE_ALIAS("pvn:net");
