/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Virtual local APIC in x2APIC form [SDM 3A 11.12 "Extended XAPIC (x2APIC)"]: registers,
 * interrupt state, inter-processor interrupts, its timer, and the EOI assist of
 * [TLFS 2.0 10.3.5 "EOI Assist"]. What is to be injected and when is exit.c's business.
 *
 * Only irr, events and the start-up fields of a VP are written by other processors,
 * atomically; the timer is under vp->timer_lock because it expires on any processor.
 */
#include "core/exit.h"
#include "core/lapic.h"
#include "core/platform.h"
#include "core/sched.h"

#define BASE_ADDRESS	  0xfee00000ull
#define BASE_BSP	  (1ull << 8)
#define BASE_EXTD	  (1ull << 10)
#define BASE_ENABLE	  (1ull << 11)

/* Registers: MSR - 0x800. */
enum {
	REG_ID = 0x02, REG_VERSION = 0x03, REG_TPR = 0x08, REG_PPR = 0x0a, REG_EOI = 0x0b,
	REG_LDR = 0x0d, REG_SPURIOUS = 0x0f, REG_ISR = 0x10, REG_TMR = 0x18, REG_IRR = 0x20,
	REG_ESR = 0x28, REG_ICR = 0x30, REG_LVT_TIMER = 0x32, REG_LVT_LINT0 = 0x35,
	REG_LVT_ERROR = 0x37, REG_INITIAL = 0x38, REG_CURRENT = 0x39, REG_DIVIDE = 0x3e, REG_SELF = 0x3f,
};

#define VERSION		  0x00050014u	/* integrated, 6 LVT entries */
#define LVT_MASKED	  0x10000u
#define LVT_VALID	  0x107ffu	/* vector, delivery mode, mask */
#define LVT_LINT_VALID	  0x1a7ffu	/* and polarity, trigger mode */
#define LVT_TIMER_VALID	  0x700ffu
#define TIMER_MODE	  0x60000u
#define TIMER_PERIODIC	  0x20000u
#define TIMER_DEADLINE	  0x40000u
#define SPURIOUS_VALID	  0x3ffu
#define ESR_SEND_ILLEGAL  0x20u
#define TIMER_OFF	  (~0ull)
/* A shorter period would keep the hypervisor busy with nothing else. */
#define PERIOD_MIN_HZ	  10000

#define ICR_VALID	  0xffffffff000ccfffull
#define ICR_BROADCAST	  0xffffffffu

enum { MODE_FIXED, MODE_LOWEST, MODE_SMI, MODE_NMI = 4, MODE_INIT, MODE_STARTUP };
enum { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };

/* Bitmaps of 256 vectors. */

static void vector_clear(uint64_t *map, unsigned int v) { map[v / 64] &= ~(1ull << v % 64); }

static int vector_highest(const uint64_t *map)
{
	for (int i = 3; i >= 0; i--) {
		/* irr changes under our eyes: one read, or clz may meet a zero. */
		uint64_t word = __atomic_load_n(&map[i], __ATOMIC_ACQUIRE);

		if (word)
			return i * 64 + 63 - __builtin_clzll(word);
	}
	return -1;
}

static bool lapic_enabled(const struct lapic *lapic)
{
	return __atomic_load_n(&lapic->spurious, __ATOMIC_RELAXED) & APIC_SPURIOUS_ENABLE;
}

/* Delivery */

void lapic_raise(struct vp *vp, uint8_t vector)
{
	if (lapic_post(&vp->lapic, vector))
		sched_notify(vp);
}

void lapic_raise_device(struct vp *vp, uint8_t vector, bool level)
{
	struct lapic *lapic = &vp->lapic;

	/* On the root VP's own processor: the owner's fields may be touched. */
	if (level) {
		vector_set(lapic->tmr, vector);
		vector_set(lapic->device_level, vector);
		vector_clear(lapic->device_acked, vector);
	} else if (!vector_test(lapic->device_level, vector)) {
		vector_clear(lapic->tmr, vector);
	}
	/*
	 * Pending even while the APIC is software-disabled: a dropped level interrupt
	 * would never be acknowledged and would block every lower one.
	 */
	__atomic_fetch_or(&lapic->irr[vector / 64], 1ull << vector % 64, __ATOMIC_SEQ_CST);
	sched_notify(vp);
}

/*
 * The guest is done with a level-triggered device interrupt. The physical EOI retires the
 * highest vector in service, so one that a higher one still covers waits for that one.
 */
static void device_retire(struct lapic *lapic, uint8_t vector)
{
	int top;

	vector_set(lapic->device_acked, vector);
	while ((top = vector_highest(lapic->device_level)) >= 0 && vector_test(lapic->device_acked, top)) {
		vector_clear(lapic->device_level, top);
		vector_clear(lapic->device_acked, top);
		plat_device_eoi(top);
	}
}

static void level_retire(struct vp *vp, uint8_t vector)
{
	const struct pvn_eoi_message message = { .vp_index = vp->index, .vector = vector };

	if (vector_test(vp->lapic.device_level, vector))
		device_retire(&vp->lapic, vector);
	else if (!vp->partition->is_root)
		intercept_post(vp, PVN_MESSAGE_APIC_EOI, &message, sizeof(message));
}

static void retire_highest(struct vp *vp)
{
	struct lapic *lapic = &vp->lapic;
	int vector = vector_highest(lapic->isr);

	if (vector < 0)
		return;
	vector_clear(lapic->isr, vector);
	if (vector_test(lapic->tmr, vector))
		level_retire(vp, vector);
	if (vector_test(vp->synic.vectors, vector))
		synic_scan(vp);
}

/* Did the guest take the offer of an EOI without exit, unseen so far? */
static bool assist_taken(const struct vp *vp)
{
	return vp->lapic.assist_eoi && !(__atomic_load_n(&vp->assist->apic_assist,
							 __ATOMIC_ACQUIRE) & PVN_APIC_ASSIST_NO_EOI);
}

void lapic_sync_assist(struct vp *vp)
{
	if (!assist_taken(vp))
		return;
	vp->lapic.assist_eoi = false;
	retire_highest(vp);
}

/* Takes the offer back, unless the guest was faster. The VP is not running. */
static void assist_withdraw(struct vp *vp)
{
	lapic_sync_assist(vp);
	if (!vp->lapic.assist_eoi)
		return;
	__atomic_store_n(&vp->assist->apic_assist, 0, __ATOMIC_SEQ_CST);
	vp->lapic.assist_eoi = false;
}

void lapic_assist_off(struct vp *vp)
{
	assist_withdraw(vp);
	__atomic_store_n(&vp->assist->apic_assist, 0, __ATOMIC_SEQ_CST);
}

void lapic_eoi(struct vp *vp)
{
	assist_withdraw(vp);
	retire_highest(vp);
}

static unsigned int processor_priority(struct vp *vp)
{
	unsigned int tpr = virt->get_tpr(vp);
	/* The offer is made for the only vector in service. */
	int in_service = assist_taken(vp) ? -1 : vector_highest(vp->lapic.isr);

	/* [SDM 3A 11.8.3.1 "Task and Processor Priorities"] */
	if (in_service < 0 || (unsigned int)in_service >> 4 <= tpr >> 4)
		return tpr;
	return in_service & 0xf0;
}

/* Changes nothing, so that lapic_has_wakeup() may ask on any processor. */
static int deliverable(struct vp *vp)
{
	int vector = vector_highest(vp->lapic.irr);

	if (vector < 0 || !lapic_enabled(&vp->lapic) ||
	    (unsigned int)vector >> 4 <= processor_priority(vp) >> 4)
		return -1;
	return vector;
}

int lapic_pending(struct vp *vp)
{
	lapic_sync_assist(vp);
	/* Something waits behind the one in service: its EOI must come to us. */
	if (vp->lapic.assist_eoi && vector_highest(vp->lapic.irr) >= 0)
		assist_withdraw(vp);
	return deliverable(vp);
}

bool lapic_has_wakeup(struct vp *vp) { return deliverable(vp) >= 0; }

bool lapic_has_any(struct vp *vp) { return vector_highest(vp->lapic.irr) >= 0; }

void lapic_accept(struct vp *vp, uint8_t vector)
{
	struct lapic *lapic = &vp->lapic;
	bool nested;

	__atomic_fetch_and(&lapic->irr[vector / 64], ~(1ull << vector % 64), __ATOMIC_SEQ_CST);
	if (vector_test(vp->synic.auto_eoi, vector))
		return;
	nested = vector_highest(lapic->isr) >= 0;
	vector_set(lapic->isr, vector);
	/* [TLFS 2.0 10.3.5 "EOI Assist"]: edge-triggered, not nested, nothing behind it. */
	if (nested || !(vp->assist_msr & PVN_MSR_PAGE_ENABLE) || vector_test(lapic->tmr, vector) ||
	    vector_highest(lapic->irr) >= 0)
		return;
	__atomic_store_n(&vp->assist->apic_assist, PVN_APIC_ASSIST_NO_EOI, __ATOMIC_RELEASE);
	lapic->assist_eoi = true;
}

/* Inter-processor interrupts */

static bool is_target(const struct vp *vp, const struct vp *from, uint64_t icr)
{
	uint32_t to = icr >> 32, id = vp->lapic.id;

	switch (icr >> 18 & 3) {
	case TO_SELF: return vp == from;
	case TO_ALL: return true;
	case TO_OTHERS: return vp != from;
	}
	if (to == ICR_BROADCAST)
		return true;
	if (!(icr & ICR_LOGICAL))
		return to == id;
	/* [SDM 3A 11.12.10.2 "Deriving Logical x2APIC ID from the Local x2APIC ID"] */
	return to >> 16 == id >> 4 && to & 1u << (id & 15);
}

static void send_startup(struct vp *vp, uint8_t vector)
{
	/*
	 * A VP that was sent INIT but has not seen it yet takes the vector too: on INIT it
	 * first begins to wait (VP_STOP_SIPI), then clears init_pending, then looks for a
	 * vector. So either it finds this one, or we find it waiting.
	 */
	if (!__atomic_load_n(&vp->init_pending, __ATOMIC_SEQ_CST) &&
	    !(__atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST) & VP_STOP_SIPI))
		return;
	__atomic_store_n(&vp->sipi_vector, vector, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST) & VP_STOP_SIPI)
		vp_resume(vp, VP_STOP_SIPI);
}

static void send_init(struct vp *vp)
{
	/* One that waits for its start-up IPI is in the state that INIT would give it. */
	if (__atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST) & VP_STOP_SIPI)
		return;
	__atomic_store_n(&vp->sipi_vector, -1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vp->init_pending, true, __ATOMIC_SEQ_CST);
	sched_notify(vp);
}

static void raise_event(struct vp *vp, uint32_t event)
{
	__atomic_fetch_or(&vp->lapic.events, event, __ATOMIC_SEQ_CST);
	sched_notify(vp);
}

/* State of an ExtInt [TLFS 2.0 13.3.4 "ExtInt"]; 0: none. */
#define EXTINT_ASSERTED	0x100u		/* with the vector */
#define EXTINT_TAKEN	0x200u		/* until the parent clears it */

enum pvn_status lapic_extint(struct vp *vp, uint32_t vector)
{
	uint32_t new = vector == PVN_INTERRUPT_NONE ? 0 : EXTINT_ASSERTED | vector;
	uint32_t old = __atomic_load_n(&vp->lapic.extint, __ATOMIC_SEQ_CST);

	do {
		if (old == EXTINT_TAKEN)
			return PVN_STATUS_ACKNOWLEDGED;
	} while (!atomic_swap_if(&vp->lapic.extint, &old, new));
	/* One that is withdrawn is not there when the VP looks. */
	raise_event(vp, LAPIC_EXTINT);
	return PVN_STATUS_SUCCESS;
}

enum pvn_status lapic_clear_extint(struct vp *vp)
{
	uint32_t taken = EXTINT_TAKEN;

	return atomic_swap_if(&vp->lapic.extint, &taken, 0) ?
	       PVN_STATUS_SUCCESS : PVN_STATUS_NOT_ACKNOWLEDGED;
}

int lapic_take_extint(struct vp *vp)
{
	uint32_t old;

	/* Whoever asserts another one meanwhile sets it again. */
	__atomic_fetch_and(&vp->lapic.events, ~LAPIC_EXTINT, __ATOMIC_SEQ_CST);
	old = __atomic_load_n(&vp->lapic.extint, __ATOMIC_SEQ_CST);
	if (old & EXTINT_ASSERTED && atomic_swap_if(&vp->lapic.extint, &old, EXTINT_TAKEN))
		return old & 0xff;
	return -1;
}

/*
 * The parent's line: a level that is asserted anew or withdrawn before it is taken takes
 * the last vector back [TLFS 2.0 13.3 "Virtual Interrupts"].
 */
static void raise_level(struct vp *vp, uint64_t icr)
{
	struct lapic *lapic = &vp->lapic;
	unsigned int vector = icr & ICR_ASSERT ? icr & 0xff : 0;
	unsigned int old = __atomic_exchange_n(&lapic->level_vector, vector, __ATOMIC_SEQ_CST);

	if (old)
		__atomic_fetch_and(&lapic->irr[old / 64], ~(1ull << old % 64), __ATOMIC_SEQ_CST);
	if (!vector)
		return;
	__atomic_fetch_or(&lapic->tmr[vector / 64], 1ull << vector % 64, __ATOMIC_SEQ_CST);
	lapic_raise(vp, vector);
}

static void send_to(struct vp *vp, uint64_t icr)
{
	switch (icr >> 8 & 7) {
	case MODE_FIXED:
	case MODE_LOWEST: return icr & ICR_LEVEL ? raise_level(vp, icr) : lapic_raise(vp, icr);
	/* The root's machine has its firmware's. */
	case MODE_SMI: return vp->partition->is_root ? (void)0 : raise_event(vp, LAPIC_SMI);
	case MODE_NMI: return raise_event(vp, LAPIC_NMI);
	case MODE_INIT: return send_init(vp);
	case MODE_STARTUP: return send_startup(vp, icr);
	default: return;	/* reserved */
	}
}

void lapic_send(struct vp *vp, uint64_t icr)
{
	unsigned int mode = icr >> 8 & 7;

	if (mode <= MODE_LOWEST && !(icr & ICR_LEVEL) && (icr & 0xff) < 16) {
		vp->lapic.esr |= ESR_SEND_ILLEGAL;
		return;
	}
	/* INIT level de-assert does nothing since the Pentium 4. */
	if (mode == MODE_INIT && icr & ICR_LEVEL && !(icr & ICR_ASSERT))
		return;
	for_each_vp(target, vp->partition) {
		if (!is_target(target, vp, icr))
			continue;
		send_to(target, icr);
		if (mode == MODE_LOWEST)
			return;
	}
}

void lapic_write_icr(struct vp *vp, uint64_t icr)
{
	vp->lapic.icr = icr & ICR_VALID;
	/* IPIs are edge-triggered whatever the guest says; levels are the parent's. */
	if ((icr >> 8 & 7) <= MODE_LOWEST)
		icr &= ~(uint64_t)ICR_LEVEL;
	lapic_send(vp, icr & ICR_VALID);
}

/* Timer */

/* value * to / from, rounded up. from * to fits 64 bits: 100 MHz and the TSC's some GHz. */
static uint64_t convert(uint64_t value, uint64_t from, uint64_t to)
{
	return value / from * to + (value % from * to + from - 1) / from;
}

static unsigned int timer_divisor(const struct lapic *lapic)
{
	unsigned int code = (lapic->divide & 3) | (lapic->divide >> 1 & 4);

	return code == 7 ? 1 : 2u << code;
}

static uint64_t timer_period(const struct lapic *lapic)
{
	uint64_t ticks = (uint64_t)lapic->initial_count * timer_divisor(lapic);

	return convert(ticks, plat_apic_hz(), plat_tsc_hz());
}

static uint32_t timer_mode(const struct lapic *lapic) { return lapic->lvt[0] & TIMER_MODE; }

/* timer_lock held. */
static void timer_start(struct vp *vp)
{
	struct lapic *lapic = &vp->lapic;

	lapic->timer_start = plat_tsc();
	lapic->timer_deadline = lapic->initial_count ? lapic->timer_start + timer_period(lapic) : TIMER_OFF;
	vp_timers_rearm(vp);
}

static void timer_write_initial(struct vp *vp, uint32_t count)
{
	SPIN_HOLD(&vp->timer_lock);

	/* [SDM 3A 11.5.4.1 "TSC-Deadline Mode"]: ignored in that mode. */
	if (timer_mode(&vp->lapic) == TIMER_DEADLINE)
		return;
	vp->lapic.initial_count = count;
	timer_start(vp);
}

static uint32_t timer_current(struct vp *vp)
{
	uint64_t deadline = __atomic_load_n(&vp->lapic.timer_deadline, __ATOMIC_RELAXED);
	uint64_t now = plat_tsc(), left;

	if (timer_mode(&vp->lapic) == TIMER_DEADLINE || deadline == TIMER_OFF || deadline <= now)
		return 0;
	left = convert(deadline - now, plat_tsc_hz(), plat_apic_hz()) / timer_divisor(&vp->lapic);
	return left > vp->lapic.initial_count ? vp->lapic.initial_count : left;
}

static void timer_write_lvt(struct vp *vp, uint32_t value)
{
	struct lapic *lapic = &vp->lapic;
	SPIN_HOLD(&vp->timer_lock);
	bool mode_moved = (timer_mode(lapic) ^ value) & TIMER_DEADLINE;

	lapic->lvt[0] = value;
	/* To or from TSC-deadline mode disarms. */
	if (mode_moved) {
		lapic->initial_count = 0;
		lapic->timer_deadline = TIMER_OFF;
		vp_timers_rearm(vp);
	}
}

static void timer_write_deadline(struct vp *vp, uint64_t deadline)
{
	SPIN_HOLD(&vp->timer_lock);

	if (timer_mode(&vp->lapic) != TIMER_DEADLINE)
		return;
	vp->lapic.timer_deadline = deadline ? deadline : TIMER_OFF;
	vp_timers_rearm(vp);
}

static uint64_t timer_read_deadline(struct vp *vp)
{
	uint64_t deadline = __atomic_load_n(&vp->lapic.timer_deadline, __ATOMIC_RELAXED);

	return timer_mode(&vp->lapic) != TIMER_DEADLINE || deadline == TIMER_OFF ? 0 : deadline;
}

int lapic_timer_expired(struct vp *vp, uint64_t now)
{
	struct lapic *lapic = &vp->lapic;
	uint32_t lvt = lapic->lvt[0];

	if (lapic->timer_deadline > now || lapic->timer_deadline == TIMER_OFF)
		return -1;
	if (timer_mode(lapic) == TIMER_PERIODIC && lapic->initial_count) {
		uint64_t period = timer_period(lapic), least = plat_tsc_hz() / PERIOD_MIN_HZ;

		if (period < least)
			period = least;
		/* Periods that went by meanwhile are one interrupt, as in the real irr. */
		lapic->timer_deadline += ((now - lapic->timer_deadline) / period + 1) * period;
		lapic->timer_start = now;
	} else {
		lapic->timer_deadline = TIMER_OFF;
	}
	return lvt & LVT_MASKED || (lvt & 0xff) < 16 ? -1 : (int)(lvt & 0xff);
}

/* Registers */

void lapic_reset(struct vp *vp)
{
	struct lapic *lapic = &vp->lapic;
	int vector;

	lapic->assist_eoi = false;
	if (vp->assist)
		__atomic_store_n(&vp->assist->apic_assist, 0, __ATOMIC_SEQ_CST);
	lapic->id = vp->apic_id;
	lapic->base = BASE_ADDRESS | BASE_ENABLE | BASE_EXTD | (vp->index ? 0 : BASE_BSP);
	__atomic_store_n(&lapic->spurious, 0xff, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < 4; i++) {
		__atomic_store_n(&lapic->irr[i], 0, __ATOMIC_SEQ_CST);
		lapic->isr[i] = lapic->tmr[i] = lapic->device_acked[i] = 0;
	}
	__atomic_store_n(&lapic->events, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&lapic->extint, 0, __ATOMIC_SEQ_CST);
	/* Nobody is left to acknowledge these. */
	while ((vector = vector_highest(lapic->device_level)) >= 0) {
		vector_clear(lapic->device_level, vector);
		plat_device_eoi(vector);
	}
	lapic->esr = 0;
	lapic->icr = 0;
	spin_lock(&vp->timer_lock);
	for (unsigned int i = 0; i < LAPIC_LVTS; i++)
		lapic->lvt[i] = LVT_MASKED;
	lapic->divide = lapic->initial_count = 0;
	lapic->timer_start = 0;
	lapic->timer_deadline = TIMER_OFF;
	vp_timers_rearm(vp);
	spin_unlock(&vp->timer_lock);
}

static uint64_t lvt_valid(unsigned int reg)
{
	if (reg == REG_LVT_TIMER)
		return LVT_TIMER_VALID;
	return reg == REG_LVT_LINT0 || reg == REG_LVT_LINT0 + 1 ? LVT_LINT_VALID : LVT_VALID;
}

static uint32_t read_bitmap(const uint64_t *map, unsigned int word)
{
	return __atomic_load_n(&map[word / 2], __ATOMIC_RELAXED) >> word % 2 * 32;
}

static bool read_register(struct vp *vp, unsigned int reg, uint64_t *value)
{
	struct lapic *lapic = &vp->lapic;

	lapic_sync_assist(vp);
	switch (reg) {
	case REG_ID: *value = lapic->id; break;
	case REG_VERSION: *value = VERSION; break;
	case REG_TPR: *value = virt->get_tpr(vp); break;
	case REG_PPR: *value = processor_priority(vp); break;
	case REG_LDR: *value = (lapic->id >> 4) << 16 | 1u << (lapic->id & 15); break;
	case REG_SPURIOUS: *value = lapic->spurious; break;
	case REG_ISR ... REG_ISR + 7: *value = read_bitmap(lapic->isr, reg - REG_ISR); break;
	case REG_TMR ... REG_TMR + 7: *value = read_bitmap(lapic->tmr, reg - REG_TMR); break;
	case REG_IRR ... REG_IRR + 7: *value = read_bitmap(lapic->irr, reg - REG_IRR); break;
	case REG_ESR: *value = lapic->esr; break;
	case REG_ICR: *value = lapic->icr; break;
	case REG_LVT_TIMER ... REG_LVT_ERROR: *value = lapic->lvt[reg - REG_LVT_TIMER]; break;
	case REG_INITIAL: *value = lapic->initial_count; break;
	case REG_CURRENT: *value = timer_current(vp); break;
	case REG_DIVIDE: *value = lapic->divide; break;
	default: return false;
	}
	return true;
}

/*
 * A reserved bit, and any write to a register that is read-only or not there, is #GP
 * [SDM 3A 11.12.1.3 "Reserved Bit Checking"]. Bits 12 and 14 of LVTs and bit 12 of the ICR
 * are status: read-only, not reserved.
 */
static bool is_writable(unsigned int reg, uint64_t value)
{
	switch (reg) {
	case REG_EOI:
	case REG_ESR: return !value;
	case REG_TPR:
	case REG_SELF: return value <= 0xff;
	case REG_SPURIOUS: return !(value & ~SPURIOUS_VALID);
	case REG_ICR: return !(value & ~(ICR_VALID | 0x1000));
	case REG_INITIAL: return !(value >> 32);
	case REG_DIVIDE: return !(value & ~0xbull);
	case REG_LVT_TIMER ... REG_LVT_ERROR: return !(value & ~(lvt_valid(reg) | 0x5000));
	default: return false;
	}
}

static void write_lvt(struct vp *vp, unsigned int reg, uint32_t value)
{
	value &= lvt_valid(reg);
	if (!lapic_enabled(&vp->lapic))
		value |= LVT_MASKED;
	if (reg == REG_LVT_TIMER)
		timer_write_lvt(vp, value);
	else
		vp->lapic.lvt[reg - REG_LVT_TIMER] = value;
}

static void write_spurious(struct vp *vp, uint32_t value)
{
	SPIN_HOLD(&vp->timer_lock);

	__atomic_store_n(&vp->lapic.spurious, value, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < LAPIC_LVTS && !lapic_enabled(&vp->lapic); i++)
		vp->lapic.lvt[i] |= LVT_MASKED;
}

static bool write_register(struct vp *vp, unsigned int reg, uint64_t value)
{
	if (!is_writable(reg, value))
		return false;
	switch (reg) {
	case REG_EOI: lapic_eoi(vp); break;
	case REG_ESR: vp->lapic.esr = 0; break;
	case REG_TPR: virt->set_tpr(vp, value); break;
	case REG_SELF: lapic_send(vp, (uint64_t)TO_SELF << 18 | value); break;
	case REG_SPURIOUS: write_spurious(vp, value); break;
	case REG_ICR: lapic_write_icr(vp, value); break;
	case REG_INITIAL: timer_write_initial(vp, value); break;
	case REG_DIVIDE: vp->lapic.divide = value; break;
	default: write_lvt(vp, reg, value);
	}
	return true;
}

bool lapic_read_msr(struct vp *vp, uint32_t msr, uint64_t *value)
{
	if (msr == MSR_APIC_BASE)
		*value = vp->lapic.base;
	else if (msr == MSR_TSC_DEADLINE)
		*value = timer_read_deadline(vp);
	else
		return msr >= MSR_X2APIC && read_register(vp, msr - MSR_X2APIC, value);
	return true;
}

bool lapic_write_msr(struct vp *vp, uint32_t msr, uint64_t value)
{
	/* There is no other mode and no other address to go to. */
	if (msr == MSR_APIC_BASE)
		return value == vp->lapic.base;
	if (msr != MSR_TSC_DEADLINE)
		return msr >= MSR_X2APIC && write_register(vp, msr - MSR_X2APIC, value);
	timer_write_deadline(vp, value);
	return true;
}
