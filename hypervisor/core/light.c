// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Light exits: see light.h. Takes the run-queue lock of the processor that is woken.
 */
#include "core/doorbell.h"
#include "core/exit.h"
#include "core/ipi.h"
#include "core/light.h"
#include "core/sched.h"

#define FAST(name) (PVN_CONTROL_FAST | PVN_CALL_##name)

/* Was somebody woken on this processor, to run now, or to share its time with the VP? */
static bool must_leave(const struct cpu *cpu)
{
	return __atomic_load_n(&cpu->resched, __ATOMIC_RELAXED) ||
	       (__atomic_load_n(&cpu->ready_count, __ATOMIC_RELAXED) && !cpu_slice_is_limited(cpu));
}

static inline void count_call(struct vp *vp, unsigned int code)
{
	vp->stats.count[PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(code)]++;
}

/* Whoever leaves is counted by the processor's loop. */
static inline enum light again(struct vp *vp)
{
	vp->stats.count[PVN_STAT_vp_exit_hypercall]++;
	return LIGHT_AGAIN;
}

/* The port, and its target, of a doorbell that may be rung here; NULL: the long way says why not. */
static inline struct port *find_doorbell(const struct partition *partition, uint64_t in, struct vp **target)
{
	struct port **doorbells = __atomic_load_n(&partition->doorbells, __ATOMIC_ACQUIRE), *port;

	/* Of the input only the flag and the index of a doorbell are not 0. */
	if (in & ~(0xffffull << 32 | (DOORBELLS - 1)) || !doorbells ||
	    !partition_may(partition, PVN_PRIVILEGE_SIGNAL_EVENTS))
		return NULL;
	port = __atomic_load_n(&doorbells[(uint32_t)in], __ATOMIC_ACQUIRE);
	if (!port || in >> 32 >= port->flag_count)
		return NULL;
	*target = __atomic_load_n(&port->target, __ATOMIC_ACQUIRE);
	return vp_is_dying(*target) ? NULL : port;
}

/* Apart, so that the way to a VP that runs saves no registers for it. */
static __attribute__((noinline)) enum light wake(struct vp *vp, struct vp *target)
{
	sched_notify(target);
	/* Its own interrupts are looked at on the long way in. */
	return target == vp || must_leave(vp->cpu) ? LIGHT_LEAVE : again(vp);
}

static inline enum light light_doorbell(struct vp *vp, uint64_t in)
{
	struct vp *target;
	struct port *port = find_doorbell(vp->partition, in, &target);
	enum rung rung = port ? port_ring(port, target, in >> 32, vp) : RUNG_NOT;
	struct cpu *cpu;

	if (rung == RUNG_NOT)
		return LIGHT_NOT;
	count_call(vp, PVN_CALL_signal_event);
	if (rung != RUNG_LOUD)
		return again(vp);
	if (!sched_is_in_guest(target, vp->cpu, &cpu))
		return wake(vp, target);
	again(vp);
	plat_kick(cpu);
	return LIGHT_AGAIN;
}

static __attribute__((noinline)) enum light light_ipi(struct vp *vp, uint64_t in)
{
	uint64_t mask = vp->regs.gpr[R8];

	/* What comes for itself is looked at on the long way in. */
	if (mask >> vp->index & 1 || ipi_send(vp->partition, in, in >> 32, mask) != PVN_STATUS_SUCCESS)
		return LIGHT_NOT;
	count_call(vp, PVN_CALL_send_synthetic_cluster_ipi);
	return must_leave(vp->cpu) ? LIGHT_LEAVE : again(vp);
}

enum light light_hypercall(struct vp *vp)
{
	uint64_t control = vp->regs.gpr[RCX], in = vp->regs.gpr[RDX];

	if (!vp->partition->guest_os_id || vp->cpu->traced & TRACED_DIAGNOSTICS)
		return LIGHT_NOT;
	if (control == FAST(signal_event))
		return light_doorbell(vp, in);
	return control == FAST(send_synthetic_cluster_ipi) ? light_ipi(vp, in) : LIGHT_NOT;
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
