// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on partitions: who may, properties, listing.
 */
#include "fake_machine.h"

static enum pvn_status set(uint64_t id, uint32_t property, uint64_t value)
{
	struct pvn_set_partition_property_in in = {
		.partition_id = id, .property = property, .value = value };

	return root_call(PVN_CALL_set_partition_property, &in, sizeof(in), NULL, 0);
}

static enum pvn_status get(uint64_t id, uint32_t property, uint64_t *value)
{
	struct pvn_get_partition_property_in in = { .partition_id = id, .property = property };

	return root_call(PVN_CALL_get_partition_property, &in, sizeof(in), value, sizeof(*value));
}

static uint64_t create(void)
{
	struct pvn_create_partition_in in = { 0 };
	uint64_t id;

	assert_int_equal(root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id)),
			 PVN_STATUS_SUCCESS);
	return id;
}

static void creation_refuses_flags_and_foreign_domains(void **state)
{
	struct pvn_create_partition_in in = { .mbz_flags = 1 };
	uint64_t id;

	(void)state;
	assert_int_equal(root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id)),
			 PVN_STATUS_INVALID_PARAMETER);
	in = (struct pvn_create_partition_in){ .proximity_id = 3, .proximity_flags = 1u << 31 };
	assert_int_equal(root_call(PVN_CALL_create_partition, &in, sizeof(in), &id, sizeof(id)),
			 PVN_STATUS_INVALID_PROXIMITY_DOMAIN_INFO);
}

static void a_partition_knows_its_id(void **state)
{
	uint64_t id;

	(void)state;
	assert_int_equal(root_call(PVN_CALL_get_partition_id, NULL, 0, &id, sizeof(id)),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(id, root_partition->id);
}

static void shares_are_set_within_their_ranges(void **state)
{
	uint64_t id = create(), value;

	(void)state;
	assert_int_equal(set(id, PVN_PROPERTY_CPU_WEIGHT, 10000), PVN_STATUS_SUCCESS);
	assert_int_equal(set(id, PVN_PROPERTY_CPU_WEIGHT, 10001),
			 PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(set(id, PVN_PROPERTY_CPU_WEIGHT, 0), PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(get(id, PVN_PROPERTY_CPU_WEIGHT, &value), PVN_STATUS_SUCCESS);
	assert_int_equal(value, 10000);
	assert_int_equal(set(id, PVN_PROPERTY_CPU_CAP, 0x8000), PVN_STATUS_SUCCESS);
	assert_int_equal(set(id, PVN_PROPERTY_CPU_CAP, 0x10001),
			 PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(set(id, PVN_PROPERTY_CPU_RESERVE, 0x8001),
			 PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(set(id, PVN_PROPERTY_CPU_RESERVE, 0x4000), PVN_STATUS_SUCCESS);
	assert_int_equal(set(id, PVN_PROPERTY_CPU_CAP, 0x3fff), PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(get(id, PVN_PROPERTY_CPU_RESERVE, &value), PVN_STATUS_SUCCESS);
	assert_int_equal(value, 0x4000);
}

static void privileges_change_before_initialization_and_within_ones_own(void **state)
{
	uint64_t id = create(), value;

	(void)state;
	assert_int_equal(get(id, PVN_PROPERTY_PRIVILEGES, &value), PVN_STATUS_SUCCESS);
	assert_int_equal(set(id, PVN_PROPERTY_PRIVILEGES, value & ~1ull), PVN_STATUS_SUCCESS);
	assert_int_equal(set(id, PVN_PROPERTY_PRIVILEGES, 1ull << 63),
			 PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(partition_of(id)->privileges, value & ~1ull);
	id = make_child(0);
	assert_int_equal(set(id, PVN_PROPERTY_PRIVILEGES, value), PVN_STATUS_INVALID_PARTITION_STATE);
}

static void the_processor_vendor_is_read_only(void **state)
{
	uint64_t id = create(), value = 99;

	(void)state;
	assert_int_equal(get(id, PVN_PROPERTY_PROCESSOR_VENDOR, &value), PVN_STATUS_SUCCESS);
	assert_int_equal(value, 0);
	assert_int_equal(set(id, PVN_PROPERTY_PROCESSOR_VENDOR, 0), PVN_STATUS_OPERATION_DENIED);
}

/* The fake processor has XSAVE and XSAVEOPT, and nothing else that has a bit. */
static void a_childs_processor_is_its_hosts_or_less(void **state)
{
	uint64_t id = create(), value = 99;

	(void)state;
	assert_int_equal(get(id, PVN_PROPERTY_PROCESSOR_FEATURES, &value), PVN_STATUS_SUCCESS);
	assert_int_equal(value, 0);
	assert_int_equal(get(id, PVN_PROPERTY_XSAVE_FEATURES, &value), PVN_STATUS_SUCCESS);
	assert_int_equal(value, PVN_XSAVE_SUPPORT | PVN_XSAVE_OPT);
	assert_int_equal(set(id, PVN_PROPERTY_XSAVE_FEATURES, PVN_XSAVE_AVX),
			 PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(set(id, PVN_PROPERTY_PROCESSOR_FEATURES, 1), PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	assert_int_equal(set(id, PVN_PROPERTY_XSAVE_FEATURES, PVN_XSAVE_SUPPORT), PVN_STATUS_SUCCESS);
	get(id, PVN_PROPERTY_XSAVE_FEATURES, &value);
	assert_int_equal(value, PVN_XSAVE_SUPPORT);
	assert_int_equal(get(id, PVN_PROPERTY_CACHE_LINE, &value), PVN_STATUS_SUCCESS);
	assert_int_equal(set(id, PVN_PROPERTY_CACHE_LINE, value), PVN_STATUS_SUCCESS);
	assert_int_equal(set(id, PVN_PROPERTY_CACHE_LINE, value + 1), PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	/* A guest that has begun does not see its processor change, and the root's is its own. */
	assert_int_equal(set(make_child(0), PVN_PROPERTY_XSAVE_FEATURES, 0),
			 PVN_STATUS_INVALID_PARTITION_STATE);
	assert_int_equal(set(root_partition->id, PVN_PROPERTY_XSAVE_FEATURES, 0),
			 PVN_STATUS_OPERATION_DENIED);
}

static void unknown_properties_are_refused(void **state)
{
	uint64_t id = create(), value;

	(void)state;
	assert_int_equal(get(id, 0x12345, &value), PVN_STATUS_UNKNOWN_PROPERTY);
	assert_int_equal(set(id, 0x12345, 0), PVN_STATUS_UNKNOWN_PROPERTY);
	assert_int_equal(get(999999, PVN_PROPERTY_CPU_CAP, &value), PVN_STATUS_INVALID_PARTITION_ID);
}

static void the_root_reads_its_own_properties_and_a_child_does_not(void **state)
{
	uint64_t value, id = make_child(1), page = take_root_pages(1);
	struct pvn_get_partition_property_in in = { .partition_id = id,
						    .property = PVN_PROPERTY_CPU_CAP };

	(void)state;
	assert_int_equal(get(root_partition->id, PVN_PROPERTY_CPU_WEIGHT, &value), PVN_STATUS_SUCCESS);
	map_pages(id, 0, page, 1, GPA_ALL);
	memcpy(root_memory(page << PAGE_SHIFT), &in, sizeof(in));
	assert_int_equal(fake_hypercall(partition_of(id)->vps[0], PVN_CALL_get_partition_property, 0,
					0x800), PVN_STATUS_ACCESS_DENIED);
}

static void children_are_listed_from_0_to_0(void **state)
{
	uint64_t a = create(), b = create(), next;
	struct pvn_get_next_child_partition_in in = { .parent_id = root_partition->id };

	(void)state;
	assert_int_equal(root_call(PVN_CALL_get_next_child_partition, &in, sizeof(in), &next,
				   sizeof(next)), PVN_STATUS_SUCCESS);
	assert_int_equal(next, a);
	in.previous_id = a;
	root_call(PVN_CALL_get_next_child_partition, &in, sizeof(in), &next, sizeof(next));
	assert_int_equal(next, b);
	in.previous_id = b;
	root_call(PVN_CALL_get_next_child_partition, &in, sizeof(in), &next, sizeof(next));
	assert_int_equal(next, 0);
}

static void reserves_are_what_the_processors_have(void **state)
{
	uint64_t first = make_child(3), second = make_child(2);
	struct pvn_create_vp_in in = { .partition_id = first, .vp_index = 3 };

	(void)state;
	/* Three whole processors of four, and half of one each for two more. */
	assert_int_equal(set(first, PVN_PROPERTY_CPU_RESERVE, 0x10000), PVN_STATUS_SUCCESS);
	assert_int_equal(set(second, PVN_PROPERTY_CPU_RESERVE, 0x8001), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(set(second, PVN_PROPERTY_CPU_RESERVE, 0x8000), PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0),
			 PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(set(second, PVN_PROPERTY_CPU_RESERVE, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(set(root_partition->id, PVN_PROPERTY_CPU_RESERVE, 1), PVN_STATUS_OPERATION_DENIED);
	assert_int_equal(set(root_partition->id, PVN_PROPERTY_CPU_CAP, 0x8000), PVN_STATUS_OPERATION_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(reserves_are_what_the_processors_have),
		ON_FAKE_MACHINE(creation_refuses_flags_and_foreign_domains),
		ON_FAKE_MACHINE(a_partition_knows_its_id),
		ON_FAKE_MACHINE(shares_are_set_within_their_ranges),
		ON_FAKE_MACHINE(privileges_change_before_initialization_and_within_ones_own),
		ON_FAKE_MACHINE(the_processor_vendor_is_read_only),
		ON_FAKE_MACHINE(a_childs_processor_is_its_hosts_or_less),
		ON_FAKE_MACHINE(unknown_properties_are_refused),
		ON_FAKE_MACHINE(the_root_reads_its_own_properties_and_a_child_does_not),
		ON_FAKE_MACHINE(children_are_listed_from_0_to_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
