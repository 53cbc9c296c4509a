/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Time base. The PIT's channel 2 measures the TSC and the APIC timer for 20 ms until the two
 * shortest counts agree. What disturbs a measurement can only make it longer.
 */
#include "x86/x86.h"

#define PIT_HZ		1193182u
#define PIT_COUNT	(PIT_HZ / 50)	/* 20 ms */
#define TRIES_MAX	25
#define AGREEMENT	2000u		/* 0.05 % */
#define TSC_TICKS_MAX	(1ull << 33)	/* seconds, where 20 ms are expected */
#define GUEST_APIC_HZ	100000000ull
#define TIMER_TICKS_MAX	0x7fffffffull

static uint64_t tsc_hz, apic_hz;
static uint64_t apic_per_tsc;		/* APIC timer counts per TSC count, 32.32 */

uint64_t plat_tsc(void) { return rdtsc(); }
uint64_t plat_tsc_hz(void) { return tsc_hz; }
/* What guests are told is a constant of ours: their timer is ours too. */
uint64_t plat_apic_hz(void) { return GUEST_APIC_HZ; }

static uint64_t measure(uint64_t *apic_ticks)
{
	uint64_t start;

	/* Channel 2: gate on, speaker off; mode 0 raises the output when it is done. */
	outb(0x61, (inb(0x61) & ~0x02) | 0x01);
	outb(0x43, 0xb0);
	apic_timer_start(0xffffffff);
	start = rdtsc();
	outb(0x42, PIT_COUNT & 0xff);
	outb(0x42, PIT_COUNT >> 8);
	while (!(inb(0x61) & 0x20)) {
		if (rdtsc() - start > TSC_TICKS_MAX)
			panic("PIT channel 2 does not count: there is nothing to measure the TSC against");
		cpu_pause();
	}
	*apic_ticks = 0xffffffff - apic_timer_count();
	start = rdtsc() - start;
	apic_timer_start(0);
	return start;
}

void tsc_calibrate(void)
{
	uint64_t best = ~0ull, second = ~0ull, apic_best = 0;

	for (unsigned int i = 0; i < TRIES_MAX && (i < 2 || second - best > best / AGREEMENT); i++) {
		uint64_t apic_ticks, ticks = measure(&apic_ticks);

		if (ticks < best) {
			second = best;
			best = ticks;
			apic_best = apic_ticks;
		} else if (ticks < second) {
			second = ticks;
		}
	}
	tsc_hz = best * PIT_HZ / PIT_COUNT;
	apic_hz = apic_best * PIT_HZ / PIT_COUNT;
	log_info("time: TSC %lu kHz, APIC timer %lu kHz", tsc_hz / 1000, apic_hz / 1000);
	ASSERT(tsc_hz && apic_hz && apic_hz >> 32 == 0);
	apic_per_tsc = (apic_hz << 32) / tsc_hz;
}

void tsc_delay_us(uint64_t microseconds)
{
	uint64_t until = rdtsc() + tsc_hz / 1000000 * microseconds;

	while (rdtsc() < until)
		cpu_pause();
}

void plat_timer_set(uint64_t deadline)
{
	uint64_t now = rdtsc(), ticks;

	if (deadline == ~0ull)
		return apic_timer_start(0);
	/* Rounded up: a timer that fires early would only be set again. */
	ticks = deadline <= now ? 1 : ((unsigned __int128)(deadline - now) * apic_per_tsc >> 32) + 1;
	apic_timer_start(ticks > TIMER_TICKS_MAX ? TIMER_TICKS_MAX : ticks);
}
