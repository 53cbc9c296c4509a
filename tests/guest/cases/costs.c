// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What calls cost the hypervisor, in instructions: on one processor whose time-stamp
 * counter counts instructions (QEMU with -icount). The guest's own loop is measured and
 * taken off, so what is left is the hypervisor's, VMRUN and VMMCALL included.
 */
#include "parent.h"

#define ROUNDS		256
#define NULL_MAX	60
#define SIGNAL_MAX	150
#define MAP_MAX		100
#define LIST		255

static uint64_t ticks(uint64_t (*call)(uint64_t), uint64_t argument)
{
	uint64_t begin = rdtsc();

	for (unsigned int i = 0; i < ROUNDS; i++)
		call(argument);
	return rdtsc() - begin;
}

static uint64_t thousand_instructions(uint64_t argument)
{
	(void)argument;
	__asm__ volatile(".rept 1000; nop; .endr");
	return 0;
}

static uint64_t nothing(uint64_t argument)
{
	__asm__ volatile("" : : "r"(argument));
	return 0;
}

/* Instructions of one round beyond those of the loop; 0: this machine does not count them. */
static uint64_t instructions(uint64_t (*call)(uint64_t), uint64_t argument)
{
	uint64_t loop = ticks(nothing, 0), unit = ticks(thousand_instructions, 0) - loop;

	if (ticks(nothing, 0) != loop || ticks(thousand_instructions, 0) - loop != unit)
		return 0;
	call(argument);		/* what is done once is done */
	return (ticks(call, argument) - loop) * 1000 / unit;
}

static uint64_t null_call(uint64_t argument)
{
	(void)argument;
	return hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 0, 0);
}

static uint64_t signal(uint64_t connection)
{
	return hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, connection, 0);
}

static uint64_t map_list(uint64_t argument)
{
	(void)argument;
	return hypercall_memory(pvn_control_rep(PVN_CALL_map_sparse_gpa_pages, LIST, 0));
}

static void expect_at_most(const char *what, uint64_t count, uint64_t most)
{
	if (!count)
		test_skip("this machine does not count instructions");
	print("note: %s: %lu instructions, %lu at most\n", what, count, most);
	expect(count <= most, "%s takes %lu instructions, not %lu at most", what, count, most);
}

CASE(a_call_costs_few_instructions)
{
	expect_at_most("a call that does nothing", instructions(null_call, 0), NULL_MAX);
}

CASE(a_doorbell_costs_few_instructions)
{
	const struct pvn_create_port_in create = { .port_id = 7, .port_type = PVN_PORT_EVENT,
						   .target_sint = 2, .flag_count = 1 };
	struct pvn_create_port_in port = create;
	struct pvn_connect_port_in connect = { .connection_id = 7, .connection_partition = 1, .port_id = 7,
					       .port_type = PVN_PORT_EVENT };
	uint64_t id = create_whole(1);

	set_register(id, 0, PVN_REG_SCONTROL, 1, 0);
	set_register(id, 0, PVN_REG_SCONTROL + 2, 0xa001, 0);
	set_register(id, 0, PVN_REG_SINT0 + 2, 0x50, 0);
	port.port_partition = connect.port_partition = id;
	port.connection_partition = 1;
	expect_status("create_port", call_create_port(&port, NULL), SUCCESS);
	expect_status("connect_port", call_connect_port(&connect, NULL), SUCCESS);
	expect_status("signal_event", signal(7), SUCCESS);
	expect_at_most("a doorbell", instructions(signal, 7), SIGNAL_MAX);
	end_child(id);
}

CASE(mapping_costs_few_instructions)
{
	struct pvn_map_sparse_gpa_pages_in in = { .map_flags = 7 };
	struct pvn_map_sparse_gpa_pages_elem list[LIST];
	uint64_t id = create_whole(1);

	in.partition_id = id;
	for (unsigned int i = 0; i < LIST; i++) {
		list[i].target_page = 0x1000 + i;
		list[i].source_page = MEMORY_PAGE + i;
	}
	memcpy(call_in, &in, sizeof(in));
	memcpy(call_in + sizeof(in), list, sizeof(list));
	expect_at_most("a page of a long list", instructions(map_list, 0) / LIST, MAP_MAX);
	end_child(id);
}
