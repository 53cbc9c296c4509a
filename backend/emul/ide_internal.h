/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Between the two halves of the IDE controller, ide.c and ide_dma.c.
 */
#ifndef EMUL_IDE_INTERNAL_H
#define EMUL_IDE_INTERNAL_H

#include "emul/ide.h"

/* Status register. */
#define STATUS_ERROR	0x01
#define STATUS_DATA	0x08	/* DRQ */
#define STATUS_SEEK	0x10
#define STATUS_READY	0x40
#define STATUS_BUSY	0x80
/* Error register. */
#define ERROR_ABORTED	0x04
#define ERROR_NOT_FOUND	0x10
#define ERROR_UNREADABLE 0x40
/* Bus master's status register [SFF-8038i 2.2 "Bus Master IDE Status Register"]. */
#define MASTER_ACTIVE	0x01
#define MASTER_ERROR	0x02
#define MASTER_INTERRUPT 0x04

struct ata_disk *ide_disk(struct ide_channel *channel);	/* that is selected */
void ide_update_interrupt(struct ide_channel *channel);
/* The command has ended. */
void ide_succeed(struct ide_channel *channel);
void ide_fail(struct ide_channel *channel, uint8_t error);
/* Asks for a transfer at channel->offset; its pieces are filled in. */
void ide_transfer(struct ide_channel *channel, enum ide_transfer_kind kind, uint64_t bytes);

void ide_dma_init(struct ide *ide);
/* The disk is ready to move channel->left bytes; waits for the bus master if it must. */
void ide_dma_begin(struct ide_channel *channel);
void ide_dma_done(struct ide_channel *channel);

#endif
