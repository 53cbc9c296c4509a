/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Client of the store (pvn-stored) for programs of the root partition.
 *
 * Requests block until the daemon has answered (each is one round trip on a
 * local socket). Watch events arrive on the same descriptor and are queued:
 *
 *	pvn_store_watch(store, "/local/domain/3/device", "devices");
 *	...poll pvn_store_fd(store) for POLLIN, then:
 *	while ((got = pvn_store_next_event(store, &path, &token)) == 1) {
 *		...
 *		free(path);
 *		free(token);
 *	}
 *	if (got < 0)
 *		the connection is gone: close, open again, watch again;
 *
 * A request may pull events off the descriptor while it waits for its answer.
 * They are queued, and the descriptor may then be idle: in an event loop call
 * pvn_store_next_event() until it returns 0 before going back to sleep, also
 * after making requests (pvn_store_events_pending() tells without a call).
 *
 * Unless a function says otherwise it returns 0, or -1 with errno set. errno is
 * the daemon's error (ENOENT, EACCES, EINVAL, EEXIST, ENOSPC, E2BIG, EAGAIN, ...)
 * or, when the connection is lost, ENOTCONN: every later call then fails so too.
 *
 * A path is absolute ("/local/domain/1/name"), or relative to the caller's home
 * (/local/domain/0 on the local socket). `tx` is 0 or a transaction's id.
 * A handle belongs to one thread at a time; it has no locks.
 */
#ifndef PVN_STORE_CLIENT_H
#define PVN_STORE_CLIENT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Run directory where neither a path nor $PVN_RUNDIR is given. */
#define PVN_STORE_DEFAULT_RUNDIR "/run/paravane"

struct pvn_store;

/* One entry of a node's permission list. Entry 0: owner and everybody's default. */
struct pvn_store_perm {
	char access;		/* 'n' none, 'r' read, 'w' write, 'b' both */
	unsigned int domid;
};

/*
 * Connects to the socket at `path`; NULL means $PVN_RUNDIR/store/socket, or
 * /run/paravane/store/socket without that variable. NULL + errno when refused.
 * The descriptor is close-on-exec.
 */
struct pvn_store *pvn_store_open(const char *path);

/* Closes and frees; the daemon drops the handle's watches and transactions. NULL is allowed. */
void pvn_store_close(struct pvn_store *store);

/* Readable when an event (or the end of the connection) may be waiting. Poll only; never read. */
int pvn_store_fd(const struct pvn_store *store);

/* Path of the daemon's socket, for another connection to it. Lives as long as the handle. */
const char *pvn_store_path(const struct pvn_store *store);

/*
 * The value of a node: malloc'ed, always followed by a NUL that `len` (may be
 * NULL) does not count. NULL + errno when refused; ENOENT when there is no node.
 */
char *pvn_store_read(struct pvn_store *store, uint32_t tx, const char *path, size_t *len);

/* As pvn_store_read(), for a value that is text, at a path built as by printf. */
char *pvn_store_readf(struct pvn_store *store, uint32_t tx, const char *path_format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Reads a node that holds one number, decimal or 0x-hexadecimal, and nothing
 * else. EINVAL when it holds something else, ERANGE when it does not fit.
 */
int pvn_store_read_u64(struct pvn_store *store, uint32_t tx, const char *path, uint64_t *value);

/* Creates or replaces a node's value; missing parents are created empty. */
int pvn_store_write(struct pvn_store *store, uint32_t tx, const char *path, const void *data,
		    size_t len);

/* Writes the string `value` (without its NUL) at a path built as by printf. */
int pvn_store_writef(struct pvn_store *store, uint32_t tx, const char *value,
		     const char *path_format, ...) __attribute__((format(printf, 4, 5)));

/* Writes a value built as by printf. */
int pvn_store_printf(struct pvn_store *store, uint32_t tx, const char *path,
		     const char *value_format, ...) __attribute__((format(printf, 4, 5)));

/* Makes sure that a node exists; an existing one keeps its value and fires no watch. */
int pvn_store_mkdir(struct pvn_store *store, uint32_t tx, const char *path);

/* Removes a node and everything below it. Succeeds when it is absent but its parent exists. */
int pvn_store_rm(struct pvn_store *store, uint32_t tx, const char *path);

/*
 * Names of a node's children. One malloc'ed block, pointers first and strings
 * after them, closed by a NULL pointer: free() it once. `*count` (may be NULL)
 * gets their number. Any number of children (lists longer than one message are
 * fetched in parts). NULL + errno when refused.
 */
char **pvn_store_directory(struct pvn_store *store, uint32_t tx, const char *path,
			   unsigned int *count);

/* 1 the node exists, 0 it does not, -1 + errno. */
int pvn_store_exists(struct pvn_store *store, uint32_t tx, const char *path);

/* Replaces the permission list. `perms[0]` names the owner and the default. */
int pvn_store_set_perms(struct pvn_store *store, uint32_t tx, const char *path,
			const struct pvn_store_perm *perms, unsigned int count);

/* The same from text, entries separated by blanks: "n0 r1 b5". EINVAL for anything else. */
int pvn_store_set_perms_text(struct pvn_store *store, uint32_t tx, const char *path,
			     const char *text);

/* The permission list, malloc'ed; NULL + errno when refused. */
struct pvn_store_perm *pvn_store_get_perms(struct pvn_store *store, uint32_t tx,
					   const char *path, unsigned int *count);

/* Starts a transaction; its id, never 0, goes to `*tx`. */
int pvn_store_transaction_start(struct pvn_store *store, uint32_t *tx);

/*
 * Ends a transaction: commits, or throws its changes away. -1 + EAGAIN on
 * commit: somebody else changed what was read; start over. The id is gone
 * whatever is returned.
 */
int pvn_store_transaction_end(struct pvn_store *store, uint32_t tx, bool commit);

/*
 * Watches a node and everything below it; it need not exist. The first event
 * comes at once. `token` returns with every event. Also "@introduceDomain" and
 * "@releaseDomain". EEXIST when the same pair is watched already.
 */
int pvn_store_watch(struct pvn_store *store, const char *path, const char *token);

/*
 * Ends a watch; ENOENT when there is none of that pair. Events of it that were
 * queued already are thrown away.
 */
int pvn_store_unwatch(struct pvn_store *store, const char *path, const char *token);

/*
 * The next event, without blocking. 1: `*path` (what changed) and `*token` (of
 * the watch) are malloc'ed and now the caller's; 0: none pending; -1 + errno:
 * the connection is lost.
 */
int pvn_store_next_event(struct pvn_store *store, char **path, char **token);

/* True while events are queued in this handle already, whatever the descriptor says. */
bool pvn_store_events_pending(const struct pvn_store *store);

/*
 * Waits until the value at `path` is `value` (1), or `timeout_ms` has passed
 * (0), or an error (-1 + errno). Uses a connection of its own, so that it does
 * not disturb the handle's events.
 */
int pvn_store_wait_value(struct pvn_store *store, const char *path, const char *value,
			 int timeout_ms);

/*
 * Any request of the protocol, for those that have no function of their own: the
 * payload is sent as it is and the reply's payload returned, malloc'ed and
 * followed by an uncounted NUL. `type` is an enum pvn_store_type.
 */
char *pvn_store_request(struct pvn_store *store, uint32_t type, uint32_t tx,
			const void *payload, size_t payload_len, size_t *reply_len);

#endif
