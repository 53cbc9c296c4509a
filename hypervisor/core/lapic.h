/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Virtual local APIC, x2APIC form only [SDM 3A 11.12 "Extended XAPIC (x2APIC)"].
 * Pure: raises and retires interrupts in bitmaps; delivery is exit.c's.
 *
 * The owner is the processor that runs the VP; irr may be set by anybody.
 */
#pragma once

#include <pvn/abi/hypercall.h>

struct vp;

/* Bitmaps of 256 vectors. */
static inline void vector_set(uint64_t *map, unsigned int v) { map[v / 64] |= 1ull << v % 64; }
static inline bool vector_test(const uint64_t *map, unsigned int v) { return map[v / 64] >> v % 64 & 1; }

#define APIC_SPURIOUS_ENABLE 0x100u
#define LAPIC_LVTS	     6
#define LAPIC_NMI	     1u
#define LAPIC_EXTINT	     2u
#define LAPIC_SMI	     4u

struct lapic {
	uint64_t irr[4];	/* [a] */
	uint64_t tmr[4];	/* (o) level-triggered */
	uint64_t isr[4];	/* (o) */
	uint64_t device_level[4];	/* (o) root only: in service physically, EOI owed */
	uint64_t device_acked[4];	/* (o) of these: the guest's EOI came, a higher one's did not */
	uint64_t base;		/* (o) IA32_APIC_BASE */
	uint32_t id;		/* (c) */
	uint32_t spurious;	/* (o) SVR */
	uint32_t esr;		/* (o) */
	uint64_t icr;		/* (o) */
	uint32_t lvt[LAPIC_LVTS];	/* (o) timer, thermal, performance, LINT0, LINT1, error */
	uint32_t divide;	/* (o) */
	uint32_t initial_count;	/* (o) */
	uint64_t timer_start;	/* [vp->timer_lock] TSC when the count began */
	uint64_t timer_deadline;/* [vp->timer_lock] TSC; ~0 off; TSC-deadline mode too */
	uint32_t events;	/* [a] LAPIC_*: what comes past priorities */
	uint32_t extint;	/* [a] see lapic_extint() */
	uint32_t level_vector;	/* [a] the parent's last level-triggered one, 0: none */
	bool assist_eoi;	/* (o) "no EOI needed" was offered for the top of isr */
};

void lapic_reset(struct vp *vp);	/* INIT or creation: x2APIC mode, software-disabled */

/* MSRs 0x800-0x83f and 0x1b, 0x6e0; false: #GP. */
bool lapic_read_msr(struct vp *vp, uint32_t msr, uint64_t *value);
bool lapic_write_msr(struct vp *vp, uint32_t msr, uint64_t value);

/*
 * Makes vector pending, from any processor. True: it was not before, so that whoever runs
 * the VP has to be told (sched_notify()). If it was, who made it so does that.
 */
static inline bool lapic_post(struct lapic *lapic, uint8_t vector)
{
	uint64_t bit = 1ull << vector % 64;

	/* [SDM 3A 11.4.7.2 "Local APIC State After It Has Been Software Disabled"] */
	return __atomic_load_n(&lapic->spurious, __ATOMIC_RELAXED) & APIC_SPURIOUS_ENABLE &&
	       !(__atomic_fetch_or(&lapic->irr[vector / 64], bit, __ATOMIC_SEQ_CST) & bit);
}

/* The same, and sees to it that vp notices (wakes it, or kicks the processor that runs it). */
void lapic_raise(struct vp *vp, uint8_t vector);
/* As lapic_raise() for a physical device interrupt of the root; level: see plat_device_eoi(). */
void lapic_raise_device(struct vp *vp, uint8_t vector, bool level);
/* Sends what an ICR value says, from vp; synthetic IPIs use it too. */
void lapic_send(struct vp *vp, uint64_t icr);
/*
 * The parent's 8259 asserts a vector, or withdraws it (PVN_INTERRUPT_NONE). ACKNOWLEDGED:
 * the guest took the last one, and the parent has not cleared it: lapic_clear_extint(),
 * NOT_ACKNOWLEDGED if there is nothing to clear.
 */
enum pvn_status lapic_extint(struct vp *vp, uint32_t vector);
enum pvn_status lapic_clear_extint(struct vp *vp);
/* The VP takes it: its vector, or -1. */
int lapic_take_extint(struct vp *vp);
/* The guest wrote its ICR. */
void lapic_write_icr(struct vp *vp, uint64_t icr);

/* Highest vector that may be delivered now (above TPR and in service), or -1. */
int lapic_pending(struct vp *vp);
/* Is there anything in irr that would wake a halted VP with IF set? */
bool lapic_has_wakeup(struct vp *vp);
/* Is there anything in irr at all? */
bool lapic_has_any(struct vp *vp);
/* The vector was handed to the guest: irr -> isr; sets the EOI assist when it may. */
void lapic_accept(struct vp *vp, uint8_t vector);
void lapic_eoi(struct vp *vp);
/* Sees whether the guest took an EOI assist; before isr is used for anything. */
void lapic_sync_assist(struct vp *vp);
/* The guest turns its assist page on or off, or moves it: no offer stands. */
void lapic_assist_off(struct vp *vp);
/* The APIC timer's deadline passed; timer_lock held; returns the vector to raise or -1. */
int lapic_timer_expired(struct vp *vp, uint64_t now);
