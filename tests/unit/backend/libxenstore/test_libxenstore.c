// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * libxenstore against a real pvn-stored in a directory of its own, and against
 * a peer that breaks the protocol (this program, on a socket pair of names).
 *
 * usage: test_libxenstore PVN_STORED
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stored_process.h"
#include "xenstore.h"

static const char *program;
static struct stored_process stored;
static char socket_path[TEMPORARY_PATH_MAX + 16];
static struct xs_handle *h;

static int daemon_start(void **state)
{
	(void)state;
	if (!stored_process_start(&stored, program))
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/store/socket", stored.rundir);
	h = xs_open(XS_UNWATCH_FILTER);
	return h ? 0 : -1;
}

static int daemon_stop(void **state)
{
	(void)state;
	xs_close(h);
	return stored_process_stop(&stored) ? 0 : -1;
}

static void assert_value(xs_transaction_t t, const char *path, const char *wanted)
{
	unsigned int len;
	char *value = xs_read(h, t, path, &len);

	assert_non_null(value);
	assert_string_equal(value, wanted);
	assert_int_equal(len, strlen(wanted));
	free(value);
}

static void the_daemon_is_where_the_environment_says(void **state)
{
	(void)state;
	assert_string_equal(xs_daemon_socket(), socket_path);
	setenv("XENSTORED_RUNDIR", "/elsewhere", 1);
	assert_string_equal(xs_daemon_rundir(), "/elsewhere");
	assert_string_equal(xs_daemon_socket_ro(), "/elsewhere/socket");
	setenv("XENSTORED_PATH", "/none", 1);
	assert_string_equal(xs_daemon_socket(), "/none");
	errno = 0;
	assert_null(xs_open(0));
	assert_int_equal(errno, ENOENT);
	unsetenv("XENSTORED_PATH");
	unsetenv("XENSTORED_RUNDIR");
}

static void nodes_are_written_read_listed_and_removed(void **state)
{
	char path[32], **names;
	unsigned int count;

	(void)state;
	assert_true(xs_write(h, XBT_NULL, "/n/a", "one", 3));
	assert_value(XBT_NULL, "/n/a", "one");
	assert_true(xs_mkdir(h, XBT_NULL, "/n/b"));
	assert_null(xs_read(h, XBT_NULL, "/n/c", NULL));
	assert_int_equal(errno, ENOENT);
	for (int i = 0; i < 1000; i++) {
		sprintf(path, "/n/b/name-%05d", i);
		assert_true(xs_mkdir(h, XBT_NULL, path));
	}
	names = xs_directory(h, XBT_NULL, "/n/b", &count);
	assert_int_equal(count, 1000);
	assert_string_equal(names[0], "name-00000");
	assert_string_equal(names[999], "name-00999");
	free(names);
	names = xs_directory(h, XBT_NULL, "/n/a", &count);
	assert_non_null(names);
	assert_int_equal(count, 0);
	free(names);
	assert_null(xs_directory(h, XBT_NULL, "/n/c", &count));
	assert_true(xs_rm(h, XBT_NULL, "/n"));
	assert_true(xs_rm(h, XBT_NULL, "/n"));
	assert_false(xs_rm(h, XBT_NULL, "/n/x/y"));
	assert_false(xs_write(h, XBT_NULL, "/n", program, 5000));
	assert_int_equal(errno, E2BIG);
	assert_false(xs_restrict(h, 1));
}

static void permissions_are_set_and_read(void **state)
{
	struct xs_permissions perms[2] = { { 0, XS_PERM_NONE }, { 7, XS_PERM_WRITE } }, *got;
	unsigned int count;

	(void)state;
	assert_true(xs_mkdir(h, XBT_NULL, "/perms"));
	assert_true(xs_set_permissions(h, XBT_NULL, "/perms", perms, 2));
	got = xs_get_permissions(h, XBT_NULL, "/perms", &count);
	assert_int_equal(count, 2);
	assert_memory_equal(got, perms, sizeof(perms));
	free(got);
	perms[1].perms = XS_PERM_OWNER;
	assert_false(xs_set_permissions(h, XBT_NULL, "/perms", perms, 2));
	assert_int_equal(errno, EINVAL);
	assert_false(xs_strings_to_perms(perms, 1, "x1"));
	assert_false(xs_strings_to_perms(perms, 1, "r"));
	assert_true(xs_strings_to_perms(perms, 2, "b12\0n0x10"));
	assert_int_equal(perms[0].perms, XS_PERM_READ | XS_PERM_WRITE);
	assert_int_equal(perms[1].id, 16);
}

static void transactions_commit_abort_and_conflict(void **state)
{
	xs_transaction_t t = xs_transaction_start(h);

	(void)state;
	assert_int_not_equal(t, XBT_NULL);
	assert_true(xs_write(h, t, "/t/a", "1", 1));
	assert_null(xs_read(h, XBT_NULL, "/t/a", NULL));
	assert_true(xs_transaction_end(h, t, false));
	assert_value(XBT_NULL, "/t/a", "1");
	t = xs_transaction_start(h);
	assert_value(t, "/t/a", "1");
	assert_true(xs_write(h, XBT_NULL, "/t/a", "2", 1));
	assert_true(xs_write(h, t, "/t/b", "x", 1));
	assert_false(xs_transaction_end(h, t, false));
	assert_int_equal(errno, EAGAIN);
	t = xs_transaction_start(h);
	assert_true(xs_rm(h, t, "/t"));
	assert_true(xs_transaction_end(h, t, true));
	assert_value(XBT_NULL, "/t/a", "2");
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd waiting = { fd, POLLIN, 0 };

	return poll(&waiting, 1, timeout_ms) == 1;
}

static void assert_event(struct xs_handle *on, const char *path, const char *token)
{
	unsigned int count;
	char **event = xs_read_watch(on, &count);

	assert_non_null(event);
	assert_int_equal(count, 2);
	assert_string_equal(event[XS_WATCH_PATH], path);
	assert_string_equal(event[XS_WATCH_TOKEN], token);
	free(event);
}

static void events_arrive_and_the_descriptor_tells(void **state)
{
	int fd = xs_fileno(h);

	(void)state;
	assert_null(xs_check_watch(h));
	assert_int_equal(errno, EAGAIN);
	assert_true(xs_watch(h, "/w", "tok"));
	assert_false(xs_watch(h, "/w", "tok"));
	assert_int_equal(errno, EEXIST);
	assert_true(is_readable(fd, 10000));
	assert_event(h, "/w", "tok");
	assert_false(is_readable(fd, 0));
	assert_true(xs_write(h, XBT_NULL, "/w/x", "", 0));
	assert_event(h, "/w/x", "tok");
	assert_true(xs_unwatch(h, "/w", "tok"));
	assert_false(xs_unwatch(h, "/w", "tok"));
}

static void unwatch_with_the_filter_drops_what_is_queued(void **state)
{
	(void)state;
	assert_true(xs_watch(h, "/f", "gone"));
	assert_true(xs_watch(h, "/f", "kept"));
	assert_true(xs_write(h, XBT_NULL, "/f/x", "", 0));
	assert_true(xs_unwatch(h, "/f", "gone"));
	assert_event(h, "/f", "kept");
	assert_event(h, "/f/x", "kept");
	assert_null(xs_check_watch(h));
	assert_true(xs_unwatch(h, "/f", "kept"));
}

static void watch_depth_works_or_falls_back(void **state)
{
	unsigned int features;

	(void)state;
	assert_true(xs_get_features_supported(h, &features));
	assert_int_equal(xs_watch_depth(h, "/d", "depth", 1), !!(features & 4));
	if (features & 4) {
		assert_event(h, "/d", "depth");
		assert_true(xs_write(h, XBT_NULL, "/d/1/2", "", 0));
		assert_true(xs_write(h, XBT_NULL, "/d/1", "", 0));
		assert_event(h, "/d/1", "depth");
		assert_true(xs_unwatch(h, "/d", "depth"));
	}
	assert_true(xs_watch_try_depth(h, "/d", "try", 0));
	assert_event(h, "/d", "try");
	assert_true(xs_unwatch(h, "/d", "try"));
}

static void toolstack_requests_work(void **state)
{
	char *text = xs_get_domain_path(h, 5);
	unsigned int value, count;
	const char **names;

	(void)state;
	assert_string_equal(text, "/local/domain/5");
	free(text);
	assert_true(xs_is_domain_introduced(h, 0));
	assert_false(xs_is_domain_introduced(h, 5));
	assert_false(xs_introduce_domain(h, 5, 1, 2));
	assert_false(xs_release_domain(h, 5));
	assert_false(xs_resume_domain(h, 5));
	assert_false(xs_set_target(h, 5, 6));
	assert_true(xs_set_features_domain(h, 5, 2));
	assert_true(xs_get_features_domain(h, 5, &value));
	assert_int_equal(value, 2);
	names = xs_get_quota_names(h, &count);
	assert_true(count > 5);
	assert_string_equal(names[0], "nodes");
	assert_true(xs_get_global_quota(h, names[count - 1], &value));
	free(names);
	assert_true(xs_set_global_quota(h, "nodes", 77));
	assert_true(xs_get_global_quota(h, "nodes", &value));
	assert_int_equal(value, 77);
	assert_true(xs_set_domain_quota(h, 5, "nodes", 88));
	assert_true(xs_get_domain_quota(h, 5, "nodes", &value));
	assert_int_equal(value, 88);
	assert_false(xs_get_global_quota(h, "nonsense", &value));
	text = xs_debug_command(h, "check", NULL, 0);
	assert_string_equal(text, "OK");
	free(text);
	assert_int_equal(xs_suspend_evtchn_port(5), -1);
	assert_true(xs_write(h, XBT_NULL, "/local/domain/5/device/suspend/event-channel", "42", 2));
	assert_int_equal(xs_suspend_evtchn_port(5), 42);
}

static void paths_are_compared_as_text(void **state)
{
	(void)state;
	assert_true(xs_path_is_subpath("/a", "/a"));
	assert_true(xs_path_is_subpath("/a", "/a/b"));
	assert_false(xs_path_is_subpath("/a", "/ab"));
	assert_false(xs_path_is_subpath("/a/b", "/a"));
}

static void *thread_main(void *arg)
{
	char path[32];

	for (int i = 0; i < 200; i++) {
		sprintf(path, "/thread/%d/%d", *(int *)arg, i);
		if (!xs_write(h, XBT_NULL, path, path, strlen(path)))
			return arg;
	}
	return NULL;
}

static void several_threads_share_a_handle(void **state)
{
	pthread_t threads[4];
	int numbers[4];
	void *failed;

	(void)state;
	for (int i = 0; i < 4; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, thread_main, &numbers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_value(XBT_NULL, "/thread/3/199", "/thread/3/199");
}

static void a_child_can_drop_its_copy(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		xs_daemon_destroy_postfork(h);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_true(xs_write(h, XBT_NULL, "/still", "there", 5));
}

static void a_large_write_is_written_whole(void **state)
{
	int ends[2];
	char bytes[6];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_true(xs_write_all(ends[1], "whole", 6));
	assert_int_equal(read(ends[0], bytes, 6), 6);
	close(ends[0]);
	close(ends[1]);
}

/* A daemon that answers every request with the bytes given, then hangs up. */
static pid_t liar_start(const char *path, const void *bytes, size_t len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), peer;
	char request[64];
	pid_t pid;

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	if (pid) {
		close(fd);
		return pid;
	}
	peer = accept(fd, NULL, NULL);
	if (read(peer, request, sizeof(request)) > 0 && write(peer, bytes, len) < 0)
		_exit(1);
	_exit(0);
}

static void a_peer_that_lies_ends_the_connection_only(void **state)
{
	static const struct xsd_sockmsg lies[] = {
		{ XS_READ, 0, 0, 5000 },		/* too long */
		{ XS_MKDIR, 0, 0, 0 },			/* not what was asked */
		{ XS_READ, 0, 0, 100 },			/* cut off */
		{ XS_WATCH_EVENT, 0, 0, 0 },		/* an event without strings */
		{ 0xffff, 0, 0, 0 },
	};
	char path[TEMPORARY_PATH_MAX + 8];

	(void)state;
	snprintf(path, sizeof(path), "%s/liar", stored.rundir);
	setenv("XENSTORED_PATH", path, 1);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		pid_t pid = liar_start(path, &lies[i], sizeof(lies[i]));
		struct xs_handle *other = xs_open(0);
		unsigned int count;

		assert_non_null(other);
		assert_null(xs_read(other, XBT_NULL, "/x", NULL));
		assert_int_equal(errno, EBADF);
		assert_null(xs_read(other, XBT_NULL, "/x", NULL));
		assert_int_equal(errno, EBADF);
		assert_null(xs_read_watch(other, &count));
		assert_int_equal(errno, EINVAL);
		assert_true(is_readable(xs_fileno(other), 0));
		xs_daemon_close(other);
		waitpid(pid, NULL, 0);
		unlink(path);
	}
	unsetenv("XENSTORED_PATH");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_daemon_is_where_the_environment_says),
		cmocka_unit_test(nodes_are_written_read_listed_and_removed),
		cmocka_unit_test(permissions_are_set_and_read),
		cmocka_unit_test(transactions_commit_abort_and_conflict),
		cmocka_unit_test(paths_are_compared_as_text),
		cmocka_unit_test(a_large_write_is_written_whole),
		cmocka_unit_test(toolstack_requests_work),
		/* From here on a reader thread is there. */
		cmocka_unit_test(events_arrive_and_the_descriptor_tells),
		cmocka_unit_test(unwatch_with_the_filter_drops_what_is_queued),
		cmocka_unit_test(watch_depth_works_or_falls_back),
		cmocka_unit_test(several_threads_share_a_handle),
		cmocka_unit_test(a_child_can_drop_its_copy),
		cmocka_unit_test(a_peer_that_lies_ends_the_connection_only),
	};

	if (argc != 2) {
		fputs("usage: test_libxenstore PVN_STORED\n", stderr);
		return 2;
	}
	program = argv[1];
	return cmocka_run_group_tests_name("libxenstore", tests, daemon_start, daemon_stop);
}
