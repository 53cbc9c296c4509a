// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What must be true of a disk before a guest gets it; see admission.h.
 */
#include "worker/admission.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include "libpvn/guests.h"

static bool is_same_file(const char *path, const struct stat *file)
{
	struct stat other;

	return path && !stat(path, &other) && other.st_dev == file->st_dev &&
	       other.st_ino == file->st_ino;
}

/* Name of the guest whose configuration has this image, among `states`; or NULL. */
static const char *user_of(json_t *states, const struct stat *file)
{
	json_t *state, *disk;
	size_t i, j;

	json_array_foreach(states, i, state)
		json_array_foreach(json_object_get(state, "disks"), j, disk)
			if (strcmp(json_string_value(json_object_get(state, "state")), "ended") &&
			    is_same_file(json_string_value(json_object_get(disk, "image")), file))
				return json_string_value(json_object_get(state, "name"));
	return NULL;
}

static int image_in_use(const struct config *config, const char *path, const struct stat *status,
			struct pvn_problem *problem)
{
	json_t *states = pvn_guests_states();
	const char *user = user_of(states, status);
	char whom[PVN_NAME_MAX + 32] = "another program";
	unsigned int i, here = 0;

	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		here += config->disk[i].kind == CONFIG_IMAGE &&
			is_same_file(config->disk[i].image, status);
	if (user && strcmp(user, config->name))
		snprintf(whom, sizeof(whom), "the guest \"%s\"", user);
	else if (here > 1)
		snprintf(whom, sizeof(whom), "another disk of this guest");
	json_decref(states);
	return pvn_fail(problem, PVN_EXIT_REFUSED, path,
			"images can be shared only if all their users say \"read_only\": true",
			"the disk image is in use by %s", whom);
}

static int image_bytes(int fd, const struct stat *status, uint64_t *bytes)
{
	*bytes = status->st_size;
	return S_ISBLK(status->st_mode) ? ioctl(fd, BLKGETSIZE64, bytes) : 0;
}

static int image_unwritable(const char *path, struct pvn_problem *problem)
{
	return pvn_fail(problem, PVN_EXIT_REFUSED, path,
			"say \"read_only\": true for this disk, or make the image writable",
			"the disk image is read-only, and the guest is to write to it");
}

static int lock_image(int fd, bool read_only)
{
	struct flock lock = {
		.l_type = read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* root may write to any file: a file that nobody may write to is meant to stay as it is. */
static int check_image(int *fd, const struct config *config, const struct config_disk *disk,
		       struct pvn_problem *problem)
{
	struct stat status;
	uint64_t bytes;

	*fd = open(disk->image, (disk->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (*fd < 0 && (errno == EROFS || errno == EPERM || errno == EACCES))
		return image_unwritable(disk->image, problem);
	if (*fd < 0 || fstat(*fd, &status))
		return pvn_fail(problem, PVN_EXIT_FAILED, disk->image, NULL,
				"the disk image cannot be opened: %s", strerror(errno));
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return pvn_fail(problem, PVN_EXIT_FAILED, disk->image, NULL,
				"the disk image is neither a file nor a block device");
	if (!disk->read_only && S_ISREG(status.st_mode) && !(status.st_mode & 0222))
		return image_unwritable(disk->image, problem);
	if (image_bytes(*fd, &status, &bytes) || !bytes || bytes % 512)
		return pvn_fail(problem, PVN_EXIT_FAILED, disk->image,
				"truncate -s %512 makes its size a multiple of 512",
				"the disk image has a bad size: %llu bytes",
				(unsigned long long)bytes);
	if (lock_image(*fd, disk->read_only))
		return image_in_use(config, disk->image, &status, problem);
	return 0;
}

int admission_disk(int *fd, const struct config *config, const struct config_disk *disk,
		   struct pvn_problem *problem)
{
	*fd = -1;
	if (disk->kind != CONFIG_IMAGE)
		return 0;	/* an NBD server may come later */
	if (!check_image(fd, config, disk, problem))
		return 0;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -1;
}
