// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Frames from the back-end to Linux. Buffers are single pages, or blocks of some while
 * long frames come in; a frame fills as many as it needs and becomes an skb made of them.
 * Small frames are copied, and their buffer is offered again at once.
 *
 * The back-end shares our memory and may change a page at any time: what decides
 * anything (struct pvn_net_received) is copied once and checked; the rest is a
 * frame's contents, which nobody believes anyway.
 */
#include <linux/etherdevice.h>
#include <linux/io.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>

#include "frontend/net/compat.h"
#include "frontend/net/netfront.h"

#define COPY_MAX	256		/* frames up to this are copied */
#define REFILL_DELAY	(HZ / 10)
#define BLOCK_ORDER	2
#define BLOCK_BYTES	(PAGE_SIZE << BLOCK_ORDER)

_Static_assert(PAGE_SIZE >= PVN_NET_BUFFER_MIN && BLOCK_BYTES <= PVN_NET_BUFFER_MAX, "buffers");

/* --- buffers --- */

static void put_buffer(struct netfront_queue *queue, struct page *page, bool in_napi)
{
	page_pool_put_full_page(PageHead(page) ? queue->blocks : queue->pages, page, in_napi);
}

/* A block, if those are wanted and there is one; else a page. NULL: memory is short. */
static struct page *get_buffer(struct netfront_queue *queue, gfp_t gfp)
{
	struct page *page = NULL;

	if (queue->wants_blocks)
		page = page_pool_alloc_pages(queue->blocks, gfp | __GFP_NOWARN | __GFP_NORETRY);
	return page ? page : page_pool_alloc_pages(queue->pages, gfp | __GFP_NOWARN);
}

/*
 * A block saves entries of the ring, so it holds four times as much, and a frame is made of
 * fewer parts. But it counts as full in a socket's budget: only for frames that fill half.
 */
static void choose_buffers(struct netfront_queue *queue)
{
	if (queue->short_bytes || queue->long_bytes)
		queue->wants_blocks = queue->long_bytes > queue->short_bytes;
	queue->short_bytes = 0;
	queue->long_bytes = 0;
}

bool netfront_rx_refill(struct netfront_queue *queue, gfp_t gfp)
{
	struct netfront_slot *slot;
	struct page *page;

	choose_buffers(queue);
	while ((slot = netfront_begin(&queue->rx, PVN_NET_BUFFER))) {
		page = get_buffer(queue, gfp);
		if (!page) {
			queue->counts.rx_no_memory++;
			schedule_delayed_work(&queue->refill, REFILL_DELAY);
			break;
		}
		netfront_add(slot, page_to_phys(page), (u32)page_size(page));
		if (!netfront_submit(&queue->rx, slot, page)) {
			put_buffer(queue, page, false);
			break;
		}
	}
	return pvn_front_publish(&queue->rx.queue);
}

void netfront_rx_purge(struct netfront_queue *queue)
{
	struct page *page;

	while ((page = netfront_abandon(&queue->rx)))
		put_buffer(queue, page, false);
	if (queue->partial)
		dev_kfree_skb_any(queue->partial);
	queue->partial = NULL;
	queue->skipping = false;
}

static void refill_work(struct work_struct *work)
{
	struct netfront_queue *queue =
		container_of(to_delayed_work(work), struct netfront_queue, refill);

	/* NAPI refills; a softirq raised here runs when bottom halves are on again. */
	local_bh_disable();
	napi_schedule(&queue->napi);
	local_bh_enable();
}

static struct page_pool *create_pool(struct netfront_queue *queue, unsigned int order,
				     unsigned int size)
{
	const struct page_pool_params params = {
		.order = order,
		.pool_size = size,
		.nid = NUMA_NO_NODE,
		.dev = &queue->front->device->dev,
		.dma_dir = DMA_FROM_DEVICE,
	};

	return page_pool_create(&params);
}

int netfront_rx_create(struct netfront_queue *queue)
{
	struct page_pool *pages, *blocks;

	INIT_DELAYED_WORK(&queue->refill, refill_work);
	pages = create_pool(queue, 0, 4 * queue->rx.entries);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	blocks = create_pool(queue, BLOCK_ORDER, queue->rx.entries);
	if (IS_ERR(blocks)) {
		page_pool_destroy(pages);
		return PTR_ERR(blocks);
	}
	queue->pages = pages;
	queue->blocks = blocks;
	return 0;
}

void netfront_rx_destroy(struct netfront_queue *queue)
{
	if (!queue->pages)
		return;
	netfront_rx_purge(queue);
	page_pool_destroy(queue->pages);
	page_pool_destroy(queue->blocks);
	queue->pages = NULL;
}

/* --- frames --- */

/* A small frame in one buffer. */
static struct sk_buff *copy_frame(struct netfront_queue *queue, struct page *page, u32 bytes)
{
	struct sk_buff *skb = napi_alloc_skb(&queue->napi, bytes);

	if (skb)
		skb_put_data(skb, page_address(page) + sizeof(struct pvn_net_received), bytes);
	put_buffer(queue, page, true);
	queue->counts.rx_copied++;
	return skb;
}

/* The headers are copied, the payload stays in the page: so GRO can join frames. */
static struct sk_buff *first_page(struct netfront_queue *queue, struct page *page, u32 bytes)
{
	const u32 start = sizeof(struct pvn_net_received);
	struct sk_buff *skb = napi_alloc_skb(&queue->napi, COPY_MAX);
	u32 headers;

	if (!skb) {
		put_buffer(queue, page, true);
		return NULL;
	}
	headers = eth_get_headlen(queue->front->netdev, page_address(page) + start,
				  min_t(u32, bytes, COPY_MAX));
	headers = clamp_t(u32, headers, ETH_HLEN, min_t(u32, bytes, COPY_MAX));
	skb_put_data(skb, page_address(page) + start, headers);
	skb_mark_for_recycle(skb);
	if (bytes > headers)
		skb_add_rx_frag(skb, 0, page, start + headers, bytes - headers,
				page_size(page));
	else
		put_buffer(queue, page, true);
	return skb;
}

/* NULL: it is no good, or there is no memory; the buffer has been given back. */
static struct sk_buff *begin_frame(struct netfront_queue *queue, struct page *page, u32 bytes,
				   bool more)
{
	const struct pvn_net_received *head = page_address(page);
	struct sk_buff *skb;

	if (bytes < sizeof(*head) + ETH_HLEN) {
		put_buffer(queue, page, true);
		queue->counts.rx_bad++;
		return NULL;
	}
	pvn_ring_copy(&queue->partial_head, head, sizeof(*head));
	bytes -= sizeof(*head);
	if (!more && bytes <= COPY_MAX)
		skb = copy_frame(queue, page, bytes);
	else
		skb = first_page(queue, page, bytes);
	if (!skb)
		queue->counts.rx_no_memory++;
	return skb;
}

static bool continue_frame(struct netfront_queue *queue, struct page *page, u32 bytes)
{
	struct sk_buff *skb = queue->partial;
	unsigned int count = skb_shinfo(skb)->nr_frags;

	if (!bytes || count >= MAX_SKB_FRAGS ||
	    skb->len + bytes > PVN_NET_FRAME_MAX) {
		put_buffer(queue, page, true);
		return false;
	}
	skb_add_rx_frag(skb, count, page, 0, bytes, page_size(page));
	return true;
}

/* Checksum and segmentation, as checked by Linux's own code for virtio. */
static bool apply_offload(const struct pvn_net_received *head, struct sk_buff *skb)
{
	static const u8 types[PVN_NET_GSO_COUNT] = {
		VIRTIO_NET_HDR_GSO_NONE, VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_HDR_GSO_TCPV6,
	};
	u8 gso = head->offload.gso & ~PVN_NET_GSO_ECN;
	struct virtio_net_hdr virtio = {
		.hdr_len = cpu_to_le16(head->offload.header_bytes),
		.gso_size = cpu_to_le16(head->offload.gso_size),
		.csum_start = cpu_to_le16(head->offload.csum_start),
		.csum_offset = cpu_to_le16(head->offload.csum_offset),
	};

	if (gso >= PVN_NET_GSO_COUNT)
		return false;
	virtio.gso_type = types[gso];
	if (gso && head->offload.gso & PVN_NET_GSO_ECN)
		virtio.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	if (head->flags & PVN_NET_FLAG_CSUM)
		virtio.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	else if (head->flags & PVN_NET_CSUM_GOOD)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	return !virtio_net_hdr_to_skb(skb, &virtio, true);
}

static void end_frame(struct netfront_queue *queue)
{
	struct sk_buff *skb = queue->partial;

	queue->partial = NULL;
	if (skb->len != queue->partial_head.frame_bytes ||
	    !apply_offload(&queue->partial_head, skb)) {
		queue->counts.rx_bad++;
		dev_kfree_skb_any(skb);
		return;
	}
	queue->counts.rx_packets++;
	queue->counts.rx_bytes += skb->len;
	if (skb->len > BLOCK_BYTES / 2)
		queue->long_bytes += skb->len;
	else
		queue->short_bytes += skb->len;
	skb_record_rx_queue(skb, queue->index);
	skb->protocol = eth_type_trans(skb, queue->front->netdev);
	napi_gro_receive(&queue->napi, skb);
}

/* One completion; true: a frame is over. */
static bool take_buffer(struct netfront_queue *queue, const struct netfront_done *done)
{
	u32 bytes = min_t(u32, done->value & PVN_NET_VALUE_BYTES, page_size(done->cookie));
	bool more = done->value & PVN_NET_VALUE_MORE;

	queue->counts.rx_blocks += PageHead(done->cookie);
	if (done->status != PVN_NET_OK || queue->skipping) {
		put_buffer(queue, done->cookie, true);
		if (!queue->skipping)
			queue->counts.rx_bad++;
		queue->skipping = more;
		if (queue->partial)
			dev_kfree_skb_any(queue->partial);
		queue->partial = NULL;
		return !more;
	}
	if (!queue->partial) {
		queue->partial = begin_frame(queue, done->cookie, bytes, more);
		queue->skipping = !queue->partial && more;
	} else if (!continue_frame(queue, done->cookie, bytes)) {
		queue->counts.rx_bad++;
		dev_kfree_skb_any(queue->partial);
		queue->partial = NULL;
		queue->skipping = more;
	}
	if (!more && queue->partial)
		end_frame(queue);
	return !more;
}

int netfront_rx_poll(struct netfront_queue *queue, int budget)
{
	struct netfront_done done;
	int frames = 0;

	while (frames < budget && netfront_next(&queue->rx, &done))
		frames += take_buffer(queue, &done);
	if (unlikely(queue->rx.queue.broken) && !queue->front->dead)
		schedule_work(&queue->front->bury);
	/* A quarter of the ring at a time: announcing costs a fence. */
	if (pvn_front_room(&queue->rx.queue) >= queue->rx.entries / 4 &&
	    netfront_rx_refill(queue, GFP_ATOMIC))
		pvn_signal_event(queue->channel, 0);
	return frames;
}
