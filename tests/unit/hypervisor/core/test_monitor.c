// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Monitor ports: where their pages are seen, when triggers are signalled, what hostile pages
 * do, and what is left when an end goes.
 */
#include "fake_machine.h"

#define SINT		2
#define ROOT_AT		0x300000ull
#define CHILD_AT	0x7000ull
#define MS		1000000ull	/* TSC ticks */

static uint64_t child;

static enum pvn_status create_monitor(uint32_t id, uint64_t at)
{
	const struct pvn_create_port_in in = {
		.port_partition = root_partition->id, .port_id = id, .connection_partition = child,
		.port_type = PVN_PORT_MONITOR, .target_sint = (uint32_t)at, .target_vp = at >> 32 };

	return root_call(PVN_CALL_create_port, &in, sizeof(in), NULL, 0);
}

static enum pvn_status connect(uint32_t connection, uint32_t port_id, uint32_t type, uint64_t at)
{
	const struct pvn_connect_port_in in = {
		.connection_partition = child, .connection_id = connection, .port_type = type,
		.port_partition = root_partition->id, .port_id = port_id, .monitor_gpa = at };

	return root_call(PVN_CALL_connect_port, &in, sizeof(in), NULL, 0);
}

static enum pvn_status delete_port(uint32_t id)
{
	const struct pvn_delete_port_in in = { .port_partition = root_partition->id, .port_id = id };

	return root_call(PVN_CALL_delete_port, &in, sizeof(in), NULL, 0);
}

static enum pvn_status disconnect(uint32_t id)
{
	const struct pvn_disconnect_port_in in = { .connection_partition = child, .connection_id = id };

	return root_call(PVN_CALL_disconnect_port, &in, sizeof(in), NULL, 0);
}

static struct pvn_monitor_page *seen_by(uint64_t id, uint64_t at)
{
	struct hpa page = gpa_map_lookup(&partition_of(id)->map, gpa(at), GPA_READ | GPA_WRITE);

	return hpa_is_none(page) ? NULL : plat_hva(page);
}

static void pass(uint64_t ticks)
{
	machine.tsc += ticks;
	timer_run_queue();
}

static bool flag_is_set(unsigned int flag)
{
	return machine.root_vp->synic.events->sint[SINT].word[flag / 64] >> flag % 64 & 1;
}

/* Event port 1 with flags 100 to 107 behind the child's connection 5; monitor port 2 behind 6. */
static struct pvn_monitor_page *make_monitor(void)
{
	struct pvn_create_port_in event;
	struct pvn_monitor_page *page;

	child = make_child(1);
	event = (struct pvn_create_port_in){
		.port_partition = root_partition->id, .port_id = 1, .connection_partition = child,
		.port_type = PVN_PORT_EVENT, .target_sint = SINT, .base_flag = 100, .flag_count = 8 };
	enable_synic(machine.root_vp, SINT, 0x60);
	assert_int_equal(root_call(PVN_CALL_create_port, &event, sizeof(event), NULL, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(connect(5, 1, PVN_PORT_EVENT, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(create_monitor(2, ROOT_AT), PVN_STATUS_SUCCESS);
	assert_int_equal(connect(6, 2, PVN_PORT_MONITOR, CHILD_AT), PVN_STATUS_SUCCESS);
	page = seen_by(child, CHILD_AT);
	assert_non_null(page);
	assert_ptr_equal(page, seen_by(root_partition->id, ROOT_AT));
	return page;
}

/* Nothing is left of it, and nobody looks. */
static void end_monitor(void)
{
	assert_int_equal(delete_port(2), PVN_STATUS_SUCCESS);
	pass(100 * MS);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_true(list_is_empty(&machine.cpu[i].timers));
	assert_int_equal(stats_hypervisor.count[PVN_STAT_hypervisor_monitored_notifications], 0);
	assert_int_equal(delete_port(1), PVN_STATUS_SUCCESS);
	remove_child(child);
}

static void a_trigger_is_signalled_when_two_looks_have_seen_it(void **state)
{
	struct pvn_monitor_page *page = make_monitor();

	(void)state;
	assert_int_equal(stats_hypervisor.count[PVN_STAT_hypervisor_monitored_notifications], 1);
	page->state = 1u << 3;
	page->latency[3][0] = 20000;
	page->latency[3][7] = 5000;		/* 0.5 ms */
	page->parameter[3][31] = 5 | 2ull << 32;
	pass(10 * MS);
	page->group[3] = 1ull << 31;
	pass(MS);
	assert_int_equal(page->group[3], 1ull << 31 | 1ull << 63);
	assert_false(flag_is_set(102));
	pass(MS);
	assert_int_equal(page->group[3], 0);
	assert_true(flag_is_set(102));
	assert_true(is_raised(machine.root_vp, 0x60));
	/* Who says it again begins to wait again. */
	machine.root_vp->synic.events->sint[SINT].word[1] = 0;
	page->group[3] = 1ull << 31;
	pass(MS);
	page->group[3] = 1ull << 31;
	pass(MS);
	assert_false(flag_is_set(102));
	/* Nothing before the latency is over. */
	pass(MS / 4);
	assert_false(flag_is_set(102));
	pass(MS);
	assert_true(flag_is_set(102));
	end_monitor();
}

static void what_is_not_enabled_is_left_alone(void **state)
{
	struct pvn_monitor_page *page = make_monitor();

	(void)state;
	for (unsigned int i = 0; i < PVN_MONITOR_GROUPS; i++) {
		page->group[i] = 1;
		page->parameter[i][0] = 5 | (uint64_t)i << 32;
	}
	page->state = PVN_MONITOR_ENABLED | PVN_MONITOR_DISABLED;
	for (unsigned int i = 0; i < 4; i++)
		pass(10 * MS);
	page->state = 1u << 1;
	for (unsigned int i = 0; i < 4; i++)
		pass(10 * MS);
	for (unsigned int i = 0; i < PVN_MONITOR_GROUPS; i++) {
		assert_int_equal(page->group[i], i != 1);
		assert_int_equal(flag_is_set(100 + i), i == 1);
	}
	end_monitor();
}

static void hostile_pages_signal_nobody_else(void **state)
{
	struct pvn_monitor_page *page = make_monitor();
	uint64_t census[2], after[2];

	(void)state;
	event_census(&census[0], &census[1]);
	memset(page, 0xff, sizeof(*page));
	pass(10 * MS);
	/* Its own monitor port, flags out of range, connections that are not there, reserved bits. */
	page->state = PVN_MONITOR_ENABLED;
	for (unsigned int i = 0; i < PVN_MONITOR_TRIGGERS; i++)
		for (unsigned int g = 0; g < PVN_MONITOR_GROUPS; g++)
			page->parameter[g][i] = g == 0 ? 6 : g == 1 ? 5 | (8ull + i) << 32 :
						g == 2 ? 1000 + i : 5 | 1ull << (48 + i % 16);
	for (unsigned int i = 0; i < 4; i++) {
		memset(page->group, 0xff, sizeof(page->group));
		pass(10 * MS);
		assert_int_equal(page->group[i], 0);
	}
	for (unsigned int i = 0; i < PVN_EVENT_FLAGS_PER_SINT / 64; i++)
		assert_int_equal(machine.root_vp->synic.events->sint[SINT].word[i], 0);
	event_census(&after[0], &after[1]);
	assert_memory_equal(census, after, sizeof(census));
	/* A sender that may not signal does not do so this way either. */
	partition_of(child)->privileges &= ~(1ull << PVN_PRIVILEGE_SIGNAL_EVENTS);
	page->parameter[0][0] = 5;
	page->group[0] = 1 | 1ull << 32;
	pass(10 * MS);
	assert_int_equal(page->group[0], 0);
	assert_false(flag_is_set(100));
	end_monitor();
}

static void a_signal_while_nobody_runs_is_merged(void **state)
{
	struct pvn_monitor_page *page = make_monitor();

	(void)state;
	page->state = 1;
	page->parameter[0][0] = page->parameter[0][1] = 5;
	page->group[0] = 3 | 3ull << 32;
	machine.cpu[0].current = NULL;
	pass(10 * MS);
	machine.cpu[0].current = machine.root_vp;
	assert_int_equal(page->group[0], 0);
	assert_true(flag_is_set(100));
	end_monitor();
}

static void ends_go_while_triggers_are_pending(void **state)
{
	struct pvn_monitor_page *page = make_monitor();

	(void)state;
	page->state = 1;
	page->parameter[0][0] = 5;
	page->group[0] = 1 | 1ull << 32;
	assert_int_equal(disconnect(6), PVN_STATUS_SUCCESS);
	assert_true(seen_by(child, CHILD_AT) != page);
	assert_ptr_equal(seen_by(root_partition->id, ROOT_AT), page);
	pass(10 * MS);
	assert_false(flag_is_set(100));
	/* Again, and its event port goes first; then the port itself, then its partition. */
	assert_int_equal(connect(6, 2, PVN_PORT_MONITOR, CHILD_AT), PVN_STATUS_SUCCESS);
	assert_int_equal(delete_port(1), PVN_STATUS_SUCCESS);
	pass(10 * MS);
	assert_int_equal(page->group[0], 0);
	page->group[0] = 1 | 1ull << 32;
	assert_int_equal(delete_port(2), PVN_STATUS_SUCCESS);
	assert_true(seen_by(child, CHILD_AT) != page);
	assert_true(seen_by(root_partition->id, ROOT_AT) != page);
	assert_int_equal(create_monitor(2, ROOT_AT), PVN_STATUS_SUCCESS);
	assert_int_equal(disconnect(6), PVN_STATUS_SUCCESS);
	assert_int_equal(connect(6, 2, PVN_PORT_MONITOR, CHILD_AT), PVN_STATUS_SUCCESS);
	remove_child(child);
	pass(100 * MS);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_true(list_is_empty(&machine.cpu[i].timers));
	assert_int_equal(delete_port(2), PVN_STATUS_SUCCESS);
}

static void a_childs_own_port_goes_with_it(void **state)
{
	struct pvn_create_port_in port;
	struct pvn_connect_port_in in;
	struct pvn_monitor_page *page;

	(void)state;
	child = make_child(1);
	port = (struct pvn_create_port_in){ .port_partition = child, .port_id = 3,
		.connection_partition = root_partition->id, .port_type = PVN_PORT_MONITOR,
		.target_sint = CHILD_AT };
	in = (struct pvn_connect_port_in){ .connection_partition = root_partition->id, .connection_id = 4,
		.port_partition = child, .port_id = 3, .port_type = PVN_PORT_MONITOR,
		.monitor_gpa = ROOT_AT };
	assert_int_equal(root_call(PVN_CALL_create_port, &port, sizeof(port), NULL, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_connect_port, &in, sizeof(in), NULL, 0), PVN_STATUS_SUCCESS);
	page = seen_by(child, CHILD_AT);
	assert_ptr_equal(page, seen_by(root_partition->id, ROOT_AT));
	remove_child(child);
	assert_true(seen_by(root_partition->id, ROOT_AT) != page);
	pass(100 * MS);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_true(list_is_empty(&machine.cpu[i].timers));
}

static void places_that_cannot_be_are_refused(void **state)
{
	struct pvn_create_port_in in;

	(void)state;
	child = make_child(1);
	assert_int_equal(create_monitor(2, ROOT_AT + 8), PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(create_monitor(2, GPA_SPACE_BYTES), PVN_STATUS_INVALID_PARAMETER);
	in = (struct pvn_create_port_in){ .port_partition = root_partition->id, .port_id = 2,
		.connection_partition = child, .port_type = PVN_PORT_MONITOR, .base_flag = 1 };
	assert_int_equal(root_call(PVN_CALL_create_port, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(create_monitor(2, ROOT_AT), PVN_STATUS_SUCCESS);
	assert_int_equal(create_monitor(2, ROOT_AT), PVN_STATUS_INVALID_PORT_ID);
	assert_int_equal(create_monitor(3, ROOT_AT), PVN_STATUS_OBJECT_IN_USE);
	assert_int_equal(connect(6, 2, PVN_PORT_EVENT, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(connect(6, 2, PVN_PORT_EVENT, CHILD_AT), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(connect(6, 2, PVN_PORT_MONITOR, CHILD_AT + 1), PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(connect(6, 2, PVN_PORT_MONITOR, 1ull << 63), PVN_STATUS_INVALID_PARAMETER);
	/* At neither end it is seen, which is of no use and does no harm. */
	assert_int_equal(connect(6, 2, PVN_PORT_MONITOR, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(connect(7, 2, PVN_PORT_MONITOR, 0), PVN_STATUS_INVALID_PORT_ID);
	assert_int_equal(delete_port(2), PVN_STATUS_SUCCESS);
	assert_int_equal(disconnect(6), PVN_STATUS_SUCCESS);
	/* Two connections want the same page of the child. */
	assert_int_equal(create_monitor(2, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(create_monitor(3, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(connect(6, 2, PVN_PORT_MONITOR, CHILD_AT), PVN_STATUS_SUCCESS);
	assert_int_equal(connect(7, 3, PVN_PORT_MONITOR, CHILD_AT), PVN_STATUS_OBJECT_IN_USE);
	assert_int_equal(disconnect(7), PVN_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(connect(7, 3, PVN_PORT_MONITOR, CHILD_AT + PAGE_SIZE), PVN_STATUS_SUCCESS);
	assert_int_equal(delete_port(2), PVN_STATUS_SUCCESS);
	assert_int_equal(delete_port(3), PVN_STATUS_SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_trigger_is_signalled_when_two_looks_have_seen_it),
		ON_FAKE_MACHINE(what_is_not_enabled_is_left_alone),
		ON_FAKE_MACHINE(hostile_pages_signal_nobody_else),
		ON_FAKE_MACHINE(a_signal_while_nobody_runs_is_merged),
		ON_FAKE_MACHINE(ends_go_while_triggers_are_pending),
		ON_FAKE_MACHINE(a_childs_own_port_goes_with_it),
		ON_FAKE_MACHINE(places_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
