// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See engine.h. liburing's calls are kept here, so that another engine (NBD)
 * can stand beside this one.
 */
#include "blkd/engine.h"

#include <errno.h>
#include <poll.h>

enum {
	SUBMISSIONS = 1024,
	COMPLETIONS = 8192,
};

int engine_open(struct engine *engine, int image)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN,
		.cq_entries = COMPLETIONS,
	};
	int error;

	engine->image = image;
	engine->queued = 0;
	error = io_uring_queue_init_params(SUBMISSIONS, &engine->ring, &params);
	if (error == -EINVAL) {		/* Linux before 5.19 */
		params = (struct io_uring_params){
			.flags = IORING_SETUP_CQSIZE, .cq_entries = COMPLETIONS,
		};
		error = io_uring_queue_init_params(SUBMISSIONS, &engine->ring, &params);
	}
	return error;
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

void engine_start(struct engine *engine, const struct blk_work *work, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);

	if (work->op == PVN_BLK_FLUSH)
		io_uring_prep_fsync(sqe, engine->image, IORING_FSYNC_DATASYNC);
	else if (work->op == PVN_BLK_READ)
		io_uring_prep_readv(sqe, engine->image, work->iov, work->iov_count, work->offset);
	else
		io_uring_prep_writev2(sqe, engine->image, work->iov, work->iov_count,
				      work->offset, work->fua ? RWF_DSYNC : 0);
	io_uring_sqe_set_data(sqe, token);
}

void engine_listen(struct engine *engine, int fd, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);

	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	io_uring_sqe_set_data(sqe, token);
}

void engine_poll(struct engine *engine, int fd, struct engine_token *token)
{
	struct io_uring_sqe *sqe = prepare(engine);

	io_uring_prep_poll_add(sqe, fd, POLLIN);
	io_uring_sqe_set_data(sqe, token);
}

void engine_timer(struct engine *engine, struct engine_token *token)
{
	static struct __kernel_timespec second = { .tv_sec = 1 };
	struct io_uring_sqe *sqe = prepare(engine);

	io_uring_prep_timeout(sqe, &second, 0, 0);
	io_uring_sqe_set_data(sqe, token);
}

void engine_submit(struct engine *engine, bool wait)
{
	if (wait)
		io_uring_submit_and_wait(&engine->ring, 1);
	else if (engine->queued)
		io_uring_submit(&engine->ring);
	/* What a signal or a full completion ring held back stays prepared. */
	engine->queued = io_uring_sq_ready(&engine->ring);
}

struct engine_token *engine_next(struct engine *engine, int *result)
{
	struct engine_token *token;
	struct io_uring_cqe *cqe;

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
