/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Synthetic timers [TLFS 2.0 15.4 "Synthetic Timers"], and the one queue entry through
 * which all timers of a VP, the local APIC's too, wait for their deadlines.
 *
 * State is under vp->timer_lock, because a deadline passes on whichever processor it was
 * armed on. Message slots are under the outer synic.lock; therefore an expiry only notes
 * that a message is owed, and it is delivered after timer_lock has been dropped.
 */
#include "core/partition.h"
#include "core/platform.h"

#define DEADLINE_NONE	 (~0ull)
#define CONFIG_VALID	 0xf1fffull
/* Shortest period, 100 us: a shorter one would keep the hypervisor busy with nothing else. */
#define PERIOD_MIN	 1000ull

static unsigned int timer_sint(const struct stimer *timer)
{
	return timer->config >> PVN_STIMER_SINT_SHIFT & 0xf;
}

static uint64_t reference_now(struct vp *vp) { return partition_reference_time(vp->partition, plat_tsc()); }

void vp_timers_rearm(struct vp *vp)
{
	uint64_t earliest = vp->lapic.timer_deadline;

	if (vp->cap_end && vp->cap_end < earliest)
		earliest = vp->cap_end;
	for (unsigned int i = 0; i < PVN_STIMER_COUNT; i++) {
		uint64_t deadline = vp->synic.timer[i].deadline, tsc;

		if (deadline == DEADLINE_NONE)
			continue;
		tsc = partition_reference_to_tsc(vp->partition, deadline);
		if (tsc < earliest)
			earliest = tsc;
	}
	if (earliest == DEADLINE_NONE)
		timer_cancel(&vp->timer);
	else if (!__atomic_load_n(&vp->timer.cpu, __ATOMIC_RELAXED) || vp->timer.deadline != earliest)
		timer_arm(&vp->timer, earliest);
}

/* timer_lock held: (re)starts by config and count. */
static void timer_start(struct vp *vp, struct stimer *timer)
{
	timer->deadline = DEADLINE_NONE;
	if (timer->config & PVN_STIMER_ENABLE && timer->count) {
		timer->deadline = timer->count;
		if (timer->config & PVN_STIMER_PERIODIC &&
		    __builtin_add_overflow(timer->count, reference_now(vp), &timer->deadline))
			timer->deadline = DEADLINE_NONE;
	}
	vp_timers_rearm(vp);
}

/*
 * timer_lock held: the timer is due. Returns the vector to raise in direct mode, else 0
 * and a message is owed.
 */
static uint8_t timer_expire(struct stimer *timer, uint64_t now)
{
	uint64_t due = timer->deadline;

	if (timer->config & PVN_STIMER_PERIODIC) {
		uint64_t period = timer->count < PERIOD_MIN ? PERIOD_MIN : timer->count;

		/* Periods that went by unserved are not caught up with, lazy or not. */
		timer->deadline = due + ((now - due) / period + 1) * period;
	} else {
		timer->deadline = DEADLINE_NONE;
		timer->config &= ~PVN_STIMER_ENABLE;
	}
	if (timer->config & PVN_STIMER_DIRECT)
		return timer->config >> PVN_STIMER_VECTOR_SHIFT;
	timer->message_owed = true;
	timer->expired_at = due;
	return 0;
}

void vp_timers_expired(struct vp *vp)
{
	int apic_vector;
	uint8_t vectors[PVN_STIMER_COUNT] = { 0 };
	uint32_t owed_sints = 0;
	uint64_t tsc, now;
	bool uncap;

	spin_lock(&vp->timer_lock);
	tsc = plat_tsc();
	now = partition_reference_time(vp->partition, tsc);
	apic_vector = lapic_timer_expired(vp, tsc);
	uncap = vp->cap_end && vp->cap_end <= tsc;
	if (uncap)
		vp->cap_end = 0;
	for (unsigned int i = 0; i < PVN_STIMER_COUNT; i++) {
		struct stimer *timer = &vp->synic.timer[i];

		if (timer->deadline == DEADLINE_NONE || timer->deadline > now)
			continue;
		vectors[i] = timer_expire(timer, now);
		if (timer->message_owed)
			owed_sints |= 1u << timer_sint(timer);
	}
	vp_timers_rearm(vp);
	spin_unlock(&vp->timer_lock);

	if (uncap)
		vp_resume(vp, VP_STOP_CAP);
	if (apic_vector >= 0)
		lapic_raise(vp, apic_vector);
	for (unsigned int i = 0; i < PVN_STIMER_COUNT; i++) {
		if (vectors[i] >= 16)
			lapic_raise(vp, vectors[i]);
	}
	for (; owed_sints; owed_sints &= owed_sints - 1)
		synic_message_owed(vp, __builtin_ctz(owed_sints));
}

static void fill_message(struct vp *vp, unsigned int index, struct pvn_message *out)
{
	struct pvn_timer_message payload = {
		.timer = index, .expired_at = vp->synic.timer[index].expired_at,
		.delivered_at = reference_now(vp),
	};

	*out = (struct pvn_message){ .type = PVN_MESSAGE_TIMER_EXPIRED, .payload_bytes = sizeof(payload) };
	memcpy(out->payload, &payload, sizeof(payload));
}

bool stimer_take_message(struct vp *vp, unsigned int sint, struct pvn_message *out, bool *more)
{
	bool taken = false;
	SPIN_HOLD(&vp->timer_lock);

	*more = false;
	for (unsigned int i = 0; i < PVN_STIMER_COUNT && !*more; i++) {
		struct stimer *timer = &vp->synic.timer[i];

		if (!timer->message_owed || timer_sint(timer) != sint)
			continue;
		*more = taken;
		if (taken)
			break;
		taken = true;
		timer->message_owed = false;
		fill_message(vp, i, out);
	}
	return taken;
}

static bool write_config(struct vp *vp, struct stimer *timer, uint64_t value)
{
	SPIN_HOLD(&vp->timer_lock);

	if (value & ~CONFIG_VALID)
		return false;
	/* Without direct mode a timer has nowhere to go but a SINT, and SINT 0 is none. */
	if (!(value & PVN_STIMER_DIRECT) && !(value >> PVN_STIMER_SINT_SHIFT & 0xf))
		value &= ~PVN_STIMER_ENABLE;
	timer->config = value;
	timer->message_owed = false;
	timer_start(vp, timer);
	return true;
}

static void write_count(struct vp *vp, struct stimer *timer, uint64_t value)
{
	SPIN_HOLD(&vp->timer_lock);

	timer->count = value;
	if (!value)
		timer->config &= ~PVN_STIMER_ENABLE;
	else if (timer->config & PVN_STIMER_AUTO_ENABLE)
		timer->config |= PVN_STIMER_ENABLE;
	timer_start(vp, timer);
}

static struct stimer *timer_of(struct vp *vp, uint32_t msr)
{
	uint32_t index = (msr - PVN_MSR_STIMER0_CONFIG) / 2;

	return msr >= PVN_MSR_STIMER0_CONFIG && index < PVN_STIMER_COUNT ? &vp->synic.timer[index] : NULL;
}

bool stimer_read_msr(struct vp *vp, uint32_t msr, uint64_t *value)
{
	/* config changes by itself when a one-shot timer expires on another processor. */
	SPIN_HOLD(&vp->timer_lock);
	const struct stimer *timer = timer_of(vp, msr);

	if (timer)
		*value = msr & 1 ? timer->count : timer->config;
	return timer;
}

bool stimer_write_msr(struct vp *vp, uint32_t msr, uint64_t value)
{
	struct stimer *timer = timer_of(vp, msr);

	if (!timer)
		return false;
	if (msr & 1)
		write_count(vp, timer, value);
	else if (!write_config(vp, timer, value))
		return false;
	/* One that is in the past already need not wait for the hardware to say so. */
	if (timer->deadline <= reference_now(vp))
		vp_timers_expired(vp);
	return true;
}

void vp_timers_init(struct vp *vp)
{
	vp->lapic.timer_deadline = DEADLINE_NONE;
	for (unsigned int i = 0; i < PVN_STIMER_COUNT; i++)
		vp->synic.timer[i].deadline = DEADLINE_NONE;
}

void stimer_reset(struct vp *vp)
{
	SPIN_HOLD(&vp->timer_lock);

	for (unsigned int i = 0; i < PVN_STIMER_COUNT; i++)
		vp->synic.timer[i] = (struct stimer){ .deadline = DEADLINE_NONE };
	vp_timers_rearm(vp);
}
