// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The test guest as root partition: children of its own, their states, pools and
 * properties, ports; and what all cases of a parent use.
 */
#include <pvn/abi/cpuid.h>

#include "parent.h"

#define ROOT_ID		1ull
#define NOBODY		0x123456789ull
#define WAIT		(3000 * MSECS)

static struct pvn_message_page messages PAGE_ALIGNED;

uint64_t create_child(void)
{
	const struct pvn_create_partition_in in = { 0 };
	struct pvn_create_partition_out out;

	expect_status("create_partition", call_create_partition(&in, &out), SUCCESS);
	return out.partition_id;
}

uint64_t rep_call(uint16_t code, unsigned int count, const void *in, size_t in_bytes,
		  const void *list, size_t list_bytes)
{
	memcpy(call_in, in, in_bytes);
	if (list_bytes)
		memcpy(call_in + in_bytes, list, list_bytes);
	return hypercall_memory(pvn_control_rep(code, count, 0));
}

uint64_t deposit(uint64_t id, uint64_t page, unsigned int count)
{
	uint64_t pages[POOL_PAGES];

	for (unsigned int i = 0; i < count; i++)
		pages[i] = page + i;
	return rep_call(PVN_CALL_deposit_memory, count, &id, sizeof(id), pages, count * sizeof(pages[0]));
}

uint64_t call_by_id(uint16_t code, uint64_t id)
{
	return hypercall(code | PVN_CONTROL_FAST, id, 0);
}

uint64_t create_active(void)
{
	uint64_t id = create_child();

	expect_status("deposit_memory", deposit(id, POOL_PAGE, POOL_PAGES), SUCCESS);
	expect_status("initialize_partition", call_by_id(PVN_CALL_initialize_partition, id), SUCCESS);
	return id;
}

static uint64_t create_vp(uint64_t id, uint32_t index)
{
	const struct pvn_create_vp_in in = { .partition_id = id, .vp_index = index };

	return call_create_vp(&in, NULL);
}

uint64_t create_whole(unsigned int vps)
{
	uint64_t id = create_active();

	memset((void *)(MEMORY_PAGE << 12), 0, MEMORY_PAGES << 12);
	expect_status("map_gpa_pages", map_run(id, 0, MEMORY_PAGE, MEMORY_PAGES, 7), SUCCESS);
	for (unsigned int i = 0; i < vps; i++)
		expect_status("create_vp", create_vp(id, i), SUCCESS);
	for (unsigned int port = 0x80; port < 0x93; port++)
		expect_status("install_intercept", install(id, PVN_INTERCEPT_IO_PORT, 3, port), SUCCESS);
	wrmsr(PVN_MSR_SIMP, (uint64_t)&messages | PVN_MSR_PAGE_ENABLE);
	/* What the last case's child said before its end lies in the page, not below it. */
	__atomic_store_n(&messages.sint[0].type, PVN_MESSAGE_NONE, __ATOMIC_SEQ_CST);
	wrmsr(PVN_MSR_SCONTROL, 1);
	return id;
}

unsigned int withdraw_all(uint64_t id)
{
	const struct pvn_withdraw_memory_in in = { .partition_id = id };
	unsigned int done = 0;
	uint64_t result;

	do {
		result = rep_call(PVN_CALL_withdraw_memory, 64, &in, sizeof(in), NULL, 0);
		done += pvn_result_reps(result);
	} while (pvn_result_status(result) == PVN_STATUS_SUCCESS);
	expect_status("withdraw_memory at the end", result, NO_RESOURCES);
	return done;
}

void end_child(uint64_t id)
{
	call_by_id(PVN_CALL_finalize_partition, id);
	withdraw_all(id);
	expect_status("delete_partition", call_by_id(PVN_CALL_delete_partition, id), SUCCESS);
}

void *child_at(uint64_t gpa) { return (void *)((MEMORY_PAGE << 12) + gpa); }

uint64_t map_run(uint64_t id, uint64_t target, uint64_t source, unsigned int count, uint32_t flags)
{
	const struct pvn_map_gpa_pages_in in = { .partition_id = id, .target_page = target,
						 .map_flags = flags };
	uint64_t pages[64], step = flags & PVN_MAP_LARGE ? 512 : 1;

	for (unsigned int i = 0; i < count; i++)
		pages[i] = source + i * step;
	return rep_call(PVN_CALL_map_gpa_pages, count, &in, sizeof(in), pages, count * sizeof(pages[0]));
}

uint64_t install(uint64_t id, uint32_t type, uint32_t access, uint64_t parameter)
{
	const struct pvn_install_intercept_in in = {
		.partition_id = id, .access_type = access, .intercept_type = type, .parameter = parameter };

	return call_install_intercept(&in, NULL);
}

uint64_t set_register(uint64_t id, uint32_t vp, uint32_t name, uint64_t low, uint64_t high)
{
	const struct pvn_set_vp_registers_in in = { .partition_id = id, .vp_index = vp };
	const struct pvn_set_vp_registers_elem elem = { .name = name, .low = low, .high = high };

	return rep_call(PVN_CALL_set_vp_registers, 1, &in, sizeof(in), &elem, sizeof(elem));
}

uint64_t get_register(uint64_t id, uint32_t vp, uint32_t name, uint64_t value[2])
{
	const struct pvn_get_vp_registers_in in = { .partition_id = id, .vp_index = vp };
	uint64_t result = rep_call(PVN_CALL_get_vp_registers, 1, &in, sizeof(in), &name, sizeof(name));

	memcpy(value, call_out, 2 * sizeof(value[0]));
	return result;
}

static void set(uint64_t id, uint32_t vp, uint32_t name, uint64_t low, uint64_t high)
{
	expect_status("set_vp_registers", set_register(id, vp, name, low, high), SUCCESS);
}

void start_program(uint64_t id, uint32_t vp, const uint8_t *from, const uint8_t *end)
{
	memcpy(child_at(CHILD_CODE), from, (size_t)(end - from));
	set(id, vp, PVN_REG_CS, CHILD_CODE, 0xffff | (CHILD_CODE >> 4) << 32 | 0x009bull << 48);
	set(id, vp, PVN_REG_RIP, 0, 0);
	set(id, vp, PVN_REG_RAX + 4, 0xf000, 0);	/* RSP */
	set(id, vp, PVN_REG_EXPLICIT_SUSPEND, 0, 0);
}

void set_child_handler(unsigned int vector, const uint8_t *from, const uint8_t *end)
{
	uint16_t *table = child_at(0);

	memcpy(child_at(CHILD_CODE + HANDLER_AT), from, (size_t)(end - from));
	table[2 * vector] = HANDLER_AT;
	table[2 * vector + 1] = CHILD_CODE >> 4;
}

const struct pvn_message *wait_message(uint32_t type)
{
	static struct pvn_message copy;
	struct pvn_message *slot = &messages.sint[0];

	if (!wait_until(__atomic_load_n(&slot->type, __ATOMIC_ACQUIRE), WAIT))
		test_fail(__FILE__, __LINE__, "no message 0x%x comes", type);
	copy = *slot;
	__atomic_store_n(&slot->type, PVN_MESSAGE_NONE, __ATOMIC_SEQ_CST);
	wrmsr(PVN_MSR_EOM, 0);
	expect_equal("the message's type", copy.type, type);
	return &copy;
}

void go_on(uint64_t id, const struct pvn_message *message)
{
	const struct pvn_intercept_header *header = (const void *)message->payload;

	set(id, header->vp_index, PVN_REG_RIP, header->rip + header->instruction_bytes, 0);
	set(id, header->vp_index, PVN_REG_INTERCEPT_SUSPEND, 0, 0);
}

void expect_port(uint64_t id, uint16_t port)
{
	const struct pvn_message *message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	const struct pvn_io_intercept *io = (const void *)message->payload;

	expect_equal("the port", io->port, port);
	go_on(id, message);
}

/* What a case that failed has left. */
void parent_clean_up(void)
{
	const struct pvn_get_next_child_partition_in in = { .parent_id = ~0ull };
	struct pvn_get_next_child_partition_out out;

	while (!pvn_result_status(call_get_next_child_partition(&in, &out)) && out.next_id)
		end_child(out.next_id);
}

/* --- partitions --- */

CASE(partitions_have_their_states)
{
	uint64_t id = create_child();

	expect_status("finalize what is not active", call_by_id(PVN_CALL_finalize_partition, id),
		      INVALID_PARTITION_STATE);
	expect_status("initialize without memory", call_by_id(PVN_CALL_initialize_partition, id),
		      INSUFFICIENT_MEMORY);
	expect_status("a VP of what is not active", create_vp(id, 0), INVALID_PARTITION_STATE);
	expect_status("deposit", deposit(id, POOL_PAGE, 4), SUCCESS);
	expect_status("delete what has pages", call_by_id(PVN_CALL_delete_partition, id), OPERATION_DENIED);
	expect_status("initialize", call_by_id(PVN_CALL_initialize_partition, id), SUCCESS);
	expect_status("initialize again", call_by_id(PVN_CALL_initialize_partition, id),
		      INVALID_PARTITION_STATE);
	expect_status("delete what is active", call_by_id(PVN_CALL_delete_partition, id),
		      INVALID_PARTITION_STATE);
	expect_status("finalize", call_by_id(PVN_CALL_finalize_partition, id), SUCCESS);
	expect_status("finalize again", call_by_id(PVN_CALL_finalize_partition, id), INVALID_PARTITION_STATE);
	expect_equal("pages that come back", withdraw_all(id), 4);
	expect_status("delete", call_by_id(PVN_CALL_delete_partition, id), SUCCESS);
	expect_status("delete again", call_by_id(PVN_CALL_delete_partition, id), INVALID_PARTITION_ID);
	expect_status("finalize nobody", call_by_id(PVN_CALL_finalize_partition, NOBODY),
		      INVALID_PARTITION_ID);
	expect_status("finalize oneself", call_by_id(PVN_CALL_finalize_partition, ROOT_ID), ACCESS_DENIED);
}

CASE(creation_is_checked)
{
	const struct pvn_withdraw_memory_in pages = {
		.partition_id = ROOT_ID, .proximity_id = 99, .proximity_flags = 1u << 31,
	};
	struct pvn_create_partition_in in = { .mbz_flags = 1 };

	expect_status("flags", call_create_partition(&in, NULL), INVALID_PARAMETER);
	in.mbz_flags = 0;
	in.proximity_id = 99;
	in.proximity_flags = 1u << 31;
	expect_status("a domain that does not exist", call_create_partition(&in, NULL),
		      INVALID_PROXIMITY_DOMAIN_INFO);
	expect_status("pages of such a domain", rep_call(PVN_CALL_withdraw_memory, 1, &pages, sizeof(pages),
							 NULL, 0), INVALID_PROXIMITY_DOMAIN_INFO);
}

CASE(children_are_listed)
{
	struct pvn_get_next_child_partition_in in = { .parent_id = ~0ull };
	struct pvn_get_next_child_partition_out out;
	uint64_t first = create_child(), second = create_child();

	expect_status("the first", call_get_next_child_partition(&in, &out), SUCCESS);
	expect_equal("the first", out.next_id, first);
	in.previous_id = first;
	expect_status("the second", call_get_next_child_partition(&in, &out), SUCCESS);
	expect_equal("the second", out.next_id, second);
	in.previous_id = second;
	expect_status("the end", call_get_next_child_partition(&in, &out), SUCCESS);
	expect_equal("the end", out.next_id, 0);
	end_child(first);
	end_child(second);
	in.parent_id = NOBODY;
	expect_status("of nobody", call_get_next_child_partition(&in, &out), INVALID_PARTITION_ID);
}

CASE(own_id_in_registers)
{
	struct fast_block block = { { 0 } };
	struct pvn_get_partition_id_out out;

	expect_status("get_partition_id", call_get_partition_id(NULL, &out), SUCCESS);
	expect_equal("the id", out.partition_id, ROOT_ID);
	expect_status("in registers", hypercall_fast(PVN_CALL_get_partition_id | PVN_CONTROL_FAST, &block),
		      SUCCESS);
	expect_equal("RDX", block.word[0], ROOT_ID);
}

static uint64_t get_property(uint64_t id, uint32_t property, uint64_t *value)
{
	const struct pvn_get_partition_property_in in = { .partition_id = id, .property = property };
	struct pvn_get_partition_property_out out;
	uint64_t result = call_get_partition_property(&in, &out);

	*value = out.value;
	return result;
}

static uint64_t set_property(uint64_t id, uint32_t property, uint64_t value)
{
	const struct pvn_set_partition_property_in in = {
		.partition_id = id, .property = property, .value = value };

	return call_set_partition_property(&in, NULL);
}

CASE(properties_are_checked)
{
	uint64_t id = create_active(), value;

	expect_status("weight", set_property(id, PVN_PROPERTY_CPU_WEIGHT, 200), SUCCESS);
	expect_status("weight", get_property(id, PVN_PROPERTY_CPU_WEIGHT, &value), SUCCESS);
	expect_equal("weight", value, 200);
	expect_status("weight 0", set_property(id, PVN_PROPERTY_CPU_WEIGHT, 0),
		      PROPERTY_VALUE_OUT_OF_RANGE);
	expect_status("a property that does not exist", get_property(id, 0x777, &value), UNKNOWN_PROPERTY);
	expect_status("to be set", set_property(id, 0x777, 1), UNKNOWN_PROPERTY);
	expect_status("the vendor", set_property(id, PVN_PROPERTY_PROCESSOR_VENDOR, 0), OPERATION_DENIED);
	expect_status("privileges of what runs", set_property(id, PVN_PROPERTY_PRIVILEGES, 0),
		      INVALID_PARTITION_STATE);
	expect_status("features of what runs", set_property(id, PVN_PROPERTY_PROCESSOR_FEATURES, 0),
		      INVALID_PARTITION_STATE);
	expect_status("of nobody", get_property(NOBODY, PVN_PROPERTY_CPU_WEIGHT, &value),
		      INVALID_PARTITION_ID);
	end_child(id);
	id = create_child();
	expect_status("a privilege that nobody has", set_property(id, PVN_PROPERTY_PRIVILEGES, 1ull << 63),
		      PROPERTY_VALUE_OUT_OF_RANGE);
	expect_status("a feature that nobody has",
		      set_property(id, PVN_PROPERTY_PROCESSOR_FEATURES, 1ull << 63),
		      PROPERTY_VALUE_OUT_OF_RANGE);
	end_child(id);
}

CASE(features_are_hidden_from_a_child)
{
	uint64_t id, features, xsave, value[2];

	id = create_child();
	expect_status("features", get_property(id, PVN_PROPERTY_PROCESSOR_FEATURES, &features), SUCCESS);
	expect_status("XSAVE's", get_property(id, PVN_PROPERTY_XSAVE_FEATURES, &xsave), SUCCESS);
	expect(features & 1, "no SSE3 in 0x%lx", features);
	expect_status("compatibility", set_property(id, PVN_PROPERTY_PROCESSOR_FEATURES,
						    features & PVN_COMPATIBLE_AMD), SUCCESS);
	expect_status("no XSAVE", set_property(id, PVN_PROPERTY_XSAVE_FEATURES, 0), SUCCESS);
	end_child(id);
	/* Another one, which runs. */
	id = create_child();
	set_property(id, PVN_PROPERTY_PROCESSOR_FEATURES, features & PVN_COMPATIBLE_AMD);
	set_property(id, PVN_PROPERTY_XSAVE_FEATURES, 0);
	expect_status("deposit", deposit(id, POOL_PAGE, POOL_PAGES), SUCCESS);
	expect_status("initialize", call_by_id(PVN_CALL_initialize_partition, id), SUCCESS);
	expect_status("map", map_run(id, 0, MEMORY_PAGE, MEMORY_PAGES, 7), SUCCESS);
	expect_status("a VP", create_vp(id, 0), SUCCESS);
	install(id, PVN_INTERCEPT_IO_PORT, 3, 0x80);
	install(id, PVN_INTERCEPT_IO_PORT, 3, 0x81);
	messages.sint[0].type = PVN_MESSAGE_NONE;
	wrmsr(PVN_MSR_SIMP, (uint64_t)&messages | PVN_MSR_PAGE_ENABLE);
	wrmsr(PVN_MSR_SCONTROL, 1);
	run_program(id, 0, cpuid);
	expect_port(id, 0x80);
	wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	expect_status("ECX", get_register(id, 0, PVN_REG_RAX + 1, value), SUCCESS);
	expect(value[0] & 1, "SSE3 is hidden: 0x%lx", value[0]);
	expect(!(value[0] & (1u << 9 | 1u << 20 | 1u << 25 | 1u << 26 | 1u << 28)),
	       "SSSE3, SSE4.2, AES, XSAVE or AVX is shown: 0x%lx", value[0]);
	end_child(id);
}

/* --- pools --- */

CASE(pools_are_checked)
{
	struct pvn_get_memory_balance_in balance = { 0 };
	struct pvn_get_memory_balance_out before, after;
	uint64_t id = create_child();

	expect_status("deposit 8", deposit(id, POOL_PAGE, 8), SUCCESS);
	balance.partition_id = id;
	expect_status("balance", call_get_memory_balance(&balance, &before), SUCCESS);
	expect_equal("pages available", before.pages_available, 8);
	expect_equal("pages in use", before.pages_in_use, 0);
	expect_status("a page twice", deposit(id, POOL_PAGE + 3, 1), OPERATION_DENIED);
	expect_status("beyond the space", deposit(id, 1ull << 40, 1), INVALID_PARAMETER);
	expect_status("to nobody", deposit(NOBODY, POOL_PAGE + 8, 1), INVALID_PARTITION_ID);
	expect_status("balance of nobody", (balance.partition_id = NOBODY,
					    call_get_memory_balance(&balance, NULL)), INVALID_PARTITION_ID);
	balance.partition_id = id;
	expect_status("initialize", call_by_id(PVN_CALL_initialize_partition, id), SUCCESS);
	expect_status("map a page", map_run(id, 0, MEMORY_PAGE, 1, 7), SUCCESS);
	expect_status("a page that a child maps", deposit(id, MEMORY_PAGE, 1), OBJECT_IN_USE);
	expect_status("balance", call_get_memory_balance(&balance, &after), SUCCESS);
	expect_equal("pages in all", after.pages_available + after.pages_in_use, 8);
	expect(after.pages_in_use >= 4, "only %lu pages in use", after.pages_in_use);
	end_child(id);
	/* What has been withdrawn is the root's again, and empty. */
	for (unsigned int i = 0; i < 8 * 512; i++)
		expect_equal("withdrawn memory", ((uint64_t *)(POOL_PAGE << 12))[i], 0);
}

CASE(a_dry_pool_changes_nothing)
{
	struct pvn_get_memory_balance_in balance = { 0 };
	struct pvn_get_memory_balance_out before, after;
	uint64_t id = create_child();

	deposit(id, POOL_PAGE, 4);
	expect_status("initialize", call_by_id(PVN_CALL_initialize_partition, id), SUCCESS);
	balance.partition_id = id;
	call_get_memory_balance(&balance, &before);
	expect_status("map a page", map_run(id, 0, MEMORY_PAGE, 1, 7), INSUFFICIENT_MEMORY);
	expect_status("create a VP", create_vp(id, 0), INSUFFICIENT_MEMORY);
	call_get_memory_balance(&balance, &after);
	expect_equal("pages available", after.pages_available, before.pages_available);
	expect_equal("pages in use", after.pages_in_use, before.pages_in_use);
	expect_status("deposit more", deposit(id, POOL_PAGE + 4, 60), SUCCESS);
	expect_status("map a page", map_run(id, 0, MEMORY_PAGE, 1, 7), SUCCESS);
	expect_status("create a VP", create_vp(id, 0), SUCCESS);
	end_child(id);
}

/* --- ports and connections --- */

static uint64_t create_port(uint64_t of, uint64_t peer, struct pvn_create_port_in in)
{
	in.port_partition = of;
	in.connection_partition = peer;
	return call_create_port(&in, NULL);
}

CASE(ports_are_checked)
{
	struct pvn_create_port_in good = { .port_id = 5, .port_type = PVN_PORT_EVENT, .target_sint = 2,
					   .flag_count = 8 }, bad;
	struct pvn_delete_port_in del = { .port_partition = ROOT_ID, .port_id = 5 };
	struct pvn_connect_port_in connect = { .connection_id = 9, .port_partition = ROOT_ID, .port_id = 5,
					       .port_type = PVN_PORT_EVENT };
	struct pvn_disconnect_port_in end = { .connection_id = 9 };
	struct pvn_set_port_property_in move = { .port_partition = ROOT_ID, .port_id = 5, .property = 1 };
	struct pvn_get_port_property_in ask = { .port_partition = ROOT_ID, .port_id = 5 };
	uint64_t id = create_whole(1);

	bad = good;
	bad.target_sint = 0;
	expect_status("SINT 0", create_port(ROOT_ID, id, bad), INVALID_PARAMETER);
	bad = good;
	bad.flag_count = 0;
	expect_status("no flags", create_port(ROOT_ID, id, bad), INVALID_PARAMETER);
	bad = good;
	bad.target_vp = 63;
	expect_status("a VP that does not exist", create_port(ROOT_ID, id, bad), INVALID_VP_INDEX);
	bad = good;
	bad.port_id = 1u << 24;
	expect_status("a long id", create_port(ROOT_ID, id, bad), INVALID_PORT_ID);
	expect_status("both ends the same", create_port(ROOT_ID, ROOT_ID, good), INVALID_PARTITION_ID);
	expect_status("to nobody", create_port(ROOT_ID, NOBODY, good), INVALID_PARTITION_ID);
	expect_status("a port", create_port(ROOT_ID, id, good), SUCCESS);
	expect_status("the same again", create_port(ROOT_ID, id, good), INVALID_PORT_ID);
	connect.connection_partition = end.connection_partition = id;
	connect.port_id = 6;
	expect_status("connect to nothing", call_connect_port(&connect, NULL), INVALID_PORT_ID);
	connect.port_id = 5;
	expect_status("connect", call_connect_port(&connect, NULL), SUCCESS);
	expect_status("connect again", call_connect_port(&connect, NULL), INVALID_CONNECTION_ID);
	move.value = 63;
	expect_status("move to nobody", call_set_port_property(&move, NULL), INVALID_VP_INDEX);
	move.value = 0;
	expect_status("move", call_set_port_property(&move, NULL), SUCCESS);
	move.property = 77;
	expect_status("an unknown property", call_set_port_property(&move, NULL), UNKNOWN_PROPERTY);
	expect_status("posts", call_get_port_property(&ask, NULL), SUCCESS);
	ask.port_id = 6;
	expect_status("posts of nothing", call_get_port_property(&ask, NULL), INVALID_PORT_ID);
	expect_status("disconnect", call_disconnect_port(&end, NULL), SUCCESS);
	expect_status("disconnect again", call_disconnect_port(&end, NULL), INVALID_CONNECTION_ID);
	expect_status("delete", call_delete_port(&del, NULL), SUCCESS);
	expect_status("delete again", call_delete_port(&del, NULL), INVALID_PORT_ID);
	end_child(id);
}
