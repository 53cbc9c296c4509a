// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Images behind emulated disks; see emulated_disk.h. A channel has one transfer at a time,
 * so there is always room in the ring.
 */
#include "worker/emulated_disk.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fs.h>

#include "worker/log.h"

enum { SUBMISSIONS = 8 };

static void prepare(struct emulated_disk *disk, struct ide_transfer *transfer,
		    struct io_uring_sqe *sqe)
{
	int image = disk->image[transfer->channel * IDE_DRIVES + transfer->drive];

	if (transfer->kind == IDE_FLUSH)
		io_uring_prep_fsync(sqe, image, IORING_FSYNC_DATASYNC);
	else if (transfer->kind == IDE_READ)
		io_uring_prep_readv(sqe, image, transfer->piece, transfer->piece_count,
				    transfer->offset);
	else
		io_uring_prep_writev2(sqe, image, transfer->piece, transfer->piece_count,
				      transfer->offset, transfer->durable ? RWF_DSYNC : 0);
	io_uring_sqe_set_data(sqe, transfer);
}

void emulated_disk_start(struct emulated_disk *disk, struct ide_transfer *transfer)
{
	prepare(disk, transfer, io_uring_get_sqe(&disk->ring));
	io_uring_submit(&disk->ring);
}

/* What is left of a transfer of which `bytes` are done. */
static void take_off(struct ide_transfer *transfer, uint64_t bytes)
{
	unsigned int skip = 0;

	transfer->offset += bytes;
	while (skip < transfer->piece_count && bytes >= transfer->piece[skip].iov_len)
		bytes -= transfer->piece[skip++].iov_len;
	transfer->piece_count -= skip;
	memmove(transfer->piece, transfer->piece + skip,
		transfer->piece_count * sizeof(transfer->piece[0]));
	if (transfer->piece_count) {
		transfer->piece[0].iov_base = (uint8_t *)transfer->piece[0].iov_base + bytes;
		transfer->piece[0].iov_len -= bytes;
	}
}

static void finish(struct emulated_disk *disk, struct ide_transfer *transfer, int result)
{
	if (result == -EINTR || result == -EAGAIN) {
		emulated_disk_start(disk, transfer);
		return;
	}
	if (result > 0)
		take_off(transfer, result);
	if (result > 0 && transfer->piece_count) {
		emulated_disk_start(disk, transfer);
		return;
	}
	if (result < 0)
		log_line("ide %u: %s", transfer->channel * IDE_DRIVES + transfer->drive,
			 strerror(-result));
	/* Nothing read: the image has become shorter. */
	disk->done(disk->context, transfer->channel,
		   result > 0 || (result == 0 && transfer->kind == IDE_FLUSH));
}

static void has_ended(evutil_socket_t fd, short what, void *context)
{
	struct emulated_disk *disk = context;
	struct io_uring_cqe *cqe;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	while (!io_uring_peek_cqe(&disk->ring, &cqe)) {
		struct ide_transfer *transfer = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&disk->ring, cqe);
		finish(disk, transfer, result);
	}
}

int emulated_disk_create(struct emulated_disk *disk, struct event_base *base,
			 void (*done)(void *context, unsigned int channel, bool ok), void *context)
{
	struct event *event;
	int error = io_uring_queue_init(SUBMISSIONS, &disk->ring, 0);

	disk->done = done;
	disk->context = context;
	disk->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!error)
		error = io_uring_register_eventfd(&disk->ring, disk->ended_fd);
	if (error) {
		errno = -error;
		return -1;
	}
	event = event_new(base, disk->ended_fd, EV_READ | EV_PERSIST, has_ended, disk);
	return event ? event_add(event, NULL) : -1;
}

uint64_t emulated_disk_add(struct emulated_disk *disk, unsigned int unit, int image)
{
	struct stat status;
	uint64_t bytes;

	disk->image[unit] = image;
	if (fstat(image, &status))
		return 0;
	bytes = status.st_size;
	if (S_ISBLK(status.st_mode) && ioctl(image, BLKGETSIZE64, &bytes))
		return 0;
	return bytes;
}
