// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Virtual processors: creation, reset, destruction. Their registers as the parent sees
 * them are vp_regs.c's, the vendor's the vendor's; interrupt controller, timers and
 * scheduling are in their own files.
 */
#include "core/exit.h"
#include "core/platform.h"
#include "core/sched.h"

#define RESET_RIP	0xfff0
#define SMBASE_RESET	0x30000u

#define FPU_MXCSR_AT		24
#define FPU_CONTROL_RESET	0x37fu
#define FPU_MXCSR_RESET		0x1f80u

#define XCR0_X87 0x1ull

static void timer_expired(struct timer *timer) { vp_timers_expired(container_of(timer, struct vp, timer)); }

/* Where the VP names the pages that it has from its partition's pool, besides its own. */
static const size_t vp_pages[] = {
	offsetof(struct vp, vendor), offsetof(struct vp, fpu), offsetof(struct vp, assist),
	offsetof(struct vp, synic.events), offsetof(struct vp, synic.messages),
};

static void **page_of(struct vp *vp, unsigned int i) { return (void **)((char *)vp + vp_pages[i]); }

static enum pvn_status vp_take_pages(struct vp *vp)
{
	struct page_pool *pool = &vp->partition->pool;

	for (unsigned int i = 0; i < sizeof(vp_pages) / sizeof(vp_pages[0]); i++)
		if (!(*page_of(vp, i) = page_pool_alloc(pool)))
			return PVN_STATUS_INSUFFICIENT_MEMORY;
	return stats_create(&vp->stats, pool, PVN_STATS_TYPE_vp);
}

static void vp_free(struct vp *vp)
{
	struct page_pool *pool = &vp->partition->pool;

	stats_destroy(&vp->stats, pool);
	for (unsigned int i = 0; i < sizeof(vp_pages) / sizeof(vp_pages[0]); i++)
		page_pool_free(pool, *page_of(vp, i));
	page_pool_free(pool, vp);
}

/* VPs are spread over the processors, those of their domain if there are any. */
static struct cpu *home_of(const struct vp *vp)
{
	unsigned int count = plat_cpu_count(), first = (unsigned int)(vp->partition->id + vp->index);
	struct cpu *home = plat_cpu(first % count);

	for (unsigned int i = count; i--;)
		if (plat_cpu((first + i) % count)->domain == vp->domain)
			home = plat_cpu((first + i) % count);
	return home;
}

static void vp_init(struct vp *vp, struct partition *partition, uint32_t index, uint32_t domain)
{
	vp->partition = partition;
	vp->index = index;
	vp->apic_id = index;
	vp->lapic.id = index;
	vp->domain = domain;
	vp->cpu = home_of(vp);
	vp->state = VP_STOPPED;
	vp->stop_reasons = VP_STOP_EXPLICIT | (index ? VP_STOP_SIPI : 0);
	list_init(&vp->run_node);
	/* Differs from every generation: what the processor has cached for others is dropped. */
	vp->map_generation_seen = ~0ull;
	vp->sipi_vector = -1;
	vp->smbase = SMBASE_RESET;
	spinlock_init(&vp->timer_lock, LOCK_VP_TIMERS);
	timer_init(&vp->timer, timer_expired);
	intercept_init(vp);
}

/* From now on others find it: interrupts, ports, the parent. */
static enum pvn_status vp_publish(struct vp *vp)
{
	struct partition *partition = vp->partition;
	enum pvn_status status = PVN_STATUS_INVALID_VP_INDEX;
	SPIN_HOLD(&partition->lock);

	if (!partition->vps[vp->index]) {
		__atomic_store_n(&partition->vps[vp->index], vp, __ATOMIC_RELEASE);
		partition->vp_count++;
		partition_count(partition);
		stats_total(PVN_STAT_hypervisor_virtual_processors, 1);
		status = PVN_STATUS_SUCCESS;
	}
	return status;
}

enum pvn_status vp_create(struct partition *partition, uint32_t index, uint32_t domain)
{
	enum pvn_status status;
	struct vp *vp;

	if (index >= VPS_PER_PARTITION_MAX || partition->vps[index])
		return PVN_STATUS_INVALID_VP_INDEX;
	vp = page_pool_alloc(&partition->pool);
	if (!vp)
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	vp_init(vp, partition, index, domain);
	status = vp_take_pages(vp);
	if (status != PVN_STATUS_SUCCESS) {
		vp_free(vp);
		return status;
	}
	synic_init(vp);
	vp_reset(vp);
	virt->set_exception_intercepts(vp, partition->exceptions);
	status = vp_publish(vp);
	if (status != PVN_STATUS_SUCCESS)
		vp_destroy(vp);
	return status;
}

void vp_destroy(struct vp *vp)
{
	timer_cancel_wait(&vp->timer);
	intercept_cancel(vp);
	if (vp->assist_msr & PVN_MSR_PAGE_ENABLE)
		gpa_map_overlay_remove(&vp->partition->map, gpa(vp->assist_msr & PVN_MSR_PAGE_MASK));
	synic_shutdown(vp);
	vp_free(vp);
}

static void fpu_reset(struct vp *vp)
{
	memset(vp->fpu, 0, PAGE_SIZE);
	*(uint16_t *)vp->fpu = FPU_CONTROL_RESET;
	*(uint32_t *)((char *)vp->fpu + FPU_MXCSR_AT) = FPU_MXCSR_RESET;
	vp->xcr0 = XCR0_X87;
}

void vp_reset(struct vp *vp)
{
	uint32_t signature[4];

	cpuid_values(vp, 1, 0, signature);
	vp->regs = (struct vp_regs){ .rip = RESET_RIP, .rflags = RFLAGS_FIXED };
	/* [SDM 3A 10.1.1 "Processor State After Reset"]: EDX holds family, model, stepping. */
	vp->regs.gpr[RDX] = signature[0];
	fpu_reset(vp);
	msr_move_page(vp, &vp->assist_msr, 0, vp->assist, GPA_READ | GPA_WRITE);
	for (unsigned int i = 0; i < 2; i++)
		msr_move_page(vp, &vp->stats_msr[i], 0, vp->stats.count, GPA_READ);
	memset(vp->assist, 0, PAGE_SIZE);
	vp->halted = false;
	vp->idle = vp->in_smm = false;
	virt->vp_reset(vp);
	lapic_reset(vp);
	synic_reset(vp);
}

void vp_stop(struct vp *vp, uint32_t reasons)
{
	__atomic_fetch_or(&vp->stop_reasons, reasons, __ATOMIC_SEQ_CST);
	sched_notify(vp);
}

void vp_resume(struct vp *vp, uint32_t reasons)
{
	if (!__atomic_and_fetch(&vp->stop_reasons, ~reasons, __ATOMIC_SEQ_CST))
		sched_notify(vp);
}
