/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Each processor's queue of deadlines, and its one hardware timer.
 *
 * A timer is armed and cancelled under its owner's lock, on any processor. The queue
 * that it is on may be another processor's; that processor alone may take it off behind
 * the owner's back, when it expires, and does so under the queue's lock. Callbacks run
 * without locks and must see for themselves whether something is due: between expiry and
 * callback the owner may have armed the timer anew.
 */
#include "core/platform.h"
#include "core/timer.h"

void timer_init(struct timer *timer, void (*expired)(struct timer *timer))
{
	*timer = (struct timer){ .deadline = ~0ull, .expired = expired };
	list_init(&timer->node);
}

/* timer_lock held: timer_program() need not take it, at every entry of a guest. */
static void note_first(struct cpu *cpu)
{
	uint64_t first = list_is_empty(&cpu->timers) ? ~0ull :
			 list_entry(cpu->timers.next, struct timer, node)->deadline;

	__atomic_store_n(&cpu->timer_first, first, __ATOMIC_RELAXED);
}

void timer_cancel(struct timer *timer)
{
	struct cpu *cpu = __atomic_load_n(&timer->cpu, __ATOMIC_RELAXED);

	/*
	 * Only the owner queues it, and we hold the owner's lock: cpu is either still right
	 * or has become NULL by expiry, which the queue's lock decides.
	 */
	if (!cpu)
		return;
	spin_lock(&cpu->timer_lock);
	if (timer->cpu) {
		list_remove(&timer->node);
		__atomic_store_n(&timer->cpu, NULL, __ATOMIC_RELAXED);
		note_first(cpu);
	}
	spin_unlock(&cpu->timer_lock);
}

void timer_cancel_wait(struct timer *timer)
{
	do {
		timer_cancel(timer);
		/* Pairs with the release in timer_run_queue(): the callback's last access is over. */
		while (__atomic_load_n(&timer->running, __ATOMIC_ACQUIRE))
			plat_relax();
		/* A callback that was in progress may have armed it again. */
	} while (__atomic_load_n(&timer->cpu, __ATOMIC_ACQUIRE));
}

static void timer_insert(struct cpu *cpu, struct timer *timer)
{
	struct list *at = cpu->timers.next;

	while (at != &cpu->timers && list_entry(at, struct timer, node)->deadline <= timer->deadline)
		at = at->next;
	list_insert_before(at, &timer->node);
	__atomic_store_n(&timer->cpu, cpu, __ATOMIC_RELAXED);
}

/* A queue that the timer may be on, locked; parking sets parked, then takes this lock. */
static struct cpu *lock_queue(const struct timer *timer)
{
	struct cpu *cpu = timer->pinned ? timer->pinned : plat_this_cpu();

	for (unsigned int i = 0;; i = (i + 1) % plat_cpu_count()) {
		spin_lock(&cpu->timer_lock);
		if (timer->pinned || !__atomic_load_n(&cpu->parked, __ATOMIC_RELAXED))
			return cpu;
		spin_unlock(&cpu->timer_lock);
		cpu = plat_cpu(i);
	}
}

void timer_arm(struct timer *timer, uint64_t tsc_deadline)
{
	struct cpu *cpu;

	timer_cancel(timer);
	cpu = lock_queue(timer);
	timer->deadline = tsc_deadline;
	timer_insert(cpu, timer);
	note_first(cpu);
	spin_unlock(&cpu->timer_lock);
	if (cpu != plat_this_cpu())
		plat_kick(cpu);
}

/* Takes the first timer off the queue if it is due; or the first that is not pinned. */
static struct timer *timer_take(struct cpu *cpu, bool unpinned)
{
	struct timer *timer = NULL;
	SPIN_HOLD(&cpu->timer_lock);

	list_for_each(node, &cpu->timers) {
		struct timer *at = list_entry(node, struct timer, node);

		if (unpinned ? !at->pinned : at->deadline <= plat_tsc())
			timer = at;
		if (timer || !unpinned)
			break;
	}
	if (timer) {
		list_remove(&timer->node);
		/* Before cpu becomes NULL: whoever sees it off the queue sees it run. */
		__atomic_fetch_add(&timer->running, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&timer->cpu, NULL, __ATOMIC_RELEASE);
		note_first(cpu);
	}
	return timer;
}

static void expire_all(struct cpu *cpu, bool unpinned)
{
	struct timer *timer;

	while ((timer = timer_take(cpu, unpinned)) != NULL) {
		timer->expired(timer);
		__atomic_fetch_sub(&timer->running, 1, __ATOMIC_RELEASE);
	}
}

void timer_evacuate(struct cpu *cpu) { expire_all(cpu, true); }

void timer_run_queue(void)
{
	expire_all(plat_this_cpu(), false);
	timer_program();
}

void timer_program(void)
{
	struct cpu *cpu = plat_this_cpu();
	uint64_t deadline = cpu->slice_end < cpu->nudge ? cpu->slice_end : cpu->nudge, first;

	/* Who queues here is this processor, or kicks it: an earlier deadline cannot be missed. */
	first = __atomic_load_n(&cpu->timer_first, __ATOMIC_RELAXED);
	if (first < deadline)
		deadline = first;
	/* The interrupt handler sets timer_programmed to ~0 when the hardware has fired. */
	if (deadline != cpu->timer_programmed) {
		cpu->timer_programmed = deadline;
		plat_timer_set(deadline);
	}
}
