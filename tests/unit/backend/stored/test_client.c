// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The store client against a real pvn-stored in a directory of its own, and
 * the daemon's control socket with this program as toolstack and guest.
 *
 * usage: test_stored_client PVN_STORED
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libpvn/store_client.h"
#include "libpvn/stored_control.h"
#include "pvn/abi/store.h"
#include "stored_process.h"

static const char *program;
static struct stored_process stored;
static struct pvn_store *store;

static int daemon_start(void **state)
{
	(void)state;
	if (!stored_process_start(&stored, program))
		return -1;
	store = pvn_store_open(NULL);
	return store ? 0 : -1;
}

static int daemon_stop(void **state)
{
	(void)state;
	pvn_store_close(store);
	return stored_process_stop(&stored) ? 0 : -1;
}

static void assert_value(const char *path, const char *wanted)
{
	char *value = pvn_store_read(store, 0, path, NULL);

	assert_non_null(value);
	assert_string_equal(value, wanted);
	free(value);
}

static void values_are_written_formatted_and_read(void **state)
{
	static const char too_long[5000];
	uint64_t number;
	size_t len;
	char *value;

	(void)state;
	assert_int_equal(pvn_store_write(store, 0, "/c/bin", "a\0b", 3), 0);
	value = pvn_store_read(store, 0, "/c/bin", &len);
	assert_int_equal(len, 3);
	assert_memory_equal(value, "a\0b", 4);
	free(value);
	assert_int_equal(pvn_store_printf(store, 0, "/c/n", "%d", 42), 0);
	assert_int_equal(pvn_store_writef(store, 0, "0x10", "/c/%s", "hex"), 0);
	value = pvn_store_readf(store, 0, "/c/%c", 'n');
	assert_string_equal(value, "42");
	free(value);
	assert_int_equal(pvn_store_read_u64(store, 0, "/c/n", &number), 0);
	assert_int_equal(number, 42);
	assert_int_equal(pvn_store_read_u64(store, 0, "/c/hex", &number), 0);
	assert_int_equal(number, 16);
	pvn_store_writef(store, 0, "-1", "/c/n");
	assert_int_equal(pvn_store_read_u64(store, 0, "/c/n", &number), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pvn_store_exists(store, 0, "/c/n"), 1);
	assert_int_equal(pvn_store_rm(store, 0, "/c"), 0);
	assert_int_equal(pvn_store_exists(store, 0, "/c/n"), 0);
	assert_null(pvn_store_read(store, 0, "/c/n", NULL));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(pvn_store_write(store, 0, "/c//", "", 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pvn_store_write(store, 0, "/c", too_long, sizeof(too_long)), -1);
	assert_int_equal(errno, E2BIG);
}

static void directories_of_any_length_are_listed(void **state)
{
	char path[64];
	unsigned int count;
	char **names;

	(void)state;
	assert_int_equal(pvn_store_mkdir(store, 0, "/dir"), 0);
	names = pvn_store_directory(store, 0, "/dir", &count);
	assert_int_equal(count, 0);
	assert_null(names[0]);
	free(names);
	for (int i = 0; i < 2000; i++) {
		sprintf(path, "/dir/name-%05d", i);
		assert_int_equal(pvn_store_mkdir(store, 0, path), 0);
	}
	names = pvn_store_directory(store, 0, "/dir", &count);
	assert_int_equal(count, 2000);
	assert_string_equal(names[0], "name-00000");
	assert_string_equal(names[1999], "name-01999");
	assert_null(names[2000]);
	free(names);
	pvn_store_rm(store, 0, "/dir");
	assert_null(pvn_store_directory(store, 0, "/dir", NULL));
	assert_int_equal(errno, ENOENT);
}

static void permissions_are_set_and_read(void **state)
{
	struct pvn_store_perm *perms;
	unsigned int count;

	(void)state;
	pvn_store_mkdir(store, 0, "/p");
	assert_int_equal(pvn_store_set_perms_text(store, 0, "/p", "n0 r7  b8"), 0);
	perms = pvn_store_get_perms(store, 0, "/p", &count);
	assert_int_equal(count, 3);
	assert_int_equal(perms[2].access, 'b');
	assert_int_equal(perms[2].domid, 8);
	assert_int_equal(pvn_store_set_perms(store, 0, "/p", perms, 1), 0);
	free(perms);
	free(pvn_store_get_perms(store, 0, "/p", &count));
	assert_int_equal(count, 1);
	assert_int_equal(pvn_store_set_perms_text(store, 0, "/p", "q0"), -1);
	assert_int_equal(errno, EINVAL);
}

static void a_conflicting_transaction_must_start_over(void **state)
{
	uint32_t tx;

	(void)state;
	pvn_store_printf(store, 0, "/t", "1");
	assert_int_equal(pvn_store_transaction_start(store, &tx), 0);
	free(pvn_store_read(store, tx, "/t", NULL));
	pvn_store_printf(store, 0, "/t", "2");
	pvn_store_printf(store, tx, "/u", "1");
	assert_int_equal(pvn_store_transaction_end(store, tx, true), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(pvn_store_transaction_start(store, &tx), 0);
	pvn_store_printf(store, tx, "/u", "3");
	assert_int_equal(pvn_store_transaction_end(store, tx, true), 0);
	assert_value("/u", "3");
}

/* Waits on the descriptor as an event loop would. */
static void assert_event(struct pvn_store *from, const char *path, const char *token)
{
	struct pollfd waiting = { .fd = pvn_store_fd(from), .events = POLLIN };
	char *got_path, *got_token;

	if (!pvn_store_events_pending(from))
		assert_int_equal(poll(&waiting, 1, 5000), 1);
	assert_int_equal(pvn_store_next_event(from, &got_path, &got_token), 1);
	assert_string_equal(got_path, path);
	assert_string_equal(got_token, token);
	free(got_path);
	free(got_token);
}

static void events_wait_in_the_handle_or_on_the_descriptor(void **state)
{
	char *path, *token;

	(void)state;
	assert_int_equal(pvn_store_next_event(store, &path, &token), 0);
	assert_int_equal(pvn_store_watch(store, "/e", "tok"), 0);
	assert_int_equal(pvn_store_watch(store, "/e", "tok"), -1);
	assert_int_equal(errno, EEXIST);
	assert_event(store, "/e", "tok");
	pvn_store_printf(store, 0, "/e/x", "1");
	pvn_store_printf(store, 0, "/other", "1");
	assert_event(store, "/e/x", "tok");
	assert_int_equal(pvn_store_next_event(store, &path, &token), 0);
	pvn_store_printf(store, 0, "/e/x", "2");
	assert_int_equal(pvn_store_unwatch(store, "/e", "tok"), 0);
	assert_int_equal(pvn_store_next_event(store, &path, &token), 0);
	assert_int_equal(pvn_store_unwatch(store, "/e", "tok"), -1);
	assert_int_equal(errno, ENOENT);
}

static void waiting_for_a_value_ends_when_it_comes_or_in_time(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(pvn_store_wait_value(store, "/wait", "go", 50), 0);
	pid = fork();
	if (!pid) {
		struct pvn_store *own = pvn_store_open(NULL);

		usleep(100000);
		_exit(pvn_store_printf(own, 0, "/wait", "go") ? 1 : 0);
	}
	assert_int_equal(pvn_store_wait_value(store, "/wait", "go", 5000), 1);
	waitpid(pid, NULL, 0);
}

/* --- the control socket --- */

struct guest {
	int fds[3];
	struct pvn_store_page *page;
};

static struct guest guest_new(unsigned int seals)
{
	struct guest guest;

	guest.fds[0] = memfd_create("store-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(guest.fds[0], 4096), 0);
	fcntl(guest.fds[0], F_ADD_SEALS, seals);
	guest.fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	guest.fds[2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	guest.page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, guest.fds[0], 0);
	assert_ptr_not_equal(guest.page, MAP_FAILED);
	return guest;
}

static void guest_free(struct guest *guest)
{
	munmap(guest->page, 4096);
	for (int i = 0; i < 3; i++)
		close(guest->fds[i]);
}

static int control_ask(uint32_t op, uint32_t domid, const int *fds, unsigned int fd_count)
{
	struct pvn_stored_request request = { PVN_STORED_MAGIC, op, domid, 0 };
	struct pvn_stored_reply reply = { 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { 0 };
	struct iovec piece = { &request, sizeof(request) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	sprintf(address.sun_path, "%s/store/control", stored.rundir);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (fd_count) {
		struct cmsghdr *part = &control.align;

		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(part), fds, fd_count * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &message, 0), sizeof(request));
	assert_int_equal(recv(fd, &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.magic, PVN_STORED_MAGIC);
	close(fd);
	return reply.error;
}

static void guest_ring(struct guest *guest)
{
	const uint64_t one = 1;

	assert_int_equal(write(guest->fds[1], &one, sizeof(one)), sizeof(one));
}

static void guest_put(struct guest *guest, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t prod = guest->page->req_prod;

	for (size_t i = 0; i < len; i++)
		guest->page->req[prod++ % PVN_STORE_RING_BYTES] = bytes[i];
	__atomic_store_n(&guest->page->req_prod, prod, __ATOMIC_RELEASE);
}

static void guest_request(struct guest *guest, uint32_t type, const char *payload, size_t len)
{
	struct pvn_store_header header = { .type = type, .len = len };

	guest_put(guest, &header, sizeof(header));
	guest_put(guest, payload, len);
	guest_ring(guest);
}

/* Waits for the doorbell until `len` bytes of answers are there, and takes them. */
static void guest_get(struct guest *guest, void *data, size_t len)
{
	struct pollfd waiting = { .fd = guest->fds[2], .events = POLLIN };
	uint8_t *bytes = data;
	uint64_t rings;

	for (size_t i = 0; i < len; i++) {
		uint32_t cons = guest->page->rsp_cons;

		while (__atomic_load_n(&guest->page->rsp_prod, __ATOMIC_ACQUIRE) == cons) {
			/* What was taken made room: the rest of a long answer waits for this. */
			guest_ring(guest);
			assert_int_equal(poll(&waiting, 1, 5000), 1);
			if (read(waiting.fd, &rings, sizeof(rings)) < 0)
				assert_int_equal(errno, EAGAIN);
		}
		bytes[i] = guest->page->rsp[cons % PVN_STORE_RING_BYTES];
		__atomic_store_n(&guest->page->rsp_cons, cons + 1, __ATOMIC_RELEASE);
	}
	guest_ring(guest);
}

static void assert_answer(struct guest *guest, uint32_t type, const char *payload, size_t len)
{
	struct pvn_store_header header;
	char data[PVN_STORE_PAYLOAD_MAX];

	guest_get(guest, &header, sizeof(header));
	assert_int_equal(header.type, type);
	assert_int_equal(header.len, len);
	guest_get(guest, data, len);
	assert_memory_equal(data, payload, len);
}

static void assert_word_becomes(const uint32_t *word, uint32_t value)
{
	for (int i = 0; i < 5000 && __atomic_load_n(word, __ATOMIC_ACQUIRE) != value; i++)
		usleep(1000);
	assert_int_equal(*word, value);
}

static void a_guest_speaks_through_its_page_until_released(void **state)
{
	struct guest guest = guest_new(F_SEAL_SHRINK);
	static char big[2000];

	(void)state;
	pvn_store_watch(store, "@introduceDomain", "in");
	pvn_store_watch(store, "@releaseDomain", "out");
	assert_event(store, "@introduceDomain", "in");
	assert_event(store, "@releaseDomain", "out");
	pvn_store_mkdir(store, 0, "/local/domain/3");
	pvn_store_set_perms_text(store, 0, "/local/domain/3", "n3");
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 3, guest.fds, 3), 0);
	assert_event(store, "@introduceDomain", "in");
	assert_int_equal(guest.page->server_features & 3, 3);
	guest_request(&guest, PVN_STORE_WRITE, "x\0value", 7);
	assert_answer(&guest, PVN_STORE_WRITE, "OK", 3);
	assert_value("/local/domain/3/x", "value");
	guest_request(&guest, PVN_STORE_READ, "/tool", 6);
	assert_answer(&guest, PVN_STORE_ERROR, "EACCES", 7);
	/* Larger than the ring: it comes in pieces. */
	assert_int_equal(pvn_store_write(store, 0, "/local/domain/3/big", big, 2000), 0);
	guest_request(&guest, PVN_STORE_READ, "big", 4);
	assert_answer(&guest, PVN_STORE_READ, big, 2000);
	guest_request(&guest, PVN_STORE_WATCH, "x\0t", 4);
	assert_answer(&guest, PVN_STORE_WATCH, "OK", 3);
	assert_answer(&guest, PVN_STORE_WATCH_EVENT, "x\0t", 4);
	pvn_store_printf(store, 0, "/local/domain/3/x", "new");
	assert_answer(&guest, PVN_STORE_WATCH_EVENT, "x\0t", 4);
	assert_int_equal(control_ask(PVN_STORED_RELEASE, 3, NULL, 0), 0);
	assert_event(store, "@releaseDomain", "out");
	assert_int_equal(pvn_store_exists(store, 0, "/local/domain/3"), 0);
	assert_int_equal(control_ask(PVN_STORED_RELEASE, 3, NULL, 0), -ENOENT);
	guest_free(&guest);
}

static void a_guest_that_breaks_the_rules_harms_itself_and_may_reconnect(void **state)
{
	struct guest guest = guest_new(F_SEAL_SHRINK | F_SEAL_GROW);
	struct pvn_store_header header = { .type = PVN_STORE_READ, .len = 4097 };

	(void)state;
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 4, guest.fds, 3), 0);
	guest_put(&guest, &header, sizeof(header));
	guest_ring(&guest);
	assert_word_becomes(&guest.page->error, PVN_STORE_RING_PROTOCOL);
	guest.page->req_prod += 5000;
	guest.page->connection = PVN_STORE_RECONNECT;
	guest_ring(&guest);
	assert_word_becomes(&guest.page->connection, PVN_STORE_CONNECTED);
	assert_int_equal(guest.page->error, 0);
	guest_request(&guest, PVN_STORE_GET_DOMAIN_PATH, "4", 2);
	assert_answer(&guest, PVN_STORE_GET_DOMAIN_PATH, "/local/domain/4", 16);
	guest.page->req_prod += 2000;
	guest_ring(&guest);
	assert_word_becomes(&guest.page->error, PVN_STORE_RING_INDEX);
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 4, guest.fds, 3), 0);
	assert_int_equal(guest.page->error, 0);
	guest_request(&guest, PVN_STORE_GET_DOMAIN_PATH, "4", 2);
	assert_answer(&guest, PVN_STORE_GET_DOMAIN_PATH, "/local/domain/4", 16);
	assert_int_equal(control_ask(PVN_STORED_RELEASE, 4, NULL, 0), 0);
	guest_free(&guest);
}

static void wrong_introductions_are_refused(void **state)
{
	struct guest sealed = guest_new(F_SEAL_SHRINK), open = guest_new(0);
	int five[5] = { sealed.fds[0], sealed.fds[1], sealed.fds[2], sealed.fds[0],
			sealed.fds[0] };
	int eventfd_as_page[3] = { sealed.fds[1], sealed.fds[1], sealed.fds[2] };

	(void)state;
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 5, open.fds, 3), -EPERM);
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 5, sealed.fds, 2), -EINVAL);
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 5, five, 5), -EINVAL);
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 5, eventfd_as_page, 3), -EINVAL);
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 0, sealed.fds, 3), -EINVAL);
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 0x7ff0, sealed.fds, 3), -EINVAL);
	assert_int_equal(control_ask(99, 5, NULL, 0), -EINVAL);
	assert_int_equal(ftruncate(sealed.fds[0], 8192), 0);
	assert_int_equal(control_ask(PVN_STORED_INTRODUCE, 5, sealed.fds, 3), -EINVAL);
	assert_int_equal(control_ask(PVN_STORED_RELEASE, 5, NULL, 0), -ENOENT);
	guest_free(&sealed);
	guest_free(&open);
}

/* Keeps the daemon busy with one connection's requests until killed. */
static void flood(void)
{
	static struct pvn_store_header requests[2048];
	static char replies[65536];
	int fd = pvn_store_fd(pvn_store_open(NULL));
	ssize_t sent = 0;

	/* TRANSACTION_END of no transaction: the shortest request, answered by an error. */
	for (size_t i = 0; i < 2048; i++)
		requests[i].type = PVN_STORE_TRANSACTION_END;
	for (;;) {
		ssize_t got = send(fd, (char *)requests + sent, sizeof(requests) - sent,
				   MSG_DONTWAIT);

		if (got > 0)
			sent = (sent + got) % (ssize_t)sizeof(requests);
		while (recv(fd, replies, sizeof(replies), MSG_DONTWAIT) > 0)
			;
	}
}

static void a_flood_of_requests_does_not_starve_others(void **state)
{
	pid_t pids[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			alarm(20);
			flood();
		}
	}
	usleep(100000);
	alarm(15);
	for (int i = 0; i < 200; i++)
		assert_int_equal(pvn_store_exists(store, 0, "/tool"), 1);
	alarm(0);
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

static void a_lost_daemon_is_reported_not_waited_for(void **state)
{
	struct pvn_store *own = pvn_store_open(NULL);
	int fd = pvn_store_fd(own);
	char *path, *token;

	(void)state;
	shutdown(fd, SHUT_RDWR);
	assert_int_equal(pvn_store_next_event(own, &path, &token), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_null(pvn_store_read(own, 0, "/", NULL));
	assert_int_equal(errno, ENOTCONN);
	pvn_store_close(own);
	assert_null(pvn_store_open("/nonexistent/socket"));
	assert_int_equal(errno, ENOENT);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_written_formatted_and_read),
		cmocka_unit_test(directories_of_any_length_are_listed),
		cmocka_unit_test(permissions_are_set_and_read),
		cmocka_unit_test(a_conflicting_transaction_must_start_over),
		cmocka_unit_test(events_wait_in_the_handle_or_on_the_descriptor),
		cmocka_unit_test(waiting_for_a_value_ends_when_it_comes_or_in_time),
		cmocka_unit_test(a_guest_speaks_through_its_page_until_released),
		cmocka_unit_test(a_guest_that_breaks_the_rules_harms_itself_and_may_reconnect),
		cmocka_unit_test(wrong_introductions_are_refused),
		cmocka_unit_test(a_flood_of_requests_does_not_starve_others),
		cmocka_unit_test(a_lost_daemon_is_reported_not_waited_for),
	};

	if (argc != 2)
		return 2;
	program = argv[1];
	return cmocka_run_group_tests_name("store client", tests, daemon_start, daemon_stop);
}
