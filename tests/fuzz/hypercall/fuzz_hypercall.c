// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for calls: the real dispatcher and handlers on the fake machine, under
 * sanitizers, driven by programs of bytecode.h. The calls of a program, made by the root
 * and by its children, must leave no lock held, and after everything was taken down
 * pages, partitions, VPs, ports and connections must be what they were.
 *
 *	fuzz_hypercall CALLS [SEED]	so many calls in programs of 2,000 steps
 */
#include "fake_machine.h"

#include <stdio.h>
#include <stdlib.h>

#include <pvn/abi/expand.h>

#include "bytecode.h"
#include "errors.h"

#define STEPS		2000
#define POOL_PAGE	0x1400ull	/* from 20 MiB up */
#define POOL_PAGES	512ull
#define MEMORY_PAGE	0x1800ull
#define MEMORY_PAGES	64ull

static uint64_t noise_state;

static uint64_t next_noise(struct bytecode *program)
{
	(void)program;
	noise_state ^= noise_state >> 12;
	noise_state ^= noise_state << 25;
	noise_state ^= noise_state >> 27;
	return noise_state * 0x2545f4914f6cdd1dull;
}

static struct vp *vp_of(struct bytecode *program, unsigned int caller)
{
	struct partition *partition;
	struct vp *vp;

	if (caller == BYTECODE_CHILDREN)
		return machine.root_vp;
	partition = partition_get(program->child[caller]);
	if (!partition)
		return machine.root_vp;
	vp = partition->vps[0];
	/* What does not run makes no calls. */
	if (!partition_is_active(partition) ||
	    (vp && __atomic_load_n(&vp->stop_reasons, __ATOMIC_RELAXED) & VP_STOP_DYING))
		vp = NULL;
	partition_put(partition);
	return vp ? vp : machine.root_vp;
}

static bool is_flush(uint64_t control)
{
	unsigned int code = control & PVN_CONTROL_CODE_MASK;

	return code == PVN_CALL_flush_virtual_address_space ||
	       code == PVN_CALL_flush_virtual_address_list ||
	       code == PVN_CALL_flush_virtual_address_space_ex ||
	       code == PVN_CALL_flush_virtual_address_list_ex;
}

/* Nothing is returned that is not said of the row. */
static void check_status(uint64_t control, uint64_t result)
{
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *row = &pvn_calls[i];
		const struct row_errors *errors = row_errors_of(row->code);

		if (row->code != (control & PVN_CONTROL_CODE_MASK))
			continue;
		assert_non_null(errors);
		if (!(ERRORS_BIT(pvn_result_status(result)) &
		      (errors->must | errors->may | row_errors_general(row->privilege))))
			fail_msg("%s returned status %#x, which tests/abi/errors.def does not have",
				 row->name, pvn_result_status(result));
	}
}

/* A child's parameters lie in its own page 1, its output in page 2. */
static uint64_t call(struct bytecode *program, unsigned int caller, uint64_t control, uint64_t in,
		     uint64_t out)
{
	struct vp *vp = vp_of(program, caller);
	uint64_t rip = vp->regs.rip;
	unsigned int executions = 0;

	if (vp != machine.root_vp) {
		fake_enlighten(vp);
		gpa_map_copy_out(&vp->partition->map, gpa(PAGE_SIZE), program->in, PAGE_SIZE);
		in = in == program->in_gpa ? PAGE_SIZE : in;
		out = out == program->out_gpa ? 2 * PAGE_SIZE : out;
	}
	memcpy(machine.xmm, program->in + 16, sizeof(machine.xmm));
	machine.cpu[0].current = vp;
	vp->regs.gpr[RCX] = control;
	vp->regs.gpr[RDX] = in;
	vp->regs.gpr[R8] = out;
	do {
		/* Whose parent holds its translations waits for it, and may be ended meanwhile. */
		if (executions > 100 && caller != BYTECODE_CHILDREN && is_flush(control)) {
			vp->regs.gpr[RAX] = PVN_STATUS_SUCCESS;	/* not yet */
			break;
		}
		if (executions++ > 100000)
			fail_msg("call %#llx of caller %u does not end: words %#llx %#llx, "
				 "%u exceptions",
				 (unsigned long long)control, caller,
				 (unsigned long long)((uint64_t *)program->in)[0],
				 (unsigned long long)((uint64_t *)program->in)[1],
				 fake_vendor(vp)->exceptions_injected);
		hypercall_exit(vp, 3);
	} while (vp->regs.rip == rip);
	machine.cpu[0].current = machine.root_vp;
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_int_equal(machine.cpu[i].locks_held, 0);
	check_status(control, vp->regs.gpr[RAX]);
	return vp->regs.gpr[RAX];
}

static void run_steps(struct bytecode *program)
{
	for (unsigned int i = 0; i < STEPS; i++)
		bytecode_step(program);
	bytecode_end(program);
}

static uint64_t run_program(struct bytecode *program)
{
	struct pvn_get_census_out before, after;

	program->calls = 0;
	partition_census(&before);
	run_steps(program);
	partition_census(&after);
	if (memcmp(&before, &after, sizeof(before)))
		fail_msg("pages %llu of %llu free before, %llu of %llu after; partitions %llu, %llu; "
			 "VPs %llu, %llu; ports %llu, %llu; connections %llu, %llu; GPA pages %llu, %llu",
			 (unsigned long long)before.pages_free, (unsigned long long)before.pages_total,
			 (unsigned long long)after.pages_free, (unsigned long long)after.pages_total,
			 (unsigned long long)before.partitions, (unsigned long long)after.partitions,
			 (unsigned long long)before.vps, (unsigned long long)after.vps,
			 (unsigned long long)before.ports, (unsigned long long)after.ports,
			 (unsigned long long)before.connections, (unsigned long long)after.connections,
			 (unsigned long long)before.gpa_pages, (unsigned long long)after.gpa_pages);
	return program->calls;
}

static uint64_t wanted_calls;

static void fuzzed_calls_leave_nothing_behind(void **state)
{
	struct bytecode program = {
		.root = root_partition->id, .processors = FAKE_CPUS,
		.pool_page = POOL_PAGE, .pool_count = POOL_PAGES,
		.memory_page = MEMORY_PAGE, .memory_count = MEMORY_PAGES,
		.in_gpa = FAKE_IN, .out_gpa = FAKE_OUT,
		.in = root_memory(FAKE_IN), .out = root_memory(FAKE_OUT),
		.next = next_noise, .call = call,
	};
	uint64_t calls = 0, programs = 0;

	(void)state;
	/* The first connection of a partition makes an index, which stays as long as it. */
	bytecode_begin(&program);
	run_steps(&program);
	while (calls < wanted_calls) {
		calls += run_program(&program);
		if (++programs % 1000 == 0) {
			printf("# %llu calls, %llu of steps succeeded, next seed %#llx\n",
			       (unsigned long long)calls, (unsigned long long)program.good,
			       (unsigned long long)noise_state);
			fflush(stdout);
		}
	}
	printf("# %llu calls in %llu programs, %llu of steps succeeded\n", (unsigned long long)calls,
	       (unsigned long long)programs, (unsigned long long)program.good);
	assert_true(program.good > wanted_calls / 50);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { ON_FAKE_MACHINE(fuzzed_calls_leave_nothing_behind) };
	const char *calls = getenv("PARAVANE_CALLS");

	/* The environment asks for a long form of what ./test runs. */
	wanted_calls = strtoull(calls ? calls : argc > 1 ? argv[1] : "100000", NULL, 0);
	noise_state = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x9e3779b97f4a7c15ull;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
