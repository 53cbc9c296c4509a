// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * IDE controller; see ide.h. This file: registers and commands of the disks; the bus
 * master's part is in ide_dma.c. [ATA8] is the command set with its parallel transport.
 */
#include "emul/ide_internal.h"

#include <string.h>

enum {
	REG_DATA, REG_ERROR, REG_COUNT, REG_LBA_LOW, REG_LBA_MID, REG_LBA_HIGH, REG_DEVICE,
	REG_STATUS, COMMAND_BYTES,
	REG_FEATURE = REG_ERROR,	/* when written */
	REG_COMMAND = REG_STATUS,
	CONTROL_BYTES = 4,
	CONTROL_AT = 2,			/* the only register of the control block */
};

#define CONTROL_NO_INTERRUPT	0x02
#define CONTROL_RESET		0x04
#define CONTROL_BEFORE		0x80	/* show what was written before: HOB */
#define DEVICE_SECOND		0x10
#define DEVICE_LBA		0x40
#define DIAGNOSTIC_PASSED	0x01
#define POWER_ACTIVE		0xff

void ide_update_interrupt(struct ide_channel *channel)
{
	bool shown = channel->interrupt && !(channel->control & CONTROL_NO_INTERRUPT);

	pci_interrupt(&channel->ide->pci, channel->index, shown);
}

static void interrupt(struct ide_channel *channel)
{
	channel->interrupt = true;
	channel->master_status |= MASTER_INTERRUPT;
	ide_update_interrupt(channel);
}

static void no_interrupt(struct ide_channel *channel)
{
	channel->interrupt = false;
	ide_update_interrupt(channel);
}

static unsigned int selected(const struct ide_channel *channel)
{
	return channel->device & DEVICE_SECOND ? 1 : 0;
}

struct ata_disk *ide_disk(struct ide_channel *channel)
{
	return &channel->disk[selected(channel)];
}

void ide_succeed(struct ide_channel *channel)
{
	channel->command.kind = ATA_UNKNOWN;
	channel->status = STATUS_READY | STATUS_SEEK;
	interrupt(channel);
}

void ide_fail(struct ide_channel *channel, uint8_t error)
{
	channel->command.kind = ATA_UNKNOWN;
	channel->status = STATUS_READY | STATUS_SEEK | STATUS_ERROR;
	channel->error = error;
	interrupt(channel);
}

void ide_transfer(struct ide_channel *channel, enum ide_transfer_kind kind, uint64_t bytes)
{
	struct ide_transfer *transfer = &channel->transfer;

	transfer->kind = kind;
	transfer->channel = channel->index;
	transfer->drive = selected(channel);
	transfer->offset = channel->offset;
	transfer->bytes = bytes;
	transfer->durable = channel->command.durable;
	channel->running = true;
	channel->status |= STATUS_BUSY;
	channel->ide->start(channel->ide->context, transfer);
}

/* --- blocks that the guest moves --- */

static uint64_t block_bytes(struct ide_channel *channel)
{
	unsigned int sectors = channel->command.multiple ? ide_disk(channel)->multiple : 1;
	uint64_t bytes = sectors * ATA_SECTOR;

	return bytes < channel->left ? bytes : channel->left;
}

static void offer_block(struct ide_channel *channel, unsigned int bytes, bool from_image)
{
	channel->at = 0;
	channel->filled = bytes;
	channel->from_image = from_image;
	channel->status = STATUS_READY | STATUS_SEEK | STATUS_DATA;
}

static void transfer_buffer(struct ide_channel *channel, enum ide_transfer_kind kind,
			    unsigned int bytes)
{
	channel->transfer.piece[0] = (struct iovec) { channel->buffer, bytes };
	channel->transfer.piece_count = 1;
	channel->status = STATUS_READY | STATUS_SEEK;
	ide_transfer(channel, kind, bytes);
}

/* The guest has moved a whole block. */
static void end_block(struct ide_channel *channel)
{
	if (!channel->from_image) {
		transfer_buffer(channel, IDE_WRITE, channel->filled);
		return;
	}
	channel->status = STATUS_READY | STATUS_SEEK;
	if (channel->left)
		transfer_buffer(channel, IDE_READ, block_bytes(channel));
	else
		channel->command.kind = ATA_UNKNOWN;
}

static uint32_t read_data(struct ide_channel *channel, unsigned int bytes)
{
	uint32_t value = 0;

	if (!(channel->status & STATUS_DATA) || !channel->from_image ||
	    channel->filled - channel->at < bytes)
		return ~0u;
	memcpy(&value, channel->buffer + channel->at, bytes);
	channel->at += bytes;
	if (channel->at == channel->filled)
		end_block(channel);
	return value;
}

static void write_data(struct ide_channel *channel, unsigned int bytes, uint32_t value)
{
	if (!(channel->status & STATUS_DATA) || channel->from_image ||
	    channel->filled - channel->at < bytes)
		return;
	memcpy(channel->buffer + channel->at, &value, bytes);
	channel->at += bytes;
	if (channel->at == channel->filled)
		end_block(channel);
}

/* PIO: what was asked of the image is done. */
static void pio_done(struct ide_channel *channel)
{
	uint64_t bytes = channel->transfer.bytes;

	channel->offset += bytes;
	channel->left -= bytes;
	if (channel->transfer.kind == IDE_READ)
		offer_block(channel, bytes, true);
	else if (channel->left)
		offer_block(channel, block_bytes(channel), false);
	else {
		ide_succeed(channel);
		return;
	}
	interrupt(channel);
}

/* --- commands --- */

static uint64_t first_sector(struct ide_channel *channel)
{
	const struct ide_register *lba = channel->lba;
	const struct ata_disk *disk = ide_disk(channel);
	unsigned int low = lba[0].now | lba[1].now << 8 | lba[2].now << 16;
	unsigned int head = channel->device & 0xf;

	if (channel->command.wide)
		return low | (uint64_t)lba[0].before << 24 | (uint64_t)lba[1].before << 32 |
		       (uint64_t)lba[2].before << 40;
	if (channel->device & DEVICE_LBA)
		return low | head << 24;
	/* Cylinder, head and sector; sectors count from 1. */
	if (!lba[0].now || lba[0].now > disk->track || head >= disk->heads)
		return UINT64_MAX;
	return ((low >> 8) * disk->heads + head) * (uint64_t)disk->track + lba[0].now - 1;
}

static uint64_t sector_count(const struct ide_channel *channel)
{
	unsigned int count = channel->count.now;

	if (!channel->command.wide)
		return count ? count : 256;
	count |= channel->count.before << 8;
	return count ? count : 65536;
}

static void start_medium(struct ide_channel *channel)
{
	const struct ata_disk *disk = ide_disk(channel);
	uint64_t first = first_sector(channel), count = sector_count(channel);
	enum ata_kind kind = channel->command.kind;

	if (first >= disk->sectors || count > disk->sectors - first) {
		ide_fail(channel, ERROR_NOT_FOUND);
		return;
	}
	if ((kind == ATA_WRITE && disk->read_only) || (channel->command.multiple && !disk->multiple)) {
		ide_fail(channel, ERROR_ABORTED);
		return;
	}
	channel->offset = first * ATA_SECTOR;
	channel->left = count * ATA_SECTOR;
	if (kind == ATA_VERIFY)
		ide_succeed(channel);
	else if (channel->command.dma)
		ide_dma_begin(channel);
	else if (kind == ATA_READ)
		transfer_buffer(channel, IDE_READ, block_bytes(channel));
	else	/* The first block is asked for without an interrupt. */
		offer_block(channel, block_bytes(channel), false);
}

static void set_multiple(struct ide_channel *channel)
{
	uint8_t count = channel->count.now;

	if (count > ATA_BLOCK_MAX || count & (count - 1)) {
		ide_fail(channel, ERROR_ABORTED);
		return;
	}
	ide_disk(channel)->multiple = count;
	ide_succeed(channel);
}

static void set_geometry(struct ide_channel *channel)
{
	struct ata_disk *disk = ide_disk(channel);

	if (!channel->count.now) {
		ide_fail(channel, ERROR_ABORTED);
		return;
	}
	disk->heads = (channel->device & 0xf) + 1;
	disk->track = channel->count.now;
	ide_succeed(channel);
}

/* What a disk shows after reset and diagnostics [ATA8-APT "Device signature"]. */
static void show_signature(struct ide_channel *channel)
{
	channel->count = (struct ide_register) { 1, 0 };
	channel->lba[0] = (struct ide_register) { 1, 0 };
	channel->lba[1] = channel->lba[2] = (struct ide_register) { 0, 0 };
	channel->device &= ~(DEVICE_SECOND | 0xf);
	channel->error = DIAGNOSTIC_PASSED;
}

static void carry_out(struct ide_channel *channel)
{
	struct ata_disk *disk = ide_disk(channel);

	switch (channel->command.kind) {
	case ATA_READ:
	case ATA_WRITE:
	case ATA_VERIFY:
		start_medium(channel);
		break;
	case ATA_FLUSH:
		channel->status = STATUS_READY | STATUS_SEEK;
		ide_transfer(channel, IDE_FLUSH, 0);
		break;
	case ATA_IDENTIFY:
		ata_identify(disk, channel->buffer);
		channel->left = 0;
		offer_block(channel, ATA_SECTOR, true);
		interrupt(channel);
		break;
	case ATA_SET_FEATURES:
		if (ata_set_feature(disk, channel->feature.now, channel->count.now))
			ide_succeed(channel);
		else
			ide_fail(channel, ERROR_ABORTED);
		break;
	case ATA_SET_MULTIPLE:
		set_multiple(channel);
		break;
	case ATA_SET_GEOMETRY:
		set_geometry(channel);
		break;
	case ATA_DIAGNOSTIC:
		show_signature(channel);
		ide_succeed(channel);
		break;
	case ATA_POWER_MODE:
		channel->count.now = POWER_ACTIVE;
		ide_succeed(channel);
		break;
	case ATA_NOTHING:
		ide_succeed(channel);
		break;
	case ATA_UNKNOWN:
		ide_fail(channel, ERROR_ABORTED);
		break;
	}
}

static void write_command(struct ide_channel *channel, uint8_t code)
{
	/* While one is under way others are not heard; nor is a disk that is not there. */
	if (channel->running || channel->status & STATUS_BUSY || !ide_disk(channel)->present)
		return;
	no_interrupt(channel);
	channel->error = 0;
	channel->command = ata_decode(code);
	carry_out(channel);
}

static void reset(struct ide_channel *channel)
{
	channel->reset_owed = false;
	channel->command.kind = ATA_UNKNOWN;
	channel->interrupt = false;
	show_signature(channel);
	channel->device = 0;
	channel->status = STATUS_READY | STATUS_SEEK;
	channel->disk[0].multiple = channel->disk[1].multiple = 0;
	ide_update_interrupt(channel);
}

/* What is under way ends first: the image's owner still uses the guest's memory. */
static void write_control(struct ide_channel *channel, uint8_t value)
{
	bool was = channel->control & CONTROL_RESET;

	channel->control = value;
	if (value & CONTROL_RESET) {
		channel->status = STATUS_BUSY;
		channel->command.kind = ATA_UNKNOWN;
		channel->interrupt = false;
	} else if (was) {
		channel->reset_owed = true;
		if (!channel->running)
			reset(channel);
	}
	ide_update_interrupt(channel);
}

void ide_done(struct ide *ide, unsigned int index, bool ok)
{
	struct ide_channel *channel = &ide->channel[index];

	channel->running = false;
	/* A reset that has not ended, or that began anew, does not end by this. */
	if (channel->control & CONTROL_RESET)
		return;
	if (channel->reset_owed) {
		reset(channel);
		return;
	}
	if (channel->command.kind == ATA_UNKNOWN)
		return;
	if (!ok)
		ide_fail(channel, channel->transfer.kind == IDE_READ ? ERROR_UNREADABLE :
								       ERROR_ABORTED);
	else if (channel->command.kind == ATA_FLUSH)
		ide_succeed(channel);
	else if (channel->command.dma)
		ide_dma_done(channel);
	else
		pio_done(channel);
}

/* --- registers --- */

static bool has_disks(const struct ide_channel *channel)
{
	return channel->disk[0].present || channel->disk[1].present;
}

static uint8_t read_status(struct ide_channel *channel)
{
	return ide_disk(channel)->present ? channel->status : 0;
}

static uint8_t shown(const struct ide_channel *channel, const struct ide_register *cell)
{
	return channel->control & CONTROL_BEFORE ? cell->before : cell->now;
}

static uint64_t read_command_block(void *device, unsigned int offset, unsigned int bytes)
{
	struct ide_channel *channel = device;

	if (!has_disks(channel))
		return ~0ull;		/* nobody drives the cable */
	switch (offset) {
	case REG_DATA:
		return read_data(channel, bytes);
	case REG_ERROR:
		return channel->error;
	case REG_COUNT:
		return shown(channel, &channel->count);
	case REG_LBA_LOW:
	case REG_LBA_MID:
	case REG_LBA_HIGH:
		return shown(channel, &channel->lba[offset - REG_LBA_LOW]);
	case REG_DEVICE:
		return channel->device | 0xa0;
	default:
		/* Reading it is the answer to the interrupt. */
		no_interrupt(channel);
		return read_status(channel);
	}
}

static void set_register(struct ide_register *cell, uint8_t value)
{
	cell->before = cell->now;
	cell->now = value;
}

static void write_command_block(void *device, unsigned int offset, unsigned int bytes,
				uint64_t value)
{
	struct ide_channel *channel = device;

	channel->control &= ~CONTROL_BEFORE;	/* ends with any of these writes */
	if (channel->status & STATUS_BUSY && offset != REG_DATA)
		return;
	switch (offset) {
	case REG_DATA:
		write_data(channel, bytes, value);
		break;
	case REG_FEATURE:
		set_register(&channel->feature, value);
		break;
	case REG_COUNT:
		set_register(&channel->count, value);
		break;
	case REG_LBA_LOW:
	case REG_LBA_MID:
	case REG_LBA_HIGH:
		set_register(&channel->lba[offset - REG_LBA_LOW], value);
		break;
	case REG_DEVICE:
		channel->device = value;
		break;
	case REG_COMMAND:
		write_command(channel, value);
		break;
	}
}

static uint64_t read_control_block(void *device, unsigned int offset, unsigned int bytes)
{
	struct ide_channel *channel = device;

	(void)bytes;
	if (offset != CONTROL_AT || !has_disks(channel))
		return ~0ull;
	return read_status(channel);
}

static void write_control_block(void *device, unsigned int offset, unsigned int bytes,
				uint64_t value)
{
	(void)bytes;
	if (offset == CONTROL_AT)
		write_control(device, value);
}

static void init_channel(struct ide *ide, unsigned int index)
{
	struct ide_channel *channel = &ide->channel[index];

	*channel = (struct ide_channel) {
		.ide = ide,
		.index = index,
		.command_range = { .space = BUS_PORTS, .bytes = COMMAND_BYTES, .device = channel,
				   .read = read_command_block, .write = write_command_block },
		.control_range = { .space = BUS_PORTS, .bytes = CONTROL_BYTES, .device = channel,
				   .read = read_control_block, .write = write_control_block },
	};
	reset(channel);
	pci_add_bar(&ide->pci, 2 * index, &channel->command_range);
	pci_add_bar(&ide->pci, 2 * index + 1, &channel->control_range);
}

/* [82801DB 11.1 "PCI Configuration Registers (IDE)"] */
static void init_config(struct pci_device *pci)
{
	memset(pci->writable + 0x40, 0xff, 0x0c);	/* timings of both channels */
	memset(pci->writable + 0x54, 0xff, 2);		/* I/O configuration */
	pci->config[0x41] = pci->config[0x43] = 0x80;	/* both channels decode */
	pci->config[0x54] = 0xf0;			/* cables of 80 wires */
	pci->config[0x48] = 0x0f;			/* Ultra DMA for all four */
}

bool ide_init(struct ide *ide, struct pci *pci,
	      void (*start)(void *context, struct ide_transfer *transfer), void *context)
{
	/* Both channels native, and cannot be otherwise; a bus master. */
	static const struct pci_identity identity = {
		.vendor = 0x8086, .device = 0x24cb, .revision = 1, .class = 0x010185,
		.subsystem_vendor = 0x8086, .subsystem = 0x24cb, .has_interrupt = true,
	};

	*ide = (struct ide) { .host = pci->bus->host, .start = start, .context = context };
	if (!pci_add(pci, &ide->pci, &identity))
		return false;
	init_config(&ide->pci);
	init_channel(ide, 0);
	init_channel(ide, 1);
	ide_dma_init(ide);
	pci_start(&ide->pci);
	return true;
}

void ide_add_disk(struct ide *ide, unsigned int channel, unsigned int drive, uint64_t bytes,
		  bool read_only, const char *serial)
{
	ata_init(&ide->channel[channel].disk[drive], bytes, read_only, serial);
}
