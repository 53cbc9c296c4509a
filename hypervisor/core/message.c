// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Message ports: a message waits in one of its port's 16 buffers until the SynIC of
 * the receiving VP has copied it out [TLFS 2.0 14.3 "Message Buffers"]. Under the
 * events lock, and the receiver's message lock below it.
 */
#include "core/event.h"
#include "lib/string.h"

static struct port_message *buffer_at(struct port *port, unsigned int i)
{
	return &port->messages[i / PORT_MESSAGES_A_PAGE]->message[i % PORT_MESSAGES_A_PAGE];
}

static void free_buffers(struct port *port)
{
	for (unsigned int i = 0; i < PORT_MESSAGES / PORT_MESSAGES_A_PAGE; i++) {
		page_pool_free(&port->partition->pool, port->messages[i]);
		port->messages[i] = NULL;
	}
}

bool message_create_buffers(struct port *port)
{
	for (unsigned int i = 0; i < PORT_MESSAGES / PORT_MESSAGES_A_PAGE; i++) {
		port->messages[i] = page_pool_alloc(&port->partition->pool);
		if (!port->messages[i]) {
			free_buffers(port);
			return false;
		}
	}
	for (unsigned int i = 0; i < PORT_MESSAGES; i++)
		list_init(&buffer_at(port, i)->message.node);
	return true;
}

void message_release_buffers(struct port *port)
{
	for (unsigned int i = 0; i < PORT_MESSAGES; i++) {
		struct port_message *buffer = buffer_at(port, i);

		if (buffer->target)
			synic_cancel(buffer->target, port->sint, &buffer->message);
	}
	free_buffers(port);
}

static struct port_message *free_buffer(struct port *port)
{
	for (unsigned int i = 0; i < PORT_MESSAGES; i++) {
		struct port_message *buffer = buffer_at(port, i);

		if (__atomic_load_n(&buffer->message.queued, __ATOMIC_RELAXED))
			continue;
		/* Through the receiver's lock: it has finished with the buffer altogether. */
		if (buffer->target)
			synic_cancel(buffer->target, port->sint, &buffer->message);
		return buffer;
	}
	return NULL;
}

static enum pvn_status post_to(struct port *port, struct port_message *buffer, unsigned int index)
{
	struct vp *vp = partition_vp(port->partition, index);

	if (!vp)
		return PVN_STATUS_INVALID_VP_INDEX;
	buffer->target = vp;
	return synic_post(vp, port->sint, &buffer->message);
}

/* A port for any VP tries one after the other, beginning with a different one each time. */
static enum pvn_status post_to_any(struct port *port, struct port_message *buffer)
{
	for (unsigned int i = 0; i < VPS_PER_PARTITION_MAX; i++)
		if (post_to(port, buffer, (port->posts + i) % VPS_PER_PARTITION_MAX) == PVN_STATUS_SUCCESS)
			return PVN_STATUS_SUCCESS;
	return PVN_STATUS_INVALID_SYNIC_STATE;
}

enum pvn_status message_post(struct partition *sender, const struct pvn_post_message_in *in)
{
	SPIN_HOLD(&events_lock);
	struct port_message *buffer;
	struct port *port;
	enum pvn_status status = event_find_port(sender, in->connection_id, &port);

	/* Types with the top bit are the hypervisor's own; 0 is an empty slot. */
	if (!in->message_type || in->message_type >> 31 || in->payload_bytes > PVN_MESSAGE_PAYLOAD_MAX)
		return PVN_STATUS_INVALID_PARAMETER;
	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (port->type != PVN_PORT_MESSAGE)
		return PVN_STATUS_INVALID_PORT_ID;
	buffer = free_buffer(port);
	if (!buffer)
		return PVN_STATUS_INSUFFICIENT_BUFFERS;
	buffer->message.message = (struct pvn_message){
		.type = in->message_type, .payload_bytes = (uint8_t)in->payload_bytes, .origin = port->id,
	};
	memcpy(buffer->message.message.payload, in->payload, in->payload_bytes);
	status = port->target_vp == PVN_VP_ANY ? post_to_any(port, buffer) :
						 post_to(port, buffer, port->target_vp);
	if (status == PVN_STATUS_SUCCESS)
		__atomic_fetch_add(&port->posts, 1, __ATOMIC_RELAXED);
	return status;
}
