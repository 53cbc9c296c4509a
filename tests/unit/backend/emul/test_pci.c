// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * PCI bus, by the rules of the PCI 2.3 specification.
 */
#include "machine.h"

#include "emul/pci.h"

static struct pci pci;
static struct pci_device device;
static unsigned int last_offset;

static uint64_t read_bar(void *context, unsigned int offset, unsigned int bytes)
{
	(void)context;
	(void)bytes;
	return 0x1000 + offset;
}

static void write_bar(void *context, unsigned int offset, unsigned int bytes, uint64_t value)
{
	(void)context;
	(void)bytes;
	(void)value;
	last_offset = offset;
}

static int setup(void **state)
{
	static const struct pci_identity identity = {
		.vendor = 0x1234, .device = 0x5678, .class = 0x020000, .has_interrupt = true,
	};
	struct bus_range range = { .space = BUS_MEMORY, .bytes = 0x20000, .read = read_bar,
				   .write = write_bar };

	machine_setup(state);
	pci_init(&pci, &machine.bus, &machine.ioapic);
	assert_true(pci_add(&pci, &device, &identity));
	pci_add_bar(&device, 0, &range);
	range.space = BUS_PORTS;
	range.bytes = 8;
	pci_add_bar(&device, 1, &range);
	pci_start(&device);
	enable_pin(16);
	return 0;
}

static uint32_t get(unsigned int slot, unsigned int at)
{
	out(0xcf8, 4, 0x80000000 | slot << 11 | (at & 0xfc));
	return in(0xcfc, 4);
}

static void set(unsigned int slot, unsigned int at, uint32_t value)
{
	out(0xcf8, 4, 0x80000000 | slot << 11 | (at & 0xfc));
	out(0xcfc, 4, value);
}

static void mechanism_1_is_there(void **state)
{
	(void)state;
	out(0xcf8, 4, 0x80000000);
	out(0xcfb, 1, 0x01);	/* how Linux makes sure that it is not mechanism 2 */
	assert_int_equal(in(0xcf8, 4), 0x80000000);
	out(0xcf8, 4, 0xffffffff);
	assert_int_equal(in(0xcf8, 4), 0x80fffffc);
	out(0xcf8, 4, 0);
	assert_int_equal(in(0xcfc, 4), 0xffffffff);
}

static void devices_are_found_and_holes_are_ones(void **state)
{
	(void)state;
	assert_int_equal(get(0, 0), 0x12378086);
	assert_int_equal(get(0, 8) >> 8, 0x060000);
	assert_int_equal(get(1, 0), 0x56781234);
	assert_int_equal(get(2, 0), 0xffffffff);
	assert_int_equal(get(31, 0), 0xffffffff);
	out(0xcf8, 4, 0x80000000 | 1 << 16);	/* another bus */
	assert_int_equal(in(0xcfc, 4), 0xffffffff);
	out(0xcf8, 4, 0x80000000 | 1 << 11 | 1 << 8);	/* another function */
	assert_int_equal(in(0xcfc, 4), 0xffffffff);
}

static void parts_of_a_register_can_be_read(void **state)
{
	(void)state;
	get(1, 0);
	assert_int_equal(in(0xcfe, 2), 0x5678);
	assert_int_equal(in(0xcfd, 1), 0x12);
}

static void identities_are_read_only(void **state)
{
	(void)state;
	set(1, 0, 0);
	set(1, 8, 0);
	assert_int_equal(get(1, 0), 0x56781234);
	assert_int_equal(get(1, 8) >> 8, 0x020000);
}

static void base_addresses_tell_their_size(void **state)
{
	(void)state;
	set(1, 0x10, 0xffffffff);
	assert_int_equal(get(1, 0x10), 0xfffe0000);
	set(1, 0x14, 0xffffffff);
	assert_int_equal(get(1, 0x14), 0xfffffff9);
	set(1, 0x18, 0xffffffff);
	assert_int_equal(get(1, 0x18), 0);
	set(1, 0x30, 0xffffffff);
	assert_int_equal(get(1, 0x30), 0);
}

static void registers_answer_where_they_were_put(void **state)
{
	uint32_t base = get(1, 0x10), port = get(1, 0x14) & ~3u;

	(void)state;
	assert_int_equal(load(base + 0x10), 0x1010);
	assert_int_equal(in(port + 4, 4), 0x1004);
	assert_true(machine.wanted[port]);
	set(1, 0x10, 0xd0000000);
	set(1, 0x14, 0xe000);
	assert_int_equal(load(base + 0x10), 0xffffffff);
	assert_int_equal(load(0xd0000010), 0x1010);
	assert_false(machine.wanted[port]);
	assert_true(machine.wanted[0xe007]);
	assert_int_equal(load(0xd0000000 + 0x1fffe), 0xffffffff);
}

static void decoding_can_be_switched_off(void **state)
{
	uint32_t base = get(1, 0x10), port = get(1, 0x14) & ~3u;

	(void)state;
	set(1, 4, 1);
	assert_int_equal(load(base), 0xffffffff);
	assert_int_equal(in(port, 4), 0x1000);
	assert_false(pci_is_master(&device));
	set(1, 4, 6);
	assert_int_equal(load(base), 0x1000);
	assert_int_equal(in(port, 4), 0xffffffff);
	assert_false(machine.wanted[port]);
}

static void a_range_over_another_leaves_it_when_it_goes(void **state)
{
	(void)state;
	set(1, 0x14, 0xcf8);	/* over the configuration ports */
	set(1, 0x14, 0xe000);
	assert_true(machine.wanted[0xcf8]);
	assert_int_equal(get(1, 0), 0x56781234);
}

static void its_interrupt_can_be_disabled(void **state)
{
	(void)state;
	pci_interrupt(&device, 0, true);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(get(1, 4) >> 16 & 8, 8);
	set(1, 4, 0x407);
	set(1, 4, 0x007);
	assert_int_equal(interrupts(), 1);
	pci_interrupt(&device, 0, false);
	assert_int_equal(get(1, 4) >> 16 & 8, 0);
	assert_int_equal(get(1, 0x3c) >> 8 & 0xff, 1);
}

static void the_bus_has_room_for_eight(void **state)
{
	static const struct pci_identity identity = { .vendor = 1 };
	struct pci_device more[8];
	unsigned int i;

	(void)state;
	for (i = 0; i < 7; i++)
		assert_true(pci_add(&pci, &more[i], &identity));
	assert_false(pci_add(&pci, &more[7], &identity));
}

#define ON_PCI(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_PCI(mechanism_1_is_there),
		ON_PCI(devices_are_found_and_holes_are_ones),
		ON_PCI(parts_of_a_register_can_be_read),
		ON_PCI(identities_are_read_only),
		ON_PCI(base_addresses_tell_their_size),
		ON_PCI(registers_answer_where_they_were_put),
		ON_PCI(decoding_can_be_switched_off),
		ON_PCI(a_range_over_another_leaves_it_when_it_goes),
		ON_PCI(its_interrupt_can_be_disabled),
		ON_PCI(the_bus_has_room_for_eight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
