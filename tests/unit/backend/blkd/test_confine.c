// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What pvn-blkd's io_uring instance refuses once it is confined (backend/blkd/engine.c): a
 * filter of system calls does not see what a ring does.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "blkd/engine.h"

static struct engine engine;

/* The result of one operation by itself. */
static int result_of(const struct io_uring_sqe *wanted)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&engine.ring);
	struct io_uring_cqe *cqe;
	int result;

	assert_non_null(sqe);
	*sqe = *wanted;
	assert_int_equal(io_uring_submit(&engine.ring), 1);
	assert_int_equal(io_uring_wait_cqe(&engine.ring, &cqe), 0);
	result = cqe->res;
	io_uring_cqe_seen(&engine.ring, cqe);
	return result;
}

static int set_up(void **state)
{
	(void)state;
	return engine_open(&engine, -1, -1) || engine_confine(&engine) ? -1 : 0;
}

static void a_confined_ring_opens_and_sends_nothing(void **state)
{
	static const uint8_t operations[] = {
		IORING_OP_OPENAT, IORING_OP_OPENAT2, IORING_OP_STATX, IORING_OP_SOCKET,
		IORING_OP_CONNECT, IORING_OP_ACCEPT, IORING_OP_SEND, IORING_OP_SENDMSG,
		IORING_OP_RENAMEAT, IORING_OP_UNLINKAT, IORING_OP_LINKAT, IORING_OP_SPLICE,
		IORING_OP_EPOLL_CTL, IORING_OP_PROVIDE_BUFFERS, IORING_OP_NOP,
	};
	struct io_uring_sqe sqe;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(operations); i++) {
		memset(&sqe, 0, sizeof(sqe));
		sqe.opcode = operations[i];
		sqe.fd = -1;
		assert_int_equal(result_of(&sqe), -EACCES);
	}
}

static void a_confined_ring_does_its_work(void **state)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_FSYNC, .fd = -1 };

	(void)state;
	assert_int_equal(result_of(&sqe), -EBADF);
}

static void restrictions_cannot_be_lifted(void **state)
{
	(void)state;
	assert_true(engine_confine(&engine) < 0);
	assert_true(io_uring_register_files(&engine.ring, (const int[]){ 0 }, 1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_confined_ring_opens_and_sends_nothing),
		cmocka_unit_test(a_confined_ring_does_its_work),
		cmocka_unit_test(restrictions_cannot_be_lifted),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
