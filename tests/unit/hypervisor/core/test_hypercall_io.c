// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What a call may name: blocks and partitions.
 */
#include "fake_machine.h"

static struct hc_call call;

static void begin(struct partition *caller)
{
	memset(&call, 0, sizeof(call));
	call.caller = caller;
}

static void a_block_within_a_page_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(hc_check_block(0x1000, 4096), PVN_STATUS_SUCCESS);
	assert_int_equal(hc_check_block(0x1008, 4088), PVN_STATUS_SUCCESS);
	assert_int_equal(hc_check_block(0x1008, 4089), PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(hc_check_block(0x1001, 8), PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(hc_check_block(0x1000, 36868), PVN_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(hc_check_block(~7ull, 8), PVN_STATUS_INVALID_ALIGNMENT);
}

static void a_child_is_looked_up_once_and_held_until_the_end(void **state)
{
	uint64_t id = make_child(0);
	struct partition *found, *again;

	(void)state;
	begin(root_partition);
	assert_int_equal(hc_find_child(&call, id, &found), PVN_STATUS_SUCCESS);
	assert_int_equal(hc_find_child(&call, id, &again), PVN_STATUS_SUCCESS);
	assert_ptr_equal(found, again);
	assert_int_equal(found->references, 2);
	hc_release(&call);
	assert_int_equal(found->references, 1);
}

static void two_children_can_be_held(void **state)
{
	uint64_t a = make_child(0), b = make_child(0);
	struct partition *found;

	(void)state;
	begin(root_partition);
	assert_int_equal(hc_find_child(&call, a, &found), PVN_STATUS_SUCCESS);
	assert_int_equal(hc_find_child(&call, b, &found), PVN_STATUS_SUCCESS);
	assert_int_equal(found->id, b);
	hc_release(&call);
	assert_int_equal(partition_of(a)->references, 1);
}

static void who_cannot_have_children_learns_nothing_about_ids(void **state)
{
	uint64_t id = make_child(0), other = make_child(0);
	struct partition *found;

	(void)state;
	begin(partition_of(id));
	assert_int_equal(hc_find_child(&call, other, &found), PVN_STATUS_ACCESS_DENIED);
	assert_int_equal(hc_find_child(&call, 999999, &found), PVN_STATUS_ACCESS_DENIED);
	assert_int_equal(hc_find_child(&call, root_partition->id, &found), PVN_STATUS_ACCESS_DENIED);
	assert_int_equal(hc_find_self_or_child(&call, root_partition->id, &found),
			 PVN_STATUS_ACCESS_DENIED);
	assert_null(call.held[0]);
}

static void a_partition_can_name_itself_by_id_or_as_self(void **state)
{
	struct partition *child = partition_of(make_child(0)), *found;

	(void)state;
	begin(child);
	assert_int_equal(hc_find_self_or_child(&call, child->id, &found), PVN_STATUS_SUCCESS);
	assert_ptr_equal(found, child);
	assert_int_equal(hc_find_self_or_child(&call, HC_SELF_ID, &found), PVN_STATUS_SUCCESS);
	assert_ptr_equal(found, child);
}

static void the_root_is_not_its_own_child(void **state)
{
	struct partition *found;

	(void)state;
	begin(root_partition);
	assert_int_equal(hc_find_child(&call, root_partition->id, &found), PVN_STATUS_ACCESS_DENIED);
	hc_release(&call);
	assert_int_equal(hc_find_child(&call, 999999, &found), PVN_STATUS_INVALID_PARTITION_ID);
	hc_release(&call);
	assert_int_equal(root_partition->references, 1);
}

static void output_must_be_writable(void **state)
{
	uint64_t id = make_child(0), page = take_root_pages(1), word = 7;

	(void)state;
	map_pages(id, 3, page, 1, GPA_READ);
	begin(partition_of(id));
	assert_int_equal(hc_check_writable(&call, 0x3000), PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(hc_copy_out(&call, 0x3000, &word, 8), PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(hc_copy_in(&call, &word, 0x3000, 8), PVN_STATUS_SUCCESS);
	assert_int_equal(word, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_block_within_a_page_is_accepted),
		ON_FAKE_MACHINE(a_child_is_looked_up_once_and_held_until_the_end),
		ON_FAKE_MACHINE(two_children_can_be_held),
		ON_FAKE_MACHINE(who_cannot_have_children_learns_nothing_about_ids),
		ON_FAKE_MACHINE(a_partition_can_name_itself_by_id_or_as_self),
		ON_FAKE_MACHINE(the_root_is_not_its_own_child),
		ON_FAKE_MACHINE(output_must_be_writable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
