/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * /dev/paravane from C: one function per request of <pvn/abi/root_dev.h>.
 * Functions that make an object return its descriptor; the others 0; all -1 +
 * errno when refused.
 */
#ifndef PVN_ROOT_DEV_WRAPPER_H
#define PVN_ROOT_DEV_WRAPPER_H

#include <stdint.h>

#include <pvn/abi/root_dev.h>

/* $PVN_DEVICE or /dev/paravane. */
int pvn_root_open(void);
int pvn_root_info(int root, struct pvn_root_info *info);
int pvn_root_census(int root, struct pvn_get_census_out *census);
int pvn_root_objects(int root, struct pvn_root_objects *objects);
/* Statistics page of an object; words[PVN_STATS_SLOTS]. */
int pvn_root_stats(int root, uint32_t type, uint64_t object_id, uint32_t index, uint64_t *words);
/* A call of struct pvn_root_call; returns the hypervisor's status. */
int pvn_root_call(int root, uint16_t code, const void *in, uint32_t in_bytes, void *out,
		  uint32_t out_bytes);
/* System events, as pages; how many bytes. */
long pvn_root_log(int root, void *to, uint32_t bytes);
/* The descriptor of a trace with this many buffers. */
int pvn_root_trace(int root, uint32_t buffers);
int pvn_root_create_partition(int root, uint64_t *id);

int pvn_partition_set_property(int partition, uint32_t property, uint64_t value);
int pvn_partition_initialize(int partition);
int pvn_partition_create_vp(int partition, uint32_t index);
int pvn_partition_map(int partition, uint64_t gpa, void *address, uint64_t bytes,
		      uint32_t rights);
int pvn_partition_create_channel(int partition, uint32_t channel, uint32_t target_vp, int in_fd,
				 int out_fd);
int pvn_partition_intercept_port(int partition, uint16_t port, uint32_t access);
int pvn_partition_intercept_msrs(int partition, uint32_t access);
int pvn_partition_create_loop(int partition, const struct pvn_root_loop *request);
int pvn_partition_delete_loop(int partition, uint32_t connection);
int pvn_partition_interrupt(int partition, const struct pvn_root_interrupt *request);

int pvn_vp_get_registers(int vp, struct pvn_root_register *registers, unsigned int count);
int pvn_vp_set_registers(int vp, const struct pvn_root_register *registers, unsigned int count);
int pvn_vp_start(int vp);
int pvn_vp_suspend(int vp);
int pvn_vp_resume(int vp);
/* 1: a message was there; 0: none (descriptor is non-blocking). */
int pvn_vp_read(int vp, struct pvn_message *message);

#endif
