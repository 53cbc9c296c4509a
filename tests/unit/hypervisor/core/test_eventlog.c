// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The event log: groups and buffers, what is noted down, what is lost, and what is refused.
 */
#include "fake_machine.h"

#include "core/eventlog.h"

#define SYSTEM		PVN_EVENTLOG_SYSTEM
#define DIAGNOSTICS	PVN_EVENTLOG_DIAGNOSTICS

/* Details are as the exit has them. */
#define AT(field) (offsetof(struct vp_exit, field) - offsetof(struct vp_exit, msr))
_Static_assert(!AT(io.port) && AT(io.bytes) == 2 && AT(io.in) == 3 && !AT(memory.at) &&
	       AT(memory.access) == 8 && !AT(exception.vector), "ABI");

struct two { uint32_t type, index; };

static enum pvn_status make_group(uint32_t type, uint32_t buffers)
{
	const struct pvn_initialize_event_log_buffer_group_in in = {
		.type = type, .buffers_max = buffers, .buffer_pages = 1 };

	return root_call(PVN_CALL_initialize_event_log_buffer_group, &in, sizeof(in), NULL, 0);
}

static enum pvn_status with(unsigned int code, uint32_t type, uint32_t index)
{
	const struct two in = { type, index };

	return root_call(code, &in, sizeof(in), NULL, 0);
}

static enum pvn_status make_buffer(uint32_t type, uint32_t index)
{
	const struct pvn_create_event_log_buffer_in in = { .type = type, .index = index };

	return root_call(PVN_CALL_create_event_log_buffer, &in, sizeof(in), NULL, 0);
}

static uint64_t seen_at;		/* GPA of the last one mapped */

static enum pvn_status map(uint32_t type, uint32_t index, struct pvn_eventlog_buffer **out)
{
	const struct two in = { type, index };
	uint64_t page = 0;
	enum pvn_status status = root_call(PVN_CALL_map_event_log_buffer, &in, sizeof(in), &page, 8);

	/* What the root sees there. */
	if (status == PVN_STATUS_SUCCESS)
		*out = plat_hva(gpa_map_lookup(&root_partition->map, gpa(page << PAGE_SHIFT), GPA_READ));
	seen_at = page << PAGE_SHIFT;
	return status;
}

static enum pvn_status sources(uint32_t type, uint64_t flags)
{
	const struct pvn_set_event_log_group_sources_in in = { .type = type, .flags = flags };

	return root_call(PVN_CALL_set_event_log_group_sources, &in, sizeof(in), NULL, 0);
}

/* All of a group is taken down, so that the next test finds nothing. */
static void end_group(uint32_t type)
{
	assert_int_equal(sources(type, 0), PVN_STATUS_SUCCESS);
	for (uint32_t i = 0; i < PVN_EVENTLOG_BUFFERS_MAX; i++) {
		with(PVN_CALL_unmap_event_log_buffer, type, i);
		with(PVN_CALL_delete_event_log_buffer, type, i);
	}
	assert_int_equal(with(PVN_CALL_finalize_event_log_buffer_group, type, 0), PVN_STATUS_SUCCESS);
}

static const struct pvn_eventlog_entry *first_entry(const struct pvn_eventlog_buffer *buffer)
{
	return (const void *)(buffer + 1);
}

static void what_cannot_be_is_refused(void **state)
{
	struct pvn_initialize_event_log_buffer_group_in in = {
		.type = SYSTEM, .buffers_max = 4, .buffer_pages = 2 };

	(void)state;
	assert_int_equal(make_group(2, 4), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(make_group(~0u, 4), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(make_group(SYSTEM, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(make_group(SYSTEM, 65), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(root_call(PVN_CALL_initialize_event_log_buffer_group, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	/* There is no group yet. */
	assert_int_equal(make_buffer(SYSTEM, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(sources(SYSTEM, 1), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(with(PVN_CALL_finalize_event_log_buffer_group, SYSTEM, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(make_group(SYSTEM, 4), PVN_STATUS_SUCCESS);
	assert_int_equal(make_group(SYSTEM, 4), PVN_STATUS_OBJECT_IN_USE);
	assert_int_equal(make_buffer(SYSTEM, 4), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(make_buffer(SYSTEM, ~0u), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(make_buffer(SYSTEM, 3), PVN_STATUS_SUCCESS);
	assert_int_equal(make_buffer(SYSTEM, 3), PVN_STATUS_OBJECT_IN_USE);
	assert_int_equal(sources(SYSTEM, PVN_EVENTLOG_PERFORMANCE), PVN_STATUS_INVALID_PARAMETER);
	for (unsigned int code = PVN_CALL_delete_event_log_buffer; code <= PVN_CALL_flush_event_log_buffer;
	     code++)
		if (code != PVN_CALL_set_event_log_group_sources)
			assert_int_equal(with(code, SYSTEM, 2), PVN_STATUS_INVALID_PARAMETER);
	/* In this state there is nothing to release, flush or unmap. */
	assert_int_equal(with(PVN_CALL_release_event_log_buffer, SYSTEM, 3), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(with(PVN_CALL_flush_event_log_buffer, SYSTEM, 3), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(with(PVN_CALL_unmap_event_log_buffer, SYSTEM, 3), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(with(PVN_CALL_finalize_event_log_buffer_group, SYSTEM, 0),
			 PVN_STATUS_OBJECT_IN_USE);
	end_group(SYSTEM);
}

static void a_mapped_buffer_is_seen_by_the_root_and_written_by_nobody_else(void **state)
{
	struct pvn_eventlog_buffer *buffer;
	uint64_t at;

	(void)state;
	make_group(SYSTEM, 1);
	make_buffer(SYSTEM, 0);
	assert_int_equal(map(SYSTEM, 0, &buffer), PVN_STATUS_SUCCESS);
	at = seen_at;
	assert_int_equal(map(SYSTEM, 0, &buffer), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(buffer->state, PVN_EVENTLOG_FREE);
	assert_int_equal(buffer->bytes, PAGE_SIZE);
	assert_false(hpa_is_none(gpa_map_lookup(&root_partition->map, gpa(at), GPA_READ)));
	assert_true(hpa_is_none(gpa_map_lookup(&root_partition->map, gpa(at), GPA_WRITE)));
	assert_int_equal(with(PVN_CALL_delete_event_log_buffer, SYSTEM, 0), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(with(PVN_CALL_unmap_event_log_buffer, SYSTEM, 0), PVN_STATUS_SUCCESS);
	assert_true(hpa_is_none(gpa_map_lookup(&root_partition->map, gpa(at), GPA_READ)));
	end_group(SYSTEM);
}

static void partitions_made_and_refused_are_noted_down(void **state)
{
	const struct pvn_eventlog_entry *entry;
	const struct pvn_event_call *call;
	struct pvn_eventlog_buffer *buffer;
	uint64_t id;

	(void)state;
	make_group(SYSTEM, 2);
	make_buffer(SYSTEM, 0);
	map(SYSTEM, 0, &buffer);
	/* Nothing yet: no source is on. */
	id = make_child(1);
	assert_int_equal(buffer->state, PVN_EVENTLOG_FREE);
	assert_int_equal(machine.cpu[3].traced, 0);
	sources(SYSTEM, PVN_EVENTLOG_FAILURE);
	assert_int_equal(machine.cpu[3].traced, TRACED_SYSTEM);
	remove_child(id);
	assert_int_equal(buffer->state, PVN_EVENTLOG_FREE);
	assert_int_equal(finalize_child(id), PVN_STATUS_INVALID_PARTITION_ID);
	assert_int_equal(buffer->state, PVN_EVENTLOG_IN_USE);
	entry = first_entry(buffer);
	call = (const void *)(entry + 1);
	assert_int_equal(entry->type, PVN_EVENT_CALL);
	assert_int_equal(entry->bytes, sizeof(*entry) + offsetof(struct pvn_event_call, input) + 8);
	assert_int_equal(buffer->next_offset, sizeof(*buffer) + entry->bytes);
	assert_int_equal(call->partition_id, root_partition->id);
	assert_int_equal(call->control, PVN_CALL_finalize_partition);
	assert_int_equal(call->result, PVN_STATUS_INVALID_PARTITION_ID);
	assert_int_equal(call->input_bytes, 8);
	assert_int_equal(call->input[0], id);
	/* A call that is neither about partitions nor VPs is not. */
	assert_int_equal(fake_hypercall(machine.root_vp, PVN_CALL_signal_event | PVN_CONTROL_FAST, 77, 0),
			 PVN_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(buffer->next_offset, sizeof(*buffer) + entry->bytes);
	end_group(SYSTEM);
}

static void a_full_buffer_is_told_and_the_next_one_is_taken(void **state)
{
	struct pvn_eventlog_buffer *buffer[2];
	const struct pvn_message *slot;

	(void)state;
	enable_synic(machine.root_vp, PVN_SINT_INTERCEPTS, 0x60);
	slot = &machine.root_vp->synic.messages->sint[PVN_SINT_INTERCEPTS];
	make_group(DIAGNOSTICS, 2);
	for (uint32_t i = 0; i < 2; i++) {
		make_buffer(DIAGNOSTICS, i);
		map(DIAGNOSTICS, i, &buffer[i]);
	}
	sources(DIAGNOSTICS, PVN_EVENTLOG_PERFORMANCE);
	for (unsigned int i = 0; i < 2000 && buffer[0]->state != PVN_EVENTLOG_COMPLETE; i++)
		fake_hypercall(machine.root_vp, PVN_CALL_signal_event | PVN_CONTROL_FAST, 77, 0);
	assert_int_equal(buffer[0]->state, PVN_EVENTLOG_COMPLETE);
	assert_int_equal(buffer[1]->state, PVN_EVENTLOG_IN_USE);
	assert_int_equal(slot->type, PVN_MESSAGE_EVENT_LOG);
	assert_int_equal(slot->payload_bytes, 8);
	assert_int_equal(*(const uint32_t *)slot->payload, DIAGNOSTICS);
	assert_int_equal(((const uint32_t *)slot->payload)[1], 0);
	assert_true(is_raised(machine.root_vp, 0x60));
	/* Then there is no room: events are lost, and counted. */
	for (unsigned int i = 0; i < 2000; i++)
		fake_hypercall(machine.root_vp, PVN_CALL_signal_event | PVN_CONTROL_FAST, 77, 0);
	assert_int_equal(buffer[1]->state, PVN_EVENTLOG_COMPLETE);
	assert_int_equal(buffer[1]->events_lost, 0);
	assert_int_equal(with(PVN_CALL_release_event_log_buffer, DIAGNOSTICS, 0), PVN_STATUS_SUCCESS);
	fake_hypercall(machine.root_vp, PVN_CALL_signal_event | PVN_CONTROL_FAST, 77, 0);
	assert_int_equal(buffer[0]->state, PVN_EVENTLOG_IN_USE);
	assert_true(buffer[0]->events_lost > 1000);
	/* Half of a buffer can be had, too. */
	assert_int_equal(with(PVN_CALL_flush_event_log_buffer, DIAGNOSTICS, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(buffer[0]->state, PVN_EVENTLOG_COMPLETE);
	end_group(DIAGNOSTICS);
}

static void exits_are_noted_down_with_what_they_are_about(void **state)
{
	struct vp_exit exit = { .reason = EXIT_IO, .io = { .port = 0x3f8, .bytes = 2, .in = true } };
	const struct pvn_event_exit *event;
	struct pvn_eventlog_buffer *buffer;

	(void)state;
	make_group(DIAGNOSTICS, 1);
	make_buffer(DIAGNOSTICS, 0);
	map(DIAGNOSTICS, 0, &buffer);
	sources(DIAGNOSTICS, PVN_EVENTLOG_PERFORMANCE);
	machine.root_vp->regs.rip = 0x1234;
	eventlog_exit(machine.root_vp, &exit);
	event = (const void *)(first_entry(buffer) + 1);
	assert_int_equal(first_entry(buffer)->type, PVN_EVENT_EXIT + EXIT_IO);
	assert_int_equal(event->rip, 0x1234);
	assert_int_equal(event->io.port, 0x3f8);
	assert_int_equal(event->io.bytes, 2);
	assert_int_equal(event->io.in, 1);
	/* Hypercalls tell themselves. */
	exit.reason = EXIT_HYPERCALL;
	eventlog_exit(machine.root_vp, &exit);
	assert_int_equal(buffer->next_offset, sizeof(*buffer) + first_entry(buffer)->bytes);
	end_group(DIAGNOSTICS);
}

static void a_child_has_no_log(void **state)
{
	uint64_t id;
	struct vp *vp;

	(void)state;
	id = make_child(1);
	vp = partition_of(id)->vps[0];
	for (unsigned int code = PVN_CALL_initialize_event_log_buffer_group;
	     code <= PVN_CALL_flush_event_log_buffer; code++)
		assert_int_equal(fake_hypercall(vp, code, 0, 0), PVN_STATUS_ACCESS_DENIED);
	assert_int_equal(fake_hypercall(vp, PVN_CALL_set_system_property, 0, 0), PVN_STATUS_ACCESS_DENIED);
	assert_int_equal(fake_hypercall(vp, PVN_CALL_get_system_property, 0, 0), PVN_STATUS_ACCESS_DENIED);
}

static enum pvn_status profile(uint32_t source, uint64_t period)
{
	const struct pvn_set_system_property_in in = { .source = source, .period = period };

	return root_call(PVN_CALL_set_system_property, &in, sizeof(in), NULL, 0);
}

static void the_profiler_samples_every_processor(void **state)
{
	const struct pvn_get_system_property_in what = { 0 };
	struct pvn_get_system_property_out set;
	const struct pvn_eventlog_entry *entry;
	const struct pvn_event_sample *event;
	struct pvn_eventlog_buffer *buffer;

	(void)state;
	make_group(DIAGNOSTICS, 1);
	make_buffer(DIAGNOSTICS, 0);
	map(DIAGNOSTICS, 0, &buffer);
	assert_int_equal(profile(PVN_PROFILE_CYCLES, 500000), PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_get_system_property, &what, sizeof(what), &set, sizeof(set)),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(set.source, PVN_PROFILE_CYCLES);
	assert_int_equal(set.period, 500000);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_ptr_equal(machine.cpu[i].profiler.cpu, &machine.cpu[i]);
	machine.root_vp->regs.rip = 0x4321;
	timer_run_queue();
	assert_int_equal(buffer->state, PVN_EVENTLOG_FREE);
	machine.tsc += 600000;
	timer_run_queue();
	entry = first_entry(buffer);
	event = (const void *)(entry + 1);
	assert_int_equal(entry->type, PVN_EVENT_SAMPLE);
	assert_int_equal(entry->context, 0);
	assert_int_equal(event->partition_id, root_partition->id);
	assert_int_equal(event->rip, 0x4321);
	assert_int_equal(buffer->next_offset, sizeof(*buffer) + entry->bytes);
	/* Nobody there, and on another processor. */
	machine.this_cpu = 3;
	machine.cpu[3].current = NULL;
	machine.tsc += 600000;
	timer_run_queue();
	machine.this_cpu = 0;
	entry = (const void *)((const char *)entry + entry->bytes);
	assert_int_equal(entry->type, PVN_EVENT_SAMPLE);
	assert_int_equal(entry->context, 3);
	assert_int_equal(((const struct pvn_event_sample *)(entry + 1))->partition_id, 0);
	assert_int_equal(profile(PVN_PROFILE_OFF, 0), PVN_STATUS_SUCCESS);
	machine.tsc += 6000000;
	timer_run_queue();
	assert_int_equal(buffer->next_offset, sizeof(*buffer) + 2ull * entry->bytes);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_null(machine.cpu[i].profiler.cpu);
	end_group(DIAGNOSTICS);
	/* Without a group samples go nowhere. */
	assert_int_equal(profile(PVN_PROFILE_CYCLES, 500000), PVN_STATUS_SUCCESS);
	machine.tsc += 600000;
	timer_run_queue();
	assert_int_equal(profile(PVN_PROFILE_OFF, 0), PVN_STATUS_SUCCESS);
}

static void bad_properties_of_the_system_are_refused(void **state)
{
	struct pvn_set_system_property_in in = { .system_property = 1, .source = PVN_PROFILE_CYCLES,
						 .period = 500000 };
	struct pvn_get_system_property_out set;

	(void)state;
	assert_int_equal(root_call(PVN_CALL_set_system_property, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_UNKNOWN_PROPERTY);
	assert_int_equal(root_call(PVN_CALL_get_system_property, &in, 8, &set, sizeof(set)),
			 PVN_STATUS_UNKNOWN_PROPERTY);
	assert_int_equal(profile(PVN_PROFILE_CACHE_MISSES, 500000), PVN_STATUS_FEATURE_UNAVAILABLE);
	assert_int_equal(profile(PVN_PROFILE_MISPREDICTIONS, 500000), PVN_STATUS_FEATURE_UNAVAILABLE);
	assert_int_equal(profile(4, 500000), PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(profile(PVN_PROFILE_CYCLES, FAKE_TSC_HZ / 10000 - 1),
			 PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(profile(PVN_PROFILE_CYCLES, 1ull << PVN_PROFILE_PERIOD_BITS),
			 PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(profile(PVN_PROFILE_OFF, 1), PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	in = (struct pvn_set_system_property_in){ .mbz = 1 };
	assert_int_equal(root_call(PVN_CALL_set_system_property, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_null(machine.cpu[i].profiler.cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(what_cannot_be_is_refused),
		ON_FAKE_MACHINE(a_mapped_buffer_is_seen_by_the_root_and_written_by_nobody_else),
		ON_FAKE_MACHINE(partitions_made_and_refused_are_noted_down),
		ON_FAKE_MACHINE(a_full_buffer_is_told_and_the_next_one_is_taken),
		ON_FAKE_MACHINE(exits_are_noted_down_with_what_they_are_about),
		ON_FAKE_MACHINE(a_child_has_no_log),
		ON_FAKE_MACHINE(the_profiler_samples_every_processor),
		ON_FAKE_MACHINE(bad_properties_of_the_system_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
