// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile block front-end: its keys and states in the store. What cannot be is not
 * served and the log says why; the next good announcement is.
 */
#include "device.h"

#define MEMORY_END	0x2000000ull	/* the guest has 32 MiB */

/* All keys are good but this one: the back-end says no, and serves the next connection. */
static void announce_with(const char *key, const char *value)
{
	struct disk *disk = disk_find(0);
	struct device *device = &disk->device;

	/* Connected before: that it looked and said no is seen in its state. */
	disk_connect(disk);
	disk_announce(disk);
	if (value)
		device_put_text(device, key, value);
	else
		expect(store_remove(front_key(device, key)), "%s: %s", key, store_error());
	device_put(device, "state", STATE_INITIALISED);
	expect(store_wait_number(back_key(device, "state"), STATE_INIT_WAIT),
	       "the back-end's state is %ld, not 2",
	       (int64_t)store_number(back_key(device, "state")));
	expect_equal("epoch that is served", disk->queue.peer->epoch, 0);
	disk_expect_service(disk);
}

CASE(no_epoch)
{
	announce_with("epoch", NULL);
}

CASE(epoch_of_zero)
{
	announce_with("epoch", "0");
}

CASE(epoch_of_33_bits)
{
	announce_with("epoch", "4294967296");
}

CASE(epoch_with_a_tail)
{
	announce_with("epoch", "7x");
}

CASE(epoch_of_another_ring)
{
	announce_with("epoch", "123456789");
}

CASE(protocol_of_the_future)
{
	announce_with("protocol", "2");
}

CASE(no_queues)
{
	announce_with("queue-count", "0");
}

CASE(queues_beyond_the_maximum)
{
	announce_with("queue-count", "65");
}

CASE(queues_negative)
{
	announce_with("queue-count", "-1");
}

CASE(ring_address_missing)
{
	announce_with("queue-0/ring-gpa", NULL);
}

CASE(ring_address_unaligned)
{
	announce_with("queue-0/ring-gpa", "0x200010");
}

CASE(ring_beyond_memory)
{
	announce_with("queue-0/ring-gpa", "0x2000000");
}

CASE(ring_across_the_end_of_memory)
{
	announce_with("queue-0/ring-gpa", "0x1fff000");
}

CASE(ring_at_the_end_of_the_space)
{
	announce_with("queue-0/ring-gpa", "0xfffffffffffff000");
}

CASE(ring_address_of_words)
{
	announce_with("queue-0/ring-gpa", "here");
}

CASE(ring_in_the_store_page)
{
	announce_with("queue-0/ring-gpa", "0xfe000000");
}

CASE(ring_without_entries)
{
	announce_with("queue-0/ring-entries", "0");
}

CASE(ring_of_three_entries)
{
	announce_with("queue-0/ring-entries", "3");
}

CASE(ring_of_24_entries)
{
	announce_with("queue-0/ring-entries", "24");
}

CASE(ring_too_large)
{
	announce_with("queue-0/ring-entries", "512");
}

CASE(ring_entries_of_33_bits)
{
	announce_with("queue-0/ring-entries", "4294967328");
}

/* Both queues in the same memory. The entries of one are those of the other. */
CASE(queues_share_a_ring)
{
	struct disk *disk = disk_find(0);
	struct device *device = &disk->device;

	if (store_number(front_key(device, "queue-max")) < 2)
		test_skip("the disk has one queue");
	device_close(device);
	disk_announce(disk);
	device_put(device, "queue-count", 2);
	device_put(device, "queue-1/ring-gpa", (uint64_t)disk->ring);
	device_put(device, "queue-1/ring-entries", DISK_ENTRIES);
	device_put(device, "state", STATE_INITIALISED);
	wait_for(30 * MSECS);
	disk_expect_service(disk);
}

static void odd_state(const char *value)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	device_put_text(&disk->device, "state", value);
	wait_for(30 * MSECS);
	disk_expect_service(disk);
}

CASE(state_of_words)
{
	odd_state("connected");
}

CASE(state_empty)
{
	odd_state("");
}

CASE(state_negative)
{
	odd_state("-1");
}

CASE(state_of_99)
{
	odd_state("99");
}

CASE(state_of_64_bits_and_more)
{
	odd_state("18446744073709551619");
}

CASE(state_of_a_kilobyte)
{
	static char value[900];

	memset(value, '4', sizeof(value) - 1);
	odd_state(value);
}

CASE(state_removed)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	expect(store_remove(front_key(&disk->device, "state")), "%s", store_error());
	wait_for(30 * MSECS);
	disk_expect_service(disk);
}

CASE(connected_without_rings)
{
	struct disk *disk = disk_find(0);

	device_close(&disk->device);
	device_put(&disk->device, "state", STATE_CONNECTED);
	wait_for(30 * MSECS);
	disk_expect_service(disk);
}

CASE(closing_again_and_again)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	for (unsigned int i = 0; i < 50; i++)
		device_put(&disk->device, "state", STATE_CLOSING);
	disk_expect_service(disk);
}

CASE(states_at_random)
{
	struct disk *disk = disk_find(0);
	struct random random = { 0xd1342543de82ef95ull };

	disk_connect(disk);
	for (unsigned int i = 0; i < 300; i++)
		device_put(&disk->device, "state", random_next(&random) % 9);
	disk_expect_service(disk);
}

/* State 3 with one epoch after the other, without a word from the other side. */
CASE(epochs_in_a_row)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	for (unsigned int i = 0; i < 50; i++) {
		disk_announce(disk);
		device_put(&disk->device, "state", STATE_INITIALISED);
	}
	disk_expect_service(disk);
}

/* The same epoch over rings that have been served: requests would be done twice. */
CASE(epoch_used_twice)
{
	struct disk *disk = disk_find(0);
	struct device *device = &disk->device;
	const struct pvn_blk_request read = disk_request(PVN_BLK_READ, 0, 0, 8);

	disk_connect(disk);
	expect_equal("status of a read", disk_do(disk, &read), PVN_BLK_OK);
	device_close(device);
	device_put(device, "state", STATE_INITIALISED);
	wait_for(30 * MSECS);
	expect_equal("the back-end's state", store_number(back_key(device, "state")),
		     STATE_INIT_WAIT);
	disk_expect_service(disk);
}

static void fill(struct disk *disk)
{
	for (unsigned int i = 0; i < DISK_ENTRIES; i++) {
		const struct pvn_blk_request write = disk_request(PVN_BLK_WRITE, i * 64, i, 8);

		pvn_front_push(&disk->queue, &write);
	}
	pvn_front_publish(&disk->queue);
	ring_doorbell(disk->device.channel);
}

CASE(closed_with_requests_in_flight)
{
	struct disk *disk = disk_find(0);

	for (unsigned int i = 0; i < 10; i++) {
		disk_connect(disk);
		fill(disk);
	}
	disk_expect_service(disk);
}

CASE(new_epoch_with_requests_in_flight)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	for (unsigned int i = 0; i < 10; i++) {
		fill(disk);
		disk_announce(disk);
		device_put(&disk->device, "state", STATE_INITIALISED);
	}
	disk_expect_service(disk);
}

/* The keys of the toolstack are not the guest's to write. */
CASE(keys_of_the_toolstack)
{
	static const char *const mine[] = { "backend", "backend-id", "queue-max", "handle",
					    "queue-0/channel", "queue-0/target-vp" };
	static const char *const theirs[] = { "state", "sectors", "frontend", "online", "params" };
	struct disk *disk = disk_find(0);

	for (unsigned int i = 0; i < ARRAY_COUNT(mine); i++)
		expect(!store_write(front_key(&disk->device, mine[i]), "1"), "%s is writable",
		       mine[i]);
	for (unsigned int i = 0; i < ARRAY_COUNT(theirs); i++)
		expect(!store_write(back_key(&disk->device, theirs[i]), "1"), "%s is writable",
		       theirs[i]);
	disk_expect_service(disk);
}

/* The log of the root is not filled by a guest that is refused again and again. */
CASE(refusals_in_a_row)
{
	struct disk *disk = disk_find(0);
	struct device *device = &disk->device;

	device_close(device);
	disk_announce(disk);
	device_put(device, "queue-0/ring-entries", 3);
	for (unsigned int i = 0; i < 200; i++) {
		device_put(device, "state", STATE_INITIALISED);
		device_put(device, "state", STATE_CLOSED);
	}
	disk_expect_service(disk);
}
