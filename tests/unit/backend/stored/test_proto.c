// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The protocol as a client sees it: replies, errors, broken input.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void a_value_is_read_back_as_written(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ASK(f->root, WRITE, "/a/b\0x\0y"), "OK|");
	assert_string_equal(ASK(f->root, READ, "/a/b\0"), "x|y");
	assert_string_equal(ASK(f->root, READ, "/a\0"), "");
	assert_string_equal(ASK(f->root, WRITE, "/a/b\0"), "OK|");
	assert_string_equal(ASK(f->root, READ, "/a/b\0"), "");
}

static void directory_lists_children_by_name(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, MKDIR, "/d/c\0");
	ASK(f->root, MKDIR, "/d/a\0");
	ASK(f->root, MKDIR, "/d/b/x\0");
	assert_string_equal(ASK(f->root, DIRECTORY, "/d\0"), "a|b|c|");
	assert_string_equal(ASK(f->root, DIRECTORY, "/\0"), "d|local|tool|");
	assert_string_equal(ASK(f->root, DIRECTORY, "/d/a\0"), "");
}

static void mkdir_of_an_existing_node_keeps_its_value(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, WRITE, "/a\0value");
	assert_string_equal(ASK(f->root, MKDIR, "/a\0"), "OK|");
	assert_string_equal(ASK(f->root, READ, "/a\0"), "value");
}

static void rm_takes_the_subtree_and_forgives_absence_below_a_parent(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, WRITE, "/a/b/c\0x");
	assert_string_equal(ASK(f->root, RM, "/a/b\0"), "OK|");
	assert_string_equal(ASK(f->root, READ, "/a/b/c\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, RM, "/a/b\0"), "OK|");
	assert_string_equal(ASK(f->root, RM, "/no/b\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, RM, "/\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, RM, "@releaseDomain\0"), "!EINVAL|");
}

static void malformed_paths_are_invalid(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ASK(f->root, READ, ""), "!EINVAL|");
	assert_string_equal(ASK(f->root, READ, "\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, READ, "/a"), "!EINVAL|");
	assert_string_equal(ASK(f->root, READ, "/a//b\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, READ, "/a/\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, READ, "/a+b\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, READ, "@other\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, READ, "/a\0/b\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, WRITE, "@releaseDomain\0x"), "!EINVAL|");
}

static void relative_paths_begin_at_the_callers_home(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	assert_string_equal(ASK(g, WRITE, "data/x\0" "1"), "OK|");
	assert_string_equal(ASK(f->root, READ, "/local/domain/3/data/x\0"), "1");
	ASK(f->root, WRITE, "y\0" "2");
	assert_string_equal(ASK(f->root, READ, "/local/domain/0/y\0"), "2");
}

/* XSA-481: this path once left no error code behind and stopped the daemon. */
static void xsa_481_home_prefix_without_number_is_invalid(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ASK(f->root, READ, "/local/domain/\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, RM, "/local/domain/\0"), "!EINVAL|");
}

static const char *read_path_of_length(struct conn *conn, size_t len)
{
	char path[PVN_STORE_PAYLOAD_MAX];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[len] = '\0';
	return ask(conn, PVN_STORE_READ, 0, path, len + 1);
}

/* XSA-323: limits hold for the absolute path. */
static void xsa_323_path_limits_hold_after_the_home_is_put_in_front(void **state)
{
	struct fixture *f = *state;
	char path[2100];

	assert_string_equal(read_path_of_length(f->root, 2048), "!ENOENT|");
	assert_string_equal(read_path_of_length(f->root, 2049), "!EINVAL|");
	assert_string_equal(read_path_of_length(f->root, 4000), "!EINVAL|");
	memset(path, 'b', sizeof(path));
	path[2049] = '\0';
	assert_string_equal(ask(f->root, PVN_STORE_READ, 0, path, 2050), "!EINVAL|");
}

static void unknown_and_server_messages_are_not_implemented(void **state)
{
	struct fixture *f = *state;
	static const uint32_t types[] = { 15, 16, 20, 27, 99, 0xffff, 0xffffffff };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_string_equal(ask(f->root, types[i], 0, "", 0), "!ENOSYS|");
	assert_string_equal(ASK(f->root, READ, "/tool\0"), "");
}

/* XSA-72: a length beyond the limit ends the connection before anything is stored. */
static void xsa_72_an_oversized_message_breaks_the_connection(void **state)
{
	struct fixture *f = *state;
	struct pvn_store_header header = { .type = PVN_STORE_READ, .len = 4097 };

	assert_int_equal(feed(f->root, &header, sizeof(header)), CONN_BROKEN);
	conn_reset(f->root);
	header.len = 0xffffffff;
	assert_int_equal(feed(f->root, &header, sizeof(header)), CONN_BROKEN);
	conn_reset(f->root);
}

static void a_message_in_single_bytes_is_answered_once(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[22];
	struct pvn_store_header header = { .type = PVN_STORE_READ, .len = 6 };

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), "/tool", 6);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(f->root->out_replies, 0);
		assert_int_equal(feed(f->root, bytes + i, 1), CONN_WANTS_INPUT);
	}
	assert_int_equal(f->root->out_replies, 1);
}

static void a_request_of_no_length_is_answered_at_once(void **state)
{
	struct fixture *f = *state;
	struct pvn_store_header header = { .type = PVN_STORE_TRANSACTION_START };

	assert_int_equal(feed(f->root, &header, sizeof(header)), CONN_WANTS_INPUT);
	assert_int_equal(f->root->out_replies, 1);
}

static void a_long_directory_comes_in_parts(void **state)
{
	struct fixture *f = *state;
	char payload[64], seen[600] = "";
	size_t offset = 0;
	unsigned int names = 0, parts = 0;
	bool last = false;

	for (int i = 0; i < 600; i++)
		ask(f->root, PVN_STORE_MKDIR, 0, payload,
		    1 + sprintf(payload, "/long/name-%05d", i));
	assert_string_equal(ASK(f->root, DIRECTORY, "/long\0"), "!E2BIG|");
	while (!last) {
		const char *reply, *name;
		int len = sprintf(payload, "/long%c%zu", 0, offset) + 1;

		reply = ask(f->root, PVN_STORE_DIRECTORY_PART, 0, payload, len);
		assert_true(reply[0] >= '0' && reply[0] <= '9');
		for (name = strchr(reply, '|') + 1; *name; name += 11) {
			if (*name == '|') {
				last = true;
				break;
			}
			seen[atoi(name + 5)]++;
			offset += 11;
			names++;
		}
		assert_true(++parts < 10);
	}
	assert_int_equal(names, 600);
	for (int i = 0; i < 600; i++)
		assert_int_equal(seen[i], 1);
}

static void domain_requests_are_checked_strictly(void **state)
{
	struct fixture *f = *state;

	guest(f, 5);
	assert_string_equal(ASK(f->root, GET_DOMAIN_PATH, "5\0"), "/local/domain/5|");
	assert_string_equal(ASK(f->root, GET_DOMAIN_PATH, "junk\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, GET_DOMAIN_PATH, "65536\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, IS_DOMAIN_INTRODUCED, "5\0"), "T|");
	assert_string_equal(ASK(f->root, IS_DOMAIN_INTRODUCED, "6\0"), "F|");
	assert_string_equal(ASK(f->root, INTRODUCE, "6\0" "1\0" "2\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, RELEASE, "6\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, RELEASE, "0\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, RESUME, "6\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, RESUME, "5\0"), "OK|");
	assert_string_equal(ASK(f->root, SET_TARGET, "5\0" "6\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, RELEASE, "5\0"), "OK|");
	assert_string_equal(ASK(f->root, IS_DOMAIN_INTRODUCED, "5\0"), "F|");
}

static void privileged_requests_of_a_guest_are_refused(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	static const uint32_t types[] = {
		PVN_STORE_CONTROL, PVN_STORE_INTRODUCE, PVN_STORE_RELEASE,
		PVN_STORE_IS_DOMAIN_INTRODUCED, PVN_STORE_RESUME, PVN_STORE_SET_TARGET,
		PVN_STORE_SET_FEATURE, PVN_STORE_GET_QUOTA, PVN_STORE_SET_QUOTA,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_string_equal(ask(g, types[i], 0, "3\0", 2), "!EACCES|");
}

/* The connection of a process that serves guest 5; made as transport.c does. */
static struct conn *backend_of_guest_5(struct fixture *f)
{
	struct conn *conn = another_socket(f);

	guest(f, 5);
	guest(f, 6);
	ASK(f->root, WRITE, "/local/domain/0/backend/blk/5/0/online\0" "1");
	ASK(f->root, WRITE, "/local/domain/0/backend/blk/6/0/online\0" "1");
	ASK(f->root, WRITE, "/local/domain/5/device/blk/0/state\0" "3");
	ASK(f->root, WRITE, "/local/domain/6/device/blk/0/state\0" "3");
	conn->cred.serves = 5;
	return conn;
}

static void a_back_end_reads_and_writes_what_it_serves(void **state)
{
	struct conn *conn = backend_of_guest_5(*state);
	uint32_t tx;

	assert_string_equal(ASK(conn, READ, "/local/domain/5/device/blk/0/state\0"), "3");
	assert_string_equal(ASK(conn, READ, "/local/domain/0/backend/blk/5/0/online\0"), "1");
	assert_string_equal(ASK(conn, WRITE, "/local/domain/0/backend/blk/5/0/state\0" "4"), "OK|");
	assert_string_equal(ASK(conn, WATCH, "/local/domain/5/device/blk/0/state\0t\0"), "OK|");
	tx = start(conn);
	assert_string_equal(ASK_TX(conn, tx, WRITE, "/local/domain/0/backend/blk/5/0/a\0x"), "OK|");
	assert_string_equal(commit(conn, tx), "OK|");
}

static void a_back_end_has_to_do_with_nothing_else(void **state)
{
	struct conn *conn = backend_of_guest_5(*state);
	uint32_t tx;

	assert_string_equal(ASK(conn, READ, "/local/domain/6/device/blk/0/state\0"), "!EACCES|");
	assert_string_equal(ASK(conn, READ, "/local/domain/0/backend/blk/6/0/online\0"), "!EACCES|");
	assert_string_equal(ASK(conn, READ, "/local/domain/0/backend/blk/55/0/online\0"), "!EACCES|");
	assert_string_equal(ASK(conn, WRITE, "/local/domain/0/backend/blk/6/0/state\0" "4"), "!EACCES|");
	assert_string_equal(ASK(conn, WRITE, "/local/domain/5/device/blk/0/state\0" "6"), "!EACCES|");
	assert_string_equal(ASK(conn, RM, "/local/domain/0/backend/blk/5\0"), "!EACCES|");
	assert_string_equal(ASK(conn, RM, "/local/domain/0\0"), "!EACCES|");
	assert_string_equal(ASK(conn, MKDIR, "/tool/x\0"), "!EACCES|");
	assert_string_equal(ASK(conn, DIRECTORY, "/\0"), "!EACCES|");
	assert_string_equal(ASK(conn, DIRECTORY, "/local/domain\0"), "!EACCES|");
	assert_string_equal(ASK(conn, DIRECTORY, "/local/domain/0/backend\0"), "!EACCES|");
	assert_string_equal(ASK(conn, DIRECTORY, "/local/domain/0/backend/blk\0"), "!EACCES|");
	assert_string_equal(ASK(conn, SET_PERMS, "/local/domain/0/backend/blk/5/0\0b6\0"), "!EACCES|");
	assert_string_equal(ASK(conn, WATCH, "/local/domain/6\0t\0"), "!EACCES|");
	assert_string_equal(ASK(conn, WATCH, "@releaseDomain\0t\0"), "!EACCES|");
	assert_string_equal(ASK(conn, RELEASE, "6\0"), "!EACCES|");
	assert_string_equal(ASK(conn, CONTROL, "check\0"), "!EACCES|");
	tx = start(conn);
	assert_string_equal(ASK_TX(conn, tx, READ, "/local/domain/6/device/blk/0/state\0"), "!EACCES|");
}

static void features_and_quotas_can_be_read_and_set(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ASK(f->root, GET_FEATURE, ""), "15|");
	assert_string_equal(ASK(f->root, SET_FEATURE, "9\0" "1\0"), "OK|");
	assert_string_equal(ASK(f->root, GET_FEATURE, "9\0"), "1|");
	assert_string_equal(ASK(f->root, SET_FEATURE, "9\0" "64\0"), "!EINVAL|");
	guest(f, 9);
	assert_string_equal(ASK(f->root, SET_FEATURE, "9\0" "1\0"), "!EBUSY|");
	assert_non_null(strstr(ASK(f->root, GET_QUOTA, ""), "nodes watches transactions"));
	assert_string_equal(ASK(f->root, GET_QUOTA, "nodes\0"), "1000|");
	assert_string_equal(ASK(f->root, SET_QUOTA, "9\0nodes\0" "5\0"), "OK|");
	assert_string_equal(ASK(f->root, GET_QUOTA, "9\0nodes\0"), "5|");
	assert_string_equal(ASK(f->root, GET_QUOTA, "nodes\0"), "1000|");
	assert_string_equal(ASK(f->root, SET_QUOTA, "nonsense\0" "5\0"), "!EINVAL|");
}

static void control_commands_answer(void **state)
{
	struct fixture *f = *state;

	assert_non_null(strstr(ASK(f->root, CONTROL, "help\0"), "check"));
	assert_string_equal(ASK(f->root, CONTROL, "print\0hello\0"), "OK|");
	assert_string_equal(ASK(f->root, CONTROL, "quota\0set\0watches\0" "7\0"), "OK|");
	assert_string_equal(ASK(f->root, GET_QUOTA, "watches\0"), "7|");
	assert_string_equal(ASK(f->root, CONTROL, "no-such\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, CONTROL, ""), "!EINVAL|");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_is_read_back_as_written),
		TEST(directory_lists_children_by_name),
		TEST(mkdir_of_an_existing_node_keeps_its_value),
		TEST(rm_takes_the_subtree_and_forgives_absence_below_a_parent),
		TEST(malformed_paths_are_invalid),
		TEST(relative_paths_begin_at_the_callers_home),
		TEST(xsa_481_home_prefix_without_number_is_invalid),
		TEST(xsa_323_path_limits_hold_after_the_home_is_put_in_front),
		TEST(unknown_and_server_messages_are_not_implemented),
		TEST(xsa_72_an_oversized_message_breaks_the_connection),
		TEST(a_message_in_single_bytes_is_answered_once),
		TEST(a_request_of_no_length_is_answered_at_once),
		TEST(a_long_directory_comes_in_parts),
		TEST(domain_requests_are_checked_strictly),
		TEST(privileged_requests_of_a_guest_are_refused),
		TEST(a_back_end_reads_and_writes_what_it_serves),
		TEST(a_back_end_has_to_do_with_nothing_else),
		TEST(features_and_quotas_can_be_read_and_set),
		TEST(control_commands_answer),
	};

	return cmocka_run_group_tests_name("stored protocol", tests, NULL, NULL);
}
