// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Errors that no other case of a parent brings about, row by row: partitions that are not
 * there or not active, VPs that are not there, dry pools, and what a connection to a child
 * can meet.
 */
#include <pvn/abi/stats.h>

#include "parent.h"

#define ROOT_ID		1ull
#define NOBODY		0x123456789ull
#define NO_VP		60u
#define PORT		5u
#define CONNECTION	9u
#define SINT		3u
#define SCONTROL	PVN_REG_SCONTROL
#define SIEFP		(PVN_REG_SCONTROL + 2)
#define SIMP		(PVN_REG_SCONTROL + 3)
#define BUFFERS		16u	/* of a message port */

/* Nothing but zeros, a partition, and a VP where some rows have one. */
static uint64_t call_about_vp(uint16_t code, uint64_t partition, uint32_t vp)
{
	uint8_t in[512] = { 0 };

	memcpy(in, &partition, sizeof(partition));
	memcpy(in + sizeof(partition), &vp, sizeof(vp));
	return call_row_with(call_find(code), in, NULL);
}

static const uint16_t of_partitions[] = {
	PVN_CALL_initialize_partition, PVN_CALL_finalize_partition, PVN_CALL_delete_partition,
	PVN_CALL_get_partition_property, PVN_CALL_set_partition_property,
	PVN_CALL_get_next_child_partition, PVN_CALL_deposit_memory, PVN_CALL_withdraw_memory,
	PVN_CALL_get_memory_balance, PVN_CALL_assert_virtual_interrupt_v2,
	PVN_CALL_assert_virtual_interrupt,
};

static const uint16_t of_active_ones[] = {
	PVN_CALL_finalize_partition,
	PVN_CALL_map_gpa_pages, PVN_CALL_unmap_gpa_pages, PVN_CALL_map_sparse_gpa_pages,
	PVN_CALL_install_intercept, PVN_CALL_create_vp, PVN_CALL_delete_vp, PVN_CALL_get_vp_registers,
	PVN_CALL_set_vp_registers, PVN_CALL_translate_virtual_address, PVN_CALL_read_gpa,
	PVN_CALL_write_gpa, PVN_CALL_assert_virtual_interrupt_v2, PVN_CALL_assert_virtual_interrupt,
	PVN_CALL_clear_virtual_interrupt, PVN_CALL_delete_port, PVN_CALL_get_port_property,
	PVN_CALL_set_port_property, PVN_CALL_disconnect_port,
};

static const uint16_t of_processors[] = {
	PVN_CALL_delete_vp, PVN_CALL_get_vp_registers, PVN_CALL_set_vp_registers,
	PVN_CALL_translate_virtual_address, PVN_CALL_read_gpa, PVN_CALL_write_gpa,
};

CASE(partitions_must_be_there_and_active)
{
	const struct pvn_create_port_in port = { .port_partition = NOBODY };
	const struct pvn_connect_port_in connect = { .port_partition = NOBODY };
	struct pvn_create_port_in port_to = { .port_partition = ROOT_ID };
	struct pvn_connect_port_in connect_to = { .port_partition = ROOT_ID };
	struct pvn_map_stats_page_in map = { .stats_type = PVN_STATS_TYPE_partition };
	struct pvn_unmap_stats_page_in unmap = { .stats_type = PVN_STATS_TYPE_partition };
	uint64_t id = create_child();

	for (unsigned int i = 0; i < ARRAY_COUNT(of_partitions); i++)
		expect_status(call_find(of_partitions[i])->name, call_about_vp(of_partitions[i], NOBODY, 0),
			      INVALID_PARTITION_ID);
	for (unsigned int i = 0; i < ARRAY_COUNT(of_active_ones); i++) {
		expect_status(call_find(of_active_ones[i])->name, call_about_vp(of_active_ones[i], NOBODY, 0),
			      INVALID_PARTITION_ID);
		expect_status(call_find(of_active_ones[i])->name, call_about_vp(of_active_ones[i], id, 0),
			      INVALID_PARTITION_STATE);
	}
	expect_status("create_port", call_create_port(&port, NULL), INVALID_PARTITION_ID);
	expect_status("connect_port", call_connect_port(&connect, NULL), INVALID_PARTITION_ID);
	port_to.connection_partition = connect_to.connection_partition = id;
	expect_status("create_port", call_create_port(&port_to, NULL), INVALID_PARTITION_STATE);
	expect_status("connect_port", call_connect_port(&connect_to, NULL), INVALID_PARTITION_STATE);
	map.object_id = unmap.object_id = NOBODY;
	expect_status("map_stats_page", call_map_stats_page(&map, NULL), INVALID_PARTITION_ID);
	expect_status("unmap_stats_page", call_unmap_stats_page(&unmap, NULL), INVALID_PARTITION_ID);
	map.object_id = unmap.object_id = id;
	expect_status("map_stats_page", call_map_stats_page(&map, NULL), INVALID_PARTITION_STATE);
	expect_status("unmap_stats_page", call_unmap_stats_page(&unmap, NULL), INVALID_PARTITION_STATE);
	end_child(id);
}

CASE(processors_must_be_there)
{
	const struct pvn_assert_virtual_interrupt_in interrupt = { .partition_id = create_active(),
								   .vector = 0x40 };
	const uint64_t id = interrupt.partition_id;
	struct pvn_assert_virtual_interrupt_v2_in second = { .partition_id = id, .vector = 0x40 };
	const struct pvn_unmap_stats_page_in unmap = { .stats_type = PVN_STATS_TYPE_vp, .object_id = id };

	for (unsigned int i = 0; i < ARRAY_COUNT(of_processors); i++)
		expect_status(call_find(of_processors[i])->name, call_about_vp(of_processors[i], id, NO_VP),
			      INVALID_VP_INDEX);
	expect_status("an interrupt", call_assert_virtual_interrupt(&interrupt, NULL), INVALID_VP_INDEX);
	expect_status("an interrupt", call_assert_virtual_interrupt_v2(&second, NULL), INVALID_VP_INDEX);
	expect_status("unmap_stats_page", call_unmap_stats_page(&unmap, NULL), INVALID_VP_INDEX);
	expect_status("clear_virtual_interrupt",
		      call_about_vp(PVN_CALL_clear_virtual_interrupt, id, 0), INVALID_VP_INDEX);
	second.type = PVN_INTERRUPT_SMI;
	expect_status("an SMI", call_assert_virtual_interrupt_v2(&second, NULL), INVALID_VP_INDEX);
	second.type = 77;
	expect_status("a type that does not exist", call_assert_virtual_interrupt_v2(&second, NULL),
		      INVALID_PARAMETER);
	end_child(id);
}

/* Registers of a VP that runs are nobody's, nor are its tables. */
CASE(a_running_processor_is_left_alone)
{
	const uint64_t id = create_whole(1);
	const struct pvn_translate_virtual_address_in translate = {
		.partition_id = id, .control_flags = PVN_TRANSLATE_READ };
	uint64_t value[2];

	run_program(id, 0, spin);
	expect_status("get_vp_registers", get_register(id, 0, PVN_REG_RAX, value), OPERATION_DENIED);
	expect_status("set_vp_registers", set_register(id, 0, PVN_REG_RAX, 1, 0), OPERATION_DENIED);
	expect_status("translate_virtual_address", call_translate_virtual_address(&translate, NULL),
		      OPERATION_DENIED);
	end_child(id);
}

/* Pages that are not free stay: the child has tables and a VP. */
CASE(rows_that_need_memory_say_when_there_is_none)
{
	const uint64_t id = create_whole(1);
	struct pvn_map_sparse_gpa_pages_in sparse = { .partition_id = id, .map_flags = 7 };
	struct pvn_map_sparse_gpa_pages_elem pair = { .target_page = 1 << 20, .source_page = MEMORY_PAGE };
	struct pvn_unmap_gpa_pages_in unmap = { .partition_id = id, .target_page = 0x201 };
	struct pvn_create_port_in port = { .port_partition = id, .connection_partition = ROOT_ID,
					   .port_id = PORT, .port_type = PVN_PORT_EVENT, .target_sint = SINT,
					   .flag_count = 1 };
	struct pvn_connect_port_in connect = { .connection_partition = id, .connection_id = CONNECTION,
					       .port_partition = ROOT_ID, .port_id = PORT,
					       .port_type = PVN_PORT_EVENT };

	expect_status("a large page", map_run(id, 0x200, MEMORY_PAGE, 1, 7 | PVN_MAP_LARGE), SUCCESS);
	withdraw_all(id);
	expect_status("map_gpa_pages", map_run(id, 1 << 20, MEMORY_PAGE, 1, 7), INSUFFICIENT_MEMORY);
	expect_status("map_sparse_gpa_pages", rep_call(PVN_CALL_map_sparse_gpa_pages, 1, &sparse,
						       sizeof(sparse), &pair, sizeof(pair)),
		      INSUFFICIENT_MEMORY);
	expect_status("unmap_gpa_pages of a part", rep_call(PVN_CALL_unmap_gpa_pages, 1, &unmap,
							    sizeof(unmap), NULL, 0), INSUFFICIENT_MEMORY);
	expect_status("create_port", call_create_port(&port, NULL), INSUFFICIENT_MEMORY);
	port.port_partition = ROOT_ID;
	port.connection_partition = id;
	expect_status("a port of the root", call_create_port(&port, NULL), SUCCESS);
	expect_status("connect_port", call_connect_port(&connect, NULL), INSUFFICIENT_MEMORY);
	expect_status("delete_port", call_about_vp(PVN_CALL_delete_port, ROOT_ID, PORT), SUCCESS);
	/* Of both lists of pages one is wrong. */
	sparse.map_flags = ~0u;
	expect_status("wrong flags", rep_call(PVN_CALL_map_sparse_gpa_pages, 1, &sparse, sizeof(sparse),
					      &pair, sizeof(pair)), INVALID_PARAMETER);
	sparse.map_flags = 7;
	pair = (struct pvn_map_sparse_gpa_pages_elem){ 1, 1ull << 30 };
	expect_status("not the root's", rep_call(PVN_CALL_map_sparse_gpa_pages, 1, &sparse, sizeof(sparse),
						 &pair, sizeof(pair)), OPERATION_DENIED);
	call_by_id(PVN_CALL_finalize_partition, id);
	expect_status("deposit to one that ends", deposit(id, POOL_PAGE, 1), INVALID_PARTITION_STATE);
	end_child(id);
}

CASE(tables_of_intercepts_have_an_end)
{
	const uint64_t id = create_active();
	uint64_t result = PVN_STATUS_SUCCESS;
	unsigned int count;

	for (count = 0; count < 1000 && !pvn_result_status(result); count++)
		result = install(id, PVN_INTERCEPT_IO_PORT, PVN_ACCESS_READ, 0x1000 + count);
	expect_status("ports", result, NO_RESOURCES);
	result = PVN_STATUS_SUCCESS;
	for (count = 0; count < 1000 && !pvn_result_status(result); count++)
		result = install(id, PVN_INTERCEPT_CPUID, PVN_ACCESS_EXECUTE, count);
	expect_status("leaves", result, INSUFFICIENT_MEMORY);
	end_child(id);
}

/* A port of a child, whose SynIC is off, that the root is connected to. */
static void make_port(uint64_t id, uint32_t type)
{
	const struct pvn_create_port_in port = {
		.port_partition = id, .connection_partition = ROOT_ID, .port_id = PORT, .port_type = type,
		.target_sint = SINT, .flag_count = type == PVN_PORT_EVENT };
	struct pvn_connect_port_in connect = {
		.connection_partition = ROOT_ID, .connection_id = CONNECTION, .port_partition = id,
		.port_id = PORT, .port_type = PVN_PORT_EVENT + PVN_PORT_MESSAGE - type };

	expect_status("create_port", call_create_port(&port, NULL), SUCCESS);
	expect_status("the other type", call_connect_port(&connect, NULL), INVALID_PARAMETER);
	connect.port_type = type;
	expect_status("connect_port", call_connect_port(&connect, NULL), SUCCESS);
}

static void end_port(uint64_t id)
{
	expect_status("delete_port", call_about_vp(PVN_CALL_delete_port, id, PORT), SUCCESS);
	expect_status("disconnect_port", call_about_vp(PVN_CALL_disconnect_port, ROOT_ID, CONNECTION),
		      SUCCESS);
}

static uint64_t signal(uint16_t flag)
{
	const struct pvn_signal_event_in in = { .connection_id = CONNECTION, .flag = flag };

	return call_signal_event(&in, NULL);
}

static uint64_t post(uint32_t connection, uint32_t type)
{
	const struct pvn_post_message_in in = {
		.connection_id = connection, .message_type = type, .payload_bytes = 8 };

	return call_post_message(&in, NULL);
}

static void enable_child_synic(uint64_t id, uint32_t sint)
{
	set_register(id, 0, SCONTROL, 1, 0);
	set_register(id, 0, SIEFP, 0x4000 | PVN_MSR_PAGE_ENABLE, 0);
	set_register(id, 0, SIMP, 0x5000 | PVN_MSR_PAGE_ENABLE, 0);
	set_register(id, 0, PVN_REG_SINT0 + SINT, sint, 0);
}

CASE(a_childs_doorbell_is_checked)
{
	const uint64_t id = create_whole(1);
	struct pvn_set_port_property_in move = { .port_partition = id, .port_id = PORT,
						 .property = PVN_PORT_PROPERTY_POSTS };
	struct pvn_get_port_property_in ask = { .port_partition = id, .port_id = PORT, .property = 77 };

	expect_status("without a connection", signal(0), INVALID_CONNECTION_ID);
	make_port(id, PVN_PORT_EVENT);
	expect_status("with its SynIC off", signal(0), INVALID_SYNIC_STATE);
	enable_child_synic(id, 0x40);
	expect_status("signal_event", signal(0), SUCCESS);
	expect_status("a flag beyond", signal(1), INVALID_PARAMETER);
	expect_status("post_message", post(CONNECTION, 1), INVALID_PORT_ID);
	expect_status("how many posts is not to be set", call_set_port_property(&move, NULL),
		      OPERATION_DENIED);
	move.port_id = PORT + 1;
	expect_status("no such port", call_set_port_property(&move, NULL), INVALID_PORT_ID);
	expect_status("no such property", call_get_port_property(&ask, NULL), UNKNOWN_PROPERTY);
	expect_status("delete_vp", call_about_vp(PVN_CALL_delete_vp, id, 0), SUCCESS);
	expect_status("its VP is gone", signal(0), INVALID_VP_INDEX);
	expect_status("delete_port", call_about_vp(PVN_CALL_delete_port, id, PORT), SUCCESS);
	expect_status("its port is gone", signal(0), INVALID_PORT_ID);
	expect_status("disconnect_port", call_about_vp(PVN_CALL_disconnect_port, ROOT_ID, CONNECTION),
		      SUCCESS);
	end_child(id);
}

CASE(a_childs_mailbox_is_checked)
{
	const uint64_t id = create_whole(1);
	unsigned int count = 0;
	uint64_t result;

	expect_status("without a connection", post(CONNECTION, 1), INVALID_CONNECTION_ID);
	make_port(id, PVN_PORT_MESSAGE);
	expect_status("signal_event", signal(0), INVALID_PORT_ID);
	expect_status("with its SynIC off", post(CONNECTION, 1), INVALID_SYNIC_STATE);
	expect_status("a type of the hypervisor's", post(CONNECTION, 1u << 31), INVALID_PARAMETER);
	enable_child_synic(id, PVN_SINT_MASKED | PVN_SINT_POLLING | 0x40);
	do
		result = post(CONNECTION, 1);
	while (!pvn_result_status(result) && ++count < 1000);
	expect_status("more than there are buffers", result, INSUFFICIENT_BUFFERS);
	/* One is in the slot, and its buffer free again. */
	expect_equal("messages", count, BUFFERS + 1);
	end_port(id);
	make_port(id, PVN_PORT_MESSAGE);
	expect_status("delete_vp", call_about_vp(PVN_CALL_delete_vp, id, 0), SUCCESS);
	expect_status("its VP is gone", post(CONNECTION, 1), INVALID_VP_INDEX);
	end_port(id);
	end_child(id);
}

/* What a child's cases try from a child, and a root may do as well. */
CASE(a_root_calls_for_itself)
{
	const struct pvn_flush_virtual_address_space_in all = {
		.flags = PVN_FLUSH_ALL_PROCESSORS | PVN_FLUSH_ALL_SPACES };
	const struct pvn_flush_virtual_address_space_in wild = { .flags = ~0ull };
	static const uint16_t flushes[] = {
		PVN_CALL_flush_virtual_address_list, PVN_CALL_flush_virtual_address_space_ex,
		PVN_CALL_flush_virtual_address_list_ex,
	};
	uint8_t block[64] = { 0 };
	struct pvn_send_synthetic_cluster_ipi_in ipi = { .vector = 0x50, .processor_mask = 1 };
	struct pvn_send_synthetic_cluster_ipi_ex_in ipi_ex = { .vector = 0x51, .vp_set_format = 1 };
	struct pvn_switch_virtual_address_space_in space = { .address_space = read_cr3() };
	struct pvn_notify_long_spin_wait_in spin = { .spin_count = 1 };
	struct pvn_get_census_out census;

	expect_status("flush", call_flush_virtual_address_space(&all, NULL), SUCCESS);
	expect_status("flush", call_flush_virtual_address_space(&wild, NULL), INVALID_PARAMETER);
	for (unsigned int i = 0; i < ARRAY_COUNT(flushes); i++) {
		const struct call_row *row = call_find(flushes[i]);

		/* Fields that are not flags are zeros, but for the mask, which an _ex has not. */
		memcpy(block, &all, 16);
		expect_status(row->name, call_row_with(row, block, NULL), SUCCESS);
		memcpy(block, &wild, 16);
		expect_status(row->name, call_row_with(row, block, NULL), INVALID_PARAMETER);
	}
	expect_status("an IPI", call_send_synthetic_cluster_ipi(&ipi, NULL), SUCCESS);
	expect_status("an IPI to all", call_send_synthetic_cluster_ipi_ex(&ipi_ex, NULL), SUCCESS);
	ipi.vector = ipi_ex.vector = 3;
	expect_status("a vector too low", call_send_synthetic_cluster_ipi(&ipi, NULL), INVALID_PARAMETER);
	expect_status("a vector too low", call_send_synthetic_cluster_ipi_ex(&ipi_ex, NULL),
		      INVALID_PARAMETER);
	expect_status("CR3", call_switch_virtual_address_space(&space, NULL), SUCCESS);
	expect_status("notify_long_spin_wait", call_notify_long_spin_wait(&spin, NULL), SUCCESS);
	expect_status("get_census", call_get_census(NULL, &census), SUCCESS);
	expect_status("a debugger that is off", call_invoke_hypervisor_debugger(NULL, NULL),
		      OPERATION_DENIED);
	for (uint16_t code = PVN_CALL_delete_event_log_buffer;
	     code <= PVN_CALL_flush_event_log_buffer; code++)
		expect_status(call_find(code)->name, call_about_vp(code, ~0ull, 0), INVALID_PARAMETER);
}
