// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Ticket locks with the level assertion. A processor's locks_held has bit <level> for
 * the lock of that level it holds; the word is its owner's alone, so plain accesses do.
 */
#include "core/platform.h"
#include "lib/spinlock.h"

void spin_lock(struct spinlock *lock)
{
	struct cpu *cpu = plat_this_cpu();
	uint16_t ticket;

	ASSERT(!(cpu->locks_held >> lock->level));
	cpu->locks_held |= 1u << lock->level;
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	/* Pairs with the release in spin_unlock(). */
	while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
		plat_relax();
}

void spin_unlock(struct spinlock *lock)
{
	struct cpu *cpu = plat_this_cpu();

	ASSERT(cpu->locks_held >> lock->level & 1);
	__atomic_store_n(&lock->owner, (uint16_t)(lock->owner + 1), __ATOMIC_RELEASE);
	cpu->locks_held &= ~(1u << lock->level);
}
