// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Events as text; see decode.h.
 */
#include "tools/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <pvn/abi/expand.h>

#define NO_SUCH_EXIT	"unknown"
#define CALL_FIXED_BYTES (offsetof(struct pvn_event_call, input))

struct text {
	char *at;
	size_t room;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int bytes;

	va_start(arguments, format);
	bytes = vsnprintf(text->at, text->room, format, arguments);
	va_end(arguments);
	if (bytes < 0)
		return;
	if ((size_t)bytes >= text->room)
		bytes = text->room ? (int)text->room - 1 : 0;
	text->at += bytes;
	text->room -= (size_t)bytes;
}

static bool take(struct event *event, const struct pvn_eventlog_entry *entry, const uint8_t *data)
{
	size_t bytes = entry->bytes - sizeof(*entry);

	*event = (struct event) {
		.type = entry->type, .processor = entry->context, .time = entry->time };
	if (entry->type == PVN_EVENT_CALL) {
		if (bytes < CALL_FIXED_BYTES)
			return false;
		memcpy(&event->call, data, bytes < sizeof(event->call) ? bytes : sizeof(event->call));
		return event->call.input_bytes <= bytes - CALL_FIXED_BYTES &&
		       event->call.input_bytes <= PVN_EVENT_INPUT_BYTES;
	}
	if (entry->type < PVN_EVENT_EXIT || bytes < sizeof(event->exit))
		return false;
	memcpy(&event->exit, data, sizeof(event->exit));
	return true;
}

bool event_next(const uint8_t *page, uint32_t *at, struct event *event)
{
	struct pvn_eventlog_buffer head;
	struct pvn_eventlog_entry entry;

	memcpy(&head, page, sizeof(head));
	if (head.next_offset > PVN_PAGE_SIZE)
		return false;
	if (*at < sizeof(head))
		*at = sizeof(head);
	while (*at + sizeof(entry) <= head.next_offset) {
		const uint8_t *data = page + *at + sizeof(entry);

		memcpy(&entry, page + *at, sizeof(entry));
		if (entry.bytes < sizeof(entry) || entry.bytes > head.next_offset - *at)
			return false;
		*at += entry.bytes;
		if (take(event, &entry, data))
			return true;
	}
	return false;
}

uint32_t event_lost(const uint8_t *page)
{
	struct pvn_eventlog_buffer head;

	memcpy(&head, page, sizeof(head));
	return head.events_lost;
}

bool event_is_call(const struct event *event)
{
	return event->type == PVN_EVENT_CALL;
}

uint64_t event_partition(const struct event *event)
{
	return event_is_call(event) ? event->call.partition_id : event->exit.partition_id;
}

unsigned int event_vp(const struct event *event)
{
	return event_is_call(event) ? event->call.vp_index : event->exit.vp_index;
}

static const struct pvn_call_info *find_call(uint64_t control)
{
	for (size_t i = 0; i < PVN_CALL_COUNT; i++)
		if (pvn_calls[i].code == (control & PVN_CONTROL_CODE_MASK))
			return &pvn_calls[i];
	return NULL;
}

/* Exits have the names of their counters. */
static const char *exit_name(unsigned int reason)
{
	bool found = false;

	for (size_t i = 0; i < PVN_STATS_ROW_COUNT; i++) {
		const struct pvn_stats_row *row = &pvn_stats_rows[i];

		if (row->kind != PVN_STATS_IS_COUNTER || strncmp(row->name, "exit_", 5)) {
			if (found)
				break;
			continue;
		}
		found = true;
		if (!reason--)
			return row->name + 5;
	}
	return NO_SUCH_EXIT;
}

const char *event_known_name(unsigned int number)
{
	const char *name;

	if (number < PVN_CALL_COUNT)
		return pvn_calls[number].name;
	name = exit_name(number - PVN_CALL_COUNT);
	return strcmp(name, NO_SUCH_EXIT) ? name : NULL;
}

const char *event_name(const struct event *event)
{
	const struct pvn_call_info *call;
	static char number[32];

	if (!event_is_call(event))
		return exit_name(event->type - PVN_EVENT_EXIT);
	call = find_call(event->call.control);
	snprintf(number, sizeof(number), "call_0x%04llx",
		 (unsigned long long)(event->call.control & PVN_CONTROL_CODE_MASK));
	return call ? call->name : number;
}

static const char *status_name(uint64_t result)
{
	for (size_t i = 0; i < PVN_STATUS_COUNT; i++)
		if (pvn_statuses[i].number == pvn_result_status(result))
			return pvn_statuses[i].name;
	return "status of no table";
}

static uint64_t field_value(const struct pvn_event_call *call, unsigned int offset, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, (const uint8_t *)call->input + offset, bytes);
	return value;
}

static unsigned int count_of(uint64_t control)
{
	return control >> PVN_CONTROL_REP_COUNT_SHIFT & PVN_CONTROL_REP_MASK;
}

static bool is_hidden(const struct pvn_field *field)
{
	return !strncmp(field->name, "pad", 3) || !strncmp(field->name, "mbz", 3);
}

/* Calls `each` with every field of the input that was noted down and that says something. */
static void for_fields(const struct event *event, void (*each)(void *context, const char *name,
								uint64_t value), void *context)
{
	const struct pvn_call_info *call = find_call(event->call.control);
	unsigned int offset = 0;

	for (const struct pvn_field *f = call ? call->fields[PVN_BLOCK_IN] : NULL; f && f->type; f++) {
		unsigned int bytes = f->bytes * f->count;

		if (offset + bytes > event->call.input_bytes)
			return;
		if (f->count == 1 && !is_hidden(f))
			each(context, f->name, field_value(&event->call, offset, f->bytes));
		offset += bytes;
	}
}

struct list {
	struct text *text;
	bool more;
};

static void add_field(void *context, const char *name, uint64_t value)
{
	struct list *list = context;

	add(list->text, value < 10 ? "%s%s=%llu" : "%s%s=0x%llx", list->more ? ", " : "", name,
	    (unsigned long long)value);
	list->more = true;
}

static void describe_call(const struct event *event, struct text *text)
{
	unsigned int count = count_of(event->call.control);
	struct list list = { text, false };

	add(text, "%s(", event_name(event));
	for_fields(event, add_field, &list);
	if (count)
		add(text, "%s%u of %u elements", list.more ? ", " : "",
		    (unsigned int)pvn_result_reps(event->call.result), count);
	add(text, ") = %s", status_name(event->call.result));
}

static bool is_exit(const struct event *event, const char *name)
{
	return !strcmp(event_name(event), name);
}

static void describe_exit(const struct event *event, struct text *text)
{
	const struct pvn_event_exit *e = &event->exit;

	add(text, "%s", event_name(event));
	if (is_exit(event, "cpuid"))
		add(text, " leaf 0x%x subleaf %u", (unsigned int)e->rax, (unsigned int)e->rcx);
	else if (is_exit(event, "msr_read"))
		add(text, " 0x%x", e->msr);
	else if (is_exit(event, "msr_write"))
		add(text, " 0x%x = 0x%llx", e->msr,
		    (unsigned long long)(e->rdx << 32 | (uint32_t)e->rax));
	else if (is_exit(event, "io") && e->io.in)
		add(text, " port 0x%x in %u bytes", e->io.port, e->io.bytes);
	else if (is_exit(event, "io"))
		add(text, " port 0x%x out %u bytes = 0x%x", e->io.port, e->io.bytes, (unsigned int)e->rax);
	else if (is_exit(event, "memory"))
		add(text, " gpa 0x%llx%s%s%s", (unsigned long long)e->memory.gpa,
		    e->memory.access & 1 ? " read" : "", e->memory.access & 2 ? " write" : "",
		    e->memory.access & 4 ? " execute" : "");
	else if (is_exit(event, "exception"))
		add(text, " vector %u", e->vector);
	add(text, " at 0x%llx", (unsigned long long)e->rip);
}

void event_describe(const struct event *event, char *to, size_t bytes)
{
	struct text text = { to, bytes };

	if (event_is_call(event))
		describe_call(event, &text);
	else
		describe_exit(event, &text);
}

static void put_field(void *context, const char *name, uint64_t value)
{
	json_object_set_new(context, name, json_integer((json_int_t)value));
}

json_t *event_to_json(const struct event *event)
{
	json_t *json = json_pack("{s:s, s:s, s:I, s:I, s:i, s:i}",
				 "kind", event_is_call(event) ? "call" : "exit", "name", event_name(event),
				 "time", (json_int_t)event->time,
				 "partition", (json_int_t)event_partition(event),
				 "vp", (int)event_vp(event), "processor", (int)event->processor);
	json_t *fields = json_object();

	if (event_is_call(event)) {
		for_fields(event, put_field, fields);
		json_object_set(json, "input", fields);
		json_object_set_new(json, "status", json_string(status_name(event->call.result)));
		json_object_set_new(json, "elements", json_integer(count_of(event->call.control)));
		json_object_set_new(json, "done", json_integer(pvn_result_reps(event->call.result)));
	} else {
		json_object_set_new(json, "rip", json_integer((json_int_t)event->exit.rip));
		json_object_set_new(json, "detail", json_pack("[I, I]",
							      (json_int_t)event->exit.detail[0],
							      (json_int_t)event->exit.detail[1]));
	}
	json_decref(fields);
	return json;
}
