// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on the translations of guest-virtual addresses [TLFS 2.0 12.4 "Virtual Address
 * Translation Cache"]. Whatever a call names, its VPs drop all they have: an address space
 * id of its own costs less than many single flushes.
 *
 * A VP that is not in its guest is not interrupted: it is marked, and drops its
 * translations when it enters. One that is in its guest is marked and kicked, and the call
 * waits until it has left. Order, so that none is missed: the mark is set, then the VP's
 * processor and its entry_generation are read; the entry path makes entry_generation odd,
 * then reads the mark. Takes no locks; whoever waits is not in a guest, so that two who
 * flush each other do not wait for ever.
 */
#include "core/hypercall.h"
#include "core/platform.h"

#define FLAGS_SPACE	(PVN_FLUSH_ALL_PROCESSORS | PVN_FLUSH_ALL_SPACES | PVN_FLUSH_NON_GLOBAL)
#define FLAGS_LIST	(PVN_FLUSH_ALL_PROCESSORS | PVN_FLUSH_ALL_SPACES)
#define PHYSICAL_BITS	52

/* The processor in whose guest the VP may be with old translations; NULL: none. */
static struct cpu *mark(struct vp *vp, uint64_t *seen)
{
	struct cpu *cpu;

	/* Differs from every generation: see flush_if_stale(). */
	__atomic_store_n(&vp->map_generation_seen, ~0ull, __ATOMIC_SEQ_CST);
	cpu = __atomic_load_n(&vp->cpu, __ATOMIC_SEQ_CST);
	*seen = __atomic_load_n(&cpu->entry_generation, __ATOMIC_SEQ_CST);
	if (!(*seen & 1) || __atomic_load_n(&cpu->current, __ATOMIC_SEQ_CST) != vp)
		return NULL;
	plat_kick(cpu);
	return cpu;
}

/* CONTINUE: a parent has stopped one of them and works with its translations. */
static enum pvn_status flush(struct partition *partition, uint64_t mask)
{
	struct { struct cpu *cpu; uint64_t seen; } kicked[VPS_PER_PARTITION_MAX];
	enum pvn_status status = PVN_STATUS_SUCCESS;
	unsigned int count = 0;

	/* All are kicked before the first is waited for. */
	for (; mask; mask &= mask - 1) {
		struct vp *vp = __atomic_load_n(&partition->vps[__builtin_ctzll(mask)], __ATOMIC_ACQUIRE);

		kicked[count].cpu = vp ? mark(vp, &kicked[count].seen) : NULL;
		count += kicked[count].cpu != NULL;
		if (vp && __atomic_load_n(&vp->stop_reasons, __ATOMIC_SEQ_CST) & VP_STOP_NO_FLUSH)
			status = STATUS_CONTINUE;
	}
	while (count--)
		while (__atomic_load_n(&kicked[count].cpu->entry_generation, __ATOMIC_ACQUIRE) ==
		       kicked[count].seen)
			plat_relax();
	return status;
}

/*
 * The guest has changed its tables before it called, so the first element's flush is every
 * element's; a call that continues is a new one.
 */
static enum pvn_status check_and_flush(struct hc_call *call, uint64_t space, uint64_t flags,
				       uint64_t valid_flags, uint64_t mask)
{
	if (flags & PVN_FLUSH_ALL_PROCESSORS)
		mask = ~0ull;
	if (flags & ~valid_flags || !mask || (!(flags & PVN_FLUSH_ALL_SPACES) && space >> PHYSICAL_BITS))
		return PVN_STATUS_INVALID_PARAMETER;
	if (call->flushed)
		return PVN_STATUS_SUCCESS;
	call->flushed = true;
	return flush(call->caller, mask);
}

/* Nothing here keeps translations by address space: the VP's are dropped. */
HC(switch_virtual_address_space)
{
	enum pvn_status status = virt->set_register(call->vp, PVN_REG_CR3,
						    (uint64_t[]){ in->address_space, 0 });

	virt->flush(call->vp);
	return status;
}

#define FLUSH(name, valid, mask_or)							\
	HC(name)									\
	{										\
		uint64_t mask;								\
											\
		return mask_or ?: check_and_flush(call, in->address_space, in->flags, valid, mask); \
	}
#define OF_MASK (mask = in->processor_mask, PVN_STATUS_SUCCESS)
#define OF_SET hc_vp_set(call, in->vp_set_format, in->vp_set_banks, &mask)
FLUSH(flush_virtual_address_space, FLAGS_SPACE, OF_MASK)
FLUSH(flush_virtual_address_list, FLAGS_LIST, OF_MASK)
FLUSH(flush_virtual_address_space_ex, FLAGS_SPACE, OF_SET)
FLUSH(flush_virtual_address_list_ex, FLAGS_LIST, OF_SET)
