/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The physical local APIC [APM2 ch. 16 "Advanced Programmable Interrupt Controller"].
 * Registers by number (xAPIC offset >> 4 = x2APIC MSR - 0x800).
 */
#include "x86/x86.h"

enum {
	APIC_ID = 0x02, APIC_TPR = 0x08, APIC_EOI = 0x0b, APIC_SPURIOUS = 0x0f, APIC_TMR = 0x18,
	APIC_ESR = 0x28, APIC_ICR = 0x30, APIC_ICR_HIGH = 0x31, APIC_LVT_TIMER = 0x32,
	APIC_LVT_THERMAL = 0x33, APIC_LVT_PERF = 0x34, APIC_LVT_LINT0 = 0x35, APIC_LVT_LINT1 = 0x36,
	APIC_LVT_ERROR = 0x37, APIC_INITIAL = 0x38, APIC_CURRENT = 0x39, APIC_DIVIDE = 0x3e,
};

#define BASE_ENABLE	(1u << 11)
#define BASE_X2APIC	(1u << 10)
#define LVT_MASKED	0x10000
#define LVT_NMI		0x400
#define ICR_BUSY	0x1000

static bool x2apic;
static volatile uint32_t *registers;	/* xAPIC page */

static uint32_t apic_read(unsigned int number)
{
	return x2apic ? rdmsr(0x800 + number) : registers[number * 4];
}

static void apic_write(unsigned int number, uint32_t value)
{
	if (x2apic)
		wrmsr(0x800 + number, value);
	else
		registers[number * 4] = value;
}

/* Also makes an emulated APIC look for what it forgot to tell (docs/decisions/009). */
void apic_accept_all(void) { apic_write(APIC_TPR, 0); }

void apic_init_cpu(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	/* All processors alike: firmware's x2APIC is kept, since leaving it needs a reset. */
	x2apic = base & BASE_X2APIC;
	if (!(base & BASE_ENABLE))
		wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
	if (!x2apic)
		registers = plat_hva(hpa(base & 0xffffff000ull));
	apic_write(APIC_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	apic_write(APIC_LVT_THERMAL, LVT_MASKED);
	apic_write(APIC_LVT_PERF, LVT_MASKED);
	/* The root uses the I/O APIC; an 8259 that still spoke would have no owner. */
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, LVT_MASKED);
	apic_write(APIC_DIVIDE, 0xb);	/* by 1 */
	apic_write(APIC_INITIAL, 0);
	apic_accept_all();
}

uint32_t apic_id(void) { return x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24; }

bool apic_reaches(uint32_t id) { return x2apic || id < 0xff; }

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

bool apic_is_level(unsigned int vector) { return apic_read(APIC_TMR + vector / 32) >> (vector % 32) & 1; }

static inline void send(uint32_t target, uint32_t command)
{
	volatile uint32_t *at = registers;

	if (x2apic)
		return wrmsr(0x800 + APIC_ICR, (uint64_t)target << 32 | command | ICR_ASSERT);
	while (at[APIC_ICR * 4] & ICR_BUSY)
		cpu_pause();
	at[APIC_ICR_HIGH * 4] = target << 24;
	at[APIC_ICR * 4] = command | ICR_ASSERT;
}

void apic_send(uint32_t target, uint32_t command) { send(target, command); }

void plat_kick(struct cpu *cpu)
{
	this_cpu()->stats.count[PVN_STAT_processor_ipis_sent]++;
	send(cpu->apic_id, APIC_FIXED | VECTOR_KICK);
}

void apic_timer_start(uint32_t count) { apic_write(APIC_INITIAL, count); }
uint32_t apic_timer_count(void) { return apic_read(APIC_CURRENT); }
