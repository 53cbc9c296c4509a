// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Ports and connections, and the doorbell. Everything takes the events lock but
 * event_signal() of the first connections, which takes none. Flushes are waited for under it, so
 * that a light exit must not take it.
 *
 * Why that is safe: a processor makes its event_reads odd before it looks up a
 * connection and even again after it has left the port. Whoever frees a port, a
 * connection or an index first makes it unreachable, then waits until every
 * processor that was reading has stopped (wait_for_readers()). A reader waits for
 * no lock that is held around such a wait.
 */
#include "core/event.h"
#include "core/platform.h"

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

static void read_begin(struct cpu *cpu)
{
	/* The increment is visible before anything is looked up; pairs with wait_for_readers(). */
	__atomic_fetch_add(&cpu->event_reads, 1, __ATOMIC_SEQ_CST);
}

static void read_end(struct cpu *cpu)
{
	__atomic_store_n(&cpu->event_reads, cpu->event_reads + 1, __ATOMIC_RELEASE);
}

static void wait_for_readers(void)
{
	struct cpu *self = plat_this_cpu();

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < plat_cpu_count(); i++) {
		struct cpu *cpu = plat_cpu(i);
		uint64_t seen = __atomic_load_n(&cpu->event_reads, __ATOMIC_ACQUIRE);

		if (cpu == self || !(seen & 1))
			continue;
		while (__atomic_load_n(&cpu->event_reads, __ATOMIC_ACQUIRE) == seen)
			plat_relax();
	}
}

static enum pvn_status signal_port(struct port *port, uint16_t flag)
{
	struct vp *vp;

	if (!port || port->type != PVN_PORT_EVENT)
		return PVN_STATUS_INVALID_PORT_ID;
	if (flag >= port->flag_count)
		return PVN_STATUS_INVALID_PARAMETER;
	vp = partition_vp(port->partition, __atomic_load_n(&port->target_vp, __ATOMIC_RELAXED));
	if (!vp)
		return PVN_STATUS_INVALID_VP_INDEX;
	__atomic_fetch_add(&port->posts, 1, __ATOMIC_RELAXED);
	return synic_signal(vp, port->sint, port->base_flag + flag);
}

enum pvn_status event_signal_locked(struct partition *sender, uint32_t id, uint16_t flag)
{
	struct connection *connection = find_connection(sender, id);

	return connection ? signal_port(connection->port, flag) : PVN_STATUS_INVALID_CONNECTION_ID;
}

enum pvn_status event_signal(struct partition *sender, uint32_t connection_id, uint16_t flag)
{
	struct cpu *cpu = plat_this_cpu();
	struct connection **index, *connection = NULL;
	enum pvn_status status = PVN_STATUS_INVALID_CONNECTION_ID;

	if (connection_id >= EVENT_INDEX_ENTRIES) {
		SPIN_HOLD(&events_lock);

		return event_signal_locked(sender, connection_id, flag);
	}
	read_begin(cpu);
	index = __atomic_load_n(&sender->connection_index, __ATOMIC_ACQUIRE);
	if (index)
		connection = __atomic_load_n(&index[connection_id], __ATOMIC_ACQUIRE);
	if (connection)
		status = signal_port(__atomic_load_n(&connection->port, __ATOMIC_ACQUIRE), flag);
	read_end(cpu);
	return status;
}

enum pvn_status event_find_port(struct partition *sender, uint32_t connection_id, struct port **out)
{
	struct connection *connection = find_connection(sender, connection_id);

	if (!connection)
		return PVN_STATUS_INVALID_CONNECTION_ID;
	*out = connection->port;
	return *out ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PORT_ID;
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
	status = give_memory(port);
	if (status != PVN_STATUS_SUCCESS) {
		slab_free(&partition->event_records, port);
		return status;
	}
	list_append(&partition->ports, &port->node);
	port_count++;
	return PVN_STATUS_SUCCESS;
}

/* Nobody reaches it any more, but some may still be reading it. */
static void unlink_port(struct port *port)
{
	list_remove(&port->node);
	port_count--;
	if (port->connection)
		__atomic_store_n(&port->connection->port, NULL, __ATOMIC_SEQ_CST);
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
	struct connection **index = connection->partition->connection_index;

	list_remove(&connection->node);
	connection_count--;
	if (connection->id < EVENT_INDEX_ENTRIES)
		__atomic_store_n(&index[connection->id], NULL, __ATOMIC_SEQ_CST);
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
		wait_for_readers();
		free_port(port);
	}
	return port ? PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_PORT_ID;
}

/* The index of a partition is made with its first connection. */
static bool make_index(struct partition *partition)
{
	struct connection **index;

	if (partition->connection_index)
		return true;
	index = page_pool_alloc(&partition->pool);
	__atomic_store_n(&partition->connection_index, index, __ATOMIC_RELEASE);
	return index;
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
	connection = make_index(partition) ? slab_alloc(&partition->event_records) : NULL;
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
	/* Pairs with event_signal(): it sees the connection complete. */
	if (connection_id < EVENT_INDEX_ENTRIES)
		__atomic_store_n(&partition->connection_index[connection_id], connection, __ATOMIC_RELEASE);
	return PVN_STATUS_SUCCESS;
}

enum pvn_status event_disconnect(struct partition *partition, uint32_t connection_id)
{
	SPIN_HOLD(&events_lock);
	struct connection *connection = find_connection(partition, connection_id);

	if (connection) {
		monitor_disconnect(connection->port);
		unlink_connection(connection);
		wait_for_readers();
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
	/* The next doorbell goes there. */
	__atomic_store_n(&port->target_vp, (uint32_t)value, __ATOMIC_RELAXED);
	return PVN_STATUS_SUCCESS;
}

/* Nobody reads what was reachable any more. */
static void *release_index(struct partition *partition)
{
	void *index = __atomic_exchange_n(&partition->connection_index, NULL, __ATOMIC_SEQ_CST);

	wait_for_readers();
	return index;
}

void event_release_all(struct partition *partition)
{
	struct list ports = { &ports, &ports }, connections = { &connections, &connections };
	SPIN_HOLD(&events_lock);

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
	page_pool_free(&partition->pool, release_index(partition));
	list_for_each_safe(node, &connections)
		slab_free(&partition->event_records, list_entry(node, struct connection, node));
	list_for_each_safe(node, &ports)
		free_port(list_entry(node, struct port, node));
}
