// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Layouts and numbers that the TLFS prints, said once more by hand: what the tables
 * say is compared with what guests that know nothing of our tables expect.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <pvn/abi/cpuid.h>
#include <pvn/abi/event.h>
#include <pvn/abi/expand.h>
#include <pvn/abi/msr.h>

/* [TLFS 2.0 4.9 "Control Word"], as stock Linux encodes it. */
_Static_assert(PVN_CONTROL_FAST == 1ull << 16, "fast bit");
_Static_assert(PVN_CONTROL_REP_COUNT_SHIFT == 32, "rep count");
_Static_assert(PVN_CONTROL_REP_START_SHIFT == 48, "rep start");
_Static_assert(PVN_RESULT_REPS_SHIFT == 32, "reps completed");

_Static_assert(sizeof(struct pvn_signal_event_in) == 8, "signal_event");
_Static_assert(sizeof(struct pvn_post_message_in) == 256, "post_message");
_Static_assert(offsetof(struct pvn_post_message_in, payload) == 16, "post_message");
_Static_assert(sizeof(struct pvn_create_port_in) == 48, "create_port");
_Static_assert(offsetof(struct pvn_create_port_in, target_sint) == 32, "create_port");
_Static_assert(offsetof(struct pvn_create_port_in, base_flag) == 40, "create_port");
_Static_assert(sizeof(struct pvn_connect_port_in) == 48, "connect_port");
_Static_assert(sizeof(struct pvn_map_gpa_pages_in) == 24, "map_gpa_pages");
_Static_assert(sizeof(struct pvn_map_sparse_gpa_pages_in) == 16, "map_sparse_gpa_pages");
_Static_assert(sizeof(struct pvn_map_sparse_gpa_pages_elem) == 16, "map_sparse_gpa_pages");
_Static_assert(sizeof(struct pvn_get_vp_registers_in) == 16, "get_vp_registers");
_Static_assert(sizeof(struct pvn_get_vp_registers_elem) == 4, "get_vp_registers");
_Static_assert(sizeof(struct pvn_get_vp_registers_oelem) == 16, "get_vp_registers");
_Static_assert(sizeof(struct pvn_set_vp_registers_elem) == 32, "set_vp_registers");
_Static_assert(offsetof(struct pvn_set_vp_registers_elem, low) == 16, "set_vp_registers");
_Static_assert(sizeof(struct pvn_create_vp_in) == 32, "create_vp");
_Static_assert(sizeof(struct pvn_install_intercept_in) == 24, "install_intercept");
_Static_assert(sizeof(struct pvn_map_stats_page_in) == 32, "map_stats_page");
_Static_assert(offsetof(struct pvn_map_stats_page_in, target_page) == 24, "map_stats_page");
_Static_assert(sizeof(struct pvn_unmap_stats_page_in) == 24, "unmap_stats_page");
/* [TLFS 2.0 App. J "Statistics"] */
_Static_assert(PVN_STAT_processor_halts == 10 && PVN_STAT_vp_hypervisor_time == 2, "counters");
_Static_assert(offsetof(struct pvn_message, payload) == 16, "message");
_Static_assert(offsetof(struct pvn_intercept_header, rip) == 24, "intercept header");
_Static_assert(offsetof(struct pvn_memory_intercept, gva) == 48, "memory intercept");
_Static_assert(offsetof(struct pvn_io_intercept, rax) == 48, "I/O intercept");
_Static_assert(offsetof(struct pvn_io_intercept, ds) == 72, "I/O intercept");
_Static_assert(offsetof(struct pvn_io_intercept, rcx) == 104, "I/O intercept");
_Static_assert(offsetof(struct pvn_msr_intercept, rdx) == 48, "MSR intercept");
_Static_assert(offsetof(struct pvn_cpuid_intercept, default_rax) == 72, "CPUID intercept");
_Static_assert(sizeof(struct pvn_io_intercept) <= PVN_MESSAGE_PAYLOAD_MAX, "fits a message");
_Static_assert(sizeof(struct pvn_memory_intercept) <= PVN_MESSAGE_PAYLOAD_MAX, "fits a message");

static void codes_are_those_of_the_specification(void **state)
{
	static const struct { const char *name; unsigned int code; } expected[] = {
		{ "notify_long_spin_wait", 0x8 }, { "send_synthetic_cluster_ipi", 0xb },
		{ "create_partition", 0x40 }, { "deposit_memory", 0x48 }, { "map_gpa_pages", 0x4b },
		{ "create_vp", 0x4e }, { "get_vp_registers", 0x50 }, { "create_port", 0x57 },
		{ "flush_virtual_address_space", 0x02 }, { "flush_virtual_address_list", 0x03 },
		{ "flush_virtual_address_space_ex", 0x13 }, { "flush_virtual_address_list_ex", 0x14 },
		{ "send_synthetic_cluster_ipi_ex", 0x15 }, { "translate_virtual_address", 0x52 },
		{ "read_gpa", 0x53 }, { "write_gpa", 0x54 }, { "post_message", 0x5c },
		{ "map_stats_page", 0x6c }, { "unmap_stats_page", 0x6d },
		{ "get_logical_processor_run_time", 0x4 }, { "park_logical_processors", 0x9 },
		{ "invoke_hypervisor_debugger", 0xa },
		{ "signal_event", 0x5d }, { "map_sparse_gpa_pages", 0x6e },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		size_t row = 0;

		while (row < PVN_CALL_COUNT && strcmp(pvn_calls[row].name, expected[i].name))
			row++;
		assert_true(row < PVN_CALL_COUNT);
		assert_int_equal(pvn_calls[row].code, expected[i].code);
	}
}

static void no_code_and_no_status_is_used_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(pvn_calls[i].code, pvn_calls[j].code);
	for (size_t i = 0; i < PVN_STATUS_COUNT; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(pvn_statuses[i].number, pvn_statuses[j].number);
}

/* [TLFS 2.0 App. B]: reserved there, calls in version 1; without a row they are refused. */
static void deprecated_codes_have_no_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++)
		assert_false(pvn_calls[i].code >= 0x5 && pvn_calls[i].code <= 0x7);
}

static void fields_are_naturally_aligned_and_fill_their_block(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		for (unsigned int b = 0; b < PVN_BLOCKS; b++) {
			unsigned int offset = 0;

			for (const struct pvn_field *f = pvn_calls[i].fields[b]; f->type; f++) {
				assert_int_equal(offset % f->bytes, 0);
				offset += f->bytes * f->count;
			}
			assert_int_equal(offset, pvn_calls[i].bytes[b]);
		}
	}
}

static void fast_rows_fit_the_registers(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const unsigned int *bytes = pvn_calls[i].bytes;

		/* With one element, and the output behind the input. */
		if (pvn_calls[i].fast)
			assert_in_range(((bytes[PVN_BLOCK_IN] + bytes[PVN_BLOCK_ELEM] + 15) & ~15u) +
					bytes[PVN_BLOCK_OUT] + bytes[PVN_BLOCK_OELEM], 1, PVN_FAST_BYTES);
	}
}

static void only_rep_rows_have_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		if (pvn_calls[i].rep)
			continue;
		assert_int_equal(pvn_calls[i].bytes[PVN_BLOCK_ELEM], 0);
		assert_int_equal(pvn_calls[i].bytes[PVN_BLOCK_OELEM], 0);
	}
}

static void the_signature_spells_our_name(void **state)
{
	uint32_t words[2] = { PVN_SIGNATURE_EBX, PVN_SIGNATURE_ECX };

	(void)state;
	assert_memory_equal(words, "Paravane", 8);
	assert_int_equal(PVN_MSR_GUEST_OS_ID, 0x40000000);
	assert_int_equal(PVN_MSR_SINT0 + PVN_SINT_COUNT, 0x400000a0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_the_specification),
		cmocka_unit_test(no_code_and_no_status_is_used_twice),
		cmocka_unit_test(deprecated_codes_have_no_row),
		cmocka_unit_test(fields_are_naturally_aligned_and_fill_their_block),
		cmocka_unit_test(fast_rows_fit_the_registers),
		cmocka_unit_test(only_rep_rows_have_lists),
		cmocka_unit_test(the_signature_spells_our_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
