// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What the dispatcher checks for all calls: codes, control word, parameter blocks
 * [TLFS 2.0 ch. 4 "Hypercall Interface"].
 */
#include "testguest.h"

#define SELF	(~0ull)
#define GPA_END	(1ull << 48)
#define READ_REGISTERS(count, start) pvn_control_rep(PVN_CALL_get_vp_registers, count, start)

CASE(unknown_codes_are_refused)
{
	for (unsigned int code = 0; code < 0x10000; code += code < 0x200 || code >> 8 == 0x40 ? 1 : 37) {
		uint64_t result;

		if (call_find(code))
			continue;
		result = hypercall(code, 0, 0);
		expect(result == PVN_STATUS_INVALID_HYPERCALL_CODE, "code 0x%x: 0x%lx, not 0x%x", code,
		       result, PVN_STATUS_INVALID_HYPERCALL_CODE);
	}
}

CASE(reserved_control_bits_are_refused)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t control = PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST;

		if (!((PVN_CONTROL_RESERVED | PVN_CONTROL_VARHEAD_MASK) >> bit & 1))
			continue;
		control |= 1ull << bit;
		expect_status("a reserved bit", hypercall(control, 0, 0), INVALID_HYPERCALL_INPUT);
	}
}

CASE(simple_calls_have_no_reps)
{
	const uint64_t call = PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST;

	expect_status("count 1", hypercall(pvn_control_rep(0, 1, 0) | call, 0, 0),
		      INVALID_HYPERCALL_INPUT);
	expect_status("start 1", hypercall(pvn_control_rep(0, 0, 1) | call, 0, 0),
		      INVALID_HYPERCALL_INPUT);
}

CASE(rep_calls_need_reps)
{
	expect_status("count 0", hypercall_memory(READ_REGISTERS(0, 0)), INVALID_HYPERCALL_INPUT);
	expect_status("start at count", hypercall_memory(READ_REGISTERS(3, 3)),
		      INVALID_HYPERCALL_INPUT);
	expect_status("start beyond count", hypercall_memory(READ_REGISTERS(3, 9)),
		      INVALID_HYPERCALL_INPUT);
}

CASE(memory_calls_are_not_fast)
{
	for (unsigned int i = 0; i < call_row_count; i++) {
		const struct call_row *row = &call_rows[i];
		uint64_t control = PVN_CONTROL_FAST | pvn_control_rep(row->code, row->rep, 0);
		unsigned int status;

		if (row->fast)
			continue;
		status = pvn_result_status(hypercall(control, 0, 0));
		/* Without the privilege nobody learns about the form. */
		expect(status == PVN_STATUS_INVALID_HYPERCALL_INPUT || status == PVN_STATUS_ACCESS_DENIED,
		       "%s: %s", row->name, status_name(status));
	}
	expect_status("post_message", hypercall(PVN_CALL_post_message | PVN_CONTROL_FAST, 0, 0),
		      INVALID_HYPERCALL_INPUT);
}

CASE(blocks_must_be_aligned)
{
	for (unsigned int by = 1; by < 8; by++)
		expect_status("a misaligned block",
			      hypercall(PVN_CALL_post_message, (uint64_t)call_in + by, 0),
			      INVALID_ALIGNMENT);
}

CASE(blocks_must_not_cross_pages)
{
	uint64_t end = (uint64_t)call_in + sizeof(call_in);

	expect_status("8 bytes too far", hypercall(PVN_CALL_post_message, end - 248, 0),
		      INVALID_ALIGNMENT);
	memset(call_in, 0, sizeof(call_in));
	/* Just fits: the block is looked at, and has message type 0. */
	expect_status("at the end of a page", hypercall(PVN_CALL_post_message, end - 256, 0),
		      INVALID_PARAMETER);
}

CASE(lists_must_not_cross_pages)
{
	expect_status("4095 elements", hypercall_memory(READ_REGISTERS(4095, 0)), INVALID_ALIGNMENT);
	/* 256 outputs of 16 bytes fit a page, and 257 do not. */
	expect_status("257 elements", hypercall_memory(READ_REGISTERS(257, 0)), INVALID_ALIGNMENT);
}

CASE(blocks_must_be_in_the_space)
{
	static const uint64_t places[] = {
		GPA_END, 1ull << 52, 1ull << 63, ~7ull, ~0xfffull,
	};

	for (unsigned int i = 0; i < ARRAY_COUNT(places); i++)
		expect_status("a block outside of the space",
			      hypercall(PVN_CALL_post_message, places[i], 0), INVALID_ALIGNMENT);
}

CASE(blocks_must_be_memory)
{
	expect_status("input where nothing is", hypercall(PVN_CALL_post_message, UNMAPPED_GPA, 0),
		      INVALID_HYPERCALL_INPUT);
	expect_status("output where nothing is",
		      hypercall(READ_REGISTERS(1, 0), (uint64_t)call_in, UNMAPPED_GPA),
		      INVALID_HYPERCALL_INPUT);
	expect_status("output into the hypercall page",
		      hypercall(READ_REGISTERS(1, 0), (uint64_t)call_in, (uint64_t)hypercall_page),
		      INVALID_HYPERCALL_INPUT);
}

CASE(blocks_must_not_overlap)
{
	expect_status("output over input",
		      hypercall(READ_REGISTERS(4, 0), (uint64_t)call_in, (uint64_t)call_in + 16),
		      INVALID_ALIGNMENT);
}

CASE(unused_blocks_are_ignored)
{
	memset(call_in, 0, sizeof(call_in));
	expect_status("output of a call without one",
		      hypercall(PVN_CALL_notify_long_spin_wait, (uint64_t)call_in, ~0ull), SUCCESS);
}

/* Names of `count` registers, all the same but one. */
static void ask_registers(unsigned int count, uint32_t name)
{
	struct pvn_get_vp_registers_in in = { .partition_id = SELF };
	uint32_t *names = (uint32_t *)(call_in + sizeof(in));

	memcpy(call_in, &in, sizeof(in));
	for (unsigned int i = 0; i < count; i++)
		names[i] = name;
	memset(call_out, 0xee, sizeof(call_out));
}

static uint64_t answer(unsigned int i)
{
	uint64_t low;

	memcpy(&low, call_out + i * sizeof(struct pvn_get_vp_registers_oelem), sizeof(low));
	return low;
}

CASE(lists_are_done_to_the_end)
{
	uint64_t result;

	ask_registers(256, PVN_REG_GUEST_OS_ID);
	result = hypercall_memory(READ_REGISTERS(256, 0));
	expect_status("256 registers", result, SUCCESS);
	expect_equal("elements done", pvn_result_reps(result), 256);
	expect_equal("first answer", answer(0), GUEST_OS_ID);
	expect_equal("last answer", answer(255), GUEST_OS_ID);
}

CASE(lists_begin_where_they_are_told)
{
	uint64_t result;

	ask_registers(10, PVN_REG_GUEST_OS_ID);
	result = hypercall_memory(READ_REGISTERS(10, 7));
	expect_status("elements 7 to 9", result, SUCCESS);
	expect_equal("elements done", pvn_result_reps(result), 10);
	expect_equal("answer 6", answer(6), 0xeeeeeeeeeeeeeeeeull);
	expect_equal("answer 7", answer(7), GUEST_OS_ID);
}

CASE(lists_tell_the_bad_element)
{
	uint64_t result;
	uint32_t wrong = 0xdeadbeef;

	ask_registers(64, PVN_REG_GUEST_OS_ID);
	memcpy(call_in + sizeof(struct pvn_get_vp_registers_in) + 40 * sizeof(wrong), &wrong,
	       sizeof(wrong));
	result = hypercall_memory(READ_REGISTERS(64, 0));
	expect_status("an unknown name", result, INVALID_PARAMETER);
	expect_equal("elements done", pvn_result_reps(result), 40);
	expect_equal("answer 39", answer(39), GUEST_OS_ID);
}

CASE(fields_that_must_be_zero_are_checked)
{
	const struct pvn_signal_event_in in = { .connection_id = STORE_CHANNEL, .mbz = 1 };

	expect_status("signal_event", call_signal_event(&in, NULL), INVALID_PARAMETER);
}

CASE(result_words_have_no_stray_bits)
{
	expect_equal("a refused code", hypercall(0xffff, 0, 0), PVN_STATUS_INVALID_HYPERCALL_CODE);
	expect_equal("a call that works",
		     hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 0, 0), 0);
}

CASE(lists_survive_interrupts)
{
	ask_registers(256, PVN_REG_GUEST_OS_ID);
	wrmsr(PVN_MSR_STIMER0_COUNT, 1);
	wrmsr(PVN_MSR_STIMER0_CONFIG, PVN_STIMER_ENABLE | PVN_STIMER_PERIODIC | PVN_STIMER_DIRECT |
	      0x50ull << PVN_STIMER_VECTOR_SHIFT);
	interrupts_on();
	for (unsigned int i = 0; i < 200; i++) {
		uint64_t result;

		memset(call_out + 255 * sizeof(struct pvn_get_vp_registers_oelem), 0, 16);
		result = hypercall_memory(READ_REGISTERS(256, 0));
		expect_equal("result word", result, 256ull << PVN_RESULT_REPS_SHIFT);
		expect_equal("last answer", answer(255), GUEST_OS_ID);
	}
	interrupts_off();
	expect(interrupts_taken(0, 0x50), "no timer interrupt came meanwhile");
}
