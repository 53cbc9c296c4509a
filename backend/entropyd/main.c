// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-entropyd: random bytes for one guest. The sample back-end of
 * docs/write-a-driver.md; protocol and keys: pvn/abi/io/entropy.h. Arguments: those of
 * libpvn/backend.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include <pvn/abi/io/entropy.h>

#include "libpvn/backend.h"

static struct pvn_backend backend;
static struct pvn_queue_back ring;
static bool attached;

static int publish(struct pvn_backend *self)
{
	return pvn_backend_publish_number(self, "protocol", PVN_ENTROPY_PROTOCOL);
}

static void disconnect(struct pvn_backend *self)
{
	(void)self;
	attached = false;
}

static int connect_ring(struct pvn_backend *self, uint32_t epoch)
{
	uint32_t entries;
	void *base = pvn_backend_ring_memory(self, 0, "", epoch, &entries);

	attached = base && pvn_back_attach(&ring, base, entries, epoch);
	return attached ? 0 : -1;
}

/* It has no arguments of its own. */
static int argument(struct pvn_backend *self, const char *name, const char *value)
{
	(void)self, (void)name, (void)value;
	return 0;
}

static const struct pvn_backend_ops ops = {
	.program = "pvn-entropyd",
	.kind = "entropy",
	.argument = argument,
	.publish = publish,
	.connect = connect_ring,
	.disconnect = disconnect,
};

/* `request` is a private copy: what is checked here is what is used. */
static void serve(const struct pvn_entropy_request *request)
{
	void *to = pvn_memory_at(&backend.memory, request->gpa, request->bytes);
	ssize_t got = -1;

	if (to && request->bytes <= PVN_ENTROPY_BYTES_MAX &&
	    request->gpa % PVN_PAGE_SIZE + request->bytes <= PVN_PAGE_SIZE)
		got = getrandom(to, request->bytes, 0);
	pvn_back_complete(&ring, request->id, got > 0 ? PVN_ENTROPY_OK : PVN_ENTROPY_INVALID,
			  got > 0 ? (uint32_t)got : 0);
}

/* All that waits; then the doorbell is asked for, and what came meanwhile is taken too. */
static void take_requests(void)
{
	struct pvn_entropy_request request;
	int count;

	if (!attached || ring.broken)
		return;
	do {
		for (count = pvn_back_available(&ring);
		     count > 0 && pvn_back_next(&ring, &request); count--)
			serve(&request);
		if (pvn_back_publish(&ring))
			pvn_backend_ring(&backend, 0);
	} while (pvn_back_arm(&ring));
	if (ring.broken)
		pvn_backend_log(&backend, "the ring is broken (reason %d)", ring.broken);
}

static void wait_for_events(void)
{
	struct pollfd fds[2] = {
		{ .fd = backend.queue[0].in, .events = POLLIN },
		{ .fd = backend.store ? pvn_store_fd(backend.store) : -1, .events = POLLIN },
	};
	uint64_t doorbells;

	poll(fds, 2, backend.store ? -1 : 1000);
	if (fds[0].revents && read(fds[0].fd, &doorbells, sizeof(doorbells)) < 0 && errno != EAGAIN)
		exit(EXIT_FAILURE);
	if (backend.store || !pvn_backend_open(&backend))
		pvn_backend_events(&backend);
}

int main(int argc, char **argv)
{
	if (pvn_backend_parse(&backend, &ops, argc, argv) || pvn_backend_claim(&backend) ||
	    pvn_backend_confine(&backend, 0, NULL))
		return EXIT_FAILURE;
	while (!backend.finished) {
		wait_for_events();
		take_requests();
	}
	return EXIT_SUCCESS;
}
