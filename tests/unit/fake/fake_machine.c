// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Boots the fake machine, and does what tests do over and over.
 */
#include "fake_machine.h"

#include <stdlib.h>

#define CODE_LONG_CPL0	(0x209bull << 48)
#define DATA_CPL0	(0xc093ull << 48)
#define INSN_BYTES	3

unsigned int fake_executions;
static uint64_t next_root_page;
static void *page_info;

/* The partition table outlives a test: each begins with one root and nothing else. */
static void forget_partitions(void)
{
	struct pvn_get_census_out census;

	partition_census(&census);
	assert_int_equal(census.partitions, 0);
	root_partition = NULL;
}

static void map_root(uint64_t from, uint64_t to)
{
	bool replaced = false;

	assert_int_equal(gpa_map_insert(&root_partition->map, gpa(from), hpa(from), to - from,
					GPA_ALL, &replaced), PVN_STATUS_SUCCESS);
}

static void start_cpus(void)
{
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		struct cpu *cpu = &machine.cpu[i];

		cpu->index = i;
		cpu->online = true;
		spinlock_init(&cpu->run_lock, LOCK_RUN_QUEUE);
		spinlock_init(&cpu->timer_lock, LOCK_TIMER_QUEUE);
		list_init(&cpu->run_queue);
		list_init(&cpu->timers);
		cpu->timer_programmed = cpu->timer_first = cpu->slice_end = cpu->cap_end = ~0ull;
	}
}

int fake_machine_setup(void **state)
{
	struct vp *vp;

	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.memory = aligned_alloc(LARGE_PAGE_SIZE, FAKE_MEMORY_BYTES);
	machine.tsc = 1000;
	machine.tsc_step = 1;
	start_cpus();
	forget_partitions();
	page_info = malloc(page_info_bytes(FAKE_PAGES));
	page_info_init(page_info, FAKE_PAGES);
	partition_create_root(hpa(FAKE_HYPERVISOR), FAKE_HYPERVISOR_BYTES >> PAGE_SHIFT);
	map_root(0, FAKE_HYPERVISOR);
	map_root(FAKE_HYPERVISOR + FAKE_HYPERVISOR_BYTES, FAKE_MEMORY_BYTES);
	map_root(FAKE_DEVICE, FAKE_DEVICE + LARGE_PAGE_SIZE);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(vp_create(root_partition, i, NUMA_ANY), PVN_STATUS_SUCCESS);
		vp = root_partition->vps[i];
		vp->stop_reasons = 0;
		fake_enlighten(vp);
	}
	machine.root_vp = root_partition->vps[0];
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		machine.cpu[i].current = machine.root_vp;
	memset(machine.memory, 0, FAKE_HYPERVISOR);
	next_root_page = (16ull << 20) >> PAGE_SHIFT;
	return 0;
}

int fake_machine_teardown(void **state)
{
	uint64_t child;

	(void)state;
	machine.tsc_step = 1;
	while ((child = partition_next_child(root_partition, 0)))
		remove_child(child);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_int_equal(machine.cpu[i].locks_held, 0);
	event_release_all(root_partition);
	list_remove(&root_partition->siblings);
	root_partition = NULL;
	free(page_info);
	free(machine.memory);
	return 0;
}

void *root_memory(uint64_t at) { return plat_hva(hpa(at)); }

void fake_enlighten(struct vp *vp)
{
	vp->partition->guest_os_id = 0x8100000000000000ull;
	fake_set_register(vp, PVN_REG_CS, 0, CODE_LONG_CPL0);
	fake_set_register(vp, PVN_REG_SS, 0, DATA_CPL0);
}

uint64_t fake_hypercall(struct vp *vp, uint64_t control, uint64_t in, uint64_t out)
{
	uint64_t rip = vp->regs.rip;

	vp->regs.gpr[RCX] = control;
	vp->regs.gpr[RDX] = in;
	vp->regs.gpr[R8] = out;
	fake_executions = 0;
	do {
		fake_executions++;
		assert_true(fake_executions < 100000);
		hypercall_exit(vp, INSN_BYTES);
	} while (vp->regs.rip == rip && !fake_vendor(vp)->exceptions_injected);
	return vp->regs.gpr[RAX];
}

enum pvn_status root_call(unsigned int code, const void *in, size_t in_bytes, void *out,
			  size_t out_bytes)
{
	uint64_t result;

	if (in_bytes)
		memcpy(root_memory(FAKE_IN), in, in_bytes);
	result = fake_hypercall(machine.root_vp, code, FAKE_IN, FAKE_OUT);
	if (out_bytes)
		memcpy(out, root_memory(FAKE_OUT), out_bytes);
	assert_int_equal(result >> 16, 0);
	return pvn_result_status(result);
}

enum pvn_status root_rep_call(unsigned int code, unsigned int count, const void *in, size_t in_bytes,
			      const void *list, size_t list_bytes, void *out, size_t out_bytes,
			      unsigned int *done)
{
	uint64_t result;

	assert_true(in_bytes + list_bytes <= PAGE_SIZE);
	memcpy(root_memory(FAKE_IN), in, in_bytes);
	if (list_bytes)
		memcpy((char *)root_memory(FAKE_IN) + in_bytes, list, list_bytes);
	result = fake_hypercall(machine.root_vp, pvn_control_rep(code, count, 0), FAKE_IN, FAKE_OUT);
	if (out_bytes)
		memcpy(out, root_memory(FAKE_OUT), out_bytes);
	if (done)
		*done = pvn_result_reps(result);
	return pvn_result_status(result);
}

uint64_t take_root_pages(unsigned int count)
{
	uint64_t first = next_root_page;

	next_root_page += count;
	assert_true(next_root_page < FAKE_HYPERVISOR >> PAGE_SHIFT);
	return first;
}

enum pvn_status deposit(uint64_t partition_id, uint64_t page, unsigned int count, unsigned int *done)
{
	uint64_t pages[511];

	assert_true(count <= 511);
	for (unsigned int i = 0; i < count; i++)
		pages[i] = page + i;
	return root_rep_call(PVN_CALL_deposit_memory, count, &partition_id, sizeof(partition_id),
			     pages, count * sizeof(pages[0]), NULL, 0, done);
}

enum pvn_status withdraw(uint64_t partition_id, unsigned int count, unsigned int *done)
{
	struct pvn_withdraw_memory_in in = { .partition_id = partition_id };

	return root_rep_call(PVN_CALL_withdraw_memory, count, &in, sizeof(in), NULL, 0, NULL, 0, done);
}

enum pvn_status map_pages(uint64_t partition_id, uint64_t target, uint64_t source, unsigned int count,
			  uint32_t flags)
{
	struct pvn_map_gpa_pages_in in = {
		.partition_id = partition_id, .target_page = target, .map_flags = flags };
	uint64_t pages[500];

	assert_true(count <= 500);
	for (unsigned int i = 0; i < count; i++)
		pages[i] = source + (flags & PVN_MAP_LARGE ? 512 * i : i);
	return root_rep_call(PVN_CALL_map_gpa_pages, count, &in, sizeof(in), pages,
			     count * sizeof(pages[0]), NULL, 0, NULL);
}

struct partition *partition_of(uint64_t id)
{
	struct partition *partition = partition_get(id);

	assert_non_null(partition);
	partition_put(partition);
	return partition;
}

uint64_t make_child(unsigned int vps)
{
	struct pvn_create_partition_in create = { 0 };
	uint64_t id;

	assert_int_equal(root_call(PVN_CALL_create_partition, &create, sizeof(create), &id,
				   sizeof(id)), PVN_STATUS_SUCCESS);
	assert_int_equal(deposit(id, take_root_pages(96), 96, NULL), PVN_STATUS_SUCCESS);
	assert_int_equal(root_call(PVN_CALL_initialize_partition, &id, sizeof(id), NULL, 0),
			 PVN_STATUS_SUCCESS);
	for (unsigned int i = 0; i < vps; i++) {
		struct pvn_create_vp_in in = { .partition_id = id, .vp_index = i };

		assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0),
				 PVN_STATUS_SUCCESS);
		fake_enlighten(partition_of(id)->vps[i]);
	}
	return id;
}

enum pvn_status finalize_child(uint64_t id)
{
	return root_call(PVN_CALL_finalize_partition, &id, sizeof(id), NULL, 0);
}

void remove_child(uint64_t id)
{
	if (partition_of(id)->state != PARTITION_UNINITIALIZED &&
	    partition_of(id)->state != PARTITION_FINALIZED)
		assert_int_equal(finalize_child(id), PVN_STATUS_SUCCESS);
	while (withdraw(id, 100, NULL) == PVN_STATUS_SUCCESS)
		;
	assert_int_equal(root_call(PVN_CALL_delete_partition, &id, sizeof(id), NULL, 0),
			 PVN_STATUS_SUCCESS);
}

void enable_synic(struct vp *vp, unsigned int sint, uint8_t vector)
{
	uint64_t page = (0x200 + 2 * vp->index) << PAGE_SHIFT;

	assert_true(lapic_write_msr(vp, 0x80f, 0x1ff));
	assert_true(synic_write_msr(vp, PVN_MSR_SIEFP, page | PVN_MSR_PAGE_ENABLE));
	assert_true(synic_write_msr(vp, PVN_MSR_SIMP, (page + PAGE_SIZE) | PVN_MSR_PAGE_ENABLE));
	assert_true(synic_write_msr(vp, PVN_MSR_SINT0 + sint, vector));
	assert_true(synic_write_msr(vp, PVN_MSR_SCONTROL, 1));
}

bool is_raised(struct vp *vp, uint8_t vector)
{
	return vp->lapic.irr[vector / 64] >> vector % 64 & 1;
}
