/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * /dev/paravane: how programs of the root partition make and run guests.
 * Meaning, order and errors of the requests are in docs/root-device.md.
 *
 * Every object is a file descriptor and lives no longer than it:
 *
 *	/dev/paravane --CREATE_PARTITION--> partition
 *	partition --CREATE_VP--> virtual processor
 *	          --MAP--> memory			(no requests of its own)
 *	          --CREATE_CHANNEL--> channel		(no requests of its own)
 *
 * Closing a partition's descriptor ends the partition with all that is in it;
 * descriptors of its other objects are then dead: requests give ENODEV.
 * Requests that make an object return its descriptor (close-on-exec) or -1.
 * Reserved ("mbz") fields must be 0.
 */
#ifndef PVN_ABI_ROOT_DEV_H
#define PVN_ABI_ROOT_DEV_H

#include <linux/ioctl.h>

#include <pvn/abi/event.h>
#include <pvn/abi/hypercall.h>

#define PVN_ROOT_DEVICE "/dev/paravane"

/* --- /dev/paravane --- */

struct pvn_root_info {
	pvn_u32 abi;		/* major << 16 | minor, of the hypervisor */
	pvn_u32 features;	/* PVN_OWN_FEATURE_* */
	pvn_u64 partition_id;	/* of the root */
	pvn_u32 vps_max;	/* virtual processors of a partition */
	pvn_u32 channels_max;	/* of all partitions together */
};

/* What lives behind this device; all zero when nobody uses it. */
struct pvn_root_objects {
	pvn_u64 partitions;
	pvn_u64 vps;
	pvn_u64 memories;
	pvn_u64 channels;
	pvn_u64 pinned_pages;	/* 4 KiB pages mapped into guests */
	pvn_u64 deposited_pages; /* pages given to the hypervisor for its bookkeeping */
};

struct pvn_root_create_partition {
	pvn_u64 mbz_flags;
	pvn_u64 id;		/* out */
};

/* Reads a statistics page [pvn/abi/stats.h] into PVN_PAGE_SIZE bytes at address. */
struct pvn_root_stats {
	pvn_u32 type;		/* PVN_STATS_TYPE_* */
	pvn_u32 index;		/* of a VP */
	pvn_u64 object_id;	/* partition, or number of the logical processor */
	pvn_u64 address;
};

/*
 * A simple call in memory form, for those calls that concern no object behind this
 * device; EPERM: not one of them. The request succeeds when the call was made: status
 * says what the hypervisor made of it.
 */
struct pvn_root_call {
	pvn_u16 code;		/* PVN_CALL_* */
	pvn_u16 mbz;
	pvn_u32 status;		/* out: PVN_STATUS_* */
	pvn_u32 in_bytes, out_bytes;	/* up to PVN_ROOT_CALL_BYTES */
	pvn_u64 in_address, out_address;
};

#define PVN_ROOT_CALL_BYTES 256

/*
 * Copies the buffers of system events [pvn/abi/eventlog.h], a page each, oldest first, as
 * many as fit; returns how many bytes.
 */
struct pvn_root_log {
	pvn_u64 address;
	pvn_u32 bytes;
	pvn_u32 mbz;
};

/*
 * Every call and exit from now on, in this many buffers: a descriptor whose read() takes a
 * buffer of PVN_PAGE_SIZE away, and waits for one, or gives EAGAIN. EBUSY: somebody has it.
 */
struct pvn_root_trace {
	pvn_u32 buffers;	/* 1 to PVN_EVENTLOG_BUFFERS_MAX */
	pvn_u32 mbz;
};

#define PVN_ROOT_MAGIC 0xB6
#define PVN_ROOT_INFO		_IOR(PVN_ROOT_MAGIC, 0x00, struct pvn_root_info)
#define PVN_ROOT_CENSUS		_IOR(PVN_ROOT_MAGIC, 0x01, struct pvn_get_census_out)
#define PVN_ROOT_OBJECTS	_IOR(PVN_ROOT_MAGIC, 0x02, struct pvn_root_objects)
#define PVN_ROOT_CREATE_PARTITION _IOWR(PVN_ROOT_MAGIC, 0x03, struct pvn_root_create_partition)
#define PVN_ROOT_STATS		_IOW(PVN_ROOT_MAGIC, 0x04, struct pvn_root_stats)
#define PVN_ROOT_CALL		_IOWR(PVN_ROOT_MAGIC, 0x05, struct pvn_root_call)
#define PVN_ROOT_LOG		_IOW(PVN_ROOT_MAGIC, 0x06, struct pvn_root_log)
#define PVN_ROOT_TRACE		_IOW(PVN_ROOT_MAGIC, 0x07, struct pvn_root_trace)

/* --- partition --- */

struct pvn_root_property {
	pvn_u32 property;	/* PVN_PROPERTY_* */
	pvn_u32 mbz;
	pvn_u64 value;
};

struct pvn_root_create_vp {
	pvn_u32 index;
	pvn_u32 mbz;
};

/*
 * Maps this process's memory at user_address into the guest; pages stay pinned
 * until the memory's descriptor is closed. All three numbers are multiples of 4 KiB.
 */
struct pvn_root_map {
	pvn_u64 gpa;
	pvn_u64 user_address;
	pvn_u64 bytes;
	pvn_u32 rights;		/* PVN_MAP_READ, _WRITE, _EXECUTE */
	pvn_u32 mbz;
};

/*
 * A channel is a doorbell in both directions under one number.
 *	guest to root: the guest signals connection `channel`, flag 0; in_fd counts.
 *	root to guest: a write to out_fd sets flag `channel` of the guest's
 *	PVN_SINT_EVENTS on VP target_vp.
 */
struct pvn_root_create_channel {
	pvn_u32 channel;	/* 1 to 2047 */
	pvn_u32 target_vp;	/* of the guest; it exists already */
	pvn_s32 in_fd;		/* eventfd, readable when the guest rang */
	pvn_s32 out_fd;		/* eventfd, written to ring the guest */
	pvn_u32 root_cpu;	/* which CPU of the root takes the doorbell, PVN_CPU_ANY */
	pvn_u32 mbz;
};

#define PVN_CPU_ANY 0xffffffffu

struct pvn_root_install_intercept {
	pvn_u32 type;		/* PVN_INTERCEPT_* */
	pvn_u32 access;		/* PVN_ACCESS_*; none removes */
	pvn_u64 parameter;	/* port, leaf, vector */
};

/* As the guest's I/O APIC would: assert_virtual_interrupt of hypercalls.def. */
struct pvn_root_interrupt {
	pvn_u32 type;		/* PVN_INTERRUPT_* */
	pvn_u32 flags;		/* PVN_INTERRUPT_LOGICAL */
	pvn_u32 destination;	/* an APIC id, or a set of them */
	pvn_u32 vector;
};

/*
 * A connection of the guest that leads back to itself, for test devices: what is posted
 * to it arrives in the SINT's slot, what is signalled sets the flag of its number.
 * At most one at a time has a number; they end with the partition.
 */
struct pvn_root_loop {
	pvn_u32 connection;	/* 1 to 2047 */
	pvn_u32 type;		/* PVN_PORT_MESSAGE, PVN_PORT_EVENT */
	pvn_u32 sint;		/* 1 to 15 */
	pvn_u32 vp;
};

#define PVN_PARTITION_GET_PROPERTY _IOWR(PVN_ROOT_MAGIC, 0x10, struct pvn_root_property)
#define PVN_PARTITION_SET_PROPERTY _IOW(PVN_ROOT_MAGIC, 0x11, struct pvn_root_property)
#define PVN_PARTITION_INITIALIZE _IO(PVN_ROOT_MAGIC, 0x12)
#define PVN_PARTITION_CREATE_VP _IOW(PVN_ROOT_MAGIC, 0x13, struct pvn_root_create_vp)
#define PVN_PARTITION_MAP	_IOW(PVN_ROOT_MAGIC, 0x14, struct pvn_root_map)
#define PVN_PARTITION_CREATE_CHANNEL _IOW(PVN_ROOT_MAGIC, 0x15, struct pvn_root_create_channel)
#define PVN_PARTITION_INSTALL_INTERCEPT \
	_IOW(PVN_ROOT_MAGIC, 0x16, struct pvn_root_install_intercept)
#define PVN_PARTITION_INTERRUPT	_IOW(PVN_ROOT_MAGIC, 0x17, struct pvn_root_interrupt)
#define PVN_PARTITION_CREATE_LOOP _IOW(PVN_ROOT_MAGIC, 0x18, struct pvn_root_loop)
#define PVN_PARTITION_DELETE_LOOP _IOW(PVN_ROOT_MAGIC, 0x19, struct pvn_root_loop)

/* --- virtual processor --- */

/*
 * read() of exactly sizeof(struct pvn_message) takes the intercept message that
 * the VP waits with; it blocks, or gives EAGAIN under O_NONBLOCK. poll() says
 * POLLIN while there is one and POLLHUP when the partition is gone. The VP stays
 * stopped until PVN_VP_RESUME.
 */
struct pvn_root_register {
	pvn_u32 name;		/* PVN_REG_* */
	pvn_u32 mbz;
	pvn_u64 low, high;
};

#define PVN_ROOT_REGISTERS_MAX 120

struct pvn_root_registers {
	pvn_u32 count;		/* up to PVN_ROOT_REGISTERS_MAX */
	pvn_u32 mbz;
	pvn_u64 address;	/* of struct pvn_root_register[count] */
};

#define PVN_VP_GET_REGISTERS	_IOW(PVN_ROOT_MAGIC, 0x20, struct pvn_root_registers)
#define PVN_VP_SET_REGISTERS	_IOW(PVN_ROOT_MAGIC, 0x21, struct pvn_root_registers)
#define PVN_VP_START		_IO(PVN_ROOT_MAGIC, 0x22)	/* clears ExplicitSuspend */
#define PVN_VP_SUSPEND		_IO(PVN_ROOT_MAGIC, 0x23)	/* sets it, and waits */
#define PVN_VP_RESUME		_IO(PVN_ROOT_MAGIC, 0x24)	/* clears InterceptSuspend */

_Static_assert(sizeof(struct pvn_root_info) == 24, "root device layout");
_Static_assert(sizeof(struct pvn_root_objects) == 48, "root device layout");
_Static_assert(sizeof(struct pvn_root_stats) == 24, "root device layout");
_Static_assert(sizeof(struct pvn_root_call) == 32, "root device layout");
_Static_assert(sizeof(struct pvn_root_map) == 32, "root device layout");
_Static_assert(sizeof(struct pvn_root_create_channel) == 24, "root device layout");
_Static_assert(sizeof(struct pvn_root_interrupt) == 16, "root device layout");
_Static_assert(sizeof(struct pvn_root_loop) == 16, "root device layout");
_Static_assert(sizeof(struct pvn_root_register) == 24, "root device layout");

#endif
