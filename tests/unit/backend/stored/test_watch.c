// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Watches: what fires, for whom, how often, and in which order.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void a_watch_fires_once_when_it_is_set(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ASK(f->root, WATCH, "/no/such\0tok\0"), "OK|");
	assert_string_equal(events(f->root), "/no/such=tok ");
	assert_string_equal(ASK(f->root, WATCH, "/no/such\0tok\0"), "!EEXIST|");
	assert_string_equal(ASK(f->root, UNWATCH, "/no/such\0other\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, UNWATCH, "/no/such\0tok\0"), "OK|");
	assert_string_equal(ASK(f->root, UNWATCH, "/no/such\0tok\0"), "!ENOENT|");
	assert_string_equal(ASK(f->root, WATCH, "/a\0t\0" "x\0"), "!EINVAL|");
}

static void every_kind_of_change_at_or_below_fires(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, WATCH, "/a\0t\0");
	events(f->root);
	ASK(f->root, WRITE, "/a\0" "1");
	assert_string_equal(events(f->root), "/a=t ");
	ASK(f->root, WRITE, "/a\0" "1");
	assert_string_equal(events(f->root), "/a=t ");
	ASK(f->root, WRITE, "/a/b/c\0" "1");
	assert_string_equal(events(f->root), "/a/b/c=t ");
	ASK(f->root, SET_PERMS, "/a/b\0r0\0");
	assert_string_equal(events(f->root), "/a/b=t ");
	ASK(f->root, MKDIR, "/a/b\0");
	assert_string_equal(events(f->root), "");
	ASK(f->root, RM, "/a/b\0");
	assert_string_equal(events(f->root), "/a/b=t ");
	ASK(f->root, RM, "/a/b\0");
	assert_string_equal(events(f->root), "");
	ASK(f->root, WRITE, "/ab\0" "1");
	assert_string_equal(events(f->root), "");
}

static void watchers_below_a_removed_node_hear_their_own_path(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, WRITE, "/a/b/c\0" "1");
	ASK(f->root, WATCH, "/a/b/c\0deep\0");
	ASK(f->root, WATCH, "/a/b/none\0missing\0");
	ASK(f->root, WATCH, "/a\0at\0");
	events(f->root);
	ASK(f->root, RM, "/a\0");
	assert_string_equal(events(f->root), "/a=at /a/b/c=deep ");
	ASK(f->root, MKDIR, "/a/b\0");
	assert_string_equal(events(f->root), "/a/b=at ");
}

static void relative_watches_report_relative_paths(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	ASK(g, WATCH, "data\0rel\0");
	ASK(g, WATCH, "/local/domain/3/data\0abs\0");
	events(g);
	ASK(g, WRITE, "data/x\0" "1");
	assert_string_equal(events(g), "data/x=rel /local/domain/3/data/x=abs ");
	assert_string_equal(ASK(g, UNWATCH, "data\0rel\0"), "OK|");
}

static void a_depth_limits_what_is_heard_of(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, WRITE, "/a/b/c\0" "1");
	ASK(f->root, WATCH, "/a\0self\0" "0\0");
	ASK(f->root, WATCH, "/a\0one\0" "1\0");
	ASK(f->root, WATCH, "/\0top\0" "2\0");
	events(f->root);
	ASK(f->root, WRITE, "/a/b/c\0" "2");
	assert_string_equal(events(f->root), "");
	ASK(f->root, WRITE, "/a/b\0" "2");
	assert_string_equal(events(f->root), "/a/b=top /a/b=one ");
	ASK(f->root, WRITE, "/a\0" "2");
	assert_string_equal(events(f->root), "/a=top /a=self /a=one ");
	assert_string_equal(ASK(f->root, UNWATCH, "/a\0one\0"), "OK|");
}

static void one_domain_can_be_followed(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, WATCH, "@releaseDomain\0any\0");
	ASK(f->root, WATCH, "@releaseDomain\0deep\0" "1\0");
	ASK(f->root, WATCH, "@releaseDomain/3\0three\0");
	ASK(f->root, WATCH, "@introduceDomain/4\0four\0");
	assert_string_equal(ASK(f->root, WATCH, "@releaseDomain/x\0t\0"), "!EINVAL|");
	assert_string_equal(ASK(f->root, WATCH, "@releaseDomain/3/4\0t\0"), "!EINVAL|");
	guest(f, 3);
	events(f->root);
	guest(f, 4);
	assert_string_equal(events(f->root), "@introduceDomain/4=four ");
	domain_release(f->store, 3);
	assert_string_equal(events(f->root),
			    "@releaseDomain=any @releaseDomain/3=deep @releaseDomain/3=three ");
	domain_release(f->store, 4);
	assert_string_equal(events(f->root), "@releaseDomain=any @releaseDomain/4=deep ");
}

static void a_guest_without_the_feature_gives_no_depth(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ASK(f->root, SET_FEATURE, "9\0" "3\0"), "OK|");
	assert_string_equal(ASK(guest(f, 9), WATCH, "/a\0t\0" "1\0"), "!EINVAL|");
	assert_string_equal(ASK(guest(f, 8), WATCH, "/a\0t\0" "1\0"), "OK|");
}

static void transactions_fire_at_commit_only(void **state)
{
	struct fixture *f = *state;
	uint32_t tx;

	ASK(f->root, WATCH, "/a\0t\0");
	events(f->root);
	tx = start(f->root);
	ASK_TX(f->root, tx, WRITE, "/a\0" "1");
	ASK_TX(f->root, tx, WRITE, "/a\0" "2");
	ASK_TX(f->root, tx, WRITE, "/a/b\0" "2");
	assert_string_equal(events(f->root), "");
	commit(f->root, tx);
	assert_string_equal(events(f->root), "/a=t /a/b=t ");
	tx = start(f->root);
	ASK_TX(f->root, tx, WRITE, "/a\0" "3");
	ASK_TX(f->root, tx, TRANSACTION_END, "F\0");
	assert_string_equal(events(f->root), "");
}

static void equal_unread_events_are_one(void **state)
{
	struct fixture *f = *state;
	struct conn *reader = another_socket(f);

	ASK(reader, WATCH, "/a\0t\0");
	events(reader);
	for (int i = 0; i < 1000; i++)
		ASK(f->root, WRITE, "/a\0x");
	assert_int_equal(reader->out_events, 1);
	/* Part of it is on its way: the next change needs an event of its own. */
	conn_output_done(reader, 3);
	ASK(f->root, WRITE, "/a\0x");
	ASK(f->root, WRITE, "/a\0x");
	assert_int_equal(reader->out_events, 2);
	conn_reset(reader);
}

static void too_many_unread_events_collapse_to_the_watched_path(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	char payload[64];
	const char *all;

	ASK(f->root, SET_QUOTA, "3\0events\0" "10\0");
	ASK(g, WATCH, "/local/domain/3/d\0t\0");
	events(g);
	for (int i = 0; i < 100; i++)
		ask(f->root, PVN_STORE_WRITE, 0, payload,
		    sprintf(payload, "/local/domain/3/d/%d%cx", i, 0));
	assert_int_equal(g->out_events, 11);
	all = events(g);
	assert_non_null(strstr(all, "/local/domain/3/d/9=t /local/domain/3/d=t "));
}

/* XSA-115: names and changes of nodes that a guest may not read stay unknown to it. */
static void xsa_115_a_guest_hears_of_readable_nodes_only(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	ASK(f->root, WRITE, "/secret/x\0" "1");
	ASK(g, WATCH, "/secret\0t\0");
	ASK(g, WATCH, "/\0root\0");
	ASK(g, WATCH, "@releaseDomain\0rel\0");
	assert_string_equal(events(g), "/secret=t /=root @releaseDomain=rel ");
	ASK(f->root, WRITE, "/secret/x\0" "2");
	ASK(f->root, RM, "/secret/x\0");
	guest(f, 4);
	events(f->root);
	domain_release(f->store, 4);
	assert_string_equal(events(g), "");
	ASK(f->root, WRITE, "/shown\0" "1");
	ASK(f->root, SET_PERMS, "/shown\0r0\0");
	assert_string_equal(events(g), "/shown=root ");
	ASK(f->root, RM, "/shown\0");
	assert_string_equal(events(g), "/shown=root ");
}

static void losing_the_right_to_read_is_the_last_thing_heard(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);

	ASK(f->root, WRITE, "/n\0" "1");
	ASK(f->root, SET_PERMS, "/n\0n0\0r3\0");
	ASK(g, WATCH, "/n\0t\0");
	events(g);
	ASK(f->root, SET_PERMS, "/n\0n0\0");
	assert_string_equal(events(g), "/n=t ");
	ASK(f->root, WRITE, "/n\0" "2");
	assert_string_equal(events(g), "");
}

static void special_watches_tell_of_domains(void **state)
{
	struct fixture *f = *state;

	ASK(f->root, WATCH, "@introduceDomain\0in\0");
	ASK(f->root, WATCH, "@releaseDomain\0out\0");
	events(f->root);
	domain_introduce(f->store, 3, 3);
	assert_string_equal(events(f->root), "@introduceDomain=in ");
	domain_introduce(f->store, 3, 3);
	assert_string_equal(events(f->root), "");
	domain_release(f->store, 3);
	assert_string_equal(events(f->root), "@releaseDomain=out ");
	assert_string_equal(ASK(f->root, SET_PERMS, "@releaseDomain\0n0\0r4\0"), "OK|");
	assert_string_equal(ASK(f->root, GET_PERMS, "@releaseDomain\0"), "n0|r4|");
}

static void a_guest_with_the_right_hears_of_released_domains(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 4);

	ASK(f->root, SET_PERMS, "@releaseDomain\0n0\0r4\0");
	ASK(g, WATCH, "@releaseDomain\0out\0");
	guest(f, 5);
	events(g);
	domain_release(f->store, 5);
	assert_string_equal(events(g), "@releaseDomain=out ");
}

/* XSA-324: an event that does not fit a message is dropped, not sent. */
static void xsa_324_an_event_too_long_for_a_message_is_dropped(void **state)
{
	struct fixture *f = *state;
	char payload[PVN_STORE_PAYLOAD_MAX], path[1500];

	memset(payload, 'x', sizeof(payload));
	memcpy(payload, "/w", 3);
	payload[sizeof(payload) - 1] = '\0';
	assert_string_equal(ask(f->root, PVN_STORE_WATCH, 0, payload, sizeof(payload)), "OK|");
	events(f->root);
	memset(path, 'y', sizeof(path));
	memcpy(path, "/w/", 3);
	path[sizeof(path) - 1] = '\0';
	assert_string_equal(ask(f->root, PVN_STORE_WRITE, 0, path, sizeof(path)), "OK|");
	assert_string_equal(events(f->root), "");
}

/* XSA-326 (part): watches are counted, and what they cost is charged and returned. */
static void xsa_326_watches_are_limited_and_charged(void **state)
{
	struct fixture *f = *state;
	struct conn *g = guest(f, 3);
	const struct quota_use *use = &domain_find(f->store, 3)->use;
	char payload[PVN_STORE_PAYLOAD_MAX];
	int64_t before = use->other_bytes;
	int count = 0;

	for (int i = 0; i < 128; i++)
		assert_string_equal(ask(g, PVN_STORE_WATCH, 0, payload,
					sprintf(payload, "/w%d%ct%c", i, 0, 0)), "OK|");
	assert_string_equal(ASK(g, WATCH, "/more\0t\0"), "!ENOSPC|");
	ASK(g, RESET_WATCHES, "");
	events(g);
	assert_int_equal(use->other_bytes, before);
	/* Deep paths: memory runs out before the count does. */
	for (int i = 0; i < 2000; i += 2)
		memcpy(payload + i, "/a", 2);
	while (count < 128 && ask(g, PVN_STORE_WATCH, 0, payload,
				  2001 + sprintf(payload + 2000, "%ct%d", 0, count))[0] == 'O')
		count++;
	assert_in_range(count, 5, 60);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_watch_fires_once_when_it_is_set),
		TEST(every_kind_of_change_at_or_below_fires),
		TEST(watchers_below_a_removed_node_hear_their_own_path),
		TEST(relative_watches_report_relative_paths),
		TEST(a_depth_limits_what_is_heard_of),
		TEST(one_domain_can_be_followed),
		TEST(a_guest_without_the_feature_gives_no_depth),
		TEST(transactions_fire_at_commit_only),
		TEST(equal_unread_events_are_one),
		TEST(too_many_unread_events_collapse_to_the_watched_path),
		TEST(xsa_115_a_guest_hears_of_readable_nodes_only),
		TEST(losing_the_right_to_read_is_the_last_thing_heard),
		TEST(special_watches_tell_of_domains),
		TEST(a_guest_with_the_right_hears_of_released_domains),
		TEST(xsa_324_an_event_too_long_for_a_message_is_dropped),
		TEST(xsa_326_watches_are_limited_and_charged),
	};

	return cmocka_run_group_tests_name("stored watches", tests, NULL, NULL);
}
