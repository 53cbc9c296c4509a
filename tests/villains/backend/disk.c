// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The honest half of a villain's disk: in memory, every word says where it stands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blkd/request.h"
#include "villaind.h"

#define IMAGE_BYTES (VILLAIN_SECTORS * PVN_BLK_SECTOR_BYTES)

static const struct blk_limits limits = {
	.sectors = VILLAIN_SECTORS, .sector_bytes = PVN_BLK_SECTOR_BYTES,
};

int disk_create(struct villain *v)
{
	uint64_t *words = malloc(IMAGE_BYTES);
	size_t i;

	if (!words)
		return -1;
	for (i = 0; i < IMAGE_BYTES / sizeof(*words); i++)
		words[i] = i * 0x9e3779b97f4a7c15ull;
	v->image = (uint8_t *)words;
	return 0;
}

int disk_publish(struct villain *v)
{
	static const struct {
		const char *key;
		const char *value;
	} keys[] = {
		{ "protocol", "1" },		{ "sectors", "8192" },
		{ "sector-size", "512" },	{ "physical-sector-size", "512" },
		{ "mode", "w" },		{ "feature-flush", "1" },
		{ "feature-fua", "1" },		{ "max-segments", "256" },
		{ "max-sectors", "2048" },	{ "queue-entries-max", "256" },
		{ "io-min", "512" },		{ "io-opt", "0" },
		{ "buffer-alignment", "512" },	{ "feature-discard", "0" },
		{ "feature-write-zeroes", "0" }, { "feature-secure-erase", "0" },
		{ "serial", "villain" },
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (pvn_backend_publish_text(&v->backend, keys[i].key, keys[i].value))
			return -1;
	return 0;
}

int disk_connect(struct villain *v, uint32_t epoch)
{
	uint32_t entries;
	void *base = pvn_backend_ring_memory(&v->backend, 0, "", epoch, &entries);

	return base && pvn_back_attach(&v->ring, base, entries, epoch) ? 0 : -1;
}

/* Moves the data of a request; its status. */
static enum pvn_blk_status perform(struct villain *v, const struct pvn_blk_request *request)
{
	struct blk_work work;
	enum pvn_blk_status status;
	unsigned int i;
	uint8_t *at;

	status = blk_request_check(request, &limits, &v->backend.memory, &work);
	if (status || !blk_work_is_transfer(&work))
		return status;
	at = v->image + work.offset;
	for (i = 0; i < work.iov_count; at += work.iov[i].iov_len, i++) {
		if (work.op == PVN_BLK_READ)
			memcpy(work.iov[i].iov_base, at, work.iov[i].iov_len);
		else
			memcpy(at, work.iov[i].iov_base, work.iov[i].iov_len);
	}
	return PVN_BLK_OK;
}

void disk_move_all(struct villain *v)
{
	unsigned int i;

	for (i = 0; i < v->held_count; i++)
		perform(v, &v->held[i]);
}

void disk_answer(struct villain *v, unsigned int index)
{
	const struct pvn_blk_request *request = &v->held[index];

	pvn_back_complete(&v->ring, request->id, perform(v, request), 0);
}

void disk_answer_all(struct villain *v)
{
	unsigned int i;

	for (i = 0; i < v->held_count; i++)
		disk_answer(v, i);
	v->held_count = 0;
	if (pvn_back_publish(&v->ring) || pvn_back_unheard(&v->ring))
		ring(v);
}

static bool is_held(const struct villain *v, const struct pvn_blk_request *request)
{
	uint64_t first = v->backend.device ? VILLAIN_TRIGGER : VILLAIN_SELECT;
	uint64_t end = v->backend.device ? VILLAIN_SELECT : VILLAIN_SECTORS;

	return request->op == PVN_BLK_READ && request->sector >= first && request->sector < end &&
	       v->held_count < VILLAIN_HELD_MAX;
}

void disk_turn(struct villain *v, bool hold)
{
	struct pvn_blk_request request;
	int available;

	do {
		available = pvn_back_available(&v->ring);
		while (available-- > 0 && pvn_back_next(&v->ring, &request)) {
			if (hold && is_held(v, &request)) {
				if (!v->held_count)
					v->held_since_ms = now_ms();
				v->held[v->held_count++] = request;
				continue;
			}
			pvn_back_complete(&v->ring, request.id, perform(v, &request), 0);
		}
		if (pvn_back_publish(&v->ring) || pvn_back_unheard(&v->ring))
			ring(v);
	} while (pvn_back_arm(&v->ring) && !v->ring.broken && pvn_back_available(&v->ring) > 0);
}
