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
#include <sys/stat.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "worker/inspect.h"

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
	if (got < 0)
		got = 0;
	if (!bzimage_is_one(admission->kernel_start, got) &&
	    inspect_multiboot(&admission->payload, &admission->is_multiboot, admission->kernel_fd,
			      bytes, config->kernel, problem))
		return -1;
	if (admission->is_multiboot)
		return 0;
	return bzimage_parse(&admission->kernel, admission->kernel_start, got, bytes,
			     config->kernel, problem);
}

static int check_initrd(struct admission *admission, const struct config *config,
			uint64_t *bytes, struct pvn_problem *problem)
{
	*bytes = 0;
	admission->initrd_fd = -1;
	if (!config->initrd)
		return 0;
	if (open_file("initrd", config->initrd, &admission->initrd_fd, bytes, problem))
		return -1;
	if (admission->is_multiboot)	/* a module may be anything */
		return 0;
	return inspect_initrd(admission->initrd_fd, *bytes, config->initrd, problem);
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

static int plan(struct admission *admission, const struct config *config, uint64_t initrd_bytes,
		struct pvn_problem *problem)
{
	if (admission->is_multiboot)
		return layout_plan_multiboot(&admission->layout, config->memory_bytes,
					     &admission->payload, initrd_bytes, problem);
	return layout_plan(&admission->layout, config->memory_bytes, &admission->kernel,
			   initrd_bytes, problem);
}

int admission_check(struct admission *admission, const struct config *config,
		    struct pvn_problem *problem)
{
	uint64_t initrd_bytes;
	unsigned int i;

	if (lock_name(admission, config, problem) ||
	    check_kernel(admission, config, problem) ||
	    check_initrd(admission, config, &initrd_bytes, problem) ||
	    plan(admission, config, initrd_bytes, problem))
		return -1;
	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		if (admission_disk(&admission->image_fd[i], config, &config->disk[i], problem))
			return -1;
	if (check_memory(config, problem))
		return -1;
	return take_domid(admission, problem);
}
