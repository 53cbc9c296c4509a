// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * IDE disks and their bus master, by the rules of ATA8-ACS and SFF-8038i.
 */
#include "machine.h"

#include "emul/ide.h"

enum {
	SECTORS = 4096,
	TABLE = 0x1000,
	MEMORY = 0x20000,
	/* Where the controller is put at start. */
	CMD = PCI_PORTS_BASE, CTL = CMD + 8 + 2, CMD2 = CMD + 0x10, MASTER = CMD + 0x20,
	DATA = CMD, ERROR = CMD + 1, COUNT, LOW, MID, HIGH, DEVICE, STATUS,
};

static struct pci pci;
static struct ide ide;
static uint8_t image[SECTORS * ATA_SECTOR];
static struct ide_transfer *started;
static unsigned int starts;

static void start(void *context, struct ide_transfer *transfer)
{
	(void)context;
	assert_null(started);
	started = transfer;
	starts++;
}

/* Does what it was asked for. */
static void finish(bool ok)
{
	struct ide_transfer *transfer = started;
	uint64_t at, bytes = 0;
	unsigned int i;

	assert_non_null(transfer);
	started = NULL;
	at = transfer->offset;
	for (i = 0; i < transfer->piece_count && ok; i++) {
		const struct iovec *piece = &transfer->piece[i];

		assert_true(at + piece->iov_len <= sizeof(image));
		if (transfer->kind == IDE_READ)
			memcpy(piece->iov_base, image + at, piece->iov_len);
		else
			memcpy(image + at, piece->iov_base, piece->iov_len);
		at += piece->iov_len;
		bytes += piece->iov_len;
	}
	if (ok && transfer->kind != IDE_FLUSH)
		assert_int_equal(bytes, transfer->bytes);
	ide_done(&ide, transfer->channel, ok);
}

static int setup(void **state)
{
	unsigned int i;

	machine_setup(state);
	started = NULL;
	starts = 0;
	for (i = 0; i < sizeof(image); i++)
		image[i] = i / ATA_SECTOR * 7 + i;
	pci_init(&pci, &machine.bus, &machine.ioapic);
	assert_true(ide_init(&ide, &pci, start, NULL));
	ide_add_disk(&ide, 0, 0, sizeof(image), false, "PVN0");
	enable_pin(16);
	return 0;
}

static void command(uint8_t code, uint64_t sector, unsigned int count)
{
	out(COUNT, 1, count >> 8);
	out(LOW, 1, sector >> 24);
	out(MID, 1, sector >> 32);
	out(HIGH, 1, sector >> 40);
	out(COUNT, 1, count);
	out(LOW, 1, sector);
	out(MID, 1, sector >> 8);
	out(HIGH, 1, sector >> 16);
	out(DEVICE, 1, 0x40 | (sector >> 24 & 0xf));
	out(STATUS, 1, code);
}

static void region(unsigned int entry, uint32_t at, uint32_t count)
{
	memcpy(machine.ram + TABLE + 8 * entry, &at, 4);
	memcpy(machine.ram + TABLE + 8 * entry + 4, &count, 4);
}

static void master(uint8_t direction)
{
	out(MASTER + 4, 4, TABLE);
	out(MASTER + 2, 1, 6);
	out(MASTER, 1, direction | 1);
}

static uint16_t words[256];

static void read_words(void)
{
	unsigned int i;

	for (i = 0; i < 256; i++)
		words[i] = in(DATA, 2);
}

static void it_is_a_native_bus_master_of_the_piix_family(void **state)
{
	(void)state;
	out(0xcf8, 4, 0x80000000 | 1 << 11);
	assert_int_equal(in(0xcfc, 4), 0x24cb8086);
	out(0xcf8, 4, 0x80000000 | 1 << 11 | 8);
	assert_int_equal(in(0xcfc, 4) >> 8, 0x010185);
	out(0xcf8, 4, 0x80000000 | 1 << 11 | 0x40);
	assert_int_equal(in(0xcfc, 4) & 0x80008000, 0x80008000);
}

static void identify_describes_the_disk(void **state)
{
	unsigned int i;
	uint8_t sum = 0;

	(void)state;
	out(STATUS, 1, 0xec);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(in(CTL, 1), 0x58);
	assert_int_equal(in(STATUS, 1), 0x58);
	read_words();
	assert_int_equal(in(STATUS, 1), 0x50);
	assert_int_equal(words[60] | words[61] << 16, SECTORS);
	assert_int_equal(words[100], SECTORS);
	assert_int_equal(words[83] & 0xc400, 0x4400);
	/* Modes 3 and 4 of PIO are not without IORDY [ATA8-ACS 7.16: words 49, 64]. */
	assert_int_equal(words[64] & 3, 3);
	assert_int_equal(words[49] & 0x0b00, 0x0b00);
	assert_int_equal(words[88] & 0x20, 0x20);
	assert_int_equal(words[10], 'P' << 8 | 'V');
	for (i = 0; i < 512; i++)
		sum += ((uint8_t *)words)[i];
	assert_int_equal(sum, 0);
}

static void pio_reads_a_block_per_interrupt(void **state)
{
	(void)state;
	command(0x20, 10, 2);
	assert_int_equal(in(CTL, 1) & 0x80, 0x80);
	assert_int_equal(interrupts(), 0);
	finish(true);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(in(STATUS, 1), 0x58);
	read_words();
	assert_memory_equal(words, image + 10 * 512, 512);
	finish(true);
	assert_int_equal(interrupts(), 1);
	in(STATUS, 1);
	read_words();
	assert_memory_equal(words, image + 11 * 512, 512);
	assert_int_equal(in(STATUS, 1), 0x50);
	assert_int_equal(interrupts(), 0);
	assert_int_equal(in(DATA, 2), 0xffff);
}

static void pio_writes_ask_for_the_first_block_without_interrupt(void **state)
{
	unsigned int i;

	(void)state;
	command(0x30, 3, 1);
	assert_int_equal(interrupts(), 0);
	assert_int_equal(in(STATUS, 1), 0x58);
	for (i = 0; i < 128; i++)
		out(DATA, 4, 0x01020304 + i);
	assert_int_equal(in(STATUS, 1) & 0x80, 0x80);
	finish(true);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(in(STATUS, 1), 0x50);
	assert_int_equal(image[3 * 512], 4);
	assert_int_equal(image[3 * 512 + 511], 1);
}

static void multiple_moves_as_many_sectors_as_were_set(void **state)
{
	unsigned int i;

	(void)state;
	command(0xc4, 0, 4);	/* none set yet */
	assert_int_equal(in(STATUS, 1), 0x51);
	assert_int_equal(in(ERROR, 1), 0x04);
	out(COUNT, 1, 4);
	out(STATUS, 1, 0xc6);
	assert_int_equal(in(STATUS, 1), 0x50);
	command(0x29, 8, 6);
	assert_int_equal(started->bytes, 4 * 512);
	finish(true);
	for (i = 0; i < 4; i++) {
		assert_int_equal(in(STATUS, 1), 0x58);
		read_words();
		assert_memory_equal(words, image + (8 + i) * 512, 512);
	}
	assert_int_equal(started->bytes, 2 * 512);
	out(COUNT, 1, 3);
	finish(true);
	read_words();
	read_words();
	assert_int_equal(in(STATUS, 1), 0x50);
	out(COUNT, 1, 3);
	out(STATUS, 1, 0xc6);
	assert_int_equal(in(STATUS, 1), 0x51);
}

static void dma_moves_what_the_regions_say(void **state)
{
	(void)state;
	region(0, MEMORY, 512);
	region(1, MEMORY + 0x10000, 512 | 0x80000000);
	command(0x25, 20, 2);
	assert_null(started);	/* the bus master was not told yet */
	master(8);
	assert_int_equal(in(MASTER + 2, 1) & 7, 1);
	finish(true);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(in(MASTER + 2, 1) & 7, 4);
	out(MASTER, 1, 8);
	assert_int_equal(in(STATUS, 1), 0x50);
	out(MASTER + 2, 1, 4);
	assert_int_equal(in(MASTER + 2, 1) & 7, 0);
	assert_memory_equal(machine.ram + MEMORY, image + 20 * 512, 512);
	assert_memory_equal(machine.ram + MEMORY + 0x10000, image + 21 * 512, 512);
}

static void dma_may_start_before_the_command(void **state)
{
	(void)state;
	memset(machine.ram + MEMORY, 0xab, 512);
	region(0, MEMORY, 512 | 0x80000000);
	master(0);
	command(0xca, 7, 1);
	finish(true);
	assert_int_equal(in(STATUS, 1), 0x50);
	assert_int_equal(image[7 * 512], 0xab);
	assert_int_equal(image[8 * 512 - 1], 0xab);
}

static void a_region_of_zero_is_64_kib(void **state)
{
	(void)state;
	region(0, MEMORY, 0x80000000);
	command(0x25, 0, 128);
	master(8);
	assert_int_equal(started->bytes, 0x10000);
	finish(true);
	assert_memory_equal(machine.ram + MEMORY, image, 0x10000);
}

static void long_tables_go_in_several_transfers(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 512; i++)
		region(i, MEMORY + i * 512, 512);
	region(511, MEMORY + 511 * 512, 512 | 0x80000000);
	command(0x25, 100, 512);
	master(8);
	while (started)
		finish(true);
	assert_int_equal(starts, 2);
	assert_int_equal(in(STATUS, 1), 0x50);
	assert_memory_equal(machine.ram + MEMORY, image + 100 * 512, 512 * 512);
}

static void regions_beyond_memory_are_errors(void **state)
{
	(void)state;
	region(0, RAM_BYTES - 256, 512 | 0x80000000);
	command(0x25, 0, 1);
	master(8);
	assert_null(started);
	assert_int_equal(in(MASTER + 2, 1) & 7, 6);
	assert_int_equal(in(STATUS, 1), 0x51);
	assert_int_equal(in(ERROR, 1), 0x04);
	out(MASTER, 1, 0);
	out(MASTER + 4, 4, RAM_BYTES);	/* the table itself */
	command(0x25, 0, 1);
	out(MASTER, 1, 9);
	assert_null(started);
	assert_int_equal(in(STATUS, 1), 0x51);
}

static void too_short_a_table_leaves_the_disk_waiting(void **state)
{
	(void)state;
	region(0, MEMORY, 512 | 0x80000000);
	command(0x25, 0, 2);
	master(8);
	finish(true);
	assert_int_equal(in(MASTER + 2, 1) & 5, 0);
	assert_int_equal(in(STATUS, 1) & 0x80, 0x80);
	out(CTL, 1, 4);
	out(CTL, 1, 0);
	assert_int_equal(in(STATUS, 1), 0x50);
}

static void the_wrong_direction_is_an_error(void **state)
{
	(void)state;
	region(0, MEMORY, 512 | 0x80000000);
	command(0x25, 0, 1);
	master(0);
	assert_null(started);
	assert_int_equal(in(STATUS, 1), 0x51);
}

static void without_bus_mastering_nothing_moves(void **state)
{
	(void)state;
	out(0xcf8, 4, 0x80000000 | 1 << 11 | 4);
	out(0xcfc, 2, 1);
	region(0, MEMORY, 512 | 0x80000000);
	command(0x25, 0, 1);
	master(8);
	assert_null(started);
	assert_int_equal(in(STATUS, 1), 0x51);
}

static void sectors_beyond_the_end_are_not_found(void **state)
{
	(void)state;
	command(0x25, SECTORS - 1, 2);
	assert_int_equal(in(STATUS, 1), 0x51);
	assert_int_equal(in(ERROR, 1), 0x10);
	command(0x25, 0xffffffffffff, 1);
	assert_int_equal(in(STATUS, 1), 0x51);
	command(0x20, SECTORS, 1);
	assert_int_equal(in(STATUS, 1), 0x51);
	assert_null(started);
}

static void a_count_of_zero_is_the_most(void **state)
{
	(void)state;
	command(0x20, 0, 0);
	assert_int_equal(started->bytes, 512);
	assert_int_equal(ide.channel[0].left, 256 * 512);
	finish(true);
	command(0x24, 0, 0);	/* 65536: more than there are */
	assert_int_equal(in(STATUS, 1), 0x51);
}

static void cylinders_heads_and_sectors_still_work(void **state)
{
	(void)state;
	out(COUNT, 1, 1);
	out(LOW, 1, 2);
	out(MID, 1, 1);
	out(HIGH, 1, 0);
	out(DEVICE, 1, 0xa3);
	out(STATUS, 1, 0x20);
	assert_int_equal(started->offset, ((1 * 16 + 3) * 63 + 1) * 512);
	finish(true);
	out(LOW, 1, 0);
	out(STATUS, 1, 0x20);
	assert_int_equal(in(STATUS, 1), 0x51);
}

static void heads_and_sectors_end_where_the_geometry_says(void **state)
{
	(void)state;
	out(COUNT, 1, 9);
	out(DEVICE, 1, 0xa3);	/* 4 heads of 9 sectors */
	out(STATUS, 1, 0x91);
	assert_int_equal(in(STATUS, 1), 0x50);
	out(COUNT, 1, 1);
	out(LOW, 1, 9);
	out(STATUS, 1, 0x20);
	assert_int_equal(started->offset, (3 * 9 + 8) * 512);
	finish(true);
	out(LOW, 1, 10);
	out(STATUS, 1, 0x20);
	assert_int_equal(in(ERROR, 1), 0x10);
	out(LOW, 1, 1);
	out(DEVICE, 1, 0xa4);
	out(STATUS, 1, 0x20);
	assert_int_equal(in(ERROR, 1), 0x10);
	assert_null(started);
}

static void failures_of_the_image_are_reported(void **state)
{
	(void)state;
	command(0x20, 0, 1);
	finish(false);
	assert_int_equal(in(STATUS, 1), 0x51);
	assert_int_equal(in(ERROR, 1), 0x40);
	out(STATUS, 1, 0xe7);
	assert_int_equal(started->kind, IDE_FLUSH);
	finish(false);
	assert_int_equal(in(STATUS, 1), 0x51);
	out(STATUS, 1, 0xe7);
	finish(true);
	assert_int_equal(in(STATUS, 1), 0x50);
}

static void forced_writes_are_durable(void **state)
{
	(void)state;
	region(0, MEMORY, 512 | 0x80000000);
	command(0x3d, 0, 1);
	master(0);
	assert_true(started->durable);
}

static void read_only_disks_refuse_writes(void **state)
{
	(void)state;
	ide_add_disk(&ide, 0, 0, sizeof(image), true, "PVN0");
	command(0x30, 0, 1);
	assert_int_equal(in(STATUS, 1), 0x51);
	command(0x35, 0, 1);
	assert_int_equal(in(STATUS, 1), 0x51);
	assert_null(started);
}

static void a_reset_waits_for_the_transfer(void **state)
{
	(void)state;
	command(0x20, 0, 1);
	out(CTL, 1, 4);
	assert_int_equal(in(CTL, 1) & 0x80, 0x80);
	out(CTL, 1, 0);
	assert_int_equal(in(CTL, 1) & 0x80, 0x80);
	out(STATUS, 1, 0xec);
	finish(true);
	assert_int_equal(in(STATUS, 1), 0x50);
	assert_int_equal(in(ERROR, 1), 1);
	assert_int_equal(in(COUNT, 1), 1);
	assert_int_equal(in(LOW, 1), 1);
	assert_int_equal(in(MID, 1), 0);
	assert_int_equal(interrupts(), 0);
}

static void a_reset_that_begins_anew_is_waited_for(void **state)
{
	(void)state;
	command(0x20, 0, 1);
	out(CTL, 1, 4);
	out(CTL, 1, 0);
	out(CTL, 1, 4);
	finish(true);
	assert_int_equal(in(CTL, 1) & 0x80, 0x80);
	out(CTL, 1, 0);
	assert_int_equal(in(CTL, 1), 0x50);
}

static void interrupts_can_be_held_back(void **state)
{
	(void)state;
	out(CTL, 1, 2);
	out(STATUS, 1, 0xec);
	assert_int_equal(interrupts(), 0);
	out(CTL, 1, 0);
	assert_int_equal(interrupts(), 1);
}

static void absent_disks_are_silent(void **state)
{
	(void)state;
	assert_int_equal(in(CMD2 + 7, 1), 0xff);
	out(DEVICE, 1, 0x10);
	assert_int_equal(in(STATUS, 1), 0);
	out(STATUS, 1, 0xec);
	assert_int_equal(in(STATUS, 1), 0);
	assert_int_equal(interrupts(), 0);
}

static void registers_keep_what_was_written_before(void **state)
{
	(void)state;
	out(LOW, 1, 0x12);
	out(LOW, 1, 0x34);
	assert_int_equal(in(LOW, 1), 0x34);
	out(CTL, 1, 0x80);
	assert_int_equal(in(LOW, 1), 0x12);
	out(MID, 1, 0);
	assert_int_equal(in(LOW, 1), 0x34);
}

static void unknown_commands_are_aborted(void **state)
{
	(void)state;
	out(STATUS, 1, 0xa1);
	assert_int_equal(in(STATUS, 1), 0x51);
	assert_int_equal(in(ERROR, 1), 0x04);
	out(ERROR, 1, 0x99);
	out(STATUS, 1, 0xef);
	assert_int_equal(in(STATUS, 1), 0x51);
	out(ERROR, 1, 0x03);
	out(COUNT, 1, 0x45);
	out(STATUS, 1, 0xef);
	assert_int_equal(in(STATUS, 1), 0x50);
	out(COUNT, 1, 0x46);
	out(STATUS, 1, 0xef);
	assert_int_equal(in(STATUS, 1), 0x51);
}

#define ON_IDE(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_IDE(it_is_a_native_bus_master_of_the_piix_family),
		ON_IDE(identify_describes_the_disk),
		ON_IDE(pio_reads_a_block_per_interrupt),
		ON_IDE(pio_writes_ask_for_the_first_block_without_interrupt),
		ON_IDE(multiple_moves_as_many_sectors_as_were_set),
		ON_IDE(dma_moves_what_the_regions_say),
		ON_IDE(dma_may_start_before_the_command),
		ON_IDE(a_region_of_zero_is_64_kib),
		ON_IDE(long_tables_go_in_several_transfers),
		ON_IDE(regions_beyond_memory_are_errors),
		ON_IDE(too_short_a_table_leaves_the_disk_waiting),
		ON_IDE(the_wrong_direction_is_an_error),
		ON_IDE(without_bus_mastering_nothing_moves),
		ON_IDE(sectors_beyond_the_end_are_not_found),
		ON_IDE(a_count_of_zero_is_the_most),
		ON_IDE(cylinders_heads_and_sectors_still_work),
		ON_IDE(heads_and_sectors_end_where_the_geometry_says),
		ON_IDE(failures_of_the_image_are_reported),
		ON_IDE(forced_writes_are_durable),
		ON_IDE(read_only_disks_refuse_writes),
		ON_IDE(a_reset_waits_for_the_transfer),
		ON_IDE(a_reset_that_begins_anew_is_waited_for),
		ON_IDE(interrupts_can_be_held_back),
		ON_IDE(absent_disks_are_silent),
		ON_IDE(registers_keep_what_was_written_before),
		ON_IDE(unknown_commands_are_aborted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
