// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A bare-metal root partition: what only a root may do, with no Linux between it and the
 * hypervisor. Makes a child, maps and unmaps long lists of its own pages there, and marks
 * when. Prints "bench: ..." to the emulator's debug console and powers off.
 */
#include "marker.h"
#include "testguest.h"

#define POOL_PAGES	1024u
#define SOURCE_PAGES	2048u
/* What fits behind the head in one page. */
#define SPARSE_MAX ((PVN_PAGE_SIZE - sizeof(struct pvn_map_sparse_gpa_pages_in)) /	\
		    sizeof(struct pvn_map_sparse_gpa_pages_elem))
#define DEPOSIT_MAX ((PVN_PAGE_SIZE - sizeof(struct pvn_deposit_memory_in)) / sizeof(uint64_t))
#define TIMES		2000u
#define PM1_CONTROL	0x604u		/* where the emulator's firmware puts it */
#define PM1_SLEEP	0x2000u

static uint8_t pool[POOL_PAGES][PVN_PAGE_SIZE] PAGE_ALIGNED;
static uint8_t source[SOURCE_PAGES][PVN_PAGE_SIZE] PAGE_ALIGNED;

void testguest_main(const uint8_t *boot_params);

void power_off(void)
{
	for (;;)
		__asm__ volatile("outw %w0, %w1" : : "a"(PM1_SLEEP), "Nd"(PM1_CONTROL) : "memory");
}

void test_fail(const char *file, int line, const char *format, ...)
{
	print("bench: failed: %s:%d: %s\n", file, line, format);
	power_off();
}

void test_skip(const char *format, ...)
{
	print("bench: failed: %s\n", format);
	power_off();
}

static void need_success(const char *what, uint64_t result)
{
	if (pvn_result_status(result) == PVN_STATUS_SUCCESS)
		return;
	print("bench: failed: %s: %s\n", what, status_name(pvn_result_status(result)));
	power_off();
}

/* All elements of a list that lies in call_in; the hypervisor may stop in between. */
static void call_list(const char *what, uint16_t code, unsigned int count)
{
	unsigned int done = 0;

	while (done < count) {
		uint64_t result = hypercall_memory(pvn_control_rep(code, count, done));

		need_success(what, result);
		done = pvn_result_reps(result);
	}
}

static uint64_t page_of(const void *memory)
{
	return (uint64_t)memory / PVN_PAGE_SIZE;
}

static void deposit(uint64_t child)
{
	struct pvn_deposit_memory_in *in = (void *)call_in;
	uint64_t *list = (void *)(call_in + sizeof(*in));

	for (unsigned int at = 0; at < POOL_PAGES;) {
		unsigned int count = 0;

		in->partition_id = child;
		for (; count < DEPOSIT_MAX && at < POOL_PAGES; count++)
			list[count] = page_of(pool[at++]);
		call_list("deposit", PVN_CALL_deposit_memory, count);
	}
}

static uint64_t make_child(void)
{
	const struct pvn_create_partition_in in = { .proximity_id = 0 };
	struct pvn_create_partition_out out;
	struct pvn_initialize_partition_in initialize;

	need_success("create", call_create_partition(&in, &out));
	deposit(out.partition_id);
	initialize.partition_id = out.partition_id;
	need_success("initialize", call_initialize_partition(&initialize, NULL));
	return out.partition_id;
}

/* Full lists only: count is a multiple of what fits, and the list is ready before. */
static unsigned int map_sparse(uint64_t child, bool marked)
{
	struct pvn_map_sparse_gpa_pages_in *in = (void *)call_in;
	struct pvn_map_sparse_gpa_pages_elem *list = (void *)(call_in + sizeof(*in));
	unsigned int at, count = 0;

	memset(call_in, 0, sizeof(call_in));
	for (at = 0; at + SPARSE_MAX <= SOURCE_PAGES; at += SPARSE_MAX) {
		in->partition_id = child;
		in->map_flags = PVN_MAP_READ | PVN_MAP_WRITE | PVN_MAP_EXECUTE;
		for (count = 0; count < SPARSE_MAX; count++) {
			list[count].target_page = at + count;
			list[count].source_page = page_of(source[at + count]);
		}
		if (marked)
			WINDOW_BEGIN(WINDOW_MAP);
		call_list("map", PVN_CALL_map_sparse_gpa_pages, count);
		if (marked)
			WINDOW_END(WINDOW_MAP);
	}
	return at;
}

static void unmap(uint64_t child, unsigned int count)
{
	struct pvn_unmap_gpa_pages_in *in = (void *)call_in;

	memset(call_in, 0, sizeof(*in));
	in->partition_id = child;
	call_list("unmap", PVN_CALL_unmap_gpa_pages, count);
}

static void null_calls(unsigned int times)
{
	for (unsigned int i = 0; i < times; i++)
		hypercall(PVN_CALL_notify_long_spin_wait | PVN_CONTROL_FAST, 1, 0);
}

void testguest_main(const uint8_t *boot_params)
{
	unsigned int count;
	uint64_t child;

	(void)boot_params;
	vp_init(0);
	vp_at(0)->online = true;
	hypercall_enable();
	null_calls(1);
	WINDOW_BEGIN(WINDOW_HYPERCALL);
	null_calls(TIMES);
	WINDOW_END(WINDOW_HYPERCALL);
	child = make_child();
	/* Once for the tables. */
	count = map_sparse(child, false);
	unmap(child, count);
	map_sparse(child, true);
	WINDOW_BEGIN(WINDOW_UNMAP);
	unmap(child, count);
	WINDOW_END(WINDOW_UNMAP);
	print("bench: done %u %u\n", (unsigned int)SPARSE_MAX, count);
	power_off();
}
