// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Network card, by the rules of the manual of the 8254x family.
 */
#include "machine.h"

#include "emul/e1000.h"

enum {
	RING = 0x1000, BUFFERS = 0x10000, DATA = 0x40000, RING_COUNT = 8,
	CTRL = 0x0, STATUS = 0x8, EECD = 0x10, EERD = 0x14, MDIC = 0x20, VET = 0x38, ICR = 0xc0,
	ITR = 0xc4, ICS = 0xc8, IMS = 0xd0, IMC = 0xd8, RCTL = 0x100, TCTL = 0x400,
	RDBAL = 0x2800, TDBAL = 0x3800, MTA = 0x5200, RAL = 0x5400,
};

static const uint8_t mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };
static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static struct pci pci;
static struct e1000 e1000;
static uint64_t now_ns;
static uint8_t sent[64][2048];
static unsigned int sent_bytes[64], sent_count;

static void send(void *context, const uint8_t *frame, unsigned int bytes)
{
	(void)context;
	assert_true(sent_count < 64);
	memcpy(sent[sent_count], frame, bytes < 2048 ? bytes : 2048);
	sent_bytes[sent_count++] = bytes;
}

static uint64_t now(void *context)
{
	(void)context;
	return now_ns;
}

static uint32_t get(unsigned int at)
{
	return load(PCI_MEMORY_BASE + at);
}

static void set(unsigned int at, uint32_t value)
{
	store(PCI_MEMORY_BASE + at, value);
}

static int setup(void **state)
{
	machine_setup(state);
	now_ns = 1000;
	sent_count = 0;
	pci_init(&pci, &machine.bus, &machine.ioapic);
	assert_true(e1000_init(&e1000, &pci, mac, send, now, NULL, NULL));
	enable_pin(16);
	return 0;
}

static void put(uint64_t at, uint64_t value, unsigned int bytes)
{
	memcpy(machine.ram + at, &value, bytes);
}

static uint64_t number(uint64_t at, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, machine.ram + at, bytes);
	return value;
}

/* --- registers --- */

static void a_reset_card_shows_its_address_and_its_link(void **state)
{
	(void)state;
	assert_int_equal(get(STATUS) & 0x83, 0x83);
	assert_int_equal(get(RAL), 0x33221102);
	assert_int_equal(get(RAL + 4), 0x80005544);
	set(RAL, 1);
	set(CTRL, 0x04000040);
	assert_int_equal(get(RAL), 0x33221102);
	assert_int_equal(get(CTRL) & 0x04000000, 0);
}

/* As drivers without EERD do it. */
static uint16_t read_eeprom_by_wires(unsigned int address)
{
	unsigned int command = 6 << 6 | address, i;
	uint16_t word = 0;

	set(EECD, 0x42);
	for (i = 0; i < 9; i++) {
		uint32_t wires = 0x42 | (command >> (8 - i) & 1 ? 4 : 0);

		set(EECD, wires);
		set(EECD, wires | 1);
		set(EECD, wires);
	}
	for (i = 0; i < 16; i++) {
		set(EECD, 0x43);
		word = word << 1 | (get(EECD) >> 3 & 1);
		set(EECD, 0x42);
	}
	set(EECD, 0);
	return word;
}

static void its_eeprom_is_read_by_wires_and_by_words(void **state)
{
	uint16_t sum = 0;
	unsigned int i;

	(void)state;
	set(EECD, 0x40);
	assert_int_equal(get(EECD) & 0x80, 0x80);
	for (i = 0; i < 64; i++) {
		uint16_t word = read_eeprom_by_wires(i);

		sum += word;
		set(EERD, 1 | i << 8);
		assert_int_equal(get(EERD) & 0x10, 0x10);
		assert_int_equal(get(EERD) >> 16, word);
	}
	assert_int_equal(sum, 0xbaba);
	assert_int_equal(read_eeprom_by_wires(0), 0x1102);
}

static void its_transceiver_answers_at_its_address_only(void **state)
{
	(void)state;
	set(MDIC, 2 << 26 | 1 << 21 | 2 << 16);
	assert_int_equal(get(MDIC) & 0x1000ffff, 0x10000141);
	set(MDIC, 2 << 26 | 1 << 21 | 1 << 16);
	assert_int_equal(get(MDIC) & 0x24, 0x24);
	/* Drivers for the 82540EM want its own transceiver, an 88E1011, of any revision. */
	set(MDIC, 2 << 26 | 1 << 21 | 3 << 16);
	assert_int_equal(get(MDIC) & 0xfff0, 0x0c20);
	set(MDIC, 2 << 26 | 2 << 21 | 2 << 16);
	assert_int_equal(get(MDIC) & 0x50000000, 0x50000000);
	set(MDIC, 1 << 26 | 1 << 21 | 4 << 16 | 0x1e1);
	set(MDIC, 2 << 26 | 1 << 21 | 4 << 16);
	assert_int_equal(get(MDIC) & 0xffff, 0x1e1);
}

static void causes_interrupt_when_unmasked_and_reading_clears_them(void **state)
{
	(void)state;
	set(ICS, 4);
	assert_int_equal(interrupts(), 0);
	set(IMS, 4);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(get(ICR), 4);
	assert_int_equal(get(ICR), 0);
	set(IMC, 4);
	set(ICS, 4);
	assert_int_equal(interrupts(), 0);
	set(ICR, 4);
	assert_int_equal(get(ICR), 0);
}

static void interrupts_are_throttled(void **state)
{
	(void)state;
	set(ITR, 1000);		/* 256 us */
	set(IMS, 1);
	set(ICS, 1);
	assert_int_equal(interrupts(), 1);
	get(ICR);
	now_ns += 100000;
	set(ICS, 1);
	assert_int_equal(interrupts(), 0);
	assert_true(e1000_next(&e1000) == 1000 + 256000);
	now_ns = 1000 + 256000;
	e1000_expire(&e1000);
	assert_int_equal(interrupts(), 1);
	get(ICR);
	assert_true(e1000_next(&e1000) == E1000_NEVER);
}

/*
 * What Linux does at an interrupt: read the causes, mask all, work, unmask. The pin is
 * edge-triggered (docs/decisions/012), so a cause that comes in any gap needs an edge of
 * its own, or the card is silent for ever.
 */
static void a_cause_in_any_gap_of_a_handler_makes_an_edge(void **state)
{
	enum { BEFORE_READ, BEFORE_MASK, BEFORE_WORK, BEFORE_UNMASK, GAPS };
	unsigned int gap, edges;

	(void)state;
	for (gap = 0; gap < GAPS; gap++) {
		set(IMC, ~0u);
		get(ICR);
		interrupts();
		set(IMS, 0x9d);
		set(ICS, 0x80);
		edges = interrupts();
		if (gap == BEFORE_READ)
			set(ICS, 1);
		assert_int_equal(get(ICR), gap == BEFORE_READ ? 0x81 : 0x80);
		if (gap == BEFORE_MASK)
			set(ICS, 1);
		set(IMC, ~0u);
		if (gap == BEFORE_WORK)
			set(ICS, 1);
		if (gap == BEFORE_UNMASK)
			set(ICS, 0x80);
		set(IMS, 0x9d);
		edges += interrupts();
		assert_int_equal(edges, gap == BEFORE_READ ? 1 : gap == BEFORE_MASK ? 3 : 2);
		assert_int_equal(!get(ICR), gap == BEFORE_READ);
	}
}

/* The same while interrupts are throttled: the timer makes the edge. */
static void a_throttled_cause_is_not_forgotten_while_masked(void **state)
{
	(void)state;
	set(ITR, 1000);
	set(IMS, 0x80);
	set(ICS, 0x80);
	assert_int_equal(interrupts(), 1);
	get(ICR);
	set(IMC, ~0u);
	set(ICS, 0x80);
	assert_true(e1000_next(&e1000) == E1000_NEVER);
	set(IMS, 0x80);
	assert_int_equal(interrupts(), 0);
	assert_true(e1000_next(&e1000) == 1000 + 256000);
	now_ns = 1000 + 256000;
	e1000_expire(&e1000);
	assert_int_equal(interrupts(), 1);
	/* Asserted already: another cause is seen by the same handler. */
	set(ICS, 1);
	assert_int_equal(interrupts(), 0);
	assert_int_equal(get(ICR), 0x81);
}

static void registers_are_also_behind_two_ports(void **state)
{
	(void)state;
	out(PCI_PORTS_BASE, 4, STATUS);
	assert_int_equal(in(PCI_PORTS_BASE + 4, 4), get(STATUS));
	out(PCI_PORTS_BASE, 4, ITR);
	out(PCI_PORTS_BASE + 4, 4, 77);
	assert_int_equal(get(ITR), 77);
}

/* --- receiving --- */

static void start_receiving(uint32_t rctl)
{
	unsigned int i;

	for (i = 0; i < RING_COUNT; i++) {
		put(RING + 16 * i, BUFFERS + 0x1000 * i, 8);
		put(RING + 16 * i + 8, 0, 8);
	}
	set(RDBAL, RING);
	set(RDBAL + 4, 0);
	set(RDBAL + 8, RING_COUNT * 16);
	set(RDBAL + 0x10, 0);
	set(RDBAL + 0x18, RING_COUNT - 1);
	set(RCTL, rctl | 2);
	set(IMS, 0xd0);
}

static void receive(const uint8_t *to, unsigned int bytes)
{
	uint8_t frame[E1000_FRAME_MAX];
	unsigned int i;

	for (i = 0; i < bytes; i++)
		frame[i] = i;
	memcpy(frame, to, 6);
	e1000_receive(&e1000, frame, bytes);
}

static void a_frame_fills_the_next_buffer(void **state)
{
	(void)state;
	start_receiving(0x8000);
	receive(mac, 100);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(get(ICR) & 0x80, 0x80);
	assert_int_equal(number(RING + 8, 2), 104);	/* with its check sequence */
	assert_int_equal(number(RING + 12, 1), 0x07);
	assert_memory_equal(machine.ram + BUFFERS, mac, 6);
	assert_int_equal(machine.ram[BUFFERS + 99], 99);
	assert_int_equal(get(RDBAL + 0x10), 1);
	assert_int_equal(get(0x4074), 1);
	assert_int_equal(get(0x4074), 0);
	receive(everybody, 20);
	assert_int_equal(number(RING + 16 + 8, 2), 64);
	assert_int_equal(machine.ram[BUFFERS + 0x1000 + 30], 0);
}

static void the_check_sequence_can_be_left_out(void **state)
{
	(void)state;
	start_receiving(0x8000 | 0x04000000);
	receive(mac, 100);
	assert_int_equal(number(RING + 8, 2), 100);
}

static void a_long_frame_takes_several_buffers(void **state)
{
	(void)state;
	start_receiving(0x20 | 3 << 16);	/* long ones wanted, buffers of 256 */
	receive(mac, 600);
	assert_int_equal(number(RING + 8, 2), 256);
	assert_int_equal(number(RING + 12, 1), 0x05);
	assert_int_equal(number(RING + 32 + 8, 2), 604 - 512);
	assert_int_equal(number(RING + 32 + 12, 1), 0x07);
	receive(mac, 256 * 5);			/* four are left */
	assert_int_equal(get(RDBAL + 0x10), 3);
	assert_int_equal(get(ICR) & 0x40, 0x40);
	set(RCTL, 2 | 3 << 16);
	set(RDBAL + 0x18, 2);
	receive(mac, 1600);			/* not wanted any more */
	assert_int_equal(get(RDBAL + 0x10), 3);
}

static void frames_for_others_go_by(void **state)
{
	static const uint8_t other[6] = { 2, 0, 0, 0, 0, 1 }, group[6] = { 1, 0, 0x5e, 0, 0, 1 };

	(void)state;
	start_receiving(0);
	receive(other, 60);
	receive(everybody, 60);
	receive(group, 60);
	assert_int_equal(get(RDBAL + 0x10), 0);
	set(MTA + (0x10 >> 5) * 4, 1 << 16);	/* bits 47:36 of the group: 0x010 */
	receive(group, 60);
	assert_int_equal(get(RDBAL + 0x10), 1);
	assert_int_equal(number(RING + 12, 1), 0x87);
	set(RCTL, 2 | 8);
	receive(other, 60);
	assert_int_equal(get(RDBAL + 0x10), 2);
}

static void without_free_buffers_it_waits(void **state)
{
	unsigned int i;

	(void)state;
	start_receiving(0x8000);
	for (i = 0; e1000_can_receive(&e1000); i++)
		receive(mac, 60);
	assert_int_equal(i, RING_COUNT - 1);
	receive(mac, 60);
	assert_int_equal(get(RDBAL + 0x10), RING_COUNT - 1);
	set(RDBAL + 0x18, 2);
	assert_true(e1000_can_receive(&e1000));
}

static void rings_and_buffers_beyond_memory_are_left_alone(void **state)
{
	(void)state;
	start_receiving(0x8000);
	put(RING, 0xfffffffffffffff0, 8);
	receive(mac, 60);			/* lost, but its descriptor is done */
	assert_int_equal(number(RING + 12, 1), 0x07);
	set(RDBAL + 4, 0xffffffff);
	receive(mac, 60);
	assert_int_equal(get(RDBAL + 0x10), 1);
	set(RDBAL + 0x10, 0xffff);
	assert_false(e1000_can_receive(&e1000));
	receive(mac, 60);
	set(RDBAL + 8, 0);
	assert_false(e1000_can_receive(&e1000));
}

static void tags_are_taken_off_and_filtered(void **state)
{
	uint8_t frame[80] = { 0 };

	(void)state;
	start_receiving(0x8000);
	set(CTRL, 0x40000040);
	set(VET, 0x8100);
	memcpy(frame, mac, 6);
	memcpy(frame + 12, "\x81\x00\x00\x05\x08\x00", 6);
	e1000_receive(&e1000, frame, 80);
	assert_int_equal(number(RING + 8, 2), 80);
	assert_int_equal(number(RING + 12, 1), 0x0f);
	assert_int_equal(number(RING + 14, 2), 5);
	assert_memory_equal(machine.ram + BUFFERS + 12, "\x08\x00", 2);
	set(RCTL, 2 | 0x40000);
	e1000_receive(&e1000, frame, 80);
	assert_int_equal(get(RDBAL + 0x10), 1);
	set(0x5600, 1 << 5);
	e1000_receive(&e1000, frame, 80);
	assert_int_equal(get(RDBAL + 0x10), 2);
}

/* [8254x table 9-3 "Packet Reception Decision Table"] */
static void tags_that_stay_are_filtered_too(void **state)
{
	uint8_t frame[80] = { 0 };

	(void)state;
	start_receiving(0x8000);
	set(CTRL, 0x40);
	set(VET, 0x8100);
	set(RCTL, 2 | 0x40000);
	memcpy(frame, mac, 6);
	memcpy(frame + 12, "\x81\x00\x00\x05\x08\x00", 6);
	e1000_receive(&e1000, frame, 80);
	assert_int_equal(get(RDBAL + 0x10), 0);
	set(0x5600, 1 << 5);
	e1000_receive(&e1000, frame, 80);
	assert_int_equal(get(RDBAL + 0x10), 1);
	assert_int_equal(number(RING + 8, 2), 84);
	assert_int_equal(number(RING + 12, 1) & 0x08, 0);
	assert_memory_equal(machine.ram + BUFFERS + 12, frame + 12, 6);
}

/* --- sending --- */

static unsigned int descriptors;

static void start_sending(void)
{
	descriptors = 0;
	set(TDBAL, RING);
	set(TDBAL + 8, RING_COUNT * 16);
	set(TDBAL + 0x10, 0);
	set(TDBAL + 0x18, 0);
	set(TCTL, 2);
	set(IMS, 3);
}

static void add(uint64_t address, uint32_t word2, uint32_t word3)
{
	unsigned int at = RING + 16 * (descriptors++ % RING_COUNT);

	put(at, address, 8);
	put(at + 8, word2, 4);
	put(at + 12, word3, 4);
}

static void go(void)
{
	set(TDBAL + 0x18, descriptors % RING_COUNT);
}

static void a_descriptor_sends_a_frame(void **state)
{
	(void)state;
	start_sending();
	memset(machine.ram + DATA, 0x5a, 100);
	add(DATA, 100 | 0x0b << 24, 0);		/* EOP, IFCS, RS */
	go();
	assert_int_equal(sent_count, 1);
	assert_int_equal(sent_bytes[0], 100);
	assert_int_equal(sent[0][99], 0x5a);
	assert_int_equal(number(RING + 12, 1), 1);
	assert_int_equal(get(ICR), 3);
	assert_int_equal(get(TDBAL + 0x10), 1);
	add(DATA, 20 | 0x0b << 24, 0);
	go();
	assert_int_equal(sent_bytes[1], 60);
}

static void a_frame_may_lie_in_pieces(void **state)
{
	(void)state;
	start_sending();
	memset(machine.ram + DATA, 1, 50);
	memset(machine.ram + DATA + 0x1000, 2, 50);
	add(DATA, 50, 0);
	add(DATA + 0x1000, 50 | 0x01 << 24, 0);
	go();
	assert_int_equal(sent_bytes[0], 100);
	assert_int_equal(sent[0][49], 1);
	assert_int_equal(sent[0][50], 2);
	assert_int_equal(number(RING + 12, 1), 0);	/* no report was asked for */
}

static void a_legacy_checksum_goes_from_its_start_to_the_end(void **state)
{
	(void)state;
	start_sending();
	memset(machine.ram + DATA, 0, 64);
	machine.ram[DATA + 40] = 0x12;
	add(DATA, 64 | 50 << 16 | 0x05 << 24, 34 << 8);	/* EOP, IC */
	go();
	assert_memory_equal(sent[0] + 50, "\xed\xff", 2);
}

static uint16_t sum(const uint8_t *at, unsigned int bytes, uint32_t from)
{
	unsigned int i;

	for (i = 0; i < bytes; i++)
		from += i & 1 ? at[i] : at[i] << 8;
	while (from >> 16)
		from = (from & 0xffff) + (from >> 16);
	return from;
}

/* A TCP packet with a checksum as a driver leaves it: that of the pseudo header, no length. */
static void make_tcp(unsigned int payload)
{
	uint8_t *frame = machine.ram + DATA;
	unsigned int i;

	memset(frame, 0, 54);
	memcpy(frame, everybody, 6);
	memcpy(frame + 12, "\x08\x00\x45\x00\x00\x00\x12\x34\x40\x00\x40\x06\0\0", 14);
	memcpy(frame + 26, "\x0a\0\0\x01\x0a\0\0\x02", 8);
	memcpy(frame + 38, "\xff\xff\xff\x00", 4);	/* sequence number */
	frame[46] = 5 << 4;
	frame[47] = 0x19;	/* ACK, PSH, FIN */
	i = sum(frame + 26, 8, 6);
	frame[50] = i >> 8;
	frame[51] = i;
	for (i = 0; i < payload; i++)
		frame[54 + i] = i;
}

static void check_tcp(const uint8_t *frame, unsigned int bytes)
{
	unsigned int length = frame[16] << 8 | frame[17];

	assert_int_equal(length, bytes - 14);
	assert_int_equal(sum(frame + 14, 20, 0), 0xffff);
	assert_int_equal(sum(frame + 34, bytes - 34, sum(frame + 26, 8, 6 + bytes - 34)), 0xffff);
}

static void a_large_packet_is_cut_into_segments(void **state)
{
	(void)state;
	start_sending();
	make_tcp(2500);
	/* IP and TCP header, checksums at 24 and 50; 54 bytes of header, segments of 1000. */
	add(14 | 24 << 8 | 33u << 16 | (uint64_t)(34 | 50 << 8) << 32, 2500 | 0x27u << 24,
	    54 << 8 | 1000u << 16);
	add(DATA, 54 | 1 << 20 | 0x26u << 24, 3 << 8);
	add(DATA + 54, 2500 | 1 << 20 | 0x2fu << 24, 3 << 8);
	go();
	assert_int_equal(sent_count, 3);
	assert_int_equal(sent_bytes[0], 1054);
	assert_int_equal(sent_bytes[2], 554);
	check_tcp(sent[0], 1054);
	check_tcp(sent[1], 1054);
	check_tcp(sent[2], 554);
	assert_memory_equal(sent[1] + 38, "\x00\x00\x02\xe8", 4);
	assert_memory_equal(sent[1] + 18, "\x12\x35", 2);
	assert_int_equal(sent[0][47], 0x10);
	assert_int_equal(sent[2][47], 0x19);
	assert_memory_equal(sent[2] + 54, machine.ram + DATA + 54 + 2000, 500);
	assert_int_equal(number(RING + 32 + 12, 1), 1);
}

static void checksums_are_filled_in_as_the_context_says(void **state)
{
	unsigned int length = 20 + 100, partial;

	(void)state;
	start_sending();
	make_tcp(100);
	machine.ram[DATA + 17] = 20 + length;
	/* Without segmentation the length is in what the driver leaves. */
	partial = sum(machine.ram + DATA + 50, 2, length);
	machine.ram[DATA + 50] = partial >> 8;
	machine.ram[DATA + 51] = partial;
	add(14 | 24 << 8 | 33u << 16 | (uint64_t)(34 | 50 << 8) << 32, 0x20u << 24, 0);
	add(DATA, 154 | 1 << 20 | 0x21u << 24, 3 << 8);
	go();
	assert_int_equal(sent_bytes[0], 154);
	check_tcp(sent[0], 154);
}

static void a_tag_is_put_in(void **state)
{
	(void)state;
	start_sending();
	set(VET, 0x8100);
	make_tcp(10);
	add(DATA, 64 | 0x41 << 24, 7u << 16);
	go();
	assert_int_equal(sent_bytes[0], 64);	/* tags are not switched on */
	set(CTRL, 0x40000040);
	add(DATA, 64 | 0x41 << 24, 7u << 16);
	go();
	assert_int_equal(sent_bytes[1], 68);
	assert_memory_equal(sent[1] + 12, "\x81\x00\x00\x07\x08\x00", 6);
}

static void nonsense_is_not_sent(void **state)
{
	(void)state;
	start_sending();
	add(RAM_BYTES - 10, 100 | 0x09 << 24, 0);		/* not memory */
	add(DATA, 20000 | 0x09 << 24, 0);			/* too long */
	add(14, 0x27u << 24, 54 << 8 | 0u << 16);		/* segments of nothing */
	add(DATA, 60 | 1 << 20 | 0x25u << 24, 3 << 8);
	add(200, 0x27u << 24, 54 << 8 | 100u << 16);		/* headers outside of the header */
	add(DATA, 500 | 1 << 20 | 0x2du << 24, 3 << 8);
	go();
	assert_int_equal(sent_count, 0);
	assert_int_equal(get(TDBAL + 0x10), 6);
	assert_int_equal(number(RING + 12, 1), 1);
	set(TDBAL + 4, 0xffffffff);
	set(TDBAL + 0x18, 7);
	assert_int_equal(get(TDBAL + 0x10), 6);
	set(TDBAL + 0x18, 0xffff);
	set(TDBAL + 8, 0);
	set(TDBAL + 0x18, 1);
	assert_int_equal(sent_count, 0);
}

static void checksum_places_beyond_the_frame_are_left_alone(void **state)
{
	(void)state;
	start_sending();
	memset(machine.ram + DATA, 0, 64);
	add(DATA, 64 | 63 << 16 | 0x05 << 24, 10 << 8);
	add(DATA, 64 | 20 << 16 | 0x05 << 24, 255 << 8);
	go();
	assert_int_equal(sent_count, 2);
}

static void without_bus_mastering_nothing_moves(void **state)
{
	(void)state;
	out(0xcf8, 4, 0x80000000 | 1 << 11 | 4);
	out(0xcfc, 2, 3);
	start_receiving(0x8000);
	receive(mac, 60);
	assert_int_equal(get(RDBAL + 0x10), 0);
	start_sending();
	add(DATA, 100 | 0x09 << 24, 0);
	go();
	assert_int_equal(sent_count, 0);
}

#define ON_CARD(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_CARD(a_reset_card_shows_its_address_and_its_link),
		ON_CARD(its_eeprom_is_read_by_wires_and_by_words),
		ON_CARD(its_transceiver_answers_at_its_address_only),
		ON_CARD(causes_interrupt_when_unmasked_and_reading_clears_them),
		ON_CARD(interrupts_are_throttled),
		ON_CARD(a_cause_in_any_gap_of_a_handler_makes_an_edge),
		ON_CARD(a_throttled_cause_is_not_forgotten_while_masked),
		ON_CARD(registers_are_also_behind_two_ports),
		ON_CARD(a_frame_fills_the_next_buffer),
		ON_CARD(the_check_sequence_can_be_left_out),
		ON_CARD(a_long_frame_takes_several_buffers),
		ON_CARD(frames_for_others_go_by),
		ON_CARD(without_free_buffers_it_waits),
		ON_CARD(rings_and_buffers_beyond_memory_are_left_alone),
		ON_CARD(tags_are_taken_off_and_filtered),
		ON_CARD(tags_that_stay_are_filtered_too),
		ON_CARD(a_descriptor_sends_a_frame),
		ON_CARD(a_frame_may_lie_in_pieces),
		ON_CARD(a_legacy_checksum_goes_from_its_start_to_the_end),
		ON_CARD(a_large_packet_is_cut_into_segments),
		ON_CARD(checksums_are_filled_in_as_the_context_says),
		ON_CARD(a_tag_is_put_in),
		ON_CARD(nonsense_is_not_sent),
		ON_CARD(checksum_places_beyond_the_frame_are_left_alone),
		ON_CARD(without_bus_mastering_nothing_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
