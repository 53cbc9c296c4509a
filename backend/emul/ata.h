/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What an ATA disk is and knows, apart from its registers: size, IDENTIFY data, and
 * what each command wants [ATA8-ACS]. Pure.
 */
#ifndef EMUL_ATA_H
#define EMUL_ATA_H

#include <stdbool.h>
#include <stdint.h>

enum {
	ATA_SECTOR = 512,
	ATA_BLOCK_MAX = 16,	/* sectors of a block of READ and WRITE MULTIPLE */
	ATA_HEADS = 16,
	ATA_TRACK = 63,
};

struct ata_disk {
	bool present;
	bool read_only;
	uint64_t sectors;
	char serial[21];
	/* What commands have set. */
	uint8_t multiple;	/* sectors; 0: off */
	uint8_t mode;		/* of transfer, as SET FEATURES has it */
	bool no_write_cache, no_look_ahead;
	uint8_t heads, track;	/* of INITIALIZE DEVICE PARAMETERS */
};

enum ata_kind {
	ATA_UNKNOWN,
	ATA_READ,
	ATA_WRITE,
	ATA_VERIFY,
	ATA_FLUSH,
	ATA_IDENTIFY,
	ATA_SET_FEATURES,
	ATA_SET_MULTIPLE,
	ATA_SET_GEOMETRY,
	ATA_DIAGNOSTIC,
	ATA_POWER_MODE,		/* says that it is active */
	ATA_NOTHING,		/* done as soon as it is written */
};

struct ata_command {
	enum ata_kind kind;
	bool wide;		/* 48-bit address, 16-bit count */
	bool dma;
	bool multiple;		/* interrupts per block, not per sector */
	bool durable;		/* on the medium before it ends */
};

/* Serial numbers are at most 20 characters. */
void ata_init(struct ata_disk *disk, uint64_t bytes, bool read_only, const char *serial);
struct ata_command ata_decode(uint8_t code);
void ata_identify(const struct ata_disk *disk, uint8_t data[ATA_SECTOR]);
/* SET FEATURES; false: it has no such feature. */
bool ata_set_feature(struct ata_disk *disk, uint8_t feature, uint8_t count);

#endif
