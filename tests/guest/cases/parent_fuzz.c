// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Programs of random calls (tests/fuzz/hypercall/bytecode.h) from the root of a running
 * hypervisor, whose children run meanwhile. "calls=N" on the command line is how many.
 */
#include "parent.h"

#include "../../fuzz/hypercall/bytecode.h"

#define ROOT_ID		1ull
#define STEPS		2000u
#define CALLS		20000u

static struct random noise = { 0x9e3779b97f4a7c15ull };
static struct pvn_message_page slots PAGE_ALIGNED;

static uint64_t next_noise(struct bytecode *program)
{
	(void)program;
	return random_next(&noise);
}

/* These do to the caller what they should: interrupt it anywhere, and change its page tables. */
static bool does_what_it_should(uint16_t code)
{
	return code == PVN_CALL_send_synthetic_cluster_ipi ||
	       code == PVN_CALL_send_synthetic_cluster_ipi_ex ||
	       code == PVN_CALL_switch_virtual_address_space;
}

static uint64_t call(struct bytecode *program, unsigned int caller, uint64_t control, uint64_t in,
		     uint64_t out)
{
	struct fast_block block;

	(void)caller;
	if (does_what_it_should((uint16_t)control)) {
		program->calls--;
		return PVN_STATUS_ACCESS_DENIED;
	}
	if (!(control & PVN_CONTROL_FAST))
		return hypercall(control, in, out);
	memcpy(&block, program->in, sizeof(block));
	return hypercall_fast(control, &block);
}

static void run_steps(struct bytecode *program)
{
	for (unsigned int i = 0; i < STEPS; i++)
		bytecode_step(program);
	bytecode_end(program);
}

static struct pvn_get_census_out census(void)
{
	struct pvn_get_census_out out;

	expect_status("get_census", call_get_census(NULL, &out), SUCCESS);
	return out;
}

CASE(fuzzed_calls_leave_nothing_behind)
{
	struct bytecode program = {
		.root = ROOT_ID, .processors = 2,
		.pool_page = POOL_PAGE, .pool_count = 256,
		.memory_page = MEMORY_PAGE, .memory_count = 64,
		.in_gpa = (uint64_t)call_in, .out_gpa = (uint64_t)call_out,
		.in = call_in, .out = call_out, .next = next_noise, .call = call,
	};
	uint64_t wanted = command_number("calls=", CALLS), told = 0;
	struct pvn_get_census_out before, after;

	/* Messages of children have a place to go, and stay there. */
	wrmsr(PVN_MSR_SIMP, (uint64_t)&slots | PVN_MSR_PAGE_ENABLE);
	wrmsr(PVN_MSR_SCONTROL, 1);
	is_fuzzing = true;
	bytecode_begin(&program);
	run_steps(&program);
	before = census();
	for (program.calls = program.good = 0; program.calls < wanted;) {
		run_steps(&program);
		after = census();
		if (memcmp(&before, &after, sizeof(before)))
			test_fail(__FILE__, __LINE__,
				  "after %lu calls: pages %lu of %lu free, not %lu of %lu; "
				  "partitions %lu, %lu; VPs %lu, %lu; ports %lu, %lu; GPA pages %lu, %lu",
				  program.calls, after.pages_free, after.pages_total, before.pages_free,
				  before.pages_total, after.partitions, before.partitions, after.vps,
				  before.vps, after.ports, before.ports, after.gpa_pages,
				  before.gpa_pages);
		if (program.calls - told >= 1000000) {
			told = program.calls;
			print("note: %lu calls, %lu of steps succeeded\n", told, program.good);
		}
	}
	is_fuzzing = false;
	print("note: %lu calls, %lu of steps succeeded\n", program.calls, program.good);
	expect(program.good > wanted / 50, "too little of it does anything");
}
