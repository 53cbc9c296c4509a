// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See fixture.h.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 1 << 20 };

static char event_text[OUTPUT_MAX];
static char reply_text[2 * PVN_STORE_PAYLOAD_MAX];

int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->store = store_new(STORE_HASH_BUCKETS);
	fixture->root = another_socket(fixture);
	event_text[0] = '\0';
	*state = fixture;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_accounting_is_right(fixture);
	store_free(fixture->store);
	free(fixture);
	return 0;
}

struct conn *another_socket(struct fixture *fixture)
{
	return conn_new(fixture->store, domain_get(fixture->store, 0), true);
}

struct conn *guest(struct fixture *fixture, uint16_t domid)
{
	char payload[64];
	int len;

	if (!domain_is_known(fixture->store, domid)) {
		domain_introduce(fixture->store, domid, domid);
		len = sprintf(payload, "/local/domain/%u%c", domid, 0);
		ask(fixture->root, PVN_STORE_MKDIR, 0, payload, len);
		len = sprintf(payload, "/local/domain/%u%cn%u%c", domid, 0, domid, 0);
		ask(fixture->root, PVN_STORE_SET_PERMS, 0, payload, len);
	}
	return domain_find(fixture->store, domid)->conn;
}

static void show(char *text, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = bytes[i] ? (char)bytes[i] : '|';
	text[len] = '\0';
}

/* Takes the oldest message; events are appended to event_text, replies shown in reply_text. */
static bool take_message(struct conn *conn)
{
	const struct message *message = STAILQ_FIRST(&conn->out);
	struct pvn_store_header header;
	const uint8_t *payload;

	if (!message)
		return false;
	memcpy(&header, message->data, sizeof(header));
	payload = message->data + sizeof(header);
	assert_int_equal(message->len, sizeof(header) + header.len);
	if (header.type == PVN_STORE_WATCH_EVENT) {
		const char *path = (const char *)payload;

		if (strlen(event_text) + header.len + 4 < sizeof(event_text))
			sprintf(event_text + strlen(event_text), "%s=%s ", path,
				path + strlen(path) + 1);
	} else {
		reply_text[0] = '!';
		show(reply_text + (header.type == PVN_STORE_ERROR), payload, header.len);
	}
	conn_output_done(conn, message->len);
	return true;
}

enum conn_state feed(struct conn *conn, const void *bytes, size_t len)
{
	unsigned int budget = 1000;
	size_t room;
	uint8_t *space = conn_input_space(conn, &room);

	assert_true(len <= room);
	memcpy(space, bytes, len);
	conn->in_len += len;
	return conn_process(conn, &budget);
}

const char *ask(struct conn *conn, uint32_t type, uint32_t tx, const char *payload, size_t len)
{
	uint8_t bytes[sizeof(struct pvn_store_header) + PVN_STORE_PAYLOAD_MAX];
	struct pvn_store_header header = { .type = type, .tx_id = tx, .len = len, .req_id = 7 };

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), payload, len);
	strcpy(reply_text, "(no reply)");
	assert_int_equal(feed(conn, bytes, sizeof(header) + len), CONN_WANTS_INPUT);
	while (take_message(conn))
		;
	return reply_text;
}

const char *events(struct conn *conn)
{
	static char shown[OUTPUT_MAX];

	while (take_message(conn))
		;
	strcpy(shown, event_text);
	event_text[0] = '\0';
	return shown;
}

uint32_t start(struct conn *conn)
{
	return strtoul(ASK(conn, TRANSACTION_START, "\0"), NULL, 10);
}

const char *commit(struct conn *conn, uint32_t tx)
{
	return ASK_TX(conn, tx, TRANSACTION_END, "T\0");
}

void assert_accounting_is_right(struct fixture *fixture)
{
	assert_string_equal(ASK(fixture->root, CONTROL, "check\0"), "OK|");
}
