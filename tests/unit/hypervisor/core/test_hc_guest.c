// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A child's memory through the eyes of its VP: all forms of page tables, what they allow,
 * and where the page is; and accesses of up to 16 bytes.
 */
#include "fake_machine.h"

#define CR0_PG_PE	0x80000001ull
#define CR4_PAE		0x20ull
#define CR4_LA57	0x1000ull
#define NX		(1ull << 63)
#define CPL3		(0xc0f3ull << 48)
#define READ		PVN_TRANSLATE_READ
#define WRITE		PVN_TRANSLATE_WRITE
#define EXECUTE		PVN_TRANSLATE_EXECUTE
#define PAGES		64

static uint64_t id, memory;	/* the child; its page 0 in the root's memory */
static struct vp *vp;
static struct pvn_translate_virtual_address_out out;

/* A child with 64 pages from 0 up, tables at pages 1, 2, ... */
static void make_guest(uint64_t cr4, uint64_t efer, uint64_t cr3)
{
	id = make_child(1);
	memory = take_root_pages(PAGES);
	assert_int_equal(map_pages(id, 0, memory, PAGES, GPA_ALL), PVN_STATUS_SUCCESS);
	vp = partition_of(id)->vps[0];
	fake_set_register(vp, PVN_REG_CR0, CR0_PG_PE | CR0_WP, 0);
	fake_set_register(vp, PVN_REG_CR3, cr3, 0);
	fake_set_register(vp, PVN_REG_CR4, cr4, 0);
	fake_set_register(vp, PVN_REG_EFER, efer, 0);
	fake_set_register(vp, PVN_REG_PAT, 0x0007040600070406ull, 0);
}

static uint64_t *entry(unsigned int page, unsigned int index)
{
	return (uint64_t *)root_memory((memory + page) << PAGE_SHIFT) + index;
}

static void make_long_tables(unsigned int levels)
{
	for (unsigned int i = 1; i < levels; i++)
		*entry(i, 0) = (uint64_t)(i + 1) << PAGE_SHIFT | 7;
	*entry(levels, 5) = 0x9007;
}

static enum pvn_status call_with(uint64_t gva, uint64_t flags)
{
	const struct pvn_translate_virtual_address_in in = {
		.partition_id = id, .control_flags = flags, .gva_page = gva >> PAGE_SHIFT };

	return root_call(PVN_CALL_translate_virtual_address, &in, sizeof(in), &out, sizeof(out));
}

static uint32_t translate(uint64_t gva, uint64_t flags)
{
	assert_int_equal(call_with(gva, flags), PVN_STATUS_SUCCESS);
	return out.result;
}

static void expect_page(uint64_t gva, uint64_t page)
{
	assert_int_equal(translate(gva, READ), PVN_TRANSLATE_OK);
	assert_int_equal(out.gpa_page, page);
	assert_int_equal(out.result_flags, 6);
}

static void without_paging_addresses_are_their_own(void **state)
{
	(void)state;
	make_guest(0, 0, 0);
	fake_set_register(vp, PVN_REG_CR0, 1, 0);
	expect_page(0x5000, 5);
	assert_int_equal(translate(0x100000, READ), PVN_TRANSLATE_UNMAPPED);
	assert_int_equal(out.gpa_page, 0x100);
}

static void tables_of_every_form_are_walked(void **state)
{
	uint32_t *table;

	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	make_long_tables(4);
	expect_page(0x5000, 9);
	make_guest(CR4_PAE | CR4_LA57, EFER_LMA, 0x1000);
	make_long_tables(5);
	expect_page(0x5000, 9);
	/* PAE: the first table is anywhere, and its entries have no rights. */
	make_guest(CR4_PAE, 0, 0x1020);
	*entry(1, 4) = 0x2001;
	*entry(2, 0) = 0x3007;
	*entry(3, 5) = 0x9007;
	expect_page(0x5000, 9);
	assert_int_equal(translate(0x5000, WRITE), PVN_TRANSLATE_OK);
	/* Entries of 4 bytes, and a page of 4 MiB. */
	make_guest(CR4_PSE, 0, 0x1000);
	table = (uint32_t *)entry(1, 0);
	table[0] = 0x2007;
	table[1] = 0x00000087;
	((uint32_t *)entry(2, 0))[5] = 0x9007;
	expect_page(0x5000, 9);
	expect_page(0x405000, 5);
	table[1] |= 1u << 13;	/* bit 32 of the address */
	assert_int_equal(translate(0x405000, READ), PVN_TRANSLATE_UNMAPPED);
	assert_int_equal(out.gpa_page, 0x100005);
}

static void large_pages_end_the_walk(void **state)
{
	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	make_long_tables(4);
	*entry(3, 1) = 0x87;
	expect_page(0x200000 + 0x7000, 7);
	*entry(2, 1) = 0x87;
	expect_page(0x40000000 + 0x8000, 8);
	*entry(1, 1) = 0x87;
	assert_int_equal(translate(1ull << 39, READ), PVN_TRANSLATE_BAD_ENTRY);
}

static void what_the_tables_forbid_is_told(void **state)
{
	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	make_long_tables(4);
	assert_int_equal(translate(0x6000, READ), PVN_TRANSLATE_NOT_PRESENT);
	assert_int_equal(translate(1ull << 50, READ), PVN_TRANSLATE_NOT_PRESENT);
	*entry(4, 5) = 0x9005;
	assert_int_equal(translate(0x5000, WRITE), PVN_TRANSLATE_PRIVILEGE);
	assert_int_equal(translate(0x5000, WRITE | PVN_TRANSLATE_NO_PRIVILEGE), PVN_TRANSLATE_OK);
	fake_set_register(vp, PVN_REG_CR0, CR0_PG_PE, 0);
	assert_int_equal(translate(0x5000, WRITE), PVN_TRANSLATE_OK);
	/* NX is reserved until EFER says otherwise. */
	*entry(4, 5) = 0x9007 | NX;
	assert_int_equal(translate(0x5000, READ), PVN_TRANSLATE_BAD_ENTRY);
	fake_set_register(vp, PVN_REG_EFER, EFER_LMA | EFER_NXE, 0);
	assert_int_equal(translate(0x5000, READ), PVN_TRANSLATE_OK);
	assert_int_equal(translate(0x5000, EXECUTE), PVN_TRANSLATE_PRIVILEGE);
	/* A table that is not in the guest's memory. */
	*entry(3, 0) = 0x7777007;
	assert_int_equal(translate(0x5000, READ), PVN_TRANSLATE_UNMAPPED);
	assert_int_equal(out.gpa_page, 0x7777);
}

static void the_privilege_level_counts(void **state)
{
	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	make_long_tables(4);
	fake_set_register(vp, PVN_REG_SS, 0, CPL3);
	assert_int_equal(translate(0x5000, WRITE | EXECUTE), PVN_TRANSLATE_OK);
	*entry(3, 0) &= ~4ull;
	assert_int_equal(translate(0x5000, READ), PVN_TRANSLATE_PRIVILEGE);
	fake_set_register(vp, PVN_REG_SS, 0, 0xc093ull << 48);
	*entry(3, 0) |= 4;
	fake_set_register(vp, PVN_REG_CR4, CR4_PAE | CR4_SMEP | CR4_SMAP, 0);
	assert_int_equal(translate(0x5000, EXECUTE), PVN_TRANSLATE_PRIVILEGE);
	assert_int_equal(translate(0x5000, READ), PVN_TRANSLATE_PRIVILEGE);
	vp->regs.rflags |= 1ull << 18;
	assert_int_equal(translate(0x5000, READ), PVN_TRANSLATE_OK);
	assert_int_equal(translate(0x5000, EXECUTE), PVN_TRANSLATE_PRIVILEGE);
}

static void accessed_and_dirty_bits_are_set_if_asked(void **state)
{
	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	make_long_tables(4);
	translate(0x5000, READ);
	assert_int_equal(*entry(4, 5), 0x9007);
	assert_int_equal(translate(0x6000, READ | PVN_TRANSLATE_SET_BITS), PVN_TRANSLATE_NOT_PRESENT);
	assert_int_equal(*entry(1, 0), 0x2007);
	translate(0x5000, READ | PVN_TRANSLATE_SET_BITS);
	for (unsigned int i = 1; i < 4; i++)
		assert_int_equal(*entry(i, 0) & 0x60, 0x20);
	assert_int_equal(*entry(4, 5), 0x9027);
	translate(0x5000, WRITE | PVN_TRANSLATE_SET_BITS);
	assert_int_equal(*entry(4, 5), 0x9067);
	assert_int_equal(*entry(3, 0) & 0x60, 0x20);
}

static void cache_types_come_from_the_guests_pat(void **state)
{
	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	make_long_tables(4);
	fake_set_register(vp, PVN_REG_PAT, 0x0507050400070106ull, 0);
	*entry(4, 5) = 0x9007 | 8;	/* PWT: entry 1 */
	translate(0x5000, READ);
	assert_int_equal(out.result_flags & PVN_TRANSLATE_CACHE_MASK, 1);
	*entry(4, 5) = 0x9007 | 0x10;	/* PCD: entry 2, UC- */
	translate(0x5000, READ);
	assert_int_equal(out.result_flags & PVN_TRANSLATE_CACHE_MASK, 0);
	*entry(4, 5) = 0x9007 | 0x80;	/* PAT: entry 4 */
	translate(0x5000, READ);
	assert_int_equal(out.result_flags & PVN_TRANSLATE_CACHE_MASK, 4);
}

static void rights_of_the_page_itself_are_told(void **state)
{
	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	make_long_tables(4);
	assert_int_equal(map_pages(id, 9, memory + 9, 1, GPA_READ), PVN_STATUS_SUCCESS);
	assert_int_equal(translate(0x5000, READ), PVN_TRANSLATE_OK);
	assert_int_equal(translate(0x5000, WRITE), PVN_TRANSLATE_NO_WRITE);
	assert_int_equal(translate(0x5000, EXECUTE), PVN_TRANSLATE_NO_READ);
	assert_int_equal(gpa_map_overlay_add(&vp->partition->map, gpa(0x9000),
					     plat_hpa(vp->partition->hypercall_page),
					     GPA_READ | GPA_EXECUTE), PVN_STATUS_SUCCESS);
	assert_int_equal(translate(0x5000, READ), PVN_TRANSLATE_OK);
	assert_int_equal(out.result_flags, 6 | PVN_TRANSLATE_IS_OVERLAY);
	assert_int_equal(translate(0x5000, WRITE), PVN_TRANSLATE_OVERLAY);
	gpa_map_overlay_remove(&vp->partition->map, gpa(0x9000));
}

static void translations_of_running_vps_and_bad_flags_are_refused(void **state)
{
	struct pvn_translate_virtual_address_in in = { .control_flags = READ, .vp_index = 1 };

	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	assert_int_equal(call_with(0, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(call_with(0, PVN_TRANSLATE_SET_BITS), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(call_with(0, READ | 0x40), PVN_STATUS_INVALID_PARAMETER);
	in.partition_id = id;
	assert_int_equal(root_call(PVN_CALL_translate_virtual_address, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_VP_INDEX);
	in.partition_id = 999;
	assert_int_equal(root_call(PVN_CALL_translate_virtual_address, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_PARTITION_ID);
	vp->stop_reasons = 0;
	assert_int_equal(call_with(0, READ), PVN_STATUS_OPERATION_DENIED);
	vp->stop_reasons = VP_STOP_EXPLICIT;
}

static void flushes_of_a_vp_wait_while_the_parent_works(void **state)
{
	uint64_t value[2], control = PVN_CALL_flush_virtual_address_space;
	struct pvn_flush_virtual_address_space_in in = { .flags = PVN_FLUSH_ALL_SPACES,
							 .processor_mask = 1 };
	uint64_t rip;

	(void)state;
	make_guest(CR4_PAE, EFER_LMA, 0x1000);
	make_long_tables(4);
	assert_int_equal(translate(0x5000, READ | PVN_TRANSLATE_INHIBIT_FLUSH), PVN_TRANSLATE_OK);
	vp_get_register(vp, PVN_REG_INTERCEPT_SUSPEND, value);
	assert_int_equal(value[0], 2);
	/* Of the child by itself, which is as good as by another of its VPs. */
	fake_enlighten(vp);
	memcpy(entry(20, 0), &in, sizeof(in));
	rip = vp->regs.rip;
	vp->regs.gpr[RCX] = control;
	vp->regs.gpr[RDX] = 20 << PAGE_SHIFT;
	hypercall_exit(vp, 3);
	assert_int_equal(vp->regs.rip, rip);
	vp_set_register(vp, PVN_REG_EXPLICIT_SUSPEND, (uint64_t[]){ 0, 0 });
	hypercall_exit(vp, 3);
	assert_int_equal(vp->regs.rip, rip + 3);
	assert_int_equal(vp->regs.gpr[RAX], PVN_STATUS_SUCCESS);
	vp->stop_reasons = VP_STOP_EXPLICIT;
	vp->state = VP_STOPPED;
}

static uint64_t result_of(unsigned int code, uint64_t at, uint32_t bytes, uint64_t flags,
			  const uint64_t data[2], struct pvn_read_gpa_out *answer, unsigned int *status)
{
	struct pvn_write_gpa_in in = { .partition_id = id, .byte_count = bytes, .gpa = at,
				       .control_flags = flags, .low = data[0], .high = data[1] };

	memset(answer, 0xee, sizeof(*answer));
	*status = root_call(code, &in, sizeof(in), answer, sizeof(*answer));
	return answer->result;
}

static void memory_is_read_and_written(void **state)
{
	const uint64_t data[2] = { 0x1122334455667788ull, 0x99aabbccddeeff00ull };
	struct pvn_read_gpa_out answer;
	unsigned int status;

	(void)state;
	make_guest(0, 0, 0);
	assert_int_equal(result_of(PVN_CALL_write_gpa, 0x5010, 16, 0, data, &answer, &status), 0);
	assert_int_equal(status, PVN_STATUS_SUCCESS);
	assert_memory_equal(entry(5, 2), data, 16);
	assert_int_equal(result_of(PVN_CALL_read_gpa, 0x5011, 3, 6, data, &answer, &status), 0);
	assert_int_equal(status, PVN_STATUS_SUCCESS);
	assert_int_equal(answer.low, 0x556677);
	assert_int_equal(answer.high, 0);
	assert_int_equal(result_of(PVN_CALL_write_gpa, 0x5ffe, 2, 0, data, &answer, &status), 0);
	assert_int_equal(*entry(5, 511) >> 48, 0x7788);
}

static void accesses_that_fail_say_why(void **state)
{
	const uint64_t data[2] = { 0 };
	struct pvn_read_gpa_out answer;
	unsigned int status;

	(void)state;
	make_guest(0, 0, 0);
	assert_int_equal(map_pages(id, 9, memory + 9, 1, GPA_READ), PVN_STATUS_SUCCESS);
	assert_int_equal(result_of(PVN_CALL_read_gpa, 0x100000, 8, 0, data, &answer, &status),
			 PVN_ACCESS_RESULT_UNMAPPED);
	assert_int_equal(status, PVN_STATUS_SUCCESS);
	assert_int_equal(answer.low, 0);
	assert_int_equal(result_of(PVN_CALL_write_gpa, 0x100000, 8, 0, data, &answer, &status),
			 PVN_ACCESS_RESULT_UNMAPPED);
	assert_int_equal(result_of(PVN_CALL_write_gpa, 0x9000, 8, 0, data, &answer, &status),
			 PVN_ACCESS_RESULT_WRITE);
	assert_int_equal(gpa_map_overlay_add(&vp->partition->map, gpa(0x9000),
					     plat_hpa(vp->partition->hypercall_page), GPA_READ),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(result_of(PVN_CALL_write_gpa, 0x9000, 8, 0, data, &answer, &status),
			 PVN_ACCESS_RESULT_OVERLAY);
	/* Overlays are seen as the VP sees them. */
	assert_int_equal(result_of(PVN_CALL_read_gpa, 0x9000, 3, 0, data, &answer, &status), 0);
	assert_int_equal(answer.low, 0xd9010f);
	gpa_map_overlay_remove(&vp->partition->map, gpa(0x9000));
}

static void bad_ranges_are_refused(void **state)
{
	static const struct { uint64_t at; uint32_t bytes; uint64_t flags; } bad[] = {
		{ 0x5000, 0, 0 }, { 0x5000, 17, 0 }, { 0x5ff8, 9, 0 }, { 1ull << 48, 1, 0 },
		{ ~0ull, 1, 0 }, { 0x5000, 8, 7 }, { 0x5000, 8, 1ull << 40 },
	};
	const uint64_t data[2] = { 0 };
	struct pvn_read_gpa_out answer;
	unsigned int status;

	(void)state;
	make_guest(0, 0, 0);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		result_of(PVN_CALL_read_gpa, bad[i].at, bad[i].bytes, bad[i].flags, data, &answer, &status);
		assert_int_equal(status, PVN_STATUS_INVALID_PARAMETER);
		result_of(PVN_CALL_write_gpa, bad[i].at, bad[i].bytes, bad[i].flags, data, &answer, &status);
		assert_int_equal(status, PVN_STATUS_INVALID_PARAMETER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(without_paging_addresses_are_their_own),
		ON_FAKE_MACHINE(tables_of_every_form_are_walked),
		ON_FAKE_MACHINE(large_pages_end_the_walk),
		ON_FAKE_MACHINE(what_the_tables_forbid_is_told),
		ON_FAKE_MACHINE(the_privilege_level_counts),
		ON_FAKE_MACHINE(accessed_and_dirty_bits_are_set_if_asked),
		ON_FAKE_MACHINE(cache_types_come_from_the_guests_pat),
		ON_FAKE_MACHINE(rights_of_the_page_itself_are_told),
		ON_FAKE_MACHINE(translations_of_running_vps_and_bad_flags_are_refused),
		ON_FAKE_MACHINE(flushes_of_a_vp_wait_while_the_parent_works),
		ON_FAKE_MACHINE(memory_is_read_and_written),
		ON_FAKE_MACHINE(accesses_that_fail_say_why),
		ON_FAKE_MACHINE(bad_ranges_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
