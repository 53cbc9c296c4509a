// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Virtual processors: the one that boots, and a second one that waits, halted, for
 * functions to run.
 */
#include "testguest.h"

#define TRAMPOLINE	0x8000		/* start.S says it too */
#define VECTOR_WORK	0xfe
#define START_TIME	(3000 * MSECS)
#define WORK_TIME	(15000 * MSECS)

static struct guest_vp vps[VPS_MAX];
static uint8_t stacks[VPS_MAX][16384] __attribute__((aligned(16)));
uint64_t secondary_stack;		/* for start.S */
static unsigned int secondary_index;
extern const uint8_t trampoline_start[], trampoline_end[];

void vp_secondary_main(void);

struct guest_vp *vp_self(void)
{
	struct guest_vp *self;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(self));
	return self;
}

struct guest_vp *vp_at(unsigned int index)
{
	return &vps[index];
}

void vp_init(unsigned int index)
{
	struct guest_vp *vp = &vps[index];

	vp->self = vp;
	vp->index = index;
	vp->catch_point = NULL;
	__asm__ volatile("mov %0, %%gs" : : "r"(0));
	wrmsr(MSR_GS_BASE, (uint64_t)vp);
	trap_init();
	wrmsr(MSR_X2APIC_SPURIOUS, APIC_ENABLE | 0xff);
}

/* Work is done with interrupts off, and between works every interrupt is taken. */
static void serve(struct guest_vp *vp)
{
	for (;;) {
		interrupts_off();
		if (__atomic_load_n(&vp->work_given, __ATOMIC_ACQUIRE) == vp->work_done) {
			halt();
			continue;
		}
		catch_fault(vp->work, vp->work_context, &vp->work_caught);
		__atomic_store_n(&vp->work_done, vp->work_done + 1, __ATOMIC_RELEASE);
	}
}

void vp_secondary_main(void)
{
	struct guest_vp *vp = &vps[secondary_index];

	vp_init(secondary_index);
	vp->work_done = vp->work_given;
	__atomic_store_n(&vp->online, true, __ATOMIC_RELEASE);
	serve(vp);
}

/* The loader tells of the processors in ACPI's tables only; APIC ids are indices here. */
static void send(unsigned int index, uint32_t icr)
{
	wrmsr(MSR_X2APIC_ICR, (uint64_t)index << 32 | icr);
}

bool vp_start(unsigned int index)
{
	struct guest_vp *vp = &vps[index];

	memcpy((void *)TRAMPOLINE, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	secondary_index = index;
	secondary_stack = (uint64_t)(stacks[index] + sizeof(stacks[index]));
	__atomic_store_n(&vp->online, false, __ATOMIC_SEQ_CST);
	send(index, ICR_INIT | ICR_ASSERT);
	wait_for(MSECS);
	send(index, ICR_STARTUP | TRAMPOLINE >> 12);
	return wait_until(__atomic_load_n(&vp->online, __ATOMIC_ACQUIRE), START_TIME);
}

void vp_stop_second(void)
{
	if (!vps[1].online)
		return;
	send(1, ICR_INIT | ICR_ASSERT);
	vps[1].online = false;
}

static unsigned int vp_count(void)
{
	uint32_t out[4];

	cpuid(0xb, 1, out);
	return out[1] & 0xffff;
}

void vp_need_second(void)
{
	if (vps[1].online)
		return;
	if (vp_count() < 2)
		test_skip("the guest has one virtual processor");
	if (!vp_start(1))
		test_fail(__FILE__, __LINE__, "virtual processor 1 does not start");
}

void vp_begin(void (*call)(void *), void *context)
{
	struct guest_vp *vp = &vps[1];

	vp->work = call;
	vp->work_context = context;
	__atomic_store_n(&vp->work_given, vp->work_given + 1, __ATOMIC_RELEASE);
	send(1, VECTOR_WORK);
}

void vp_finish(void)
{
	struct guest_vp *vp = &vps[1];

	if (!wait_until(__atomic_load_n(&vp->work_done, __ATOMIC_ACQUIRE) == vp->work_given,
			WORK_TIME)) {
		vp_stop_second();
		test_fail(__FILE__, __LINE__, "virtual processor 1 does not come to an end");
	}
	expect(vp->work_caught.vector == NO_FAULT, "%s on virtual processor 1 at 0x%lx",
	       vector_name(vp->work_caught.vector), vp->work_caught.rip);
}

void vp_run(void (*call)(void *), void *context)
{
	vp_begin(call, context);
	vp_finish();
}
