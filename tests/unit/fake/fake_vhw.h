/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the virtual hardware (local APIC, SynIC, timers, CPUID, MSRs) stands on, for tests:
 * a clock that the test moves, one VP or several without a vendor, and a record of what
 * was asked of the machine. Everything is in fake and starts anew with fake_vhw_setup().
 */
#ifndef FAKE_VHW_H
#define FAKE_VHW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/cpu.h"
#include "core/exit.h"
#include "core/partition.h"
#include "core/platform.h"
#include "core/vp.h"

#define FAKE_VPS	4
#define FAKE_OVERLAYS	8
#define FAKE_TSC_HZ	2500000000ull
#define FAKE_APIC_HZ	100000000ull
#define FAKE_US		(FAKE_TSC_HZ / 1000000)	/* TSC ticks */

struct fake_vhw {
	uint64_t tsc, tsc_hz;
	struct cpu cpu[2];
	unsigned int this_cpu;
	uint64_t timer;			/* what the hardware is set to */
	unsigned int timer_writes;
	unsigned int kicks[2];
	int device_eois[16];
	unsigned int device_eoi_count;

	struct partition *partition;
	struct vp *vp[FAKE_VPS];
	unsigned int notified[FAKE_VPS];	/* sched_notify() calls */
	uint32_t resumed[FAKE_VPS];		/* reasons taken away by vp_resume() */
	uint8_t tpr[FAKE_VPS];
	uint64_t cr0, cr4, efer, pat, star;

	struct { uint64_t at; void *page; unsigned int rights; } overlay[FAKE_OVERLAYS];
	unsigned int overlay_refusals;	/* so many of the next additions fail */
	unsigned int flushes;

	uint32_t intercept_type;	/* last intercept_send() */
	uint8_t intercept_payload[PVN_MESSAGE_PAYLOAD_MAX];
	unsigned int intercepts;

	/* The real CPUID; by default every bit is set. */
	void (*cpuid)(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
	uint32_t lock_levels;
};

extern struct fake_vhw fake;

/* A child partition with four VPs in reset, their APICs software-enabled. */
int fake_vhw_setup(void **state);
int fake_vhw_teardown(void **state);
/* The clock moves on; timers that come due run, on processor 0, as by the interrupt. */
void fake_pass(uint64_t tsc_ticks);
/* The hardware timer after what every entry and sleep do first. */
uint64_t fake_programmed(void);
/* Where an overlay of that page is; ~0: nowhere. */
uint64_t fake_overlay_of(const void *page);

/* Register access as an exit would do it; fails the test when refused. */
uint64_t fake_rdmsr(struct vp *vp, uint32_t msr);
void fake_wrmsr(struct vp *vp, uint32_t msr, uint64_t value);
/* Refused with #GP (bad value, or a read that nobody answers). */
bool fake_wrmsr_faults(struct vp *vp, uint32_t msr, uint64_t value);
bool fake_rdmsr_faults(struct vp *vp, uint32_t msr);

#define X2APIC_MSR(reg) (0x800u + (reg))

#endif
