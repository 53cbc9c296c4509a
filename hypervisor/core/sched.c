/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The scheduler: see sched.h. A VP's state is guarded by the run-queue lock of its home
 * processor vp->cpu; two of these locks are never held together.
 *
 * Who may change vp->cpu: a waker (VP blocked or stopped) or a thief (VP ready), both
 * under the lock of the old home; everybody else locks, then looks again (lock_home()).
 *
 * No wake-up is lost: a waker publishes what it brings (an irr bit, say), then looks who is
 * current; the processor that is about to block its VP first clears current, then sets
 * VP_BLOCKED under its lock and looks again before it lets go. A VP that is in its guest is
 * kicked; one that is about to enter has made entry_generation odd before it looked for
 * work, so either the waker sees it odd and kicks, or the VP sees the work.
 */
#include "core/eventlog.h"
#include "core/exit.h"
#include "core/platform.h"
#include "core/sched.h"

#define SLICE_US	6000
/* A sleeper may be this much ahead of the others when it wakes, no more. */
#define WAKE_CREDIT_US	3000
#define WEIGHT_DEFAULT	100
/* Cap and reserve are shares of this. */
#define PERIOD_US	60000
/* One exit of so many is timed and counts for all; a prime, so as not to fall in step. */
#define SAMPLE_EXITS	17

static uint64_t us_to_tsc(uint64_t us) { return plat_tsc_hz() / 1000000 * us; }
static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

void sched_init_cpu(struct cpu *cpu)
{
	spinlock_init(&cpu->run_lock, LOCK_RUN_QUEUE);
	spinlock_init(&cpu->timer_lock, LOCK_TIMER_QUEUE);
	list_init(&cpu->run_queue);
	list_init(&cpu->timers);
	cpu->slice_end = cpu->cap_end = ~0ull;
	cpu->timer_programmed = cpu->timer_first = cpu->nudge = ~0ull;
	cpu->sample = SAMPLE_EXITS;
}

static struct cpu *lock_home(struct vp *vp)
{
	for (;;) {
		struct cpu *cpu = __atomic_load_n(&vp->cpu, __ATOMIC_ACQUIRE);

		spin_lock(&cpu->run_lock);
		if (cpu == __atomic_load_n(&vp->cpu, __ATOMIC_RELAXED))
			return cpu;
		spin_unlock(&cpu->run_lock);
	}
}

static bool is_parked(const struct cpu *cpu) { return __atomic_load_n(&cpu->parked, __ATOMIC_RELAXED); }

static bool is_idle(const struct cpu *cpu)
{
	return !is_parked(cpu) && !__atomic_load_n(&cpu->current, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&cpu->ready_count, __ATOMIC_RELAXED);
}

/* Ready VPs in order of virtual time; the boosted first, in the order they came. */
static void enqueue(struct cpu *cpu, struct vp *vp)
{
	struct list *at = cpu->run_queue.next;

	for (; at != &cpu->run_queue; at = at->next) {
		struct vp *other = list_entry(at, struct vp, run_node);

		if (vp->boosted ? !other->boosted : !other->boosted && other->virtual_time > vp->virtual_time)
			break;
	}
	list_insert_before(at, &vp->run_node);
	cpu->ready_count++;
	vp->state = VP_READY;
}

static void dequeue(struct cpu *cpu, struct vp *vp)
{
	list_remove(&vp->run_node);
	cpu->ready_count--;
}

static bool preempts(const struct vp *vp, const struct vp *current)
{
	return current && (vp->boosted ||
			   vp->virtual_time + us_to_tsc(WAKE_CREDIT_US) / 2 < current->virtual_time);
}

/* Makes that processor see what was queued on it; its lock is held. */
static void alert(struct cpu *cpu, const struct vp *vp)
{
	if (preempts(vp, cpu->current))
		__atomic_store_n(&cpu->resched, true, __ATOMIC_SEQ_CST);
	if (cpu != plat_this_cpu())
		plat_kick(cpu);
}

static bool is_near(const struct cpu *cpu, const struct vp *vp)
{
	return vp->domain == NUMA_ANY || cpu->domain == vp->domain;
}

/*
 * The root stays where its interrupts are; children go where nobody runs, if anywhere, and
 * there where their memory is near, if they can.
 */
static struct cpu *choose_cpu(struct vp *vp, struct cpu *home)
{
	struct cpu *best = home, *far = NULL;

	if (vp->pinned)
		return vp->pinned;
	if (is_idle(home) && is_near(home, vp))
		return home;
	for (unsigned int i = 0; i < plat_cpu_count(); i++) {
		struct cpu *cpu = plat_cpu(i);

		if (is_idle(cpu) && is_near(cpu, vp))
			return cpu;
		if (is_idle(cpu) && (!far || cpu == home))
			far = cpu;
		if (!is_parked(cpu) && (is_parked(best) ||
		     __atomic_load_n(&cpu->ready_count, __ATOMIC_RELAXED) + 1 <
			     __atomic_load_n(&best->ready_count, __ATOMIC_RELAXED)))
			best = cpu;
	}
	return far ? far : best;
}

/*
 * Between two homes a VP is nobody's: READY, but on no queue. Its new one may have been
 * parked in the meantime, which is decided by that one's lock.
 */
static struct cpu *lock_new_home(struct vp *vp)
{
	struct cpu *cpu = vp->cpu, *next;

	for (;; cpu = next) {
		spin_lock(&cpu->run_lock);
		if (!cpu->parked || vp->pinned)
			break;
		next = choose_cpu(vp, cpu);
		__atomic_store_n(&vp->cpu, next, __ATOMIC_RELEASE);
		spin_unlock(&cpu->run_lock);
	}
	/* Each processor's virtual time runs by itself. */
	vp->virtual_time = cpu->virtual_time;
	return cpu;
}

/* What the VP has left of its share of the period; each VP's periods are its own. */
static uint64_t share_left(struct vp *vp, uint32_t share, uint64_t now)
{
	uint64_t period = us_to_tsc(PERIOD_US), whole = period * share / CPU_SHARE_ONE;
	uint64_t cap = vp->partition->cpu_cap, periods = (now - vp->period_start) / period;
	uint64_t paid = periods * (period * cap / CPU_SHARE_ONE);

	/* What went beyond the cap, since a timer was late, is owed in the next period. */
	if (periods)
		vp->period_ran = cap == CPU_SHARE_ONE || vp->period_ran < paid ? 0 : vp->period_ran - paid;
	vp->period_start += periods * period;
	return whole > vp->period_ran ? whole - vp->period_ran : 0;
}

/* The VP runs nowhere, is on no queue and its home's lock is held; lets go of it. */
static void make_ready(struct cpu *home, struct vp *vp, bool woken)
{
	struct cpu *target = choose_cpu(vp, home);
	uint64_t floor, credit = us_to_tsc(WAKE_CREDIT_US);
	uint32_t reserve = __atomic_load_n(&vp->partition->cpu_reserve, __ATOMIC_RELAXED);

	if (target != home) {
		vp->state = VP_READY;
		__atomic_store_n(&vp->cpu, target, __ATOMIC_RELEASE);
		spin_unlock(&home->run_lock);
		target = lock_new_home(vp);
	}
	floor = target->virtual_time > credit ? target->virtual_time - credit : 0;
	if (vp->virtual_time < floor)
		vp->virtual_time = floor;
	/* An interrupt for the root: its processor is its own. And who is owed of its reserve. */
	vp->boosted = (woken && vp->partition->is_root) || (reserve && share_left(vp, reserve, plat_tsc()));
	enqueue(target, vp);
	alert(target, vp);
	spin_unlock(&target->run_lock);
}

static void notify_waiting(struct vp *vp)
{
	struct cpu *cpu = lock_home(vp);

	switch (vp->state) {
	case VP_STOPPED:
	case VP_BLOCKED:
		if (!__atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST)) {
			make_ready(cpu, vp, true);
			return;
		}
		break;
	case VP_RUNNING:
		if (cpu != plat_this_cpu() && __atomic_load_n(&cpu->entry_generation, __ATOMIC_SEQ_CST) & 1)
			plat_kick(cpu);
		break;
	case VP_READY:
		/* It waits behind children, and what came is for it alone to handle. */
		if (vp->partition->is_root && !vp->boosted && !list_is_empty(&vp->run_node)) {
			dequeue(cpu, vp);
			vp->boosted = true;
			enqueue(cpu, vp);
			alert(cpu, vp);
		}
		break;
	}
	spin_unlock(&cpu->run_lock);
}

void sched_notify(struct vp *vp)
{
	const struct cpu *self = plat_this_cpu();
	struct cpu *cpu;

	if (sched_is_in_guest(vp, self, &cpu))
		plat_kick(cpu);
	else if (self->current != vp)	/* the caller's own VP looks before its next entry anyway */
		notify_waiting(vp);
}

void sched_wait_stopped(struct vp *vp)
{
	for (bool wait = true; wait; plat_relax()) {
		struct cpu *cpu = lock_home(vp);

		/* Or another processor of the parent resumed it in the meantime: that is its affair. */
		if (__atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST)) {
			if (vp->state == VP_READY && !list_is_empty(&vp->run_node)) {
				dequeue(cpu, vp);
				vp->state = VP_STOPPED;
			} else if (vp->state == VP_BLOCKED) {
				vp->state = VP_STOPPED;
			}
			ASSERT(cpu != plat_this_cpu() || vp->state != VP_RUNNING);
			if (vp->state == VP_RUNNING)
				plat_kick(cpu);
			wait = vp->state != VP_STOPPED;
		} else {
			wait = false;
		}
		spin_unlock(&cpu->run_lock);
	}
}

void sched_yield(void)
{
	struct cpu *cpu = plat_this_cpu();

	if (__atomic_load_n(&cpu->ready_count, __ATOMIC_RELAXED))
		__atomic_store_n(&cpu->resched, true, __ATOMIC_SEQ_CST);
}

/* --- the processor's loop --- */

/* The last unpinned VP of another queue: the one that would wait longest. */
static struct vp *take_from(struct cpu *victim, struct cpu *thief)
{
	struct vp *found = NULL;
	SPIN_HOLD(&victim->run_lock);

	for (struct list *n = victim->run_queue.prev; n != &victim->run_queue && !found; n = n->prev) {
		struct vp *vp = list_entry(n, struct vp, run_node);

		if (!vp->pinned)
			found = vp;
	}
	if (found) {
		dequeue(victim, found);
		__atomic_store_n(&found->cpu, thief, __ATOMIC_RELEASE);
	}
	return found;
}

static bool move_one(struct cpu *from, struct cpu *to)
{
	struct vp *vp = take_from(from, to);
	struct cpu *home;

	if (!vp)
		return false;
	home = lock_new_home(vp);
	enqueue(home, vp);
	if (home != plat_this_cpu())
		alert(home, vp);
	spin_unlock(&home->run_lock);
	return true;
}

static bool steal(struct cpu *cpu)
{
	for (unsigned int i = 0; i < plat_cpu_count() && !is_parked(cpu); i++) {
		struct cpu *victim = plat_cpu(i);

		if (victim != cpu && __atomic_load_n(&victim->ready_count, __ATOMIC_RELAXED) &&
		    move_one(victim, cpu))
			return true;
	}
	return false;
}

/* --- parking --- */

static void set_parked(struct cpu *cpu, bool parked)
{
	spin_lock(&cpu->run_lock);
	__atomic_store_n(&cpu->parked, parked, __ATOMIC_SEQ_CST);
	__atomic_store_n(&cpu->resched, true, __ATOMIC_SEQ_CST);
	cpu->stats.count[PVN_STAT_processor_parked] = parked;
	spin_unlock(&cpu->run_lock);
	/* It lets its child go, or looks for one. */
	if (cpu != plat_this_cpu())
		plat_kick(cpu);
}

static void evacuate(struct cpu *cpu)
{
	struct vp *current;

	/* Where to is decided anew, since this one is parked. */
	while (move_one(cpu, cpu))
		;
	timer_evacuate(cpu);
	while ((current = __atomic_load_n(&cpu->current, __ATOMIC_SEQ_CST)) && current != cpu->root_vp)
		plat_relax();
}

enum pvn_status sched_park(uint64_t mask)
{
	unsigned int count = plat_cpu_count();
	uint64_t all = count == 64 ? ~0ull : (1ull << count) - 1;

	if (mask & ~all)
		return PVN_STATUS_INVALID_PARAMETER;
	if (mask == all)
		return PVN_STATUS_OPERATION_DENIED;
	/* One caller at a time. Some processor is always open: they open before others are parked. */
	spin_lock(&root_partition->lock);
	for (unsigned int i = 0; i < count; i++)
		if (!(mask >> i & 1) && plat_cpu(i)->parked)
			set_parked(plat_cpu(i), false);
	for (unsigned int i = 0; i < count; i++)
		if (mask >> i & 1)
			set_parked(plat_cpu(i), true);
	spin_unlock(&root_partition->lock);
	for (unsigned int i = 0; i < count; i++)
		if (mask >> i & 1)
			evacuate(plat_cpu(i));
	return PVN_STATUS_SUCCESS;
}

/* The head, or who is owed of its reserve since its period began anew while it waited. */
static struct vp *first_in_turn(struct cpu *cpu)
{
	struct vp *head = list_entry(cpu->run_queue.next, struct vp, run_node);
	uint64_t now = plat_tsc();

	for (struct list *n = &head->run_node; n != &cpu->run_queue && !head->boosted; n = n->next) {
		struct vp *vp = list_entry(n, struct vp, run_node);
		uint32_t reserve = __atomic_load_n(&vp->partition->cpu_reserve, __ATOMIC_RELAXED);

		if (reserve && share_left(vp, reserve, now))
			return vp;
	}
	return head;
}

static struct vp *pick(struct cpu *cpu)
{
	struct vp *vp = NULL;
	SPIN_HOLD(&cpu->run_lock);

	__atomic_store_n(&cpu->resched, false, __ATOMIC_SEQ_CST);
	while (!vp && !list_is_empty(&cpu->run_queue)) {
		vp = first_in_turn(cpu);
		dequeue(cpu, vp);
		if (__atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST)) {
			vp->state = VP_STOPPED;
			vp = NULL;
		}
	}
	if (vp) {
		vp->state = VP_RUNNING;
		vp->boosted = false;
		__atomic_store_n(&cpu->current, vp, __ATOMIC_SEQ_CST);
		if (vp->virtual_time > cpu->virtual_time)
			cpu->virtual_time = vp->virtual_time;
	}
	return vp;
}

/* Time on the processor since it was last charged goes into the statistics. */
static void charge(struct cpu *cpu, struct vp *vp, uint64_t now)
{
	uint64_t *count = cpu->stats.count, ran = now - vp->charged;

	vp->charged = now;
	vp->run_tsc += ran;
	vp->stats.count[PVN_STAT_vp_run_time] = reference_units(vp->run_tsc);
	cpu->run_tsc += ran;
	count[PVN_STAT_processor_run_time] = reference_units(cpu->run_tsc);
	if (!vp->partition->is_root)
		cpu->child_tsc += ran;
	count[PVN_STAT_processor_child_run_time] = reference_units(cpu->child_tsc);
	count[PVN_STAT_processor_global_time] = partition_reference_time(root_partition, now);
}

void sched_charge(void)
{
	struct cpu *cpu = plat_this_cpu();

	charge(cpu, cpu->current, plat_tsc());
}

static void sample_begin(struct cpu *cpu, struct vp *vp)
{
	cpu->sample = SAMPLE_EXITS;
	cpu->sample_start = plat_tsc();
	charge(cpu, vp, cpu->sample_start);
}

static void sample_end(struct cpu *cpu, struct vp *vp)
{
	uint64_t spent = reference_units((plat_tsc() - cpu->sample_start) * SAMPLE_EXITS);

	cpu->sample_start = 0;
	vp->stats.count[PVN_STAT_vp_hypervisor_time] += spent;
	cpu->stats.count[PVN_STAT_processor_hypervisor_time] += spent;
}

static void account(struct vp *vp, uint64_t now)
{
	uint64_t ran = now - vp->run_start, slice = us_to_tsc(SLICE_US);
	uint32_t weight = vp->partition->cpu_weight ? vp->partition->cpu_weight : WEIGHT_DEFAULT;

	vp->period_ran += ran;
	/* What went beyond a slice nobody else wanted: charged, it would be paid back by starving. */
	if (ran > slice)
		ran = slice;
	vp->virtual_time += ran * WEIGHT_DEFAULT / weight;
}

/* One that has run for its cap waits for its next period. */
static void throttle(struct vp *vp, uint64_t now)
{
	uint32_t cap = __atomic_load_n(&vp->partition->cpu_cap, __ATOMIC_RELAXED);

	if (cap == CPU_SHARE_ONE || share_left(vp, cap, now))
		return;
	__atomic_fetch_or(&vp->stop_reasons, VP_STOP_CAP, __ATOMIC_SEQ_CST);
	spin_lock(&vp->timer_lock);
	vp->cap_end = vp->period_start + us_to_tsc(PERIOD_US);
	vp_timers_rearm(vp);
	spin_unlock(&vp->timer_lock);
}

/* The VP leaves the processor; what it is next is decided under the lock (see top). */
static void put(struct cpu *cpu, struct vp *vp)
{
	uint64_t now;

	virt->vp_unload(vp);
	if (cpu->sample_start)
		sample_end(cpu, vp);
	now = plat_tsc();
	charge(cpu, vp, now);
	account(vp, now);
	throttle(vp, now);
	spin_lock(&cpu->run_lock);
	__atomic_store_n(&cpu->current, NULL, __ATOMIC_SEQ_CST);
	vp->state = vp->halted ? VP_BLOCKED : VP_STOPPED;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST)) {
		vp->state = VP_STOPPED;
		spin_unlock(&cpu->run_lock);
	} else if (vp->halted && !exit_has_work(vp)) {
		spin_unlock(&cpu->run_lock);
	} else {
		make_ready(cpu, vp, false);
	}
	cpu->slice_end = cpu->cap_end = cpu->nudge = ~0ull;
}

/* Somebody waits: the current VP has until the end of a slice, counted from its start. */
static void limit_slice(struct cpu *cpu, const struct vp *vp)
{
	bool contended = __atomic_load_n(&cpu->ready_count, __ATOMIC_RELAXED);

	if (!contended)
		cpu->slice_end = cpu->cap_end;	/* or the timer would fire for nobody */
	else if (!cpu_slice_is_limited(cpu))
		cpu->slice_end = earlier(vp->run_start + us_to_tsc(SLICE_US), cpu->cap_end);
}

/* A deadline that passed must not be programmed again: it would fire for ever. */
void sched_timer_fired(void)
{
	struct cpu *cpu = plat_this_cpu();
	uint64_t now = plat_tsc();

	cpu->timer_programmed = cpu->nudge = ~0ull;
	if (now < cpu->slice_end)
		return;
	cpu->slice_end = cpu->cap_end;
	cpu->stats.count[PVN_STAT_processor_scheduler_interrupts]++;
	if (now >= cpu->cap_end || __atomic_load_n(&cpu->ready_count, __ATOMIC_RELAXED))
		__atomic_store_n(&cpu->resched, true, __ATOMIC_SEQ_CST);
}

static bool must_leave(struct cpu *cpu, struct vp *vp)
{
	return __atomic_load_n(&cpu->resched, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST);
}

static void flush_if_stale(struct vp *vp)
{
	uint64_t generation = __atomic_load_n(&vp->partition->map.generation, __ATOMIC_SEQ_CST);

	if (__atomic_load_n(&vp->map_generation_seen, __ATOMIC_RELAXED) == generation)
		return;
	virt->flush(vp);
	/* A mark of hc_flush.c's that comes just now is lost, and served: nothing ran since. */
	__atomic_store_n(&vp->map_generation_seen, generation, __ATOMIC_RELAXED);
}

static bool enter(struct cpu *cpu, struct vp *vp, struct vp_exit *exit)
{
	bool entered = false;

	__atomic_fetch_add(&cpu->entry_generation, 1, __ATOMIC_SEQ_CST);
	limit_slice(cpu, vp);
	cpu->nudge = ~0ull;
	if (!must_leave(cpu, vp) && exit_prepare_entry(vp)) {
		flush_if_stale(vp);
		timer_program();
		if (cpu->sample_start)
			sample_end(cpu, vp);
		virt->vp_run(vp, exit);
		entered = true;
	}
	__atomic_fetch_add(&cpu->entry_generation, 1, __ATOMIC_SEQ_CST);
	return entered;
}

static void run(struct cpu *cpu, struct vp *vp)
{
	uint32_t cap = __atomic_load_n(&vp->partition->cpu_cap, __ATOMIC_RELAXED);
	struct vp_exit exit;

	vp->run_start = vp->charged = plat_tsc();
	if (cap != CPU_SHARE_ONE)
		cpu->slice_end = cpu->cap_end = vp->run_start + share_left(vp, cap, vp->run_start);
	/* In debt: it is not entered at all, and put() stops it. */
	if (cpu->cap_end == vp->run_start)
		__atomic_store_n(&cpu->resched, true, __ATOMIC_SEQ_CST);
	cpu->stats.count[PVN_STAT_processor_context_switches]++;
	cpu->stats.count[PVN_STAT_processor_child_switches] += !vp->partition->is_root;
	virt->vp_load(vp);
	exit_take_init(vp);
	while (enter(cpu, vp, &exit)) {
		vp->stats.count[PVN_STAT_vp_exit_interrupt + exit.reason]++;
		if (!--cpu->sample)
			sample_begin(cpu, vp);
		if (cpu->traced & TRACED_DIAGNOSTICS)
			eventlog_exit(vp, &exit);
		if (exit.reason == EXIT_INTERRUPT)
			plat_interrupts_take();
		else
			exit_handle(vp, &exit);
		exit_take_init(vp);
	}
	put(cpu, vp);
}

static void idle(struct cpu *cpu)
{
	uint64_t start = plat_tsc();

	timer_program();
	plat_interrupts_wait();
	cpu->idle_tsc += plat_tsc() - start;
	cpu->stats.count[PVN_STAT_processor_idle_time] = reference_units(cpu->idle_tsc);
	cpu->stats.count[PVN_STAT_processor_halts]++;
}

_Noreturn void sched_loop(void)
{
	struct cpu *cpu = plat_this_cpu();

	for (;;) {
		struct vp *vp = pick(cpu);

		if (vp)
			run(cpu, vp);
		else if (!steal(cpu))
			idle(cpu);
	}
}
