// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Flushes of guest translations: who is marked, who is kicked, who is waited for; and,
 * with threads for processors, that no old translation is used after a flush.
 */
#include "fake_machine.h"

#include <threads.h>

#define ROUNDS 5000
#define ALL    PVN_FLUSH_ALL_PROCESSORS
#define SPACES PVN_FLUSH_ALL_SPACES

static struct partition *child;

static unsigned int flush_space(uint64_t space, uint64_t flags, uint64_t mask)
{
	const struct pvn_flush_virtual_address_space_in in = {
		.address_space = space, .flags = flags, .processor_mask = mask };

	return root_call(PVN_CALL_flush_virtual_address_space, &in, sizeof(in), NULL, 0);
}

static unsigned int flush_list(uint64_t flags, uint64_t mask, unsigned int count, unsigned int *done)
{
	const struct pvn_flush_virtual_address_list_in in = { .flags = flags, .processor_mask = mask };
	uint64_t pages[400] = { 0x1000, 0x20fff };

	return root_rep_call(PVN_CALL_flush_virtual_address_list, count, &in, sizeof(in), pages,
			     count * sizeof(pages[0]), NULL, 0, done);
}

static unsigned int flush_set(uint64_t format, uint64_t banks, const uint64_t *bank, unsigned int count)
{
	struct { struct pvn_flush_virtual_address_space_ex_in in; uint64_t bank[8]; } input = {
		.in = { .flags = SPACES, .vp_set_format = format, .vp_set_banks = banks } };

	memcpy(input.bank, bank, count * sizeof(*bank));
	memcpy(root_memory(FAKE_IN), &input, sizeof(input));
	return pvn_result_status(fake_hypercall(machine.root_vp, PVN_CALL_flush_virtual_address_space_ex |
						(uint64_t)count << PVN_CONTROL_VARHEAD_SHIFT, FAKE_IN, 0));
}

static bool take_mark(struct vp *vp)
{
	return __atomic_exchange_n(&vp->map_generation_seen, 0, __ATOMIC_SEQ_CST) == ~0ull;
}

static void forget_marks(void)
{
	for (unsigned int i = 0; i < 2; i++)
		root_partition->vps[i]->map_generation_seen = 0;
}

static void those_in_the_mask_drop_their_translations(void **state)
{
	(void)state;
	child = partition_of(make_child(2));
	child->vps[0]->map_generation_seen = child->vps[1]->map_generation_seen = 0;
	forget_marks();
	assert_int_equal(flush_space(0x1000, 0, 1ull << 1), PVN_STATUS_SUCCESS);
	assert_false(take_mark(root_partition->vps[0]));
	assert_true(take_mark(root_partition->vps[1]));
	assert_int_equal(flush_space(0x1000, PVN_FLUSH_NON_GLOBAL, 1), PVN_STATUS_SUCCESS);
	assert_true(take_mark(root_partition->vps[0]));
	assert_int_equal(flush_space(0x1000, ALL, 0), PVN_STATUS_SUCCESS);
	assert_true(take_mark(root_partition->vps[0]));
	assert_true(take_mark(root_partition->vps[1]));
	/* Those that do not exist are ignored, and other partitions are not concerned. */
	assert_int_equal(flush_space(0x1000, 0, ~0ull), PVN_STATUS_SUCCESS);
	assert_false(take_mark(child->vps[0]));
	assert_false(take_mark(child->vps[1]));
}

static void only_those_in_their_guest_are_kicked(void **state)
{
	struct vp *other = root_partition->vps[1];

	(void)state;
	other->cpu = &machine.cpu[2];
	machine.cpu[2].current = other;
	assert_int_equal(flush_space(0, SPACES, 2), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.kicks[2], 0);
	machine.cpu[2].entry_generation = 7;
	assert_int_equal(flush_space(0, SPACES, 2), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.kicks[2], 1);
	/* In a guest, but in another one. */
	machine.cpu[2].entry_generation = 9;
	machine.cpu[2].current = machine.root_vp;
	assert_int_equal(flush_space(0, SPACES, 2), PVN_STATUS_SUCCESS);
	assert_int_equal(machine.kicks[2], 1);
	machine.cpu[2].current = NULL;
}

static void a_list_flushes_once(void **state)
{
	struct vp *other = root_partition->vps[1];
	unsigned int done;

	(void)state;
	other->cpu = &machine.cpu[2];
	machine.cpu[2].current = other;
	machine.cpu[2].entry_generation = 7;
	assert_int_equal(flush_list(SPACES, 3, 400, &done), PVN_STATUS_SUCCESS);
	assert_int_equal(done, 400);
	assert_int_equal(machine.kicks[2], 1);
	assert_true(take_mark(other));
	machine.cpu[2].current = NULL;
}

static void bad_flags_spaces_and_masks_are_refused(void **state)
{
	unsigned int done;

	(void)state;
	forget_marks();
	assert_int_equal(flush_space(0, 8, 1), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(flush_space(0, 1ull << 63, 1), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(flush_space(1ull << 52, 0, 1), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(flush_space(1ull << 52, SPACES, 1), PVN_STATUS_SUCCESS);
	assert_true(take_mark(root_partition->vps[0]));
	assert_int_equal(flush_space(0, SPACES, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(flush_list(PVN_FLUSH_NON_GLOBAL, 1, 2, &done), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(done, 0);
	assert_false(take_mark(root_partition->vps[0]));
	assert_false(take_mark(root_partition->vps[1]));
}

static void sparse_sets_name_processors_by_bank(void **state)
{
	uint64_t bank[3] = { 2, ~0ull, ~0ull };

	(void)state;
	forget_marks();
	assert_int_equal(flush_set(PVN_VP_SET_SPARSE, 1, bank, 1), PVN_STATUS_SUCCESS);
	assert_false(take_mark(root_partition->vps[0]));
	assert_true(take_mark(root_partition->vps[1]));
	/* Banks that no partition reaches are there and name nobody. */
	assert_int_equal(flush_set(PVN_VP_SET_SPARSE, 1ull << 63 | 5, bank, 3), PVN_STATUS_SUCCESS);
	assert_false(take_mark(root_partition->vps[0]));
	assert_true(take_mark(root_partition->vps[1]));
	assert_int_equal(flush_set(PVN_VP_SET_SPARSE, 2, bank + 1, 1), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(flush_set(PVN_VP_SET_ALL, 0, bank, 0), PVN_STATUS_SUCCESS);
	assert_true(take_mark(root_partition->vps[0]));
	assert_true(take_mark(root_partition->vps[1]));
	assert_int_equal(flush_set(PVN_VP_SET_SPARSE, 3, bank, 1), PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(flush_set(PVN_VP_SET_SPARSE, 0, bank, 1), PVN_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(flush_set(2, 1, bank, 1), PVN_STATUS_INVALID_PARAMETER);
	assert_false(take_mark(root_partition->vps[0]));
}

static void a_space_is_switched_and_its_translations_dropped(void **state)
{
	struct vp *vp = machine.root_vp;
	uint64_t value[2];

	(void)state;
	assert_int_equal(fake_hypercall(vp, PVN_CALL_switch_virtual_address_space | PVN_CONTROL_FAST,
					0x7000, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(vp_get_register(vp, PVN_REG_CR3, value), PVN_STATUS_SUCCESS);
	assert_int_equal(value[0], 0x7000);
	assert_int_equal(fake_vendor(vp)->flushes, 1);
}

/*
 * A processor and its TLB: enters, caches the page-table entry if its TLB is empty, uses
 * it, and leaves when it is kicked or by itself. The steps are those of sched.c's enter().
 */
static uint64_t entry;		/* what the guest's page table says */
static uint64_t forbidden;	/* no use of this value or an older one is allowed any more */
static unsigned int stale, entered;
static bool stop;

static int run_guest(void *cpu_index)
{
	struct cpu *cpu = &machine.cpu[(uintptr_t)cpu_index];
	struct vp *vp = cpu->current;
	uint64_t tlb = 0;

	fake_thread_cpu = cpu->index;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		uint64_t generation = __atomic_add_fetch(&cpu->entry_generation, 1, __ATOMIC_SEQ_CST);

		if (take_mark(vp))
			tlb = 0;
		for (unsigned int i = 0; i < 20; i++) {
			uint64_t limit = __atomic_load_n(&forbidden, __ATOMIC_SEQ_CST);

			if (__atomic_load_n(&cpu->entry_generation, __ATOMIC_SEQ_CST) != generation)
				break;
			if (!tlb)
				tlb = __atomic_load_n(&entry, __ATOMIC_SEQ_CST);
			if (tlb <= limit &&
			    __atomic_load_n(&cpu->entry_generation, __ATOMIC_SEQ_CST) == generation)
				stale++;
			thrd_yield();
		}
		/* A kick has made it even already. */
		__atomic_compare_exchange_n(&cpu->entry_generation, &generation, generation + 1, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		__atomic_fetch_add(&entered, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

static void nobody_uses_an_old_translation_after_a_flush(void **state)
{
	struct vp *vp = root_partition->vps[1];
	thrd_t guest;

	(void)state;
	vp->cpu = &machine.cpu[1];
	machine.cpu[1].current = vp;
	machine.threaded = true;
	stop = false;
	entry = 1;
	forbidden = stale = entered = 0;
	assert_int_equal(thrd_create(&guest, run_guest, (void *)1), thrd_success);
	for (unsigned int i = 0; i < ROUNDS || __atomic_load_n(&entered, __ATOMIC_RELAXED) < 100; i++) {
		uint64_t old = __atomic_fetch_add(&entry, 1, __ATOMIC_SEQ_CST);

		if (i % 16 == 0)
			thrd_yield();
		assert_int_equal(flush_space(0, SPACES, 2), PVN_STATUS_SUCCESS);
		__atomic_store_n(&forbidden, old, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	thrd_join(guest, NULL);
	machine.threaded = false;
	machine.cpu[1].current = NULL;
	assert_int_equal(stale, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(those_in_the_mask_drop_their_translations),
		ON_FAKE_MACHINE(only_those_in_their_guest_are_kicked),
		ON_FAKE_MACHINE(a_list_flushes_once),
		ON_FAKE_MACHINE(bad_flags_spaces_and_masks_are_refused),
		ON_FAKE_MACHINE(sparse_sets_name_processors_by_bank),
		ON_FAKE_MACHINE(a_space_is_switched_and_its_translations_dropped),
		ON_FAKE_MACHINE(nobody_uses_an_old_translation_after_a_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
