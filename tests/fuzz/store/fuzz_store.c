// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * libFuzzer target for the store: a local program and two guests send requests,
 * raw bytes, read or do not read their answers, come and go. Afterwards the
 * accounting of every domain must agree with the tree; the sanitizers watch the
 * rest. Use store.dict as dictionary.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "image.h"
#include "ring.h"
#include "store.h"

/* Few buckets: they are made anew for every input, and what shares one is tried, too. */
enum { GUESTS = 2, FIRST_GUEST = 3, BUCKETS = 16 };

/*
 * Taking over costs as much as hundreds of requests. Neither text nor digits look like it,
 * and an input that has found out how goes on to something else after a few.
 */
enum { TAKE_OVER = 0xef, SUCCESSORS_MAX = 4 };

struct input {
	const uint8_t *data;
	size_t len;
};

static uint8_t take(struct input *input)
{
	if (!input->len)
		return 0;
	input->len--;
	return *input->data++;
}

static void drain(struct conn *conn)
{
	struct iovec pieces[8];
	unsigned int count;

	while ((count = conn_output(conn, pieces, 8)))
		for (unsigned int i = 0; i < count; i++)
			conn_output_done(conn, pieces[i].iov_len);
}

static void feed(struct conn *conn, const void *bytes, size_t len)
{
	unsigned int budget = 100;
	size_t room;
	uint8_t *space = conn_input_space(conn, &room);

	if (len > room)
		len = room;
	memcpy(space, bytes, len);
	conn->in_len += len;
	if (conn_process(conn, &budget) == CONN_BROKEN)
		conn_reset(conn);
	/* Like an ever later time: nobody is paused for long. */
	conn->store->now_us += 1000;
}

static void send_request(struct conn *conn, struct input *input)
{
	uint8_t bytes[sizeof(struct pvn_store_header) + 256];
	struct pvn_store_header header = {
		.type = take(input) % 30,
		.tx_id = take(input) % 4,
		.len = take(input),
	};

	if (header.len > input->len)
		header.len = input->len;
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), input->data, header.len);
	input->data += header.len;
	input->len -= header.len;
	feed(conn, bytes, sizeof(header) + header.len);
}

static struct conn *guest_conn(struct store *store, unsigned int number)
{
	uint16_t domid = FIRST_GUEST + number % GUESTS;

	if (!domain_is_known(store, domid))
		domain_introduce(store, domid, domid);
	return domain_find(store, domid)->conn;
}

static bool grow(struct image_writer *writer, size_t bytes)
{
	writer->room = 2 * writer->room + bytes;
	writer->base = realloc(writer->base, writer->room);
	return writer->base;
}

/*
 * Another process takes over: a store made of this one's image. The image of
 * that must have the same size, for it holds the same things.
 */
static struct store *take_over(struct store *store, struct conn **root)
{
	struct image_writer writer = { .grow = grow }, again = { .grow = grow };
	uint64_t root_id = (*root)->id;
	struct image_reader reader;
	struct store *successor;

	store_save(store, &writer);
	store_free(store);
	successor = store_new(BUCKETS);
	reader = (struct image_reader){ writer.base, writer.used, false };
	if (!store_load(successor, &reader) || reader.left)
		abort();
	store_save(successor, &again);
	if (again.used != writer.used)
		abort();
	free(writer.base);
	free(again.base);
	*root = conn_find(successor, root_id);
	return successor;
}

static void step(struct store *store, struct conn *root, struct input *input)
{
	uint8_t what = take(input);
	struct conn *conn = what & 1 ? root : guest_conn(store, what >> 1);
	size_t len;

	switch (what >> 4) {
	case 0:
		len = take(input);
		len = len < input->len ? len : input->len;
		feed(conn, input->data, len);
		input->data += len;
		input->len -= len;
		break;
	case 1:
		domain_release(store, FIRST_GUEST + take(input) % GUESTS);
		break;
	case 2:
		drain(conn);
		break;
	default:
		send_request(conn, input);
	}
}

/* Nothing may name a domain that is gone. */
static void assert_unnamed(void *arg, const struct node *node, const char *path, size_t len)
{
	(void)arg;
	(void)path;
	(void)len;
	for (unsigned int i = 0; i < GUESTS; i++)
		if (node->perms->list[0].domid == FIRST_GUEST + i ||
		    perms_mention(node->perms, FIRST_GUEST + i))
			abort();
}

static void check(struct store *store, struct conn *root)
{
	static const struct pvn_store_header header = { .type = PVN_STORE_CONTROL, .len = 6 };
	uint8_t bytes[sizeof(header) + 6];
	struct iovec piece;

	conn_reset(root);
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), "check", 6);
	feed(root, bytes, sizeof(bytes));
	if (conn_output(root, &piece, 1) != 1 ||
	    memcmp((uint8_t *)piece.iov_base + sizeof(header), "OK", 3)) {
		fputs("accounting and tree disagree\n", stderr);
		abort();
	}
	for (unsigned int i = 0; i < GUESTS; i++)
		domain_release(store, FIRST_GUEST + i);
	tree_walk(store->top, "", 0, assert_unnamed, NULL);
	conn_reset(root);
	if (store->txn_count || store->watch_count)
		abort();
}

/*
 * What is freed waits in a queue that every execution would push through fresh memory: a
 * short queue stays in the cache, and holds more than an execution frees.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:thread_local_quarantine_size_kb=64";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct hash_state same = { 0 };
	struct input input = { data, len };
	unsigned int successors = 0;
	struct store *store = store_new(BUCKETS);
	struct conn *root = conn_new(store, domain_get(store, 0), true);

	hash_restore(&same);	/* trees have the same shape whenever the input is met */
	while (input.len) {
		if ((input.data[0] | 1) == TAKE_OVER && successors++ < SUCCESSORS_MAX)
			store = take_over(store, &root);
		step(store, root, &input);
	}
	check(store, root);
	store_free(store);
	return 0;
}
