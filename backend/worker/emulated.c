// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The emulated devices of a guest; see emulated.h. One thread; only transfers of disks
 * go on beside it, in the kernel.
 */
#include "worker/emulated.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "emul/i8042.h"
#include "emul/ide.h"
#include "emul/insn.h"
#include "emul/rtc.h"
#include "emul/uart.h"
#include "libpvn/root_dev.h"
#include "worker/emulated_disk.h"
#include "worker/emulated_net.h"
#include "worker/emulated_test.h"
#include "worker/log.h"
#include "worker/net.h"
#include "worker/ports.h"

enum {
	SERIAL_HELD_MAX = 256 * 1024,	/* of output, when nobody takes it */
	TYPED_MAX = 4096,
	REGISTERS_MAX = CPU_GPRS + 4 + CPU_SEGMENTS,
};

#define PAGE_FAULT 14u
/* PVN_REG_PENDING_INTERRUPTION: pending, an exception, with an error code. */
#define PENDING_EXCEPTION (1u | 3u << 1 | 1u << 4)

struct emulated {
	struct guest *guest;
	struct emul_host host;
	struct bus bus;
	struct ioapic ioapic;
	struct rtc rtc;
	struct event *rtc_timer;
	struct i8042 i8042;
	bool was_reset;
	struct uart uart;
	struct bufferevent *serial;
	struct pci pci;
	struct ide ide;
	struct emulated_disk disk;
	struct emulated_test test;
};

/* --- what devices want --- */

static void *memory(void *context, uint64_t gpa, uint64_t bytes)
{
	struct emulated *emulated = context;

	return guest_memory_at(emulated->guest, gpa, bytes);
}

static void interrupt(void *context, const struct emul_interrupt *interrupt)
{
	struct emulated *emulated = context;
	const struct pvn_root_interrupt request = {
		.type = interrupt->mode,
		.flags = interrupt->logical ? PVN_INTERRUPT_LOGICAL : 0,
		.destination = interrupt->destination,
		.vector = interrupt->vector,
	};

	/* A vector or mode that cannot be is the guest's mistake, and its loss. */
	pvn_partition_interrupt(emulated->guest->partition, &request);
}

static void ports(void *context, uint16_t first, unsigned int count, bool on)
{
	struct emulated *emulated = context;
	uint32_t access = on ? PVN_ACCESS_READ | PVN_ACCESS_WRITE : PVN_ACCESS_NONE;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (pvn_partition_intercept_port(emulated->guest->partition, first + i, access))
			log_line("emulated devices: port 0x%x: %s", first + i, strerror(errno));
}

static uint64_t now(void *context)
{
	struct timespec time;

	(void)context;
	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void set_rtc_timer(void *context)
{
	struct emulated *emulated = context;
	uint64_t next = rtc_next(&emulated->rtc), rest, at = now(NULL);
	struct timeval pause;

	event_del(emulated->rtc_timer);
	if (next == RTC_NEVER)
		return;
	rest = (next > at ? next - at : 0) / 1000 + 1;
	pause.tv_sec = rest / 1000000;
	pause.tv_usec = rest % 1000000;
	event_add(emulated->rtc_timer, &pause);
}

static void rtc_time_came(evutil_socket_t fd, short what, void *context)
{
	struct emulated *emulated = context;

	(void)fd;
	(void)what;
	rtc_expire(&emulated->rtc);
	set_rtc_timer(emulated);
}

static void reset(void *context)
{
	struct emulated *emulated = context;

	emulated->was_reset = true;
}

/* --- serial port --- */

static void transmit(void *context, uint8_t byte)
{
	struct emulated *emulated = context;
	struct evbuffer *output = bufferevent_get_output(emulated->serial);

	/* Nobody listens: as on a cable without flow control, the rest is lost. */
	if (evbuffer_get_length(output) < SERIAL_HELD_MAX)
		evbuffer_add(output, &byte, 1);
}

static void take_typed(struct emulated *emulated)
{
	struct evbuffer *input;
	uint8_t byte;

	if (!emulated->serial)
		return;
	input = bufferevent_get_input(emulated->serial);
	while (uart_room(&emulated->uart) && evbuffer_remove(input, &byte, 1) == 1)
		uart_receive(&emulated->uart, byte);
}

static void was_typed(struct bufferevent *serial, void *context)
{
	(void)serial;
	take_typed(context);
}

static int create_serial(struct emulated *emulated, struct event_base *base)
{
	emulated->serial = bufferevent_socket_new(base, emulated->guest->serial_fd[0], 0);
	if (!emulated->serial)
		return -1;
	bufferevent_setcb(emulated->serial, was_typed, NULL, NULL, emulated);
	bufferevent_setwatermark(emulated->serial, EV_READ, 0, TYPED_MAX);
	uart_init(&emulated->uart, &emulated->bus, &emulated->ioapic, transmit, emulated);
	return bufferevent_enable(emulated->serial, EV_READ | EV_WRITE);
}

/* --- disks --- */

static void disk_done(void *context, unsigned int channel, bool ok)
{
	struct emulated *emulated = context;

	ide_done(&emulated->ide, channel, ok);
}

static void start_transfer(void *context, struct ide_transfer *transfer)
{
	struct emulated *emulated = context;

	emulated_disk_start(&emulated->disk, transfer);
}

static int create_disks(struct emulated *emulated, struct event_base *base)
{
	const struct config *config = emulated->guest->config;
	unsigned int i, unit = 0;
	char serial[21];

	if (!ide_init(&emulated->ide, &emulated->pci, start_transfer, emulated) ||
	    emulated_disk_create(&emulated->disk, base, disk_done, emulated))
		return -1;
	for (i = 0; i < CONFIG_DISKS_MAX; i++) {
		const struct config_disk *disk = &config->disk[i];

		if (disk->kind == CONFIG_NO_DISK || !disk->ide)
			continue;
		snprintf(serial, sizeof(serial), "PVN%u", i);
		ide_add_disk(&emulated->ide, unit / IDE_DRIVES, unit % IDE_DRIVES,
			     emulated_disk_add(&emulated->disk, unit,
					       emulated->guest->admission->image_fd[i]),
			     disk->read_only, disk->serial ? disk->serial : serial);
		unit++;
	}
	return 0;
}

/* --- network --- */

static int create_net(struct emulated *emulated, struct event_base *base, unsigned int index,
		      struct pvn_problem *problem)
{
	const struct guest *guest = emulated->guest;
	const struct config_net *net = &guest->config->net[index];
	struct pvn_tap tap = { .fd[0] = guest->net_fd[index][0] };
	char text[NET_MAC_BYTES];
	uint8_t mac[6];

	if (!net->user && net_open_tap(net, guest->admission->domid, index, 1, &tap, problem))
		return -1;
	net_mac(net, guest->uuid, index, text);
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		return -1;
	return emulated_net_create(&emulated->pci, base, tap.fd[0], mac) ? 0 : -1;
}

static int create_nets(struct emulated *emulated, struct event_base *base,
		       struct pvn_problem *problem)
{
	unsigned int i;

	for (i = 0; i < CONFIG_NETS_MAX; i++)
		if (emulated->guest->config->net[i].e1000 &&
		    create_net(emulated, base, i, problem))
			return -1;
	return 0;
}

/* --- creation --- */

static int create_all(struct emulated *emulated, struct event_base *base,
		      struct pvn_problem *problem)
{
	const struct config *config = emulated->guest->config;

	emulated->rtc_timer = evtimer_new(base, rtc_time_came, emulated);
	if (!emulated->rtc_timer)
		return -1;
	ioapic_init(&emulated->ioapic, &emulated->bus);
	rtc_init(&emulated->rtc, &emulated->bus, &emulated->ioapic, now, set_rtc_timer, emulated);
	i8042_init(&emulated->i8042, &emulated->bus, reset, emulated);
	if (config->serial && create_serial(emulated, base))
		return -1;
	if (config->test_devices &&
	    emulated_test_create(&emulated->test, emulated->guest, &emulated->bus))
		return -1;
	if (!config_has_pci(config))
		return 0;
	pci_init(&emulated->pci, &emulated->bus, &emulated->ioapic);
	return create_disks(emulated, base) || create_nets(emulated, base, problem) ? -1 : 0;
}

struct emulated *emulated_create(struct guest *guest, struct event_base *base,
				 struct pvn_problem *problem)
{
	struct emulated *emulated;

	if (!config_is_emulated(guest->config))
		return NULL;
	emulated = calloc(1, sizeof(*emulated));
	if (emulated) {
		emulated->guest = guest;
		emulated->host = (struct emul_host) { emulated, memory, interrupt, ports };
		emulated->bus.host = &emulated->host;
		if (!create_all(emulated, base, problem))
			return emulated;
	}
	/* Lives as long as the process, which ends with this. */
	if (!problem->code)
		pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL,
			 "the emulated devices cannot be made: %s", strerror(errno));
	return NULL;
}

/* --- instructions --- */

static unsigned int name_registers(struct pvn_root_register *registers)
{
	static const uint32_t others[] = {
		PVN_REG_CR0, PVN_REG_CR3, PVN_REG_CR4, PVN_REG_EFER,
	};
	unsigned int count = 0, i;

	for (i = 0; i < CPU_GPRS; i++)
		registers[count++].name = PVN_REG_RAX + i;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		registers[count++].name = others[i];
	for (i = 0; i < CPU_SEGMENTS; i++)
		registers[count++].name = PVN_REG_ES + i;
	return count;
}

static bool read_cpu(int vp, const struct pvn_intercept_header *header, struct cpu *cpu)
{
	struct pvn_root_register registers[REGISTERS_MAX] = { 0 }, *next = registers;
	unsigned int count = name_registers(registers), i;

	if (pvn_vp_get_registers(vp, registers, count))
		return false;
	for (i = 0; i < CPU_GPRS; i++)
		cpu->gpr[i] = (next++)->low;
	cpu->cr0 = (next++)->low;
	cpu->cr3 = (next++)->low;
	cpu->cr4 = (next++)->low;
	cpu->efer = (next++)->low;
	for (i = 0; i < CPU_SEGMENTS; i++)
		cpu->base[i] = (next++)->low;
	cpu->rip = header->rip;
	cpu->rflags = header->rflags;
	cpu->level = header->execution_state & 3;
	cpu->is_64_bit = header->execution_state & 1u << 4 && header->cs_attributes & 1u << 13;
	cpu->is_32_bit = header->cs_attributes & 1u << 14;
	return true;
}

/* Only what has changed: of most instructions one register, or none, beside RIP. */
static bool write_cpu(int vp, const struct cpu *cpu, const struct cpu *before)
{
	struct pvn_root_register registers[REGISTERS_MAX];
	unsigned int count = 0, i;

	for (i = 0; i < CPU_GPRS; i++)
		if (cpu->gpr[i] != before->gpr[i])
			registers[count++] = (struct pvn_root_register) {
				.name = PVN_REG_RAX + i, .low = cpu->gpr[i] };
	registers[count++] = (struct pvn_root_register) {
		.name = PVN_REG_RIP, .low = cpu->rip };
	registers[count++] = (struct pvn_root_register) { .name = PVN_REG_INTERCEPT_SUSPEND };
	return !pvn_vp_set_registers(vp, registers, count);
}

/* The guest gets the page fault that its instruction would have met. */
static bool inject_fault(int vp, const struct cpu_fault *fault)
{
	const struct pvn_root_register registers[] = {
		{ .name = PVN_REG_CR2, .low = fault->address },
		{ .name = PVN_REG_PENDING_INTERRUPTION,
		  .low = PENDING_EXCEPTION | PAGE_FAULT << 16 | (uint64_t)fault->code << 32 },
	};

	return !pvn_vp_set_registers(vp, registers, 2);
}

static void fail(struct emulated_answer *answer, const char *what, const char *why)
{
	answer->outcome = EMULATED_FAILED;
	snprintf(answer->why, sizeof(answer->why), "%s: %s", what, why);
}

/* The access is over: how does the machine go on? */
static void finish(struct emulated *emulated, struct emulated_answer *answer)
{
	answer->outcome = emulated->was_reset ? EMULATED_RESET : EMULATED_DONE;
	if (emulated->test.has_ended) {
		answer->outcome = EMULATED_ENDED;
		answer->code = emulated->test.end_code;
	}
	take_typed(emulated);
}

/* Decodes and does the instruction at a device: at a port, or at a guest-physical address. */
static void carry_out(struct emulated *emulated, int vp, const struct pvn_intercept_header *header,
		      enum bus_space space, uint64_t where, struct emulated_answer *answer)
{
	struct cpu_fault fault = { 0 };
	enum cpu_outcome outcome;
	struct cpu before, cpu;

	if (!read_cpu(vp, header, &before)) {
		fail(answer, "its registers cannot be read", strerror(errno));
		return;
	}
	cpu = before;
	outcome = space == BUS_PORTS ? insn_port(&cpu, &emulated->bus, where, &fault) :
				       insn_memory(&cpu, &emulated->bus, where, &fault);
	if (outcome == CPU_FAILED)
		fail(answer, "an emulated device was accessed in a way that is not emulated",
		     fault.why);
	else if (outcome == CPU_PAGE_FAULT && !inject_fault(vp, &fault))
		fail(answer, "the operand of an access to a device is not mapped", strerror(errno));
	else if (!write_cpu(vp, &cpu, &before))
		fail(answer, "the processor does not go on", strerror(errno));
	else
		finish(emulated, answer);
}

void emulated_memory(struct emulated *emulated, unsigned int vp,
		     const struct pvn_memory_intercept *memory, struct emulated_answer *answer)
{
	bool in_hole = config_has_pci(emulated->guest->config) && memory->gpa >= PCI_MEMORY_BASE &&
		       memory->gpa < PCI_MEMORY_END;

	answer->outcome = EMULATED_NOT_MINE;
	emulated->test.vp = vp;
	/* On a PCI bus an access that nobody takes gives ones; elsewhere it is a mistake. */
	if (bus_has(&emulated->bus, BUS_MEMORY, memory->gpa) || in_hole)
		carry_out(emulated, emulated->guest->vp[vp], &memory->header, BUS_MEMORY,
			  memory->gpa, answer);
}

void emulated_port(struct emulated *emulated, unsigned int vp, const struct pvn_io_intercept *io,
		   struct emulated_answer *answer)
{
	unsigned int bytes = io->access_info & PVN_IO_BYTES_MASK;
	bool write = io->header.access_type == 1;
	uint64_t rax = io->rax;
	const struct pvn_root_register registers[] = {
		{ .name = PVN_REG_RIP, .low = io->header.rip + io->header.instruction_bytes },
		{ .name = PVN_REG_RAX },
		{ .name = PVN_REG_INTERCEPT_SUSPEND },
	};
	struct pvn_root_register list[3];

	answer->outcome = EMULATED_NOT_MINE;
	emulated->test.vp = vp;
	if (io->access_info & (PVN_IO_STRING | PVN_IO_REP)) {
		carry_out(emulated, emulated->guest->vp[vp], &io->header, BUS_PORTS, io->port,
			  answer);
		return;
	}
	if (!bus_has(&emulated->bus, BUS_PORTS, io->port))
		return;
	if (write)
		bus_write(&emulated->bus, BUS_PORTS, io->port, bytes, rax);
	else
		rax = ports_merge(rax, bus_read(&emulated->bus, BUS_PORTS, io->port, bytes), bytes);
	memcpy(list, registers, sizeof(list));
	list[1].low = rax;
	if (!io->header.instruction_bytes)
		fail(answer, "an access to a port", "instruction of unknown length");
	else if (pvn_vp_set_registers(emulated->guest->vp[vp], list, 3))
		fail(answer, "the processor does not go on", strerror(errno));
	else
		finish(emulated, answer);
}

void emulated_msr(struct emulated *emulated, unsigned int vp, const struct pvn_msr_intercept *msr,
		  struct emulated_answer *answer)
{
	answer->outcome = EMULATED_NOT_MINE;
	if (!emulated->guest->config->test_devices)
		return;
	answer->outcome = EMULATED_DONE;
	if (!emulated_test_msr(&emulated->test, vp, msr))
		fail(answer, "the processor does not go on", strerror(errno));
}
