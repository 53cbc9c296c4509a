// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What libfuse calls. Values are written when the file is closed: one change of
 * the store, one event, and close() says if it was refused.
 */
#include "pvnfs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static TAILQ_HEAD(, file) open_files = TAILQ_HEAD_INITIALIZER(open_files);

static const char store_top[] = "/store";
static const char perms_name[] = "user.permissions";

struct file *file_new(enum file_kind kind, const char *node)
{
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->kind = kind;
	file->node = strdup(node);
	if (file->node)
		return file;
	free(file);
	return NULL;
}

void file_free(struct file *file)
{
	free(file->node);
	free(file->data);
	free(file);
}

/* Takes a length over; new bytes are zero. */
static int file_resize(struct file *file, size_t len)
{
	char *data = realloc(file->data, len ? len : 1);

	if (!data)
		return -ENOMEM;
	if (len > file->len)
		memset(data + file->len, 0, len - file->len);
	file->data = data;
	file->len = len;
	return 0;
}

/* The node that a path is about, "" if it is not below /store; *special gets ".value" etc. */
static int to_node(const char *path, char *node, size_t size, const char **special)
{
	size_t len = strlen(store_top);
	char *name;

	*special = NULL;
	if (strncmp(path, store_top, len) || (path[len] && path[len] != '/'))
		return -ENOENT;
	if (strlen(path + len) >= size)
		return -ENAMETOOLONG;
	strcpy(node, path[len] ? path + len : "/");
	name = strrchr(node, '/') + 1;
	if (!strcmp(name, NAME_VALUE) || !strcmp(name, NAME_WATCH)) {
		*special = name[1] == 'v' ? NAME_VALUE : NAME_WATCH;
		name[name - node > 1 ? -1 : 0] = '\0';
	}
	return 0;
}

/* As to_node(); facts about the hypervisor and guests are for reading. */
static int to_changeable(const char *path, char *node, size_t size, const char **special)
{
	return fact_is_path(path) ? -EACCES : to_node(path, node, size, special);
}

static struct file *file_of(const struct fuse_file_info *info)
{
	return info ? (struct file *)(uintptr_t)info->fh : NULL;
}

static int special_getattr(const char *node, const char *special, struct stat *st)
{
	size_t len = 0;
	char *data;
	int error = node_read(node, &data, &len);

	if (error)
		return error;
	free(data);
	st->st_mode = S_IFREG | (special[1] == 'v' ? 0600 : 0400);
	st->st_nlink = 1;
	st->st_size = special[1] == 'v' ? len : 0;
	return 0;
}

/*
 * A node that is open as a file stays one until it is closed, also while it has no
 * value, and one that is open as a directory stays that, also without children: the
 * kernel does not bear that one becomes the other in somebody's hands.
 */
static const struct file *find_open(const char *node)
{
	const struct file *file;

	TAILQ_FOREACH(file, &open_files, open_link)
		if (file->is_node && !strcmp(file->node, node))
			return file;
	return NULL;
}

/*
 * Nodes that were seen as directories stay directories when they lose their last
 * child, and those made by mkdir() are some from the beginning: nothing in the store
 * tells. Only so many are remembered: the oldest become files, if they have no children.
 */
enum { FOLDERS_MAX = 4096 };
static char *folders[FOLDERS_MAX];
static unsigned int next_folder;

static char **folder_find(const char *node)
{
	for (unsigned int i = 0; i < FOLDERS_MAX; i++)
		if (folders[i] && !strcmp(folders[i], node))
			return &folders[i];
	return NULL;
}

static void folder_remove(const char *node)
{
	char **found = folder_find(node);

	if (!found)
		return;
	free(*found);
	*found = NULL;
}

static void folder_add(const char *node)
{
	if (folder_find(node))
		return;
	free(folders[next_folder]);
	folders[next_folder] = strdup(node);
	next_folder = (next_folder + 1) % FOLDERS_MAX;
}

static void folder_getattr(struct stat *st)
{
	st->st_mode = S_IFDIR | 0700;
	st->st_nlink = 2;
	st->st_size = 0;
}

static void file_getattr(const struct file *file, struct stat *st)
{
	if (file->kind == FILE_FOLDER) {
		folder_getattr(st);
		return;
	}
	st->st_mode = S_IFREG | 0600;
	st->st_nlink = 1;
	st->st_size = file->kind == FILE_WATCH ? 0 : file->len;
}

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	const struct file *file = file_of(info);
	char node[PVN_STORE_PAYLOAD_MAX];
	const char *special;
	int error;

	memset(st, 0, sizeof(*st));
	st->st_uid = getuid();
	st->st_gid = getgid();
	if (file) {
		file_getattr(file, st);
		return 0;
	}
	if (!strcmp(path, "/")) {
		st->st_mode = S_IFDIR | 0500;
		st->st_nlink = 5;
		return 0;
	}
	if (fact_is_path(path))
		return fact_getattr(path, st);
	error = to_node(path, node, sizeof(node), &special);
	if (error || special)
		return error ? error : special_getattr(node, special, st);
	error = node_getattr(node, st);
	if (error) {
		folder_remove(node);
		return error;
	}
	file = find_open(node);
	if (file)
		file_getattr(file, st);
	else if (S_ISDIR(st->st_mode))
		folder_add(node);
	else if (folder_find(node))
		folder_getattr(st);
	return 0;
}

static int fs_opendir(const char *path, struct fuse_file_info *info)
{
	char node[PVN_STORE_PAYLOAD_MAX] = "";
	const char *special = NULL;
	bool is_node = !fact_is_path(path) && !to_node(path, node, sizeof(node), &special);
	struct file *file = file_new(FILE_FOLDER, node);

	if (!file)
		return -ENOMEM;
	file->is_node = is_node && !special;
	TAILQ_INSERT_TAIL(&open_files, file, open_link);
	info->fh = (uintptr_t)file;
	return 0;
}

static int fs_releasedir(const char *path, struct fuse_file_info *info)
{
	struct file *file = file_of(info);

	(void)path;
	TAILQ_REMOVE(&open_files, file, open_link);
	file_free(file);
	return 0;
}

static int fs_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
		      struct fuse_file_info *info, enum fuse_readdir_flags flags)
{
	char node[PVN_STORE_PAYLOAD_MAX];
	const char *special;
	int error;

	(void)offset;
	(void)info;
	(void)flags;
	fill(buffer, ".", NULL, 0, 0);
	fill(buffer, "..", NULL, 0, 0);
	if (!strcmp(path, "/")) {
		fill(buffer, "store", NULL, 0, 0);
		fill(buffer, "hypervisor", NULL, 0, 0);
		fill(buffer, "guests", NULL, 0, 0);
		return 0;
	}
	if (fact_is_path(path))
		return fact_list(path, buffer, fill);
	error = to_node(path, node, sizeof(node), &special);
	return error ? error : node_list(node, buffer, fill);
}

/* Watching begins with open(): what happens after that is not missed. */
static int file_fill(struct file *file, const char *path, int flags)
{
	if (file->kind == FILE_WATCH)
		return watches_add(file);
	if (file->kind == FILE_FACT)
		return fact_read(path, &file->data, &file->len);
	if (flags & O_TRUNC) {
		file->dirty = true;
		return 0;
	}
	return node_read(file->node, &file->data, &file->len);
}

static int open_file(enum file_kind kind, const char *node, const char *path, bool is_node,
		     struct fuse_file_info *info)
{
	struct file *file = file_new(kind, node);
	int error;

	if (!file)
		return -ENOMEM;
	error = file_fill(file, path, info->flags);
	if (error) {
		file_free(file);
		return error;
	}
	/* No page cache: every read() and write() comes here, lengths may change. */
	file->is_node = is_node;
	TAILQ_INSERT_TAIL(&open_files, file, open_link);
	info->direct_io = 1;
	info->fh = (uintptr_t)file;
	return 0;
}

static int fs_open(const char *path, struct fuse_file_info *info)
{
	bool writes = (info->flags & O_ACCMODE) != O_RDONLY;
	char node[PVN_STORE_PAYLOAD_MAX];
	const char *special;
	int error;

	if (fact_is_path(path))
		return writes ? -EACCES : open_file(FILE_FACT, "", path, false, info);
	error = to_node(path, node, sizeof(node), &special);
	if (error)
		return error;
	if (special && special[1] == 'w')
		return writes ? -EACCES : open_file(FILE_WATCH, node, path, false, info);
	return open_file(FILE_VALUE, node, path, !special, info);
}

static int fs_create(const char *path, mode_t mode, struct fuse_file_info *info)
{
	char node[PVN_STORE_PAYLOAD_MAX];
	const char *special;
	int error;

	(void)mode;
	error = to_changeable(path, node, sizeof(node), &special);
	if (!error && !special)
		error = node_make(node);
	if (error && error != -EEXIST)
		return error;
	info->flags |= O_TRUNC;
	return open_file(FILE_VALUE, node, path, !special, info);
}

/* From the beginning, a value is read anew: that is how one that was polled is looked at. */
static int value_refresh(struct file *file)
{
	size_t len;
	char *data;
	int error;

	if (file->dirty)
		return 0;
	watches_seen(file);
	error = node_read(file->node, &data, &len);
	if (error)
		return error;
	free(file->data);
	file->data = data;
	file->len = len;
	return 0;
}

static int fs_read(const char *path, char *buffer, size_t size, off_t offset,
		   struct fuse_file_info *info)
{
	struct file *file = file_of(info);
	int error;

	(void)path;
	if (file->kind == FILE_WATCH)
		return watches_take(file, buffer, size);
	if (file->kind == FILE_VALUE && !offset) {
		error = value_refresh(file);
		if (error)
			return error;
	}
	if ((size_t)offset >= file->len)
		return 0;
	if (size > file->len - offset)
		size = file->len - offset;
	memcpy(buffer, file->data + offset, size);
	return (int)size;
}

static int fs_write(const char *path, const char *buffer, size_t size, off_t offset,
		    struct fuse_file_info *info)
{
	struct file *file = file_of(info);
	int error;

	(void)path;
	if (file->kind != FILE_VALUE)
		return -EBADF;
	if ((size_t)offset + size > PVN_STORE_PAYLOAD_MAX) {
		/* All or nothing: what was there stays there. */
		file->dirty = false;
		return -EFBIG;
	}
	if (offset + size > file->len) {
		error = file_resize(file, offset + size);
		if (error)
			return error;
	}
	memcpy(file->data + offset, buffer, size);
	file->dirty = true;
	return (int)size;
}

static int fs_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
	struct fuse_file_info own = { .flags = O_WRONLY };
	struct file *file = file_of(info);
	int error;

	if (!file) {
		error = fs_open(path, &own);
		if (error)
			return error;
		file = file_of(&own);
	}
	error = file->kind != FILE_VALUE ? -EACCES :
		(size_t)size > PVN_STORE_PAYLOAD_MAX ? -EFBIG : file_resize(file, size);
	if (!error)
		file->dirty = true;
	if (own.fh) {
		if (!error)
			error = node_write(file->node, file->data, file->len);
		TAILQ_REMOVE(&open_files, file, open_link);
		file_free(file);
	}
	return error;
}

/* What `echo` adds is not part of a value, unless the mount says raw. */
static size_t length_to_write(const struct file *file)
{
	if (!pvnfs_options.raw && file->len && file->data[file->len - 1] == '\n')
		return file->len - 1;
	return file->len;
}

static int fs_flush(const char *path, struct fuse_file_info *info)
{
	struct file *file = file_of(info);

	(void)path;
	if (!file->dirty)
		return 0;
	file->dirty = false;
	return node_write(file->node, file->data, length_to_write(file));
}

static int fs_fsync(const char *path, int only_data, struct fuse_file_info *info)
{
	(void)only_data;
	return fs_flush(path, info);
}

static int fs_release(const char *path, struct fuse_file_info *info)
{
	struct file *file = file_of(info);

	(void)path;
	watches_remove(file);
	TAILQ_REMOVE(&open_files, file, open_link);
	file_free(file);
	return 0;
}

static int fs_mkdir(const char *path, mode_t mode)
{
	char node[PVN_STORE_PAYLOAD_MAX];
	const char *special;
	int error;

	(void)mode;
	error = to_changeable(path, node, sizeof(node), &special);
	if (error || special)
		return error ? error : -EEXIST;
	error = node_make(node);
	if (!error)
		folder_add(node);
	return error;
}

static int fs_rmdir(const char *path)
{
	char node[PVN_STORE_PAYLOAD_MAX];
	const char *special;
	int error = to_changeable(path, node, sizeof(node), &special);

	if (error)
		return error;
	if (!strcmp(node, "/"))
		return -EBUSY;
	if (special)
		return -ENOTDIR;
	error = node_remove(node, false);
	if (!error)
		folder_remove(node);
	return error;
}

/* Removing ".value" makes the value empty. */
static int fs_unlink(const char *path)
{
	char node[PVN_STORE_PAYLOAD_MAX];
	const char *special;
	int error = to_changeable(path, node, sizeof(node), &special);

	if (error)
		return error;
	if (!special)
		return node_remove(node, false);
	return special[1] == 'v' ? node_write(node, "", 0) : -EPERM;
}

static int fs_rename(const char *from, const char *to, unsigned int flags)
{
	(void)from;
	(void)to;
	(void)flags;
	return -EXDEV;		/* mv copies instead */
}

/* Nodes have permissions of their own (user.permissions); cp and mv may try these. */
static int fs_chmod(const char *path, mode_t mode, struct fuse_file_info *info)
{
	(void)path;
	(void)mode;
	(void)info;
	return -EOPNOTSUPP;
}

static int fs_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *info)
{
	(void)path;
	(void)uid;
	(void)gid;
	(void)info;
	return -EOPNOTSUPP;
}

static int fs_utimens(const char *path, const struct timespec times[2],
		      struct fuse_file_info *info)
{
	(void)path;
	(void)times;
	(void)info;
	return 0;		/* nodes have no times; touch may make one */
}

static int perms_node(const char *path, const char *name, char *node, size_t size)
{
	const char *special;

	if (strcmp(name, perms_name) || fact_is_path(path))
		return -ENODATA;
	return to_node(path, node, size, &special) ? -ENODATA : 0;
}

static int fs_getxattr(const char *path, const char *name, char *value, size_t size)
{
	char node[PVN_STORE_PAYLOAD_MAX], text[PVN_STORE_PAYLOAD_MAX];
	int len = perms_node(path, name, node, sizeof(node));

	if (len < 0)
		return len;
	len = node_get_perms(node, text, sizeof(text));
	if (len < 0 || !size)
		return len;
	if ((size_t)len > size)
		return -ERANGE;
	memcpy(value, text, len);
	return len;
}

static int fs_setxattr(const char *path, const char *name, const char *value, size_t size,
		       int flags)
{
	char node[PVN_STORE_PAYLOAD_MAX], text[PVN_STORE_PAYLOAD_MAX];
	int error = perms_node(path, name, node, sizeof(node));

	(void)flags;
	if (error || size >= sizeof(text))
		return error == -ENODATA ? -ENOTSUP : -E2BIG;
	memcpy(text, value, size);
	text[size] = '\0';
	return node_set_perms(node, text);
}

static int fs_listxattr(const char *path, char *list, size_t size)
{
	char node[PVN_STORE_PAYLOAD_MAX];

	if (perms_node(path, perms_name, node, sizeof(node)))
		return 0;
	if (size && size < sizeof(perms_name))
		return -ERANGE;
	if (size)
		memcpy(list, perms_name, sizeof(perms_name));
	return sizeof(perms_name);
}

/* Did the value change between reading it and watching it? */
static void value_compare(struct file *file)
{
	size_t len;
	char *data;

	if (node_read(file->node, &data, &len)) {
		file->changed = true;
		return;
	}
	if (len != file->len || memcmp(data, file->data, len))
		file->changed = true;
	free(data);
}

static int fs_poll(const char *path, struct fuse_file_info *info,
		   struct fuse_pollhandle *waiting, unsigned int *events)
{
	struct file *file = file_of(info);
	int error;

	(void)path;
	if (file->kind == FILE_VALUE && !file->watched) {
		error = watches_add(file);
		if (error)
			return error;
		value_compare(file);
	}
	*events = watches_poll(file, waiting);
	return 0;
}

static void *fs_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	(void)connection;
	/* Anybody may change anything at any time. */
	config->attr_timeout = 0;
	config->entry_timeout = 0;
	config->negative_timeout = 0;
	config->nullpath_ok = 0;
	if (watches_start())
		fuse_exit(fuse_get_context()->fuse);
	return NULL;
}

const struct fuse_operations fs_operations = {
	.init = fs_init,
	.getattr = fs_getattr,
	.opendir = fs_opendir,
	.readdir = fs_readdir,
	.releasedir = fs_releasedir,
	.open = fs_open,
	.create = fs_create,
	.read = fs_read,
	.write = fs_write,
	.truncate = fs_truncate,
	.flush = fs_flush,
	.fsync = fs_fsync,
	.release = fs_release,
	.mkdir = fs_mkdir,
	.rmdir = fs_rmdir,
	.unlink = fs_unlink,
	.rename = fs_rename,
	.chmod = fs_chmod,
	.chown = fs_chown,
	.utimens = fs_utimens,
	.getxattr = fs_getxattr,
	.setxattr = fs_setxattr,
	.listxattr = fs_listxattr,
	.poll = fs_poll,
};
