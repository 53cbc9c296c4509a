// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Where the scheduler puts a VP that wakes, or whose processor is parked: on four
 * processors of two proximity domains that run what the test says. The scheduler is real;
 * of the rest there are edges, below. Nothing here runs: the loop is not entered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/cpu.h"
#include "core/eventlog.h"
#include "core/exit.h"
#include "core/numa.h"
#include "core/partition.h"
#include "core/platform.h"
#include "core/sched.h"
#include "core/vp.h"

enum { CPUS = 4, FAR_FROM = 2, VPS = 8 };	/* processors 0 and 1 are domain 0, 2 and 3 domain 1 */

static struct cpu cpus[CPUS];
static struct vp vps[VPS], somebody;
static struct partition root, child;
static uint64_t counts[CPUS][PVN_PAGE_SIZE / 8];
static unsigned int kicks[CPUS];
static struct vp *const vp = &vps[0];

/* --- edges --- */

struct partition *root_partition = &root;
const struct virt_ops *virt;

struct cpu *plat_this_cpu(void) { return &cpus[0]; }
struct cpu *plat_cpu(unsigned int index) { return &cpus[index]; }
unsigned int plat_cpu_count(void) { return CPUS; }
uint64_t plat_tsc(void) { return 1000; }
uint64_t plat_tsc_hz(void) { return 1000000000; }
void plat_kick(struct cpu *cpu) { kicks[cpu->index]++; }
void plat_relax(void) { fail_msg("waits for ever"); }
void plat_interrupts_take(void) { fail(); }
void plat_interrupts_wait(void) { fail(); }
void timer_evacuate(struct cpu *cpu) { (void)cpu; }
void timer_program(void) { fail(); }
void vp_timers_rearm(struct vp *of) { (void)of; }
bool exit_prepare_entry(struct vp *of) { (void)of; return false; }
bool exit_has_work(struct vp *of) { (void)of; return false; }
void exit_take_init(struct vp *of) { (void)of; }
void exit_handle(struct vp *of, struct vp_exit *exit) { (void)of; (void)exit; }
void eventlog_exit(struct vp *of, const struct vp_exit *exit) { (void)of; (void)exit; }
uint64_t reference_units(uint64_t ticks) { return ticks; }
uint64_t partition_reference_time(const struct partition *of, uint64_t tsc) { (void)of; return tsc; }

void panic(const char *format, ...)
{
	fail_msg("panic: %s", format);
	for (;;)
		;
}

/* --- the scene --- */

static int setup(void **state)
{
	(void)state;
	memset(cpus, 0, sizeof(cpus));
	memset(vps, 0, sizeof(vps));
	memset(kicks, 0, sizeof(kicks));
	memset(&root, 0, sizeof(root));
	memset(&child, 0, sizeof(child));
	spinlock_init(&root.lock, LOCK_PARTITION);
	root.is_root = true;
	root.cpu_cap = child.cpu_cap = CPU_SHARE_ONE;
	for (unsigned int i = 0; i < CPUS; i++) {
		cpus[i].index = i;
		cpus[i].domain = i / FAR_FROM;
		cpus[i].stats.count = counts[i];
		sched_init_cpu(&cpus[i]);
	}
	for (unsigned int i = 0; i < VPS; i++) {
		vps[i].partition = &child;
		vps[i].cpu = &cpus[0];
		vps[i].state = VP_BLOCKED;
		list_init(&vps[i].run_node);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return cpus[0].locks_held != 0;
}

static void run_somebody_on(unsigned int cpu)
{
	cpus[cpu].current = &somebody;
}

/* Others wait for that processor: of a domain of its own, so that nothing draws them away. */
static void queue_on(unsigned int cpu, unsigned int first, unsigned int count)
{
	for (unsigned int i = first; i < first + count; i++) {
		vps[i].cpu = &cpus[cpu];
		vps[i].pinned = &cpus[cpu];
		sched_notify(&vps[i]);
	}
	assert_int_equal(cpus[cpu].ready_count, count);
}

/* Where it goes when it wakes, having slept on `home`. */
static unsigned int place(unsigned int home, uint32_t domain)
{
	vp->cpu = &cpus[home];
	vp->domain = domain;
	vp->state = VP_BLOCKED;
	sched_notify(vp);
	assert_int_equal(vp->state, VP_READY);
	assert_ptr_equal(vp->cpu->run_queue.prev, &vp->run_node);
	list_remove(&vp->run_node);
	vp->cpu->ready_count--;
	return vp->cpu->index;
}

/* --- where it goes --- */

static void a_vp_stays_where_it_was_if_that_is_idle_and_near(void **state)
{
	(void)state;
	assert_int_equal(place(1, 0), 1);
	assert_int_equal(place(3, 1), 3);
	assert_int_equal(place(2, NUMA_ANY), 2);
}

static void it_leaves_an_idle_processor_for_one_near_its_memory(void **state)
{
	(void)state;
	assert_int_equal(place(0, 1), 2);
	assert_int_equal(place(3, 0), 0);
	run_somebody_on(2);
	assert_int_equal(place(0, 1), 3);
}

static void a_near_idle_processor_comes_before_a_far_one(void **state)
{
	(void)state;
	run_somebody_on(3);
	assert_int_equal(place(3, 1), 2);	/* 0 and 1 are idle, too, and looked at first */
	run_somebody_on(0);
	assert_int_equal(place(0, 0), 1);
}

static void a_far_idle_one_is_better_than_waiting_near(void **state)
{
	(void)state;
	run_somebody_on(2);
	run_somebody_on(3);
	assert_int_equal(place(2, 1), 0);
	run_somebody_on(0);
	assert_int_equal(place(2, 1), 1);
}

static void of_far_ones_the_last_is_kept(void **state)
{
	(void)state;
	run_somebody_on(2);
	run_somebody_on(3);
	assert_int_equal(place(1, 1), 1);
	assert_int_equal(place(0, 1), 0);
}

static void a_processor_with_a_queue_is_not_idle(void **state)
{
	(void)state;
	queue_on(2, 1, 1);
	assert_int_equal(place(2, 1), 3);
	queue_on(3, 2, 1);
	assert_int_equal(place(2, 1), 0);
}

static void where_all_are_busy_the_shorter_queue_wins_only_if_it_is_much_shorter(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CPUS; i++)
		run_somebody_on(i);
	queue_on(0, 1, 1);
	assert_int_equal(place(0, 0), 0);
	queue_on(1, 2, 2);
	queue_on(3, 4, 2);
	assert_int_equal(place(3, 1), 2);
	assert_int_equal(place(1, 0), 2);
}

static void without_a_domain_anything_idle_is_near(void **state)
{
	(void)state;
	run_somebody_on(0);
	run_somebody_on(1);
	assert_int_equal(place(0, NUMA_ANY), 2);
	assert_int_equal(place(3, NUMA_ANY), 3);
}

static void a_domain_without_processors_keeps_nobody_from_running(void **state)
{
	(void)state;
	assert_int_equal(place(2, 7), 2);
	run_somebody_on(2);
	assert_int_equal(place(2, 7), 0);
}

static void a_pinned_vp_stays(void **state)
{
	(void)state;
	vp->pinned = &cpus[1];
	run_somebody_on(1);
	assert_int_equal(place(1, 1), 1);
	cpus[1].parked = true;
	assert_int_equal(place(1, 1), 1);
}

/* --- parked processors --- */

static void nobody_goes_where_it_is_parked(void **state)
{
	(void)state;
	cpus[2].parked = true;
	assert_int_equal(place(2, 1), 3);
	assert_int_equal(place(0, 1), 3);
	cpus[3].parked = true;
	assert_int_equal(place(3, 1), 0);
	assert_int_equal(place(1, 1), 1);
	run_somebody_on(0);
	run_somebody_on(1);
	assert_int_equal(place(2, 1), 0);	/* busy, but open */
	queue_on(0, 1, 2);
	queue_on(1, 3, 2);
	assert_int_equal(place(2, 1), 0);	/* however long the queue */
}

static void who_waits_on_a_processor_that_is_parked_goes_near_its_memory(void **state)
{
	(void)state;
	run_somebody_on(2);
	cpus[2].root_vp = &somebody;		/* who may stay */
	vp->cpu = &cpus[2];
	vp->domain = 1;
	vp->pinned = &cpus[2];			/* so that it queues there */
	sched_notify(vp);
	vp->pinned = NULL;
	assert_int_equal(cpus[2].ready_count, 1);
	assert_int_equal(sched_park(1u << 2), PVN_STATUS_SUCCESS);
	assert_int_equal(cpus[2].ready_count, 0);
	assert_ptr_equal(vp->cpu, &cpus[3]);
	assert_int_equal(vp->state, VP_READY);
}

static void parking_all_or_none_that_exist_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(sched_park(0xf), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(sched_park(1u << CPUS), PVN_STATUS_INVALID_PARAMETER);
	for (unsigned int i = 0; i < CPUS; i++)
		assert_false(cpus[i].parked);
	assert_int_equal(sched_park(0x6), PVN_STATUS_SUCCESS);
	assert_true(!cpus[0].parked && cpus[1].parked && cpus[2].parked && !cpus[3].parked);
	assert_int_equal(sched_park(0x8), PVN_STATUS_SUCCESS);
	assert_true(!cpus[1].parked && !cpus[2].parked && cpus[3].parked);
}

/* --- who hears of it --- */

static void another_processor_is_kicked_the_own_one_is_not(void **state)
{
	(void)state;
	place(0, 0);
	assert_int_equal(kicks[0], 0);
	place(0, 1);
	assert_int_equal(kicks[2], 1);
	assert_int_equal(kicks[0] + kicks[1] + kicks[3], 0);
}

static void an_interrupt_for_the_root_comes_before_children(void **state)
{
	(void)state;
	run_somebody_on(1);
	somebody.virtual_time = 0;
	queue_on(1, 1, 2);
	cpus[1].resched = false;
	vp->partition = &root;
	vp->pinned = vp->cpu = &cpus[1];
	sched_notify(vp);
	assert_ptr_equal(cpus[1].run_queue.next, &vp->run_node);
	assert_true(vp->boosted && cpus[1].resched);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_vp_stays_where_it_was_if_that_is_idle_and_near),
		SCENE(it_leaves_an_idle_processor_for_one_near_its_memory),
		SCENE(a_near_idle_processor_comes_before_a_far_one),
		SCENE(a_far_idle_one_is_better_than_waiting_near),
		SCENE(of_far_ones_the_last_is_kept),
		SCENE(a_processor_with_a_queue_is_not_idle),
		SCENE(where_all_are_busy_the_shorter_queue_wins_only_if_it_is_much_shorter),
		SCENE(without_a_domain_anything_idle_is_near),
		SCENE(a_domain_without_processors_keeps_nobody_from_running),
		SCENE(a_pinned_vp_stays),
		SCENE(nobody_goes_where_it_is_parked),
		SCENE(who_waits_on_a_processor_that_is_parked_goes_near_its_memory),
		SCENE(parking_all_or_none_that_exist_changes_nothing),
		SCENE(another_processor_is_kicked_the_own_one_is_not),
		SCENE(an_interrupt_for_the_root_comes_before_children),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
