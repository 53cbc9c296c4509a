// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See device.h.
 */
#include "device.h"

#define SILENCE (20 * MSECS)

uint8_t disk_buffer[DISK_BUFFERS][PVN_PAGE_SIZE] PAGE_ALIGNED;

static uint8_t disk_rings[2][8 * PVN_PAGE_SIZE] PAGE_ALIGNED;
static struct disk disks[2];

static void text_into(char *to, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void text_into(char *to, size_t room, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	format_text(to, room, format, arguments);
	va_end(arguments);
}

/* --- the conversation --- */

const char *front_key(const struct device *device, const char *key)
{
	static char path[128];

	text_into(path, sizeof(path), "%s/%s", device->front, key);
	return path;
}

const char *back_key(const struct device *device, const char *key)
{
	static char path[160];

	text_into(path, sizeof(path), "%s/%s", device->back, key);
	return path;
}

void device_find(struct device *device, const char *kind, unsigned int index)
{
	text_into(device->front, sizeof(device->front), "device/%s/%u", kind, index);
	if (!store_read(front_key(device, "backend"), device->back, sizeof(device->back)))
		test_skip("the guest has no device %s/%u", kind, index);
	device->channel = (uint32_t)store_number(front_key(device, "queue-0/channel"));
	expect(device->channel != ~0u, "%s has no channel", device->front);
}

void device_put(const struct device *device, const char *key, uint64_t value)
{
	expect(store_write(front_key(device, key), "%lu", value), "%s/%s cannot be written: %s",
	       device->front, key, store_error());
}

void device_put_text(const struct device *device, const char *key, const char *value)
{
	expect(store_write(front_key(device, key), "%s", value), "%s/%s cannot be written: %s",
	       device->front, key, store_error());
}

void device_close(struct device *device)
{
	device_put(device, "state", STATE_CLOSED);
	expect(store_wait_number(back_key(device, "state"), STATE_INIT_WAIT),
	       "after state 6 of %s the back-end's state is %ld, not 2", device->front,
	       (int64_t)store_number(back_key(device, "state")));
}

/* --- a disk --- */

struct disk *disk_find(unsigned int index)
{
	struct disk *disk = &disks[index];

	device_find(&disk->device, "blk", index);
	expect(store_wait_number(back_key(&disk->device, "protocol"), PVN_BLK_PROTOCOL),
	       "%s has no back-end", disk->device.front);
	disk->sectors = store_number(back_key(&disk->device, "sectors"));
	disk->ring = disk_rings[index];
	return disk;
}

void disk_announce(struct disk *disk)
{
	struct device *device = &disk->device;

	memset(disk->ring, 0, pvn_ring_bytes(DISK_ENTRIES));
	pvn_front_init(&disk->queue, disk->ring, DISK_ENTRIES, ++device->epoch);
	device_put(device, "protocol", PVN_BLK_PROTOCOL);
	device_put(device, "queue-count", 1);
	device_put(device, "queue-0/ring-gpa", (uint64_t)disk->ring);
	device_put(device, "queue-0/ring-entries", DISK_ENTRIES);
	device_put(device, "epoch", device->epoch);
}

void disk_connect(struct disk *disk)
{
	struct device *device = &disk->device;

	device_close(device);
	disk_announce(disk);
	device_put(device, "state", STATE_INITIALISED);
	expect(wait_until(pvn_ring_load(&disk->queue.peer->epoch) == device->epoch, DEVICE_TIME),
	       "%s is not served", device->front);
	expect(store_wait_number(back_key(device, "state"), STATE_CONNECTED),
	       "%s does not become connected", device->back);
	device_put(device, "state", STATE_CONNECTED);
}

struct pvn_blk_request disk_request(enum pvn_blk_op op, uint64_t sector, unsigned int page,
				    uint32_t count)
{
	static uint32_t id;
	struct pvn_blk_request request = { .op = (pvn_u8)op, .id = ++id, .sector = sector };

	if (op == PVN_BLK_FLUSH)
		return request;
	request.segment_count = 1;
	request.gpa[0] = (uint64_t)disk_buffer[page];
	request.bytes[0] = count * PVN_BLK_SECTOR_BYTES;
	return request;
}

void disk_submit(struct disk *disk, const struct pvn_blk_request *request)
{
	expect(pvn_front_push(&disk->queue, request), "there is no room in the ring");
	if (pvn_front_publish(&disk->queue))
		ring_doorbell(disk->device.channel);
}

struct pvn_cqe disk_take(struct disk *disk)
{
	struct pvn_cqe answer;

	expect(wait_until(pvn_front_ready(&disk->queue), DEVICE_TIME),
	       "no completion; the back-end's error is %u", disk->queue.peer->error);
	expect(pvn_front_next(&disk->queue, &answer), "a completion too many");
	return answer;
}

uint16_t disk_do(struct disk *disk, const struct pvn_blk_request *request)
{
	struct pvn_cqe answer;

	disk_submit(disk, request);
	answer = disk_take(disk);
	expect_equal("id of the completion", answer.id, request->id);
	return answer.status;
}

void disk_expect_silence(struct disk *disk)
{
	wait_for(SILENCE);
	expect(!pvn_front_ready(&disk->queue), "a completion that nobody asked for");
}

void disk_expect_broken(struct disk *disk, enum pvn_ring_error why)
{
	expect(wait_until(pvn_ring_load(&disk->queue.peer->error), DEVICE_TIME),
	       "the back-end accepts it");
	expect_equal("the back-end's error", disk->queue.peer->error, why);
	disk_expect_silence(disk);
}

void disk_expect_service(struct disk *disk)
{
	static uint64_t salt = 0x9e3779b97f4a7c15ull;
	struct random random = { ++salt };
	struct pvn_blk_request request;
	uint64_t sector = salt % 128 * 16;
	uint64_t *written = (uint64_t *)disk_buffer[0], *read = (uint64_t *)disk_buffer[2];

	disk_connect(disk);
	for (unsigned int i = 0; i < 2 * PVN_PAGE_SIZE / sizeof(uint64_t); i++) {
		written[i] = random_next(&random);
		read[i] = 0;
	}
	request = disk_request(PVN_BLK_WRITE, sector, 0, 16);
	expect_equal("status of a write", disk_do(disk, &request), PVN_BLK_OK);
	request = disk_request(PVN_BLK_FLUSH, 0, 0, 0);
	expect_equal("status of a flush", disk_do(disk, &request), PVN_BLK_OK);
	request = disk_request(PVN_BLK_READ, sector, 2, 16);
	expect_equal("status of a read", disk_do(disk, &request), PVN_BLK_OK);
	expect(!memcmp(written, read, 2 * PVN_PAGE_SIZE), "what is read is not what was written");
}
