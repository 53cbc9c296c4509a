// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A store that was saved and loaded goes on as if nothing had happened. Two
 * stores get the same requests; one is replaced by its image ever again; both
 * must answer alike, byte for byte.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

enum { CONNS = 5, FIRST_GUEST = 3, STEPS = 20000, OUTPUT_MAX = 1 << 16 };

static bool grow(struct image_writer *writer, size_t bytes)
{
	writer->room = 2 * writer->room + bytes;
	writer->base = realloc(writer->base, writer->room);
	return writer->base;
}

static struct store *reborn(struct store *store)
{
	struct image_writer writer = { .grow = grow };
	struct store *successor = store_new(STORE_HASH_BUCKETS);
	struct image_reader reader;

	store_save(store, &writer);
	assert_false(writer.failed);
	store_free(store);
	reader = (struct image_reader){ writer.base, writer.used, false };
	assert_true(store_load(successor, &reader));
	assert_int_equal(reader.left, 0);
	free(writer.base);
	return successor;
}

/* One of two stores that live the same life. */
struct life {
	struct store *store;
	uint64_t ids[CONNS];
};

static struct conn *life_conn(struct life *life, unsigned int number)
{
	return conn_find(life->store, life->ids[number]);
}

static void life_begin(struct life *life)
{
	life->store = store_new(STORE_HASH_BUCKETS);
	for (unsigned int i = 0; i < CONNS; i++) {
		struct conn *conn;

		if (i < 2)
			conn = conn_new(life->store, domain_get(life->store, 0), true);
		else
			conn = domain_introduce(life->store, FIRST_GUEST + i,
						FIRST_GUEST + i)->conn;
		life->ids[i] = conn->id;
	}
}

/* Takes up to `max` bytes of a connection's output. */
static size_t life_read(struct life *life, unsigned int number, uint8_t *bytes, size_t max)
{
	struct conn *conn = life_conn(life, number);
	struct iovec piece;
	size_t sum = 0;

	while (sum < max && conn_output(conn, &piece, 1)) {
		size_t len = piece.iov_len < max - sum ? piece.iov_len : max - sum;

		memcpy(bytes + sum, piece.iov_base, len);
		conn_output_done(conn, len);
		sum += len;
	}
	return sum;
}

static const char *const paths[] = {
	"/", "/a", "/a/b", "/a/b/c", "/a/d", "/local/domain/5", "/local/domain/5/x",
	"/local/domain/6/y", "rel", "rel/z", "@releaseDomain", "bad//path",
};

static const char *const perms[] = { "n0", "r0", "b0", "n5", "n6", "b5" };

static const char *any_path(void)
{
	return paths[rand() % (sizeof(paths) / sizeof(paths[0]))];
}

static const char *any_perm(void)
{
	return perms[rand() % (sizeof(perms) / sizeof(perms[0]))];
}

/* Half of the requests are in one of the transactions begun last. */
static size_t any_request(uint8_t *bytes, uint32_t last_tx_id)
{
	static const uint32_t types[] = {
		PVN_STORE_DIRECTORY, PVN_STORE_READ, PVN_STORE_GET_PERMS, PVN_STORE_WATCH,
		PVN_STORE_UNWATCH, PVN_STORE_TRANSACTION_START, PVN_STORE_TRANSACTION_END,
		PVN_STORE_WRITE, PVN_STORE_WRITE, PVN_STORE_WRITE, PVN_STORE_MKDIR, PVN_STORE_RM,
		PVN_STORE_SET_PERMS, PVN_STORE_RESET_WATCHES, PVN_STORE_DIRECTORY_PART,
	};
	struct pvn_store_header header = {
		.type = types[rand() % (sizeof(types) / sizeof(types[0]))],
		.req_id = rand(),
		.tx_id = rand() % 2 ? 0 : last_tx_id - rand() % 3,
	};
	char *payload = (char *)bytes + sizeof(header);

	switch (header.type) {
	case PVN_STORE_TRANSACTION_START:
		header.tx_id = 0;
		header.len = 1;
		payload[0] = '\0';
		break;
	case PVN_STORE_TRANSACTION_END:
		header.tx_id = last_tx_id - rand() % 3;
		header.len = 1 + sprintf(payload, rand() % 4 ? "T" : "F");
		break;
	case PVN_STORE_WATCH:
	case PVN_STORE_UNWATCH:
		header.len = 1 + sprintf(payload, "%s%ct%d", any_path(), 0, rand() % 3);
		break;
	case PVN_STORE_SET_PERMS:
		header.len = 1 + sprintf(payload, "%s%c%s%c%s", any_path(), 0, any_perm(), 0,
					 any_perm());
		break;
	case PVN_STORE_WRITE:
		header.len = sprintf(payload, "%s%cvalue %d", any_path(), 0, rand() % 4);
		break;
	case PVN_STORE_DIRECTORY_PART:
		header.len = 1 + sprintf(payload, "%s%c0", any_path(), 0);
		break;
	default:
		header.len = header.type == PVN_STORE_RESET_WATCHES && rand() % 8 ?
			0 : 1 + sprintf(payload, "%s", any_path());
	}
	memcpy(bytes, &header, sizeof(header));
	return sizeof(header) + header.len;
}

static void life_send(struct life *life, unsigned int number, const uint8_t *bytes, size_t len)
{
	struct conn *conn = life_conn(life, number);
	unsigned int budget = 100;
	size_t room;
	uint8_t *space = conn_input_space(conn, &room);

	assert_true(len <= room);
	memcpy(space, bytes, len);
	conn->in_len += len;
	life->store->now_us += 100000;
	conn_process(conn, &budget);
}

static void life_release(struct life *life, unsigned int number)
{
	uint16_t domid = FIRST_GUEST + number;

	domain_release(life->store, domid);
	life->ids[number] = domain_introduce(life->store, domid, domid)->conn->id;
}

static void compare_output(struct life *lives, unsigned int number, size_t max)
{
	static uint8_t bytes[2][OUTPUT_MAX];
	size_t len[2];

	for (int i = 0; i < 2; i++)
		len[i] = life_read(&lives[i], number, bytes[i], max);
	assert_int_equal(len[0], len[1]);
	assert_memory_equal(bytes[0], bytes[1], len[0]);
}

static void a_store_and_its_image_answer_alike(void **state)
{
	static const size_t some[] = { 1, 7, 40, 300, OUTPUT_MAX };
	uint8_t request[256];
	struct life lives[2];

	(void)state;
	srand(20);
	life_begin(&lives[0]);
	life_begin(&lives[1]);
	for (int step = 0; step < STEPS; step++) {
		unsigned int number = rand() % CONNS;
		size_t len = any_request(request, life_conn(&lives[0], number)->last_tx_id);
		size_t first = rand() % (len + 1);

		/* So that no input has to wait for room, and none is left behind. */
		if (life_conn(&lives[0], number)->out_replies > 10)
			compare_output(lives, number, OUTPUT_MAX);
		for (int i = 0; i < 2; i++) {
			life_send(&lives[i], number, request, first);
			if (i && rand() % 8 == 0)
				lives[i].store = reborn(lives[i].store);
			life_send(&lives[i], number, request + first, len - first);
			if (i && rand() % 8 == 0)
				lives[i].store = reborn(lives[i].store);
		}
		compare_output(lives, number, some[rand() % 5]);
		if (step % 2000 == 1999) {
			life_release(&lives[0], 2 + step / 2000 % 3);
			life_release(&lives[1], 2 + step / 2000 % 3);
		}
	}
	assert_true(lives[1].store->conflict_count > 3);
	assert_true(lives[1].store->coalesced_count > 10);
	assert_int_equal(lives[0].store->request_count, lives[1].store->request_count);
	for (int i = 0; i < 2; i++)
		store_free(lives[i].store);
}

static void an_image_cut_short_is_refused(void **state)
{
	struct fixture *f = *state;
	struct image_writer writer = { .grow = grow };

	ASK(f->root, WRITE, "/a/b\0value");
	ASK(f->root, WATCH, "/a\0t\0");
	start(f->root);
	ASK_TX(f->root, start(f->root), WRITE, "/a/c\0v");
	store_save(f->store, &writer);
	for (size_t len = 0; len < writer.used; len++) {
		/* A copy of that size, so that the sanitizer sees what is read behind it. */
		uint8_t *copy = malloc(len ? len : 1);
		struct image_reader reader = { memcpy(copy, writer.base, len), len, false };
		struct store *store = store_new(STORE_HASH_BUCKETS);

		assert_false(store_load(store, &reader));
		store_free(store);
		free(copy);
	}
	free(writer.base);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_and_its_image_answer_alike),
		cmocka_unit_test_setup_teardown(an_image_cut_short_is_refused, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests_name("stored image", tests, NULL, NULL);
}
