/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A device of this guest: the front-end's half of the conversation in the store, and
 * a block front-end on top of it that does what it is told, right or wrong. States
 * and keys are those of pvn/abi/io/blk.h and console.h.
 */
#ifndef TESTGUEST_DEVICE_H
#define TESTGUEST_DEVICE_H

#include <pvn/abi/io/blk.h>
#include <pvn/abi/io/console.h>

#include "store.h"

enum { STATE_INITIALISING = 1, STATE_INIT_WAIT = 2, STATE_INITIALISED = 3, STATE_CONNECTED = 4,
       STATE_CLOSING = 5, STATE_CLOSED = 6 };

struct device {
	char front[64], back[96];	/* folders in the store */
	uint32_t channel;		/* of queue 0 */
	uint32_t epoch;			/* of the last connection */
};

/* A connection answers within this. */
#define DEVICE_TIME (20000 * MSECS)

/* Finds the device; skips the case when the guest has none. */
void device_find(struct device *device, const char *kind, unsigned int index);

/* F/key and B/key, until the next call of the same. */
const char *front_key(const struct device *device, const char *key);
const char *back_key(const struct device *device, const char *key);

/* Writes F/key; refused is a failure of the case. */
void device_put(const struct device *device, const char *key, uint64_t value);
void device_put_text(const struct device *device, const char *key, const char *value);

/* State 6, and the back-end has let go: its state is 2. */
void device_close(struct device *device);

/* --- a disk --- */

#define DISK_ENTRIES	32u
#define DISK_BUFFERS	64u	/* pages */

struct disk {
	struct device device;
	struct pvn_queue_front queue;
	void *ring;			/* pvn_ring_bytes(DISK_ENTRIES), page aligned */
	uint64_t sectors;
};

extern uint8_t disk_buffer[DISK_BUFFERS][PVN_PAGE_SIZE];

/* The guest's disk of this number; not connected. */
struct disk *disk_find(unsigned int index);

/* The half of connecting that comes before state 3: new epoch, empty ring, all keys. */
void disk_announce(struct disk *disk);

/* Closes what was, and connects. */
void disk_connect(struct disk *disk);

/* A well-formed request for `count` sectors at disk_buffer[page]; the caller may spoil it. */
struct pvn_blk_request disk_request(enum pvn_blk_op op, uint64_t sector, unsigned int page,
				    uint32_t count);

/* Into the ring and announced; rings the doorbell if the back-end asks for it. */
void disk_submit(struct disk *disk, const struct pvn_blk_request *request);

/* The next completion; none in time is a failure. */
struct pvn_cqe disk_take(struct disk *disk);

/* One request; its status. */
uint16_t disk_do(struct disk *disk, const struct pvn_blk_request *request);

/* Nothing comes for a while that is not asked for. */
void disk_expect_silence(struct disk *disk);

/* The back-end has given the queue up for this reason, and answers nothing any more. */
void disk_expect_broken(struct disk *disk, enum pvn_ring_error why);

/* A new connection moves data: what is written is read back. The end of most cases. */
void disk_expect_service(struct disk *disk);

#endif
