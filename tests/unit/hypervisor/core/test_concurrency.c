// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What several processors do at once, as threads: locks, doorbells against deletion,
 * deposits against mappings.
 */
#include "core/light.h"
#include "fake_machine.h"

#include <threads.h>

#define ROUNDS 3000

static bool stop;
static unsigned int wrong;

static bool is_stopped(void) { return __atomic_load_n(&stop, __ATOMIC_ACQUIRE); }

static void begin(void)
{
	machine.threaded = true;
	stop = false;
	wrong = 0;
}

static void end(thrd_t *threads, unsigned int count)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < count; i++)
		thrd_join(threads[i], NULL);
	machine.threaded = false;
	assert_int_equal(wrong, 0);
}

static struct spinlock lock = SPINLOCK(LOCK_POOL);
static unsigned int counter;

static int count_up(void *cpu)
{
	fake_thread_cpu = (unsigned int)(uintptr_t)cpu;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		spin_lock(&lock);
		counter++;
		spin_unlock(&lock);
	}
	return 0;
}

static void a_lock_lets_one_processor_in_at_a_time(void **state)
{
	thrd_t threads[3];

	(void)state;
	begin();
	counter = 0;
	for (uintptr_t i = 0; i < 3; i++)
		assert_int_equal(thrd_create(&threads[i], count_up, (void *)(i + 1)), thrd_success);
	end(threads, 3);
	assert_int_equal(counter, 3 * ROUNDS);
}

static struct partition *child;

static unsigned int rung;

/* A processor whose VP rings by light exits, and leaves its guest now and then. */
static int ring(void *cpu)
{
	struct cpu *self = &machine.cpu[(uintptr_t)cpu];
	struct vp *vp = child->vps[(uintptr_t)cpu - 1];

	fake_thread_cpu = (unsigned int)(uintptr_t)cpu;
	vp->cpu = self;
	self->current = vp;
	fake_enlighten(vp);
	vp->regs.gpr[RCX] = PVN_CONTROL_FAST | PVN_CALL_signal_event;
	vp->regs.gpr[RDX] = 5;
	while (!is_stopped()) {
		uint64_t inside = __atomic_load_n(&self->entry_generation, __ATOMIC_SEQ_CST) + 1;

		__atomic_store_n(&self->entry_generation, inside, __ATOMIC_SEQ_CST);
		for (unsigned int i = 0; i < 10; i++)
			if (light_hypercall(vp) != LIGHT_NOT)
				__atomic_fetch_add(&rung, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&self->entry_generation, inside + 1, __ATOMIC_SEQ_CST);
		if (event_signal(child, 6, 0) != PVN_STATUS_INVALID_CONNECTION_ID)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	self->current = NULL;
	return 0;
}

/* What was freed last is taken and overwritten: who still looks at it falls over. */
static void scribble(struct page_pool *pool)
{
	void *page = page_pool_alloc(pool);

	memset(page, 0xff, PAGE_SIZE);
	page_pool_free(pool, page);
}

static void doorbells_ring_while_ports_and_connections_come_and_go(void **state)
{
	thrd_t threads[2];

	(void)state;
	child = partition_of(make_child(2));
	enable_synic(machine.root_vp, 2, 0x60);
	machine.guests_leave = true;
	begin();
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(thrd_create(&threads[i], ring, (void *)(i + 1)), thrd_success);
	for (unsigned int i = 0; i < ROUNDS / 3; i++) {
		struct port port = { .id = 1, .type = PVN_PORT_EVENT, .sint = 2, .flag_count = 1,
				     .connection_partition = child->id };

		assert_int_equal(event_create_port(root_partition, &port), PVN_STATUS_SUCCESS);
		assert_int_equal(event_connect(child, 5, root_partition, 1, PVN_PORT_EVENT, 0),
				 PVN_STATUS_SUCCESS);
		/* At times until somebody has rung it. */
		for (unsigned int seen = i % 100 ? ~0u : __atomic_load_n(&rung, __ATOMIC_RELAXED);
		     seen == __atomic_load_n(&rung, __ATOMIC_RELAXED);)
			thrd_yield();
		if (i % 3 == 0) {
			event_release_all(child);
		} else if (i % 3 == 1) {
			assert_int_equal(event_delete_port(root_partition, 1), PVN_STATUS_SUCCESS);
			scribble(&root_partition->pool);
		}
		if (i % 3)
			assert_int_equal(event_disconnect(child, 5), PVN_STATUS_SUCCESS);
		scribble(&child->pool);
		if (i % 3 != 1)
			assert_int_equal(event_delete_port(root_partition, 1), PVN_STATUS_SUCCESS);
		scribble(&root_partition->pool);
	}
	end(threads, 2);
	machine.guests_leave = false;
	assert_int_not_equal(rung, 0);
}

static const struct hpa contested = { 0x2800000 };
static unsigned int in_pool;	/* the page is a pool's; no child may have it */

static int map_and_unmap(void *cpu)
{
	unsigned int level = (uintptr_t)cpu % 2 + 1;

	fake_thread_cpu = (unsigned int)(uintptr_t)cpu;
	while (!is_stopped()) {
		if (!page_info_map(contested, level))
			continue;
		if (__atomic_load_n(&in_pool, __ATOMIC_SEQ_CST))
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		page_info_unmap(contested, level);
	}
	return 0;
}

static void a_page_is_never_a_childs_and_a_pools_at_once(void **state)
{
	unsigned int deposits = 0;
	thrd_t threads[2];
	bool in_use;

	(void)state;
	begin();
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(thrd_create(&threads[i], map_and_unmap, (void *)(i + 1)), thrd_success);
	while (deposits < ROUNDS) {
		if (!page_info_deposit(contested, &in_use)) {
			thrd_yield();
			continue;
		}
		deposits++;
		__atomic_store_n(&in_pool, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&in_pool, 0, __ATOMIC_SEQ_CST);
		page_info_withdraw(contested);
	}
	end(threads, 2);
	assert_true(page_info_deposit(contested, &in_use));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_lock_lets_one_processor_in_at_a_time),
		ON_FAKE_MACHINE(doorbells_ring_while_ports_and_connections_come_and_go),
		ON_FAKE_MACHINE(a_page_is_never_a_childs_and_a_pools_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
