// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Every row of the table from a child that may hardly do anything: expanded from the
 * table, so that a new row is refused until somebody says otherwise.
 */
#include <pvn/abi/cpuid.h>

#include "testguest.h"

#define ROOT_ID 1ull

static bool may(unsigned int privilege)
{
	uint32_t out[4];

	cpuid(PVN_CPUID_FEATURES, 0, out);
	return ((uint64_t)out[1] << 32 | out[0]) >> privilege & 1;
}

/* The blocks are full of zeros but for the partition, which comes first in every row. */
static uint64_t call_about(const struct call_row *row, uint64_t partition)
{
	uint8_t in[512] = { 0 };

	memcpy(in, &partition, sizeof(partition));
	return call_row_with(row, in, NULL);
}

CASE(calls_without_privilege_are_refused)
{
	unsigned int refused = 0;

	for (unsigned int i = 0; i < call_row_count; i++) {
		const struct call_row *row = &call_rows[i];

		if (row->privilege >= PVN_PRIVILEGE_NONE || may(row->privilege))
			continue;
		expect_status(row->name, call_about(row, 0), ACCESS_DENIED);
		refused++;
	}
	expect(refused > 5, "only %u rows need a privilege that a child lacks", refused);
}

CASE(calls_of_parents_are_refused)
{
	for (unsigned int i = 0; i < call_row_count; i++) {
		const struct call_row *row = &call_rows[i];

		if (row->privilege != PVN_PRIVILEGE_PARENT)
			continue;
		expect_status(row->name, call_about(row, ROOT_ID), ACCESS_DENIED);
		/* No difference between what exists and what does not. */
		expect_status(row->name, call_about(row, 0x123456789ull), ACCESS_DENIED);
	}
}

CASE(calls_about_oneself_are_refused)
{
	uint32_t own[4];

	cpuid(PVN_CPUID_OWN_FIRST + 1, 0, own);
	for (unsigned int i = 0; i < call_row_count; i++) {
		const struct call_row *row = &call_rows[i];

		/* The one that the table allows. */
		if (row->privilege != PVN_PRIVILEGE_PARENT || row->code == PVN_CALL_get_vp_registers)
			continue;
		expect_status(row->name, call_about(row, own[2]), ACCESS_DENIED);
		expect_status(row->name, call_about(row, ~0ull), ACCESS_DENIED);
	}
}

CASE(refused_calls_write_nothing)
{
	memset(call_in, 0, sizeof(call_in));
	for (unsigned int i = 0; i < call_row_count; i++) {
		const struct call_row *row = &call_rows[i];

		if (row->privilege == PVN_PRIVILEGE_NONE || may(row->privilege))
			continue;
		memset(call_out, 0xee, sizeof(call_out));
		hypercall_memory(pvn_control_rep(row->code, row->rep, 0));
		for (unsigned int at = 0; at < 64; at++)
			expect(call_out[at] == 0xee, "%s writes its output", row->name);
	}
}

struct own_registers {
	struct pvn_get_vp_registers_in in;
	struct pvn_get_vp_registers_elem elem;
};

static uint64_t read_own(uint32_t vp, uint32_t name, uint64_t *low)
{
	const struct own_registers in = {
		.in = { .partition_id = ~0ull, .vp_index = vp }, .elem.name = name,
	};
	struct pvn_get_vp_registers_oelem answer;
	uint64_t result = call_row_with(call_find(PVN_CALL_get_vp_registers), &in, &answer);

	*low = answer.low;
	return result;
}

CASE(own_registers_can_be_read)
{
	uint64_t value;

	expect_status("GUEST_OS_ID", read_own(0, PVN_REG_GUEST_OS_ID, &value), SUCCESS);
	expect_equal("GUEST_OS_ID", value, GUEST_OS_ID);
	expect_status("CR3", read_own(0, PVN_REG_CR3, &value), SUCCESS);
	expect_equal("CR3", value, read_cr3());
	expect_status("a VP that does not exist", read_own(63, PVN_REG_CR3, &value),
		      INVALID_VP_INDEX);
	expect_status("a VP beyond all", read_own(~0u, PVN_REG_CR3, &value), INVALID_VP_INDEX);
	expect_status("a register that does not exist", read_own(0, 0x12345, &value),
		      INVALID_PARAMETER);
}

CASE(giving_up_time_succeeds)
{
	const struct pvn_notify_long_spin_wait_in in = { .spin_count = 1000 };

	expect_status("notify_long_spin_wait", call_notify_long_spin_wait(&in, NULL), SUCCESS);
}
