// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Frames from Linux to the back-end. The pages of a frame are named, not copied.
 *
 * A frame leaves its socket when it is in the ring, and its memory is given back
 * when somebody next looks at the ring: at the next frame, in NAPI, or, when the
 * ring was full, when half of it is free again. So completions cost no interrupt.
 * What the socket may send is then bounded by its queue in Linux and the ring.
 */
#include <linux/if_vlan.h>
#include <linux/io.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/virtio_net.h>

#include "frontend/net/netfront.h"

static void count_done(struct netfront_queue *queue, const struct netfront_done *done)
{
	if (done->status != PVN_NET_OK)
		queue->counts.tx_refused++;
}

/* Under the transmit lock. */
static void free_sent(struct netfront_queue *queue, int budget)
{
	struct netfront_done done;

	while (netfront_next(&queue->tx, &done)) {
		count_done(queue, &done);
		napi_consume_skb(done.cookie, budget);
	}
	if (unlikely(queue->tx.queue.broken) && !queue->front->dead)
		schedule_work(&queue->front->bury);
}

netdev_features_t netfront_features_check(struct sk_buff *skb, struct net_device *netdev,
					  netdev_features_t features)
{
	unsigned int headers;

	if (!skb_is_gso(skb))
		return features;
	headers = skb_transport_offset(skb) + tcp_hdrlen(skb);
	if (skb_shinfo(skb)->gso_size >= PVN_NET_GSO_SIZE_MIN && headers <= U8_MAX &&
	    skb->len <= PVN_NET_FRAME_MAX)
		return features;
	return features & ~NETIF_F_GSO_MASK;
}

/* Linux describes a frame for virtio; the protocol's words for it are nearly the same. */
static bool describe(struct sk_buff *skb, struct pvn_net_request *request)
{
	struct virtio_net_hdr head;

	if (virtio_net_hdr_from_skb(skb, &head, true, false, 0))
		return false;
	if (head.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		request->flags |= PVN_NET_FLAG_CSUM;
		request->offload.csum_start = le16_to_cpu(head.csum_start);
		request->offload.csum_offset = le16_to_cpu(head.csum_offset);
	}
	switch (head.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		request->offload.gso = PVN_NET_GSO_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		request->offload.gso = PVN_NET_GSO_TCP6;
		break;
	default:
		return false;
	}
	if (head.gso_type & VIRTIO_NET_HDR_GSO_ECN)
		request->offload.gso |= PVN_NET_GSO_ECN;
	request->offload.gso_size = le16_to_cpu(head.gso_size);
	request->offload.header_bytes = skb_transport_offset(skb) + tcp_hdrlen(skb);
	/* The headers lie in the first segment. */
	return skb_headlen(skb) >= request->offload.header_bytes;
}

static bool add_segments(struct netfront_slot *slot, struct sk_buff *skb)
{
	const struct skb_shared_info *shared = skb_shinfo(skb);
	unsigned int i;

	if (!netfront_add(slot, virt_to_phys(skb->data), skb_headlen(skb)))
		return false;
	for (i = 0; i < shared->nr_frags; i++) {
		const skb_frag_t *frag = &shared->frags[i];

		if (!netfront_add(slot, page_to_phys(skb_frag_page(frag)) + skb_frag_off(frag),
				  skb_frag_size(frag)))
			return false;
	}
	return true;
}

/* False: it cannot be sent, whatever happens. */
static bool submit(struct netfront_queue *queue, struct netfront_slot *slot, struct sk_buff *skb)
{
	if (unlikely(skb->len < ETH_HLEN || skb_orphan_frags(skb, GFP_ATOMIC)))
		return false;
	if (skb_is_gso(skb) &&
	    !pskb_may_pull(skb, skb_transport_offset(skb) + tcp_hdrlen(skb)))
		return false;
	if (unlikely(!describe(skb, &slot->request) || !add_segments(slot, skb)))
		return false;
	skb_tx_timestamp(skb);
	if (unlikely(!netfront_submit(&queue->tx, slot, skb)))
		return false;
	queue->counts.tx_packets++;
	queue->counts.tx_bytes += skb->len;
	skb_orphan(skb);
	nf_reset_ct(skb);
	return true;
}

/* Asks for a doorbell when half of what is in flight has been sent. */
static void stop_if_full(struct netfront_queue *queue, struct netdev_queue *txq)
{
	struct pvn_queue_front *ring = &queue->tx.queue;
	u32 half = (queue->tx.entries + 1) / 2;

	if (pvn_front_room(ring))
		return;
	netif_tx_stop_queue(txq);
	queue->counts.tx_stopped++;
	if (pvn_front_arm(ring, half)) {
		free_sent(queue, 0);
		netif_tx_start_queue(txq);
	} else if (unlikely(ring->broken) && !queue->front->dead) {
		schedule_work(&queue->front->bury);
	}
}

netdev_tx_t netfront_start_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct netfront *front = netdev_priv(netdev);
	u16 index = skb_get_queue_mapping(skb);
	struct netfront_queue *queue = &front->queues[index];
	struct netdev_queue *txq = netdev_get_tx_queue(netdev, index);
	struct netfront_slot *slot;

	free_sent(queue, 0);
	slot = netfront_begin(&queue->tx, PVN_NET_SEND);
	if (unlikely(!slot)) {		/* only when it broke: a full ring stops the queue */
		netif_tx_stop_queue(txq);
		return NETDEV_TX_BUSY;
	}
	if (unlikely(!submit(queue, slot, skb))) {
		netdev->stats.tx_dropped++;
		dev_kfree_skb_any(skb);
	}
	stop_if_full(queue, txq);
	/* A doorbell only when the back-end sleeps, and one for a whole burst. */
	if ((!netdev_xmit_more() || netif_xmit_stopped(txq)) &&
	    pvn_front_publish(&queue->tx.queue))
		pvn_signal_event(queue->channel, 0);
	return NETDEV_TX_OK;
}

void netfront_tx_poll(struct netfront_queue *queue, int budget)
{
	struct netdev_queue *txq = netdev_get_tx_queue(queue->front->netdev, queue->index);

	if (!pvn_front_ready(&queue->tx.queue) || !__netif_tx_trylock(txq))
		return;
	free_sent(queue, budget);
	if (netif_tx_queue_stopped(txq) && pvn_front_room(&queue->tx.queue))
		netif_tx_wake_queue(txq);
	__netif_tx_unlock(txq);
}

void netfront_tx_purge(struct netfront_queue *queue)
{
	struct sk_buff *skb;

	while ((skb = netfront_abandon(&queue->tx)))
		dev_kfree_skb_any(skb);
}
