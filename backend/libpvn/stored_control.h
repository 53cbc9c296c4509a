/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * How the toolstack tells pvn-stored about guests: one request and one reply,
 * each a single message on <rundir>/store/control, a SOCK_SEQPACKET socket that
 * only uid 0 may use. Several requests may follow one another on a connection;
 * closing it changes nothing, an introduced guest stays until it is released.
 *
 * PVN_STORED_INTRODUCE carries three descriptors by SCM_RIGHTS, in this order:
 *
 *	[0] memfd of exactly 4096 bytes, sealed with F_SEAL_SHRINK at least: the
 *	    guest's store page (struct pvn_store_page in <pvn/abi/store.h>)
 *	[1] eventfd, becomes readable when the guest rang its doorbell
 *	[2] eventfd, the daemon writes 1 to it to ring the guest
 *
 * Introducing a guest again replaces its three descriptors and resets the
 * connection (rings emptied, watches and transactions dropped, nodes kept).
 *
 * PVN_STORED_RELEASE carries none: connection, watches, transactions and the
 * nodes that the guest owns are gone when the reply arrives, its entries are
 * purged from every permission list, and @releaseDomain has fired.
 *
 * Errors in the reply: -EINVAL malformed request, wrong descriptors, domid out
 * of range; -EPERM the memfd could be shrunk; -ENOENT release of an unknown
 * guest; -ENOMEM.
 */
#ifndef PVN_STORED_CONTROL_H
#define PVN_STORED_CONTROL_H

#include <stdint.h>

#define PVN_STORED_MAGIC 0x50564e53u	/* 'PVNS' */

enum pvn_stored_op {
	PVN_STORED_INTRODUCE = 1,
	PVN_STORED_RELEASE = 2,
};

enum { PVN_STORED_FD_COUNT = 3 };

struct pvn_stored_request {
	uint32_t magic;
	uint32_t op;		/* enum pvn_stored_op */
	uint32_t domid;		/* 1 to 0x7fef */
	uint32_t target_or_zero; /* guest on whose behalf this one acts (a device model), or 0 */
};

struct pvn_stored_reply {
	uint32_t magic;
	int32_t error;		/* 0 or -errno */
};

_Static_assert(sizeof(struct pvn_stored_request) == 16, "control request layout");
_Static_assert(sizeof(struct pvn_stored_reply) == 8, "control reply layout");

#endif
