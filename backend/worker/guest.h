/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * One run of a guest, from the hypervisor's side: partition, memory with a kernel
 * in it, virtual processors, channels. All of it ends with the process.
 */
#ifndef WORKER_GUEST_H
#define WORKER_GUEST_H

#include "worker/admission.h"
#include "worker/config.h"

/* Both directions of a channel. */
struct doorbell {
	uint32_t channel;
	uint32_t target_vp;
	int in_fd, out_fd;	/* eventfds */
};

struct guest {
	const struct config *config;
	const struct admission *admission;
	const char *uuid;	/* text */
	int partition;
	uint64_t partition_id;
	int vp[CONFIG_VPS_MAX];
	int memory_fd;		/* memfd: RAM below 4 GiB, then RAM above */
	uint8_t *memory;	/* all of it */
	int store_fd;		/* memfd: page of the store */
	struct doorbell store;
	int serial_fd[2];	/* of an emulated serial port: its line, and who is at the other end */
	int net_fd[CONFIG_NETS_MAX][2];	/* of emulated cards in user networks: a packet is a frame */
	uint32_t next_channel;
};

/* Makes everything but the start; 0, or -1 with *problem filled. */
int guest_create(struct guest *guest, const struct config *config,
		 const struct admission *admission, const char *uuid,
		 struct pvn_problem *problem);
/* The next free channel number, to a virtual processor. */
int guest_add_channel(struct guest *guest, struct doorbell *doorbell, uint32_t target_vp,
		      struct pvn_problem *problem);
int guest_start(struct guest *guest, struct pvn_problem *problem);
/* Stops all virtual processors. */
void guest_stop(struct guest *guest);
/* `bytes` of guest memory at gpa, or NULL: not all of them are RAM. */
void *guest_memory_at(const struct guest *guest, uint64_t gpa, uint64_t bytes);

#endif
