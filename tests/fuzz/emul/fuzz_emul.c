// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for the emulated devices: a guest that writes what it likes into registers and
 * into its memory, at any step, also while transfers are under way.
 *
 * The first byte says which device is there; then steps of 8 bytes: what to do, how wide,
 * where, and a word.
 */
#include <stdlib.h>
#include <string.h>

#include "emul/e1000.h"
#include "emul/i8042.h"
#include "emul/ide.h"
#include "emul/rtc.h"
#include "emul/uart.h"

enum {
	RAM_BYTES = 256 * 1024,
	STEP = 8,
	IMAGE_BYTES = 1 << 20,
	WITH_IDE = 1,
	WITH_E1000 = 2,
	WITH_SERIAL = 4,
	WITH_CLOCK = 8,
};

static uint8_t *ram;
static struct emul_host host;
static struct bus bus;
static struct ioapic ioapic;
static struct pci pci;
static struct ide ide;
static struct e1000 e1000;
static struct uart uart;
static struct rtc rtc;
static struct i8042 i8042;
static struct ide_transfer *started[IDE_CHANNELS];
static uint64_t now_ns;

static void *memory(void *context, uint64_t gpa, uint64_t bytes)
{
	(void)context;
	if (!bytes)
		abort();
	return gpa < RAM_BYTES && bytes <= RAM_BYTES - gpa ? ram + gpa : NULL;
}

static void interrupt(void *context, const struct emul_interrupt *interrupt)
{
	(void)context;
	(void)interrupt;
}

static void ports(void *context, uint16_t first, unsigned int count, bool on)
{
	(void)context;
	(void)on;
	if (first + count > 0x10000)
		abort();
}

static void start(void *context, struct ide_transfer *transfer)
{
	(void)context;
	if (transfer->channel >= IDE_CHANNELS || started[transfer->channel])
		abort();
	started[transfer->channel] = transfer;
}

/* What the kernel would do with guest memory and the image: all of it must be theirs. */
static void finish(unsigned int channel, bool ok)
{
	struct ide_transfer *transfer = started[channel];
	uint64_t bytes = 0;
	unsigned int i;

	if (!transfer)
		return;
	started[channel] = NULL;
	for (i = 0; i < transfer->piece_count && transfer->kind != IDE_FLUSH; i++) {
		if (transfer->kind == IDE_READ)
			memset(transfer->piece[i].iov_base, 0x77, transfer->piece[i].iov_len);
		else
			bytes += ((uint8_t *)transfer->piece[i].iov_base)[0] & 0;
		bytes += transfer->piece[i].iov_len;
	}
	if (transfer->kind != IDE_FLUSH && (bytes != transfer->bytes || !bytes ||
					    transfer->offset + bytes > IMAGE_BYTES))
		abort();
	ide_done(&ide, channel, ok);
}

static void send(void *context, const uint8_t *frame, unsigned int bytes)
{
	static uint8_t wire[E1000_FRAME_MAX + 64];

	(void)context;
	if (bytes > sizeof(wire) || bytes < 60)
		abort();
	memcpy(wire, frame, bytes);
}

static uint64_t now(void *context)
{
	(void)context;
	return now_ns;
}

static void transmit(void *context, uint8_t byte)
{
	(void)context;
	(void)byte;
}

static void reset(void *context)
{
	(void)context;
}

static void begin(uint8_t which)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	if (!ram)
		ram = malloc(RAM_BYTES);
	memset(ram, 0, RAM_BYTES);
	memset(&bus, 0, sizeof(bus));
	memset(started, 0, sizeof(started));
	now_ns = 1600000000ull * 1000000000;
	host = (struct emul_host) { NULL, memory, interrupt, ports };
	bus.host = &host;
	ioapic_init(&ioapic, &bus);
	if (which & WITH_SERIAL)
		uart_init(&uart, &bus, &ioapic, transmit, NULL);
	if (which & WITH_CLOCK) {
		rtc_init(&rtc, &bus, &ioapic, now, NULL, NULL);
		i8042_init(&i8042, &bus, reset, NULL);
	}
	pci_init(&pci, &bus, &ioapic);
	if (which & WITH_IDE) {
		ide_init(&ide, &pci, start, NULL);
		ide_add_disk(&ide, 0, 0, IMAGE_BYTES, false, "0");
		ide_add_disk(&ide, 0, 1, IMAGE_BYTES, true, "1");
		ide_add_disk(&ide, 1, 1, IMAGE_BYTES, false, "2");
	}
	if (which & WITH_E1000)
		e1000_init(&e1000, &pci, mac, send, now, NULL, NULL);
}

/* Ports that are worth trying are few; memory of devices is at three places. */
static void access_port(uint16_t where, unsigned int bytes, uint32_t word, bool is_write)
{
	static const uint16_t bases[] = { 0x3f8, 0x70, 0x60, 0xcf8, PCI_PORTS_BASE,
					  PCI_PORTS_BASE + 0x20 };
	uint16_t port = bases[(where >> 8) % 6] + (where & 0x3f);

	if (is_write)
		bus_write(&bus, BUS_PORTS, port, bytes, word);
	else
		bus_read(&bus, BUS_PORTS, port, bytes);
}

static void access_memory(uint16_t where, unsigned int bytes, uint32_t word, bool is_write)
{
	uint64_t at = where & 0x8000 ? IOAPIC_BASE + (where & 0x4c) : PCI_MEMORY_BASE + where;

	if (is_write)
		bus_write(&bus, BUS_MEMORY, at, bytes, word);
	else
		bus_read(&bus, BUS_MEMORY, at, bytes);
}

static void time_passes(uint8_t which, uint32_t word)
{
	now_ns += word * 1000ull;
	if (which & WITH_CLOCK)
		rtc_expire(&rtc);
	if (which & WITH_E1000)
		e1000_expire(&e1000);
	if (which & WITH_SERIAL)
		uart_receive(&uart, word);
}

static void frame_comes(uint8_t which, uint16_t bytes, uint32_t word)
{
	static uint8_t frame[65536];

	memcpy(frame, &word, sizeof(word));
	if (which & WITH_E1000 && (word & 0x10000 || e1000_can_receive(&e1000)))
		e1000_receive(&e1000, frame, bytes);
}

/*
 * Its pin is edge-triggered: a cause that is not masked is told of, or will be when the
 * throttle lets it. A line that is held without a cause would hide the next edge.
 */
static void check_card(void)
{
	bool pending = e1000.reg[0xc0 / 4] & e1000.reg[0xd0 / 4];

	if (pending != (e1000.pci.asserted || e1000.owed) ||
	    (e1000.owed && e1000_next(&e1000) == E1000_NEVER))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t widths[] = { 1, 2, 4, 8 };
	unsigned int bytes;
	uint8_t which;
	uint16_t where;
	uint32_t word;

	if (!size)
		return 0;
	which = *data++;
	begin(which);
	for (size--; size >= STEP; data += STEP, size -= STEP) {
		bytes = widths[data[1] & 3];
		memcpy(&where, data + 2, sizeof(where));
		memcpy(&word, data + 4, sizeof(word));
		switch (data[0] % 8) {
		case 0:
		case 1:
			access_port(where, bytes > 4 ? 4 : bytes, word, data[0] & 1);
			break;
		case 2:
		case 3:
			access_memory(where, bytes, word, data[0] & 1);
			break;
		case 4:
			memcpy(ram + where * 4u % RAM_BYTES, &word, sizeof(word));
			break;
		case 5:
			finish(where % IDE_CHANNELS, word & 1);
			break;
		case 6:
			time_passes(which, word);
			break;
		case 7:
			frame_comes(which, where, word);
			break;
		}
		if (which & WITH_E1000)
			check_card();
	}
	finish(0, true);
	finish(1, false);
	return 0;
}
