// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See netfront_ring.h. Called by netfront_tx.c and netfront_rx.c; uses the
 * front-end's end of the ABI's ring.h.
 */
#include "frontend/net/netfront_ring.h"

#include "frontend/segments.h"

void netfront_ring_init(struct netfront_ring *ring, struct netfront_slot *slots, pvn_u32 entries)
{
	pvn_u32 i;

	*ring = (struct netfront_ring){ .slots = slots, .entries = entries };
	for (i = 0; i < entries; i++)
		slots[i].next = i + 1;
}

void netfront_ring_connect(struct netfront_ring *ring, void *base, pvn_u32 epoch)
{
	pvn_front_init(&ring->queue, base, ring->entries, epoch);
}

struct netfront_slot *netfront_begin(struct netfront_ring *ring, enum pvn_net_op op)
{
	struct netfront_slot *slot;

	/* A slot is free before the ring has room again: completions are taken in batches. */
	if (ring->free == ring->entries || !pvn_front_room(&ring->queue))
		return NULL;
	slot = &ring->slots[ring->free];
	slot->request = (struct pvn_net_request){ .op = op };
	return slot;
}

bool netfront_add(struct netfront_slot *slot, pvn_u64 gpa, pvn_u32 bytes)
{
	const struct front_table table = {
		.segments = slot->indirect, .gpa = slot->indirect_gpa,
		.most = PVN_NET_SEGMENTS_MAX, .longest = PVN_NET_FRAME_MAX,
		.flag = PVN_NET_FLAG_INDIRECT,
	};

	return front_add_segment(&slot->request, &table, gpa, bytes);
}

bool netfront_submit(struct netfront_ring *ring, struct netfront_slot *slot, void *cookie)
{
	pvn_u32 index = (pvn_u32)(slot - ring->slots);

	slot->generation++;
	slot->request.id = index | (pvn_u32)slot->generation << 16;
	if (!pvn_front_push(&ring->queue, &slot->request))
		return false;
	ring->free = slot->next;
	slot->cookie = cookie;
	ring->in_flight++;
	return true;
}

static void *release(struct netfront_ring *ring, struct netfront_slot *slot)
{
	void *cookie = slot->cookie;

	slot->cookie = NULL;
	slot->next = ring->free;
	ring->free = (pvn_u32)(slot - ring->slots);
	ring->in_flight--;
	return cookie;
}

bool netfront_next(struct netfront_ring *ring, struct netfront_done *done)
{
	struct netfront_slot *slot;
	struct pvn_cqe answer;

	if (!pvn_front_next(&ring->queue, &answer))
		return false;
	slot = &ring->slots[(answer.id & 0xffff) % ring->entries];
	if ((answer.id & 0xffff) >= ring->entries || !slot->cookie ||
	    slot->request.id != answer.id) {
		pvn_front_break(&ring->queue, PVN_RING_BAD_ID);
		return false;
	}
	done->cookie = release(ring, slot);
	done->status = answer.status < PVN_NET_STATUS_COUNT ?
		       (enum pvn_net_status)answer.status : PVN_NET_INVALID;
	done->value = answer.value;
	return true;
}

void *netfront_abandon(struct netfront_ring *ring)
{
	pvn_u32 i;

	for (i = 0; ring->in_flight && i < ring->entries; i++)
		if (ring->slots[i].cookie)
			return release(ring, &ring->slots[i]);
	return NULL;
}
