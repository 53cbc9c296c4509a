// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Ports and connections: lookup, release, who may still look at them.
 */
#include "fake_machine.h"

static struct partition *child;

static void a_port_and_its_connection(uint32_t connection, uint32_t port_id)
{
	struct port port = { .id = port_id, .type = PVN_PORT_EVENT, .sint = 2, .flag_count = 1,
			     .connection_partition = child->id };

	assert_int_equal(event_create_port(root_partition, &port), PVN_STATUS_SUCCESS);
	assert_int_equal(event_connect(child, connection, root_partition, port_id, PVN_PORT_EVENT, 0),
			 PVN_STATUS_SUCCESS);
}

static void nobody_connected_is_an_invalid_connection(void **state)
{
	(void)state;
	child = partition_of(make_child(1));
	assert_int_equal(event_signal(child, 0, 0), PVN_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(event_signal(child, 0xffffffff, 0), PVN_STATUS_INVALID_CONNECTION_ID);
}

static void low_and_high_ids_both_ring(void **state)
{
	(void)state;
	child = partition_of(make_child(1));
	enable_synic(machine.root_vp, 2, 0x60);
	a_port_and_its_connection(511, 1);
	a_port_and_its_connection(512, 2);
	a_port_and_its_connection(0xffffff, 3);
	assert_int_equal(event_signal(child, 511, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(event_signal(child, 512, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(event_signal(child, 0xffffff, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(event_signal(child, 0xffffff, 1), PVN_STATUS_INVALID_PARAMETER);
}

static void a_sleeping_synic_says_so(void **state)
{
	(void)state;
	child = partition_of(make_child(1));
	a_port_and_its_connection(1, 1);
	assert_int_equal(event_signal(child, 1, 0), PVN_STATUS_INVALID_SYNIC_STATE);
}

static void a_deleted_target_says_so(void **state)
{
	(void)state;
	child = partition_of(make_child(1));
	a_port_and_its_connection(1, 1);
	root_partition->vps[0]->stop_reasons |= VP_STOP_DYING;
	assert_int_equal(event_signal(child, 1, 0), PVN_STATUS_INVALID_VP_INDEX);
	root_partition->vps[0]->stop_reasons = 0;
}

static void freeing_waits_until_every_processor_has_left_its_guest(void **state)
{
	(void)state;
	child = partition_of(make_child(1));
	a_port_and_its_connection(1, 1);
	machine.cpu[2].entry_generation = 7;
	assert_int_equal(event_delete_port(root_partition, 1), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.kicks[2], 1);
	assert_int_equal(machine.cpu[2].entry_generation, 8);
	assert_null(child->doorbells[1]);
}

static void a_partition_that_goes_takes_its_ends_and_leaves_the_others(void **state)
{
	uint64_t id = make_child(1), ports, connections;
	struct port mine = { .id = 9, .type = PVN_PORT_EVENT, .sint = 2, .flag_count = 1,
			     .connection_partition = root_partition->id };

	(void)state;
	child = partition_of(id);
	a_port_and_its_connection(1, 1);
	assert_int_equal(event_create_port(child, &mine), PVN_STATUS_SUCCESS);
	assert_int_equal(event_connect(root_partition, 4, child, 9, PVN_PORT_EVENT, 0), PVN_STATUS_SUCCESS);
	event_census(&ports, &connections);
	assert_int_equal(ports, 2);
	assert_int_equal(connections, 2);
	remove_child(id);
	event_census(&ports, &connections);
	assert_int_equal(ports, 1);
	assert_int_equal(connections, 1);
	assert_int_equal(event_signal(root_partition, 4, 0), PVN_STATUS_INVALID_PORT_ID);
	assert_int_equal(event_delete_port(root_partition, 1), PVN_STATUS_SUCCESS);
	assert_int_equal(event_disconnect(root_partition, 4), PVN_STATUS_SUCCESS);
}

static void without_memory_there_is_no_port_and_no_connection(void **state)
{
	struct port port = { .id = 1, .type = PVN_PORT_MESSAGE, .sint = 2, .target_vp = PVN_VP_ANY,
			     .connection_partition = root_partition->id };
	void *taken[96];
	unsigned int count = 0;

	(void)state;
	child = partition_of(make_child(1));
	while ((taken[count] = page_pool_alloc(&child->pool)))
		count++;
	for (unsigned int pages = 0; pages < 3; pages++) {
		assert_int_equal(event_create_port(child, &port), PVN_STATUS_INSUFFICIENT_MEMORY);
		assert_int_equal(page_pool_free_count(&child->pool), pages);
		page_pool_free(&child->pool, taken[--count]);
	}
	assert_int_equal(event_create_port(child, &port), PVN_STATUS_SUCCESS);
	while (count)
		page_pool_free(&child->pool, taken[--count]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(nobody_connected_is_an_invalid_connection),
		ON_FAKE_MACHINE(low_and_high_ids_both_ring),
		ON_FAKE_MACHINE(a_sleeping_synic_says_so),
		ON_FAKE_MACHINE(a_deleted_target_says_so),
		ON_FAKE_MACHINE(freeing_waits_until_every_processor_has_left_its_guest),
		ON_FAKE_MACHINE(a_partition_that_goes_takes_its_ends_and_leaves_the_others),
		ON_FAKE_MACHINE(without_memory_there_is_no_port_and_no_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
