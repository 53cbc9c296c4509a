// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls whose parameters are in registers, also in XMM0 to XMM5
 * [TLFS 6.0b 3.7.1 "XMM Fast Hypercall Input"].
 */
#include <pvn/abi/cpuid.h>

#include "testguest.h"

#define SELF   (~0ull)
#define MARK   0xeeeeeeeeeeeeeeeeull
#define READ_REGISTERS(count, start) \
	(pvn_control_rep(PVN_CALL_get_vp_registers, count, start) | PVN_CONTROL_FAST)
#define FLUSH_LIST(count) \
	(pvn_control_rep(PVN_CALL_flush_virtual_address_list, count, 0) | PVN_CONTROL_FAST)

CASE(vector_registers_are_announced)
{
	uint32_t out[4];

	cpuid(PVN_CPUID_FEATURES, 0, out);
	expect(out[3] & PVN_FEATURE_XMM_INPUT, "no XMM input: 0x%x", out[3]);
	expect(out[3] & PVN_FEATURE_XMM_OUTPUT, "no XMM output: 0x%x", out[3]);
}

static struct fast_block ask(unsigned int count, uint32_t name)
{
	struct fast_block block;

	for (unsigned int i = 0; i < ARRAY_COUNT(block.word); i++)
		block.word[i] = MARK;
	block.word[0] = SELF;
	block.word[1] = 0;
	for (unsigned int i = 0; i < count; i++)
		memcpy((char *)&block.word[2] + i * sizeof(name), &name, sizeof(name));
	return block;
}

CASE(input_and_output_in_vector_registers)
{
	struct fast_block block = ask(3, PVN_REG_GUEST_OS_ID), before = block;
	uint64_t result = hypercall_fast(READ_REGISTERS(3, 0), &block);

	expect_equal("result word", result, 3ull << PVN_RESULT_REPS_SHIFT);
	for (unsigned int i = 0; i < 3; i++) {
		expect_equal("a register's low half", block.word[4 + 2 * i], GUEST_OS_ID);
		expect_equal("a register's high half", block.word[5 + 2 * i], 0);
	}
	expect(!memcmp(block.word, before.word, 4 * sizeof(uint64_t)), "the input has changed");
	expect_equal("behind the output", block.word[10], MARK);
}

CASE(lists_in_vector_registers_begin_where_they_are_told)
{
	struct fast_block block = ask(4, PVN_REG_GUEST_OS_ID);

	expect_equal("result word", hypercall_fast(READ_REGISTERS(4, 3), &block),
		     4ull << PVN_RESULT_REPS_SHIFT);
	expect_equal("element 2", block.word[8], MARK);
	expect_equal("element 3", block.word[10], GUEST_OS_ID);
}

CASE(what_does_not_fit_registers_is_refused)
{
	struct fast_block block = ask(8, PVN_REG_GUEST_OS_ID), before = block;

	/* 16 + 4 n bytes, rounded up to 16, and 16 n of output: 4 elements fit, 5 do not. */
	expect_status("4 registers", hypercall_fast(READ_REGISTERS(4, 0), &block), SUCCESS);
	block = before;
	expect_status("5 registers", hypercall_fast(READ_REGISTERS(5, 0), &block),
		      INVALID_HYPERCALL_INPUT);
	expect(!memcmp(&block, &before, sizeof(block)), "a refused call writes output");
	block.word[1] = PVN_FLUSH_ALL_PROCESSORS | PVN_FLUSH_ALL_SPACES;
	expect_status("a list of 11", hypercall_fast(FLUSH_LIST(11), &block), SUCCESS);
	expect_status("a list of 12", hypercall_fast(FLUSH_LIST(12), &block), INVALID_HYPERCALL_INPUT);
}

CASE(failed_calls_return_no_output)
{
	struct fast_block block = ask(1, 0x12345), before = block;

	expect_status("an unknown register", hypercall_fast(READ_REGISTERS(1, 0), &block),
		      INVALID_PARAMETER);
	expect(!memcmp(&block, &before, sizeof(block)), "it does");
}

CASE(variable_headers_are_checked)
{
	const struct pvn_send_synthetic_cluster_ipi_ex_in in = { .vector = 0x66, .vp_set_banks = 1 };
	uint64_t call = PVN_CALL_send_synthetic_cluster_ipi_ex, one = 1ull << PVN_CONTROL_VARHEAD_SHIFT;
	uint64_t end = (uint64_t)call_in + sizeof(call_in);

	memset(call_in, 0, sizeof(call_in));
	memcpy(call_in, &in, sizeof(in));
	expect_status("one bank", hypercall_memory(call | one), SUCCESS);
	expect_status("no bank", hypercall_memory(call), INVALID_HYPERCALL_INPUT);
	expect_status("two banks for one", hypercall_memory(call | 2 * one), INVALID_HYPERCALL_INPUT);
	expect_status("65 banks", hypercall_memory(call | 65 * one), INVALID_HYPERCALL_INPUT);
	memcpy((void *)(end - sizeof(in)), &in, sizeof(in));
	expect_status("banks across the page", hypercall(call | one, end - sizeof(in), 0),
		      INVALID_ALIGNMENT);
	expect_status("a call that has none",
		      hypercall(PVN_CALL_send_synthetic_cluster_ipi | PVN_CONTROL_FAST | one, 0x66, 0),
		      INVALID_HYPERCALL_INPUT);
}
