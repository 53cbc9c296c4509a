// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See blkfront_ring.h. On the path of a write: blkfront.c calls blkfront_begin(),
 * _add() and _submit(), which uses pvn_front_push() of the ABI's ring.h.
 */
#include "frontend/blk/blkfront_ring.h"

#include "frontend/segments.h"

void blkfront_ring_init(struct blkfront_ring *ring, struct blkfront_slot *slots, pvn_u32 entries)
{
	*ring = (struct blkfront_ring){
		.slots = slots, .entries = entries, .habit.try_after = BLKFRONT_TRY_AFTER_MIN,
	};
}

static void stamp_id(struct blkfront_ring *ring, pvn_u32 index)
{
	struct blkfront_slot *slot = &ring->slots[index];

	slot->generation++;
	slot->request.id = index | (pvn_u32)slot->generation << 16;
}

/* The slot that was submitted first of those after `sequence`; NULL: no more. */
static struct blkfront_slot *oldest_after(struct blkfront_ring *ring, pvn_u64 sequence)
{
	struct blkfront_slot *found = NULL;
	pvn_u32 i;

	for (i = 0; i < ring->entries; i++) {
		struct blkfront_slot *slot = &ring->slots[i];

		if (slot->cookie && slot->sequence > sequence &&
		    (!found || slot->sequence < found->sequence))
			found = slot;
	}
	return found;
}

void blkfront_ring_connect(struct blkfront_ring *ring, void *base, pvn_u32 epoch)
{
	struct blkfront_slot *slot;
	pvn_u64 sequence = 0;

	pvn_front_init(&ring->queue, base, ring->entries, epoch);
	while ((slot = oldest_after(ring, sequence))) {
		sequence = slot->sequence;
		stamp_id(ring, (pvn_u32)(slot - ring->slots));
		pvn_front_push(&ring->queue, &slot->request);
	}
}

void blkfront_begin(struct blkfront_ring *ring, pvn_u32 slot, enum pvn_blk_op op, bool fua,
		    pvn_u64 sector)
{
	ring->slots[slot].request = (struct pvn_blk_request){
		.op = op, .flags = fua ? PVN_BLK_FLAG_FUA : 0, .sector = sector,
	};
}

void blkfront_set_range(struct blkfront_ring *ring, pvn_u32 slot, pvn_u32 sectors, bool unmap)
{
	struct pvn_blk_request *request = &ring->slots[slot].request;

	request->sector_count = sectors;
	if (unmap)
		request->flags |= PVN_BLK_FLAG_UNMAP;
}

bool blkfront_add(struct blkfront_ring *ring, pvn_u32 index, pvn_u64 gpa, pvn_u32 bytes)
{
	struct blkfront_slot *slot = &ring->slots[index];
	const struct front_table table = {
		.segments = slot->indirect, .gpa = slot->indirect_gpa,
		.most = PVN_BLK_SEGMENTS_MAX,
		.longest = PVN_BLK_SECTORS_MAX * PVN_BLK_SECTOR_BYTES,
		.flag = PVN_BLK_FLAG_INDIRECT,
	};

	return front_add_segment(&slot->request, &table, gpa, bytes);
}

bool blkfront_submit(struct blkfront_ring *ring, pvn_u32 index, void *cookie)
{
	struct blkfront_slot *slot = &ring->slots[index];

	stamp_id(ring, index);
	if (!pvn_front_push(&ring->queue, &slot->request))
		return false;
	slot->cookie = cookie;
	slot->sequence = ++ring->sequence;
	ring->in_flight++;
	return true;
}

static void *release(struct blkfront_ring *ring, struct blkfront_slot *slot)
{
	void *cookie = slot->cookie;

	slot->cookie = NULL;
	ring->in_flight--;
	return cookie;
}

bool blkfront_next(struct blkfront_ring *ring, void **cookie, enum pvn_blk_status *status)
{
	struct blkfront_slot *slot;
	struct pvn_cqe answer;

	if (!pvn_front_next(&ring->queue, &answer))
		return false;
	slot = &ring->slots[(answer.id & 0xffff) % ring->entries];
	if ((answer.id & 0xffff) >= ring->entries || !slot->cookie ||
	    slot->request.id != answer.id) {
		pvn_front_break(&ring->queue, PVN_RING_BAD_ID);
		return false;
	}
	*cookie = release(ring, slot);
	*status = answer.status < PVN_BLK_STATUS_COUNT ?
		  (enum pvn_blk_status)answer.status : PVN_BLK_IO_ERROR;
	return true;
}

void *blkfront_abandon(struct blkfront_ring *ring)
{
	struct blkfront_slot *slot = oldest_after(ring, 0);

	return slot ? release(ring, slot) : NULL;
}
