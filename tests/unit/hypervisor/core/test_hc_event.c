// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on ports and connections: who may name what.
 */
#include "fake_machine.h"

static uint64_t child;

static struct pvn_create_port_in port(uint32_t id)
{
	return (struct pvn_create_port_in){
		.port_partition = root_partition->id, .port_id = id, .connection_partition = child,
		.port_type = PVN_PORT_EVENT, .target_sint = 2, .target_vp = 0, .base_flag = 100,
		.flag_count = 8 };
}

static enum pvn_status create(const struct pvn_create_port_in *in)
{
	return root_call(PVN_CALL_create_port, in, sizeof(*in), NULL, 0);
}

static enum pvn_status connect(uint32_t connection, uint32_t port_id)
{
	struct pvn_connect_port_in in = {
		.connection_partition = child, .connection_id = connection,
		.port_partition = root_partition->id, .port_id = port_id, .port_type = PVN_PORT_EVENT };

	return root_call(PVN_CALL_connect_port, &in, sizeof(in), NULL, 0);
}

static void a_port_has_a_type_a_sint_flags_and_a_target(void **state)
{
	struct pvn_create_port_in in;

	(void)state;
	child = make_child(1);
	in = port(1);
	in.port_type = 4;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARAMETER);
	in = port(1);
	in.target_sint = 0;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARAMETER);
	in.target_sint = 16;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARAMETER);
	in = port(1);
	in.flag_count = 0;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARAMETER);
	in = port(1);
	in.base_flag = 2041;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARAMETER);
	in.base_flag = 65535;
	in.flag_count = 65535;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARAMETER);
	in = port(1);
	in.mbz = 1;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARAMETER);
	in = port(1);
	in.target_vp = 2;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_VP_INDEX);
	in.target_vp = PVN_VP_ANY;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_VP_INDEX);
	in = port(1u << 24);
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PORT_ID);
	in = port(1);
	in.base_flag = 0;
	in.flag_count = 2048;
	assert_int_equal(create(&in), PVN_STATUS_SUCCESS);
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PORT_ID);
}

static void a_port_joins_two_active_partitions_of_the_callers(void **state)
{
	struct pvn_create_partition_in inactive = { 0 };
	struct pvn_create_port_in in;

	(void)state;
	child = make_child(1);
	in = port(1);
	in.connection_partition = root_partition->id;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARTITION_ID);
	in.connection_partition = 999999;
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARTITION_ID);
	root_call(PVN_CALL_create_partition, &inactive, sizeof(inactive), &in.connection_partition, 8);
	assert_int_equal(create(&in), PVN_STATUS_INVALID_PARTITION_STATE);
}

/* A program that a test runs posts to itself; the root itself may not. */
static void a_parent_leads_a_connection_of_a_child_back_to_it(void **state)
{
	struct pvn_connect_port_in connection;
	struct pvn_create_port_in in;
	struct vp *vp;

	(void)state;
	child = make_child(1);
	vp = partition_of(child)->vps[0];
	assert_int_equal(map_pages(child, 0x200, take_root_pages(8), 8, GPA_ALL), PVN_STATUS_SUCCESS);
	enable_synic(vp, 2, 0x60);
	in = port(7);
	in.port_partition = child;
	connection = (struct pvn_connect_port_in){
		.connection_partition = child, .connection_id = 9, .port_partition = child,
		.port_id = 7, .port_type = PVN_PORT_EVENT };
	assert_int_equal(create(&in), PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_connect_port, &connection, sizeof(connection), NULL, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(fake_hypercall(vp, PVN_CALL_signal_event | PVN_CONTROL_FAST, 9, 0),
			 PVN_STATUS_SUCCESS);
	assert_true(is_raised(vp, 0x60));
	/* The child could not have made it. */
	partition_of(child)->privileges = ~0ull;
	in.port_id = 8;
	memcpy(root_memory(FAKE_IN), &in, sizeof(in));
	assert_int_equal(map_pages(child, 0, FAKE_IN >> PAGE_SHIFT, 1, GPA_ALL), PVN_STATUS_SUCCESS);
	assert_int_equal(fake_hypercall(vp, PVN_CALL_create_port, 0, 0), PVN_STATUS_INVALID_PARTITION_ID);
}

static void only_the_partition_named_connects_and_only_once(void **state)
{
	struct pvn_create_port_in in;
	uint64_t other;

	(void)state;
	other = make_child(1);
	child = make_child(1);
	in = port(1);
	assert_int_equal(create(&in), PVN_STATUS_SUCCESS);
	child = other;
	assert_int_equal(connect(5, 1), PVN_STATUS_INVALID_PARTITION_ID);
	child = in.connection_partition;
	assert_int_equal(connect(1u << 24, 1), PVN_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(connect(5, 2), PVN_STATUS_INVALID_PORT_ID);
	assert_int_equal(connect(5, 1), PVN_STATUS_SUCCESS);
	assert_int_equal(connect(6, 1), PVN_STATUS_INVALID_PORT_ID);
	in = port(2);
	assert_int_equal(create(&in), PVN_STATUS_SUCCESS);
	assert_int_equal(connect(5, 2), PVN_STATUS_INVALID_CONNECTION_ID);
}

static void a_child_rings_the_root_through_registers_alone(void **state)
{
	struct pvn_create_port_in in;
	struct vp *vp;

	(void)state;
	child = make_child(1);
	vp = partition_of(child)->vps[0];
	in = port(1);
	enable_synic(machine.root_vp, 2, 0x60);
	create(&in);
	connect(5, 1);
	assert_int_equal(fake_hypercall(vp, PVN_CALL_signal_event | PVN_CONTROL_FAST, 5 | 3ull << 32, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(machine.root_vp->synic.events->sint[2].word[1], 1ull << (103 - 64));
	assert_true(is_raised(machine.root_vp, 0x60));
	assert_int_equal(vp->stats.count[PVN_STAT_vp_calls + PVN_CALL_signal_event], 1);
	assert_int_equal(vp->stats.count[PVN_STAT_vp_events_merged], 0);
	machine.cpu[0].current = vp;
	assert_int_equal(fake_hypercall(vp, PVN_CALL_signal_event | PVN_CONTROL_FAST, 5 | 3ull << 32, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(vp->stats.count[PVN_STAT_vp_events_merged], 1);
	assert_int_equal(fake_hypercall(vp, PVN_CALL_signal_event | PVN_CONTROL_FAST, 5 | 8ull << 32, 0),
			 PVN_STATUS_INVALID_PARAMETER);
}

static void a_target_moves_with_its_property(void **state)
{
	struct pvn_set_port_property_in set = { .port_partition = root_partition->id, .port_id = 1,
						.property = PVN_PORT_PROPERTY_TARGET_VP, .value = 1 };
	struct pvn_get_port_property_in get = { .port_partition = root_partition->id, .port_id = 1,
						.property = PVN_PORT_PROPERTY_POSTS };
	struct pvn_create_port_in in;
	uint64_t value;

	(void)state;
	child = make_child(1);
	in = port(1);
	enable_synic(root_partition->vps[1], 2, 0x61);
	create(&in);
	connect(5, 1);
	assert_int_equal(root_call(PVN_CALL_set_port_property, &set, sizeof(set), NULL, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(event_signal(partition_of(child), 5, 0), PVN_STATUS_SUCCESS);
	assert_true(is_raised(root_partition->vps[1], 0x61));
	assert_int_equal(root_call(PVN_CALL_get_port_property, &get, sizeof(get), &value, 8),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(value, 1);
	set.value = 7;
	assert_int_equal(root_call(PVN_CALL_set_port_property, &set, sizeof(set), NULL, 0),
			 PVN_STATUS_INVALID_VP_INDEX);
	set.property = 9;
	assert_int_equal(root_call(PVN_CALL_set_port_property, &set, sizeof(set), NULL, 0),
			 PVN_STATUS_UNKNOWN_PROPERTY);
	set.property = PVN_PORT_PROPERTY_POSTS;
	assert_int_equal(root_call(PVN_CALL_set_port_property, &set, sizeof(set), NULL, 0),
			 PVN_STATUS_OPERATION_DENIED);
	get.property = 9;
	assert_int_equal(root_call(PVN_CALL_get_port_property, &get, sizeof(get), &value, 8),
			 PVN_STATUS_UNKNOWN_PROPERTY);
}

static void ports_and_connections_end_when_told(void **state)
{
	struct pvn_delete_port_in gone = { .port_partition = root_partition->id, .port_id = 1 };
	struct pvn_disconnect_port_in off;
	struct pvn_create_port_in in;

	(void)state;
	child = make_child(1);
	in = port(1);
	create(&in);
	connect(5, 1);
	off = (struct pvn_disconnect_port_in){ .connection_partition = child, .connection_id = 5 };
	assert_int_equal(root_call(PVN_CALL_delete_port, &gone, sizeof(gone), NULL, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_delete_port, &gone, sizeof(gone), NULL, 0),
			 PVN_STATUS_INVALID_PORT_ID);
	assert_int_equal(event_signal(partition_of(child), 5, 0), PVN_STATUS_INVALID_PORT_ID);
	assert_int_equal(root_call(PVN_CALL_disconnect_port, &off, sizeof(off), NULL, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_disconnect_port, &off, sizeof(off), NULL, 0),
			 PVN_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(event_signal(partition_of(child), 5, 0), PVN_STATUS_INVALID_CONNECTION_ID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_port_has_a_type_a_sint_flags_and_a_target),
		ON_FAKE_MACHINE(a_port_joins_two_active_partitions_of_the_callers),
		ON_FAKE_MACHINE(a_parent_leads_a_connection_of_a_child_back_to_it),
		ON_FAKE_MACHINE(only_the_partition_named_connects_and_only_once),
		ON_FAKE_MACHINE(a_child_rings_the_root_through_registers_alone),
		ON_FAKE_MACHINE(a_target_moves_with_its_property),
		ON_FAKE_MACHINE(ports_and_connections_end_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
