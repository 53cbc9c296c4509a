// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Ports and connections. Everything takes the events lock but the doorbell's light exit
 * (light.c), which finds event ports in the sender's doorbells[] and takes none.
 *
 * Why that is safe: for everybody else a processor in a light exit is in its guest. Whoever frees a
 * port or a partition's doorbells[] first makes it unreachable, then waits until every
 * processor has left its guest (quiesce.h). That is waited for under the events lock.
 */
#include "core/doorbell.h"
#include "core/platform.h"
#include "core/quiesce.h"
#include "core/sched.h"

struct spinlock events_lock = SPINLOCK(LOCK_EVENTS);
static uint64_t port_count, connection_count;	/* [events_lock] */

void event_init(struct partition *partition)
{
	slab_init(&partition->event_records, &partition->pool);
	list_init(&partition->ports);
	list_init(&partition->connections);
}

void event_census(uint64_t *ports, uint64_t *connections)
{
	SPIN_HOLD(&events_lock);

	*ports = port_count;
	*connections = connection_count;
}

static struct port *find_port(struct partition *partition, uint32_t id)
{
	list_for_each_entry(port, &partition->ports, struct port, node)
		if (port->id == id)
			return port;
	return NULL;
}

static struct connection *find_connection(struct partition *partition, uint32_t id)
{
	list_for_each_entry(connection, &partition->connections, struct connection, node)
		if (connection->id == id)
			return connection;
	return NULL;
}

static enum pvn_status signal_port(struct port *port, uint16_t flag)
{
	enum rung rung;

	if (!port || port->type != PVN_PORT_EVENT)
		return PVN_STATUS_INVALID_PORT_ID;
	if (flag >= port->flag_count)
		return PVN_STATUS_INVALID_PARAMETER;
	if (vp_is_dying(port->target))
		return PVN_STATUS_INVALID_VP_INDEX;
	/* No VP is current, and nobody charged, for a monitor port's timer on an idle processor. */
	rung = port_ring(port, port->target, flag, plat_this_cpu()->current);
	if (rung == RUNG_LOUD)
		sched_notify(port->target);
	return rung == RUNG_NOT ? PVN_STATUS_INVALID_SYNIC_STATE : PVN_STATUS_SUCCESS;
}

enum pvn_status event_signal_locked(struct partition *sender, uint32_t id, uint16_t flag)
{
	struct connection *connection = find_connection(sender, id);

	return connection ? signal_port(connection->port, flag) : PVN_STATUS_INVALID_CONNECTION_ID;
}

enum pvn_status event_signal(struct partition *sender, uint32_t connection_id, uint16_t flag)
{
	SPIN_HOLD(&events_lock);

	return event_signal_locked(sender, connection_id, flag);
}

enum pvn_status event_find_port(struct partition *sender, uint32_t connection_id, struct port **out)
{
	struct connection *connection = find_connection(sender, connection_id);

	if (!connection)
		return PVN_STATUS_INVALID_CONNECTION_ID;
	*out = connection->port;
	return *out ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PORT_ID;
}

/* It has been found valid. The next doorbell goes there, even if the VP is deleted just now. */
static void set_target(struct port *port, uint32_t target_vp)
{
	port->target_vp = target_vp;
	if (port->type == PVN_PORT_EVENT)
		__atomic_store_n(&port->target, port->partition->vps[target_vp], __ATOMIC_RELEASE);
}

static bool target_is_valid(struct partition *partition, uint32_t type, uint32_t target_vp)
{
	return target_vp == PVN_VP_ANY ? type == PVN_PORT_MESSAGE : !!partition_vp(partition, target_vp);
}

static enum pvn_status give_memory(struct port *port)
{
	if (port->type == PVN_PORT_MONITOR)
		return monitor_create(port);
	return port->type != PVN_PORT_MESSAGE || message_create_buffers(port) ?
	       PVN_STATUS_SUCCESS : PVN_STATUS_INSUFFICIENT_MEMORY;
}

enum pvn_status event_create_port(struct partition *partition, const struct port *wanted)
{
	SPIN_HOLD(&events_lock);
	enum pvn_status status;
	struct port *port;

	/* Read under the lock that finalization takes after it has changed it. */
	if (!partition_is_active(partition))
		return PVN_STATUS_INVALID_PARTITION_STATE;
	if (find_port(partition, wanted->id))
		return PVN_STATUS_INVALID_PORT_ID;
	if (wanted->type != PVN_PORT_MONITOR && !target_is_valid(partition, wanted->type, wanted->target_vp))
		return PVN_STATUS_INVALID_VP_INDEX;
	port = slab_alloc(&partition->event_records);
	if (!port)
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	*port = *wanted;
	port->partition = partition;
	port->first_event = EVENT(port->sint, port->base_flag);
	set_target(port, wanted->target_vp);
	status = give_memory(port);
	if (status != PVN_STATUS_SUCCESS) {
		slab_free(&partition->event_records, port);
		return status;
	}
	list_append(&partition->ports, &port->node);
	port_count++;
	return PVN_STATUS_SUCCESS;
}

/* Which port the doorbell of a connection rings, if it is one of those that light exits find. */
static void set_doorbell(struct connection *connection, struct port *port)
{
	if (connection->id < DOORBELLS)
		__atomic_store_n(&connection->partition->doorbells[connection->id], port, __ATOMIC_SEQ_CST);
}

/* Nobody reaches it any more, but light exits may still be at it. */
static void unlink_port(struct port *port)
{
	list_remove(&port->node);
	port_count--;
	if (port->connection) {
		port->connection->port = NULL;
		set_doorbell(port->connection, NULL);
	}
}

static void free_port(struct port *port)
{
	if (port->type == PVN_PORT_MESSAGE)
		message_release_buffers(port);
	page_pool_free(&port->partition->pool, port->monitor);
	slab_free(&port->partition->event_records, port);
}

static void unlink_connection(struct connection *connection)
{
	list_remove(&connection->node);
	connection_count--;
	set_doorbell(connection, NULL);
	if (connection->port)
		connection->port->connection = NULL;
}

enum pvn_status event_delete_port(struct partition *partition, uint32_t id)
{
	SPIN_HOLD(&events_lock);
	struct port *port = find_port(partition, id);

	if (port) {
		monitor_end(port);
		unlink_port(port);
		quiesce_guests();
		free_port(port);
	}
	return port ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PORT_ID;
}

/* They come with the partition's first connection. */
static bool make_doorbells(struct partition *partition)
{
	struct port **doorbells;

	if (partition->doorbells)
		return true;
	doorbells = page_pool_alloc(&partition->pool);
	__atomic_store_n(&partition->doorbells, doorbells, __ATOMIC_RELEASE);
	return doorbells;
}

static enum pvn_status check_connect(struct partition *partition, uint32_t connection_id,
				     struct port *port, uint32_t type)
{
	if (!partition_is_active(partition))
		return PVN_STATUS_INVALID_PARTITION_STATE;
	if (find_connection(partition, connection_id))
		return PVN_STATUS_INVALID_CONNECTION_ID;
	if (!port || port->connection)
		return PVN_STATUS_INVALID_PORT_ID;
	if (port->connection_partition != partition->id)
		return PVN_STATUS_INVALID_PARTITION_ID;
	return port->type == type ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PARAMETER;
}

enum pvn_status event_connect(struct partition *partition, uint32_t connection_id,
			      struct partition *port_partition, uint32_t port_id, uint32_t type,
			      uint64_t monitor_gpa)
{
	SPIN_HOLD(&events_lock);
	struct port *port = find_port(port_partition, port_id);
	enum pvn_status status = check_connect(partition, connection_id, port, type);
	struct connection *connection;

	if (status != PVN_STATUS_SUCCESS)
		return status;
	connection = make_doorbells(partition) ? slab_alloc(&partition->event_records) : NULL;
	if (!connection)
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	if (type == PVN_PORT_MONITOR)
		status = monitor_connect(port, partition, monitor_gpa);
	if (status != PVN_STATUS_SUCCESS) {
		slab_free(&partition->event_records, connection);
		return status;
	}
	*connection = (struct connection){ .partition = partition, .id = connection_id, .port = port };
	port->connection = connection;
	list_append(&partition->connections, &connection->node);
	connection_count++;
	if (type == PVN_PORT_EVENT)
		set_doorbell(connection, port);
	return PVN_STATUS_SUCCESS;
}

enum pvn_status event_disconnect(struct partition *partition, uint32_t connection_id)
{
	SPIN_HOLD(&events_lock);
	struct connection *connection = find_connection(partition, connection_id);

	if (connection) {
		monitor_disconnect(connection->port);
		unlink_connection(connection);
		slab_free(&partition->event_records, connection);
	}
	return connection ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_CONNECTION_ID;
}

enum pvn_status event_get_property(struct partition *partition, uint32_t port_id,
				   uint32_t property, uint64_t *value)
{
	SPIN_HOLD(&events_lock);
	struct port *port = find_port(partition, port_id);

	if (!port)
		return PVN_STATUS_INVALID_PORT_ID;
	if (property > PVN_PORT_PROPERTY_TARGET_VP)
		return PVN_STATUS_UNKNOWN_PROPERTY;
	*value = property == PVN_PORT_PROPERTY_POSTS ? __atomic_load_n(&port->posts, __ATOMIC_RELAXED) :
							port->target_vp;
	return PVN_STATUS_SUCCESS;
}

enum pvn_status event_set_property(struct partition *partition, uint32_t port_id,
				   uint32_t property, uint64_t value)
{
	SPIN_HOLD(&events_lock);
	struct port *port = find_port(partition, port_id);

	if (!port)
		return PVN_STATUS_INVALID_PORT_ID;
	if (property == PVN_PORT_PROPERTY_POSTS)
		return PVN_STATUS_OPERATION_DENIED;
	if (property != PVN_PORT_PROPERTY_TARGET_VP)
		return PVN_STATUS_UNKNOWN_PROPERTY;
	if (value > PVN_VP_ANY || !target_is_valid(port->partition, port->type, (uint32_t)value))
		return PVN_STATUS_INVALID_VP_INDEX;
	set_target(port, (uint32_t)value);
	return PVN_STATUS_SUCCESS;
}

void event_release_all(struct partition *partition)
{
	struct list ports = { &ports, &ports }, connections = { &connections, &connections };
	SPIN_HOLD(&events_lock);
	struct port **doorbells;

	list_for_each_entry(connection, &partition->connections, struct connection, node)
		monitor_disconnect(connection->port);
	list_for_each_entry(port, &partition->ports, struct port, node)
		monitor_end(port);
	/* First everything becomes unreachable, so that one wait is enough for all. */
	list_for_each_safe(node, &partition->connections) {
		unlink_connection(list_entry(node, struct connection, node));
		list_append(&connections, node);
	}
	list_for_each_safe(node, &partition->ports) {
		unlink_port(list_entry(node, struct port, node));
		list_append(&ports, node);
	}
	doorbells = __atomic_exchange_n(&partition->doorbells, NULL, __ATOMIC_SEQ_CST);
	quiesce_guests();
	page_pool_free(&partition->pool, doorbells);
	list_for_each_safe(node, &connections)
		slab_free(&partition->event_records, list_entry(node, struct connection, node));
	list_for_each_safe(node, &ports)
		free_port(list_entry(node, struct port, node));
}
