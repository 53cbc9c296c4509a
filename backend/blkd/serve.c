// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-blkd in the store: what the disk can do, rings found and let go, and the
 * toolstack's commands. Keys and states: pvn/abi/io/blk.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "blkd/blkd.h"

void blkd_take_limits(void)
{
	const struct image *image = &blkd.disk.image;
	struct blk_limits *limits = &blkd.disk.limits;

	limits->sectors = image_sectors(image);
	limits->sector_bytes = image->logical;
	limits->read_only = image->read_only;
	memcpy(limits->range_sectors, image->range_sectors, sizeof(limits->range_sectors));
}

static int publish_numbers(struct pvn_backend *backend)
{
	const struct image *image = &blkd.disk.image;
	const struct blk_limits *limits = &blkd.disk.limits;
	const uint32_t *ranges = limits->range_sectors;
	const struct pvn_backend_key keys[] = {
		{ "protocol", PVN_BLK_PROTOCOL },
		{ "sectors", limits->sectors },
		{ "sector-size", limits->sector_bytes },
		{ "physical-sector-size", image->physical },
		{ "io-min", image->io_min },
		{ "io-opt", image->io_opt },
		{ "buffer-alignment", image->direct ? image->logical : PVN_BLK_SECTOR_BYTES },
		{ "feature-flush", image->flush },
		{ "feature-fua", image->fua },
		{ "max-segments", PVN_BLK_SEGMENTS_MAX },
		{ "max-sectors", PVN_BLK_SECTORS_MAX },
		{ "queue-entries-max", PVN_RING_ENTRIES_MAX },
		{ "feature-discard", ranges[PVN_BLK_DISCARD] && !limits->read_only },
		{ "max-discard-sectors", ranges[PVN_BLK_DISCARD] },
		{ "discard-granularity", image->granularity },
		{ "feature-write-zeroes", ranges[PVN_BLK_WRITE_ZEROES] && !limits->read_only },
		{ "max-write-zeroes-sectors", ranges[PVN_BLK_WRITE_ZEROES] },
		{ "feature-secure-erase", ranges[PVN_BLK_SECURE_ERASE] && !limits->read_only },
		{ "max-secure-erase-sectors", ranges[PVN_BLK_SECURE_ERASE] },
	};

	return pvn_backend_publish_numbers(backend, keys, sizeof(keys) / sizeof(keys[0]));
}

static int publish(struct pvn_backend *backend)
{
	if (publish_numbers(backend) ||
	    pvn_backend_publish_text(backend, "mode", blkd.disk.limits.read_only ? "r" : "w"))
		return -1;
	if (blkd.serial && pvn_backend_publish_text(backend, "serial", blkd.serial))
		return -1;
	return blkd.uuid ? pvn_backend_publish_text(backend, "uuid", blkd.uuid) : 0;
}

void blkd_announce_size(void)
{
	struct pvn_backend *backend = &blkd.backend;

	blkd_take_limits();
	pvn_backend_log(backend, "the size is %" PRIu64 " sectors now", blkd.disk.limits.sectors);
	/* A state 2 written again would make the front-end start over. */
	if (backend->store &&
	    !pvn_backend_publish_number(backend, "sectors", blkd.disk.limits.sectors) &&
	    backend->state == PVN_XENBUS_CONNECTED)
		pvn_backend_publish_number(backend, "state", backend->state);
}

static bool is_quiet(struct pvn_backend *backend)
{
	unsigned int i;

	for (i = 0; i < backend->queue_count; i++)
		if (blkd.queue[i].busy)
			return false;
	return true;
}

static void disconnect(struct pvn_backend *backend)
{
	struct image *image = &blkd.disk.image;
	unsigned int i;

	for (i = 0; i < backend->queue_count; i++)
		blk_queue_detach(&blkd.queue[i]);
	if (image->ops->cancel && !is_quiet(backend))
		image->ops->cancel(image);
}

static int attach_queue(struct pvn_backend *backend, unsigned int index, uint32_t epoch)
{
	uint32_t entries;
	void *base = pvn_backend_ring_memory(backend, index, "", epoch, &entries);

	if (!base)
		return -1;
	if (!blk_queue_attach(&blkd.queue[index], base, entries, epoch)) {
		pvn_backend_log(backend, "queue %u: the ring is of another epoch", index);
		return -1;
	}
	return 0;
}

static int connect_rings(struct pvn_backend *backend, uint32_t epoch)
{
	unsigned int count, i;

	if (pvn_backend_front_choice(backend, PVN_BLK_PROTOCOL, &count))
		return -1;
	for (i = 0; i < count; i++)
		if (attach_queue(backend, i, epoch)) {
			disconnect(backend);
			return -1;
		}
	pvn_backend_log(backend, "connected, %u queues, epoch %u", count, epoch);
	return 0;
}

static void count(unsigned int index, char *text, size_t bytes)
{
	const struct blk_queue *queue = &blkd.queue[index];
	const struct pvn_queue_counters *counters = &queue->ring.counters;

	snprintf(text, bytes,
		 "submitted=%" PRIu64 " completed=%" PRIu64 " failed=%" PRIu64
		 " notified=%" PRIu64 " notifications_saved=%" PRIu64 " events=%" PRIu64
		 " bytes_read=%" PRIu64 " bytes_written=%" PRIu64 " in_flight=%u",
		 (uint64_t)counters->submitted, (uint64_t)counters->completed,
		 (uint64_t)counters->failed, (uint64_t)counters->notified,
		 (uint64_t)counters->notifications_saved, (uint64_t)counters->events,
		 queue->bytes_read, queue->bytes_written, queue->busy);
}

static void command(struct pvn_backend *backend, const char *word)
{
	struct image *image = &blkd.disk.image;
	uint64_t before = image->bytes;

	if (!strcmp(word, "measure")) {
		if (image->ops->measure(image))
			pvn_backend_log(backend, "the size is not known: %s", strerror(errno));
		else if (image->bytes != before)
			blkd_announce_size();
	} else {
		pvn_backend_log(backend, "command \"%s\" is not known", word);
	}
}

const struct pvn_backend_ops blkd_ops = {
	.program = "pvn-blkd",
	.kind = "blk",
	.argument = blkd_argument,
	.publish = publish,
	.connect = connect_rings,
	.disconnect = disconnect,
	.is_quiet = is_quiet,
	.command = command,
	.count = count,
};
