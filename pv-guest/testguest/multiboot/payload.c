// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A multiboot payload that does what test programs written for other hypervisors do:
 * it reads its boot information, prints to a serial port, writes IA32_APIC_BASE, starts
 * the other processor through the page of an xAPIC, and has the SynIC's test device make
 * routes. Each step prints a line "ok NAME" or "not ok NAME"; the number of failures is
 * the code that it ends with.
 */
#include <stdint.h>

#include <pvn/abi/event.h>
#include <pvn/abi/hypercall.h>
#include <pvn/abi/msr.h>

#define LOADED		0x2badb002u
#define SERIAL		0x3f8
#define EXIT_PORT	0xf4
#define ROUTE_PORT	0x3000
#define APIC		0xfee00000u
#define MSR_APIC_BASE	0x1bu
#define MSR_COUNTER	0xc0010007u	/* the last of either kind */
#define MSR_COUNTER_CORE 0xc001020bu
#define SECOND_AT	0x8000u
#define OPEN_SOURCE_OS	0x8f00000000000000ull
#define SINT_MESSAGES	8
#define SINT_EVENTS	9
#define VECTOR_FIRST	0x40
#define VECTOR_SECOND	0x41
#define CONNECTION_MESSAGES 0x10
#define CONNECTION_EVENTS   0x21
#define PATIENCE	200000000u

struct info {
	uint32_t flags, lower, upper, device, cmdline, modules, modules_at, symbols[4], map_bytes,
		 map_at, drives[2], config, loader;
};

struct module { uint32_t start, end, name, reserved; };
struct range { uint32_t size; uint64_t from, bytes; uint32_t type; } __attribute__((packed));

extern uint8_t hypercall_page[], message_page[], event_page[], call_block[];
extern uint8_t second_start[], second_end[], second_count[];
extern void on_first(void), on_second(void);
volatile uint32_t interrupts[2];

static uint32_t failures;

static void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" :: "a"(value), "Nd"(port)); }
static void out16(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" :: "a"(value), "Nd"(port)); }
static void out32(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" :: "a"(value), "Nd"(port)); }

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static uint32_t in32(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static void print(const char *text)
{
	for (; *text; text++) {
		while (!(in8(SERIAL + 5) & 0x20))
			;
		out8(SERIAL, *text);
	}
}

static void say(int good, const char *name)
{
	print(good ? "ok " : "not ok ");
	print(name);
	print("\n");
	failures += !good;
}

static int has(const char *text, const char *what)
{
	for (; *text; text++) {
		const char *a = text, *b = what;

		while (*b && *a == *b)
			a++, b++;
		if (!*b)
			return 1;
	}
	return 0;
}

static uint32_t apic_read(uint32_t at) { return *(volatile uint32_t *)(APIC + at); }
static void apic_write(uint32_t at, uint32_t value) { *(volatile uint32_t *)(APIC + at) = value; }

/* A 32-bit caller's registers: control in EDX:EAX, input in EBX:ECX, output in EDI:ESI. */
static uint32_t hypercall(uint32_t control, uint64_t in)
{
	uint32_t low = control, high = 0, in_low = (uint32_t)in, in_high = (uint32_t)(in >> 32);

	asm volatile("call *%6" : "+a"(low), "+d"(high), "+b"(in_high), "+c"(in_low)
		     : "D"(0), "S"(0), "r"(hypercall_page) : "memory");
	return low & 0xffff;
}

static void check_info(uint32_t magic, const struct info *info)
{
	const struct module *module = (const void *)(uintptr_t)info->modules_at;
	const struct range *range = (const void *)(uintptr_t)info->map_at;
	uint64_t ram = 0;

	say(magic == LOADED, "the_loader_says_who_it_is");
	say((info->flags & 0x24d) == 0x24d, "all_information_is_there");
	say(has((const char *)(uintptr_t)info->cmdline, "payload.") &&
	    has((const char *)(uintptr_t)info->cmdline, "one two"), "the_command_line_is_ours");
	say(info->modules == 1 && module->end - module->start == 7 &&
	    has((const char *)(uintptr_t)module->start, "VALUE=7"), "the_module_is_ours");
	while ((uint32_t)(uintptr_t)range < info->map_at + info->map_bytes) {
		if (range->type == 1)
			ram += range->bytes;
		range = (const void *)((const uint8_t *)range + range->size + 4);
	}
	say(ram > 30u << 20 && ram < 32u << 20 && info->upper == 31 * 1024, "memory_is_all_there");
}

static void check_ports(void)
{
	out32(0xe0, 0x12345678);
	say(in32(0xe0) == 0x12345678 && in8(0xe1) == 0x56, "the_latch_keeps_what_was_written");
	out16(0x510, 5);
	say(in8(0x511) == 2 && in8(0x511) == 0, "processors_are_counted");
}

static void set_gate(uint64_t *idt, unsigned int vector, void (*handler)(void))
{
	uint32_t at = (uint32_t)(uintptr_t)handler;
	uint16_t cs;

	asm("mov %%cs, %0" : "=r"(cs));
	idt[vector] = (uint64_t)(at & 0xffff0000) << 32 | 0x8e0000000000ull | (uint32_t)cs << 16 |
		      (at & 0xffff);
}

static void check_apic(void)
{
	static uint64_t idt[256] __attribute__((aligned(16)));
	struct { uint16_t limit; uint32_t base; } __attribute__((packed)) idtr = {
		sizeof(idt) - 1, (uint32_t)(uintptr_t)idt };
	volatile uint32_t *count = (volatile uint32_t *)(SECOND_AT + (second_count - second_start));
	uint32_t wait;

	set_gate(idt, VECTOR_FIRST, on_first);
	set_gate(idt, VECTOR_SECOND, on_second);
	asm volatile("lidt %0" :: "m"(idtr));
	/* Off, and on in the other mode, as programs do that know neither. */
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~0xc00ull);
	wrmsr(MSR_APIC_BASE, (rdmsr(MSR_APIC_BASE) & ~0x400ull) | 0x800);
	apic_write(0xf0, 0x1ff);
	say(apic_read(0xf0) == 0x1ff && apic_read(0x20) == 0, "the_page_of_the_apic_works");
	for (uint32_t i = 0; i < (uint32_t)(second_end - second_start); i++)
		((volatile uint8_t *)SECOND_AT)[i] = second_start[i];
	apic_write(0x300, 0xc4500);		/* INIT to all but self */
	apic_write(0x310, 1u << 24);
	apic_write(0x300, 0x4600 | SECOND_AT >> 12);
	for (wait = 0; !*count && wait < PATIENCE; wait++)
		asm volatile("pause");
	say(*count == 1, "the_second_processor_starts");
}

static void check_counters(void)
{
	wrmsr(MSR_COUNTER, 5);
	wrmsr(MSR_COUNTER_CORE, 5);
	say(!rdmsr(MSR_COUNTER) && !rdmsr(MSR_COUNTER_CORE), "performance_counters_are_quiet");
}

static uint32_t routed(uint32_t control, uint32_t sint, uint32_t connection)
{
	out32(ROUTE_PORT, sint | control << 16 | connection << 24);
	return in32(ROUTE_PORT);
}

static int comes(volatile uint32_t *counter, uint32_t wanted)
{
	uint32_t wait;

	for (wait = 0; *counter < wanted && wait < PATIENCE / 10; wait++)
		asm volatile("sti; nop; pause; cli" ::: "memory");
	return *counter == wanted;
}

static void set_up_synic(void)
{
	wrmsr(PVN_MSR_GUEST_OS_ID, OPEN_SOURCE_OS);
	wrmsr(PVN_MSR_HYPERCALL, (uint32_t)(uintptr_t)hypercall_page | 1);
	wrmsr(PVN_MSR_SIMP, (uint32_t)(uintptr_t)message_page | 1);
	wrmsr(PVN_MSR_SIEFP, (uint32_t)(uintptr_t)event_page | 1);
	wrmsr(PVN_MSR_SINT0 + SINT_MESSAGES, VECTOR_FIRST);
	wrmsr(PVN_MSR_SINT0 + SINT_EVENTS, VECTOR_SECOND);
	wrmsr(PVN_MSR_SCONTROL, 1);
}

static void check_routes(void)
{
	struct pvn_message *slot = &((struct pvn_message *)message_page)[SINT_MESSAGES];
	volatile uint8_t *flags = event_page + SINT_EVENTS * 256;
	struct pvn_post_message_in *post = (void *)call_block;

	set_up_synic();
	routed(1, SINT_MESSAGES, 0);
	routed(3, SINT_MESSAGES, 0);
	say(comes(&interrupts[0], 1), "a_route_raises_its_interrupt");
	routed(4, SINT_MESSAGES, CONNECTION_MESSAGES);
	post->connection_id = CONNECTION_MESSAGES;
	post->message_type = 1;
	post->payload_bytes = 8;
	post->payload[3] = 0xa5;
	say(!hypercall(PVN_CALL_post_message, (uint32_t)(uintptr_t)post) && slot->type == 1 &&
	    slot->payload[3] == 0xa5 && comes(&interrupts[0], 2), "a_message_comes_back");
	say(!hypercall(PVN_CALL_post_message, (uint32_t)(uintptr_t)post) &&
	    slot->flags & PVN_MESSAGE_FLAG_PENDING && interrupts[0] == 2, "a_second_one_waits");
	slot->type = 0;
	wrmsr(PVN_MSR_EOM, 0);
	say(comes(&interrupts[0], 3) && slot->type == 1, "and_comes_when_there_is_room");
	routed(6, SINT_EVENTS, CONNECTION_EVENTS);
	say(!hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, CONNECTION_EVENTS) &&
	    flags[CONNECTION_EVENTS / 8] == 1 << CONNECTION_EVENTS % 8 && comes(&interrupts[1], 1),
	    "an_event_sets_its_flag");
	routed(7, SINT_EVENTS, CONNECTION_EVENTS);
	say(hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, CONNECTION_EVENTS) ==
	    PVN_STATUS_INVALID_CONNECTION_ID, "and_ends_with_its_connection");
}

void payload_main(uint32_t magic, const struct info *info)
{
	check_info(magic, info);
	check_ports();
	check_apic();
	check_counters();
	check_routes();
	print("done\n");
	out32(EXIT_PORT, failures);
}
