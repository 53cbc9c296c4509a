// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What an ATA disk knows; see ata.h.
 */
#include "emul/ata.h"

#include <stdio.h>
#include <string.h>

#define CYLINDERS_MAX	16383u
#define SECTORS_28	0x0fffffffull
#define SECTORS_48	0xffffffffffffull
#define MODE_PIO	0x08
#define MODE_MULTIWORD	0x20
#define MODE_ULTRA	0x40

void ata_init(struct ata_disk *disk, uint64_t bytes, bool read_only, const char *serial)
{
	*disk = (struct ata_disk) {
		.present = true,
		.read_only = read_only,
		.sectors = bytes / ATA_SECTOR < SECTORS_48 ? bytes / ATA_SECTOR : SECTORS_48,
		.mode = MODE_ULTRA | 5,
		.heads = ATA_HEADS,
		.track = ATA_TRACK,
	};
	snprintf(disk->serial, sizeof(disk->serial), "%s", serial);
}

/* [ATA8-ACS 7 "Command descriptions"] */
struct ata_command ata_decode(uint8_t code)
{
	static const struct ata_command commands[256] = {
		[0x10] = { .kind = ATA_NOTHING },				/* RECALIBRATE */
		[0x20] = { .kind = ATA_READ }, [0x21] = { .kind = ATA_READ },
		[0x24] = { .kind = ATA_READ, .wide = true },
		[0x25] = { .kind = ATA_READ, .wide = true, .dma = true },
		[0x29] = { .kind = ATA_READ, .wide = true, .multiple = true },
		[0x30] = { .kind = ATA_WRITE }, [0x31] = { .kind = ATA_WRITE },
		[0x34] = { .kind = ATA_WRITE, .wide = true },
		[0x35] = { .kind = ATA_WRITE, .wide = true, .dma = true },
		[0x39] = { .kind = ATA_WRITE, .wide = true, .multiple = true },
		[0x3d] = { .kind = ATA_WRITE, .wide = true, .dma = true, .durable = true },
		[0x40] = { .kind = ATA_VERIFY }, [0x41] = { .kind = ATA_VERIFY },
		[0x42] = { .kind = ATA_VERIFY, .wide = true },
		[0x70] = { .kind = ATA_NOTHING },				/* SEEK */
		[0x90] = { .kind = ATA_DIAGNOSTIC },
		[0x91] = { .kind = ATA_SET_GEOMETRY },
		[0xc4] = { .kind = ATA_READ, .multiple = true },
		[0xc5] = { .kind = ATA_WRITE, .multiple = true },
		[0xc6] = { .kind = ATA_SET_MULTIPLE },
		[0xc8] = { .kind = ATA_READ, .dma = true }, [0xc9] = { .kind = ATA_READ, .dma = true },
		[0xca] = { .kind = ATA_WRITE, .dma = true }, [0xcb] = { .kind = ATA_WRITE, .dma = true },
		[0xce] = { .kind = ATA_WRITE, .wide = true, .multiple = true, .durable = true },
		[0xe0] = { .kind = ATA_NOTHING }, [0xe1] = { .kind = ATA_NOTHING },	/* STANDBY, IDLE */
		[0xe2] = { .kind = ATA_NOTHING }, [0xe3] = { .kind = ATA_NOTHING },
		[0xe5] = { .kind = ATA_POWER_MODE },
		[0xe7] = { .kind = ATA_FLUSH }, [0xea] = { .kind = ATA_FLUSH, .wide = true },
		[0xec] = { .kind = ATA_IDENTIFY },
		[0xef] = { .kind = ATA_SET_FEATURES },
	};

	return commands[code];
}

static void put(uint8_t *data, unsigned int word, uint16_t value)
{
	data[2 * word] = value;
	data[2 * word + 1] = value >> 8;
}

static void put32(uint8_t *data, unsigned int word, uint32_t value)
{
	put(data, word, value);
	put(data, word + 1, value >> 16);
}

/* Two characters a word, the first one high, padded with spaces. */
static void put_text(uint8_t *data, unsigned int word, unsigned int words, const char *text)
{
	size_t bytes = strlen(text), i;

	for (i = 0; i < 2 * words; i++)
		data[2 * word + (i ^ 1)] = i < bytes ? text[i] : ' ';
}

static void put_geometry(const struct ata_disk *disk, uint8_t *data)
{
	uint64_t cylinders = disk->sectors / (ATA_HEADS * ATA_TRACK), current;

	put(data, 1, cylinders < CYLINDERS_MAX ? cylinders : CYLINDERS_MAX);
	put(data, 3, ATA_HEADS);
	put(data, 6, ATA_TRACK);
	current = disk->sectors / (disk->heads * disk->track);
	if (current > 0xffff)
		current = 0xffff;
	put(data, 54, current);
	put(data, 55, disk->heads);
	put(data, 56, disk->track);
	put32(data, 57, current * disk->heads * disk->track);
}

/* One bit per mode that there is, and eight higher the one that is set. */
static void put_modes(const struct ata_disk *disk, uint8_t *data)
{
	uint16_t multiword = 0x07, ultra = 0x3f, chosen = 0x100 << (disk->mode & 7);

	if ((disk->mode & 0xf8) == MODE_MULTIWORD)
		multiword |= chosen;
	if ((disk->mode & 0xf8) == MODE_ULTRA)
		ultra |= chosen;
	put(data, 63, multiword);
	put(data, 64, 0x03);		/* PIO modes 3 and 4 */
	put(data, 65, 120);		/* ns of a cycle, each */
	put(data, 66, 120);
	put(data, 67, 120);
	put(data, 68, 120);
	put(data, 88, ultra);
}

/* [ATA8-ACS 7.16 "IDENTIFY DEVICE"], numbers are those of its words. */
void ata_identify(const struct ata_disk *disk, uint8_t data[ATA_SECTOR])
{
	const uint16_t sets = 0x4000 | 1 << 12 | 1 << 13;	/* both flushes */
	uint8_t sum = 0;
	unsigned int i;

	memset(data, 0, ATA_SECTOR);
	put(data, 0, 0x0040);					/* a fixed disk */
	put_geometry(disk, data);
	put_text(data, 10, 10, disk->serial);
	put_text(data, 23, 4, "1.0");
	put_text(data, 27, 20, "PARAVANE EMULATED DISK");
	put(data, 47, 0x8000 | ATA_BLOCK_MAX);
	put(data, 49, 0x0f00);		/* LBA, DMA; IORDY, as PIO modes 3 and 4 need it */
	put(data, 50, 0x4000);
	put(data, 53, 0x0007);					/* words 54-58, 64-70, 88 count */
	put(data, 59, disk->multiple ? 0x100 | disk->multiple : 0);
	put32(data, 60, disk->sectors < SECTORS_28 ? disk->sectors : SECTORS_28);
	put_modes(disk, data);
	put(data, 80, 0x01f0);					/* ATA-4 to ATA8 */
	put(data, 82, 1 << 5 | 1 << 6);				/* write cache, look-ahead */
	put(data, 83, sets | 1 << 10);				/* 48-bit addresses */
	put(data, 84, 0x4000 | 1 << 6);				/* FUA writes */
	put(data, 85, (disk->no_write_cache ? 0 : 1 << 5) | (disk->no_look_ahead ? 0 : 1 << 6));
	put(data, 86, (sets & 0x3fff) | 1 << 10);
	put(data, 87, 0x4000 | 1 << 6);
	put(data, 93, 0x600b);					/* 80 wires, passed its test */
	put32(data, 100, disk->sectors);
	put32(data, 102, disk->sectors >> 32);
	data[510] = 0xa5;
	for (i = 0; i < 511; i++)
		sum += data[i];
	data[511] = -sum;
}

static bool set_mode(struct ata_disk *disk, uint8_t mode)
{
	uint8_t kind = mode & 0xf8, number = mode & 7;

	if (kind == 0 && number <= 1)		/* PIO, its default mode */
		return true;
	if ((kind == MODE_PIO && number <= 4) || (kind == MODE_MULTIWORD && number <= 2) ||
	    (kind == MODE_ULTRA && number <= 5)) {
		/* Choosing a mode of PIO leaves that of DMA. */
		if (kind != MODE_PIO)
			disk->mode = mode;
		return true;
	}
	return false;
}

bool ata_set_feature(struct ata_disk *disk, uint8_t feature, uint8_t count)
{
	switch (feature) {
	case 0x02:
	case 0x82:
		disk->no_write_cache = feature == 0x82;
		return true;
	case 0x03:
		return set_mode(disk, count);
	case 0x55:
	case 0xaa:
		disk->no_look_ahead = feature == 0x55;
		return true;
	case 0x66:	/* what was set survives a reset, or not: here it always does */
	case 0xcc:
		return true;
	default:
		return false;
	}
}
