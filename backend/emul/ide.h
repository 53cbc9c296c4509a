/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * IDE controller of the PIIX family with two channels of two disks: PIO, and bus-master
 * DMA [SFF-8038i]. It is the ICH4's (82801DB), fixed in native mode: base addresses say
 * where its registers are, and both channels interrupt through INTA. Pure: transfers
 * between image and memory are somebody else's, and take as long as they take.
 *
 * A channel: idle --command--> [reading or writing the image: BSY] --> a block to move by
 * the guest (DRQ) --> ... --> idle. With DMA the image is read and written straight from
 * and to guest memory, piece by piece as the table of memory regions says.
 */
#ifndef EMUL_IDE_H
#define EMUL_IDE_H

#include <sys/uio.h>

#include "emul/ata.h"
#include "emul/pci.h"

enum {
	IDE_CHANNELS = 2,
	IDE_DRIVES = 2,		/* of a channel */
	IDE_PIECES_MAX = 256,	/* of memory, in one transfer */
};

enum ide_transfer_kind {
	IDE_READ,		/* from the image */
	IDE_WRITE,
	IDE_FLUSH,
};

/* What the owner of the images is asked to do. Lives in the channel until it is done. */
struct ide_transfer {
	enum ide_transfer_kind kind;
	unsigned int channel, drive;
	uint64_t offset;	/* bytes, in the image */
	uint64_t bytes;
	bool durable;
	unsigned int piece_count;
	struct iovec piece[IDE_PIECES_MAX];
};

/* A byte of the task file and the one that was written before it: 48-bit commands use both. */
struct ide_register {
	uint8_t now, before;
};

struct ide_channel {
	struct ide *ide;
	unsigned int index;
	struct bus_range command_range, control_range;
	struct ata_disk disk[IDE_DRIVES];
	struct ide_register feature, count, lba[3];
	uint8_t device, status, error, control;
	bool interrupt;		/* INTRQ, whether it may be seen or not */

	struct ata_command command;	/* being carried out */
	uint64_t offset, left;	/* bytes: where in the image, and how many are to come */
	bool running;		/* a transfer is under way */
	bool reset_owed;	/* comes when it has ended */
	bool from_image;	/* the block goes on to the guest, or came from it */
	uint8_t buffer[ATA_BLOCK_MAX * ATA_SECTOR];
	unsigned int at, filled;	/* of the buffer, while DRQ */
	struct ide_transfer transfer;

	/* bus master */
	uint8_t master_command, master_status;
	uint32_t table;		/* GPA of region descriptors */
	unsigned int entry;	/* the one in use */
	uint32_t entry_used;	/* bytes of it */
	bool table_ended;
};

struct ide {
	struct pci_device pci;
	const struct emul_host *host;
	struct ide_channel channel[IDE_CHANNELS];
	void (*start)(void *context, struct ide_transfer *transfer);
	void *context;
};

/* A free slot of the bus, or false. `start` begins a transfer, and must not end it itself. */
bool ide_init(struct ide *ide, struct pci *pci,
	      void (*start)(void *context, struct ide_transfer *transfer), void *context);
/* Before the guest runs. */
void ide_add_disk(struct ide *ide, unsigned int channel, unsigned int drive, uint64_t bytes,
		  bool read_only, const char *serial);
/* The transfer of a channel has ended. */
void ide_done(struct ide *ide, unsigned int channel, bool ok);

#endif
