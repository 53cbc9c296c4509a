// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A parent and its child's memory: mappings of every size, what is told when the child
 * goes where nothing is, and the child's memory seen from outside.
 */
#include "parent.h"

#define NOBODY		0x123456789ull
#define GPA_PAGES	(1ull << 36)
#define RWX		7u
#define HUGE_SOURCE	0x40000ull	/* page of the root at 1 GiB */
#define HUGE_TARGET	0x80000ull	/* and of the child at 2 GiB */

static uint64_t read_gpa(uint64_t id, uint64_t gpa, uint32_t bytes, struct pvn_read_gpa_out *out)
{
	const struct pvn_read_gpa_in in = { .partition_id = id, .gpa = gpa, .byte_count = bytes };

	return call_read_gpa(&in, out);
}

static uint64_t write_gpa(uint64_t id, uint64_t gpa, uint32_t bytes, uint64_t low,
			  struct pvn_write_gpa_out *out)
{
	const struct pvn_write_gpa_in in = { .partition_id = id, .gpa = gpa, .byte_count = bytes,
					     .low = low };

	return call_write_gpa(&in, out);
}

static void expect_word(uint64_t id, uint64_t gpa, uint64_t wanted)
{
	struct pvn_read_gpa_out out;

	expect_status("read_gpa", read_gpa(id, gpa, 8, &out), SUCCESS);
	expect_equal("its result", out.result, PVN_ACCESS_RESULT_OK);
	expect_equal("the child's memory", out.low, wanted);
}

static void expect_nothing(uint64_t id, uint64_t gpa)
{
	struct pvn_read_gpa_out out;

	expect_status("read_gpa", read_gpa(id, gpa, 8, &out), SUCCESS);
	expect_equal("its result", out.result, PVN_ACCESS_RESULT_UNMAPPED);
}

static uint64_t unmap(uint64_t id, uint64_t target, unsigned int count, uint32_t flags)
{
	const struct pvn_unmap_gpa_pages_in in = { .partition_id = id, .target_page = target,
						   .unmap_flags = flags };

	return rep_call(PVN_CALL_unmap_gpa_pages, count, &in, sizeof(in), NULL, 0);
}

CASE(pages_are_mapped_and_unmapped)
{
	struct pvn_map_sparse_gpa_pages_in in = { .map_flags = RWX };
	const struct pvn_map_sparse_gpa_pages_elem list[2] = {
		{ .target_page = 0x5000, .source_page = MEMORY_PAGE + 1 },
		{ .target_page = 0x40000000, .source_page = MEMORY_PAGE },
	};
	uint64_t id = create_whole(1);

	*(uint64_t *)child_at(0) = 0x1111;
	*(uint64_t *)child_at(0x1000) = 0x2222;
	expect_word(id, 0, 0x1111);
	expect_word(id, 0x1000, 0x2222);
	in.partition_id = id;
	expect_status("sparse pages", rep_call(PVN_CALL_map_sparse_gpa_pages, 2, &in, sizeof(in), list,
					       sizeof(list)), SUCCESS);
	expect_word(id, 0x5000000, 0x2222);
	expect_word(id, 0x40000000000, 0x1111);
	expect_status("a new mapping over an old", map_run(id, 0, MEMORY_PAGE + 1, 1, RWX), SUCCESS);
	expect_word(id, 0, 0x2222);
	expect_status("unmap", unmap(id, 0, 2, 0), SUCCESS);
	expect_nothing(id, 0);
	expect_nothing(id, 0x1000);
	expect_status("unmap nothing", unmap(id, 0x777777, 4, 0), SUCCESS);
	end_child(id);
}

CASE(large_and_huge_pages_are_mapped)
{
	uint64_t *first = (uint64_t *)(HUGE_SOURCE << 12), *last = first + (1ull << 27) - 1;
	uint64_t id = create_whole(1);

	*first = 0x3333;
	*last = 0x4444;
	first[0x200000 / 8] = 0x5555;
	expect_status("2 MiB", map_run(id, HUGE_TARGET, HUGE_SOURCE + 512, 1, RWX | PVN_MAP_LARGE), SUCCESS);
	expect_word(id, HUGE_TARGET << 12, 0x5555);
	expect_nothing(id, (HUGE_TARGET + 512) << 12);
	expect_status("1 GiB over it", map_run(id, HUGE_TARGET, HUGE_SOURCE, 1, RWX | PVN_MAP_HUGE), SUCCESS);
	expect_word(id, HUGE_TARGET << 12, 0x3333);
	expect_word(id, (HUGE_TARGET << 12) + (1ull << 30) - 8, 0x4444);
	expect_status("a page out of the middle", unmap(id, HUGE_TARGET + 512, 1, 0), SUCCESS);
	expect_nothing(id, (HUGE_TARGET + 512) << 12);
	expect_word(id, HUGE_TARGET << 12, 0x3333);
	expect_status("a page that a child maps", deposit(id, HUGE_SOURCE + 7, 1), OBJECT_IN_USE);
	expect_status("all of it", unmap(id, HUGE_TARGET, 1, PVN_UNMAP_HUGE), SUCCESS);
	expect_nothing(id, HUGE_TARGET << 12);
	end_child(id);
}

CASE(bad_mappings_are_refused)
{
	struct pvn_map_gpa_pages_in in = { .map_flags = 0x100 };
	uint64_t id = create_whole(1), page = MEMORY_PAGE;

	expect_status("into nobody", map_run(NOBODY, 0, MEMORY_PAGE, 1, RWX), INVALID_PARTITION_ID);
	expect_status("into oneself", map_run(1, 0, MEMORY_PAGE, 1, RWX), ACCESS_DENIED);
	in.partition_id = id;
	expect_status("an unknown flag", rep_call(PVN_CALL_map_gpa_pages, 1, &in, sizeof(in), &page,
						  sizeof(page)), INVALID_PARAMETER);
	expect_status("to write and not to read", map_run(id, 0, MEMORY_PAGE, 1, 2), INVALID_PARAMETER);
	expect_status("large and huge", map_run(id, 0, 0, 1, RWX | PVN_MAP_LARGE | PVN_MAP_HUGE),
		      INVALID_PARAMETER);
	expect_status("a crooked large page", map_run(id, 1, 512, 1, RWX | PVN_MAP_LARGE),
		      INVALID_PARAMETER);
	expect_status("a crooked huge page", map_run(id, 512, 0x40000, 1, RWX | PVN_MAP_HUGE),
		      INVALID_PARAMETER);
	expect_status("a target beyond the space", map_run(id, GPA_PAGES, MEMORY_PAGE, 1, RWX),
		      INVALID_PARAMETER);
	expect_status("a source beyond the space", map_run(id, 0, GPA_PAGES, 1, RWX), INVALID_PARAMETER);
	expect_status("a source that is not there", map_run(id, 0, POOL_PAGE, 1, RWX), OPERATION_DENIED);
	expect_status("a huge page with a hole", map_run(id, 0x40000, 0, 1, RWX | PVN_MAP_HUGE),
		      OPERATION_DENIED);
	expect_status("unmapping by an unknown flag", unmap(id, 0, 1, 1), INVALID_PARAMETER);
	expect_word(id, 0, 0);
	end_child(id);
}

CASE(memory_is_read_and_written_by_call)
{
	struct pvn_write_gpa_out out;
	uint64_t id = create_whole(1);

	expect_status("write_gpa", write_gpa(id, 0x3001, 3, 0xaabbcc, &out), SUCCESS);
	expect_equal("the result", out.result, PVN_ACCESS_RESULT_OK);
	expect_equal("what is there", *(uint32_t *)child_at(0x3000), 0xaabbcc00);
	expect_status("17 bytes", read_gpa(id, 0, 17, NULL), INVALID_PARAMETER);
	expect_status("0 bytes", write_gpa(id, 0, 0, 0, &out), INVALID_PARAMETER);
	expect_status("across a page", read_gpa(id, 0xffc, 8, NULL), INVALID_PARAMETER);
	expect_status("beyond the space", read_gpa(id, GPA_PAGES << 12, 8, NULL), INVALID_PARAMETER);
	expect_status("read-only", map_run(id, 3, MEMORY_PAGE + 3, 1, 1), SUCCESS);
	expect_status("write_gpa", write_gpa(id, 0x3000, 8, 1, &out), SUCCESS);
	expect_equal("the result", out.result, PVN_ACCESS_RESULT_WRITE);
	expect_word(id, 0x3000, 0xaabbcc00);
	expect_status("of nobody", read_gpa(NOBODY, 0, 8, NULL), INVALID_PARTITION_ID);
	end_child(id);
	id = create_whole(0);
	expect_status("without a VP", read_gpa(id, 0, 8, NULL), INVALID_VP_INDEX);
	end_child(id);
}

static uint64_t translate(uint64_t id, uint64_t gva, uint64_t flags,
			  struct pvn_translate_virtual_address_out *out)
{
	const struct pvn_translate_virtual_address_in in = {
		.partition_id = id, .gva_page = gva >> 12, .control_flags = flags };

	return call_translate_virtual_address(&in, out);
}

/* 64-bit tables at GPA 0x4000 to 0x7000: page 5 of the first 2 MiB is GPA 0x9000, read-only. */
static void make_child_tables(uint64_t id)
{
	for (unsigned int level = 0; level < 3; level++)
		*(uint64_t *)child_at(0x4000 + level * 0x1000) = (0x5000 + level * 0x1000) | 7;
	((uint64_t *)child_at(0x7000))[5] = 0x9001;
	expect_status("CR3", set_register(id, 0, PVN_REG_CR3, 0x4000, 0), SUCCESS);
	expect_status("CR4", set_register(id, 0, PVN_REG_CR4, 0x20, 0), SUCCESS);
	expect_status("EFER", set_register(id, 0, PVN_REG_EFER, 0x500, 0), SUCCESS);
	expect_status("CR0", set_register(id, 0, PVN_REG_CR0, 0x80010001, 0), SUCCESS);
}

CASE(addresses_are_translated_by_call)
{
	struct pvn_translate_virtual_address_out out;
	uint64_t id = create_whole(1);

	expect_status("without paging", translate(id, 0x5000, PVN_TRANSLATE_READ, &out), SUCCESS);
	expect_equal("the page", out.gpa_page, 5);
	make_child_tables(id);
	expect_status("a page", translate(id, 0x5000, PVN_TRANSLATE_READ, &out), SUCCESS);
	expect_equal("the result", out.result, PVN_TRANSLATE_OK);
	expect_equal("the page", out.gpa_page, 9);
	expect_equal("its kind", out.result_flags, 6);
	expect_status("to write", translate(id, 0x5000, PVN_TRANSLATE_WRITE, &out), SUCCESS);
	expect_equal("the result", out.result, PVN_TRANSLATE_PRIVILEGE);
	expect_status("a page that is not there", translate(id, 0x6000, PVN_TRANSLATE_READ, &out), SUCCESS);
	expect_equal("the result", out.result, PVN_TRANSLATE_NOT_PRESENT);
	expect_status("for nothing", translate(id, 0x5000, 0, &out), INVALID_PARAMETER);
	expect_status("an unknown flag", translate(id, 0x5000, 0x41, &out), INVALID_PARAMETER);
	expect_status("of nobody", translate(NOBODY, 0x5000, 1, &out), INVALID_PARTITION_ID);
	expect_equal("accessed bits so far", ((uint64_t *)child_at(0x7000))[5], 0x9001);
	translate(id, 0x5000, PVN_TRANSLATE_READ | PVN_TRANSLATE_SET_BITS, &out);
	expect_equal("accessed bits", ((uint64_t *)child_at(0x7000))[5], 0x9021);
	end_child(id);
	id = create_whole(1);
	run_program(id, 0, spin);
	expect_status("of a VP that runs", translate(id, 0x5000, PVN_TRANSLATE_READ, &out),
		      OPERATION_DENIED);
	end_child(id);
}

CASE(absent_and_protected_memory_is_told)
{
	const struct pvn_memory_intercept *memory;
	const struct pvn_message *message;
	uint64_t id = create_whole(1);

	expect_status("unmap", unmap(id, 7, 1, 0), SUCCESS);
	run_program(id, 0, memory);
	message = wait_message(PVN_MESSAGE_UNMAPPED_GPA);
	memory = (const void *)message->payload;
	expect_equal("GPA", memory->gpa, 0x7000);
	expect_equal("access", memory->header.access_type, 0);
	expect_equal("RBX", memory->gpr[3] & 0xffff, 0x7000);
	expect_equal("bytes of the instruction", memory->instruction_byte_count, 16);
	expect_equal("its first", memory->instruction[0], 0x8a);
	/* Not skipped: mapped, and done again. */
	*(uint8_t *)child_at(0x7000) = 0x66;
	expect_status("map it read-only", map_run(id, 7, MEMORY_PAGE + 7, 1, 1), SUCCESS);
	go_on(id, message);
	expect_port(id, 0x80);
	message = wait_message(PVN_MESSAGE_GPA_INTERCEPT);
	memory = (const void *)message->payload;
	expect_equal("GPA", memory->gpa, 0x7000);
	expect_equal("access", memory->header.access_type, 1);
	expect_equal("AL", memory->gpr[0] & 0xff, 0x66);
	expect_status("map it", map_run(id, 7, MEMORY_PAGE + 7, 1, RWX), SUCCESS);
	go_on(id, message);
	expect_port(id, 0x81);
	expect_equal("what it wrote", *(uint8_t *)child_at(0x7000), 0x77);
	end_child(id);
}
