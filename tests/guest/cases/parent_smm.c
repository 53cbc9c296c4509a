// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A child's system management mode: its handler lies at SMBASE + 0x8000, in memory that its
 * parent has mapped there and looks into.
 */
#include "parent.h"

#define SMBASE		0x30000ull
#define SMRAM_PAGES	32
#define AREA		(SMBASE + 0xfe00)
#define AT(offset)	(*(volatile uint64_t *)child_at(SMBASE + (offset)))
#define BYTE_AT(offset)	(*(volatile uint8_t *)child_at(SMBASE + (offset)))
#define RUNS		(*(volatile uint32_t *)child_at(CHILD_DATA + 4))
#define WAKES		(*(volatile uint32_t *)child_at(CHILD_DATA))
#define HANDLER_PORT	0x84
#define BEHIND_HLT	4u	/* in child_halts */

static uint64_t interrupt(uint64_t id, uint32_t type)
{
	const struct pvn_assert_virtual_interrupt_in in = { .partition_id = id, .type = type };

	return call_assert_virtual_interrupt(&in, NULL);
}

static void put_handler(uint64_t smbase)
{
	memcpy(child_at(smbase + 0x8000), child_smi_handler,
	       (size_t)(child_smi_handler_end - child_smi_handler));
}

static uint64_t create_with_smram(void)
{
	uint64_t id = create_whole(1);

	memset(child_at(SMBASE), 0, SMRAM_PAGES << 12);
	expect_status("SMRAM", map_run(id, SMBASE >> 12, MEMORY_PAGE + (SMBASE >> 12), SMRAM_PAGES, 7),
		      SUCCESS);
	put_handler(SMBASE);
	set_child_handler(VECTOR_NMI, child_handler, child_handler_end);
	return id;
}

static const struct pvn_message *wait_handler(void)
{
	const struct pvn_message *message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);

	expect_equal("the handler's port", ((const struct pvn_io_intercept *)message->payload)->port,
		     HANDLER_PORT);
	return message;
}

/* Everything but RIP. */
static const uint32_t names[] = {
	0x20000, 0x20001, 0x20002, 0x20003, 0x20004, 0x20005, 0x20006, 0x20007, 0x20008, 0x20009, 0x2000a,
	0x2000b, 0x2000c, 0x2000d, 0x2000e, 0x2000f, 0x20011, PVN_REG_CR0, PVN_REG_CR0 + 1,
	PVN_REG_CR0 + 2, PVN_REG_CR0 + 3, PVN_REG_CR8, PVN_REG_DR0, PVN_REG_DR0 + 1, PVN_REG_DR0 + 4,
	PVN_REG_DR0 + 5, PVN_REG_ES, PVN_REG_ES + 1, PVN_REG_ES + 2, PVN_REG_ES + 3, PVN_REG_ES + 4,
	PVN_REG_ES + 5, PVN_REG_ES + 6, PVN_REG_ES + 7, PVN_REG_GDTR, PVN_REG_IDTR, PVN_REG_EFER,
	PVN_REG_XMM0, PVN_REG_XMM0 + 15, PVN_REG_INTERRUPT_STATE,
};

static void all_registers(uint64_t id, uint64_t out[][2])
{
	for (unsigned int i = 0; i < ARRAY_COUNT(names); i++)
		expect_status("a register", get_register(id, 0, names[i], out[i]), SUCCESS);
}

CASE(an_smi_runs_its_handler_and_returns)
{
	uint64_t before[ARRAY_COUNT(names)][2], after[ARRAY_COUNT(names)][2], id = create_with_smram();
	const struct pvn_message *message;

	for (uint32_t i = 0; i < 16; i++)
		if (i != 4)
			set_register(id, 0, PVN_REG_RAX + i, 0x0123456789abcd00ull + i, 0);
	set_register(id, 0, PVN_REG_GDTR, 0x27ull << 48, 0x5000);
	set_register(id, 0, PVN_REG_ES, 0x40, 0xffffull | 4ull << 32 | 0x93ull << 48);
	set_register(id, 0, PVN_REG_ES + 5, 0x50, 0xffffull | 5ull << 32 | 0x93ull << 48);
	run_program(id, 0, smm);
	message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	expect_equal("the program's port", ((const struct pvn_io_intercept *)message->payload)->port, 0x80);
	all_registers(id, before);
	expect_status("SMI", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
	go_on(id, message);
	message = wait_handler();
	expect_equal("CS base of the handler",
		     ((const struct pvn_intercept_header *)message->payload)->cs_base, SMBASE);
	expect_equal("RBX in the save area", AT(0xffe0), before[3][0]);
	expect_equal("RIP there", AT(0xff78), 2);
	expect_equal("revision and SMBASE there", AT(0xfefc), 0x20064 | SMBASE << 32);
	go_on(id, message);
	expect_equal("runs of the handler", RUNS, 1);
	message = wait_message(PVN_MESSAGE_IO_PORT_INTERCEPT);
	expect_equal("the program's port", ((const struct pvn_io_intercept *)message->payload)->port, 0x81);
	all_registers(id, after);
	for (unsigned int i = 0; i < ARRAY_COUNT(names); i++)
		expect(before[i][0] == after[i][0] && before[i][1] == after[i][1],
		       "register 0x%x was 0x%lx 0x%lx and is 0x%lx 0x%lx", names[i], before[i][0],
		       before[i][1], after[i][0], after[i][1]);
	go_on(id, message);
	end_child(id);
}

CASE(in_management_mode_one_smi_and_one_nmi_wait)
{
	const struct pvn_message *message;
	uint64_t id = create_with_smram();

	expect_status("SMI before the first instruction", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
	run_program(id, 0, smm);
	set_child_handler(VECTOR_NMI, child_handler, child_handler_end);
	message = wait_handler();
	for (unsigned int i = 0; i < 3; i++) {
		expect_status("NMI", interrupt(id, PVN_INTERRUPT_NMI), SUCCESS);
		expect_status("SMI", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
	}
	go_on(id, message);
	go_on(id, wait_handler());
	expect_port(id, 0x90);
	expect_port(id, 0x80);
	expect_port(id, 0x81);
	expect_equal("runs of the handler", RUNS, 2);
	end_child(id);
}

CASE(a_halted_processor_halts_again_after_an_smi)
{
	const struct pvn_message *message;
	uint64_t id = create_with_smram();

	run_program(id, 0, halts);
	expect_port(id, 0x80);
	for (;;) {
		expect_status("SMI", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
		message = wait_handler();
		if (AT(0xff78) == BEHIND_HLT)
			break;
		expect_equal("auto-halt of one that has not come that far", BYTE_AT(0xfec9), 0);
		go_on(id, message);
		wait_for(10 * MSECS);
	}
	expect_equal("auto-halt", BYTE_AT(0xfec9), 0xff);
	go_on(id, message);
	wait_for(20 * MSECS);
	expect_equal("wakes", WAKES, 0);
	expect_status("SMI", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
	message = wait_handler();
	BYTE_AT(0xfec9) = 0;
	go_on(id, message);
	expect(wait_until(WAKES == 1, 1000 * MSECS), "it does not go on behind HLT");
	end_child(id);
}

CASE(smbase_moves_through_the_save_area)
{
	const struct pvn_message *message;
	uint64_t id = create_with_smram();

	put_handler(SMBASE + 0x1000);
	expect_status("SMI", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
	run_program(id, 0, smm);
	message = wait_handler();
	AT(0xff00) = SMBASE + 0x1000;
	expect_status("SMI", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
	go_on(id, message);
	message = wait_handler();
	expect_equal("CS base", ((const struct pvn_intercept_header *)message->payload)->cs_base,
		     SMBASE + 0x1000);
	expect_equal("SMBASE in its save area", (uint32_t)AT(0x10f00), SMBASE + 0x1000);
	go_on(id, message);
	expect_port(id, 0x80);
	end_child(id);
}

CASE(a_childs_apic_sends_smis_and_rsm_needs_one)
{
	uint64_t id = create_with_smram();

	run_program(id, 0, smi_to_self);
	set_child_handler(VECTOR_UD, child_handler, child_handler_end);
	expect_port(id, HANDLER_PORT);
	expect_port(id, 0x80);
	expect_port(id, 0x90);	/* #UD of an RSM that has nowhere to return from */
	expect_equal("runs of the handler", RUNS, 1);
	end_child(id);
}

/* What the handler leaves is the child's affair only. */
static void expect_end(unsigned int offset, uint64_t value, uint32_t type)
{
	const struct pvn_message *message;
	uint64_t id = create_with_smram();

	expect_status("SMI", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
	run_program(id, 0, smm);
	message = wait_handler();
	if (offset)
		AT(offset) = value;
	else
		memset(child_at(AREA), 0xff, 512);
	go_on(id, message);
	wait_message(type);
	end_child(id);
}

CASE(hostile_save_areas_end_the_child)
{
	uint64_t id;

	expect_end(0, 0, PVN_MESSAGE_UNRECOVERABLE_EXCEPTION);
	expect_end(0xff58, 0x80000000, PVN_MESSAGE_UNRECOVERABLE_EXCEPTION);	/* PG without PE */
	expect_end(0xff70, 0, PVN_MESSAGE_UNRECOVERABLE_EXCEPTION);
	expect_end(0xff60, ~0ull, PVN_MESSAGE_UNRECOVERABLE_EXCEPTION);
	expect_end(0xff00, 0x30123, PVN_MESSAGE_UNRECOVERABLE_EXCEPTION);
	expect_end(0xfed0, 1ull << 40, PVN_MESSAGE_UNRECOVERABLE_EXCEPTION);
	/* CD clear, NW set. */
	expect_end(0xff58, 0x20000010, PVN_MESSAGE_UNRECOVERABLE_EXCEPTION);
	/* Nothing is there to save into. */
	id = create_whole(1);
	expect_status("SMI", interrupt(id, PVN_INTERRUPT_SMI), SUCCESS);
	run_program(id, 0, smm);
	wait_message(PVN_MESSAGE_UNRECOVERABLE_EXCEPTION);
	end_child(id);
}
