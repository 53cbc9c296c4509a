/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A partition's reference time: 100 ns units since its creation, from the TSC by one
 * multiplication [TLFS 2.0 15.3 "Reference Counter"]. The reference TSC page hands the
 * guest the same scale and offset, so that its own computation and the MSR agree exactly.
 * Pure; takes no locks.
 */
#include "core/partition.h"
#include "core/platform.h"

#define REFERENCE_HZ 10000000ull

/*
 * floor(high * 2^64 / divisor) for high < divisor: one instruction, where the compiler's own
 * 128-bit division would need a library that we do not have.
 */
static uint64_t divide_shifted(uint64_t high, uint64_t divisor, bool *exact)
{
	uint64_t quotient, rest;

	__asm__("divq %4" : "=a"(quotient), "=d"(rest) : "0"(0ull), "1"(high), "r"(divisor) : "cc");
	*exact = !rest;
	return quotient;
}

/*
 * Reference units per TSC tick, times 2^64. Computed once, since the frequency never
 * changes after boot; processors that race here store equal values, and the release
 * store of the frequency comes after the scale that belongs to it.
 */
static uint64_t reference_scale(void)
{
	static uint64_t scale_hz, scale;
	uint64_t hz = plat_tsc_hz();

	if (__atomic_load_n(&scale_hz, __ATOMIC_ACQUIRE) != hz) {
		bool exact;

		ASSERT(hz > REFERENCE_HZ);
		__atomic_store_n(&scale, divide_shifted(REFERENCE_HZ, hz, &exact), __ATOMIC_RELAXED);
		__atomic_store_n(&scale_hz, hz, __ATOMIC_RELEASE);
	}
	return __atomic_load_n(&scale, __ATOMIC_RELAXED);
}

static uint64_t scale_ticks(uint64_t ticks, uint64_t scale) { return (unsigned __int128)ticks * scale >> 64; }

uint64_t reference_units(uint64_t tsc_ticks) { return scale_ticks(tsc_ticks, reference_scale()); }

uint64_t partition_reference_time(const struct partition *partition, uint64_t tsc)
{
	uint64_t scale = reference_scale();

	return scale_ticks(tsc, scale) - scale_ticks(partition->reference_start, scale);
}

uint64_t partition_reference_to_tsc(const struct partition *partition, uint64_t reference)
{
	uint64_t scale = reference_scale(), target, tsc;
	bool exact;

	/* Beyond what 64 bits of TSC can reach: never. */
	if (__builtin_add_overflow(reference, scale_ticks(partition->reference_start, scale),
				   &target) || target >= scale)
		return ~0ull;
	tsc = divide_shifted(target, scale, &exact);
	/* Rounded up, because a timer may be late but never early. */
	return exact || tsc == ~0ull ? tsc : tsc + 1;
}

void partition_fill_tsc_page(struct partition *partition, bool enabled)
{
	struct pvn_reference_tsc_page *page = partition->tsc_page;
	uint64_t scale = reference_scale();

	/*
	 * Pairs with the guest's reading loop: sequence 0 sends it to the MSR while the
	 * rest changes, and it takes nothing that it read before the sequence moved.
	 */
	__atomic_store_n(&page->sequence, 0, __ATOMIC_SEQ_CST);
	if (!enabled)
		return;
	__atomic_store_n(&page->scale, scale, __ATOMIC_RELAXED);
	__atomic_store_n(&page->offset, -scale_ticks(partition->reference_start, scale), __ATOMIC_RELAXED);
	__atomic_store_n(&page->sequence, 1, __ATOMIC_RELEASE);
}
