// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See engine.h. liburing's calls are kept here.
 */
#include "blkd/engine.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	SUBMISSIONS = 1024,
	COMPLETIONS = 8192,
	ZERO_BYTES = 1 << 20,
	FILE_IMAGE = 0,		/* index of registered files */
};

#define FIXED_BYTES_MAX (1ull << 30)	/* the kernel's limit for one registered buffer */

static uint8_t zeroes[ZERO_BYTES] __attribute__((aligned(4096)));

/*
 * Disabled: nothing can be submitted before engine_confine(). Completions are made in the
 * system call that submits or waits, at no cost of their own, where Linux can (6.1).
 */
static int open_ring(struct io_uring *ring)
{
	static const unsigned int ways[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,	/* 5.19 */
		0,
	};
	int error = -EINVAL;
	unsigned int i;

	for (i = 0; error == -EINVAL && i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct io_uring_params params = {
			.flags = IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED | ways[i],
			.cq_entries = COMPLETIONS,
		};

		error = io_uring_queue_init_params(SUBMISSIONS, ring, &params);
	}
	return error;
}

int engine_open(struct engine *engine, int image, int alive)
{
	const int files[] = { image, alive };	/* -1: a hole */
	int error;

	engine->image = image;
	engine->queued = 0;
	engine->done = NULL;
	engine->done_end = &engine->done;
	error = open_ring(&engine->ring);
	if (error)
		return error;
	error = io_uring_register_files(&engine->ring, files, 2);
	if (alive >= 0)
		close(alive);
	return error;
}

void engine_fix_memory(struct engine *engine, const struct pvn_guest_memory *memory)
{
	unsigned int count = 0, i;

	for (i = 0; i < memory->count; i++) {
		uint64_t at = 0;

		while (at < memory->region[i].bytes) {
			uint64_t bytes = memory->region[i].bytes - at;

			if (count == sizeof(engine->fixed) / sizeof(engine->fixed[0]))
				return;
			if (bytes > FIXED_BYTES_MAX)
				bytes = FIXED_BYTES_MAX;
			engine->fixed[count++] = (struct iovec){
				.iov_base = memory->region[i].base + at, .iov_len = bytes,
			};
			at += bytes;
		}
	}
	if (!io_uring_register_buffers(&engine->ring, engine->fixed, count))
		engine->fixed_count = count;
}

/*
 * A ring can open files, connect and send, and no system call filter sees it: so it is
 * told what it is for. [io_uring_register(2), IORING_REGISTER_RESTRICTIONS]
 */
int engine_confine(struct engine *engine)
{
	static const uint8_t operations[] = {
		IORING_OP_READV, IORING_OP_READ_FIXED, IORING_OP_WRITEV, IORING_OP_WRITE_FIXED,
		IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_FALLOCATE, IORING_OP_POLL_ADD,
		IORING_OP_TIMEOUT,
	};
	struct io_uring_restriction rules[sizeof(operations) + 1] = {
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE },
	};
	unsigned int i;
	int error;

	for (i = 0; i < sizeof(operations); i++)
		rules[i + 1] = (struct io_uring_restriction){
			.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = operations[i],
		};
	/* liburing 2.3 declares functions for these and lacks them. */
	error = (int)syscall(SYS_io_uring_register, engine->ring.ring_fd,
			     IORING_REGISTER_RESTRICTIONS, rules, sizeof(operations) + 1);
	if (!error)
		error = (int)syscall(SYS_io_uring_register, engine->ring.ring_fd,
				     IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	return error ? -errno : 0;
}

static struct io_uring_sqe *prepare(struct engine *engine)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&engine->ring);

	while (!sqe) {
		engine_submit(engine, false);
		sqe = io_uring_get_sqe(&engine->ring);
	}
	engine->queued++;
	return sqe;
}

/* The registered buffer that holds all of it, or -1. */
static int fixed_index(const struct engine *engine, const struct iovec *iov)
{
	const uint8_t *start = iov->iov_base;
	unsigned int i;

	for (i = 0; i < engine->fixed_count; i++) {
		const uint8_t *base = engine->fixed[i].iov_base;

		if (start >= base && (size_t)(start - base) < engine->fixed[i].iov_len &&
		    iov->iov_len <= engine->fixed[i].iov_len - (size_t)(start - base))
			return (int)i;
	}
	return -1;
}

static void on_image(struct io_uring_sqe *sqe, struct engine_token *token)
{
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, token);
}

void engine_read(struct engine *engine, const struct blk_work *work, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);
	int fixed = work->iov_count == 1 ? fixed_index(engine, work->iov) : -1;

	if (fixed >= 0)
		io_uring_prep_read_fixed(sqe, FILE_IMAGE, work->iov[0].iov_base,
					 (unsigned int)work->iov[0].iov_len, work->offset, fixed);
	else
		io_uring_prep_readv(sqe, FILE_IMAGE, work->iov, work->iov_count, work->offset);
	on_image(sqe, token);
}

void engine_write(struct engine *engine, const struct blk_work *work, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);
	int fixed = work->iov_count == 1 ? fixed_index(engine, work->iov) : -1;

	if (fixed >= 0)
		io_uring_prep_write_fixed(sqe, FILE_IMAGE, work->iov[0].iov_base,
					  (unsigned int)work->iov[0].iov_len, work->offset, fixed);
	else
		io_uring_prep_writev(sqe, FILE_IMAGE, work->iov, work->iov_count, work->offset);
	sqe->rw_flags = work->fua ? RWF_DSYNC : 0;
	on_image(sqe, token);
}

/* As much as one buffer holds; the rest is asked for again. An erased range must be gone at once. */
void engine_write_zeroes(struct engine *engine, const struct blk_work *work,
			 struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);
	unsigned int bytes = work->bytes < ZERO_BYTES ? (unsigned int)work->bytes : ZERO_BYTES;

	io_uring_prep_write(sqe, FILE_IMAGE, zeroes, bytes, work->offset);
	sqe->rw_flags = work->op == PVN_BLK_SECURE_ERASE ? RWF_DSYNC : 0;
	on_image(sqe, token);
}

void engine_sync(struct engine *engine, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);

	io_uring_prep_fsync(sqe, FILE_IMAGE, IORING_FSYNC_DATASYNC);
	on_image(sqe, token);
}

void engine_allocate(struct engine *engine, const struct blk_work *work, int mode,
		     struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);

	io_uring_prep_fallocate(sqe, FILE_IMAGE, mode, (off_t)work->offset, (off_t)work->bytes);
	on_image(sqe, token);
}

void engine_finish(struct engine *engine, struct engine_token *token, int result)
{
	token->result = result;
	token->next = NULL;
	*engine->done_end = token;
	engine->done_end = &token->next;
}

void engine_listen(struct engine *engine, int fd, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);

	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	io_uring_sqe_set_data(sqe, token);
}

void engine_poll(struct engine *engine, int fd, unsigned int events, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);

	io_uring_prep_poll_add(sqe, fd, events);
	io_uring_sqe_set_data(sqe, token);
}

void engine_timer(struct engine *engine, uint64_t ns, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);

	token->pause.tv_sec = (long long)(ns / 1000000000u);
	token->pause.tv_nsec = (long long)(ns % 1000000000u);
	io_uring_prep_timeout(sqe, &token->pause, 0, 0);
	io_uring_sqe_set_data(sqe, token);
}

void engine_submit(struct engine *engine, bool wait)
{
	if (wait && !engine->done)
		io_uring_submit_and_wait(&engine->ring, 1);
	else if (engine->queued)
		io_uring_submit_and_get_events(&engine->ring);
	/* What a signal or a full completion ring held back stays prepared. */
	engine->queued = io_uring_sq_ready(&engine->ring);
}

static struct engine_token *next_done(struct engine *engine, int *result)
{
	struct engine_token *token = engine->done;

	engine->done = token->next;
	if (!engine->done)
		engine->done_end = &engine->done;
	*result = token->result;
	token->ended = true;
	return token;
}

struct engine_token *engine_next(struct engine *engine, int *result)
{
	struct engine_token *token;
	struct io_uring_cqe *cqe;

	if (engine->done)
		return next_done(engine, result);
	if (io_uring_peek_cqe(&engine->ring, &cqe))
		return NULL;
	token = io_uring_cqe_get_data(cqe);
	*result = cqe->res;
	token->ended = !(cqe->flags & IORING_CQE_F_MORE);
	io_uring_cqe_seen(&engine->ring, cqe);
	return token;
}

enum pvn_blk_status engine_status(int error)
{
	switch (error) {
	case 0:
		return PVN_BLK_OK;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return PVN_BLK_NO_SPACE;
	case EROFS:
	case EBADF:	/* opened for reading only */
		return PVN_BLK_READ_ONLY;
	case EOPNOTSUPP:
		return PVN_BLK_UNSUPPORTED;
	default:
		return PVN_BLK_IO_ERROR;
	}
}
