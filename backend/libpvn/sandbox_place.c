// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See sandbox.h. Where a process is and who: namespaces with an empty file system but
 * for a few folders, a user of its own, no capabilities. All of it needs privileges,
 * and takes them away.
 */
#include "libpvn/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpvn/ids.h"

/* Where the new root is put together: some folder that is always there. */
#define NEW_ROOT "/proc"

/* --- what it sees --- */

/* A copy of the mount that has the folder, with nothing of it to run or to gain rights by. */
static int clone_folder(const struct pvn_sandbox *sandbox, const char *folder)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};
	int tree = open_tree(AT_FDCWD, folder, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (!(sandbox->needs & PVN_SANDBOX_LOGS))
		attributes.attr_set |= MOUNT_ATTR_RDONLY;
	if (tree < 0 ||
	    !mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)))
		return tree;
	close(tree);
	return -1;
}

static const char *name_of(const char *folder)
{
	return *folder == '-' ? folder + 1 : folder;
}

/* The folder and those above it, in the new root. */
static int make_folders(const char *folder, char path[PATH_MAX])
{
	char *slash;

	if (snprintf(path, PATH_MAX, NEW_ROOT "%s", folder) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (slash = strchr(path + strlen(NEW_ROOT) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

static bool is_within(const char *path, size_t len, const char *top)
{
	size_t top_len = strlen(top);

	return len > top_len && !strncmp(path, top, top_len) && path[top_len] == '/';
}

/* A folder somewhere below another one: what lies beside it is not seen through that one. */
static int cover_siblings(const struct pvn_sandbox *sandbox, unsigned int index)
{
	const char *folder = name_of(sandbox->folder[index]);
	size_t parent = (size_t)(strrchr(folder, '/') - folder);
	char path[PATH_MAX];
	unsigned int i;

	snprintf(path, sizeof(path), NEW_ROOT "%.*s", (int)parent, folder);
	for (i = 0; i < index; i++)
		if (sandbox->folder[i] && is_within(folder, parent, name_of(sandbox->folder[i])))
			return mount("none", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
				     "mode=755,size=64k");
	return 0;
}

static int put_folder(const struct pvn_sandbox *sandbox, unsigned int index, int tree)
{
	char path[PATH_MAX];

	if (cover_siblings(sandbox, index) || make_folders(name_of(sandbox->folder[index]), path))
		return -1;
	return move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

/*
 * The old root goes away for good: nothing is left that leads there. The kernel's first file
 * system, if that is the root, cannot go: it stays below the new one, where only privileges
 * would find it.
 */
static int leave_root(void)
{
	if (!syscall(SYS_pivot_root, ".", "."))
		return umount2(".", MNT_DETACH);
	if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL))
		return -1;
	return chroot(".");
}

static int change_root(void)
{
	if (chdir(NEW_ROOT) || leave_root() || chdir("/"))
		return -1;
	return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
		     MS_NOEXEC, NULL);
}

static int change_view(const struct pvn_sandbox *sandbox)
{
	int tree[PVN_SANDBOX_FOLDERS_MAX];
	unsigned int i;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	for (i = 0; i < PVN_SANDBOX_FOLDERS_MAX; i++) {
		const char *folder = sandbox->folder[i];

		tree[i] = folder ? clone_folder(sandbox, name_of(folder)) : -1;
		if (folder && tree[i] < 0 && (*folder != '-' || errno != ENOENT))
			return -1;
	}
	if (mount("none", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=64k"))
		return -1;
	for (i = 0; i < PVN_SANDBOX_FOLDERS_MAX; i++) {
		if (tree[i] < 0)
			continue;
		if (put_folder(sandbox, i, tree[i]))
			return -1;
		close(tree[i]);
	}
	return change_root();
}

/* Sockets with paths, the store's, are reached from any network namespace. */
int pvn_sandbox_leave_place(const struct pvn_sandbox *sandbox)
{
	bool is_daemon = sandbox->needs & PVN_SANDBOX_DAEMON;
	int flags = CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | (is_daemon ? 0 : CLONE_NEWNS);

	capng_get_caps_process();
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return 0;
	if (!(sandbox->needs & PVN_SANDBOX_NETWORK))
		flags |= CLONE_NEWNET;
	return unshare(flags) || (!is_daemon && change_view(sandbox)) ? -1 : 0;
}

/* --- who it is --- */

int pvn_sandbox_leave_rights(const struct pvn_sandbox *sandbox)
{
	const gid_t groups[] = { PVN_GID_STORE };

	capng_clear(CAPNG_SELECT_BOTH);
	if (geteuid() != 0) {
		/* Without privileges there is none to drop, and dropping is not allowed. */
		capng_apply(CAPNG_SELECT_BOTH);
		return 0;
	}
	if (sandbox->needs & PVN_SANDBOX_ANY_SOCKET)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_OVERRIDE);
	errno = EPERM;
	if (!sandbox->uid)
		return capng_apply(CAPNG_SELECT_BOTH) ? -1 : 0;
	if (setgroups(1, groups))
		return -1;
	return capng_change_id((int)sandbox->uid, (int)sandbox->uid, CAPNG_CLEAR_BOUNDING) ? -1 : 0;
}
