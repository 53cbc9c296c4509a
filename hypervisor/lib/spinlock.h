/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Spinlocks with a level: a processor may only take locks of rising level, which
 * is asserted (docs/locking.md has the order). The hypervisor never runs with
 * interrupts enabled while it holds one.
 */
#pragma once

#include <stdint.h>

/* From outermost to innermost. */
enum lock_level {
	LOCK_EVENT_LOG = 1,	/* one group of the event log */
	LOCK_PARTITIONS,	/* the table of partitions and the tree of parents */
	LOCK_PARTITION,		/* one partition's state, VP table, properties */
	LOCK_EVENTS,		/* ports and connections, all partitions */
	LOCK_GPA_MAP,		/* one partition's GPA map */
	LOCK_MESSAGES,		/* one VP's message queues */
	LOCK_VP_TIMERS,		/* one VP's timers */
	LOCK_TIMER_QUEUE,	/* one processor's timer queue */
	LOCK_RUN_QUEUE,		/* one processor's run queue */
	LOCK_POOL,		/* one partition's page pool */
	LOCK_LOG,
};

struct spinlock {
	uint16_t next, owner;	/* ticket lock: fair */
	uint8_t level;
};

#define SPINLOCK(lock_level) { .level = (lock_level) }

static inline void spinlock_init(struct spinlock *lock, enum lock_level level)
{
	lock->next = lock->owner = 0;
	lock->level = level;
}

void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);
/* Holds it to the end of the block; declarations that follow are made under it. */
#define SPIN_HOLD(lock) \
	__attribute__((cleanup(spin_release), unused)) struct spinlock *held_lock = spin_hold(lock)
static inline struct spinlock *spin_hold(struct spinlock *lock) { spin_lock(lock); return lock; }
static inline void spin_release(struct spinlock **lock) { spin_unlock(*lock); }
