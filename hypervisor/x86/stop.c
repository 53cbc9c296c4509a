/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Stopping all other processors, for a panic and for the debugger: see x86.h. One processor
 * is the owner, the others wait in stop_park(). Takes no locks.
 */
#include "x86/x86.h"

#define ANSWER_US 200000

struct irq_frame *stop_frames[CPUS_MAX];
static unsigned int owner;		/* [a] 1 + index of the processor that stopped the others, 0: none */

static void ask(uint32_t command)
{
	uint64_t until = plat_tsc() + plat_tsc_hz() / 1000000 * ANSWER_US;

	for (unsigned int i = 0; i < plat_cpu_count(); i++)
		if (!__atomic_load_n(&stop_frames[i], __ATOMIC_ACQUIRE))
			apic_send(plat_cpu(i)->apic_id, command);
	for (unsigned int i = 0; i < plat_cpu_count(); i++)
		while (!__atomic_load_n(&stop_frames[i], __ATOMIC_ACQUIRE) && plat_tsc() < until)
			cpu_pause();
}

bool stop_others(struct irq_frame *frame)
{
	unsigned int self = plat_this_cpu()->index, nobody = 0;

	if (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) == self + 1)
		return false;
	/* Who stops them meanwhile sees this processor stand still, too. */
	__atomic_store_n(&stop_frames[self], frame, __ATOMIC_RELEASE);
	for (; !__atomic_compare_exchange_n(&owner, &nobody, self + 1, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE); nobody = 0)
		cpu_pause();
	ask(APIC_FIXED | VECTOR_STOP);
	ask(APIC_NMI);
	return true;
}

void stop_end(void)
{
	__atomic_store_n(&stop_frames[plat_this_cpu()->index], NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
}

bool stop_park(struct irq_frame *frame)
{
	unsigned int self = plat_this_cpu()->index;

	if (!__atomic_load_n(&owner, __ATOMIC_ACQUIRE))
		return false;
	/* An NMI may come while it stands still already. */
	if (__atomic_load_n(&stop_frames[self], __ATOMIC_ACQUIRE))
		return true;
	__atomic_store_n(&stop_frames[self], frame, __ATOMIC_RELEASE);
	while (__atomic_load_n(&owner, __ATOMIC_ACQUIRE))
		cpu_pause();
	__atomic_store_n(&stop_frames[self], NULL, __ATOMIC_RELEASE);
	return true;
}
