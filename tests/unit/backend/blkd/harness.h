/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A back-end process and all that surrounds it, on the host: a real pvn-stored,
 * guest memory in a memfd, eventfds as channels, and this program in the parts
 * of toolstack and guest. Functions end the test program when a step fails.
 */
#ifndef TEST_BACKEND_HARNESS_H
#define TEST_BACKEND_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpvn/store_client.h"
#include "stored_process.h"

enum {
	HARNESS_QUEUES = 2,
	HARNESS_DOMID = 5,
};

#define HARNESS_GPA	0x100000ull	/* where guest memory starts */
#define HARNESS_BYTES	(64ull << 20)

struct harness {
	const char *kind;		/* "blk" */
	struct stored_process stored;
	pid_t backend;
	struct pvn_store *store;
	int memfd;
	uint8_t *memory;		/* HARNESS_BYTES */
	int in[HARNESS_QUEUES];		/* written here, the back-end hears it */
	int out[HARNESS_QUEUES];	/* the back-end rings */
	char front[64];			/* F */
	char back[64];			/* B */
};

/* Starts the store and makes a device of `kind` in it. */
void harness_start(struct harness *harness, const char *stored, const char *kind);
void harness_stop(struct harness *harness);

/* Starts the back-end with the common arguments and `more` (NULL at the end). */
void harness_spawn(struct harness *harness, const char *program, const char *const *more);

/* SIGKILL, and waits. */
void harness_kill(struct harness *harness);

/* True when the back-end process is running. */
bool harness_alive(struct harness *harness);

/* Writes F/`key`. */
void harness_write(struct harness *harness, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Waits up to 10 s until B/state is `state`. */
void harness_wait_state(struct harness *harness, int state);

/* Guest-physical address of something in `memory`. */
uint64_t harness_gpa(const struct harness *harness, const void *address);

/* Rings the back-end on a queue; hears it, true when it rang within `ms`. */
void harness_ring(struct harness *harness, unsigned int queue);
bool harness_hear(struct harness *harness, unsigned int queue, int ms);

#endif
