/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A partition: identity, state, privileges, pool, GPA map, VPs.
 *
 *	UNINITIALIZED -initialize-> ACTIVE -finalize-> FINALIZING -> FINALIZED -delete-> gone
 */
#pragma once

#include "core/vp.h"

#define VPS_PER_PARTITION_MAX 64
#define PARTITION_ROOT_ID     1ull

enum partition_state {
	PARTITION_UNINITIALIZED, PARTITION_ACTIVE, PARTITION_FINALIZING, PARTITION_FINALIZED,
};

/* What a parent wants to be told of: I/O ports, CPUID leaves. */
#define IO_INTERCEPTS_MAX    96
#define CPUID_INTERCEPTS_MAX 8

struct intercepted { uint32_t what; uint8_t access; };
struct intercept_list { unsigned int count; struct intercepted at[IO_INTERCEPTS_MAX]; };

struct port;

/*
 * Long work stopped at the end of its time slice: not a status of the ABI. The
 * dispatcher lets the guest repeat the call.
 */
#define STATUS_CONTINUE ((enum pvn_status)0x10000)

/*
 * (c) constant after creation  [p] partition lock  [a] atomic
 */
struct partition {
	uint64_t id;			/* (c) never reused */
	struct partition *parent;	/* (c) NULL: root */
	bool is_root;			/* (c) */
	struct spinlock lock;
	enum partition_state state;	/* [p] */
	unsigned int references;	/* [a] dispatcher and message senders hold one */
	struct list siblings;		/* [partitions lock] in the table, creation order */
	unsigned int child_count;	/* [partitions lock] */

	uint64_t privileges;		/* [p] changed before initialize only */
	uint32_t cpu_weight, cpu_cap, cpu_reserve;	/* [p] */
	uint64_t features[2];		/* [p] processor's and XSAVE's to be seen; before initialize */

	struct page_pool pool;
	struct gpa_map map;

	struct vp *vps[VPS_PER_PARTITION_MAX];	/* [p] to change; entries live until finalize */
	unsigned int vp_count;		/* [p] */

	/* intercepts the parent installed */
	struct intercept_list io, cpuid;	/* [p] */
	uint8_t msr_access;		/* [p] PVN_ACCESS_* of all MSRs nobody virtualizes */
	uint32_t exceptions;		/* [p] bit per vector */

	/* guest-visible, partition-wide MSRs */
	uint64_t guest_os_id;		/* [p] */
	uint64_t hypercall_msr;		/* [p] */
	uint64_t reference_tsc_msr;	/* [p] */
	void *hypercall_page;		/* (c) from the pool, overlaid */
	struct pvn_reference_tsc_page *tsc_page;	/* (c) from the pool, overlaid */
	uint64_t reference_start;	/* (c) TSC at creation: reference time 0 */
	uint64_t crash[6];		/* [p] P0..P4, CTL */
	struct stats stats;		/* [p] */
	uint64_t stats_msr[2];		/* [p] */

	struct slab event_records;	/* [events lock] where ports and connections live */
	struct list ports;		/* [events lock] ports this partition owns */
	struct list connections;	/* [events lock] */
	struct port **doorbells;	/* [events lock] to change; event ports by the first connection ids */
	unsigned int intercept_vp;	/* [a] which root VP gets the next intercept message */
};

_Static_assert(sizeof(struct partition) <= PAGE_SIZE, "a partition is one page");

extern struct partition *root_partition;

/* Root: privileges all; its pool holds the hypervisor's memory. */
struct partition *partition_create_root(struct hpa first_page, uint64_t page_count);

/* Find by id with a reference held; NULL: no such partition. partition_put() releases. */
struct partition *partition_get(uint64_t id);
void partition_put(struct partition *partition);

/* Calls of hc_partition.c, also used by tests. The caller holds one reference. */
enum pvn_status partition_create(struct partition *parent, uint32_t domain, uint64_t *id);
enum pvn_status partition_initialize(struct partition *partition);
/* STATUS_CONTINUE until all is released. */
enum pvn_status partition_finalize(struct partition *partition);
/* The id is gone at once, the memory with the last reference. */
enum pvn_status partition_delete(struct partition *partition);
/* The child of parent with the lowest id above previous; 0: none. */
uint64_t partition_next_child(struct partition *parent, uint64_t previous);

static inline bool partition_is_active(const struct partition *partition)
{
	return __atomic_load_n(&partition->state, __ATOMIC_ACQUIRE) == PARTITION_ACTIVE;
}

/* End of the time that one hypercall may take [TLFS 2.0 4.3 "Hypercall Continuation"]. */
uint64_t partition_time_slice_end(void);

static inline bool partition_may(const struct partition *partition, enum pvn_privilege privilege)
{
	return partition->privileges >> privilege & 1;
}

/* 100 ns since creation; the same formula as the reference TSC page. */
uint64_t partition_reference_time(const struct partition *partition, uint64_t tsc);
/* The first TSC value at which partition_reference_time() is at least this. */
uint64_t partition_reference_to_tsc(const struct partition *partition, uint64_t reference);
/* A length of time in TSC ticks, in 100 ns. */
uint64_t reference_units(uint64_t tsc_ticks);
/* Contents of the reference TSC page; disabled: sequence 0, use the MSR. */
void partition_fill_tsc_page(struct partition *partition, bool enabled);

#define CPU_SHARE_ONE 0x10000u	/* of cap and reserve: a whole processor a VP */

/* Do the reserves of all VPs fit the processors, if the partition had this one and more VPs? */
bool partition_reserves_fit(const struct partition *changed, uint64_t reserve, unsigned int more_vps);
/* Brings what its statistics page says of memory and VPs up to date. */
void partition_count(struct partition *partition);

/* Counts what the hypervisor holds. */
void partition_census(struct pvn_get_census_out *out);

/* For the debugger, while all else stands still, without a lock: the first from this id on, or NULL. */
struct partition *partition_peek(uint64_t id);

/* The VP with that index; NULL: there is none, or none any more. */
static inline struct vp *partition_vp(const struct partition *partition, uint32_t index)
{
	struct vp *vp = NULL;

	if (index < VPS_PER_PARTITION_MAX)
		vp = __atomic_load_n(&partition->vps[index], __ATOMIC_ACQUIRE);
	return vp && vp_is_dying(vp) ? NULL : vp;
}

/*
 * Each VP of the partition, the deleted ones too: their memory waits for the partition's
 * end. The body has no break.
 */
#define for_each_vp(each, of)								\
	for (unsigned int each##_i = 0; each##_i < VPS_PER_PARTITION_MAX; each##_i++)	\
		for (struct vp *each = __atomic_load_n(&(of)->vps[each##_i], __ATOMIC_ACQUIRE); \
		     each; each = NULL)
