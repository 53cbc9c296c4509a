/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Objects of pvn_root.ko. Each is held by its file descriptor and holds its
 * partition's structure by a reference; the partition itself, in the
 * hypervisor, ends when the partition's own descriptor is closed ("dead").
 *
 * (c) constant after creation  [p] partition->lock  [r] RCU  [v] vp->lock
 * Order: partition->lock, then vp->lock; the latter also from hard interrupts.
 */
#ifndef PVN_ROOT_OBJECTS_H
#define PVN_ROOT_OBJECTS_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include <pvn/abi/root_dev.h>

#include "pv-guest/pvn_core.h"

#define ROOT_VPS_MAX 64
#define ROOT_CHANNELS_MAX (PVN_EVENT_FLAGS_PER_SINT - 1)	/* flag 0 stays unused */

struct root_vp;

struct root_partition {
	struct kref references;
	struct rcu_head rcu;
	u64 id;				/* (c) */
	struct mutex lock;
	bool initialized;		/* [p] */
	bool dead;			/* [p] to set; never cleared; readers may look without */
	struct root_vp __rcu *vps[ROOT_VPS_MAX];	/* [p] to change, [r] to read */
	struct list_head channels;	/* [p] */
	struct xarray deposits;		/* [p] pages in the pool, by page frame number */
	struct list_head guards;	/* [p] pages in front of those, by their lru */
};

/* Counts for PVN_ROOT_OBJECTS. */
struct root_counts {
	atomic64_t partitions, vps, memories, channels, pinned_pages, deposited_pages;
};

extern struct root_counts root_counts;

/* --- partition.c --- */

/* A new partition and its descriptor, or -errno; the id goes to *id. */
int root_partition_create(u64 *id);
void root_partition_get(struct root_partition *partition);
void root_partition_put(struct root_partition *partition);
/* Hands an intercept message to the VP it is about. Hard interrupt context. */
void root_partition_message(void *context, const struct pvn_message *message);
/* No partition is left: waits for what RCU still holds. */
void root_partition_exit(void);

/* --- stats.c --- */

/* PVN_ROOT_STATS. Process context. */
long root_stats_read(const void __user *from);
/* The partition is gone from the hypervisor; 0: the module goes. Process context. */
void root_stats_forget(u64 partition_id);

/* --- eventlog.c --- */

/* Both groups; before messages are registered for, and after they are not. Process context. */
void root_eventlog_init(void);
void root_eventlog_exit(void);
/* PVN_MESSAGE_EVENT_LOG; hard interrupt context. */
void root_eventlog_message(const struct pvn_message *message);
/* PVN_ROOT_LOG and PVN_ROOT_TRACE. Process context. */
long root_eventlog_read(const void __user *from);
long root_eventlog_trace(const void __user *from);

/* --- pool.c --- */

/*
 * A call in memory form whose memory comes from the partition's pool: deposits
 * pages and repeats as long as the pool is short, goes on where a rep call
 * stopped. [p] held. 0 or -errno.
 */
int root_call(struct root_partition *partition, u64 control, const void *in, size_t in_bytes,
	      void *out, size_t out_bytes);
/*
 * A simple call whose memory comes from the root's own pool, which is the
 * hypervisor's: nothing is deposited there, ENOMEM is final. 0 or -errno.
 */
int root_call_own(u16 code, const void *in, size_t in_bytes);
/* Takes all free pages back from the pool and frees them. [p] held. */
void root_pool_withdraw(struct root_partition *partition);
/* Pages that the hypervisor did not give back are given up: whoever touched them would fault. */
void root_pool_destroy(struct root_partition *partition);

/* --- vp.c, memory.c, channel.c: the descriptor, or -errno; [p] held and not dead --- */

int root_vp_create(struct root_partition *partition, u32 index);
/* Keeps the message for read(); any context, under RCU. */
void root_vp_message(struct root_vp *vp, const struct pvn_message *message);
/* The partition is dead: wakes readers. [p] held. */
void root_vp_orphan(struct root_vp *vp);

int root_memory_create(struct root_partition *partition, const struct pvn_root_map *map);

int root_channel_create(struct root_partition *partition,
			const struct pvn_root_create_channel *request);
/* PVN_PARTITION_CREATE_LOOP and DELETE_LOOP. 0 or -errno; [p] held and not dead. */
long root_loop_create(struct root_partition *partition, const struct pvn_root_loop *request);
long root_loop_delete(struct root_partition *partition, const struct pvn_root_loop *request);
/* Ends ports and connections of all channels of a partition. [p] held. */
void root_channels_disconnect(struct root_partition *partition);

#endif
