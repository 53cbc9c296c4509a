/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Permission lists: immutable, shared between nodes by reference count. Entry 0
 * is the owner and everybody's default, the others are exceptions by domain.
 * Parsing, printing and the decision live here; who may change a list does not.
 */
#ifndef STORED_PERMS_H
#define STORED_PERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PERM_NONE = 0,
	PERM_READ = 1,
	PERM_WRITE = 2,
};

struct perm {
	uint16_t domid;
	uint8_t access;		/* PERM_* */
	bool stale;		/* names a domain that did not exist: printed, never honoured */
};

struct perms {
	uint32_t refs;
	uint32_t count;		/* at least 1 */
	struct perm list[];
};

/* On whose behalf something is done. */
struct cred {
	uint16_t domid;
	uint16_t target;	/* acts for this domain as well; == domid when for none */
	bool privileged;
	uint16_t serves;	/* a guest's back-end: has to do with that guest's devices only; 0: none */
};

/* A list of `count` >= 1 entries, with one reference. */
struct perms *perms_new(const struct perm *list, unsigned int count);
struct perms *perms_get(struct perms *perms);
void perms_put(struct perms *perms);	/* NULL is allowed */

/* The same list with another owner, or without the exceptions for `domid`. One reference. */
struct perms *perms_with_owner(struct perms *perms, uint16_t domid);
struct perms *perms_without(const struct perms *perms, uint16_t domid);

/* True when an exception (not the owner entry) names the domain. */
bool perms_mention(const struct perms *perms, uint16_t domid);

/*
 * A set of domains as a mask: two bits each, so it may seem to hold others, too,
 * but never misses one. The root's domain is in none: nobody looks for it.
 */
uint64_t domid_mask(uint16_t domid);
uint64_t perms_mask(const struct perms *perms);	/* owner and exceptions */

/* True when every PERM_* bit of `want` is granted. */
bool perms_allow(const struct perms *perms, const struct cred *cred, unsigned int want);

/* True when the caller may change the list. */
bool perms_owned_by(const struct perms *perms, const struct cred *cred);

/*
 * Parses "n0\0r5\0..." with its last NUL. Returns the list, or NULL with *error
 * EINVAL (malformed) or ENOSPC (more than `max` entries; 0 is no limit).
 */
struct perms *perms_parse(const char *text, size_t len, unsigned int max, int *error);

/* Prints in the same form; returns the bytes used, or 0 when `size` is too small. */
size_t perms_print(const struct perms *perms, char *text, size_t size);

#endif
