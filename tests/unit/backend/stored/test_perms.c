// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Permissions, quotas, and what stays of a domain that goes away: nothing.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void a_guest_owns_what_it_creates_in_its_home(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	assert_string_equal(ASK(g, WRITE, "/local/domain/3/a/b\0x"), "OK|");
	assert_string_equal(ASK(g, GET_PERMS, "a/b\0"), "n3|");
	assert_string_equal(ASK(g, WRITE, "/mine\0x"), "!EACCES|");
	assert_string_equal(ASK(g, MKDIR, "/local/domain/4\0"), "!EACCES|");
	assert_string_equal(ASK(g, RM, "/tool\0"), "!EACCES|");
}

static void only_what_is_granted_is_allowed(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3), *h = guest(f, 4);

	ASK(f->root, WRITE, "/n\0v");
	assert_string_equal(ASK(g, READ, "/n\0"), "!EACCES|");
	ASK(f->root, SET_PERMS, "/n\0n0\0r3\0w4\0");
	assert_string_equal(ASK(g, READ, "/n\0"), "v");
	assert_string_equal(ASK(g, WRITE, "/n\0x"), "!EACCES|");
	assert_string_equal(ASK(h, READ, "/n\0"), "!EACCES|");
	assert_string_equal(ASK(h, WRITE, "/n\0x"), "OK|");
	ASK(f->root, SET_PERMS, "/n\0b0\0n3\0");
	assert_string_equal(ASK(g, READ, "/n\0"), "!EACCES|");
	assert_string_equal(ASK(h, WRITE, "/n/m\0x"), "OK|");
	assert_string_equal(ASK(f->root, GET_PERMS, "/n/m\0"), "b4|n3|");
	ASK(f->root, SET_PERMS, "/n\0n0\0r32757\0");
	assert_string_equal(ASK(g, READ, "/n\0"), "x");
}

static void absence_shows_only_where_the_parent_may_be_read(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	ASK(f->root, MKDIR, "/hidden/x\0");
	ASK(f->root, MKDIR, "/shown\0");
	ASK(f->root, SET_PERMS, "/shown\0r0\0");
	assert_string_equal(ASK(g, READ, "/hidden/x\0"), "!EACCES|");
	assert_string_equal(ASK(g, READ, "/hidden/none\0"), "!EACCES|");
	assert_string_equal(ASK(g, READ, "/shown/none\0"), "!ENOENT|");
	assert_string_equal(ASK(g, DIRECTORY, "/hidden/none\0"), "!EACCES|");
	assert_string_equal(ASK(g, RM, "/hidden/none\0"), "!EACCES|");
}

/* XSA-353: the root node has permissions like any other. */
static void xsa_353_the_root_node_is_protected(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	assert_string_equal(ASK(g, DIRECTORY, "/\0"), "!EACCES|");
	assert_string_equal(ASK(g, SET_PERMS, "/\0b3\0"), "!EACCES|");
	assert_string_equal(ASK(g, RM, "/\0"), "!EINVAL|");
	assert_string_equal(ASK(g, WRITE, "/\0x"), "!EACCES|");
}

/* XSA-352: a guest cannot give its nodes to another one. */
static void xsa_352_a_guest_cannot_change_the_owner(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	guest(f, 4);
	ASK(g, WRITE, "a\0x");
	assert_string_equal(ASK(g, SET_PERMS, "a\0n4\0"), "!EPERM|");
	assert_string_equal(ASK(g, SET_PERMS, "a\0n3\0b4\0"), "OK|");
	assert_string_equal(ASK(guest(f, 4), SET_PERMS, "/local/domain/3/a\0n3\0"), "!EACCES|");
	assert_string_equal(ASK(f->root, SET_PERMS, "/local/domain/3/a\0n4\0"), "OK|");
}

static void malformed_permissions_are_invalid(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ASK(f->root, SET_PERMS, "/tool\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, SET_PERMS, "/tool\0n0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, SET_PERMS, "/tool\0x0\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, SET_PERMS, "/tool\0n\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, SET_PERMS, "/tool\0n-1\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, SET_PERMS, "/tool\0n65536\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, SET_PERMS, "/tool\0n0\0\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, SET_PERMS, "/none\0n0\0"), "!ENOENT|");
	assert_string_equal(ASK(guest(f, 3), SET_PERMS,
				"/local/domain/3\0n3\0r1\0r2\0r4\0r5\0r6\0"), "!ENOSPC|");
}

static void a_device_model_acts_for_its_target(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3), *model = guest(f, 4);

	ASK(g, WRITE, "a\0x");
	assert_string_equal(ASK(model, READ, "/local/domain/3/a\0"), "!EACCES|");
	assert_string_equal(ASK(f->root, SET_TARGET, "4\0" "3\0"), "OK|");
	assert_string_equal(ASK(model, READ, "/local/domain/3/a\0"), "x");
	domain_release(f->store, 3);
	assert_int_equal(model->cred.target, 4);
}

/* XSA-322: rights of a domain that is gone are not inherited by the next with its number. */
static void xsa_322_rights_end_with_their_domain(void **state)
{
	struct fixture *f = *state;
	struct conn *g;

	guest(f, 3);
	ASK(f->root, WRITE, "/n\0v");
	ASK(f->root, SET_PERMS, "/n\0n0\0b3\0r4\0");
	domain_release(f->store, 3);
	assert_string_equal(ASK(f->root, GET_PERMS, "/n\0"), "n0|r4|");
	g = guest(f, 3);
	assert_string_equal(ASK(g, READ, "/n\0"), "!EACCES|");
	/* A guest that names a future domain grants it nothing. */
	assert_string_equal(ASK(g, WRITE, "mine\0v"), "OK|");
	assert_string_equal(ASK(g, SET_PERMS, "mine\0n3\0r9\0"), "OK|");
	assert_string_equal(ASK(guest(f, 9), READ, "/local/domain/3/mine\0"), "!EACCES|");
}

/* XSA-419: nodes go away with their owner, wherever they are. */
static void xsa_419_nodes_end_with_their_owner(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3), *h = guest(f, 4);

	ASK(g, SET_PERMS, "/local/domain/3\0n3\0b4\0");
	assert_string_equal(ASK(h, WRITE, "/local/domain/3/parked/x\0v"), "OK|");
	assert_string_equal(ASK(f->root, GET_PERMS, "/local/domain/3/parked\0"), "n4|b4|");
	domain_release(f->store, 4);
	assert_string_equal(ASK(f->root, READ, "/local/domain/3/parked\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, GET_PERMS, "/local/domain/3\0"), "n3|");
	domain_release(f->store, 3);
	assert_string_equal(ASK(f->root, READ, "/local/domain/3\0"), "!ENOENT|");
}

/* XSA-483: nothing is counted against the next domain with the same number. */
static void xsa_483_counters_end_with_their_domain(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 3; round++) {
		struct conn *g = guest(f, 3);
		char payload[64];

		for (int i = 0; i < 999; i++)
			assert_string_equal(ask(g, PVN_STORE_WRITE, 0, payload,
						sprintf(payload, "n%d%cx", i, 0)), "OK|");
		assert_string_equal(ASK(g, WRITE, "more\0x"), "!ENOSPC|");
		ASK(g, WATCH, "n1\0t\0");
		start(g);
		assert_int_equal(domain_release(f->store, 3), 0);
		assert_int_equal(f->store->watch_count, 0);
		assert_int_equal(f->store->txn_count, 0);
	}
}

static void release_of_an_unknown_domain_still_purges(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, WRITE, "/n\0v");
	assert_string_equal(ASK(f->root, SET_PERMS, "/n\0n0\0r8\0"), "OK|");
	assert_string_equal(ASK(f->root, RELEASE, "8\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, GET_PERMS, "/n\0"), "n0|");
}

static void the_root_node_survives_its_owner(void **state)
{
	struct fixture *f = *state;

	guest(f, 3);
	assert_string_equal(ASK(f->root, SET_PERMS, "/\0n3\0r4\0"), "OK|");
	domain_release(f->store, 3);
	assert_string_equal(ASK(f->root, GET_PERMS, "/\0"), "n0|r4|");
	assert_string_equal(ASK(f->root, READ, "/tool\0"), "");
}

/* XSA-272: the number of nodes is really limited, however they are made. */
static void xsa_272_node_quota_is_enforced(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	ASK(f->root, SET_QUOTA, "3\0nodes\0" "4\0");
	assert_string_equal(ASK(g, MKDIR, "a/b/c/d\0"), "!ENOSPC|");
	assert_string_equal(ASK(g, READ, "a\0"), "!ENOENT|");
	assert_string_equal(ASK(g, MKDIR, "a/b/c\0"), "OK|");
	assert_string_equal(ASK(g, WRITE, "d\0"), "!ENOSPC|");
	assert_string_equal(ASK(g, RM, "a/b\0"), "OK|");
	assert_string_equal(ASK(g, WRITE, "d\0"), "OK|");
}

static void node_size_and_memory_are_limited(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	char payload[PVN_STORE_PAYLOAD_MAX] = "big";

	assert_string_equal(ask(g, PVN_STORE_WRITE, 0, payload, 4 + 2049), "!ENOSPC|");
	assert_string_equal(ask(g, PVN_STORE_WRITE, 0, payload, 4 + 2000), "OK|");
	assert_string_equal(ask(f->root, PVN_STORE_WRITE, 0, payload, 4 + 4092), "OK|");
	ASK(f->root, SET_QUOTA, "3\0memory\0" "4000\0");
	assert_string_equal(ask(g, PVN_STORE_WRITE, 0, "big2\0", 5), "OK|");
	memcpy(payload, "bi2", 4);
	assert_string_equal(ask(g, PVN_STORE_WRITE, 0, payload, 4 + 2000), "!ENOSPC|");
	assert_string_equal(ASK(g, WRITE, "big\0small"), "OK|");
}

/* XSA-326 (part): a guest that does not read its replies is not answered further. */
static void xsa_326_unread_replies_stop_the_intake(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	struct pvn_store_header header = { .type = PVN_STORE_TRANSACTION_END };
	enum conn_state conn_state = CONN_WANTS_INPUT;
	int count = 0;

	while (conn_state == CONN_WANTS_INPUT && count++ < 100)
		conn_state = feed(g, &header, sizeof(header));
	assert_int_equal(conn_state, CONN_WANTS_DRAIN);
	assert_int_equal(g->out_replies, 20);
	conn_output_done(g, 100);
	assert_int_equal(feed(g, "", 0), CONN_WANTS_INPUT);
}

/* XSA-418: deep paths must not need deep stacks. */
static void xsa_418_the_deepest_path_is_created_walked_and_removed(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	char path[PVN_STORE_PAYLOAD_MAX] = "/local/domain/3";
	size_t len = strlen(path);

	while (len < 2060) {
		memcpy(path + len, "/a", 3);
		len += 2;
	}
	assert_string_equal(ask(f->root, PVN_STORE_MKDIR, 0, path, len + 1), "OK|");
	assert_accounting_is_right(f);
	assert_string_equal(ask(f->root, PVN_STORE_WATCH, 0, path, len + 2), "OK|");
	assert_string_equal(ASK(g, RM, "a\0"), "OK|");
	assert_string_equal(ask(f->root, PVN_STORE_READ, 0, path, len + 1), "!ENOENT|");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guest_owns_what_it_creates_in_its_home),
		TEST(only_what_is_granted_is_allowed),
		TEST(absence_shows_only_where_the_parent_may_be_read),
		TEST(xsa_353_the_root_node_is_protected),
		TEST(xsa_352_a_guest_cannot_change_the_owner),
		TEST(malformed_permissions_are_invalid),
		TEST(a_device_model_acts_for_its_target),
		TEST(xsa_322_rights_end_with_their_domain),
		TEST(xsa_419_nodes_end_with_their_owner),
		TEST(xsa_483_counters_end_with_their_domain),
		TEST(release_of_an_unknown_domain_still_purges),
		TEST(the_root_node_survives_its_owner),
		TEST(xsa_272_node_quota_is_enforced),
		TEST(node_size_and_memory_are_limited),
		TEST(xsa_326_unread_replies_stop_the_intake),
		TEST(xsa_418_the_deepest_path_is_created_walked_and_removed),
	};

	return cmocka_run_group_tests_name("stored permissions and quotas", tests, NULL, NULL);
}
