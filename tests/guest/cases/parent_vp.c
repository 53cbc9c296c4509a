// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A parent and its child's virtual processors: creation, registers, intercepts,
 * interrupts of every kind.
 */
#include "parent.h"

#define NOBODY	0x123456789ull
#define XMM(i)	(0x1111111100000000ull + (i))

static uint64_t create_vp(uint64_t id, uint32_t index, uint64_t flags)
{
	const struct pvn_create_vp_in in = { .partition_id = id, .vp_index = index, .mbz_flags = flags };

	return call_create_vp(&in, NULL);
}

CASE(processors_are_created_and_deleted)
{
	struct pvn_delete_vp_in in = { .vp_index = 0 };
	uint64_t id = create_whole(1), value[2];

	in.partition_id = id;
	expect_status("the same again", create_vp(id, 0, 0), INVALID_VP_INDEX);
	expect_status("number 64", create_vp(id, 64, 0), INVALID_VP_INDEX);
	expect_status("flags", create_vp(id, 1, 1), INVALID_PARAMETER);
	expect_status("of nobody", create_vp(NOBODY, 0, 0), INVALID_PARTITION_ID);
	expect_status("it is suspended", get_register(id, 0, PVN_REG_EXPLICIT_SUSPEND, value), SUCCESS);
	expect_equal("suspended", value[0], 1);
	run_program(id, 0, spin);
	expect(wait_until(*(volatile uint32_t *)child_at(CHILD_DATA), 1000 * MSECS), "it does not run");
	expect_status("delete while it runs", call_delete_vp(&in, NULL), SUCCESS);
	expect_status("delete again", call_delete_vp(&in, NULL), INVALID_VP_INDEX);
	expect_status("its registers", get_register(id, 0, PVN_REG_RIP, value), INVALID_VP_INDEX);
	end_child(id);
}

CASE(a_processor_joins_a_running_child)
{
	uint64_t id = create_whole(1);

	memcpy(child_at(CHILD_OTHER), child_other, (size_t)(child_other_end - child_other));
	run_program(id, 0, boot_other);
	expect_port(id, 0x80);
	expect_status("VP 1, while VP 0 runs", create_vp(id, 1, 0), SUCCESS);
	expect_status("its suspension", set_register(id, 1, PVN_REG_EXPLICIT_SUSPEND, 0, 0), SUCCESS);
	*(volatile uint8_t *)child_at(CHILD_DATA) = 1;
	expect_port(id, 0x82);
	end_child(id);
}

CASE(every_register_can_be_read)
{
	static const struct { uint32_t first, count; } ranges[] = {
		{ 0, 2 }, { 0x10002, 2 }, { 0x20000, 18 }, { 0x30000, 26 }, { 0x40000, 6 },
		{ 0x50000, 6 }, { 0x60000, 8 }, { 0x70000, 2 }, { 0x80000, 15 }, { 0x80010, 8 },
		{ 0x80040, 8 }, { 0x80070, 11 }, { 0x90000, 5 }, { 0x90011, 3 }, { 0xa0000, 21 },
		{ 0xb0000, 8 },
	};
	uint64_t id = create_whole(1), value[2];

	for (unsigned int i = 0; i < ARRAY_COUNT(ranges); i++)
		for (uint32_t n = ranges[i].first; n < ranges[i].first + ranges[i].count; n++) {
			uint64_t result = get_register(id, 0, n, value);

			expect(pvn_result_status(result) == PVN_STATUS_SUCCESS, "register 0x%x: %s", n,
			       status_name(pvn_result_status(result)));
		}
	expect_status("one that does not exist", get_register(id, 0, 0x12345, value), INVALID_PARAMETER);
	expect_status("of no VP", get_register(id, 5, PVN_REG_RIP, value), INVALID_VP_INDEX);
	expect_status("of nobody", get_register(NOBODY, 0, PVN_REG_RIP, value), INVALID_PARTITION_ID);
	end_child(id);
}

CASE(registers_arrive_in_the_child)
{
	const struct pvn_message *message;
	uint64_t id = create_whole(1), value[2];

	for (unsigned int i = 0; i < 16; i++)
		expect_status("an XMM register", set_register(id, 0, PVN_REG_XMM0 + i, XMM(i), ~XMM(i)),
			      SUCCESS);
	expect_status("CR4", set_register(id, 0, PVN_REG_CR4, 1u << 9, 0), SUCCESS);
	run_program(id, 0, vectors);
	message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	expect_equal("XMM0 as the child stored it", *(uint64_t *)child_at(CHILD_DATA), XMM(0));
	expect_equal("its upper half", *(uint64_t *)child_at(CHILD_DATA + 8), ~XMM(0));
	for (unsigned int i = 0; i < 16; i++) {
		expect_status("an XMM register", get_register(id, 0, PVN_REG_XMM0 + i, value), SUCCESS);
		expect_equal("its lower half", value[0], XMM(i));
		expect_equal("its upper half", value[1], ~XMM(i));
	}
	go_on(id, message);
	expect_status("a VP that runs", set_register(id, 0, PVN_REG_RIP, 0, 0), OPERATION_DENIED);
	end_child(id);
}

CASE(bad_registers_are_refused)
{
	static const struct { uint32_t name; uint64_t low, high; } bad[] = {
		{ 0x12345, 0, 0 }, { PVN_REG_RFLAGS, 0, 0 }, { PVN_REG_CR0, 1ull << 32, 0 },
		{ PVN_REG_CR0, 0x80000000, 0 }, { PVN_REG_CR3, 1ull << 60, 0 },
		{ PVN_REG_EFER, 1ull << 12, 0 },
		{ PVN_REG_XCR0, 0, 0 }, { PVN_REG_XMM_CONTROL, 0, 0xffffffff }, { PVN_REG_TSC, 1, 0 },
		{ PVN_REG_VP_INDEX, 5, 0 }, { PVN_REG_VP_RUNTIME, 5, 0 }, { PVN_REG_EOI, 0, 0 },
		{ PVN_REG_SINT0, 3, 0 }, { PVN_REG_MTRR_CAP, 8, 0 }, { PVN_REG_EXPLICIT_SUSPEND, 2, 0 },
		{ PVN_REG_PENDING_INTERRUPTION, 1 | 1u << 1, 0 }, { PVN_REG_INITIAL_APIC_ID, 255, 0 },
		{ PVN_REG_APIC_BASE, 0, 0 }, { PVN_REG_CR8, 16, 0 },
	};
	uint64_t id = create_whole(1);

	for (unsigned int i = 0; i < ARRAY_COUNT(bad); i++) {
		uint64_t result = set_register(id, 0, bad[i].name, bad[i].low, bad[i].high);

		expect(pvn_result_status(result) == PVN_STATUS_INVALID_PARAMETER, "register 0x%x: %s",
		       bad[i].name, status_name(pvn_result_status(result)));
	}
	expect_status("of nobody", set_register(NOBODY, 0, PVN_REG_RIP, 0, 0), INVALID_PARTITION_ID);
	expect_status("of oneself", set_register(1, 0, PVN_REG_RIP, 0, 0), ACCESS_DENIED);
	end_child(id);
}

/* --- intercepts --- */

CASE(intercepted_ports_are_told)
{
	const struct pvn_message *message;
	const struct pvn_io_intercept *io;
	uint64_t id = create_whole(1);

	run_program(id, 0, ports);
	message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	io = (const void *)message->payload;
	expect_equal("origin", message->origin, id);
	expect_equal("port", io->port, 0x80);
	expect_equal("access", io->header.access_type, 1);
	expect_equal("bytes", io->access_info & PVN_IO_BYTES_MASK, 1);
	expect_equal("AL", io->rax & 0xff, 0x5a);
	expect_equal("RIP", io->header.rip, 2);
	expect_equal("CS base", io->header.cs_base, CHILD_CODE);
	expect_equal("length", io->header.instruction_bytes, 2);
	expect_equal("bytes of the instruction", io->instruction_byte_count, 16);
	expect_equal("the first", io->instruction[0], 0xe6);
	expect_equal("the second", io->instruction[1], 0x80);
	expect_equal("limit of ES", io->es.limit, 0xffff);
	go_on(id, message);
	message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	io = (const void *)message->payload;
	expect_equal("access", io->header.access_type, 0);
	expect_status("an answer", set_register(id, 0, PVN_REG_RAX, 0xa5, 0), SUCCESS);
	go_on(id, message);
	message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	io = (const void *)message->payload;
	expect_equal("port", io->port, 0x81);
	expect_equal("what the child has read", io->rax & 0xff, 0xa5);
	end_child(id);
}

CASE(intercepted_cpuid_is_told)
{
	const struct pvn_cpuid_intercept *cpuid;
	const struct pvn_message *message;
	uint64_t id = create_whole(1), value[2];

	expect_status("install", install(id, PVN_INTERCEPT_CPUID, PVN_ACCESS_EXECUTE, 0x4f000000), SUCCESS);
	run_program(id, 0, cpuid);
	message = wait_message(PVN_MESSAGE_CPUID_INTERCEPT);
	cpuid = (const void *)message->payload;
	expect_equal("leaf", cpuid->rax, 0x4f000000);
	expect_equal("subleaf", cpuid->rcx, 7);
	expect_equal("answer without the parent", cpuid->default_rax, 0);
	set_register(id, 0, PVN_REG_RAX, 0x77, 0);
	go_on(id, message);
	message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	expect_status("RAX", get_register(id, 0, PVN_REG_RAX, value), SUCCESS);
	expect_equal("RAX", value[0], 0x77);
	go_on(id, message);
	expect_port(id, 0x81);
	end_child(id);
}

CASE(intercepted_msrs_are_told)
{
	const struct pvn_message *message;
	uint64_t id = create_whole(1);

	expect_status("install", install(id, PVN_INTERCEPT_MSR, 3, 0), SUCCESS);
	run_program(id, 0, msr);
	message = wait_message(PVN_MESSAGE_MSR_INTERCEPT);
	expect_equal("number", ((const struct pvn_msr_intercept *)message->payload)->msr, 0xc0dead);
	expect_equal("access", ((const struct pvn_intercept_header *)message->payload)->access_type, 0);
	set_register(id, 0, PVN_REG_RAX, 0x12, 0);
	go_on(id, message);
	expect_port(id, 0x80);
	message = wait_message(PVN_MESSAGE_MSR_INTERCEPT);
	expect_equal("access", ((const struct pvn_intercept_header *)message->payload)->access_type, 1);
	expect_equal("value", ((const struct pvn_msr_intercept *)message->payload)->rax, 0x12);
	go_on(id, message);
	expect_port(id, 0x81);
	end_child(id);
}

CASE(intercepted_exceptions_are_told)
{
	const struct pvn_exception_intercept *exception;
	const struct pvn_message *message;
	uint64_t id = create_whole(1);

	expect_status("install", install(id, PVN_INTERCEPT_EXCEPTION, PVN_ACCESS_EXECUTE, VECTOR_UD),
		      SUCCESS);
	run_program(id, 0, undefined);
	message = wait_message(PVN_MESSAGE_EXCEPTION_INTERCEPT);
	exception = (const void *)message->payload;
	expect_equal("vector", exception->vector, VECTOR_UD);
	expect_equal("an error code", exception->info & 1, 0);
	expect_equal("RIP", exception->header.rip, 0);
	expect_equal("the instruction", exception->instruction[0] | exception->instruction[1] << 8, 0x0b0f);
	expect_equal("RSP", exception->gpr[4], 0xf000);
	set_register(id, 0, PVN_REG_RIP, 2, 0);
	set_register(id, 0, PVN_REG_INTERCEPT_SUSPEND, 0, 0);
	expect_port(id, 0x80);
	expect_status("while it runs", install(id, PVN_INTERCEPT_EXCEPTION, 0, VECTOR_UD),
		      INVALID_PARTITION_STATE);
	end_child(id);
}

CASE(intercepts_are_checked)
{
	uint64_t id = create_whole(1);

	expect_status("an unknown kind", install(id, 99, 1, 0), INVALID_PARAMETER);
	expect_status("an unknown access", install(id, PVN_INTERCEPT_IO_PORT, 8, 0x70), INVALID_PARAMETER);
	expect_status("a port to execute", install(id, PVN_INTERCEPT_IO_PORT, 4, 0x70), INVALID_PARAMETER);
	expect_status("port 65536", install(id, PVN_INTERCEPT_IO_PORT, 1, 65536), INVALID_PARAMETER);
	expect_status("exception 32", install(id, PVN_INTERCEPT_EXCEPTION, 4, 32), INVALID_PARAMETER);
	expect_status("CPUID to read", install(id, PVN_INTERCEPT_CPUID, 1, 5), INVALID_PARAMETER);
	expect_status("of nobody", install(NOBODY, PVN_INTERCEPT_IO_PORT, 1, 0x70), INVALID_PARTITION_ID);
	end_child(id);
}

/* --- interrupts --- */

static uint64_t interrupt(uint64_t id, uint32_t type, uint32_t flags, uint64_t destination,
			  uint32_t vector)
{
	const struct pvn_assert_virtual_interrupt_in in = {
		.partition_id = id, .type = type, .flags = flags, .destination = destination,
		.vector = vector };

	return call_assert_virtual_interrupt(&in, NULL);
}

#define HANDLER(vector, name) set_child_handler(vector, child_##name, child_##name##_end)

CASE(a_parent_interrupts_its_child)
{
	uint64_t id = create_whole(1);

	HANDLER(VECTOR_NMI, handler);
	HANDLER(0x40, handler);
	run_program(id, 0, wait);
	HANDLER(VECTOR_NMI, handler);
	HANDLER(0x40, handler_eoi);
	expect_port(id, 0x80);
	expect_status("fixed", interrupt(id, PVN_INTERRUPT_FIXED, 0, 0, 0x40), SUCCESS);
	expect_port(id, 0x90);
	expect_port(id, 0x91);
	expect_status("lowest priority", interrupt(id, PVN_INTERRUPT_LOWEST, PVN_INTERRUPT_LOGICAL, 1, 0x40),
		      SUCCESS);
	expect_port(id, 0x90);
	expect_port(id, 0x91);
	expect_status("NMI", interrupt(id, PVN_INTERRUPT_NMI, 0, 0, 0), SUCCESS);
	expect_port(id, 0x90);
	end_child(id);
}

CASE(the_end_of_a_level_is_told)
{
	const struct pvn_message *message;
	uint64_t id = create_whole(1);

	run_program(id, 0, wait);
	HANDLER(0x40, handler_eoi);
	expect_port(id, 0x80);
	expect_status("a level", interrupt(id, PVN_INTERRUPT_FIXED, PVN_INTERRUPT_LEVEL, 0, 0x40), SUCCESS);
	expect_port(id, 0x90);
	message = wait_message(PVN_MESSAGE_APIC_EOI);
	expect_equal("vector", ((const struct pvn_eoi_message *)message->payload)->vector, 0x40);
	expect_equal("VP", ((const struct pvn_eoi_message *)message->payload)->vp_index, 0);
	set_register(id, 0, PVN_REG_INTERCEPT_SUSPEND, 0, 0);
	expect_port(id, 0x91);
	end_child(id);
}

CASE(an_8259_is_acknowledged)
{
	const struct pvn_assert_virtual_interrupt_v2_in old = { .type = PVN_INTERRUPT_EXTINT };
	struct pvn_assert_virtual_interrupt_v2_in in = old;
	struct pvn_clear_virtual_interrupt_in clear;
	uint64_t id = create_whole(1);

	clear.partition_id = in.partition_id = id;
	in.vector = 0x48;
	run_program(id, 0, wait_without_apic);
	HANDLER(0x48, handler);
	expect_status("nothing to clear", call_clear_virtual_interrupt(&clear, NULL), NOT_ACKNOWLEDGED);
	expect_status("ExtInt", call_assert_virtual_interrupt_v2(&in, NULL), SUCCESS);
	expect_port(id, 0x90);
	expect_status("another one", call_assert_virtual_interrupt_v2(&in, NULL), ACKNOWLEDGED);
	expect_status("and another", interrupt(id, PVN_INTERRUPT_EXTINT, 0, 0, 0x48), ACKNOWLEDGED);
	expect_status("clear", call_clear_virtual_interrupt(&clear, NULL), SUCCESS);
	expect_status("another one", call_assert_virtual_interrupt_v2(&in, NULL), SUCCESS);
	expect_port(id, 0x90);
	end_child(id);
}

CASE(a_parent_starts_and_stops_a_processor)
{
	uint64_t id = create_whole(2);

	memcpy(child_at(CHILD_OTHER), child_other, (size_t)(child_other_end - child_other));
	expect_status("its suspension", set_register(id, 1, PVN_REG_EXPLICIT_SUSPEND, 0, 0), SUCCESS);
	expect_status("SIPI", interrupt(id, PVN_INTERRUPT_SIPI, 0, 1, CHILD_OTHER >> 12), SUCCESS);
	expect_port(id, 0x82);
	expect_status("INIT", interrupt(id, PVN_INTERRUPT_INIT, 0, 1, 0), SUCCESS);
	expect_status("SIPI again", interrupt(id, PVN_INTERRUPT_SIPI, 0, 1, CHILD_OTHER >> 12), SUCCESS);
	expect_port(id, 0x82);
	end_child(id);
}

CASE(interrupts_are_checked)
{
	struct pvn_clear_virtual_interrupt_in clear = { .partition_id = NOBODY };
	uint64_t id = create_whole(1);

	expect_status("vector 15", interrupt(id, PVN_INTERRUPT_FIXED, 0, 0, 15), INVALID_PARAMETER);
	expect_status("vector 256", interrupt(id, PVN_INTERRUPT_FIXED, 0, 0, 256), INVALID_PARAMETER);
	expect_status("kind 3", interrupt(id, 3, 0, 0, 0x40), INVALID_PARAMETER);
	expect_status("kind 8", interrupt(id, 8, 0, 0, 0x40), INVALID_PARAMETER);
	expect_status("an unknown flag", interrupt(id, PVN_INTERRUPT_FIXED, 8, 0, 0x40), INVALID_PARAMETER);
	expect_status("a level NMI", interrupt(id, PVN_INTERRUPT_NMI, PVN_INTERRUPT_LEVEL, 0, 0),
		      INVALID_PARAMETER);
	expect_status("ExtInt to VP 1", interrupt(id, PVN_INTERRUPT_EXTINT, 0, 1, 0x40), INVALID_PARAMETER);
	expect_status("a level SMI", interrupt(id, PVN_INTERRUPT_SMI, PVN_INTERRUPT_LEVEL, 0, 0),
		      INVALID_PARAMETER);
	expect_status("to nobody", interrupt(NOBODY, PVN_INTERRUPT_FIXED, 0, 0, 0x40), INVALID_PARTITION_ID);
	expect_status("to oneself", interrupt(1, PVN_INTERRUPT_FIXED, 0, 0, 0x40), ACCESS_DENIED);
	expect_status("clear nobody's", call_clear_virtual_interrupt(&clear, NULL), INVALID_PARTITION_ID);
	end_child(id);
	id = create_whole(0);
	expect_status("without a VP", interrupt(id, PVN_INTERRUPT_FIXED, 0, 0, 0x40), INVALID_VP_INDEX);
	end_child(id);
}
