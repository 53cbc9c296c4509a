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

enum pvn_status hc_create_port(struct hc_call *call, const struct pvn_create_port_in *in,
			       const struct pvn_create_port_elem *elem,
			       struct pvn_create_port_out *out, struct pvn_create_port_oelem *oelem)
{
	struct partition *partition, *peer;
	enum pvn_status status = find_ends(call, in->port_partition, in->connection_partition,
					   &partition, &peer);

	(void)elem, (void)out, (void)oelem;
	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (in->port_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_PORT_ID;
	/* SINT 0 is for intercepts. */
	if ((in->port_type != PVN_PORT_MESSAGE && in->port_type != PVN_PORT_EVENT) ||
	    !in->target_sint || in->target_sint > SINT_LAST || !flags_are_valid(in))
		return PVN_STATUS_INVALID_PARAMETER;
	return event_create_port(partition, &(struct port){
		.id = in->port_id,
		.type = in->port_type,
		.connection_partition = peer->id,
		.sint = in->target_sint,
		.target_vp = in->target_vp,
		.base_flag = in->base_flag,
		.flag_count = in->flag_count,
	});
}

/* The caller's own or a child's, active. */
static enum pvn_status find_active(struct hc_call *call, uint64_t id, struct partition **out)
{
	enum pvn_status status = hc_find_self_or_child(call, id, out);

	if (status == PVN_STATUS_SUCCESS && !partition_is_active(*out))
		status = PVN_STATUS_INVALID_PARTITION_STATE;
	return status;
}

enum pvn_status hc_delete_port(struct hc_call *call, const struct pvn_delete_port_in *in,
			       const struct pvn_delete_port_elem *elem,
			       struct pvn_delete_port_out *out, struct pvn_delete_port_oelem *oelem)
{
	struct partition *partition;
	enum pvn_status status = find_active(call, in->port_partition, &partition);

	(void)elem, (void)out, (void)oelem;
	return status == PVN_STATUS_SUCCESS ? event_delete_port(partition, in->port_id) : status;
}

enum pvn_status hc_connect_port(struct hc_call *call, const struct pvn_connect_port_in *in,
				const struct pvn_connect_port_elem *elem,
				struct pvn_connect_port_out *out,
				struct pvn_connect_port_oelem *oelem)
{
	struct partition *partition, *port_partition;
	enum pvn_status status = find_ends(call, in->port_partition, in->connection_partition,
					   &port_partition, &partition);

	(void)elem, (void)out, (void)oelem;
	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (in->connection_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_CONNECTION_ID;
	if (in->port_id > PORT_ID_MAX)
		return PVN_STATUS_INVALID_PORT_ID;
	return event_connect(partition, in->connection_id, port_partition, in->port_id,
			     in->port_type);
}

enum pvn_status hc_disconnect_port(struct hc_call *call, const struct pvn_disconnect_port_in *in,
				   const struct pvn_disconnect_port_elem *elem,
				   struct pvn_disconnect_port_out *out,
				   struct pvn_disconnect_port_oelem *oelem)
{
	struct partition *partition;
	enum pvn_status status = find_active(call, in->connection_partition, &partition);

	(void)elem, (void)out, (void)oelem;
	return status == PVN_STATUS_SUCCESS ? event_disconnect(partition, in->connection_id) : status;
}

enum pvn_status hc_get_port_property(struct hc_call *call, const struct pvn_get_port_property_in *in,
				     const struct pvn_get_port_property_elem *elem,
				     struct pvn_get_port_property_out *out,
				     struct pvn_get_port_property_oelem *oelem)
{
	struct partition *partition;
	enum pvn_status status = find_active(call, in->port_partition, &partition);

	(void)elem, (void)oelem;
	if (status != PVN_STATUS_SUCCESS)
		return status;
	return event_get_property(partition, in->port_id, in->property, &out->value);
}

enum pvn_status hc_set_port_property(struct hc_call *call, const struct pvn_set_port_property_in *in,
				     const struct pvn_set_port_property_elem *elem,
				     struct pvn_set_port_property_out *out,
				     struct pvn_set_port_property_oelem *oelem)
{
	struct partition *partition;
	enum pvn_status status = find_active(call, in->port_partition, &partition);

	(void)elem, (void)out, (void)oelem;
	if (status != PVN_STATUS_SUCCESS)
		return status;
	return event_set_property(partition, in->port_id, in->property, in->value);
}

enum pvn_status hc_post_message(struct hc_call *call, const struct pvn_post_message_in *in,
				const struct pvn_post_message_elem *elem,
				struct pvn_post_message_out *out,
				struct pvn_post_message_oelem *oelem)
{
	(void)elem, (void)out, (void)oelem;
	return message_post(call->caller, in);
}

/* The doorbell: from here event_signal() sets the flag and raises the interrupt. */
enum pvn_status hc_signal_event(struct hc_call *call, const struct pvn_signal_event_in *in,
				const struct pvn_signal_event_elem *elem,
				struct pvn_signal_event_out *out,
				struct pvn_signal_event_oelem *oelem)
{
	(void)elem, (void)out, (void)oelem;
	call->vp->counters.signals++;
	return event_signal(call->caller, in->connection_id, in->flag);
}
