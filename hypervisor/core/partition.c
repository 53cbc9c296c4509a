// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Partitions: the table, references, and the life cycle from creation to
 * deletion. Calls on them are checked in hc_partition.c. Takes the lock of the
 * table, then a partition's; ports, maps and pools have their own.
 *
 * The table holds one reference, every call in progress another one. A partition
 * that is being finalized is taken apart only while nobody but the one finalizing
 * call holds a reference: calls that come later see its state and leave it alone.
 */
#include "core/event.h"
#include "core/page_info.h"
#include "core/partition.h"
#include "core/platform.h"
#include "core/sched.h"

#define DEFAULT_WEIGHT	100
#define TIME_SLICE_US	50

/* References while one call alone works on a partition: the table's and its own. */
#define REFERENCES_ALONE 2

#define BIT(privilege) (1ull << PVN_PRIVILEGE_##privilege)

static const uint64_t child_privileges =
	BIT(ACCESS_VP_RUN_TIME) | BIT(ACCESS_REFERENCE_COUNTER) | BIT(ACCESS_SYNIC) |
	BIT(ACCESS_SYNTHETIC_TIMERS) | BIT(ACCESS_APIC_MSRS) | BIT(ACCESS_HYPERCALL_MSRS) |
	BIT(ACCESS_VP_INDEX) | BIT(ACCESS_STATS_MSRS) | BIT(ACCESS_RESET) | BIT(ACCESS_REFERENCE_TSC) |
	BIT(ACCESS_GUEST_IDLE) | BIT(ACCESS_FREQUENCIES) | BIT(POST_MESSAGES) | BIT(SIGNAL_EVENTS);

static const uint64_t root_privileges =
	child_privileges | BIT(ACCESS_STATS) | BIT(CREATE_PARTITIONS) | BIT(ACCESS_PARTITION_ID) |
	BIT(ACCESS_MEMORY_POOL) | BIT(CREATE_PORT) | BIT(CONNECT_PORT) | BIT(DEBUGGING) |
	BIT(CPU_MANAGEMENT) | BIT(CONFIGURE_PROFILER);

struct partition *root_partition;

static struct spinlock table_lock = SPINLOCK(LOCK_PARTITIONS);
static struct list table = { &table, &table };
static uint64_t next_id = PARTITION_ROOT_ID;	/* [table_lock] */

#define for_each_partition(each) list_for_each_entry(each, &table, struct partition, siblings)

uint64_t partition_time_slice_end(void)
{
	return plat_tsc() + plat_tsc_hz() / 1000000 * TIME_SLICE_US;
}

static void partition_init(struct partition *partition, struct partition *parent)
{
	partition->parent = parent;
	partition->is_root = !parent;
	spinlock_init(&partition->lock, LOCK_PARTITION);
	partition->references = 1;
	partition->privileges = parent ? child_privileges : root_privileges;
	partition->cpu_weight = DEFAULT_WEIGHT;
	partition->features[0] = partition->features[1] = ~0ull;
	partition->cpu_cap = CPU_SHARE_ONE;
	page_pool_init(&partition->pool);
	partition->reference_start = plat_tsc();
	event_init(partition);
}

static void table_add(struct partition *partition)
{
	SPIN_HOLD(&table_lock);

	partition->id = next_id++;
	if (partition->parent)
		partition->parent->child_count++;
	list_append(&table, &partition->siblings);
	stats_total(PVN_STAT_hypervisor_partitions, 1);
}

/* The two instructions of the hypercall page; whatever else is executed there traps. */
static void fill_hypercall_page(uint8_t *page)
{
	memset(page, 0xcc, PAGE_SIZE);
	memcpy(page, virt->hypercall_code, sizeof(virt->hypercall_code));
}

static void release_pages(struct partition *partition)
{
	gpa_map_destroy(&partition->map);
	page_pool_free(&partition->pool, partition->hypercall_page);
	page_pool_free(&partition->pool, partition->tsc_page);
	stats_destroy(&partition->stats, &partition->pool);
}

void partition_count(struct partition *partition)
{
	uint64_t *count = partition->stats.count;

	if (!count)
		return;
	count[PVN_STAT_partition_virtual_processors] = partition->vp_count;
	count[PVN_STAT_partition_gpa_pages] = partition->map.mapped_pages;
	count[PVN_STAT_partition_deposited_pages] = page_pool_free_count(&partition->pool) +
						    page_pool_used_count(&partition->pool);
}

/* Top table, hypercall page, reference TSC page, statistics: all from its own pool, or nothing. */
static enum pvn_status take_pages(struct partition *partition)
{
	struct page_pool *pool = &partition->pool;
	enum pvn_status status = gpa_map_init(&partition->map, pool, !partition->is_root) ?:
				 stats_create(&partition->stats, pool, PVN_STATS_TYPE_partition);

	partition->hypercall_page = page_pool_alloc(pool);
	partition->tsc_page = page_pool_alloc(pool);
	if (status != PVN_STATUS_SUCCESS || !partition->hypercall_page || !partition->tsc_page) {
		release_pages(partition);
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	}
	partition_count(partition);
	fill_hypercall_page(partition->hypercall_page);
	return PVN_STATUS_SUCCESS;
}

/* The hypervisor's own, and the processors'. */
static enum pvn_status create_machine_stats(struct page_pool *pool)
{
	enum pvn_status status = stats_create(&stats_hypervisor, pool, PVN_STATS_TYPE_hypervisor);

	for (unsigned int i = 0; i < plat_cpu_count(); i++)
		status = status ?: stats_create(&plat_cpu(i)->stats, pool, PVN_STATS_TYPE_processor);
	if (status == PVN_STATUS_SUCCESS)
		stats_hypervisor.count[PVN_STAT_hypervisor_logical_processors] = plat_cpu_count();
	return status;
}

struct partition *partition_create_root(struct hpa first_page, uint64_t page_count)
{
	struct partition *partition = plat_hva(first_page);

	ASSERT(page_count > 1 && !root_partition);
	memset(partition, 0, PAGE_SIZE);
	partition_init(partition, NULL);
	page_info_reserve(first_page, page_count, PAGE_HYPERVISOR);
	for (uint64_t i = 1; i < page_count; i++)
		page_pool_add(&partition->pool, hpa_add(first_page, i << PAGE_SHIFT));
	if (create_machine_stats(&partition->pool) ?: take_pages(partition))
		panic("not enough memory for the root partition");
	stats_total(PVN_STAT_hypervisor_total_pages, page_count - 1);
	partition->state = PARTITION_ACTIVE;
	root_partition = partition;
	table_add(partition);
	return partition;
}

struct partition *partition_get(uint64_t id)
{
	SPIN_HOLD(&table_lock);

	for_each_partition(partition) {
		if (partition->id != id)
			continue;
		__atomic_fetch_add(&partition->references, 1, __ATOMIC_ACQUIRE);
		return partition;
	}
	return NULL;
}

struct partition *partition_peek(uint64_t id)
{
	for_each_partition(partition)
		if (partition->id >= id)
			return partition;
	return NULL;
}

void partition_put(struct partition *partition)
{
	unsigned int before = __atomic_fetch_sub(&partition->references, 1, __ATOMIC_ACQ_REL);

	ASSERT(before);
	/* Out of the table and drained: only its own page is left, which came from the parent. */
	if (before == 1)
		page_pool_free(&partition->parent->pool, partition);
}

uint64_t partition_next_child(struct partition *parent, uint64_t previous)
{
	SPIN_HOLD(&table_lock);

	/* Ids rise in the order of creation. */
	for_each_partition(partition)
		if (partition->parent == parent && partition->id > previous)
			return partition->id;
	return 0;
}

enum pvn_status partition_create(struct partition *parent, uint32_t domain, uint64_t *id)
{
	struct partition *partition;

	/* Two levels: everything of a child is reachable by the root alone. */
	if (!parent->is_root)
		return PVN_STATUS_PARTITION_TOO_DEEP;
	partition = page_pool_alloc(&parent->pool);
	if (!partition)
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	partition_init(partition, parent);
	partition->pool.domain = domain;
	table_add(partition);
	*id = partition->id;
	return PVN_STATUS_SUCCESS;
}

enum pvn_status partition_initialize(struct partition *partition)
{
	SPIN_HOLD(&partition->lock);
	enum pvn_status status = PVN_STATUS_INVALID_PARTITION_STATE;

	if (partition->state == PARTITION_UNINITIALIZED)
		status = take_pages(partition);
	if (status == PVN_STATUS_SUCCESS)
		__atomic_store_n(&partition->state, PARTITION_ACTIVE, __ATOMIC_RELEASE);
	return status;
}

static enum pvn_status begin_finalize(struct partition *partition)
{
	SPIN_HOLD(&partition->lock);

	if (partition->state != PARTITION_ACTIVE && partition->state != PARTITION_FINALIZING)
		return PVN_STATUS_INVALID_PARTITION_STATE;
	if (partition->child_count)
		return PVN_STATUS_OPERATION_DENIED;
	__atomic_store_n(&partition->state, PARTITION_FINALIZING, __ATOMIC_SEQ_CST);
	return PVN_STATUS_SUCCESS;
}

static void stop_all_vps(struct partition *partition)
{
	/* All are told before the first is waited for: they leave their processors together. */
	for_each_vp(vp, partition)
		vp_stop(vp, VP_STOP_DYING);
	for_each_vp(vp, partition)
		sched_wait_stopped(vp);
}

/* At least one each time, so that a call that began late makes progress, too. */
static bool destroy_vps(struct partition *partition, uint64_t deadline)
{
	bool late = false;

	for_each_vp(vp, partition) {
		if (late)
			return false;
		partition->vps[vp->index] = NULL;
		stats_total(PVN_STAT_hypervisor_virtual_processors, -1ull);
		vp_destroy(vp);
		late = plat_tsc() >= deadline;
	}
	partition->vp_count = 0;
	return true;
}

enum pvn_status partition_finalize(struct partition *partition)
{
	uint64_t deadline = partition_time_slice_end();
	enum pvn_status status = begin_finalize(partition);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	/* Other processors' calls that saw it active have not ended yet. */
	if (__atomic_load_n(&partition->references, __ATOMIC_SEQ_CST) > REFERENCES_ALONE)
		return STATUS_CONTINUE;
	stop_all_vps(partition);
	event_release_all(partition);
	if (!destroy_vps(partition, deadline) || !gpa_map_clear(&partition->map, deadline))
		return STATUS_CONTINUE;
	release_pages(partition);
	__atomic_store_n(&partition->state, PARTITION_FINALIZED, __ATOMIC_RELEASE);
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status check_delete(struct partition *partition)
{
	if (partition->state != PARTITION_UNINITIALIZED && partition->state != PARTITION_FINALIZED)
		return PVN_STATUS_INVALID_PARTITION_STATE;
	if (page_pool_free_count(&partition->pool) || page_pool_used_count(&partition->pool))
		return PVN_STATUS_OPERATION_DENIED;
	/* Another processor's call might be about to deposit. */
	if (__atomic_load_n(&partition->references, __ATOMIC_SEQ_CST) > REFERENCES_ALONE)
		return STATUS_CONTINUE;
	return PVN_STATUS_SUCCESS;
}

enum pvn_status partition_delete(struct partition *partition)
{
	enum pvn_status status;

	/* References are taken under the table's lock: none comes between check and removal. */
	spin_lock(&table_lock);
	status = check_delete(partition);
	if (status == PVN_STATUS_SUCCESS) {
		list_remove(&partition->siblings);
		partition->parent->child_count--;
		stats_total(PVN_STAT_hypervisor_partitions, -1ull);
	}
	spin_unlock(&table_lock);
	if (status == PVN_STATUS_SUCCESS)
		partition_put(partition);
	return status;
}

bool partition_reserves_fit(const struct partition *changed, uint64_t reserve, unsigned int more_vps)
{
	SPIN_HOLD(&table_lock);
	uint64_t total = 0;

	for_each_partition(partition)
		total += partition == changed ? reserve * (partition->vp_count + more_vps) :
						(uint64_t)partition->cpu_reserve * partition->vp_count;
	return total <= (uint64_t)plat_cpu_count() * CPU_SHARE_ONE;
}

void partition_census(struct pvn_get_census_out *out)
{
	*out = (struct pvn_get_census_out){ 0 };
	spin_lock(&table_lock);
	for_each_partition(partition) {
		uint64_t free = page_pool_free_count(&partition->pool);
		uint64_t used = page_pool_used_count(&partition->pool);

		out->partitions++;
		out->vps += partition->vp_count;
		out->pages_total += free + used;
		out->pages_free += free;
		if (partition->is_root)
			continue;
		out->pages_deposited += free + used;
		out->gpa_pages += partition->map.mapped_pages;
	}
	spin_unlock(&table_lock);
	event_census(&out->ports, &out->connections);
}
