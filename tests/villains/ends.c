// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A guest that dies at every step of using a disk. Its processes must go, and nobody
 * else must notice.
 */
#include "device.h"

static void fill(struct disk *disk, enum pvn_blk_op op)
{
	for (unsigned int i = 0; i < DISK_ENTRIES; i++) {
		const struct pvn_blk_request request = disk_request(op, i * 64, i, 8);

		pvn_front_push(&disk->queue, &request);
	}
	pvn_front_publish(&disk->queue);
	ring_doorbell(disk->device.channel);
}

static struct disk *announced(void)
{
	struct disk *disk = disk_find(0);

	device_close(&disk->device);
	disk_announce(disk);
	return disk;
}

CASE(death_before_anything)
{
	triple_fault();
}

CASE(death_with_half_of_the_keys)
{
	announced();
	triple_fault();
}

CASE(death_at_state_3)
{
	device_put(&announced()->device, "state", STATE_INITIALISED);
	triple_fault();
}

CASE(death_when_connected)
{
	disk_connect(disk_find(0));
	triple_fault();
}

CASE(death_in_an_entry)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	disk->queue.sq[0].id = 77;
	pvn_ring_store(&disk->queue.mine->sq_tail, 1);
	triple_fault();
}

CASE(death_with_writes_in_flight)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	fill(disk, PVN_BLK_WRITE);
	triple_fault();
}

CASE(death_with_reads_in_flight)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	fill(disk, PVN_BLK_READ);
	triple_fault();
}

CASE(death_with_a_broken_queue)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	pvn_ring_store(&disk->queue.mine->sq_tail, ~0u);
	ring_doorbell(disk->device.channel);
	triple_fault();
}

CASE(death_in_a_storm)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	for (unsigned int i = 0; i < 2000; i++)
		ring_doorbell(disk->device.channel);
	triple_fault();
}

CASE(death_at_state_5)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	device_put(&disk->device, "state", STATE_CLOSING);
	triple_fault();
}

CASE(death_at_state_6)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	fill(disk, PVN_BLK_WRITE);
	device_put(&disk->device, "state", STATE_CLOSED);
	triple_fault();
}

CASE(death_in_a_message_to_the_store)
{
	const struct pvn_store_header header = { .type = PVN_STORE_WRITE, .req_id = 1, .len = 900 };

	disk_connect(disk_find(0));
	store_send(&header, sizeof(header));
	ring_doorbell(STORE_CHANNEL);
	triple_fault();
}

CASE(death_in_a_transaction)
{
	struct pvn_store_header answer;
	char text[64];

	disk_connect(disk_find(0));
	store_ask(PVN_STORE_TRANSACTION_START, "", 1, &answer, text, sizeof(text));
	triple_fault();
}
