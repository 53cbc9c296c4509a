/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The store, and what is known of hypervisor and guests, as files. main.c mounts;
 * fs.c is what libfuse calls and decides which part a path belongs to;
 * nodes.c does the store's requests, watches.c its events, facts.c the rest.
 *
 * Functions return 0 or a negative errno, as libfuse wants it. Requests are made
 * by one thread; events have another (watches.c), and a lock.
 */
#ifndef PVNFS_H
#define PVNFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "libpvn/store_client.h"
#include "pvn/abi/store.h"

#define FUSE_USE_VERSION 312
#include <fuse.h>

/* Of files that belong to a directory's node itself; no node can have such names. */
#define NAME_VALUE ".value"
#define NAME_WATCH ".watch"

struct pvnfs_options {
	const char *socket;	/* NULL: the default one */
	int raw;		/* a newline at the end of what is written is kept */
};

extern struct pvnfs_options pvnfs_options;

enum file_kind { FILE_VALUE, FILE_WATCH, FILE_FACT, FILE_FOLDER };

/* An open file. */
struct file {
	enum file_kind kind;
	TAILQ_ENTRY(file) open_link;	/* of all that are open */
	char *node;			/* path in the store */
	bool is_node;			/* opened as the node, not as a file in its folder */
	char *data;			/* value as last read, or being written; fact; events */
	size_t len;
	bool dirty;

	/* Under the lock of watches.c. */
	TAILQ_ENTRY(file) link;
	bool watched, initial_due;	/* the event that every watch begins with */
	bool changed;
	unsigned int token;
	struct fuse_pollhandle *waiting;
};

struct file *file_new(enum file_kind kind, const char *node);
void file_free(struct file *file);
int file_set_data(struct file *file, const char *data, size_t len);

/* nodes.c. `node` is a path in the store: "/" or "/a/b". */
int node_getattr(const char *node, struct stat *st);
int node_list(const char *node, void *buffer, fuse_fill_dir_t fill);
int node_read(const char *node, char **data, size_t *len);
int node_write(const char *node, const char *data, size_t len);
int node_make(const char *node);			/* EEXIST if it is there */
int node_remove(const char *node, bool with_children);	/* ENOTEMPTY */
int node_get_perms(const char *node, char *text, size_t size);	/* length */
int node_set_perms(const char *node, const char *text);

/* watches.c */
int watches_start(void);
int watches_add(struct file *file);
void watches_remove(struct file *file);
/* POLL* that are true of a file now; who waits is told when that changes. */
unsigned int watches_poll(struct file *file, struct fuse_pollhandle *waiting);
void watches_seen(struct file *file);		/* what was changed has been read */
int watches_take(struct file *file, char *buffer, size_t size);	/* events, as lines */

/* facts.c: "/hypervisor/..." and "/guests/..." */
bool fact_is_path(const char *path);
int fact_getattr(const char *path, struct stat *st);
int fact_list(const char *path, void *buffer, fuse_fill_dir_t fill);
int fact_read(const char *path, char **data, size_t *len);

#endif
