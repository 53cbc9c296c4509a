/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What every back-end process shares: the arguments that it is started with,
 * its guest's memory, and its half of the xenbus conversation in the store.
 *
 *	--domid N --device K --backend-path B
 *	--memory FD:GPA:SIZE:FD_OFFSET		repeated; the guest's memory
 *	--queue IN_FD:OUT_FD			repeated; channel of queue 0, 1, ...
 *	--uid N					the user that it becomes (ids.h); else stays who it is
 *
 * One thread, no locks. The guest may write anything into its directory of the
 * store and into its memory, at any time.
 */
#ifndef PVN_BACKEND_H
#define PVN_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpvn/store_client.h"

enum {
	PVN_BACKEND_REGIONS_MAX = 16,
	PVN_BACKEND_QUEUES_MAX = 64,
	PVN_BACKEND_PATH_MAX = 512,
};

/* --- guest memory --- */

struct pvn_memory_region {
	uint64_t gpa;
	uint64_t bytes;
	uint8_t *base;
};

struct pvn_guest_memory {
	unsigned int count;
	struct pvn_memory_region region[PVN_BACKEND_REGIONS_MAX];
};

/* Adds memory that is mapped already. -1 + errno: no room, or it overlaps or wraps. */
int pvn_memory_add(struct pvn_guest_memory *memory, uint64_t gpa, uint64_t bytes, void *base);

/*
 * Where `bytes` (at least 1) of guest memory at `gpa` are mapped, or NULL when
 * any of them is not the guest's. A range must lie within one region.
 */
void *pvn_memory_at(const struct pvn_guest_memory *memory, uint64_t gpa, uint64_t bytes);

/* --- process contract --- */

enum pvn_xenbus_state {
	PVN_XENBUS_UNKNOWN = 0,
	PVN_XENBUS_INITIALISING = 1,
	PVN_XENBUS_INIT_WAIT = 2,
	PVN_XENBUS_INITIALISED = 3,
	PVN_XENBUS_CONNECTED = 4,
	PVN_XENBUS_CLOSING = 5,
	PVN_XENBUS_CLOSED = 6,
};

struct pvn_backend;

struct pvn_backend_ops {
	const char *program;	/* "pvn-blkd" */
	const char *kind;	/* "blk": the front-end must be below device/<kind>/ */
	/*
	 * An argument that is not common to all. Returns how many words it took
	 * (1 or 2), 0 when it is unknown, -1 after saying what is wrong.
	 * `value` is NULL at the end of the line.
	 */
	int (*argument)(struct pvn_backend *backend, const char *name, const char *value);
	/* Writes the features into the back-end's directory; 0 or -1 + errno. */
	int (*publish)(struct pvn_backend *backend);
	/* Reads the front-end's keys and attaches its rings; -1 after saying why not. */
	int (*connect)(struct pvn_backend *backend, uint32_t epoch);
	/* Lets go of the rings. Also called when there are none. */
	void (*disconnect)(struct pvn_backend *backend);
	/*
	 * After that: is nothing under way to or from the guest's memory any more? If
	 * not, the front-end gets its answer later: pvn_backend_proceed(). NULL: always.
	 */
	bool (*is_quiet)(struct pvn_backend *backend);
	/*
	 * The toolstack wrote a word to B/command; when this returns the key is
	 * emptied, which is the answer. NULL: the device knows none.
	 */
	void (*command)(struct pvn_backend *backend, const char *word);
	/* What pvn ring prints of a queue, as NAME=NUMBER words; asked for by the word "count". */
	void (*count)(unsigned int queue, char *text, size_t bytes);
};

struct pvn_backend {
	const struct pvn_backend_ops *ops;
	unsigned int domid;
	unsigned int device;
	unsigned int uid;			/* 0: not asked to become somebody else */
	char path[PVN_BACKEND_PATH_MAX];	/* B */
	char frontend[PVN_BACKEND_PATH_MAX];	/* F */
	struct pvn_guest_memory memory;
	unsigned int queue_count;
	struct {
		int in;			/* eventfd: readable when the guest rang */
		int out;		/* eventfd: written to ring the guest */
	} queue[PVN_BACKEND_QUEUES_MAX];
	struct pvn_store *store;	/* NULL while the daemon is away */
	enum pvn_xenbus_state state;	/* what was last written to B/state */
	uint32_t epoch;			/* connection being served, 0 none */
	bool without_rings;		/* set by argument(): it serves something else than a ring */
	bool finished;			/* unplugged: the process should end */
	bool waits;			/* for the end of transfers, before it answers */
	void *own;			/* the device's */
};

/* Parses the command line and maps the memory. 0, or -1 after saying what is wrong. */
int pvn_backend_parse(struct pvn_backend *backend, const struct pvn_backend_ops *ops, int argc,
		      char **argv);

/*
 * Becomes the one process that serves this device; needs the run directory. -1 after
 * saying so: there is another one, and two would fight over the guest's rings.
 */
int pvn_backend_claim(const struct pvn_backend *backend);

/*
 * Enters the sandbox (sandbox.h) of a process that sees the store's folder and, where that
 * is not NULL, one more. -1 after saying why it cannot.
 */
int pvn_backend_confine(const struct pvn_backend *backend, unsigned int needs, const char *folder);

/*
 * Opens the store, publishes and announces state 2, and looks at the front-end.
 * -1 + errno: the store is not there (try again later).
 */
int pvn_backend_open(struct pvn_backend *backend);

/*
 * Handles what the store has to tell; call it when pvn_store_fd() is readable,
 * and after any other use of the store. -1: the store went away; rings go on,
 * call pvn_backend_open() until it succeeds.
 */
int pvn_backend_events(struct pvn_backend *backend);

/*
 * To be called when transfers have ended while `waits` is set: answers the front-end
 * if those were the last ones. As pvn_backend_events().
 */
int pvn_backend_proceed(struct pvn_backend *backend);

/* Reads a number that the guest wrote at F/`key`; false when absent, odd or out of range. */
bool pvn_backend_front_number(struct pvn_backend *backend, const char *key, uint64_t low,
			      uint64_t high, uint64_t *value);

/* Reads F/queue-J/`key`, as above. */
bool pvn_backend_queue_number(struct pvn_backend *backend, unsigned int queue, const char *key,
			      uint64_t low, uint64_t high, uint64_t *value);

/*
 * What the front-end has chosen: version `protocol`, the only one there is, and so many of
 * the queues. 0, or -1 after saying what is wrong.
 */
int pvn_backend_front_choice(struct pvn_backend *backend, unsigned int protocol,
			     unsigned int *queue_count);

/*
 * A ring of queue J that the front-end announced in F/queue-J/<prefix>ring-gpa
 * and <prefix>ring-entries: where it is mapped, whole in the guest's memory, and
 * its size. NULL after logging what is wrong with it: bad numbers, or memory that
 * is not the guest's, or a ring that was served under this epoch already, perhaps
 * by a predecessor: what is in it would be done twice.
 */
void *pvn_backend_ring_memory(struct pvn_backend *backend, unsigned int queue, const char *prefix,
			      uint32_t epoch, uint32_t *entries);

/* Writes B/`key`. 0 or -1 + errno. */
int pvn_backend_publish_number(struct pvn_backend *backend, const char *key, uint64_t value);

struct pvn_backend_key {
	const char *key;
	uint64_t value;
};

/* Writes `count` numbers to B, in this order, up to the first that fails. 0 or -1 + errno. */
int pvn_backend_publish_numbers(struct pvn_backend *backend, const struct pvn_backend_key *keys,
				size_t count);

/* Writes a text to B/`key`. 0 or -1 + errno. */
int pvn_backend_publish_text(struct pvn_backend *backend, const char *key, const char *text);

/*
 * Writes B/`key`, and, where there is a connection, B/state anew, which is what
 * makes the front-end look. 0 or -1 + errno.
 */
int pvn_backend_announce(struct pvn_backend *backend, const char *key, uint64_t value);

/* Rings the guest on the channel of a queue. */
void pvn_backend_ring(const struct pvn_backend *backend, unsigned int queue);

/*
 * How long, in ns, an end of a queue looks at most before it sleeps, where nobody says
 * otherwise: goes by what an exit of this partition costs.
 */
uint32_t pvn_backend_poll_ceiling(void);

/*
 * One line on stderr: program, guest, device, text. Lines that come too fast are
 * counted and left out (log_limit.h): most of them are about what a guest did.
 */
void pvn_backend_log(const struct pvn_backend *backend, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
