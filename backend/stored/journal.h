/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What survives the daemon's death: two files, mapped shared, one of them
 * current. Each holds an image of the store (image.h) and behind it a log of
 * everything that went into the store since: bytes received, how many requests
 * were carried out, bytes sent, connections that came and went. The store is a
 * function of these, so image and log together are the store.
 *
 * The process may be killed between any two instructions. A record counts from
 * the store to `log_used` on. Bytes received or sent are counted by the kernel
 * itself, in the same system call that moves them (recvmmsg, sendmmsg), into a
 * slot of the file: no instruction of ours lies between moving and counting.
 * Power failure is not survived; nor are the guests.
 */
#ifndef STORED_JOURNAL_H
#define STORED_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "image.h"

enum record_type {
	RECORD_OPEN = 1,	/* struct record_open; a program connected */
	RECORD_CLOSE,		/* its connection ended */
	RECORD_INPUT,		/* bytes received */
	RECORD_RUN,		/* uint32_t: requests carried out */
	RECORD_SENT,		/* uint32_t: bytes of output sent */
	RECORD_INTRODUCE,	/* struct record_introduce */
	RECORD_RELEASE,		/* uint32_t: domid, by the toolstack's socket */
	RECORD_RESET,		/* struct record_ring: a guest reconnected */
	RECORD_FAIL,		/* uint32_t: why a guest's page was given up */
};

struct record {
	uint32_t type;
	uint32_t len;		/* of data; the next record begins at a multiple of 8 */
	uint64_t conn_id;	/* 0 where there is none */
	uint8_t data[];
};

struct record_open {
	int32_t fd;
	uint32_t serves;	/* of struct cred */
};

struct record_ring {
	uint32_t req_cons, rsp_prod;
};

struct record_introduce {
	uint16_t domid, target;
	int32_t fds[3];		/* page, doorbell in, doorbell out */
	struct record_ring ring;
};

/* Who the daemon is, for the program that takes over. Descriptors are in the shared table. */
struct journal_owner {
	int32_t pid_fd, socket_fd, control_fd;
	uint8_t foreground, verbose;
	char dir[128];			/* <rundir>/store */
	char program[256];
	char boot_id[40];
};

struct journal;

/*
 * Opens both files in `dir`, made if need be. *found tells that they hold a state
 * of this boot and format. NULL + errno.
 */
struct journal *journal_open(const char *dir, bool *found);
struct journal *journal_adopt(int fd0, int fd1, bool *found);	/* open already */
void journal_reload(struct journal *journal, bool *found);	/* after another process wrote */
void journal_close(struct journal *journal);
void journal_remove(const char *dir);
int journal_fd(const struct journal *journal, int which);	/* 0 or 1 */

struct journal_owner *journal_owner(struct journal *journal);

/* The image, and the log behind it: records in order, NULL at the end. */
struct image_reader journal_image(const struct journal *journal);
const struct record *journal_next(const struct journal *journal, const struct record *last);

/* True when the log lost something (no room): only the tree can be relied on. */
bool journal_is_incomplete(const struct journal *journal);

/* Completes the record of a system call in which the process was killed. Once, at the start. */
void journal_finish_call(struct journal *journal);

void journal_append(struct journal *journal, enum record_type type, uint64_t conn_id,
		    const void *data, size_t len);

/* As recv() and sendmsg() without waiting, with their records. */
ssize_t journal_recv(struct journal *journal, uint64_t conn_id, int fd, void *data, size_t room);
ssize_t journal_send(struct journal *journal, uint64_t conn_id, int fd,
		     const struct iovec *pieces, unsigned int count);

/* Whose requests are being carried out: whom to suspect if that kills the process. */
void journal_set_running(struct journal *journal, uint64_t conn_id);
uint64_t journal_running(const struct journal *journal);

/* Time for a new image? And making one, with `save` writing it; false when there is no room. */
bool journal_wants_image(const struct journal *journal, uint64_t now_us);
bool journal_new_image(struct journal *journal, uint64_t now_us,
		       void (*save)(void *arg, struct image_writer *writer), void *arg);

#endif
