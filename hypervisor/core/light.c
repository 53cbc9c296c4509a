// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Light exits: see light.h. Takes the run-queue lock of the processor that is woken.
 */
#include "core/event.h"
#include "core/exit.h"
#include "core/ipi.h"
#include "core/light.h"

#define FAST(name) (PVN_CONTROL_FAST | PVN_CALL_##name)

/* Was somebody woken on this processor, to run now, or to share its time with the VP? */
static bool must_leave(const struct cpu *cpu)
{
	return __atomic_load_n(&cpu->resched, __ATOMIC_RELAXED) ||
	       (__atomic_load_n(&cpu->ready_count, __ATOMIC_RELAXED) && !cpu_slice_is_limited(cpu));
}

static enum light done(struct vp *vp, unsigned int code)
{
	vp->stats.count[PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(code)]++;
	if (must_leave(vp->cpu))
		return LIGHT_LEAVE;
	vp->stats.count[PVN_STAT_vp_exit_hypercall]++;
	return LIGHT_AGAIN;
}

static enum light light_doorbell(struct vp *vp, uint64_t in, uint64_t *result)
{
	/* The others are looked up under a lock that is held around flushes. */
	if (in >> 48 || (uint32_t)in >= EVENT_INDEX_ENTRIES ||
	    !partition_may(vp->partition, PVN_PRIVILEGE_SIGNAL_EVENTS))
		return LIGHT_NOT;
	*result = event_signal(vp->partition, in, in >> 32);
	return done(vp, PVN_CALL_signal_event);
}

static enum light light_ipi(struct vp *vp, uint64_t in, uint64_t *result)
{
	uint64_t mask = vp->regs.gpr[R8];

	/* What comes for itself is looked at on the long way in. */
	if (mask >> vp->index & 1)
		return LIGHT_NOT;
	*result = ipi_send(vp->partition, in, in >> 32, mask);
	return done(vp, PVN_CALL_send_synthetic_cluster_ipi);
}

enum light light_hypercall(struct vp *vp, uint64_t *result)
{
	uint64_t control = vp->regs.gpr[RCX], in = vp->regs.gpr[RDX];

	if (!vp->partition->guest_os_id || vp->cpu->traced & TRACED_DIAGNOSTICS)
		return LIGHT_NOT;
	if (control == FAST(signal_event))
		return light_doorbell(vp, in, result);
	return control == FAST(send_synthetic_cluster_ipi) ? light_ipi(vp, in, result) : LIGHT_NOT;
}

enum light light_cpuid(struct vp *vp, uint64_t *rax)
{
	uint32_t out[4];

	/* The parent may want to be asked. */
	if (vp->partition->cpuid.count || vp->cpu->traced & TRACED_DIAGNOSTICS)
		return LIGHT_NOT;
	cpuid_values(vp, *rax, vp->regs.gpr[RCX], out);
	*rax = out[0];
	vp->regs.gpr[RBX] = out[1];
	vp->regs.gpr[RCX] = out[2];
	vp->regs.gpr[RDX] = out[3];
	vp->stats.count[PVN_STAT_vp_exit_cpuid]++;
	return LIGHT_AGAIN;
}
