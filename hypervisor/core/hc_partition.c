// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls on partitions: life cycle, properties, ids
 * [TLFS 2.0 ch. 5 "Partition Management"]. Locks: the partition's, for properties.
 */
#include "core/exit.h"
#include "core/hypercall.h"
#include "core/platform.h"

#define WEIGHT_MAX	10000u
#define VENDOR_AMD	0u
#define VENDOR_INTEL	1u

HC(create_partition)
{
	uint32_t domain;

	return numa_domain(in->proximity_id, in->proximity_flags, &domain) ?:
	       partition_create(call->caller, domain, &out->partition_id);
}

HC_ABOUT(initialize_partition, hc_find_child) { return partition_initialize(target); }
HC_ABOUT(finalize_partition, hc_find_child) { return partition_finalize(target); }
HC_ABOUT(delete_partition, hc_find_child) { return partition_delete(target); }

/* A child, or the root by itself. */
static enum pvn_status find_for_property(struct hc_call *call, uint64_t id, struct partition **out)
{
	enum pvn_status status = hc_find_self_or_child(call, id, out);

	if (status == PVN_STATUS_SUCCESS && *out == call->caller && !call->caller->is_root)
		return PVN_STATUS_ACCESS_DENIED;
	return status;
}

static uint64_t processor_vendor(void)
{
	uint32_t id[4];

	plat_cpuid(0, 0, id);
	return id[1] == 0x756e6547 /* "Genu" */ ? VENDOR_INTEL : VENDOR_AMD;
}

static uint64_t cache_line(void)
{
	uint32_t one[4];

	plat_cpuid(1, 0, one);
	return one[1] >> 8 & 0xff;
}

static enum pvn_status get_property(const struct partition *partition, uint32_t property, uint64_t *value)
{
	switch (property) {
	case PVN_PROPERTY_PRIVILEGES: *value = partition->privileges; break;
	case PVN_PROPERTY_CPU_RESERVE: *value = partition->cpu_reserve; break;
	case PVN_PROPERTY_CPU_CAP: *value = partition->cpu_cap; break;
	case PVN_PROPERTY_CPU_WEIGHT: *value = partition->cpu_weight; break;
	case PVN_PROPERTY_PROCESSOR_VENDOR: *value = processor_vendor(); break;
	case PVN_PROPERTY_PROCESSOR_FEATURES: *value = cpuid_features(0) & partition->features[0]; break;
	case PVN_PROPERTY_XSAVE_FEATURES: *value = cpuid_features(1) & partition->features[1]; break;
	case PVN_PROPERTY_CACHE_LINE: *value = cache_line(); break;
	default: return PVN_STATUS_UNKNOWN_PROPERTY;
	}
	return PVN_STATUS_SUCCESS;
}

HC_ABOUT(get_partition_property, find_for_property)
{
	SPIN_HOLD(&target->lock);

	return get_property(target, in->property, &out->value);
}

/* Of those that are allowed; and a running guest does not see them change. */
static enum pvn_status set_bits(const struct partition *partition, uint64_t *field, uint64_t value,
				uint64_t allowed)
{
	if (partition->state != PARTITION_UNINITIALIZED)
		return PVN_STATUS_INVALID_PARTITION_STATE;
	if (value & ~allowed)
		return PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
	*field = value;
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status set_number(uint32_t *field, uint64_t value, uint64_t low, uint64_t high)
{
	if (value < low || value > high)
		return PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
	__atomic_store_n(field, (uint32_t)value, __ATOMIC_RELAXED);
	return PVN_STATUS_SUCCESS;
}

/* Of what this processor has; the root has its own. */
static enum pvn_status set_features(struct partition *partition, unsigned int set, uint64_t value)
{
	return partition->is_root ? PVN_STATUS_OPERATION_DENIED :
	       set_bits(partition, &partition->features[set], value, cpuid_features(set));
}

/* [TLFS 2.0 5.2 "Partition Properties"] */
static enum pvn_status set_property(struct hc_call *call, struct partition *partition,
				    uint32_t property, uint64_t value)
{
	switch (property) {
	case PVN_PROPERTY_PRIVILEGES:	/* nobody gives what they do not have */
		return set_bits(partition, &partition->privileges, value, call->caller->privileges);
	case PVN_PROPERTY_CPU_RESERVE:
		return set_number(&partition->cpu_reserve, value, 0, partition->cpu_cap);
	case PVN_PROPERTY_CPU_CAP:
		return set_number(&partition->cpu_cap, value, partition->cpu_reserve, CPU_SHARE_ONE);
	case PVN_PROPERTY_CPU_WEIGHT: return set_number(&partition->cpu_weight, value, 1, WEIGHT_MAX);
	case PVN_PROPERTY_PROCESSOR_FEATURES: return set_features(partition, 0, value);
	case PVN_PROPERTY_XSAVE_FEATURES: return set_features(partition, 1, value);
	case PVN_PROPERTY_CACHE_LINE:
		return value == cache_line() ? PVN_STATUS_SUCCESS : PVN_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
	case PVN_PROPERTY_PROCESSOR_VENDOR:
		return PVN_STATUS_OPERATION_DENIED;
	default: return PVN_STATUS_UNKNOWN_PROPERTY;
	}
}

HC_ABOUT(set_partition_property, find_for_property)
{
	enum pvn_status status = PVN_STATUS_INVALID_PARTITION_STATE;

	/* A root that stands still stops everybody. */
	if (target->is_root &&
	    (in->property == PVN_PROPERTY_CPU_CAP || in->property == PVN_PROPERTY_CPU_RESERVE))
		return PVN_STATUS_OPERATION_DENIED;
	if (in->property == PVN_PROPERTY_CPU_RESERVE && in->value <= CPU_SHARE_ONE &&
	    !partition_reserves_fit(target, in->value, 0))
		return PVN_STATUS_OPERATION_DENIED;
	SPIN_HOLD(&target->lock);
	if (target->state <= PARTITION_ACTIVE)
		status = set_property(call, target, in->property, in->value);
	return status;
}

HC(get_partition_id)
{
	out->partition_id = call->caller->id;
	return PVN_STATUS_SUCCESS;
}

HC(get_next_child_partition)
{
	struct partition *parent;
	enum pvn_status status = partition_may(call->caller, PVN_PRIVILEGE_CREATE_PARTITIONS) ?
		hc_find_self_or_child(call, in->parent_id, &parent) : PVN_STATUS_ACCESS_DENIED;

	if (status == PVN_STATUS_SUCCESS)
		out->next_id = partition_next_child(parent, in->previous_id);
	return status;
}
