// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Events of the hypervisor's log as text and JSON; buffers that lie lead nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pvn/abi/hypercall.h>

#include "tools/decode.h"

/* Of the exact size: one byte too far is found. */
static uint8_t *page;

static int setup(void **state)
{
	struct pvn_eventlog_buffer head = { .bytes = PVN_PAGE_SIZE, .next_offset = sizeof(head),
					    .events_lost = 5 };

	(void)state;
	page = calloc(1, PVN_PAGE_SIZE);
	memcpy(page, &head, sizeof(head));
	return !page;
}

static int teardown(void **state)
{
	(void)state;
	free(page);
	return 0;
}

static void append(unsigned int type, const void *data, size_t bytes)
{
	struct pvn_eventlog_buffer head;
	struct pvn_eventlog_entry entry = { .context = 1, .type = (uint16_t)type, .time = 77,
					    .bytes = (uint16_t)(sizeof(entry) + bytes) };

	memcpy(&head, page, sizeof(head));
	memcpy(page + head.next_offset, &entry, sizeof(entry));
	memcpy(page + head.next_offset + sizeof(entry), data, bytes);
	head.next_offset += entry.bytes;
	memcpy(page, &head, sizeof(head));
}

static void append_call(uint64_t control, uint64_t result, const void *in, uint32_t bytes)
{
	struct pvn_event_call call = { .partition_id = 5, .vp_index = 2, .input_bytes = bytes,
				       .control = control, .result = result };

	if (bytes)
		memcpy(call.input, in, bytes);
	append(PVN_EVENT_CALL, &call, offsetof(struct pvn_event_call, input) + ((bytes + 7) & ~7u));
}

static const char *text_of_next(uint32_t *at)
{
	static char text[512];
	struct event event;

	if (!event_next(page, at, &event))
		return NULL;
	event_describe(&event, text, sizeof(text));
	return text;
}

static void calls_are_told_by_their_row(void **state)
{
	const struct pvn_signal_event_in doorbell = { .connection_id = 3 };
	const struct pvn_create_vp_in vp = { .partition_id = 0x55, .vp_index = 1 };
	uint32_t at = 0;

	(void)state;
	append_call(PVN_CALL_signal_event | PVN_CONTROL_FAST, PVN_STATUS_SUCCESS, &doorbell,
		    sizeof(doorbell));
	append_call(PVN_CALL_create_vp, PVN_STATUS_INVALID_VP_INDEX, &vp, sizeof(vp));
	append_call(pvn_control_rep(PVN_CALL_deposit_memory, 9, 0),
		    PVN_STATUS_OBJECT_IN_USE | 4ull << PVN_RESULT_REPS_SHIFT, &vp.partition_id, 8);
	append_call(0x3fff, PVN_STATUS_INVALID_HYPERCALL_CODE, NULL, 0);
	assert_string_equal(text_of_next(&at), "signal_event(connection_id=3, flag=0) = SUCCESS");
	assert_string_equal(text_of_next(&at), "create_vp(partition_id=0x55, vp_index=1, proximity_id=0, "
			    "proximity_flags=0) = INVALID_VP_INDEX");
	assert_string_equal(text_of_next(&at),
			    "deposit_memory(partition_id=0x55, 4 of 9 elements) = OBJECT_IN_USE");
	assert_string_equal(text_of_next(&at), "call_0x3fff() = INVALID_HYPERCALL_CODE");
	assert_null(text_of_next(&at));
	assert_int_equal(event_lost(page), 5);
}

static void exits_are_told_with_what_they_are_about(void **state)
{
	struct pvn_event_exit exit = { .partition_id = 5, .rip = 0x1000, .rax = 0x40000000, .rcx = 2 };
	uint32_t at = 0;

	(void)state;
	append(PVN_EVENT_EXIT + 4, &exit, sizeof(exit));
	exit.msr = 0x40000001;
	exit.rdx = 1;
	append(PVN_EVENT_EXIT + 6, &exit, sizeof(exit));
	exit.memory.gpa = 0xfee00000;
	exit.memory.access = 2;
	append(PVN_EVENT_EXIT + 9, &exit, sizeof(exit));
	append(PVN_EVENT_EXIT + 200, &exit, sizeof(exit));
	assert_string_equal(text_of_next(&at), "cpuid leaf 0x40000000 subleaf 2 at 0x1000");
	assert_string_equal(text_of_next(&at), "msr_write 0x40000001 = 0x140000000 at 0x1000");
	assert_string_equal(text_of_next(&at), "memory gpa 0xfee00000 write at 0x1000");
	assert_string_equal(text_of_next(&at), "unknown at 0x1000");
	assert_null(text_of_next(&at));
}

static void json_has_the_same(void **state)
{
	const struct pvn_signal_event_in doorbell = { .connection_id = 300, .flag = 1 };
	struct event event;
	uint32_t at = 0;
	json_t *json;

	(void)state;
	append_call(PVN_CALL_signal_event, PVN_STATUS_SUCCESS, &doorbell, sizeof(doorbell));
	assert_true(event_next(page, &at, &event));
	json = event_to_json(&event);
	assert_string_equal(json_string_value(json_object_get(json, "name")), "signal_event");
	assert_string_equal(json_string_value(json_object_get(json, "kind")), "call");
	assert_int_equal(json_integer_value(json_object_get(json, "partition")), 5);
	assert_int_equal(json_integer_value(json_object_get(json, "processor")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "input"),
							    "connection_id")), 300);
	assert_string_equal(json_string_value(json_object_get(json, "status")), "SUCCESS");
	json_decref(json);
}

/* A record is a file, and a file may hold anything. */
static void pages_that_lie_lead_nowhere(void **state)
{
	uint64_t noise = 0x9e3779b97f4a7c15ull;
	struct pvn_eventlog_buffer head;
	struct event event;
	unsigned int events = 0;
	char text[512];

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		uint32_t at = 0;

		for (unsigned int j = 0; j < PVN_PAGE_SIZE; j += 8) {
			uint64_t word;

			noise = noise * 6364136223846793005ull + 1442695040888963407ull;
			word = noise >> 60 ? noise >> 33 & 0x3f : noise;
			memcpy(page + j, &word, sizeof(word));
		}
		memcpy(&head, page, sizeof(head));
		head.next_offset = i % 5 ? PVN_PAGE_SIZE : noise >> 40;
		memcpy(page, &head, sizeof(head));
		/* Entries that could be: sizes and types that there are. */
		for (unsigned int j = sizeof(head); i & 1 && j + 16 < PVN_PAGE_SIZE; j += 104) {
			struct pvn_eventlog_entry entry = {
				.bytes = (uint16_t)(noise >> (j & 31) & 0x7f), .type = 0x18 + j % 24 };

			memcpy(page + j, &entry, sizeof(entry));
		}
		while (event_next(page, &at, &event)) {
			json_t *json = event_to_json(&event);

			event_describe(&event, text, sizeof(text));
			event_describe(&event, text, 10);
			assert_true(strlen(text) < 10);
			json_decref(json);
			events++;
		}
		assert_true(at <= PVN_PAGE_SIZE);
	}
	assert_true(events > 100);
}

#define ON_PAGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_PAGE(calls_are_told_by_their_row),
		ON_PAGE(exits_are_told_with_what_they_are_about),
		ON_PAGE(json_has_the_same),
		ON_PAGE(pages_that_lie_lead_nowhere),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
