// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Bus master of the IDE controller [SFF-8038i "Bus Master Programming Interface for IDE
 * ATA Controllers"]; see ide.h.
 *
 * The table of regions lies in guest memory and may change while it is used: each entry
 * is copied once and only the copy is looked at.
 */
#include <string.h>

#include "emul/ide_internal.h"

enum {
	AT_COMMAND = 0,
	AT_STATUS = 2,
	AT_TABLE = 4,
	CHANNEL_BYTES = 8,
	ENTRY_BYTES = 8,
	ENTRIES_MAX = 8192,	/* a table does not cross 64 KiB */
	TRANSFER_MAX = 1 << 20,
};

#define COMMAND_START		0x01
#define COMMAND_TO_MEMORY	0x08
#define STATUS_GUEST		0x60	/* "drive n is capable of DMA": the guest's notes */
#define ENTRY_LAST		0x80000000u

static uint32_t entry_bytes(uint32_t count)
{
	return count & 0xfffe ? count & 0xfffe : 0x10000;
}

/* The rest of the present region, up to `most` bytes; false: it is not RAM, or there is none. */
static bool next_piece(struct ide_channel *channel, uint64_t most, struct iovec *piece)
{
	const struct emul_host *host = channel->ide->host;
	uint32_t entry[2], bytes;
	void *at;

	if (channel->table_ended || channel->entry >= ENTRIES_MAX)
		return false;
	at = host->memory(host->context, channel->table + (uint64_t)channel->entry * ENTRY_BYTES,
			  ENTRY_BYTES);
	if (!at)
		return false;
	memcpy(entry, at, sizeof(entry));
	bytes = entry_bytes(entry[1]);
	/* It was longer when we began with it. */
	if (channel->entry_used >= bytes)
		return false;
	bytes -= channel->entry_used;
	if (bytes > most)
		bytes = most;
	piece->iov_base = host->memory(host->context,
				       (entry[0] & ~1ull) + channel->entry_used, bytes);
	piece->iov_len = bytes;
	if (!piece->iov_base)
		return false;
	channel->entry_used += bytes;
	if (channel->entry_used == entry_bytes(entry[1])) {
		channel->entry_used = 0;
		channel->entry++;
		channel->table_ended = entry[1] & ENTRY_LAST;
	}
	return true;
}

/* A region that is no memory: both sides say so. */
static void dma_error(struct ide_channel *channel)
{
	channel->master_status |= MASTER_ERROR;
	channel->master_status &= ~MASTER_ACTIVE;
	ide_fail(channel, ERROR_ABORTED);
}

/* The next transfer, if disk and bus master are both ready for it. */
static void step(struct ide_channel *channel)
{
	bool is_read = channel->command.kind == ATA_READ;
	uint64_t most = channel->left < TRANSFER_MAX ? channel->left : TRANSFER_MAX, bytes = 0;
	struct ide_transfer *transfer = &channel->transfer;

	if (!(channel->master_status & MASTER_ACTIVE))
		return;
	if (!(channel->master_command & COMMAND_TO_MEMORY) == is_read ||
	    !pci_is_master(&channel->ide->pci)) {
		dma_error(channel);
		return;
	}
	transfer->piece_count = 0;
	while (bytes < most && transfer->piece_count < IDE_PIECES_MAX) {
		struct iovec *piece = &transfer->piece[transfer->piece_count];

		if (channel->table_ended && !bytes) {
			/* Too short a table: the bus master stops, the disk waits for ever. */
			channel->master_status &= ~MASTER_ACTIVE;
			return;
		}
		if (channel->table_ended)
			break;
		if (!next_piece(channel, most - bytes, piece)) {
			dma_error(channel);
			return;
		}
		bytes += piece->iov_len;
		transfer->piece_count++;
	}
	ide_transfer(channel, is_read ? IDE_READ : IDE_WRITE, bytes);
}

void ide_dma_begin(struct ide_channel *channel)
{
	channel->status = STATUS_BUSY;
	step(channel);
}

void ide_dma_done(struct ide_channel *channel)
{
	channel->offset += channel->transfer.bytes;
	channel->left -= channel->transfer.bytes;
	if (channel->left) {
		step(channel);
		return;
	}
	/* Active stays when the table names more memory than there was data. */
	if (channel->table_ended)
		channel->master_status &= ~MASTER_ACTIVE;
	ide_succeed(channel);
}

static bool waits_for_master(const struct ide_channel *channel)
{
	return !channel->running && channel->command.dma &&
	       (channel->command.kind == ATA_READ || channel->command.kind == ATA_WRITE);
}

static void write_command(struct ide_channel *channel, uint8_t value)
{
	bool was = channel->master_command & COMMAND_START;

	channel->master_command = value & (COMMAND_START | COMMAND_TO_MEMORY);
	if (!(value & COMMAND_START)) {
		channel->master_status &= ~MASTER_ACTIVE;
		return;
	}
	if (was)
		return;
	channel->master_status |= MASTER_ACTIVE;
	channel->entry = 0;
	channel->entry_used = 0;
	channel->table_ended = false;
	if (waits_for_master(channel))
		step(channel);
}

static void write_table(struct ide_channel *channel, unsigned int shift, unsigned int bytes,
			uint32_t value)
{
	uint32_t mask = bytes >= 4 ? ~0u : (1u << 8 * bytes) - 1;

	channel->table = (channel->table & ~(mask << shift)) | (value & mask) << shift;
	channel->table &= ~3u;
}

static uint64_t read(void *device, unsigned int offset, unsigned int bytes)
{
	const struct ide *ide = device;
	const struct ide_channel *channel = &ide->channel[offset / CHANNEL_BYTES];
	unsigned int at = offset % CHANNEL_BYTES;

	if (at >= AT_TABLE)
		return channel->table >> 8 * (at - AT_TABLE);
	if (at == AT_STATUS)
		return channel->master_status;
	if (at == AT_COMMAND)
		return channel->master_command | (bytes > 2 ? channel->master_status << 16 : 0);
	return 0;
}

static void write(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct ide *ide = device;
	struct ide_channel *channel = &ide->channel[offset / CHANNEL_BYTES];
	unsigned int at = offset % CHANNEL_BYTES;

	if (at >= AT_TABLE) {
		write_table(channel, 8 * (at - AT_TABLE), bytes, value);
	} else if (at == AT_STATUS) {
		channel->master_status &= ~(value & (MASTER_ERROR | MASTER_INTERRUPT));
		channel->master_status = (channel->master_status & ~STATUS_GUEST) |
					 (value & STATUS_GUEST);
	} else if (at == AT_COMMAND) {
		write_command(channel, value);
	}
}

void ide_dma_init(struct ide *ide)
{
	const struct bus_range range = { .space = BUS_PORTS, .bytes = 2 * CHANNEL_BYTES,
					 .device = ide, .read = read, .write = write };

	pci_add_bar(&ide->pci, 4, &range);
}
