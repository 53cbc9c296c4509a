// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The real dispatcher against the table: every row is called in every wrong way that
 * the calling convention knows, and every code without a row is called at all.
 */
#include "fake_machine.h"

#include <stdlib.h>

#include <pvn/abi/expand.h>

#include "errors.h"

#define CHILD_MEMORY 0x2800ull	/* page of the root where the child's memory begins */

static uint64_t child_id;
static struct vp *child_vp;

/* A child without a single privilege, with 2 MiB of memory at 0. */
static void make_unprivileged(void)
{
	child_id = make_child(1);
	partition_of(child_id)->privileges = 0;
	child_vp = partition_of(child_id)->vps[0];
	assert_int_equal(map_pages(child_id, 0, CHILD_MEMORY, 1, GPA_ALL | PVN_MAP_LARGE),
			 PVN_STATUS_SUCCESS);
}

static uint64_t control_of(const struct pvn_call_info *row)
{
	return pvn_control_rep((pvn_u16)row->code, row->rep ? 1 : 0, 0);
}

static unsigned int from_root(uint64_t control, uint64_t in, uint64_t out)
{
	return pvn_result_status(fake_hypercall(machine.root_vp, control, in, out));
}

static unsigned int in_bytes(const struct pvn_call_info *row)
{
	return row->bytes[PVN_BLOCK_IN] + row->bytes[PVN_BLOCK_ELEM];
}

static unsigned int out_bytes(const struct pvn_call_info *row)
{
	return row->bytes[PVN_BLOCK_OUT] + row->bytes[PVN_BLOCK_OELEM];
}

/* Bad calls name no partition: in the root's input page everything is 0. */
static void expect_input_error(const struct pvn_call_info *row, uint64_t control)
{
	unsigned int status = from_root(control, FAKE_IN, FAKE_OUT);

	if (status != PVN_STATUS_INVALID_HYPERCALL_INPUT)
		fail_msg("%s with control word %#llx: status %#x", row->name,
			 (unsigned long long)control, status);
}

static void every_row_says_what_it_returns(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++)
		if (!row_errors_of(pvn_calls[i].code))
			fail_msg("%s is not in tests/abi/errors.def", pvn_calls[i].name);
	assert_int_equal(sizeof(row_errors) / sizeof(row_errors[0]), PVN_CALL_COUNT);
}

static void every_code_without_a_row_is_refused(void **state)
{
	unsigned int refused = 0;

	(void)state;
	for (unsigned int code = 0; code <= 0xffff; code++) {
		unsigned int status;
		size_t row = 0;

		while (row < PVN_CALL_COUNT && pvn_calls[row].code != code)
			row++;
		if (row < PVN_CALL_COUNT)
			continue;
		status = from_root(code, FAKE_IN, FAKE_OUT);
		assert_int_equal(status, PVN_STATUS_INVALID_HYPERCALL_CODE);
		refused++;
	}
	assert_int_equal(refused, 0x10000 - PVN_CALL_COUNT);
}

static void every_row_that_needs_a_privilege_is_refused_without_it(void **state)
{
	(void)state;
	make_unprivileged();
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];

		if (row->privilege >= PVN_PRIVILEGE_NONE)
			continue;
		/* Even when everything else is wrong as well. */
		assert_int_equal(fake_hypercall(child_vp, control_of(row), 0, 0x800),
				 PVN_STATUS_ACCESS_DENIED);
		assert_int_equal(fake_hypercall(child_vp, row->code | 1ull << 63, 3, 5),
				 PVN_STATUS_ACCESS_DENIED);
	}
}

static void rows_for_parents_tell_others_nothing(void **state)
{
	uint64_t ids[3];

	(void)state;
	make_unprivileged();
	ids[0] = root_partition->id;
	ids[1] = 999999;
	ids[2] = child_id + 1;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];

		if (row->privilege != PVN_PRIVILEGE_PARENT)
			continue;
		for (unsigned int j = 0; j < 3; j++) {
			*(uint64_t *)root_memory(CHILD_MEMORY << PAGE_SHIFT) = ids[j];
			assert_int_equal(pvn_result_status(fake_hypercall(child_vp, control_of(row), 0,
									  0x800)),
					 PVN_STATUS_ACCESS_DENIED);
		}
	}
}

static void repeat_fields_must_fit_the_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];
		pvn_u16 code = (pvn_u16)row->code;

		if (row->rep) {
			expect_input_error(row, pvn_control_rep(code, 0, 0));
			expect_input_error(row, pvn_control_rep(code, 1, 1));
			expect_input_error(row, pvn_control_rep(code, 1, 4095));
			expect_input_error(row, pvn_control_rep(code, 0, 1));
		} else {
			expect_input_error(row, pvn_control_rep(code, 1, 0));
			expect_input_error(row, pvn_control_rep(code, 0, 1));
			expect_input_error(row, pvn_control_rep(code, 4095, 7));
		}
	}
}

static void reserved_bits_of_the_control_word_must_be_0(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++)
		for (unsigned int bit = 0; bit < 64; bit++)
			if ((PVN_CONTROL_RESERVED | PVN_CONTROL_VARHEAD_MASK) >> bit & 1)
				expect_input_error(&pvn_calls[i], control_of(&pvn_calls[i]) | 1ull << bit);
}

static void variable_headers_are_for_their_rows_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];
		uint64_t one = control_of(row) | 1ull << PVN_CONTROL_VARHEAD_SHIFT;

		expect_input_error(row, one);
		expect_input_error(row, control_of(row) | 65ull << PVN_CONTROL_VARHEAD_SHIFT);
		if (!row->var)
			continue;
		/* A set with bank 0, and the bank. */
		memset(root_memory(FAKE_IN), 0, PAGE_SIZE);
		*((uint64_t *)root_memory(FAKE_IN) + row->bytes[PVN_BLOCK_IN] / 8 - 1) = 1;
		assert_int_not_equal(from_root(one, FAKE_IN, 0), PVN_STATUS_INVALID_HYPERCALL_INPUT);
		assert_int_equal(from_root(one, FAKE_IN + PAGE_SIZE - row->bytes[PVN_BLOCK_IN], 0),
				 PVN_STATUS_INVALID_ALIGNMENT);
		memset(root_memory(FAKE_IN), 0, PAGE_SIZE);
	}
}

static void blocks_must_be_aligned_within_a_page_and_the_space(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];
		uint64_t control = control_of(row);

		if (in_bytes(row)) {
			for (unsigned int shift = 1; shift < 8; shift++)
				assert_int_equal(from_root(control, FAKE_IN + shift, FAKE_OUT),
						 PVN_STATUS_INVALID_ALIGNMENT);
			assert_int_equal(from_root(control, 1ull << 52, FAKE_OUT),
					 PVN_STATUS_INVALID_ALIGNMENT);
			assert_int_equal(from_root(control, ~7ull, FAKE_OUT),
					 PVN_STATUS_INVALID_ALIGNMENT);
			assert_int_equal(from_root(control, FAKE_HYPERVISOR, FAKE_OUT),
					 PVN_STATUS_INVALID_HYPERCALL_INPUT);
		}
		if (in_bytes(row) > 8)
			assert_int_equal(from_root(control, FAKE_IN + PAGE_SIZE - 8, FAKE_OUT),
					 PVN_STATUS_INVALID_ALIGNMENT);
		if (out_bytes(row)) {
			assert_int_equal(from_root(control, FAKE_IN, FAKE_OUT + 4),
					 PVN_STATUS_INVALID_ALIGNMENT);
			assert_int_equal(from_root(control, FAKE_IN, 1ull << 52),
					 PVN_STATUS_INVALID_ALIGNMENT);
			assert_int_equal(from_root(control, FAKE_IN, FAKE_HYPERVISOR),
					 PVN_STATUS_INVALID_HYPERCALL_INPUT);
		}
		if (out_bytes(row) > 8)
			assert_int_equal(from_root(control, FAKE_IN, FAKE_OUT + PAGE_SIZE - 8),
					 PVN_STATUS_INVALID_ALIGNMENT);
		if (in_bytes(row) && out_bytes(row))
			assert_int_equal(from_root(control, FAKE_IN, FAKE_IN),
					 PVN_STATUS_INVALID_ALIGNMENT);
	}
}

static void a_list_that_does_not_fit_its_page_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];

		if (row->bytes[PVN_BLOCK_ELEM] || row->bytes[PVN_BLOCK_OELEM])
			assert_int_equal(from_root(pvn_control_rep((pvn_u16)row->code, 4095, 0), FAKE_IN,
						   FAKE_OUT), PVN_STATUS_INVALID_ALIGNMENT);
	}
}

static void the_fast_form_is_for_fast_rows_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];
		uint64_t control = control_of(row) | PVN_CONTROL_FAST;

		if (!row->fast)
			expect_input_error(row, control);
		else if (row->rep)	/* too long for the registers */
			expect_input_error(row, control | pvn_control_rep(0, 64, 0));
		else
			assert_int_not_equal(from_root(control, 0, 0), PVN_STATUS_INVALID_HYPERCALL_INPUT);
	}
}

static void fields_that_must_be_0_must_be_0(void **state)
{
	unsigned int fields = 0;

	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];
		unsigned int offset = 0;

		for (const struct pvn_field *f = row->fields[PVN_BLOCK_IN]; f->type; f++) {
			uint8_t *byte = (uint8_t *)root_memory(FAKE_IN) + offset + f->bytes - 1;

			offset += f->bytes * f->count;
			if (strncmp(f->name, "mbz", 3))
				continue;
			fields++;
			*byte = 0x80;
			assert_int_equal(from_root(control_of(row), FAKE_IN, FAKE_OUT),
					 PVN_STATUS_INVALID_PARAMETER);
			*byte = 0;
		}
	}
	assert_true(fields > 0);
}

static void statuses_are_those_of_the_table(unsigned int status)
{
	for (size_t i = 0; i < PVN_STATUS_COUNT; i++)
		if (pvn_statuses[i].number == status)
			return;
	fail_msg("status %#x is in no table", status);
}

/* A guest that calls everything with random registers is refused or ignored. */
static void random_calls_of_a_child_harm_nobody(void **state)
{
	struct pvn_get_census_out before, after;

	(void)state;
	make_unprivileged();
	partition_of(child_id)->privileges = ~0ull;
	srand(1);
	partition_census(&before);
	for (unsigned int i = 0; i < 20000; i++) {
		const struct pvn_call_info *row = &pvn_calls[(unsigned int)rand() % PVN_CALL_COUNT];
		uint64_t *block = root_memory(CHILD_MEMORY << PAGE_SHIFT), control = control_of(row);

		for (unsigned int j = 0; j < 32; j++)
			block[j] = rand() % 3 ? rand() % 8u : (uint64_t)rand() << 33 | (uint64_t)rand();
		if (!(rand() % 2))
			block[0] = child_id;
		if (row->rep)
			control = pvn_control_rep((pvn_u16)row->code, 1 + (unsigned int)rand() % 20, 0);
		if (!(rand() % 4))
			control |= PVN_CONTROL_FAST;
		/* Its own ports and partitions are its own affair: it has no memory for them. */
		statuses_are_those_of_the_table(pvn_result_status(fake_hypercall(child_vp, control,
										 rand() % 2 ? 0 : block[1],
										 0x1000)));
	}
	partition_census(&after);
	assert_int_equal(before.partitions, after.partitions);
	assert_int_equal(before.pages_total, after.pages_total);
	assert_int_equal(before.gpa_pages, after.gpa_pages);
	assert_int_equal(machine.cpu[0].locks_held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(every_row_says_what_it_returns),
		ON_FAKE_MACHINE(every_code_without_a_row_is_refused),
		ON_FAKE_MACHINE(every_row_that_needs_a_privilege_is_refused_without_it),
		ON_FAKE_MACHINE(rows_for_parents_tell_others_nothing),
		ON_FAKE_MACHINE(repeat_fields_must_fit_the_shape),
		ON_FAKE_MACHINE(reserved_bits_of_the_control_word_must_be_0),
		ON_FAKE_MACHINE(variable_headers_are_for_their_rows_only),
		ON_FAKE_MACHINE(blocks_must_be_aligned_within_a_page_and_the_space),
		ON_FAKE_MACHINE(a_list_that_does_not_fit_its_page_is_refused),
		ON_FAKE_MACHINE(the_fast_form_is_for_fast_rows_only),
		ON_FAKE_MACHINE(fields_that_must_be_0_must_be_0),
		ON_FAKE_MACHINE(random_calls_of_a_child_harm_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
