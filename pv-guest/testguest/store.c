// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See store.h.
 */
#include "store.h"

#define TIME		(20000 * MSECS)
#define PAUSE		MSECS
#define PAYLOAD		1000u	/* header and payload fit into the page's ring at once */

static char error_text[64];

void store_send(const void *bytes, uint32_t count)
{
	uint32_t at = store_page()->req_prod;

	for (uint32_t i = 0; i < count; i++)
		store_page()->req[(at + i) % PVN_STORE_RING_BYTES] = ((const uint8_t *)bytes)[i];
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	store_page()->req_prod = at + count;
}

/* In pieces: an answer may be longer than the ring. */
static bool take(uint8_t *to, uint32_t count)
{
	uint32_t done = 0;

	while (done < count) {
		uint32_t at = store_page()->rsp_cons;

		if (!wait_until(store_page()->rsp_prod != at, TIME))
			return false;
		for (; done < count && at != store_page()->rsp_prod; done++, at++) {
			uint8_t byte = store_page()->rsp[at % PVN_STORE_RING_BYTES];

			if (to)
				to[done] = byte;
		}
		store_page()->rsp_cons = at;
		ring_doorbell(STORE_CHANNEL);
	}
	return true;
}

bool store_ask(uint32_t type, const char *payload, uint32_t bytes,
	       struct pvn_store_header *answer, char *text, size_t room)
{
	static uint32_t last_id = 6;
	const struct pvn_store_header header = { .type = type, .req_id = ++last_id, .len = bytes };

	if (!wait_until(store_page()->req_prod - store_page()->req_cons == 0, TIME))
		return false;
	store_send(&header, sizeof(header));
	store_send(payload, bytes);
	ring_doorbell(STORE_CHANNEL);
	for (;;) {
		if (!take((uint8_t *)answer, sizeof(*answer)))
			return false;
		if (answer->req_id == header.req_id && answer->type != PVN_STORE_WATCH_EVENT)
			break;
		if (!take(NULL, answer->len))
			return false;
	}
	if (answer->len >= room) {
		take(NULL, answer->len);
		return false;
	}
	text[answer->len] = 0;
	return take((uint8_t *)text, answer->len);
}

bool store_reconnect(void)
{
	store_page()->connection = PVN_STORE_RECONNECT;
	ring_doorbell(STORE_CHANNEL);
	return wait_until(store_page()->connection == PVN_STORE_CONNECTED, TIME);
}

const char *store_error(void)
{
	return error_text;
}

/* A request whose answer is of its own type, or an error. */
static bool succeed(uint32_t type, const char *payload, uint32_t bytes, char *text, size_t room)
{
	struct pvn_store_header answer;

	memcpy(error_text, "no answer", 10);
	if (!store_ask(type, payload, bytes, &answer, text, room))
		return false;
	if (answer.type != PVN_STORE_ERROR) {
		error_text[0] = 0;
		return true;
	}
	memcpy(error_text, text, answer.len < sizeof(error_text) ? answer.len + 1 :
								   sizeof(error_text));
	error_text[sizeof(error_text) - 1] = 0;
	return false;
}

static uint32_t text_length(const char *text)
{
	uint32_t length = 0;

	while (text[length])
		length++;
	return length;
}

bool store_read(const char *path, char *text, size_t room)
{
	return succeed(PVN_STORE_READ, path, text_length(path) + 1, text, room);
}

bool store_write(const char *path, const char *format, ...)
{
	char payload[PAYLOAD], answer[64];
	uint32_t length = text_length(path) + 1;
	va_list arguments;

	if (length + 1 > sizeof(payload))
		test_error("the path is too long for this function");
	memcpy(payload, path, length);
	va_start(arguments, format);
	length += (uint32_t)format_text(payload + length, sizeof(payload) - length, format,
					arguments);
	va_end(arguments);
	return succeed(PVN_STORE_WRITE, payload, length, answer, sizeof(answer));
}

bool store_remove(const char *path)
{
	char answer[64];

	return succeed(PVN_STORE_RM, path, text_length(path) + 1, answer, sizeof(answer));
}

uint64_t store_number(const char *path)
{
	uint64_t number = 0;
	char text[24];
	const char *at;

	if (!store_read(path, text, sizeof(text)) || !text[0])
		return ~0ull;
	for (at = text; *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return *at ? ~0ull : number;
}

bool store_wait_number(const char *path, uint64_t wanted)
{
	uint64_t end = reference_time() + TIME;

	while (reference_time() < end) {
		if (store_number(path) == wanted)
			return true;
		wait_for(PAUSE);
	}
	return false;
}
