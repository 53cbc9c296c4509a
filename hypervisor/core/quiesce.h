/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Waiting until no processor can still use what it found before.
 */
#pragma once

#include "core/platform.h"

/*
 * Every other processor that is in a guest leaves it: from then on translations that were
 * taken away before are in no processor, and no light exit (light.h) looks at what was
 * unlinked before. Whoever waits waits only for processors that are in a guest, so that two
 * who do cannot wait for each other. Not between entry_generation's two steps, and with no
 * lock that a light exit takes.
 */
static inline void quiesce_guests(void)
{
	struct cpu *self = plat_this_cpu();

	/*
	 * Pairs with the entry path, which makes entry_generation odd and then looks at what
	 * changed: either we see it odd, or it sees the change.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < plat_cpu_count(); i++) {
		struct cpu *cpu = plat_cpu(i);
		uint64_t seen;

		if (cpu == self)
			continue;
		seen = __atomic_load_n(&cpu->entry_generation, __ATOMIC_SEQ_CST);
		if (!(seen & 1))
			continue;
		plat_kick(cpu);
		while (__atomic_load_n(&cpu->entry_generation, __ATOMIC_SEQ_CST) == seen)
			plat_relax();
	}
}
