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

/* Both ends of a port: the caller's own or a child's, different, active. */
static enum pvn_status find_ends(struct hc_call *call, uint64_t port_id, uint64_t connection_id,
				 struct partition **port, struct partition **connection)
{
	enum pvn_status status = hc_find_self_or_child(call, port_id, port);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	status = hc_find_self_or_child(call, connection_id, connection);
	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (*port == *connection)
		return PVN_STATUS_INVALID_PARTITION_ID;
	if (!partition_is_active(*port) || !partition_is_active(*connection))
		return PVN_STATUS_INVALID_PARTITION_STATE;
	return PVN_STATUS_SUCCESS;
}

static bool flags_are_valid(const struct pvn_create_port_in *in)
{
	if (in->port_type == PVN_PORT_MESSAGE)
		return !in->base_flag && !in->flag_count;
	return in->flag_count && in->base_flag + in->flag_count <= PVN_EVENT_FLAGS_PER_SINT;
}

HC(create_port)
{
	struct partition *partition, *peer;
	enum pvn_status status = find_ends(call, in->port_partition, in->connection_partition,
					   &partition, &peer);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (in->port_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_PORT_ID;
	/* SINT 0 is for intercepts. */
	if ((in->port_type != PVN_PORT_MESSAGE && in->port_type != PVN_PORT_EVENT) ||
	    !in->target_sint || in->target_sint > SINT_LAST || !flags_are_valid(in))
		return PVN_STATUS_INVALID_PARAMETER;
	return event_create_port(partition, &(struct port){ .id = in->port_id, .type = in->port_type,
		.connection_partition = peer->id,
		.sint = in->target_sint,
		.target_vp = in->target_vp,
		.base_flag = in->base_flag,
		.flag_count = in->flag_count,
	});
}

HC(delete_port)
{
	struct partition *partition;
	enum pvn_status status = hc_find_active(call, in->port_partition, &partition);

	return status == PVN_STATUS_SUCCESS ? event_delete_port(partition, in->port_id) : status;
}

HC(connect_port)
{
	struct partition *partition, *port_partition;
	enum pvn_status status = find_ends(call, in->port_partition, in->connection_partition,
					   &port_partition, &partition);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (in->connection_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_CONNECTION_ID;
	if (in->port_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_PORT_ID;
	return event_connect(partition, in->connection_id, port_partition, in->port_id, in->port_type);
}

HC(disconnect_port)
{
	struct partition *partition;
	enum pvn_status status = hc_find_active(call, in->connection_partition, &partition);

	return status == PVN_STATUS_SUCCESS ? event_disconnect(partition, in->connection_id) : status;
}

HC(get_port_property)
{
	struct partition *partition;
	enum pvn_status status = hc_find_active(call, in->port_partition, &partition);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	return event_get_property(partition, in->port_id, in->property, &out->value);
}

HC(set_port_property)
{
	struct partition *partition;
	enum pvn_status status = hc_find_active(call, in->port_partition, &partition);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	return event_set_property(partition, in->port_id, in->property, in->value);
}

HC(post_message) { return message_post(call->caller, in); }

/* The doorbell: from here event_signal() sets the flag and raises the interrupt. */
HC(signal_event) { return event_signal(call->caller, in->connection_id, in->flag); }
