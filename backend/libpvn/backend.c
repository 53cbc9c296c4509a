// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See backend.h. Everything here runs at the pace of the store; the data path
 * of a back-end uses pvn_memory_at() and pvn_backend_ring() only.
 */
#include "libpvn/backend.h"

#include <cpuid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pvn/abi/ring.h>

#include "libpvn/clock.h"
#include "libpvn/log_limit.h"

uint32_t pvn_backend_poll_ceiling(void)
{
	uint64_t least = UINT64_MAX;
	unsigned int i, unused;

	/* CPUID always exits; the least of several, since we may be called away. */
	for (i = 0; i < 8; i++) {
		uint64_t start = pvn_now_ns(), took;

		__cpuid(0, unused, unused, unused, unused);
		took = pvn_now_ns() - start;
		least = took < least ? took : least;
	}
	return pvn_poll_ceiling(least);
}

void pvn_backend_log(const struct pvn_backend *backend, const char *format, ...)
{
	static struct pvn_log_limit limit;
	uint32_t left_out;
	char text[512];
	va_list args;

	if (!pvn_log_admit(&limit, pvn_now_ns(), &left_out))
		return;
	if (left_out)
		fprintf(stderr, "%s: guest %u %s %u: %u lines left out, they came too fast\n",
			backend->ops->program, backend->domid, backend->ops->kind, backend->device,
			left_out);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%s: guest %u %s %u: %s\n", backend->ops->program, backend->domid,
		backend->ops->kind, backend->device, text);
}

/* --- guest memory --- */

int pvn_memory_add(struct pvn_guest_memory *memory, uint64_t gpa, uint64_t bytes, void *base)
{
	struct pvn_memory_region *region;
	unsigned int i;

	if (!bytes || gpa + bytes < gpa) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < memory->count; i++) {
		region = &memory->region[i];
		if (gpa < region->gpa + region->bytes && region->gpa < gpa + bytes) {
			errno = EEXIST;
			return -1;
		}
	}
	if (memory->count == PVN_BACKEND_REGIONS_MAX) {
		errno = E2BIG;
		return -1;
	}
	memory->region[memory->count++] = (struct pvn_memory_region){
		.gpa = gpa, .bytes = bytes, .base = base,
	};
	return 0;
}

void *pvn_memory_at(const struct pvn_guest_memory *memory, uint64_t gpa, uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		const struct pvn_memory_region *region = &memory->region[i];
		uint64_t offset = gpa - region->gpa;

		/* Subtractions only: no sum of two of the guest's numbers can wrap. */
		if (gpa >= region->gpa && offset < region->bytes &&
		    bytes && bytes <= region->bytes - offset)
			return region->base + offset;
	}
	return NULL;
}

/* --- arguments --- */

static int refuse(const struct pvn_backend *backend, const char *name, const char *value,
		  const char *why)
{
	fprintf(stderr, "%s: %s %s: %s\n", backend->ops->program, name, value ? value : "", why);
	return -1;
}

/* `count` numbers separated by colons, and nothing else. */
static bool parse_numbers(const char *text, uint64_t *numbers, unsigned int count)
{
	unsigned int i;
	char *end;

	for (i = 0; i < count; i++) {
		if (*text < '0' || *text > '9')
			return false;
		errno = 0;
		numbers[i] = strtoull(text, &end, 0);
		if (errno || *end != (i + 1 < count ? ':' : '\0'))
			return false;
		text = end + 1;
	}
	return true;
}

static int parse_memory(struct pvn_backend *backend, const char *name, const char *value)
{
	uint64_t n[4];
	struct stat status;
	void *base;

	if (!parse_numbers(value, n, 4) || n[0] > INT32_MAX || (n[1] | n[2] | n[3]) & 4095)
		return refuse(backend, name, value, "expected FD:GPA:SIZE:FD_OFFSET, whole pages");
	if (fstat((int)n[0], &status))
		return refuse(backend, name, value, strerror(errno));
	/* A mapping beyond the end would turn a guest's address into SIGBUS. */
	if (n[3] > (uint64_t)status.st_size || n[2] > (uint64_t)status.st_size - n[3])
		return refuse(backend, name, value, "longer than its descriptor");
	base = mmap(NULL, n[2], PROT_READ | PROT_WRITE, MAP_SHARED, (int)n[0], (off_t)n[3]);
	if (base == MAP_FAILED)
		return refuse(backend, name, value, strerror(errno));
	if (pvn_memory_add(&backend->memory, n[1], n[2], base))
		return refuse(backend, name, value, strerror(errno));
	return 2;
}

static int parse_queue(struct pvn_backend *backend, const char *name, const char *value)
{
	uint64_t n[2];

	if (!parse_numbers(value, n, 2) || n[0] > INT32_MAX || n[1] > INT32_MAX)
		return refuse(backend, name, value, "expected IN_FD:OUT_FD");
	if (backend->queue_count == PVN_BACKEND_QUEUES_MAX)
		return refuse(backend, name, value, "too many queues");
	backend->queue[backend->queue_count].in = (int)n[0];
	backend->queue[backend->queue_count].out = (int)n[1];
	backend->queue_count++;
	return 2;
}

static int parse_number(struct pvn_backend *backend, const char *name, const char *value,
			unsigned int *number)
{
	uint64_t n;

	if (!parse_numbers(value, &n, 1) || n > INT32_MAX)
		return refuse(backend, name, value, "expected a number");
	*number = (unsigned int)n;
	return 2;
}

static int parse_common(struct pvn_backend *backend, const char *name, const char *value)
{
	if (!strcmp(name, "--domid"))
		return parse_number(backend, name, value, &backend->domid);
	if (!strcmp(name, "--device"))
		return parse_number(backend, name, value, &backend->device);
	if (!strcmp(name, "--uid"))
		return parse_number(backend, name, value, &backend->uid);
	if (!strcmp(name, "--memory"))
		return parse_memory(backend, name, value);
	if (!strcmp(name, "--queue"))
		return parse_queue(backend, name, value);
	if (!strcmp(name, "--backend-path")) {
		if (value[0] != '/' || strlen(value) >= sizeof(backend->path))
			return refuse(backend, name, value, "expected an absolute store path");
		strcpy(backend->path, value);
		return 2;
	}
	return 0;
}

static bool is_common(const char *name)
{
	static const char *const names[] = {
		"--domid", "--device", "--memory", "--queue", "--backend-path", "--uid",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

int pvn_backend_parse(struct pvn_backend *backend, const struct pvn_backend_ops *ops, int argc,
		      char **argv)
{
	int i, took;

	backend->ops = ops;
	for (i = 1; i < argc; i += took) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!is_common(argv[i]))
			took = ops->argument(backend, argv[i], value);
		else if (value)
			took = parse_common(backend, argv[i], value);
		else
			took = refuse(backend, argv[i], NULL, "needs a value");
		if (took == 0)
			took = refuse(backend, argv[i], NULL, "unknown argument");
		if (took < 0)
			return -1;
	}
	if (!backend->domid || !backend->path[0] ||
	    (!backend->without_rings && (!backend->queue_count || !backend->memory.count)))
		return refuse(backend, "--domid, --backend-path, --memory, --queue", NULL,
			      "all are needed");
	return 0;
}

/* --- store --- */

bool pvn_backend_front_number(struct pvn_backend *backend, const char *key, uint64_t low,
			      uint64_t high, uint64_t *value)
{
	char path[PVN_BACKEND_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", backend->frontend, key);
	return !pvn_store_read_u64(backend->store, 0, path, value) && *value >= low &&
	       *value <= high;
}

bool pvn_backend_queue_number(struct pvn_backend *backend, unsigned int queue, const char *key,
			      uint64_t low, uint64_t high, uint64_t *value)
{
	char name[64];

	snprintf(name, sizeof(name), "queue-%u/%s", queue, key);
	return pvn_backend_front_number(backend, name, low, high, value);
}

int pvn_backend_front_choice(struct pvn_backend *backend, unsigned int protocol,
			     unsigned int *queue_count)
{
	uint64_t chosen, count;

	if (!pvn_backend_front_number(backend, "protocol", protocol, protocol, &chosen) ||
	    !pvn_backend_front_number(backend, "queue-count", 1, backend->queue_count, &count)) {
		pvn_backend_log(backend, "bad protocol or queue-count");
		return -1;
	}
	*queue_count = (unsigned int)count;
	return 0;
}

void *pvn_backend_ring_memory(struct pvn_backend *backend, unsigned int queue, const char *prefix,
			      uint32_t epoch, uint32_t *entries)
{
	const struct pvn_ring_back *back;
	uint64_t gpa, number;
	char key[40];
	uint8_t *base;

	snprintf(key, sizeof(key), "%sring-entries", prefix);
	if (!pvn_backend_queue_number(backend, queue, key, PVN_RING_ENTRIES_MIN,
				      PVN_RING_ENTRIES_MAX, &number) ||
	    !pvn_ring_entries_ok(number)) {
		pvn_backend_log(backend, "queue %u: bad %s", queue, key);
		return NULL;
	}
	*entries = (uint32_t)number;
	snprintf(key, sizeof(key), "%sring-gpa", prefix);
	if (!pvn_backend_queue_number(backend, queue, key, 0, UINT64_MAX, &gpa) ||
	    gpa % PVN_PAGE_SIZE) {
		pvn_backend_log(backend, "queue %u: bad %s", queue, key);
		return NULL;
	}
	base = pvn_memory_at(&backend->memory, gpa, pvn_ring_bytes(*entries));
	if (!base) {
		pvn_backend_log(backend, "queue %u: the ring at 0x%llx is not in its memory",
				queue, (unsigned long long)gpa);
		return NULL;
	}
	back = (const struct pvn_ring_back *)(base + pvn_ring_front_bytes(*entries));
	if (pvn_ring_load(&back->epoch) == epoch) {
		pvn_backend_log(backend, "queue %u: the ring was used in this epoch", queue);
		return NULL;
	}
	return base;
}

int pvn_backend_publish_number(struct pvn_backend *backend, const char *key, uint64_t value)
{
	char path[PVN_BACKEND_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", backend->path, key);
	return pvn_store_printf(backend->store, 0, path, "%" PRIu64, value);
}

int pvn_backend_publish_numbers(struct pvn_backend *backend, const struct pvn_backend_key *keys,
				size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (pvn_backend_publish_number(backend, keys[i].key, keys[i].value))
			return -1;
	return 0;
}

int pvn_backend_publish_text(struct pvn_backend *backend, const char *key, const char *text)
{
	return pvn_store_writef(backend->store, 0, text, "%s/%s", backend->path, key);
}

static int set_state(struct pvn_backend *backend, enum pvn_xenbus_state state)
{
	backend->state = state;
	return pvn_backend_publish_number(backend, "state", state);
}

int pvn_backend_announce(struct pvn_backend *backend, const char *key, uint64_t value)
{
	if (pvn_backend_publish_number(backend, key, value))
		return -1;
	return backend->state == PVN_XENBUS_CONNECTED ? set_state(backend, PVN_XENBUS_CONNECTED) :
							0;
}

static enum pvn_xenbus_state front_state(struct pvn_backend *backend)
{
	uint64_t state;

	if (!pvn_backend_front_number(backend, "state", 0, PVN_XENBUS_CLOSED, &state))
		return PVN_XENBUS_UNKNOWN;
	return (enum pvn_xenbus_state)state;
}

static bool is_online(struct pvn_backend *backend)
{
	char path[PVN_BACKEND_PATH_MAX + 64];
	uint64_t online;

	snprintf(path, sizeof(path), "%s/online", backend->path);
	return pvn_store_read_u64(backend->store, 0, path, &online) || online;
}

static bool is_quiet(struct pvn_backend *backend)
{
	return !backend->ops->is_quiet || backend->ops->is_quiet(backend);
}

/*
 * False: transfers of these rings are still under way, and whatever the front-end is
 * told next would mean to it that its pages are its own again.
 */
static bool drop_rings(struct pvn_backend *backend)
{
	backend->epoch = 0;
	backend->ops->disconnect(backend);
	backend->waits = !is_quiet(backend);
	return !backend->waits;
}

/*
 * The front-end has announced rings. The epoch says whether they are those that
 * are served already: a front-end that set up new ones writes 3 again.
 */
static int serve(struct pvn_backend *backend)
{
	uint64_t epoch = 0;

	if (!pvn_backend_front_number(backend, "epoch", 1, UINT32_MAX, &epoch))
		pvn_backend_log(backend, "the front-end announced rings without an epoch");
	else if (backend->epoch == epoch)
		return backend->state == PVN_XENBUS_CONNECTED ?
		       0 : set_state(backend, PVN_XENBUS_CONNECTED);
	if (!drop_rings(backend))
		return 0;
	/* Not usable: say 2, so that a front-end that can do better starts over. */
	if (!epoch || backend->ops->connect(backend, (uint32_t)epoch))
		return backend->state == PVN_XENBUS_INIT_WAIT ?
		       0 : set_state(backend, PVN_XENBUS_INIT_WAIT);
	backend->epoch = (uint32_t)epoch;
	return set_state(backend, PVN_XENBUS_CONNECTED);
}

static int wait_for_front(struct pvn_backend *backend)
{
	if (!drop_rings(backend))
		return 0;
	if (!is_online(backend)) {
		backend->finished = true;
		return set_state(backend, PVN_XENBUS_CLOSED);
	}
	return backend->state == PVN_XENBUS_INIT_WAIT ?
	       0 : set_state(backend, PVN_XENBUS_INIT_WAIT);
}

/* One step of the state machine; see pvn/abi/io/blk.h for the picture. */
static int follow_front(struct pvn_backend *backend)
{
	backend->waits = false;
	switch (front_state(backend)) {
	case PVN_XENBUS_INITIALISED:
		return serve(backend);
	case PVN_XENBUS_CONNECTED:
		/* It speaks to a predecessor of ours until it has seen our state 2. */
		if (!is_online(backend) && backend->state != PVN_XENBUS_CLOSING)
			return set_state(backend, PVN_XENBUS_CLOSING);
		return 0;
	case PVN_XENBUS_CLOSING:
		return !drop_rings(backend) || backend->state == PVN_XENBUS_CLOSING ?
		       0 : set_state(backend, PVN_XENBUS_CLOSING);
	default:
		return wait_for_front(backend);
	}
}

/* F comes from our own directory, which the guest cannot write. */
static int find_front(struct pvn_backend *backend)
{
	char prefix[64];
	char *path = pvn_store_readf(backend->store, 0, "%s/frontend", backend->path);

	if (!path)
		return -1;
	snprintf(prefix, sizeof(prefix), "/local/domain/%u/device/%s/", backend->domid,
		 backend->ops->kind);
	if (strncmp(path, prefix, strlen(prefix)) || strlen(path) >= sizeof(backend->frontend)) {
		pvn_backend_log(backend, "%s/frontend leads to %s, not below %s", backend->path,
				path, prefix);
		free(path);
		errno = EINVAL;
		return -1;
	}
	strcpy(backend->frontend, path);
	free(path);
	return 0;
}

static int watch(struct pvn_backend *backend, const char *directory, const char *key)
{
	char path[PVN_BACKEND_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", directory, key);
	return pvn_store_watch(backend->store, path, key);
}

static int begin(struct pvn_backend *backend)
{
	if (find_front(backend))
		return -1;
	if (!is_online(backend) && !backend->epoch && is_quiet(backend)) {
		backend->finished = true;
		return set_state(backend, PVN_XENBUS_CLOSED);
	}
	if (backend->ops->publish(backend))
		return -1;
	/* After the store was away while rings went on, their state is still true. */
	if (backend->epoch ? set_state(backend, PVN_XENBUS_CONNECTED) :
	    is_quiet(backend) && set_state(backend, PVN_XENBUS_INIT_WAIT))
		return -1;
	/* The first event of a watch comes by itself: it runs follow_front(). */
	return watch(backend, backend->frontend, "state") ||
	       watch(backend, backend->path, "online") ||
	       watch(backend, backend->path, "command") ? -1 : 0;
}

/* B/queue-J/counters */
static void publish_counters(struct pvn_backend *backend)
{
	char key[64], text[512];
	unsigned int i;

	for (i = 0; i < backend->queue_count; i++) {
		snprintf(key, sizeof(key), "queue-%u/counters", i);
		backend->ops->count(i, text, sizeof(text));
		pvn_backend_publish_text(backend, key, text);
	}
}

/* B is the toolstack's and ours: the guest cannot write commands. */
static int obey(struct pvn_backend *backend)
{
	char *word = pvn_store_readf(backend->store, 0, "%s/command", backend->path);
	bool empty = !word || !*word;

	if (!empty && backend->ops->count && !strcmp(word, "count"))
		publish_counters(backend);
	else if (!empty && backend->ops->command)
		backend->ops->command(backend, word);
	free(word);
	return empty ? 0 : pvn_backend_publish_text(backend, "command", "");
}

int pvn_backend_open(struct pvn_backend *backend)
{
	backend->store = pvn_store_open(NULL);
	if (!backend->store)
		return -1;
	if (begin(backend)) {
		int error = errno;

		pvn_store_close(backend->store);
		backend->store = NULL;
		errno = error;
		return -1;
	}
	return 0;
}

static int lose_store(struct pvn_backend *backend)
{
	pvn_store_close(backend->store);
	backend->store = NULL;
	return -1;
}

int pvn_backend_proceed(struct pvn_backend *backend)
{
	/* Without a store: pvn_backend_open() looks at the front-end again. */
	if (!backend->waits || !backend->store || !is_quiet(backend))
		return 0;
	return follow_front(backend) && errno == ENOTCONN ? lose_store(backend) : 0;
}

int pvn_backend_events(struct pvn_backend *backend)
{
	char *path, *token;
	bool any = false;
	int got = 0;

	if (!backend->store)
		return -1;
	/* All events say "look again": one look after the last of them is enough. */
	do {
		while ((got = pvn_store_next_event(backend->store, &path, &token)) == 1) {
			free(path);
			free(token);
			any = true;
		}
		if (got == 0 && any && (follow_front(backend) || obey(backend)) &&
		    errno == ENOTCONN)
			got = -1;
		any = false;
	} while (got == 0 && pvn_store_events_pending(backend->store));
	return got ? lose_store(backend) : 0;
}

void pvn_backend_ring(const struct pvn_backend *backend, unsigned int queue)
{
	uint64_t one = 1;
	ssize_t done;

	/* A full eventfd is a doorbell that has not been heard yet: nothing is lost. */
	do {
		done = write(backend->queue[queue].out, &one, sizeof(one));
	} while (done < 0 && errno == EINTR);
}
