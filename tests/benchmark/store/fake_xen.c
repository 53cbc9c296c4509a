// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Lets Debian's xenstored and oxenstored run on a machine without Xen, for
 * comparison: preloaded, it answers what they ask Xen's libraries. There is one
 * domain, 0, whose page is a file in $FAKE_XEN_DIR; its doorbell is a FIFO that
 * nobody rings. The programs that measure connect to the socket.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { PAGE_BYTES = 4096, PORT = 1 };

static int something;

static void fake_path(char *path, const char *name)
{
	snprintf(path, 256, "%s/%s", getenv("FAKE_XEN_DIR"), name);
}

static int open_fake(const char *name, int flags)
{
	char path[256];
	int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");

	fake_path(path, name);
	return real_open(path, flags | O_CREAT, 0600);
}

static void *map_page(void)
{
	int fd = open_fake("xsd_kva", O_RDWR);
	void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return page == MAP_FAILED ? NULL : page;
}

int open(const char *path, int flags, ...)
{
	int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
	const char *name = strrchr(path, '/');
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	if (name && !strncmp(name, "/xsd_", 5))
		return open_fake(name + 1, flags);
	return real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	(void)resource;
	(void)limit;
	return 0;
}

/* The handles of all these are pointers that nobody looks behind. */
void *xc_interface_open(void *logger, void *other, unsigned int flags)
{
	(void)logger;
	(void)other;
	(void)flags;
	return &something;
}

int xc_interface_close(void *handle)
{
	(void)handle;
	return 0;
}

/* No domain but 0 is ever asked for here. */
int xc_domain_getinfo(void *handle, uint32_t first, unsigned int count, void *info)
{
	(void)handle;
	(void)first;
	(void)count;
	(void)info;
	return 0;
}

int xc_domain_getinfolist(void *handle, uint32_t first, unsigned int count, void *info)
{
	return xc_domain_getinfo(handle, first, count, info);
}

void *xc_map_foreign_range(void *handle, uint32_t domid, int size, int protection,
			   unsigned long frame)
{
	(void)handle;
	(void)domid;
	(void)size;
	(void)protection;
	(void)frame;
	return map_page();
}

void *xengnttab_open(void *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	return &something;
}

int xengnttab_close(void *handle)
{
	(void)handle;
	return 0;
}

int xengnttab_set_max_grants(void *handle, uint32_t count)
{
	(void)handle;
	(void)count;
	return 0;
}

void *xengnttab_map_grant_ref(void *handle, uint32_t domid, uint32_t ref, int protection)
{
	return xc_map_foreign_range(handle, domid, PAGE_BYTES, protection, ref);
}

int xengnttab_unmap(void *handle, void *page, uint32_t count)
{
	(void)handle;
	return munmap(page, (size_t)count * PAGE_BYTES);
}

static int doorbell = -1;

void *xenevtchn_open(void *logger, unsigned int flags)
{
	char path[256];

	(void)logger;
	(void)flags;
	fake_path(path, "doorbell");
	mkfifo(path, 0600);
	doorbell = open(path, O_RDWR, 0);
	return &something;
}

void *xenevtchn_fdopen(void *logger, int fd, unsigned int flags)
{
	(void)fd;
	return xenevtchn_open(logger, flags);
}

int xenevtchn_close(void *handle)
{
	(void)handle;
	return 0;
}

int xenevtchn_fd(void *handle)
{
	(void)handle;
	return doorbell;
}

int xenevtchn_pending(void *handle)
{
	(void)handle;
	return PORT;
}

int xenevtchn_bind_interdomain(void *handle, uint32_t domid, uint32_t port)
{
	(void)handle;
	(void)domid;
	return (int)port;
}

int xenevtchn_bind_virq(void *handle, unsigned int virq)
{
	(void)handle;
	return 100 + (int)virq;
}

int xenevtchn_notify(void *handle, uint32_t port)
{
	(void)handle;
	(void)port;
	return 0;
}

int xenevtchn_unmask(void *handle, uint32_t port)
{
	return xenevtchn_notify(handle, port);
}

int xenevtchn_unbind(void *handle, uint32_t port)
{
	return xenevtchn_notify(handle, port);
}
