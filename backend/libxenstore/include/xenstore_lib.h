/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copyright (C) The Paravane developers
 *
 * What xenstore.h needs besides the handle: permissions, where the daemon is.
 */
#ifndef XENSTORE_LIB_H
#define XENSTORE_LIB_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XS_PERM_NONE		0x00
#define XS_PERM_READ		0x01
#define XS_PERM_WRITE		0x02
/* Of daemons only. */
#define XS_PERM_ENOENT_OK	0x04
#define XS_PERM_OWNER		0x08
#define XS_PERM_IGNORE		0x10

struct xs_permissions {
	unsigned int id;
	unsigned int perms;	/* XS_PERM_* */
};

/* Room for any number of x's type in decimal, with sign and NUL. */
#define MAX_STRLEN(x) ((sizeof(x) * CHAR_BIT + CHAR_BIT - 1) / 10 * 3 + 2)

/*
 * Directory and socket of the daemon: $XENSTORED_RUNDIR, else $PVN_RUNDIR/store,
 * else /run/paravane/store; $XENSTORED_PATH, else "socket" in that directory.
 */
const char *xs_daemon_rundir(void);
const char *xs_daemon_socket(void);
const char *xs_daemon_socket_ro(void);

/* Writes everything. */
bool xs_write_all(int fd, const void *data, unsigned int len);

/* Parses `num` strings, each with its NUL, like "r3". EINVAL for anything else. */
bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num, const char *strings);

#ifdef __cplusplus
}
#endif

#endif
