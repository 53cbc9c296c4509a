// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Nodes of the store as files: a node with children is a directory, another one
 * a file (fs.c remembers what was a directory before). When the daemon was replaced by a new one,
 * the next request connects again.
 */
#include "pvnfs/pvnfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pvn_store *store;

static struct pvn_store *connection(void)
{
	if (!store)
		store = pvn_store_open(pvnfs_options.socket);
	if (!store)
		errno = EIO;
	return store;
}

/* After a failed request: true when it is worth another try, on a new connection. */
static bool connection_failed(void)
{
	if (!store || errno != ENOTCONN)
		return false;
	pvn_store_close(store);
	store = NULL;
	return connection();
}

/* A name that no node can have: nothing is there. */
static int not_there(int error)
{
	return error == EINVAL ? -ENOENT : -error;
}

int node_read(const char *node, char **data, size_t *len)
{
	do {
		*data = connection() ? pvn_store_read(store, 0, node, len) : NULL;
	} while (!*data && connection_failed());
	return *data ? 0 : not_there(errno);
}

int node_write(const char *node, const char *data, size_t len)
{
	int error;

	do {
		error = connection() ? pvn_store_write(store, 0, node, data, len) : -1;
	} while (error && connection_failed());
	return error ? -errno : 0;
}

static char **node_names(const char *node, unsigned int *count)
{
	char **names;

	do {
		names = connection() ? pvn_store_directory(store, 0, node, count) : NULL;
	} while (!names && connection_failed());
	return names;
}

int node_getattr(const char *node, struct stat *st)
{
	unsigned int count;
	char **names = node_names(node, &count), *data;
	size_t len;
	int error;

	if (!names)
		return not_there(errno);
	free(names);
	error = node_read(node, &data, &len);
	if (error)
		return error;
	free(data);
	if (count || !strcmp(node, "/")) {
		st->st_mode = S_IFDIR | 0700;
		st->st_nlink = 2;
	} else {
		st->st_mode = S_IFREG | 0600;
		st->st_nlink = 1;
		st->st_size = len;
	}
	return 0;
}

int node_list(const char *node, void *buffer, fuse_fill_dir_t fill)
{
	unsigned int count;
	char **names = node_names(node, &count), *data;
	size_t len;

	if (!names)
		return not_there(errno);
	for (unsigned int i = 0; i < count; i++)
		fill(buffer, names[i], NULL, 0, 0);
	free(names);
	if (!node_read(node, &data, &len)) {
		if (len)
			fill(buffer, NAME_VALUE, NULL, 0, 0);
		free(data);
	}
	return 0;
}

int node_make(const char *node)
{
	int found, error;

	do {
		found = connection() ? pvn_store_exists(store, 0, node) : -1;
	} while (found < 0 && connection_failed());
	if (found)
		return found > 0 ? -EEXIST : -errno;
	do {
		error = connection() ? pvn_store_mkdir(store, 0, node) : -1;
	} while (error && connection_failed());
	return error ? -errno : 0;
}

int node_remove(const char *node, bool with_children)
{
	unsigned int count;
	char **names = node_names(node, &count);
	int error;

	if (!names)
		return not_there(errno);
	free(names);
	if (count && !with_children)
		return -ENOTEMPTY;
	do {
		error = connection() ? pvn_store_rm(store, 0, node) : -1;
	} while (error && connection_failed());
	return error ? -errno : 0;
}

int node_get_perms(const char *node, char *text, size_t size)
{
	struct pvn_store_perm *perms;
	unsigned int count;
	size_t len = 0;

	do {
		perms = connection() ? pvn_store_get_perms(store, 0, node, &count) : NULL;
	} while (!perms && connection_failed());
	if (!perms)
		return not_there(errno);
	for (unsigned int i = 0; i < count && len < size; i++)
		len += snprintf(text + len, size - len, "%s%c%u", i ? " " : "", perms[i].access,
				perms[i].domid);
	free(perms);
	return len < size ? (int)len : -ERANGE;
}

int node_set_perms(const char *node, const char *text)
{
	int error;

	do {
		error = connection() ? pvn_store_set_perms_text(store, 0, node, text) : -1;
	} while (error && connection_failed());
	return error ? -errno : 0;
}
