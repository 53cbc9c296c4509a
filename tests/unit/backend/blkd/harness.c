// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See harness.h.
 */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpvn/ids.h"

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(99);
}

static void put(struct harness *harness, const char *directory, const char *key,
		const char *value)
{
	check(!pvn_store_writef(harness->store, 0, value, "%s/%s", directory, key), key);
}

static void make_device(struct harness *harness)
{
	unsigned int i;
	char key[64];

	snprintf(harness->front, sizeof(harness->front), "/local/domain/%d/device/%s/0",
		 HARNESS_DOMID, harness->kind);
	snprintf(harness->back, sizeof(harness->back), "/local/domain/0/backend/%s/%d/0",
		 harness->kind, HARNESS_DOMID);
	put(harness, harness->back, "frontend", harness->front);
	put(harness, harness->back, "online", "1");
	put(harness, harness->back, "state", "1");
	put(harness, harness->front, "backend", harness->back);
	put(harness, harness->front, "queue-max", "2");
	for (i = 0; i < HARNESS_QUEUES; i++) {
		snprintf(key, sizeof(key), "queue-%u/channel", i);
		put(harness, harness->front, key, i ? "11" : "10");
	}
	put(harness, harness->front, "state", "1");
}

/* As pvn-stored does when it is nobody else's. */
static void let_backends_in(struct harness *harness)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/store/socket", harness->stored.rundir);
	check(geteuid() != 0 || (!chown(path, 0, PVN_GID_STORE) && !chmod(path, 0660)), path);
}

void harness_start(struct harness *harness, const char *stored, const char *kind)
{
	unsigned int i;

	memset(harness, 0, sizeof(*harness));
	harness->kind = kind;
	check(stored_process_start(&harness->stored, stored), "pvn-stored does not start");
	let_backends_in(harness);
	harness->store = pvn_store_open(NULL);
	check(harness->store, "store");
	harness->memfd = memfd_create("guest", 0);
	check(harness->memfd >= 0 && !ftruncate(harness->memfd, HARNESS_BYTES), "memfd");
	harness->memory = mmap(NULL, HARNESS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			       harness->memfd, 0);
	check(harness->memory != MAP_FAILED, "mmap");
	for (i = 0; i < HARNESS_QUEUES; i++) {
		harness->in[i] = eventfd(0, EFD_NONBLOCK);
		harness->out[i] = eventfd(0, EFD_NONBLOCK);
		check(harness->in[i] >= 0 && harness->out[i] >= 0, "eventfd");
	}
	make_device(harness);
}

void harness_kill(struct harness *harness)
{
	if (harness->backend <= 0)
		return;
	kill(harness->backend, SIGKILL);
	waitpid(harness->backend, NULL, 0);
	harness->backend = 0;
}

bool harness_alive(struct harness *harness)
{
	return harness->backend > 0 && waitpid(harness->backend, NULL, WNOHANG) == 0;
}

void harness_stop(struct harness *harness)
{
	unsigned int i;

	harness_kill(harness);
	pvn_store_close(harness->store);
	check(stored_process_stop(&harness->stored), "pvn-stored does not end well");
	munmap(harness->memory, HARNESS_BYTES);
	close(harness->memfd);
	for (i = 0; i < HARNESS_QUEUES; i++) {
		close(harness->in[i]);
		close(harness->out[i]);
	}
}

void harness_spawn(struct harness *harness, const char *program, const char *const *more)
{
	char memory[128], queue[HARNESS_QUEUES][64], uid[16];
	const char *argv[48] = {
		program, "--domid", "5", "--device", "0", "--backend-path", harness->back,
		"--memory", memory, "--queue", queue[0], "--queue", queue[1],
		"--uid", uid,
	};
	unsigned int count = 15, i;

	snprintf(memory, sizeof(memory), "%d:0x%llx:0x%llx:0", harness->memfd,
		 HARNESS_GPA, HARNESS_BYTES);
	snprintf(uid, sizeof(uid), "%u", pvn_id_of(HARNESS_DOMID, PVN_ID_DEVICES));
	for (i = 0; i < HARNESS_QUEUES; i++)
		snprintf(queue[i], sizeof(queue[i]), "%d:%d", harness->in[i], harness->out[i]);
	while (*more)
		argv[count++] = *more++;
	fflush(stdout);
	harness->backend = fork();
	if (!harness->backend) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The search for leaks traces the process, which its sandbox forbids. */
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		execv(program, (char **)argv);
		_exit(127);
	}
}

void harness_write(struct harness *harness, const char *key, const char *format, ...)
{
	char value[256];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	put(harness, harness->front, key, value);
}

void harness_wait_state(struct harness *harness, int state)
{
	char path[128], value[16];

	snprintf(path, sizeof(path), "%s/state", harness->back);
	snprintf(value, sizeof(value), "%d", state);
	errno = ETIMEDOUT;
	check(pvn_store_wait_value(harness->store, path, value, 10000) == 1, path);
}

uint64_t harness_gpa(const struct harness *harness, const void *address)
{
	return HARNESS_GPA + (uint64_t)((const uint8_t *)address - harness->memory);
}

void harness_ring(struct harness *harness, unsigned int queue)
{
	uint64_t one = 1;

	check(write(harness->in[queue], &one, sizeof(one)) == sizeof(one), "doorbell");
}

bool harness_hear(struct harness *harness, unsigned int queue, int ms)
{
	struct pollfd fd = { .fd = harness->out[queue], .events = POLLIN };
	uint64_t count;

	return poll(&fd, 1, ms) == 1 && read(fd.fd, &count, sizeof(count)) == sizeof(count);
}
