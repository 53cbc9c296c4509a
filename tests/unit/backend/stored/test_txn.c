// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Transactions: the table of conflicts, isolation, atomicity.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	ASK(f->root, WRITE, "/A\0old");
	ASK(f->root, WRITE, "/B\0old");
	ASK(f->root, WRITE, "/D/e\0old");
	return 0;
}

static void changes_are_seen_inside_only_until_commit(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, WRITE, "/A\0new");
	ASK_TX(f->root, tx, MKDIR, "/N/n\0");
	assert_string_equal(ASK_TX(f->root, tx, READ, "/A\0"), "new");
	assert_string_equal(ASK(f->root, READ, "/A\0"), "old");
	assert_string_equal(ASK(f->root, READ, "/N\0"), "!ENOENT|");
	assert_string_equal(commit(f->root, tx), "OK|");
	assert_string_equal(ASK(f->root, READ, "/A\0"), "new");
	assert_string_equal(ASK(f->root, READ, "/N/n\0"), "");
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, RM, "/A\0");
	ASK_TX(f->root, tx, WRITE, "/N\0x");
	assert_string_equal(ASK_TX(f->root, tx, TRANSACTION_END, "F\0"), "OK|");
	assert_string_equal(ASK(f->root, READ, "/A\0"), "old");
	assert_string_equal(ASK(f->root, READ, "/N\0"), "!ENOENT|");
	assert_string_equal(commit(f->root, tx), "!ENOENT|");
}

static void reads_see_the_state_at_the_start(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK(f->root, WRITE, "/A\0new");
	ASK(f->root, RM, "/B\0");
	assert_string_equal(ASK_TX(f->root, tx, READ, "/A\0"), "old");
	assert_string_equal(ASK_TX(f->root, tx, READ, "/B\0"), "old");
	assert_string_equal(commit(f->root, tx), "OK|");
}

static void what_was_read_and_changed_elsewhere_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	assert_string_equal(ASK_TX(f->root, tx, READ, "/A\0"), "old");
	ASK(f->root, WRITE, "/A\0new");
	ASK_TX(f->root, tx, WRITE, "/A\0mine");
	assert_string_equal(commit(f->root, tx), "!EAGAIN|");
	assert_string_equal(ASK(f->root, READ, "/A\0"), "new");
	assert_string_equal(commit(f->root, tx), "!ENOENT|");
}

static void the_same_bytes_written_elsewhere_are_no_conflict(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, READ, "/A\0");
	ASK_TX(f->root, tx, WRITE, "/B\0mine");
	ASK(f->root, WRITE, "/A\0old");
	assert_string_equal(commit(f->root, tx), "OK|");
}

static void blind_writes_are_no_conflict(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, WRITE, "/A\0mine");
	ASK(f->root, WRITE, "/A\0theirs");
	assert_string_equal(commit(f->root, tx), "OK|");
	assert_string_equal(ASK(f->root, READ, "/A\0"), "mine");
}

static void a_listed_directory_that_grew_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, DIRECTORY, "/D\0");
	ASK_TX(f->root, tx, WRITE, "/B\0mine");
	ASK(f->root, MKDIR, "/D/x\0");
	assert_string_equal(commit(f->root, tx), "!EAGAIN|");
}

static void a_read_only_transaction_never_conflicts(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, DIRECTORY, "/D\0");
	ASK_TX(f->root, tx, READ, "/A\0");
	ASK_TX(f->root, tx, READ, "/Z\0");
	ASK(f->root, WRITE, "/A\0new");
	ASK(f->root, MKDIR, "/D/x\0");
	ASK(f->root, MKDIR, "/Z\0");
	assert_string_equal(commit(f->root, tx), "OK|");
}

static void siblings_created_by_two_transactions_merge(void **state)
{
	struct fixture *f = *state;
	struct conn *other = another_socket(f);
	uint32_t one = start(f->root), two = start(other);

	ASK_TX(f->root, one, WRITE, "/D/one\0" "1");
	ASK_TX(other, two, WRITE, "/D/two\0" "2");
	assert_string_equal(commit(f->root, one), "OK|");
	assert_string_equal(commit(other, two), "OK|");
	assert_string_equal(ASK(f->root, DIRECTORY, "/D\0"), "e|one|two|");
}

static void removal_and_a_write_below_merge(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, RM, "/D\0");
	ASK(f->root, WRITE, "/D/e\0new");
	assert_string_equal(commit(f->root, tx), "OK|");
	assert_string_equal(ASK(f->root, READ, "/D\0"), "!ENOENT|");
}

static void created_and_removed_inside_is_nothing(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, WRITE, "/X\0x");
	ASK_TX(f->root, tx, RM, "/X\0");
	ASK(f->root, WRITE, "/B\0new");
	assert_string_equal(commit(f->root, tx), "OK|");
	assert_string_equal(ASK(f->root, READ, "/X\0"), "!ENOENT|");
}

static void transaction_ids_belong_to_their_connection(void **state)
{
	struct fixture *f = *state;
	struct conn *other = another_socket(f);
	uint32_t tx = start(f->root);

	assert_string_equal(ASK_TX(other, tx, READ, "/A\0"), "!ENOENT|");
	assert_string_equal(commit(other, tx), "!ENOENT|");
	assert_string_equal(ASK_TX(f->root, tx, TRANSACTION_START, "\0"), "!EBUSY|");
	assert_string_equal(ASK_TX(f->root, tx, TRANSACTION_END, "X\0"), "!EINVAL|");
	assert_string_equal(ASK_TX(f->root, tx, TRANSACTION_END, "T"), "!EINVAL|");
	assert_string_equal(ASK(f->root, TRANSACTION_END, "T\0"), "!ENOENT|");
	assert_string_equal(commit(f->root, tx), "OK|");
}

/* XSA-484 (and XSA-330): watches reset inside a transaction. */
static void xsa_484_reset_watches_ends_transactions_quietly(void **state)
{
	struct fixture *f = *state;
	uint32_t tx = start(f->root);

	ASK_TX(f->root, tx, WRITE, "/A\0new");
	ASK(f->root, WATCH, "/A\0t\0");
	assert_string_equal(ASK_TX(f->root, tx, RESET_WATCHES, "\0"), "OK|");
	assert_string_equal(commit(f->root, tx), "!ENOENT|");
	assert_int_equal(f->store->watch_count, 0);
	assert_int_equal(f->store->txn_count, 0);
	assert_string_equal(ASK(f->root, READ, "/A\0"), "old");
}

/* XSA-421: removing and creating in one transaction is judged by the net effect. */
static void xsa_421_node_quota_holds_inside_transactions(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	uint32_t tx;

	ASK(f->root, SET_QUOTA, "3\0nodes\0" "4\0");
	ASK(g, WRITE, "a\0");
	ASK(g, WRITE, "b\0");
	tx = start(g);
	ASK_TX(g, tx, RM, "a\0");
	assert_string_equal(ASK_TX(g, tx, WRITE, "c\0"), "OK|");
	assert_string_equal(ASK_TX(g, tx, WRITE, "d\0"), "OK|");
	assert_string_equal(ASK_TX(g, tx, WRITE, "e\0"), "!ENOSPC|");
	assert_string_equal(commit(g, tx), "OK|");
	assert_string_equal(ASK(g, DIRECTORY, "/local/domain/3\0"), "b|c|d|");
}

/* Two transactions that fit one by one do not fit together: the second must fail whole. */
static void a_commit_that_would_break_the_quota_is_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	uint32_t one, two;

	ASK(f->root, SET_QUOTA, "3\0nodes\0" "3\0");
	one = start(g);
	two = start(g);
	ASK_TX(g, one, WRITE, "a\0");
	ASK_TX(g, one, WRITE, "b\0");
	ASK_TX(g, two, WRITE, "c\0");
	ASK_TX(g, two, WRITE, "d\0");
	assert_string_equal(commit(g, one), "OK|");
	assert_string_equal(commit(g, two), "!EAGAIN|");
	assert_string_equal(ASK(g, DIRECTORY, "/local/domain/3\0"), "a|b|");
}

/* XSA-440: a node that a transaction touched is removed outside of it. */
static void xsa_440_removal_outside_never_makes_use_negative(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	uint32_t tx;

	ASK(g, WRITE, "a/b\0x");
	tx = start(g);
	ASK_TX(g, tx, RM, "a/b\0");
	ASK(f->root, RM, "/local/domain/3/a\0");
	assert_string_equal(commit(g, tx), "!EAGAIN|");
	assert_int_equal(domain_find(f->store, 3)->use.nodes, 1);
}

/* XSA-417: a domain that is gone does not come back with a transaction that knew it. */
static void xsa_417_a_released_domains_nodes_do_not_return(void **state)
{
	struct fixture *f = *state;
	uint32_t tx;

	guest(f, 3);
	tx = start(f->root);
	assert_string_equal(ASK_TX(f->root, tx, SET_PERMS, "/A\0n3\0"), "OK|");
	domain_release(f->store, 3);
	assert_string_equal(commit(f->root, tx), "!EAGAIN|");
	assert_string_equal(ASK(f->root, GET_PERMS, "/A\0"), "n0|");
}

static void transaction_quota_counts_open_ones(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	uint32_t tx = 0;

	for (int i = 0; i < 10; i++)
		tx = start(g);
	assert_string_equal(ASK(g, TRANSACTION_START, "\0"), "!ENOSPC|");
	ASK_TX(g, tx, TRANSACTION_END, "F\0");
	assert_true(start(g) != 0);
}

/* XSA-206: a guest whose writes make others start over has to slow down. */
static void xsa_206_a_guest_pays_for_changes_while_others_have_transactions(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	uint32_t tx;

	f->store->now_us = 1000000;
	for (int i = 0; i < 50; i++)
		ASK(g, WRITE, "a\0x");
	assert_int_equal(conn_pause_us(g), 0);
	tx = start(f->root);
	for (int i = 0; i < 11; i++)
		ASK(g, WRITE, "a\0x");
	assert_true(conn_pause_us(g) > 0);
	f->store->now_us += 20000;
	assert_int_equal(conn_pause_us(g), 0);
	assert_string_equal(commit(f->root, tx), "OK|");
}

/* Many interleaved transactions against a plain model: a commit is as if it ran at its end. */
static void random_increments_are_never_lost(void **state)
{
	struct fixture *f = *state;
	struct conn *conns[4];
	uint32_t tx[4] = { 0 };
	char value[32], payload[64];
	int seen[4] = { 0 }, committed = 0;

	ASK(f->root, WRITE, "/n\0" "0");
	for (int i = 0; i < 4; i++)
		conns[i] = another_socket(f);
	srand(1);
	for (int step = 0; step < 4000; step++) {
		int who = rand() % 4;

		if (!tx[who]) {
			tx[who] = start(conns[who]);
			seen[who] = atoi(ASK_TX(conns[who], tx[who], READ, "/n\0"));
			sprintf(value, "%d", seen[who] + 1);
			ask(conns[who], PVN_STORE_WRITE, tx[who], payload,
			    sprintf(payload, "/n%c%s", 0, value));
		} else {
			committed += commit(conns[who], tx[who])[0] == 'O';
			tx[who] = 0;
		}
	}
	assert_int_equal(atoi(ASK(f->root, READ, "/n\0")), committed);
	assert_true(committed > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(changes_are_seen_inside_only_until_commit),
		TEST(an_aborted_transaction_leaves_nothing),
		TEST(reads_see_the_state_at_the_start),
		TEST(what_was_read_and_changed_elsewhere_is_a_conflict),
		TEST(the_same_bytes_written_elsewhere_are_no_conflict),
		TEST(blind_writes_are_no_conflict),
		TEST(a_listed_directory_that_grew_is_a_conflict),
		TEST(a_read_only_transaction_never_conflicts),
		TEST(siblings_created_by_two_transactions_merge),
		TEST(removal_and_a_write_below_merge),
		TEST(created_and_removed_inside_is_nothing),
		TEST(transaction_ids_belong_to_their_connection),
		TEST(xsa_484_reset_watches_ends_transactions_quietly),
		TEST(xsa_421_node_quota_holds_inside_transactions),
		TEST(a_commit_that_would_break_the_quota_is_all_or_nothing),
		TEST(xsa_440_removal_outside_never_makes_use_negative),
		TEST(xsa_417_a_released_domains_nodes_do_not_return),
		TEST(transaction_quota_counts_open_ones),
		TEST(xsa_206_a_guest_pays_for_changes_while_others_have_transactions),
		TEST(random_increments_are_never_lost),
	};

	return cmocka_run_group_tests_name("stored transactions", tests, NULL, NULL);
}
