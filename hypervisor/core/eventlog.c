// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The event log, and the root's calls on it [TLFS 2.0 ch. 19 "Event Log"]. A buffer is
 * one page of the root's pool, which the root sees, read-only.
 * A group's lock covers its buffers; entries are written under it.
 */
#include "core/eventlog.h"
#include "core/hypercall.h"
#include "core/platform.h"

struct group {
	struct spinlock lock;
	bool initialized;
	uint32_t buffers_max, buffer_count, lost;
	uint64_t sources;
	struct pvn_eventlog_buffer *current, *buffer[PVN_EVENTLOG_BUFFERS_MAX];
	struct queued_message message;	/* a buffer is complete */
};

static struct group groups[PVN_EVENTLOG_GROUPS] = {
	{ .lock = SPINLOCK(LOCK_EVENT_LOG) }, { .lock = SPINLOCK(LOCK_EVENT_LOG) },
};

#define SET_STATE(buffer, to) __atomic_store_n(&(buffer)->state, PVN_EVENTLOG_##to, __ATOMIC_RELEASE)

/* The root looks for all that are complete: one message under way is enough. */
static void complete(struct group *group)
{
	struct vp *vp = root_partition->vps[0];
	uint32_t payload[2] = { (uint32_t)(group - groups), group->current->index };

	SET_STATE(group->current, COMPLETE);
	group->current = NULL;
	if (!vp || __atomic_load_n(&group->message.queued, __ATOMIC_ACQUIRE))
		return;
	group->message.message = (struct pvn_message){
		.type = PVN_MESSAGE_EVENT_LOG, .payload_bytes = sizeof(payload),
		.origin = root_partition->id };
	memcpy(group->message.message.payload, payload, sizeof(payload));
	synic_post(vp, PVN_SINT_INTERCEPTS, &group->message);
}

static void write(struct group *group, unsigned int type, const void *data, size_t bytes)
{
	SPIN_HOLD(&group->lock);
	struct pvn_eventlog_entry entry = {
		.context = plat_this_cpu()->index, .type = (uint16_t)type,
		.bytes = (uint16_t)(sizeof(entry) + bytes),
		.time = partition_reference_time(root_partition, plat_tsc()) };
	struct pvn_eventlog_buffer *buffer = group->current;

	if (buffer && buffer->next_offset + entry.bytes > PAGE_SIZE) {
		complete(group);
		buffer = NULL;
	}
	for (unsigned int i = 0; i < group->buffers_max && !buffer; i++)
		if (group->buffer[i] && group->buffer[i]->state == PVN_EVENTLOG_FREE)
			buffer = group->buffer[i];
	group->lost += !buffer;
	if (!buffer)
		return;
	if (!group->current) {
		buffer->events_lost = group->lost;
		buffer->time = entry.time;
		buffer->processor = entry.context;
		buffer->next_offset = sizeof(*buffer);
		SET_STATE(buffer, IN_USE);
		group->lost = 0;
		group->current = buffer;
	}
	memcpy((char *)buffer + buffer->next_offset, &entry, sizeof(entry));
	memcpy((char *)buffer + buffer->next_offset + sizeof(entry), data, bytes);
	/* Pairs with the root's read: entries below it are whole. */
	__atomic_store_n(&buffer->next_offset, buffer->next_offset + entry.bytes, __ATOMIC_RELEASE);
}

void eventlog_call(struct vp *vp, uint64_t control, uint64_t result, const void *in, size_t in_bytes)
{
	unsigned int code = control & PVN_CONTROL_CODE_MASK;
	struct pvn_event_call event = {
		.partition_id = vp->partition->id, .vp_index = vp->index,
		.input_bytes = in_bytes < PVN_EVENT_INPUT_BYTES ? in_bytes : PVN_EVENT_INPUT_BYTES,
		.control = control, .result = result };
	size_t bytes = offsetof(struct pvn_event_call, input) + ((event.input_bytes + 7ull) & ~7ull);

	/* Who reads the log would otherwise fill it. */
	if (code >= PVN_CALL_initialize_event_log_buffer_group && code <= PVN_CALL_flush_event_log_buffer)
		return;
	if (in_bytes)
		memcpy(event.input, in, event.input_bytes);
	if (groups[PVN_EVENTLOG_DIAGNOSTICS].sources)
		write(&groups[PVN_EVENTLOG_DIAGNOSTICS], PVN_EVENT_CALL, &event, bytes);
	if (groups[PVN_EVENTLOG_SYSTEM].sources &
		    (pvn_result_status(result) ? PVN_EVENTLOG_FAILURE : PVN_EVENTLOG_SUCCESS) &&
	    /* What makes or ends a partition or a VP. */
	    (code - PVN_CALL_create_partition <= PVN_CALL_delete_partition - PVN_CALL_create_partition ||
	     code == PVN_CALL_create_vp || code == PVN_CALL_delete_vp))
		write(&groups[PVN_EVENTLOG_SYSTEM], PVN_EVENT_CALL, &event, bytes);
}

void eventlog_exit(struct vp *vp, const struct vp_exit *exit)
{
	struct pvn_event_exit event = {
		.partition_id = vp->partition->id, .vp_index = vp->index, .rip = vp->regs.rip,
		.rax = vp->regs.gpr[RAX], .rcx = vp->regs.gpr[RCX], .rdx = vp->regs.gpr[RDX] };

	if (exit->reason == EXIT_HYPERCALL)	/* the call itself tells more */
		return;
	memcpy(event.detail, &exit->msr, sizeof(event.detail));
	write(&groups[PVN_EVENTLOG_DIAGNOSTICS], PVN_EVENT_EXIT + exit->reason, &event, sizeof(event));
}

static void set_traced(void)
{
	uint8_t traced = !!groups[0].sources * TRACED_SYSTEM | !!groups[1].sources * TRACED_DIAGNOSTICS;

	for (unsigned int i = 0; i < plat_cpu_count(); i++)
		__atomic_store_n(&plat_cpu(i)->traced, traced, __ATOMIC_RELAXED);
}

/* Its number is one of an initialized group's. */
static struct group *find_group(uint32_t type)
{
	return type < PVN_EVENTLOG_GROUPS && groups[type].initialized ? &groups[type] : NULL;
}

HC(initialize_event_log_buffer_group)
{
	struct group *group;

	if (in->type >= PVN_EVENTLOG_GROUPS || !in->buffers_max ||
	    in->buffers_max > PVN_EVENTLOG_BUFFERS_MAX || in->buffer_pages != 1 ||
	    in->time_basis != PVN_EVENTLOG_TIME_REFERENCE)
		return PVN_STATUS_INVALID_PARAMETER;
	group = &groups[in->type];
	SPIN_HOLD(&group->lock);
	if (group->initialized)
		return PVN_STATUS_OBJECT_IN_USE;
	group->initialized = true;
	group->buffers_max = in->buffers_max;
	group->lost = 0;
	return PVN_STATUS_SUCCESS;
}

HC(finalize_event_log_buffer_group)
{
	struct group *group = find_group(in->type);

	if (!group)
		return PVN_STATUS_INVALID_PARAMETER;
	SPIN_HOLD(&group->lock);
	if (group->buffer_count || group->sources)
		return PVN_STATUS_OBJECT_IN_USE;
	group->initialized = false;
	return PVN_STATUS_SUCCESS;
}

HC(set_event_log_group_sources)
{
	uint64_t all = in->type ? PVN_EVENTLOG_PERFORMANCE : PVN_EVENTLOG_SUCCESS | PVN_EVENTLOG_FAILURE;
	struct group *group = find_group(in->type);

	if (!group || in->flags & ~all)
		return PVN_STATUS_INVALID_PARAMETER;
	SPIN_HOLD(&group->lock);
	group->sources = in->flags;
	set_traced();
	return PVN_STATUS_SUCCESS;
}

HC(create_event_log_buffer)
{
	struct group *group = find_group(in->type);
	struct pvn_eventlog_buffer *buffer;

	if (!group || in->index >= group->buffers_max)
		return PVN_STATUS_INVALID_PARAMETER;
	SPIN_HOLD(&group->lock);
	if (group->buffer[in->index])
		return PVN_STATUS_OBJECT_IN_USE;
	buffer = page_pool_alloc(&call->caller->pool);
	if (!buffer)
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	*buffer = (struct pvn_eventlog_buffer){
		.bytes = PAGE_SIZE, .index = in->index, .state = PVN_EVENTLOG_FREE,
		.type = in->type, .next_index = PVN_EVENTLOG_NONE };
	group->buffer[in->index] = buffer;
	group->buffer_count++;
	return PVN_STATUS_SUCCESS;
}

/*
 * Where the root sees a buffer: in the hypervisor's own range, where it has nothing else, and
 * close together, so that few tables are made for it.
 */
static struct gpa place_of(const struct group *group, uint32_t index)
{
	uint64_t number = 1 + (group - groups) * PVN_EVENTLOG_BUFFERS_MAX + index;

	return gpa(plat_hpa(root_partition).v + (number << PAGE_SHIFT));
}

/* What the root does with one buffer; references says whether the root sees it. */
static enum pvn_status on_buffer(struct hc_call *call, uint32_t type, uint32_t index, unsigned int code)
{
	struct group *group = find_group(type);
	enum pvn_status status = PVN_STATUS_SUCCESS;
	struct pvn_eventlog_buffer *buffer;
	bool good;

	if (!group || index >= group->buffers_max)
		return PVN_STATUS_INVALID_PARAMETER;
	SPIN_HOLD(&group->lock);
	buffer = group->buffer[index];
	if (!buffer)
		return PVN_STATUS_INVALID_PARAMETER;
	good = code == PVN_CALL_release_event_log_buffer ? buffer->state == PVN_EVENTLOG_COMPLETE :
	       code == PVN_CALL_flush_event_log_buffer ? group->current == buffer :
	       buffer->references == (code == PVN_CALL_unmap_event_log_buffer);
	if (!good)
		return PVN_STATUS_OPERATION_DENIED;
	switch (code) {
	case PVN_CALL_map_event_log_buffer:
		status = gpa_map_overlay_add(&call->caller->map, place_of(group, index), plat_hpa(buffer),
					     GPA_READ);
		buffer->references = status == PVN_STATUS_SUCCESS;
		break;
	case PVN_CALL_unmap_event_log_buffer:
		buffer->references = 0;
		gpa_map_overlay_remove(&call->caller->map, place_of(group, index));
		gpa_map_flush(&call->caller->map);
		break;
	case PVN_CALL_release_event_log_buffer: SET_STATE(buffer, FREE); break;
	case PVN_CALL_flush_event_log_buffer: complete(group); break;
	case PVN_CALL_delete_event_log_buffer:
		group->current = group->current == buffer ? NULL : group->current;
		group->buffer[index] = NULL;
		group->buffer_count--;
		page_pool_free(&call->caller->pool, buffer);
	}
	return status;
}

HC(map_event_log_buffer)
{
	enum pvn_status status = on_buffer(call, in->type, in->index, PVN_CALL_map_event_log_buffer);

	if (status == PVN_STATUS_SUCCESS)
		out->page = place_of(&groups[in->type], in->index).v >> PAGE_SHIFT;
	return status;
}

#define ON_BUFFER(name) HC(name) { return on_buffer(call, in->type, in->index, PVN_CALL_##name); }
ON_BUFFER(unmap_event_log_buffer)
ON_BUFFER(release_event_log_buffer)
ON_BUFFER(flush_event_log_buffer)
ON_BUFFER(delete_event_log_buffer)

/* The profiler [TLFS 2.0 ch. 23 "System Properties"] */

#define SAMPLES_A_SECOND 10000	/* more would leave the guests no time */

static struct spinlock profiler_lock = SPINLOCK(LOCK_VP_TIMERS);
static struct pvn_get_system_property_out profiler;	/* [profiler_lock] */

/* The guest was left for this interrupt: its RIP is where it stands. */
static void sample(struct timer *timer)
{
	struct pvn_event_sample event = { 0 };
	const struct vp *vp = plat_this_cpu()->current;

	if (vp)
		event = (struct pvn_event_sample){ .partition_id = vp->partition->id, .vp_index = vp->index,
						   .rip = vp->regs.rip };
	if (groups[PVN_EVENTLOG_DIAGNOSTICS].initialized)
		write(&groups[PVN_EVENTLOG_DIAGNOSTICS], PVN_EVENT_SAMPLE, &event, sizeof(event));
	SPIN_HOLD(&profiler_lock);
	if (profiler.source)
		timer_arm(timer, plat_tsc() + profiler.period);
}

HC(set_system_property)
{
	if (in->system_property != PVN_SYSTEM_PROPERTY_PROFILER)
		return PVN_STATUS_UNKNOWN_PROPERTY;
	if (in->source == PVN_PROFILE_CACHE_MISSES || in->source == PVN_PROFILE_MISPREDICTIONS)
		return PVN_STATUS_FEATURE_UNAVAILABLE;
	if (in->source > PVN_PROFILE_CYCLES || in->period >> PVN_PROFILE_PERIOD_BITS ||
	    (in->source ? in->period < plat_tsc_hz() / SAMPLES_A_SECOND : in->period))
		return PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
	SPIN_HOLD(&profiler_lock);
	profiler.source = in->source;
	profiler.period = in->period;
	for (unsigned int i = 0; i < plat_cpu_count(); i++) {
		struct timer *timer = &plat_cpu(i)->profiler;

		if (!timer->pinned)
			timer_init(timer, sample);
		timer->pinned = plat_cpu(i);
		timer_cancel(timer);
		if (in->source)
			timer_arm(timer, plat_tsc() + in->period);
	}
	return PVN_STATUS_SUCCESS;
}

HC(get_system_property)
{
	SPIN_HOLD(&profiler_lock);

	*out = profiler;
	return in->system_property == PVN_SYSTEM_PROPERTY_PROFILER ? PVN_STATUS_SUCCESS :
								     PVN_STATUS_UNKNOWN_PROPERTY;
}
