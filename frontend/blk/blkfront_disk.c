// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The disk of pvn_blkfront.ko as Linux and its users see it: name, size, limits,
 * attributes in sysfs (serial, uuid, queue_counters), who has it open.
 */
#define pr_fmt(fmt) "pvn_blkfront: " fmt

#include <linux/module.h>
#include <linux/slab.h>

#include "frontend/blk/blkfront.h"

/* It and disk_release() are called with the disk's open_mutex. */
static int disk_open(struct block_device *bdev, fmode_t mode)
{
	struct blkfront *front = bdev->bd_disk->private_data;

	return !front || READ_ONCE(front->dead) ? -ENXIO : 0;
}

/* The last one closes it: a disk that is to be unplugged goes now. */
static void disk_release(struct gendisk *disk, fmode_t mode)
{
	struct blkfront *front = disk->private_data;

	if (front && READ_ONCE(front->leaving) && !disk_openers(disk))
		blkfront_leave_soon(front);
}

void blkfront_forget_disk(struct blkfront *front)
{
	if (!front->disk)
		return;
	mutex_lock(&front->disk->open_mutex);
	front->disk->private_data = NULL;
	mutex_unlock(&front->disk->open_mutex);
}

static const struct block_device_operations disk_ops = {
	.owner = THIS_MODULE,
	.open = disk_open,
	.release = disk_release,
};

static ssize_t show_text(struct device *dev, const char *key, char *buffer)
{
	struct blkfront *front = dev_to_disk(dev)->private_data;
	char *text = pvn_store_read(front->device->otherend, key);
	ssize_t bytes;

	if (IS_ERR(text))
		return 0;
	bytes = sysfs_emit(buffer, "%s\n", text);
	kfree(text);
	return bytes;
}

static ssize_t serial_show(struct device *dev, struct device_attribute *attribute, char *buffer)
{
	return show_text(dev, "serial", buffer);
}
static DEVICE_ATTR_RO(serial);

static ssize_t uuid_show(struct device *dev, struct device_attribute *attribute, char *buffer)
{
	return show_text(dev, "uuid", buffer);
}
static DEVICE_ATTR_RO(uuid);

/* A line a queue: what went through it and what it cost. */
static ssize_t queue_counters_show(struct device *dev, struct device_attribute *attribute,
				   char *buffer)
{
	struct blkfront *front = dev_to_disk(dev)->private_data;
	ssize_t bytes = 0;
	unsigned int i;

	for (i = 0; i < front->queue_count; i++) {
		struct blkfront_queue *queue = &front->queues[i];
		struct pvn_queue_counters *c = &queue->ring.queue.counters;

		bytes += sysfs_emit_at(buffer, bytes,
				       "queue=%u submitted=%llu completed=%llu failed=%llu notified=%llu notifications_saved=%llu events=%llu events_idle=%llu full=%llu polled=%llu poll_hits=%llu in_flight=%u\n",
				       i, c->submitted, c->completed, c->failed, c->notified,
				       c->notifications_saved, c->events, c->events_idle, c->full,
				       queue->polled, queue->poll_hits, queue->ring.in_flight);
	}
	return bytes;
}
static DEVICE_ATTR_RO(queue_counters);

static struct attribute *disk_attrs[] = {
	&dev_attr_serial.attr,
	&dev_attr_uuid.attr,
	&dev_attr_queue_counters.attr,
	NULL,
};
ATTRIBUTE_GROUPS(disk);

/* 0: pvda, 25: pvdz, 26: pvdaa, 701: pvdzz. */
static void name_disk(char *name, unsigned int id)
{
	if (id < 26)
		snprintf(name, DISK_NAME_LEN, "pvd%c", 'a' + id);
	else
		snprintf(name, DISK_NAME_LEN, "pvd%c%c", 'a' + (id / 26 - 1) % 26, 'a' + id % 26);
}

static bool is_read_only(struct blkfront *front)
{
	char *mode = pvn_store_read(front->device->otherend, "mode");
	bool read_only = !IS_ERR(mode) && mode[0] == 'r';

	if (!IS_ERR(mode))
		kfree(mode);
	return read_only;
}

/* A number that is a power of two, or the fallback: Linux makes masks of these. */
static unsigned int power_of_two(struct blkfront *front, const char *key, unsigned int low,
				 unsigned int high, unsigned int fallback)
{
	u64 value = pvn_store_number(front->device->otherend, key, low, high, fallback);

	if (is_power_of_2(value))
		return value;
	dev_warn(&front->device->dev, "%s/%s is no power of two: %llu; %u is taken\n",
		 front->device->otherend, key, value, fallback);
	return fallback;
}

/* What is offered, in whole sectors of the disk; 0 when it is not. */
static unsigned int range_limit(struct blkfront *front, unsigned int sector, const char *feature,
				const char *limit)
{
	const char *there = front->device->otherend;

	if (!pvn_store_number(there, feature, 0, 1, 0))
		return 0;
	return round_down(pvn_store_number(there, limit, 1, U32_MAX >> SECTOR_SHIFT, 0),
			  sector >> SECTOR_SHIFT);
}

static void set_ranges(struct blkfront *front, unsigned int sector)
{
	struct request_queue *q = front->disk->queue;
	unsigned int discard = range_limit(front, sector, "feature-discard",
					   "max-discard-sectors");

	blk_queue_max_discard_sectors(q, discard);
	if (discard)
		q->limits.discard_granularity =
			round_up(pvn_store_number(front->device->otherend, "discard-granularity",
						  sector, 1 << 30, sector), sector);
	blk_queue_max_write_zeroes_sectors(q, range_limit(front, sector, "feature-write-zeroes",
							  "max-write-zeroes-sectors"));
	blk_queue_max_secure_erase_sectors(q, range_limit(front, sector, "feature-secure-erase",
							  "max-secure-erase-sectors"));
}

static void set_limits(struct blkfront *front)
{
	const char *there = front->device->otherend;
	struct request_queue *q = front->disk->queue;
	unsigned int sector = pvn_store_number(there, "sector-size", 512, 4096, 512);
	unsigned int align;
	bool fua = pvn_store_number(there, "feature-fua", 0, 1, 0);
	bool flush = pvn_store_number(there, "feature-flush", 0, 1, 0);

	if (sector != 4096)
		sector = 512;
	blk_queue_logical_block_size(q, sector);
	blk_queue_physical_block_size(q, power_of_two(front, "physical-sector-size", sector,
						      1 << 20, sector));
	blk_queue_io_min(q, round_up(pvn_store_number(there, "io-min", 0, 1 << 30, 0) ?: 1, sector));
	blk_queue_io_opt(q, round_up(pvn_store_number(there, "io-opt", 0, 1 << 30, 0), sector));
	/* A segment is a whole number of sectors. */
	align = power_of_two(front, "buffer-alignment", 512, PAGE_SIZE, 512);
	blk_queue_dma_alignment(q, max(sector, align) - 1);
	set_ranges(front, sector);
	blk_queue_max_segments(q, pvn_store_number(there, "max-segments", 1,
						   PVN_BLK_SEGMENTS_MAX, PVN_BLK_INLINE_MAX));
	blk_queue_max_hw_sectors(q, pvn_store_number(there, "max-sectors", 8,
						     PVN_BLK_SECTORS_MAX, 8));
	blk_queue_max_segment_size(q, UINT_MAX);
	blk_queue_write_cache(q, flush, flush && fua);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	set_disk_ro(front->disk, is_read_only(front));
}

int blkfront_create_disk(struct blkfront *front)
{
	struct gendisk *disk = blk_mq_alloc_disk(&front->tags, front);

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->fops = &disk_ops;
	disk->private_data = front;
	name_disk(disk->disk_name, front->device->id);
	front->disk = disk;
	front->held = false;
	set_limits(front);
	return 0;
}

void blkfront_add_disk(struct blkfront *front)
{
	int error = device_add_disk(&front->device->dev, front->disk, disk_groups);

	if (error) {
		dev_err(&front->device->dev, "the disk %s cannot be added (%d)\n",
			front->disk->disk_name, error);
		return;
	}
	front->added = true;
	dev_info(&front->device->dev, "%s: %llu sectors, %u queues of %u\n",
		 front->disk->disk_name, get_capacity(front->disk), front->queue_count,
		 front->entries);
}

void blkfront_update_size(struct blkfront *front)
{
	u64 sectors;

	/* Linux counts the bytes of a disk in a signed number. */
	if (pvn_store_read_u64(front->device->otherend, "sectors", &sectors) ||
	    sectors > LLONG_MAX >> SECTOR_SHIFT) {
		dev_err(&front->device->dev, "%s/sectors is no size of a disk: it stays as it was\n",
			front->device->otherend);
		return;
	}
	sectors = round_down(sectors, queue_logical_block_size(front->disk->queue) >> SECTOR_SHIFT);
	if (front->added)
		set_capacity_and_notify(front->disk, sectors);
	else
		set_capacity(front->disk, sectors);
}
