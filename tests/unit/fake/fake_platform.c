// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The machine and the scheduler of fake_machine.h.
 */
#include "fake_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

#include "lib/log.h"

struct fake_machine machine;
_Thread_local unsigned int fake_thread_cpu;
enum log_level log_level = LOG_ERROR;

void *plat_hva(struct hpa pa)
{
	assert_true(pa.v < FAKE_MEMORY_BYTES);
	return machine.memory + pa.v;
}

struct hpa plat_hpa(const void *va)
{
	uint64_t at = (uint64_t)((const uint8_t *)va - machine.memory);

	assert_true(at < FAKE_MEMORY_BYTES);
	return hpa(at);
}

struct cpu *plat_this_cpu(void)
{
	return &machine.cpu[fake_thread_cpu ? fake_thread_cpu : machine.this_cpu];
}

struct cpu *plat_cpu(unsigned int index) { return &machine.cpu[index]; }
unsigned int plat_cpu_count(void) { return FAKE_CPUS; }
uint64_t plat_tsc(void) { return machine.tsc += machine.tsc_step; }
uint64_t plat_tsc_hz(void) { return FAKE_TSC_HZ; }
uint64_t plat_apic_hz(void) { return FAKE_TSC_HZ / 16; }
uint64_t plat_hpa_end(void) { return FAKE_MEMORY_BYTES; }
void plat_timer_set(uint64_t tsc_deadline) { (void)tsc_deadline; }
void plat_device_eoi(unsigned int vector) { (void)vector; }
void plat_log_write(const char *text, size_t bytes) { fwrite(text, 1, bytes, stderr); }
bool plat_debugger(void) { return machine.debugger && ++machine.debugged; }
void plat_fpu_sync(struct vp *vp) { (void)vp; }
void plat_xmm_read(void *to) { memcpy(to, machine.xmm, sizeof(machine.xmm)); }
void plat_xmm_write(const void *from) { memcpy(machine.xmm, from, sizeof(machine.xmm)); }

void plat_kick(struct cpu *cpu)
{
	uint64_t generation = __atomic_load_n(&cpu->entry_generation, __ATOMIC_SEQ_CST);

	machine.kicks[cpu->index]++;
	/* It leaves its guest, unless it has just done so by itself. */
	if (generation & 1 && !machine.guests_leave)
		__atomic_compare_exchange_n(&cpu->entry_generation, &generation, generation + 1, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void plat_relax(void)
{
	if (machine.threaded) {
		thrd_yield();
		return;
	}
	if (++machine.relaxes > 1000)
		fail_msg("waits for ever");
	if (machine.on_relax)
		machine.on_relax();
}

/* "AuthenticAMD", and something to be seen in the signature. */
void plat_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	static const uint32_t vendor[4] = { 0xd, 0x68747541, 0x444d4163, 0x69746e65 };

	(void)subleaf;
	memset(out, 0, 4 * sizeof(*out));
	if (!leaf)
		memcpy(out, vendor, sizeof(vendor));
	if (leaf == 1) {
		out[0] = 0x00800f12;
		out[2] = 1u << 26;	/* XSAVE */
	}
	if (leaf == 0xd)
		out[0] = 7;	/* of subleaf 1: XSAVEOPT, too */
}

void panic(const char *format, ...)
{
	char text[128];
	va_list args;

	if (machine.panic_expected)
		longjmp(machine.panic_jump, 1);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fail_msg("panic: %s", text);
	abort();
}

void log_print(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

/* The scheduler: a VP is stopped as soon as it is told to, and never really runs. */

void sched_notify(struct vp *vp)
{
	machine.notifications++;
	if (vp->state == VP_STOPPED && !vp->stop_reasons) {
		vp->state = VP_READY;
		machine.wakes++;
	}
}

void sched_yield(void) { machine.yields++; }
void sched_charge(void) { plat_this_cpu()->stats.count[PVN_STAT_processor_run_time] += 7; }

enum pvn_status sched_park(uint64_t mask)
{
	machine.parked = mask;
	return mask >> FAKE_CPUS ? PVN_STATUS_INVALID_PARAMETER : PVN_STATUS_SUCCESS;
}

void sched_wait_stopped(struct vp *vp)
{
	assert_true(vp->stop_reasons);
	assert_int_equal(plat_this_cpu()->locks_held, 0);
	machine.waits++;
	vp->state = VP_STOPPED;
}
