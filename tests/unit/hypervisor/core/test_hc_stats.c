// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Statistics pages: what is in them, who may see them, and that they go with their object.
 */
#include "fake_machine.h"

#include <pvn/abi/expand.h>

static uint64_t page;	/* of the root, to lay statistics over */

static enum pvn_status map(uint32_t type, uint64_t id, uint32_t index, uint64_t target)
{
	struct pvn_map_stats_page_in in = {
		.stats_type = type, .object_id = id, .index = index, .target_page = target };

	return root_call(PVN_CALL_map_stats_page, &in, sizeof(in), NULL, 0);
}

static enum pvn_status unmap(uint32_t type, uint64_t id, uint32_t index)
{
	struct pvn_unmap_stats_page_in in = { .stats_type = type, .object_id = id, .index = index };

	return root_call(PVN_CALL_unmap_stats_page, &in, sizeof(in), NULL, 0);
}

/* What the root sees at the page; NULL: nothing that it may read. */
static const uint64_t *seen(uint64_t at)
{
	struct hpa found = gpa_map_lookup(&root_partition->map, gpa(at << PAGE_SHIFT), GPA_READ);

	return hpa_is_none(found) ? NULL : plat_hva(found);
}

static void check_groups(const uint64_t *words, const char *object)
{
	unsigned int slot = 0, header = 0, counted = 0;

	for (size_t i = 0; i < PVN_STATS_ROW_COUNT; i++) {
		const struct pvn_stats_row *row = &pvn_stats_rows[i];

		if (strcmp(row->object, object) || row->kind == PVN_STATS_IS_PAGE)
			continue;
		if (row->kind == PVN_STATS_IS_GROUP) {
			assert_int_equal(counted, slot ? pvn_stats_group_slots(words[header]) : 0);
			header = slot++;
			counted = 0;
			assert_int_equal(pvn_stats_group_id(words[header]), row->number);
			assert_int_equal(words[header] >> 16 & 0xffffffff, 0x10000);
		} else {
			counted += row->number;
			slot += row->number;
		}
	}
	assert_int_equal(counted, pvn_stats_group_slots(words[header]));
	assert_int_equal(words[slot], 0);
}

static void a_page_has_its_groups_and_an_end(void **state)
{
	struct partition *child = partition_of(make_child(1));

	(void)state;
	check_groups(stats_hypervisor.count, "hypervisor");
	check_groups(machine.cpu[3].stats.count, "processor");
	check_groups(child->stats.count, "partition");
	check_groups(child->vps[0]->stats.count, "vp");
}

static void the_root_sees_each_kind_of_page(void **state)
{
	uint64_t id = make_child(1), first = take_root_pages(4);

	(void)state;
	assert_int_equal(map(PVN_STATS_TYPE_hypervisor, 0, 0, first), PVN_STATUS_SUCCESS);
	assert_int_equal(map(PVN_STATS_TYPE_processor, 2, 0, first + 1), PVN_STATUS_SUCCESS);
	assert_int_equal(map(PVN_STATS_TYPE_partition, id, 0, first + 2), PVN_STATUS_SUCCESS);
	assert_int_equal(map(PVN_STATS_TYPE_vp, id, 0, first + 3), PVN_STATUS_SUCCESS);
	assert_ptr_equal(seen(first), stats_hypervisor.count);
	assert_ptr_equal(seen(first + 1), machine.cpu[2].stats.count);
	assert_ptr_equal(seen(first + 2), partition_of(id)->stats.count);
	assert_ptr_equal(seen(first + 3), partition_of(id)->vps[0]->stats.count);
	/* To be read, not written. */
	assert_true(hpa_is_none(gpa_map_lookup(&root_partition->map, gpa(first << PAGE_SHIFT),
					       GPA_WRITE)));
	assert_int_equal(unmap(PVN_STATS_TYPE_hypervisor, 0, 0), PVN_STATUS_SUCCESS);
	assert_ptr_equal(seen(first), root_memory(first << PAGE_SHIFT));
	assert_int_equal(unmap(PVN_STATS_TYPE_processor, 2, 0), PVN_STATUS_SUCCESS);
}

static void hypercalls_are_counted_by_code(void **state)
{
	const uint64_t *count = root_partition->vps[0]->stats.count;
	uint64_t census = count[PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(PVN_CALL_get_census)];
	uint64_t spins = count[PVN_STAT_vp_calls + PVN_CALL_notify_long_spin_wait];
	struct pvn_get_census_out out;

	(void)state;
	root_call(PVN_CALL_get_census, NULL, 0, &out, sizeof(out));
	fake_hypercall(machine.root_vp, PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 1, 0);
	fake_hypercall(machine.root_vp, 0x00ff, 0, 0);
	assert_int_equal(count[PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(PVN_CALL_get_census)], census + 1);
	assert_int_equal(count[PVN_STAT_vp_calls + PVN_CALL_notify_long_spin_wait], spins + 1);
	/* Whether there is such a call or not. */
	assert_int_equal(count[PVN_STAT_vp_calls + 0xff], 1);
}

static void objects_and_pages_are_counted(void **state)
{
	const uint64_t *count = stats_hypervisor.count;
	uint64_t pages = count[PVN_STAT_hypervisor_total_pages], id;
	struct pvn_get_census_out census;

	(void)state;
	partition_census(&census);
	assert_int_equal(pages, census.pages_total);
	assert_int_equal(count[PVN_STAT_hypervisor_logical_processors], FAKE_CPUS);
	assert_int_equal(count[PVN_STAT_hypervisor_partitions], 1);
	assert_int_equal(count[PVN_STAT_hypervisor_virtual_processors], 2);
	id = make_child(3);
	map_pages(id, 0, take_root_pages(7), 7, GPA_ALL);
	assert_int_equal(count[PVN_STAT_hypervisor_partitions], 2);
	assert_int_equal(count[PVN_STAT_hypervisor_virtual_processors], 5);
	assert_int_equal(count[PVN_STAT_hypervisor_total_pages], pages + 96);
	assert_int_equal(partition_of(id)->stats.count[PVN_STAT_partition_virtual_processors], 3);
	assert_int_equal(partition_of(id)->stats.count[PVN_STAT_partition_gpa_pages], 7);
	assert_int_equal(partition_of(id)->stats.count[PVN_STAT_partition_deposited_pages], 96);
	remove_child(id);
	assert_int_equal(count[PVN_STAT_hypervisor_partitions], 1);
	assert_int_equal(count[PVN_STAT_hypervisor_virtual_processors], 2);
	assert_int_equal(count[PVN_STAT_hypervisor_total_pages], pages);
}

static void a_page_that_goes_is_seen_no_more(void **state)
{
	uint64_t id = make_child(2), first = take_root_pages(2);

	(void)state;
	assert_int_equal(map(PVN_STATS_TYPE_vp, id, 1, first), PVN_STATUS_SUCCESS);
	assert_int_equal(map(PVN_STATS_TYPE_partition, id, 0, first + 1), PVN_STATUS_SUCCESS);
	assert_int_equal(finalize_child(id), PVN_STATUS_SUCCESS);
	assert_ptr_equal(seen(first), root_memory(first << PAGE_SHIFT));
	assert_ptr_equal(seen(first + 1), root_memory((first + 1) << PAGE_SHIFT));
	assert_int_equal(unmap(PVN_STATS_TYPE_vp, id, 1), PVN_STATUS_INVALID_PARTITION_STATE);
}

static void bad_objects_and_places_are_refused(void **state)
{
	struct pvn_map_stats_page_in in = { .stats_type = PVN_STATS_TYPE_hypervisor, .mbz = 1 };
	uint64_t id = make_child(1);

	(void)state;
	page = take_root_pages(1);
	assert_int_equal(map(0, 0, 0, page), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map(3, 0, 0, page), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map(PVN_STATS_TYPE_processor, FAKE_CPUS, 0, page), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map(PVN_STATS_TYPE_processor, ~0ull, 0, page), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map(PVN_STATS_TYPE_partition, 999, 0, page), PVN_STATUS_INVALID_PARTITION_ID);
	assert_int_equal(map(PVN_STATS_TYPE_vp, id, 1, page), PVN_STATUS_INVALID_VP_INDEX);
	assert_int_equal(map(PVN_STATS_TYPE_vp, id, 64, page), PVN_STATUS_INVALID_VP_INDEX);
	assert_int_equal(map(PVN_STATS_TYPE_vp, id, 0, 1ull << 36), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map(PVN_STATS_TYPE_vp, id, 0, ~0ull), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(root_call(PVN_CALL_map_stats_page, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(unmap(PVN_STATS_TYPE_vp, id, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(map(PVN_STATS_TYPE_vp, id, 0, page), PVN_STATUS_SUCCESS);
	assert_int_equal(map(PVN_STATS_TYPE_vp, id, 0, page + 1), PVN_STATUS_OBJECT_IN_USE);
	assert_int_equal(map(PVN_STATS_TYPE_partition, id, 0, page), PVN_STATUS_OBJECT_IN_USE);
	assert_int_equal(unmap(PVN_STATS_TYPE_partition, id, 0), PVN_STATUS_INVALID_PARAMETER);
}

static void only_the_root_maps_them(void **state)
{
	uint64_t id = make_child(1);
	struct vp *vp = partition_of(id)->vps[0];
	struct pvn_map_stats_page_in in = { .stats_type = PVN_STATS_TYPE_partition, .object_id = id };

	(void)state;
	fake_enlighten(vp);
	vp->partition->privileges = ~0ull;
	assert_int_equal(map_pages(id, 0, 0x2800, 1, GPA_ALL | PVN_MAP_LARGE), PVN_STATUS_SUCCESS);
	memcpy(root_memory(0x2800ull << PAGE_SHIFT), &in, sizeof(in));
	assert_int_equal(fake_hypercall(vp, PVN_CALL_map_stats_page, 0, 0x1000), PVN_STATUS_ACCESS_DENIED);
}

static void without_memory_there_is_no_partition(void **state)
{
	struct pvn_create_partition_in in = { 0 };
	struct pvn_create_partition_out out;
	unsigned int pages = 0;

	(void)state;
	assert_int_equal(root_call(PVN_CALL_create_partition, &in, sizeof(in), &out, sizeof(out)),
			 PVN_STATUS_SUCCESS);
	/* Map, hypercall page, TSC page, statistics: one page each. */
	while (root_call(PVN_CALL_initialize_partition, &out.partition_id, sizeof(out.partition_id),
			 NULL, 0) == PVN_STATUS_INSUFFICIENT_MEMORY) {
		assert_int_equal(page_pool_free_count(&partition_of(out.partition_id)->pool), pages);
		assert_int_equal(deposit(out.partition_id, take_root_pages(1), 1, NULL), PVN_STATUS_SUCCESS);
		pages++;
	}
	assert_int_equal(pages, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_page_has_its_groups_and_an_end),
		ON_FAKE_MACHINE(the_root_sees_each_kind_of_page),
		ON_FAKE_MACHINE(hypercalls_are_counted_by_code),
		ON_FAKE_MACHINE(objects_and_pages_are_counted),
		ON_FAKE_MACHINE(a_page_that_goes_is_seen_no_more),
		ON_FAKE_MACHINE(bad_objects_and_places_are_refused),
		ON_FAKE_MACHINE(only_the_root_maps_them),
		ON_FAKE_MACHINE(without_memory_there_is_no_partition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
