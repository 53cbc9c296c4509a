// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What must be true before a guest may start; see admission.h.
 */
#include "worker/admission.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include "libpvn/guests.h"
#include "worker/initrd.h"

#define MIB (1ull << 20)
#define ROOT_RESERVE (96 * MIB)		/* left to the root, whatever guests want */
#define DOMIDS_MAX 0x7fef

/* Creates a folder and those above it. */
static int make_folder(const char *path)
{
	char part[PATH_MAX];
	char *slash;

	snprintf(part, sizeof(part), "%s", path);
	for (slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(part, 0755) && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

/* A locked file, or -1; errno is EAGAIN when somebody else has it. */
static int lock_file(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || !fcntl(fd, F_OFD_SETLK, &lock))
		return fd;
	if (errno == EACCES)
		errno = EAGAIN;
	close(fd);
	return -1;
}

static int lock_name(struct admission *admission, const struct config *config,
		     struct pvn_problem *problem)
{
	char path[PATH_MAX], hint[128];

	pvn_guest_path(path, sizeof(path), config->name, NULL);
	if (make_folder(path) || make_folder(pvn_logdir()))
		return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL,
				"the guest's folder cannot be made: %s", strerror(errno));
	pvn_guest_path(path, sizeof(path), config->name, "lock");
	admission->name_lock = lock_file(path);
	if (admission->name_lock >= 0)
		return 0;
	if (errno != EAGAIN)
		return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL,
				"the guest's lock cannot be taken: %s", strerror(errno));
	snprintf(hint, sizeof(hint), "choose another name, or pvn destroy %s", config->name);
	return pvn_fail(problem, PVN_EXIT_REFUSED, config->path, hint,
			"the name \"%s\" is in use: a guest of that name runs", config->name);
}

/* The smallest number that no other worker holds. */
static int take_domid(struct admission *admission, struct pvn_problem *problem)
{
	char path[PATH_MAX];
	unsigned int n;

	snprintf(path, sizeof(path), "%s/domids", pvn_rundir());
	if (make_folder(path))
		return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL,
				"the folder cannot be made: %s", strerror(errno));
	for (n = 1; n <= DOMIDS_MAX; n++) {
		snprintf(path, sizeof(path), "%s/domids/%u", pvn_rundir(), n);
		admission->domain_lock = lock_file(path);
		if (admission->domain_lock >= 0) {
			admission->domid = n;
			return 0;
		}
		if (errno != EAGAIN)
			break;
	}
	return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL, "no number is free: %s",
			strerror(errno));
}

static int open_file(const char *what, const char *path, int *fd, uint64_t *bytes,
		     struct pvn_problem *problem)
{
	struct stat status;

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &status))
		return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL, "the %s cannot be read: %s",
				what, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL, "the %s is no file", what);
	*bytes = status.st_size;
	return 0;
}

static int check_kernel(struct admission *admission, const struct config *config,
			struct pvn_problem *problem)
{
	uint64_t bytes;
	ssize_t got;

	if (open_file("kernel", config->kernel, &admission->kernel_fd, &bytes, problem))
		return -1;
	got = pread(admission->kernel_fd, admission->kernel_start,
		    sizeof(admission->kernel_start), 0);
	return bzimage_parse(&admission->kernel, admission->kernel_start, got < 0 ? 0 : got, bytes,
			     config->kernel, problem);
}

static int check_initrd(struct admission *admission, const struct config *config,
			uint64_t *bytes, struct pvn_problem *problem)
{
	void *data;
	int error;

	*bytes = 0;
	admission->initrd_fd = -1;
	if (!config->initrd)
		return 0;
	if (open_file("initrd", config->initrd, &admission->initrd_fd, bytes, problem))
		return -1;
	if (!*bytes)
		return initrd_check(NULL, 0, config->initrd, problem);
	data = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, admission->initrd_fd, 0);
	if (data == MAP_FAILED)
		return pvn_fail(problem, PVN_EXIT_FAILED, config->initrd, NULL,
				"the initrd cannot be read: %s", strerror(errno));
	error = initrd_check(data, *bytes, config->initrd, problem);
	munmap(data, *bytes);
	return error;
}

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

	for (i = 0; i < config->disk_count; i++)
		here += is_same_file(config->disk[i].image, status);
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

static bool read_meminfo(const char *meminfo, const char *key, uint64_t *bytes)
{
	const char *line = strstr(meminfo, key);

	if (!line)
		return false;
	*bytes = strtoull(line + strlen(key), NULL, 10) * 1024;
	return true;
}

int admission_memory(const char *meminfo, uint64_t memory_bytes, struct pvn_problem *problem)
{
	/* Nested page tables and the hypervisor's objects: less than one page in 256. */
	uint64_t want = memory_bytes + memory_bytes / 256 + 2 * MIB, available;

	if (!read_meminfo(meminfo, "MemAvailable:", &available))
		return pvn_fail(problem, PVN_EXIT_FAILED, "/proc/meminfo", NULL,
				"it is not known how much memory there is");
	if (available >= ROOT_RESERVE && available - ROOT_RESERVE >= want)
		return 0;
	return pvn_fail(problem, PVN_EXIT_REFUSED, "memory",
			"make the guest smaller, or end others",
			"the root cannot give %llu MiB: %llu MiB are available, %llu MiB of them stay "
			"with the root, and the guest's tables need %llu MiB",
			(unsigned long long)(memory_bytes / MIB),
			(unsigned long long)(available / MIB),
			(unsigned long long)(ROOT_RESERVE / MIB),
			(unsigned long long)((want - memory_bytes) / MIB));
}

static int check_memory(const struct config *config, struct pvn_problem *problem)
{
	char text[8192];
	size_t bytes;
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		return admission_memory("", config->memory_bytes, problem);
	bytes = fread(text, 1, sizeof(text) - 1, file);
	text[bytes] = 0;
	fclose(file);
	return admission_memory(text, config->memory_bytes, problem);
}

int admission_check(struct admission *admission, const struct config *config,
		    struct pvn_problem *problem)
{
	uint64_t initrd_bytes;
	unsigned int i;

	if (lock_name(admission, config, problem) ||
	    check_kernel(admission, config, problem) ||
	    check_initrd(admission, config, &initrd_bytes, problem) ||
	    layout_plan(&admission->layout, config->memory_bytes, &admission->kernel, initrd_bytes,
			problem))
		return -1;
	for (i = 0; i < config->disk_count; i++)
		if (check_image(&admission->image_fd[i], config, &config->disk[i], problem))
			return -1;
	if (check_memory(config, problem))
		return -1;
	return take_domid(admission, problem);
}
