/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Wire format of the store. It is the xenstore protocol, byte for byte, so that
 * existing clients work: a stream of messages, each a 16-byte header and 0 to
 * 4096 bytes of payload, on a local socket or through a guest's shared page.
 * Freestanding; meaning and errors of the messages are in docs/store.md.
 */
#ifndef PVN_ABI_STORE_H
#define PVN_ABI_STORE_H

#include "pvn/abi/types.h"

enum pvn_store_type {
	PVN_STORE_CONTROL = 0,
	PVN_STORE_DIRECTORY = 1,
	PVN_STORE_READ = 2,
	PVN_STORE_GET_PERMS = 3,
	PVN_STORE_WATCH = 4,
	PVN_STORE_UNWATCH = 5,
	PVN_STORE_TRANSACTION_START = 6,
	PVN_STORE_TRANSACTION_END = 7,
	PVN_STORE_INTRODUCE = 8,
	PVN_STORE_RELEASE = 9,
	PVN_STORE_GET_DOMAIN_PATH = 10,
	PVN_STORE_WRITE = 11,
	PVN_STORE_MKDIR = 12,
	PVN_STORE_RM = 13,
	PVN_STORE_SET_PERMS = 14,
	PVN_STORE_WATCH_EVENT = 15,	/* from the server only, req_id = tx_id = 0 */
	PVN_STORE_ERROR = 16,		/* from the server only, payload: errno name + NUL */
	PVN_STORE_IS_DOMAIN_INTRODUCED = 17,
	PVN_STORE_RESUME = 18,
	PVN_STORE_SET_TARGET = 19,
	PVN_STORE_RESTRICT = 20,	/* withdrawn, always ENOSYS */
	PVN_STORE_RESET_WATCHES = 21,
	PVN_STORE_DIRECTORY_PART = 22,
	PVN_STORE_GET_FEATURE = 23,
	PVN_STORE_SET_FEATURE = 24,
	PVN_STORE_GET_QUOTA = 25,
	PVN_STORE_SET_QUOTA = 26,
	PVN_STORE_TYPE_COUNT = 27,
	PVN_STORE_INVALID = 0xffff,	/* will never be a message */
};

/* Native byte order, which is little-endian here. */
struct pvn_store_header {
	pvn_u32 type;			/* enum pvn_store_type */
	pvn_u32 req_id;		/* chosen by the client, echoed */
	pvn_u32 tx_id;			/* 0: no transaction */
	pvn_u32 len;			/* payload bytes that follow */
};

#define PVN_STORE_PAYLOAD_MAX 4096u
#define PVN_STORE_ABS_PATH_MAX 3072u	/* with the NUL */
#define PVN_STORE_REL_PATH_MAX 2048u	/* what follows /local/domain/<domid>/ */
#define PVN_STORE_RING_BYTES 1024u

/*
 * The shared page. Indices run freely; position = index % 1024; what is
 * in flight is producer - consumer, never more than 1024. Start values are
 * arbitrary. After moving an index, ring the other end.
 */
struct pvn_store_page {
	pvn_u8 req[PVN_STORE_RING_BYTES];	/* guest to server */
	pvn_u8 rsp[PVN_STORE_RING_BYTES];	/* server to guest */
	pvn_u32 req_cons;			/* written by the server */
	pvn_u32 req_prod;			/* written by the guest */
	pvn_u32 rsp_cons;			/* written by the guest */
	pvn_u32 rsp_prod;			/* written by the server */
	pvn_u32 server_features;		/* PVN_STORE_FEATURE_*; bits are never cleared */
	pvn_u32 connection;			/* enum pvn_store_connection */
	pvn_u32 error;				/* enum pvn_store_ring_error, by the server */
	pvn_u32 evtchn_port;			/* unused here, 0 */
};

enum pvn_store_feature {
	PVN_STORE_FEATURE_RECONNECTION = 1,
	PVN_STORE_FEATURE_ERROR = 2,
	PVN_STORE_FEATURE_WATCH_DEPTH = 4,
	PVN_STORE_FEATURE_DOMID_ANY = 8,
};

/* The guest writes 1 and rings, then touches nothing until it reads 0 again. */
enum pvn_store_connection {
	PVN_STORE_CONNECTED = 0,
	PVN_STORE_RECONNECT = 1,
};

/* Why the server gave this page up. */
enum pvn_store_ring_error {
	PVN_STORE_RING_OK = 0,
	PVN_STORE_RING_COMMUNICATION = 1,
	PVN_STORE_RING_INDEX = 2,
	PVN_STORE_RING_PROTOCOL = 3,
};

/* What an error reply may hold: X(name) for each, by its name in <errno.h>. */
#define PVN_STORE_ERRORS(X) \
	X(EINVAL) X(EACCES) X(EEXIST) X(EISDIR) X(ENOENT) X(ENOMEM) X(ENOSPC) X(EIO) \
	X(ENOTEMPTY) X(ENOSYS) X(EROFS) X(EBUSY) X(EAGAIN) X(EISCONN) X(E2BIG) X(EPERM)

#define PVN_STORE_DOMID_FIRST_RESERVED 0x7ff0u
#define PVN_STORE_DOMID_ANY 0x7ff5u	/* in a permission list: every domain */

_Static_assert(sizeof(struct pvn_store_header) == 16, "store header layout");
_Static_assert(sizeof(struct pvn_store_page) == 2080, "store page layout");
_Static_assert(offsetof(struct pvn_store_page, req_cons) == 2048, "store page layout");
_Static_assert(offsetof(struct pvn_store_page, server_features) == 2064, "store page layout");
_Static_assert(offsetof(struct pvn_store_page, evtchn_port) == 2076, "store page layout");

#endif
