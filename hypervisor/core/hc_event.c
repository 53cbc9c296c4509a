// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on ports and connections [TLFS 2.0 14.10 "Event and Message Interfaces"]:
 * who may name what; the rest is event.c's and message.c's.
 */
#include "core/event.h"
#include "core/hypercall.h"

#define SINT_LAST (PVN_SINT_COUNT - 1)

/*
 * Both ends of a port: the caller's own or a child's, active. They are different
 * partitions, but that a parent may lead a child's connection back to the child.
 */
static enum pvn_status find_ends(struct hc_call *call, uint64_t port_id, uint64_t connection_id,
				 struct partition **port, struct partition **connection)
{
	enum pvn_status status = hc_find_self_or_child(call, port_id, port) ?:
				 hc_find_self_or_child(call, connection_id, connection);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (*port == *connection && *port == call->caller)
		return PVN_STATUS_INVALID_PARTITION_ID;
	return partition_is_active(*port) && partition_is_active(*connection) ?
	       PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PARTITION_STATE;
}

/* Where the page of a monitor port goes: 0, nowhere. */
static enum pvn_status check_monitor(uint64_t at)
{
	return at & (PAGE_SIZE - 1) ? PVN_STATUS_INVALID_ALIGNMENT :
	       at >= GPA_SPACE_BYTES ? PVN_STATUS_INVALID_PARAMETER : PVN_STATUS_SUCCESS;
}

static bool flags_are_valid(const struct pvn_create_port_in *in)
{
	if (in->port_type != PVN_PORT_EVENT)
		return !in->base_flag && !in->flag_count;
	return in->flag_count && in->base_flag + in->flag_count <= PVN_EVENT_FLAGS_PER_SINT;
}

HC_WITH(create_port, find_ends(call, in->port_partition, in->connection_partition, &call->target,
			       &call->peer))
{
	bool monitor = in->port_type == PVN_PORT_MONITOR;
	uint64_t at = monitor ? in->target_sint | (uint64_t)in->target_vp << 32 : 0;

	if (in->port_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_PORT_ID;
	/* SINT 0 is for intercepts. */
	if (in->port_type - PVN_PORT_MESSAGE > PVN_PORT_MONITOR - PVN_PORT_MESSAGE || !flags_are_valid(in) ||
	    (!monitor && (!in->target_sint || in->target_sint > SINT_LAST)))
		return PVN_STATUS_INVALID_PARAMETER;
	return check_monitor(at) ?: event_create_port(target, &(struct port){
		.id = in->port_id, .type = in->port_type, .connection_partition = call->peer->id,
		.sint = in->target_sint, .target_vp = in->target_vp, .base_flag = in->base_flag,
		.flag_count = in->flag_count, .monitor_at = { at } });
}

HC_WITH(delete_port, hc_find_active(call, in->port_partition, &call->target))
{
	return event_delete_port(target, in->port_id);
}

HC_WITH(connect_port, find_ends(call, in->port_partition, in->connection_partition, &call->peer,
				&call->target))
{
	if (in->connection_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_CONNECTION_ID;
	if (in->port_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_PORT_ID;
	if (in->monitor_gpa && in->port_type != PVN_PORT_MONITOR)
		return PVN_STATUS_INVALID_PARAMETER;
	return check_monitor(in->monitor_gpa) ?:
	       event_connect(target, in->connection_id, call->peer, in->port_id, in->port_type,
			     in->monitor_gpa);
}

HC_WITH(disconnect_port, hc_find_active(call, in->connection_partition, &call->target))
{
	return event_disconnect(target, in->connection_id);
}

HC_WITH(get_port_property, hc_find_active(call, in->port_partition, &call->target))
{
	return event_get_property(target, in->port_id, in->property, &out->value);
}

HC_WITH(set_port_property, hc_find_active(call, in->port_partition, &call->target))
{
	return event_set_property(target, in->port_id, in->property, in->value);
}

HC(post_message) { return message_post(call->caller, in); }

/* The doorbell: from here event_signal() sets the flag and raises the interrupt. */
HC(signal_event) { return event_signal(call->caller, in->connection_id, in->flag); }
