/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Paths as clients write them, made absolute and checked once. Everything
 * behind this point works on canonical absolute paths only.
 */
#ifndef STORED_PATH_H
#define STORED_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pvn/abi/store.h"

struct path {
	size_t len;
	size_t home_len;	/* bytes put in front of a relative path, else 0 */
	bool special;		/* "@introduceDomain", "@releaseDomain", or one domain's of these */
	char text[PVN_STORE_ABS_PATH_MAX];
};

/*
 * Resolves `len` bytes (without NUL) for a caller whose home is
 * /local/domain/<domid>. `max` limits what follows a home prefix; 0 is no
 * limit beyond the protocol's. Returns 0 or EINVAL.
 */
int path_resolve(struct path *path, const char *text, size_t len, uint16_t domid, size_t max);

/*
 * Has a process that serves a guest to do with this place? It may read the guest's home and
 * what is said about the guest's devices, and change what is said about one device.
 */
bool path_is_served(const struct path *path, uint16_t domid, bool change);

/* The next name of a canonical path. Start with *pos == 0; false at the end. "/a" is "", "a". */
bool path_next_name(const char *path, size_t len, size_t *pos, const char **name,
		    size_t *name_len);

/* Length of the parent's path: "/a/b" 2, "/a" 1, "/" and special paths 0 (no parent). */
size_t path_parent_len(const char *path, size_t len);

#endif
