// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A bare-metal guest that repeats one thing many times, with nothing between it and the
 * hypervisor. For each it prints "bench: NAME NANOSECONDS TIMES", of all together, and
 * it marks where the repetitions begin and end. Built on the test guest's start-up.
 */
#include "marker.h"
#include "testguest.h"

#define TIMES		2000u
#define WARM		50u
#define TIMER_TIMES	200u
#define APART_TIMES	20u
#define SETTLE_UNITS	5000000u	/* of 100 ns */
#define VECTOR		0x41
#define TIMER_DIRECT	(PVN_STIMER_ENABLE | PVN_STIMER_DIRECT | (uint64_t)VECTOR << PVN_STIMER_VECTOR_SHIFT)

void testguest_main(const uint8_t *boot_params);

void power_off(void)
{
	for (;;)
		outb(PORT_SLEEP_CONTROL, SLEEP_OFF);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	print("bench: failed: %s:%d: %s\n", file, line, format);
	power_off();
}

void test_skip(const char *format, ...)
{
	print("bench: failed: %s\n", format);
	power_off();
}

static void need_success(const char *what, uint64_t result)
{
	if (pvn_result_status(result) != PVN_STATUS_SUCCESS) {
		print("bench: failed: %s: %s\n", what, status_name(pvn_result_status(result)));
		power_off();
	}
}

/* Fast, allowed to everyone, and without effect while nobody waits for the processor. */
static uint64_t null_call(void)
{
	return hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 1, 0);
}

static uint64_t doorbell(void)
{
	return hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, STORE_CHANNEL, 0);
}

/* So that the one before has been seen: on PAUSE, emulated processors that take turns do so. */
static void doorbell_apart(void)
{
	doorbell();
	for (unsigned int i = 0; i < 4; i++)
		relax();
}

static void one_cpuid(void)
{
	uint32_t out[4];

	cpuid(0, 0, out);
}

/* Due at once: two writes, an interrupt, its end. */
static void one_timer(void)
{
	unsigned int before = interrupts_taken(0, VECTOR);

	wrmsr(PVN_MSR_STIMER0_COUNT, 1);
	wrmsr(PVN_MSR_STIMER0_CONFIG, TIMER_DIRECT);
	interrupts_on();
	while (*(volatile unsigned int *)&vp_self()->taken[VECTOR] == before)
		relax();
	interrupts_off();
}

static void tell(const char *name, uint64_t ticks, unsigned int times)
{
	/* Not to overflow: kHz, then nanoseconds. */
	print("bench: %s %lu %u\n", name, ticks * 1000000 / (rdmsr(PVN_MSR_TSC_FREQUENCY) / 1000),
	      times);
}

#define REPEAT(window, name, times, call)						\
	do {										\
		uint64_t began_;							\
											\
		for (unsigned int i_ = 0; i_ < WARM && i_ < (times); i_++)				\
			call;								\
		began_ = rdtsc();							\
		WINDOW_BEGIN(window);							\
		for (unsigned int i_ = 0; i_ < (times); i_++)				\
			call;								\
		WINDOW_END(window);							\
		tell(name, rdtsc() - began_, times);					\
	} while (0)

void testguest_main(const uint8_t *boot_params)
{
	(void)boot_params;
	vp_init(0);
	vp_at(0)->online = true;
	hypercall_enable();
	/* The root goes on with creating this guest for a while. */
	wait_for(SETTLE_UNITS);
	need_success("null hypercall", null_call());
	need_success("doorbell", doorbell());
	REPEAT(WINDOW_NOTHING, "nothing", TIMES, relax());
	REPEAT(WINDOW_HYPERCALL, "hypercall", TIMES, null_call());
	REPEAT(WINDOW_DOORBELL, "doorbell", TIMES, doorbell());
	REPEAT(WINDOW_DOORBELL_APART, "doorbell-apart", APART_TIMES, doorbell_apart());
	REPEAT(WINDOW_CPUID, "cpuid-bare-metal", TIMES, one_cpuid());
	REPEAT(WINDOW_EOI, "eoi", TIMES, apic_eoi());
	REPEAT(WINDOW_TIMER, "timer-set", TIMER_TIMES, one_timer());
	print("bench: done\n");
	power_off();
}
