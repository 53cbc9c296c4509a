// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Test devices of a guest; see emulated_test.h.
 */
#include "worker/emulated_test.h"

#include <errno.h>
#include <string.h>

#include <pvn/abi/msr.h>

#include "libpvn/root_dev.h"
#include "worker/log.h"

#define APIC_BASE	0xfee00000ull
#define APIC_BYTES	0x1000u
#define MSR_APIC_BASE	0x1bu
#define MSR_COUNTERS	0xc0010000u
#define MSR_COUNTERS_CORE 0xc0010200u
#define VECTOR_GP	13u
/* PVN_REG_PENDING_INTERRUPTION: pending, an exception, with an error code. */
#define PENDING_EXCEPTION (1u | 3u << 1 | 1u << 4)

/* Offsets of registers whose layout differs from the x2APIC's [SDM 3A 11.12.1.2]. */
enum {
	APIC_ID = 0x20,
	APIC_EOI = 0xb0,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
};

static struct pvn_root_register plain(uint32_t name, uint64_t value)
{
	return (struct pvn_root_register) { .name = name, .low = value };
}

/* --- the page of the xAPIC --- */

static uint64_t read_apic(void *device, unsigned int offset, unsigned int bytes)
{
	struct emulated_test *test = device;
	struct pvn_root_register item = plain(PVN_REG_X2APIC + offset / 16, 0);

	if (offset % 16 || bytes != 4)
		return 0;
	if (offset == APIC_ICR_HIGH)
		return test->icr_high[test->vp];
	if (pvn_vp_get_registers(test->guest->vp[test->vp], &item, 1))
		return 0;
	return offset == APIC_ID ? item.low << 24 : (uint32_t)item.low;
}

static void write_apic(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct emulated_test *test = device;
	struct pvn_root_register item = plain(PVN_REG_X2APIC + offset / 16, value);

	if (offset % 16 || bytes != 4)
		return;
	switch (offset) {
	case APIC_ICR_HIGH:
		test->icr_high[test->vp] = (uint32_t)value;
		return;
	case APIC_ICR:
		item.low |= (uint64_t)(test->icr_high[test->vp] >> 24) << 32;
		break;
	case APIC_EOI:
	case APIC_ESR:
		item.low = 0;	/* any value will do, of an x2APIC only this */
		break;
	}
	/* What is no register of an x2APIC is read-only or gone: a write is lost. */
	pvn_vp_set_registers(test->guest->vp[test->vp], &item, 1);
}

static bool inject_gp(int vp)
{
	const struct pvn_root_register registers[] = {
		plain(PVN_REG_PENDING_INTERRUPTION, PENDING_EXCEPTION | VECTOR_GP << 16),
		plain(PVN_REG_INTERCEPT_SUSPEND, 0),
	};

	return !pvn_vp_set_registers(vp, registers, 2);
}

/*
 * AMD's performance counters have no bit in CPUID, so that programs set them to 0 without
 * asking [APM2 13.2.1 "Performance Counter MSRs"]. Here they never count.
 */
static bool is_counter(uint32_t msr)
{
	return msr - MSR_COUNTERS < 8 || msr - MSR_COUNTERS_CORE < 12;
}

/*
 * Another mode of the APIC than the one there is: the write is taken, and the page works
 * in any. The hypervisor answers reads of the mode.
 */
bool emulated_test_msr(struct emulated_test *test, unsigned int vp,
		       const struct pvn_msr_intercept *msr)
{
	const struct pvn_root_register registers[] = {
		plain(PVN_REG_RIP, msr->header.rip + msr->header.instruction_bytes),
		plain(PVN_REG_INTERCEPT_SUSPEND, 0),
	};
	const struct pvn_root_register zero[] = {
		plain(PVN_REG_RAX, 0), plain(PVN_REG_RAX + 2, 0),	/* RDX */
	};
	bool write = msr->header.access_type == 1;
	int fd = test->guest->vp[vp];

	if (!msr->header.instruction_bytes || !(is_counter(msr->msr) || msr->msr == MSR_APIC_BASE))
		return inject_gp(fd);
	if (!write && pvn_vp_set_registers(fd, zero, 2))
		return false;
	return !pvn_vp_set_registers(fd, registers, 2);
}

/* --- routes --- */

/* The interrupt of a SINT without message or event, as its owner has programmed it. */
static void raise_sint(struct emulated_test *test, unsigned int vp, unsigned int sint)
{
	struct pvn_root_register list[] = {
		plain(PVN_REG_SINT0 + sint, 0), plain(PVN_REG_INITIAL_APIC_ID, 0),
	};
	int fd = test->guest->vp[vp], error;

	/* Registers can be read of a stopped processor only. */
	pvn_vp_suspend(fd);
	error = pvn_vp_get_registers(fd, list, 2);
	pvn_vp_start(fd);
	if (error || list[0].low & (PVN_SINT_MASKED | PVN_SINT_POLLING))
		return;
	pvn_partition_interrupt(test->guest->partition, &(struct pvn_root_interrupt) {
		.destination = (uint32_t)list[1].low,
		.vector = list[0].low & PVN_SINT_VECTOR_MASK,
	});
}

static void route(void *context, const struct testdev_route *route)
{
	struct emulated_test *test = context;
	int partition = test->guest->partition, error = 0;
	struct pvn_root_loop loop = {
		.connection = route->connection, .sint = route->sint, .vp = route->vp,
		.type = PVN_PORT_MESSAGE,
	};

	if (route->vp >= test->guest->config->vps || route->sint >= PVN_SINT_COUNT)
		return;
	switch (route->control) {
	case TESTDEV_RAISE:
		raise_sint(test, route->vp, route->sint);
		break;
	case TESTDEV_EVENT_CREATE:
		loop.type = PVN_PORT_EVENT;
		error = pvn_partition_create_loop(partition, &loop);
		break;
	case TESTDEV_MESSAGE_CREATE:
		error = pvn_partition_create_loop(partition, &loop);
		break;
	case TESTDEV_MESSAGE_DESTROY:
	case TESTDEV_EVENT_DESTROY:
		error = pvn_partition_delete_loop(partition, route->connection);
		break;
	}
	if (error)
		log_line("test devices: connection %u: %s", route->connection, strerror(errno));
}

static void end(void *context, uint32_t code)
{
	struct emulated_test *test = context;

	test->has_ended = true;
	test->end_code = code;
}

int emulated_test_create(struct emulated_test *test, struct guest *guest, struct bus *bus)
{
	const struct testdev_host host = {
		.context = test, .end = end, .route = route,
		.memory_bytes = guest->config->memory_bytes, .processors = guest->config->vps,
	};

	test->guest = guest;
	testdev_init(&test->device, bus, &host);
	test->apic = (struct bus_range) { .space = BUS_MEMORY, .bytes = APIC_BYTES, .device = test,
					  .read = read_apic, .write = write_apic };
	bus_add(bus, &test->apic);
	bus_place(bus, &test->apic, APIC_BASE, true);
	return pvn_partition_intercept_msrs(guest->partition,
					    PVN_ACCESS_READ | PVN_ACCESS_WRITE);
}
