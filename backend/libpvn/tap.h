/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A tap interface of the root partition: one end of a guest's wire. Opened by the
 * toolstack, which may; back-ends get the descriptors. While any descriptor is
 * open the interface exists and the wire is not cut, whoever reads or writes.
 *
 * A frame is one read or one write. With `offloads`, each frame has a struct
 * virtio_net_hdr of PVN_TAP_HEADER_BYTES in front of it (Linux,
 * Documentation/networking/tuntap.rst), and may be larger than the MTU.
 *
 * One thread at a time; no locks.
 */
#ifndef PVN_TAP_H
#define PVN_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "libpvn/problem.h"

enum {
	PVN_TAP_NAME_BYTES = 16,	/* with the NUL, as Linux has it */
	PVN_TAP_QUEUES_MAX = 64,
	PVN_TAP_HEADER_BYTES = 12,
};

struct pvn_tap {
	/* In: wanted name, may end in "%d"; empty: Linux chooses. Out: the name. */
	char name[PVN_TAP_NAME_BYTES];
	const char *bridge;		/* interface to put it into; NULL: none */
	unsigned int mtu;		/* 0: as it is */
	unsigned int queue_count;	/* descriptors wanted, 1 to PVN_TAP_QUEUES_MAX */
	bool offloads;			/* frames carry a header */
	int fd[PVN_TAP_QUEUES_MAX];	/* out: non-blocking, close-on-exec */
};

/* What may come out of the tap: frames larger than the MTU, checksums not filled in. */
struct pvn_tap_offloads {
	bool checksum;
	bool tso4, tso6;		/* both need checksum */
};

/*
 * Loads the kernel's driver if it was never asked for: where nothing fills /dev, the device
 * is there only after that. Before rights are dropped; pvn_tap_open() says if it failed.
 */
void pvn_tap_load_driver(void);

/*
 * Makes the interface, or attaches to one of that name which nobody uses; sets
 * it up, with the bridge and the MTU. Needs CAP_NET_ADMIN. 0, or -1 with
 * *problem filled and nothing open.
 */
int pvn_tap_open(struct pvn_tap *tap, struct pvn_problem *problem);

/* Closes all descriptors; an interface that was made here is gone. */
void pvn_tap_close(struct pvn_tap *tap);

/* Applies to the whole interface. 0 or -1 + errno; EBADFD: it is gone. */
int pvn_tap_set_offloads(int fd, const struct pvn_tap_offloads *offloads);

/* Takes one queue of several out of use, or into it again, which all are at first. */
void pvn_tap_use_queue(int fd, bool use);

/* False: the interface was removed under the descriptor. */
bool pvn_tap_is_there(int fd);

/* An interface of this name exists in the root. */
bool pvn_interface_exists(const char *name);

/* What Linux takes as an interface's name. */
bool pvn_interface_name_is_good(const char *name);

#endif
