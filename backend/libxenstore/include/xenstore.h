/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copyright (C) The Paravane developers
 *
 * Client of a xenstore daemon: the interface of libxenstore.so.4, for programs
 * that were written for it. New programs of the root partition find a smaller
 * one in libpvn/store_client.h.
 *
 * Unless said otherwise functions return NULL, 0 or false with errno set when
 * they fail; memory that they return is one block for free(). Paths are absolute,
 * or relative to the caller's home. `t` is XBT_NULL or an open transaction.
 * A handle may be used by several threads. After fork() only the parent may.
 */
#ifndef XENSTORE_H
#define XENSTORE_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore_lib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xs_handle;
typedef uint32_t xs_transaction_t;

#define XBT_NULL 0

/* Flags of xs_open(); the first two have no effect. */
#define XS_OPEN_READONLY	(1UL << 0)
#define XS_OPEN_SOCKETONLY	(1UL << 1)
/* After xs_unwatch(), no event of that token at or below that path is delivered. */
#define XS_UNWATCH_FILTER	(1UL << 2)

/* Connects to the daemon's socket, else to the guest's device. Close-on-exec. */
struct xs_handle *xs_open(unsigned long flags);
void xs_close(struct xs_handle *h);		/* NULL is allowed */

/* Old names of xs_open(0) and xs_close(). */
struct xs_handle *xs_daemon_open(void);
struct xs_handle *xs_domain_open(void);
struct xs_handle *xs_daemon_open_readonly(void);
void xs_daemon_close(struct xs_handle *h);

/* In a child after fork(): frees the handle and leaves the parent's connection alone. */
void xs_daemon_destroy_postfork(struct xs_handle *h);

/* Names of the children, one block: pointers, then strings. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
		    unsigned int *num);

/* The value with a NUL behind it that *len (may be NULL) does not count. */
void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len);
bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len);
bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path);

/* Removes the node and all below it; true also when it is missing but its parent is there. */
bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path);

/* Withdrawn from the protocol: always false. */
bool xs_restrict(struct xs_handle *h, unsigned int domid);

/* The first entry names the owner and what everybody may who is not listed. */
struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t,
					  const char *path, unsigned int *num);
bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
			struct xs_permissions *perms, unsigned int num_perms);

/* The first event of a watch comes at once. The first watch starts a thread that reads. */
bool xs_watch(struct xs_handle *h, const char *path, const char *token);
bool xs_watch_depth(struct xs_handle *h, const char *path, const char *token,
		    unsigned int depth);	/* false if the daemon knows no depth */
bool xs_watch_try_depth(struct xs_handle *h, const char *path, const char *token,
			unsigned int depth);	/* falls back to a plain watch */
bool xs_unwatch(struct xs_handle *h, const char *path, const char *token);

/* Readable while an event waits; only poll it. */
int xs_fileno(struct xs_handle *h);

/* The next event as a vector indexed by enum xs_watch_type. EAGAIN when there is none. */
char **xs_check_watch(struct xs_handle *h);
char **xs_read_watch(struct xs_handle *h, unsigned int *num);	/* waits for one */

xs_transaction_t xs_transaction_start(struct xs_handle *h);

/* False with EAGAIN: somebody changed what was read, start over. The id is gone in any case. */
bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort);

/* For the toolstack. */
bool xs_introduce_domain(struct xs_handle *h, unsigned int domid, unsigned long mfn,
			 unsigned int eventchn);
bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target);
bool xs_resume_domain(struct xs_handle *h, unsigned int domid);
bool xs_release_domain(struct xs_handle *h, unsigned int domid);
bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid);
char *xs_get_domain_path(struct xs_handle *h, unsigned int domid);

/* Port of a domain's suspend channel, read with a connection of its own; -1 if there is none. */
int xs_suspend_evtchn_port(int domid);

/* Is `child` equal to `parent` or below it? Compares text only. */
bool xs_path_is_subpath(const char *parent, const char *child);

/* `data` holds the command's arguments, each with its NUL. */
char *xs_control_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len);
char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len);

/* Features of the daemon, and those offered to one domain. */
bool xs_get_features_supported(struct xs_handle *h, unsigned int *features);
bool xs_get_features_domain(struct xs_handle *h, unsigned int domid, unsigned int *features);
bool xs_set_features_domain(struct xs_handle *h, unsigned int domid, unsigned int features);

/* Quotas, global and of one domain; 0 is no limit. */
const char **xs_get_quota_names(struct xs_handle *h, unsigned int *num);
bool xs_get_global_quota(struct xs_handle *h, const char *quota, unsigned int *val);
bool xs_set_global_quota(struct xs_handle *h, const char *quota, unsigned int val);
bool xs_get_domain_quota(struct xs_handle *h, unsigned int domid, const char *quota,
			 unsigned int *val);
bool xs_set_domain_quota(struct xs_handle *h, unsigned int domid, const char *quota,
			 unsigned int val);

#ifdef __cplusplus
}
#endif

#endif
