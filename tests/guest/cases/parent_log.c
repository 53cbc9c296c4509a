// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The event log, from the root of a running hypervisor.
 */
#include <pvn/abi/eventlog.h>

#include "parent.h"

#define SYSTEM		PVN_EVENTLOG_SYSTEM
#define DIAGNOSTICS	PVN_EVENTLOG_DIAGNOSTICS

static uint64_t make_group(uint32_t type, uint32_t buffers, uint32_t pages)
{
	const struct pvn_initialize_event_log_buffer_group_in in = {
		.type = type, .buffers_max = buffers, .buffer_pages = pages };

	return call_initialize_event_log_buffer_group(&in, NULL);
}

static uint64_t make_buffer(uint32_t type, uint32_t index)
{
	const struct pvn_create_event_log_buffer_in in = { .type = type, .index = index };

	return call_create_event_log_buffer(&in, NULL);
}

static uint64_t with(uint16_t code, uint32_t type, uint32_t index)
{
	return hypercall(code | PVN_CONTROL_FAST, type | (uint64_t)index << 32, 0);
}

static uint64_t sources(uint32_t type, uint64_t flags)
{
	return hypercall(PVN_CALL_set_event_log_group_sources | PVN_CONTROL_FAST, type, flags);
}

static volatile struct pvn_eventlog_buffer *map(uint32_t type, uint32_t index)
{
	const struct pvn_map_event_log_buffer_in in = { .type = type, .index = index };
	struct pvn_map_event_log_buffer_out out = { 0 };

	expect_status("map_event_log_buffer", call_map_event_log_buffer(&in, &out), SUCCESS);
	return (void *)(out.page << 12);
}

static void end_group(uint32_t type, uint32_t buffers)
{
	expect_status("no sources", sources(type, 0), SUCCESS);
	for (uint32_t i = 0; i < buffers; i++) {
		expect_status("unmap", with(PVN_CALL_unmap_event_log_buffer, type, i), SUCCESS);
		expect_status("delete", with(PVN_CALL_delete_event_log_buffer, type, i), SUCCESS);
	}
	expect_status("finalize", with(PVN_CALL_finalize_event_log_buffer_group, type, 0), SUCCESS);
}

CASE(the_event_log_tells_of_partitions)
{
	volatile struct pvn_eventlog_buffer *buffer;
	const struct pvn_eventlog_entry *entry;
	const struct pvn_event_call *call;
	uint64_t id;

	expect_status("initialize", make_group(SYSTEM, 2, 1), SUCCESS);
	expect_status("create", make_buffer(SYSTEM, 1), SUCCESS);
	buffer = map(SYSTEM, 1);
	expect_equal("state of a free buffer", buffer->state, PVN_EVENTLOG_FREE);
	expect_status("sources", sources(SYSTEM, PVN_EVENTLOG_SUCCESS), SUCCESS);
	id = create_child();
	entry = (const void *)(buffer + 1);
	call = (const void *)(entry + 1);
	expect_equal("state of a buffer in use", buffer->state, PVN_EVENTLOG_IN_USE);
	expect_equal("the event", entry->type, PVN_EVENT_CALL);
	expect_equal("the call", call->control & 0xffff, PVN_CALL_create_partition);
	expect_equal("the caller", call->partition_id, 1);
	expect_equal("no more", buffer->next_offset, sizeof(*buffer) + entry->bytes);
	expect_status("flush", with(PVN_CALL_flush_event_log_buffer, SYSTEM, 1), SUCCESS);
	expect_equal("state of a complete buffer", buffer->state, PVN_EVENTLOG_COMPLETE);
	expect_status("delete the child", hypercall(PVN_CALL_delete_partition | PVN_CONTROL_FAST, id, 0),
		      SUCCESS);
	expect_status("release", with(PVN_CALL_release_event_log_buffer, SYSTEM, 1), SUCCESS);
	/* That one found no free buffer. */
	id = create_child();
	expect_equal("lost", buffer->events_lost, 1);
	expect_status("delete the child", hypercall(PVN_CALL_delete_partition | PVN_CONTROL_FAST, id, 0),
		      SUCCESS);
	expect_status("unmap", with(PVN_CALL_unmap_event_log_buffer, SYSTEM, 1), SUCCESS);
	expect_status("delete", with(PVN_CALL_delete_event_log_buffer, SYSTEM, 1), SUCCESS);
	end_group(SYSTEM, 0);
}

/* Also of those calls and exits that are light when nobody listens. */
CASE(a_trace_has_every_call_and_exit)
{
	volatile struct pvn_eventlog_buffer *buffer;
	unsigned int calls = 0, cpuids = 0;
	const char *at, *end;

	expect_status("initialize", make_group(DIAGNOSTICS, 1, 1), SUCCESS);
	expect_status("create", make_buffer(DIAGNOSTICS, 0), SUCCESS);
	buffer = map(DIAGNOSTICS, 0);
	expect_status("sources", sources(DIAGNOSTICS, PVN_EVENTLOG_PERFORMANCE), SUCCESS);
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t leaf[4];

		cpuid(0x40000000, 0, leaf);
		hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, 0x777, 0);
	}
	expect_status("no sources", sources(DIAGNOSTICS, 0), SUCCESS);
	at = (const char *)(buffer + 1);
	end = (const char *)buffer + buffer->next_offset;
	while (at < end) {
		const struct pvn_eventlog_entry *entry = (const void *)at;
		const struct pvn_event_call *call = (const void *)(entry + 1);
		const struct pvn_event_exit *exit = (const void *)(entry + 1);

		expect(entry->bytes >= sizeof(*entry), "an entry of %u bytes", entry->bytes);
		if (entry->type == PVN_EVENT_CALL && (call->control & 0xffff) == PVN_CALL_signal_event) {
			expect_equal("connection", call->input[0], 0x777);
			expect_status("its status", call->result, INVALID_CONNECTION_ID);
			calls++;
		} else if (entry->type != PVN_EVENT_CALL && (uint32_t)exit->rax == 0x40000000) {
			cpuids++;
		}
		at += entry->bytes;
	}
	expect_equal("doorbells", calls, 3);
	expect(cpuids >= 3, "%u exits by CPUID", cpuids);
	end_group(DIAGNOSTICS, 1);
}

CASE(the_event_log_is_checked)
{
	const struct pvn_map_event_log_buffer_in there = { .type = SYSTEM };
	struct pvn_map_event_log_buffer_out out;

	expect_status("no such type", make_group(2, 1, 1), INVALID_PARAMETER);
	expect_status("no buffers", make_group(SYSTEM, 0, 1), INVALID_PARAMETER);
	expect_status("too many", make_group(SYSTEM, 65, 1), INVALID_PARAMETER);
	expect_status("long ones", make_group(SYSTEM, 1, 2), INVALID_PARAMETER);
	expect_status("of no group", make_buffer(SYSTEM, 0), INVALID_PARAMETER);
	expect_status("sources of no group", sources(SYSTEM, 1), INVALID_PARAMETER);
	expect_status("end of no group", with(PVN_CALL_finalize_event_log_buffer_group, SYSTEM, 0),
		      INVALID_PARAMETER);
	expect_status("initialize", make_group(SYSTEM, 1, 1), SUCCESS);
	expect_status("again", make_group(SYSTEM, 1, 1), OBJECT_IN_USE);
	expect_status("beyond", make_buffer(SYSTEM, 1), INVALID_PARAMETER);
	expect_status("map none", call_map_event_log_buffer(&there, &out), INVALID_PARAMETER);
	expect_status("create", make_buffer(SYSTEM, 0), SUCCESS);
	expect_status("again", make_buffer(SYSTEM, 0), OBJECT_IN_USE);
	expect_status("sources", sources(SYSTEM, 8), INVALID_PARAMETER);
	expect_status("release", with(PVN_CALL_release_event_log_buffer, SYSTEM, 0), OPERATION_DENIED);
	expect_status("flush", with(PVN_CALL_flush_event_log_buffer, SYSTEM, 0), OPERATION_DENIED);
	expect_status("unmap", with(PVN_CALL_unmap_event_log_buffer, SYSTEM, 0), OPERATION_DENIED);
	map(SYSTEM, 0);
	expect_status("map again", call_map_event_log_buffer(&there, &out), OPERATION_DENIED);
	expect_status("delete what is mapped", with(PVN_CALL_delete_event_log_buffer, SYSTEM, 0),
		      OPERATION_DENIED);
	expect_status("finalize with one", with(PVN_CALL_finalize_event_log_buffer_group, SYSTEM, 0),
		      OBJECT_IN_USE);
	end_group(SYSTEM, 1);
}

static uint64_t profile(uint32_t property, uint32_t source, uint64_t period)
{
	const struct pvn_set_system_property_in in = { .system_property = property, .source = source,
						       .period = period };

	return call_set_system_property(&in, NULL);
}

/* How many entries are samples of the partition, whose RIPs are all below end; others are wrong. */
static unsigned int samples_of(volatile struct pvn_eventlog_buffer *buffer, uint64_t id, uint64_t end)
{
	const char *at = (const char *)(buffer + 1), *last = (const char *)buffer + buffer->next_offset;
	unsigned int count = 0;

	for (; at < last; at += ((const struct pvn_eventlog_entry *)at)->bytes) {
		const struct pvn_eventlog_entry *entry = (const void *)at;
		const struct pvn_event_sample *sample = (const void *)(entry + 1);

		expect_equal("an entry's type", entry->type, PVN_EVENT_SAMPLE);
		expect_equal("its length", entry->bytes, sizeof(*entry) + sizeof(*sample));
		expect(sample->partition_id != id || sample->rip < end, "a sample at 0x%lx", sample->rip);
		count += sample->partition_id == id;
	}
	return count;
}

CASE(the_profiler_sees_where_guests_are)
{
	const struct pvn_get_system_property_in what = { 0 };
	struct pvn_get_system_property_out set;
	volatile struct pvn_eventlog_buffer *buffer;
	uint64_t id = create_whole(1), offset;
	const uint64_t period = rdmsr(PVN_MSR_TSC_FREQUENCY) / 1000;

	expect_status("initialize", make_group(DIAGNOSTICS, 1, 1), SUCCESS);
	expect_status("create", make_buffer(DIAGNOSTICS, 0), SUCCESS);
	buffer = map(DIAGNOSTICS, 0);
	run_program(id, 0, spin);
	expect_status("on", profile(0, PVN_PROFILE_CYCLES, period), SUCCESS);
	expect_status("what is set", call_get_system_property(&what, &set), SUCCESS);
	expect_equal("source", set.source, PVN_PROFILE_CYCLES);
	expect_equal("period", set.period, period);
	expect(wait_until(samples_of(buffer, id, 0x10) >= 5, 1000 * MSECS), "%u samples of the child",
	       samples_of(buffer, id, 0x10));
	expect(samples_of(buffer, 1, ~0ull), "no sample of the root");
	expect_status("off", profile(0, PVN_PROFILE_OFF, 0), SUCCESS);
	wait_for(5 * MSECS);
	offset = buffer->next_offset;
	wait_for(20 * MSECS);
	expect_equal("samples when it is off", buffer->next_offset, offset);
	end_group(DIAGNOSTICS, 1);
	end_child(id);
}

CASE(system_properties_are_checked)
{
	const struct pvn_get_system_property_in unknown = { .system_property = 15 };
	const uint64_t second = rdmsr(PVN_MSR_TSC_FREQUENCY);
	const struct pvn_set_system_property_in reserved = { .mbz = 1 };
	struct pvn_get_system_property_out set;

	expect_status("a reserved field", call_set_system_property(&reserved, NULL), INVALID_PARAMETER);
	expect_status("set an unknown one", profile(15, PVN_PROFILE_CYCLES, second), UNKNOWN_PROPERTY);
	expect_status("read an unknown one", call_get_system_property(&unknown, &set), UNKNOWN_PROPERTY);
	expect_status("cache misses", profile(0, PVN_PROFILE_CACHE_MISSES, second), FEATURE_UNAVAILABLE);
	expect_status("an unknown source", profile(0, 9, second), PROPERTY_VALUE_OUT_OF_RANGE);
	expect_status("each cycle", profile(0, PVN_PROFILE_CYCLES, 1), PROPERTY_VALUE_OUT_OF_RANGE);
	expect_status("never", profile(0, PVN_PROFILE_CYCLES, ~0ull), PROPERTY_VALUE_OUT_OF_RANGE);
}
