// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Ticket locks with the level assertion. A processor's locks_held has bit
 * <level> for the lock of that level it holds and bit <level + 16> for a second,
 * nested one; the word is its owner's alone, so plain accesses do.
 */
#include "core/cpu.h"
#include "core/platform.h"
#include "lib/log.h"
#include "lib/spinlock.h"

#define NESTED_SHIFT 16

static void acquire(struct spinlock *lock)
{
	uint16_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

	/* Pairs with the release in spin_unlock(). */
	while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
		plat_relax();
}

void spin_lock(struct spinlock *lock)
{
	struct cpu *cpu = plat_this_cpu();

	ASSERT(!((cpu->locks_held & 0xffff) >> lock->level));
	cpu->locks_held |= 1u << lock->level;
	acquire(lock);
}

void spin_lock_nested(struct spinlock *lock)
{
	struct cpu *cpu = plat_this_cpu();
	uint32_t nested = 1u << (lock->level + NESTED_SHIFT);

	ASSERT((cpu->locks_held & 0xffff) >> lock->level == 1 && !(cpu->locks_held & nested));
	cpu->locks_held |= nested;
	acquire(lock);
}

void spin_unlock(struct spinlock *lock)
{
	struct cpu *cpu = plat_this_cpu();
	uint32_t plain = 1u << lock->level, nested = plain << NESTED_SHIFT;

	ASSERT(cpu->locks_held & plain);
	__atomic_store_n(&lock->owner, (uint16_t)(lock->owner + 1), __ATOMIC_RELEASE);
	cpu->locks_held &= ~(cpu->locks_held & nested ? nested : plain);
}

bool spin_is_locked(const struct spinlock *lock)
{
	return __atomic_load_n(&lock->next, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
}
