// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See fake_vhw.h.
 */
#include "fake_vhw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sched.h"
#include "lib/log.h"

struct fake_vhw fake;
struct partition *root_partition;
enum log_level log_level = LOG_ERROR;

/* Machine */

uint64_t plat_tsc(void) { return fake.tsc; }
uint64_t plat_tsc_hz(void) { return fake.tsc_hz; }
uint64_t plat_apic_hz(void) { return FAKE_APIC_HZ; }
struct cpu *plat_this_cpu(void) { return &fake.cpu[fake.this_cpu]; }
struct cpu *plat_cpu(unsigned int index) { return &fake.cpu[index]; }
unsigned int plat_cpu_count(void) { return 2; }
void plat_kick(struct cpu *cpu) { fake.kicks[cpu - fake.cpu]++; }
void plat_relax(void) { fail_msg("nobody else is there to wait for"); }
void *plat_hva(struct hpa pa) { return (void *)(uintptr_t)pa.v; }
struct hpa plat_hpa(const void *va) { return hpa((uintptr_t)va); }

void plat_timer_set(uint64_t tsc_deadline)
{
	fake.timer = tsc_deadline;
	fake.timer_writes++;
}

void plat_device_eoi(unsigned int vector)
{
	assert_in_range(fake.device_eoi_count, 0, 15);
	fake.device_eois[fake.device_eoi_count++] = vector;
}

void plat_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	fake.cpuid(leaf, subleaf, out);
}

static void cpuid_all_ones(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	(void)leaf;
	(void)subleaf;
	memset(out, 0xff, 4 * sizeof(*out));
}

/* Locks: the order is checked, contention there is none. */

void spin_lock(struct spinlock *lock)
{
	assert_true(lock->level);
	assert_int_equal(fake.lock_levels >> lock->level, 0);
	fake.lock_levels |= 1u << lock->level;
}

void spin_unlock(struct spinlock *lock)
{
	assert_true(fake.lock_levels & 1u << lock->level);
	fake.lock_levels &= ~(1u << lock->level);
}

void log_print(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

void panic(const char *format, ...)
{
	mock_assert(0, format, __FILE__, __LINE__);
	abort();
}

/* Scheduler, VP, intercepts */

void sched_notify(struct vp *vp) { fake.notified[vp->index]++; }

void vp_resume(struct vp *vp, uint32_t reasons)
{
	vp->stop_reasons &= ~reasons;
	fake.resumed[vp->index] |= reasons;
}

void intercept_send(struct vp *vp, uint32_t message_type, uint8_t access_type, uint8_t insn_bytes,
		    void *payload, unsigned int payload_bytes)
{
	(void)access_type;
	(void)insn_bytes;
	vp->stop_reasons |= VP_STOP_INTERCEPT;
	fake.intercept_type = message_type;
	memcpy(fake.intercept_payload, payload, payload_bytes);
	fake.intercepts++;
}

void intercept_post(struct vp *vp, uint32_t message_type, const void *payload,
		    unsigned int payload_bytes)
{
	intercept_send(vp, message_type, 0, 0, (void *)payload, payload_bytes);
}

/* Memory */

void *page_pool_alloc(struct page_pool *pool)
{
	void *page = pool->free_count ? aligned_alloc(PAGE_SIZE, PAGE_SIZE) : NULL;

	if (page) {
		pool->free_count--;
		memset(page, 0, PAGE_SIZE);
	}
	return page;
}

void page_pool_free(struct page_pool *pool, void *page)
{
	pool->free_count += !!page;
	free(page);
}

enum pvn_status gpa_map_overlay_add(struct gpa_map *map, struct gpa at, struct hpa page,
				    unsigned int rights)
{
	(void)map;
	if (fake.overlay_refusals) {
		fake.overlay_refusals--;
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	}
	for (unsigned int i = 0; i < FAKE_OVERLAYS; i++) {
		if (fake.overlay[i].page)
			continue;
		fake.overlay[i].at = at.v;
		fake.overlay[i].page = plat_hva(page);
		fake.overlay[i].rights = rights;
		return PVN_STATUS_SUCCESS;
	}
	return PVN_STATUS_INSUFFICIENT_MEMORY;
}

void gpa_map_overlay_remove(struct gpa_map *map, struct gpa at)
{
	(void)map;
	for (unsigned int i = 0; i < FAKE_OVERLAYS; i++) {
		if (fake.overlay[i].page && fake.overlay[i].at == at.v) {
			memset(&fake.overlay[i], 0, sizeof(fake.overlay[i]));
			return;
		}
	}
	fail_msg("no overlay at 0x%llx to remove", (unsigned long long)at.v);
}

void gpa_map_flush(struct gpa_map *map)
{
	(void)map;
	assert_int_equal(fake.lock_levels, 0);
	fake.flushes++;
}

uint64_t fake_overlay_of(const void *page)
{
	for (unsigned int i = 0; i < FAKE_OVERLAYS; i++)
		if (fake.overlay[i].page == page)
			return fake.overlay[i].at;
	return ~0ull;
}

/* Vendor */

static uint64_t *vendor_register(uint32_t name)
{
	switch (name) {
	case PVN_REG_CR0: return &fake.cr0;
	case PVN_REG_CR4: return &fake.cr4;
	case PVN_REG_EFER: return &fake.efer;
	case PVN_REG_PAT: return &fake.pat;
	case PVN_REG_STAR: return &fake.star;
	default: return NULL;
	}
}

static enum pvn_status get_register(struct vp *vp, uint32_t name, uint64_t value[2])
{
	uint64_t *held = vendor_register(name);

	(void)vp;
	if (!held)
		return PVN_STATUS_INVALID_PARAMETER;
	value[0] = *held;
	value[1] = 0;
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status set_register(struct vp *vp, uint32_t name, const uint64_t value[2])
{
	uint64_t *held = vendor_register(name);

	(void)vp;
	if (!held)
		return PVN_STATUS_INVALID_PARAMETER;
	*held = value[0];
	return PVN_STATUS_SUCCESS;
}

static uint8_t get_tpr(struct vp *vp) { return fake.tpr[vp->index]; }
static void set_tpr(struct vp *vp, uint8_t tpr) { fake.tpr[vp->index] = tpr; }

static const struct virt_ops fake_virt = {
	.get_register = get_register,
	.set_register = set_register,
	.get_tpr = get_tpr,
	.set_tpr = set_tpr,
};

const struct virt_ops *virt = &fake_virt;

/* The stage */

static void timer_expired(struct timer *timer)
{
	vp_timers_expired(container_of(timer, struct vp, timer));
}

static void *page(void) { return page_pool_alloc(&fake.partition->pool); }

static struct vp *make_vp(unsigned int index)
{
	struct vp *vp = page();

	vp->partition = fake.partition;
	vp->index = vp->apic_id = index;
	vp->sipi_vector = -1;
	vp->xcr0 = 1;
	vp->assist = page();
	vp->stats.count = page();
	spinlock_init(&vp->timer_lock, LOCK_VP_TIMERS);
	timer_init(&vp->timer, timer_expired);
	vp->synic.events = page();
	vp->synic.messages = page();
	synic_init(vp);
	lapic_reset(vp);
	synic_reset(vp);
	fake_wrmsr(vp, X2APIC_MSR(0x0f), 0x1ff);
	return vp;
}

int fake_vhw_setup(void **state)
{
	struct partition *partition = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(partition, 0, PAGE_SIZE);
	fake.tsc = 1000000;
	fake.tsc_hz = FAKE_TSC_HZ;
	fake.timer = ~0ull;
	fake.cpuid = cpuid_all_ones;
	for (unsigned int i = 0; i < 2; i++) {
		spinlock_init(&fake.cpu[i].timer_lock, LOCK_TIMER_QUEUE);
		list_init(&fake.cpu[i].timers);
		fake.cpu[i].slice_end = fake.cpu[i].nudge = ~0ull;
		fake.cpu[i].timer_first = fake.cpu[i].timer_programmed = ~0ull;
	}
	fake.partition = partition;
	spinlock_init(&partition->lock, LOCK_PARTITION);
	partition->id = 7;
	partition->pool.free_count = 1000;
	partition->privileges = ~0ull;
	partition->features[0] = partition->features[1] = ~0ull;
	partition->reference_start = fake.tsc;
	partition->hypercall_page = page();
	partition->tsc_page = page();
	partition->stats.count = page();
	partition->vp_count = FAKE_VPS;
	for (unsigned int i = 0; i < FAKE_VPS; i++)
		partition->vps[i] = fake.vp[i] = make_vp(i);
	fake.cpu[0].current = fake.cpu[1].current = fake.vp[0];
	fake.timer_writes = 0;
	return 0;
}

int fake_vhw_teardown(void **state)
{
	struct partition *partition = fake.partition;

	(void)state;
	for (unsigned int i = 0; i < FAKE_VPS; i++) {
		synic_shutdown(fake.vp[i]);
		page_pool_free(&partition->pool, fake.vp[i]->synic.events);
		page_pool_free(&partition->pool, fake.vp[i]->synic.messages);
		page_pool_free(&partition->pool, fake.vp[i]->assist);
		page_pool_free(&partition->pool, fake.vp[i]->stats.count);
		page_pool_free(&partition->pool, fake.vp[i]);
	}
	page_pool_free(&partition->pool, partition->hypercall_page);
	page_pool_free(&partition->pool, partition->tsc_page);
	page_pool_free(&partition->pool, partition->stats.count);
	assert_int_equal(partition->pool.free_count, 1000);
	assert_int_equal(fake.lock_levels, 0);
	free(partition);
	return 0;
}

uint64_t fake_programmed(void)
{
	timer_program();
	return fake.timer;
}

void fake_pass(uint64_t tsc_ticks)
{
	uint64_t end = fake.tsc + tsc_ticks;

	for (unsigned int i = 0; fake_programmed() <= end; i++) {
		assert_in_range(i, 0, 1000);
		if (fake.tsc < fake.timer)
			fake.tsc = fake.timer;
		fake.timer = fake.cpu[0].timer_programmed = ~0ull;
		timer_run_queue();
	}
	fake.tsc = end;
}

uint64_t fake_rdmsr(struct vp *vp, uint32_t msr)
{
	uint64_t value = 0;

	if (!msr_read(vp, msr, &value))
		fail_msg("read of MSR 0x%x refused", msr);
	return value;
}

void fake_wrmsr(struct vp *vp, uint32_t msr, uint64_t value)
{
	bool bad_value;

	if (!msr_write(vp, msr, value, &bad_value))
		fail_msg("write of 0x%llx to MSR 0x%x refused", (unsigned long long)value, msr);
}

bool fake_wrmsr_faults(struct vp *vp, uint32_t msr, uint64_t value)
{
	bool bad_value = false;

	return !msr_write(vp, msr, value, &bad_value) && bad_value;
}

bool fake_rdmsr_faults(struct vp *vp, uint32_t msr)
{
	uint64_t value;

	return !msr_read(vp, msr, &value);
}
