// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Monitor ports from a child to the root: triggers become event flags, pages come and go.
 */
#include "parent.h"

#define ROOT_ID		1ull
#define CHILD_PAGE	0x7000ull	/* of the program in child.S */
#define TRIGGER		4
#define SINT		2
#define BASE_FLAG	40
#define FLAG		3

static volatile struct pvn_monitor_page own PAGE_ALIGNED;	/* lies below the monitor page */
static volatile struct pvn_event_page events PAGE_ALIGNED;

static uint64_t create_port(uint64_t peer, struct pvn_create_port_in in)
{
	in.port_partition = ROOT_ID;
	in.connection_partition = peer;
	return call_create_port(&in, NULL);
}

static uint64_t connect(uint64_t id, uint32_t connection, uint32_t port, uint32_t type, uint64_t at)
{
	const struct pvn_connect_port_in in = { .connection_partition = id, .connection_id = connection,
		.port_partition = ROOT_ID, .port_id = port, .port_type = type, .monitor_gpa = at };

	return call_connect_port(&in, NULL);
}

static uint64_t create_monitor(uint64_t peer, uint32_t port, uint64_t at)
{
	return create_port(peer, (struct pvn_create_port_in){ .port_id = port,
		.port_type = PVN_PORT_MONITOR, .target_sint = (uint32_t)at,
		.target_vp = (uint32_t)(at >> 32) });
}

static uint64_t delete_port(uint32_t port)
{
	const struct pvn_delete_port_in in = { .port_partition = ROOT_ID, .port_id = port };

	return call_delete_port(&in, NULL);
}

static bool flag_is_set(void) { return events.sint[SINT].word[0] >> (BASE_FLAG + FLAG) & 1; }

/* Connection 9 of the child leads to the flags, 10 to the monitor port. */
static uint64_t create_watched(void)
{
	uint64_t id = create_whole(1);

	wrmsr(PVN_MSR_SIEFP, (uint64_t)&events | PVN_MSR_PAGE_ENABLE);
	wrmsr(PVN_MSR_SINT0 + SINT, 0x60 | PVN_SINT_POLLING);
	events.sint[SINT].word[0] = 0;
	expect_status("an event port", create_port(id, (struct pvn_create_port_in){ .port_id = 5,
		.port_type = PVN_PORT_EVENT, .target_sint = SINT, .base_flag = BASE_FLAG,
		.flag_count = 8 }), SUCCESS);
	expect_status("its connection", connect(id, 9, 5, PVN_PORT_EVENT, 0), SUCCESS);
	expect_status("a monitor port", create_monitor(id, 6, (uint64_t)&own), SUCCESS);
	expect_status("its connection", connect(id, 10, 6, PVN_PORT_MONITOR, CHILD_PAGE), SUCCESS);
	own.parameter[0][TRIGGER] = 9 | (uint64_t)FLAG << 32;
	own.latency[0][TRIGGER] = 10000;
	return id;
}

CASE(monitored_notifications_arrive)
{
	const struct pvn_get_port_property_in ask = { .port_partition = ROOT_ID, .port_id = 6 };
	struct pvn_get_port_property_out posts;
	uint64_t id = create_watched();

	own.state = 1;
	run_program(id, 0, monitor);
	expect_port(id, 0x80);
	expect(wait_until(flag_is_set(), 1000 * MSECS), "no flag: group 0 is 0x%lx", own.group[0]);
	expect_equal("the trigger afterwards", own.group[0], 0);
	expect_status("posts", call_get_port_property(&ask, &posts), SUCCESS);
	expect_equal("posts", posts.value, 1);
	expect_status("delete", delete_port(6), SUCCESS);
	expect_status("delete the other", delete_port(5), SUCCESS);
	end_child(id);
}

/* The child's page and the root's own come to light, and nothing is signalled any more. */
CASE(monitor_ports_end_while_triggered)
{
	const struct pvn_disconnect_port_in disconnect = { .connection_id = 10 };
	struct pvn_disconnect_port_in end = disconnect;
	volatile uint64_t *below = child_at(CHILD_PAGE);
	uint64_t id = create_watched();

	end.connection_partition = id;
	run_program(id, 0, monitor);
	expect_port(id, 0x80);
	expect_equal("the child's trigger", own.group[0], 1u << TRIGGER);
	expect_equal("the page below, which the child has not touched", below[1], 0);
	expect_status("disconnect while it is pending", call_disconnect_port(&end, NULL), SUCCESS);
	own.state = 1;
	own.group[0] |= 1ull << (32 + TRIGGER);
	wait_for(30 * MSECS);
	expect(!flag_is_set(), "a flag without a connection");
	expect_status("connect", connect(id, 10, 6, PVN_PORT_MONITOR, CHILD_PAGE), SUCCESS);
	expect(wait_until(flag_is_set(), 1000 * MSECS), "no flag: group 0 is 0x%lx", own.group[0]);
	events.sint[SINT].word[0] = 0;
	own.group[0] = 1u << TRIGGER;
	expect_status("delete while it is pending", delete_port(6), SUCCESS);
	expect_equal("the root's own page", own.state | own.group[0], 0);
	wait_for(30 * MSECS);
	expect(!flag_is_set(), "a flag of a port that has gone");
	/* Hostile words, a child that goes while it is looked at. */
	expect_status("a monitor port", create_monitor(id, 7, (uint64_t)&own), SUCCESS);
	expect_status("its connection", connect(id, 11, 7, PVN_PORT_MONITOR, CHILD_PAGE), SUCCESS);
	for (unsigned int i = 0; i < PVN_MONITOR_TRIGGERS; i++)
		own.parameter[0][i] = 0x1111111111111111ull * (i % 16);
	own.state = PVN_MONITOR_ENABLED;
	own.group[0] = ~0ull;
	expect(wait_until(!own.group[0], 1000 * MSECS), "the triggers are still 0x%lx", own.group[0]);
	own.group[0] = ~0ull;
	end_child(id);
	wait_for(20 * MSECS);
	expect_equal("triggers without a sender", own.group[0], ~0ull);
	expect(!flag_is_set(), "a flag of hostile words");
	expect_status("delete", delete_port(7), SUCCESS);
	expect_status("delete the other", delete_port(5), SUCCESS);
}

CASE(monitor_ports_are_checked)
{
	uint64_t id = create_whole(1);

	expect_status("at an odd place", create_monitor(id, 6, 8), INVALID_ALIGNMENT);
	expect_status("outside of the space", create_monitor(id, 6, 1ull << 50), INVALID_PARAMETER);
	expect_status("with flags", create_port(id, (struct pvn_create_port_in){ .port_id = 6,
		.port_type = PVN_PORT_MONITOR, .flag_count = 1 }), INVALID_PARAMETER);
	expect_status("port type 4", create_port(id, (struct pvn_create_port_in){ .port_id = 6,
		.port_type = 4, .target_sint = 2 }), INVALID_PARAMETER);
	expect_status("create", create_monitor(id, 6, (uint64_t)&own), SUCCESS);
	expect_status("a second one there", create_monitor(id, 7, (uint64_t)&own), OBJECT_IN_USE);
	expect_status("as an event port", connect(id, 9, 6, PVN_PORT_EVENT, 0), INVALID_PARAMETER);
	expect_status("at an odd place", connect(id, 9, 6, PVN_PORT_MONITOR, 16), INVALID_ALIGNMENT);
	expect_status("outside", connect(id, 9, 6, PVN_PORT_MONITOR, 1ull << 63), INVALID_PARAMETER);
	expect_status("connect", connect(id, 9, 6, PVN_PORT_MONITOR, CHILD_PAGE), SUCCESS);
	expect_status("connect again", connect(id, 10, 6, PVN_PORT_MONITOR, 0), INVALID_PORT_ID);
	expect_status("another", create_monitor(id, 8, 0), SUCCESS);
	expect_status("over the same page", connect(id, 10, 8, PVN_PORT_MONITOR, CHILD_PAGE), OBJECT_IN_USE);
	expect_status("delete", delete_port(6), SUCCESS);
	expect_status("delete the other", delete_port(8), SUCCESS);
	end_child(id);
}
