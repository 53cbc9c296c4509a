// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Where things are in a guest's memory; see layout.h.
 */
#include "worker/layout.h"

#define MIB (1ull << 20)

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void plan_memory(struct layout *layout, uint64_t memory_bytes, uint64_t initrd_bytes)
{
	layout->memory_bytes = memory_bytes;
	layout->low_bytes = least(memory_bytes, LAYOUT_LOW_MAX);
	layout->high_bytes = memory_bytes - layout->low_bytes;
	layout->initrd_bytes = initrd_bytes;
	layout->initrd = 0;
}

static int too_little(struct pvn_problem *problem, uint64_t memory_bytes, uint64_t need)
{
	return pvn_fail(problem, PVN_EXIT_FAILED, "memory", "give the guest more memory",
			"%llu MiB of memory are too little: kernel and initrd need %llu MiB",
			(unsigned long long)(memory_bytes / MIB),
			(unsigned long long)(need / MIB + 1));
}

int layout_plan(struct layout *layout, uint64_t memory_bytes, const struct bzimage *kernel,
		uint64_t initrd_bytes, struct pvn_problem *problem)
{
	uint64_t kernel_end, top;

	plan_memory(layout, memory_bytes, initrd_bytes);
	layout->kernel = kernel->preferred < LAYOUT_KERNEL_MIN ? LAYOUT_KERNEL_MIN :
								 kernel->preferred;
	kernel_end = layout->kernel + kernel->init_bytes;
	top = layout->low_bytes;
	if (initrd_bytes && top > kernel->initrd_max)
		top = kernel->initrd_max;
	if (top >= initrd_bytes)
		layout->initrd = (top - initrd_bytes) & ~0xfffull;
	if (kernel_end > layout->low_bytes || layout->initrd < kernel_end)
		return too_little(problem, memory_bytes, kernel_end + initrd_bytes);
	return 0;
}

int layout_plan_multiboot(struct layout *layout, uint64_t memory_bytes,
			  const struct multiboot *payload, uint64_t initrd_bytes,
			  struct pvn_problem *problem)
{
	uint64_t end = payload->end < LAYOUT_KERNEL_MIN ? LAYOUT_KERNEL_MIN : payload->end;

	plan_memory(layout, memory_bytes, initrd_bytes);
	layout->kernel = payload->low;
	if (initrd_bytes)
		layout->initrd = (end + 0xfff) & ~0xfffull;
	if (end > layout->low_bytes || layout->initrd > layout->low_bytes ||
	    initrd_bytes > layout->low_bytes - layout->initrd)
		return too_little(problem, memory_bytes, end + initrd_bytes);
	return 0;
}
