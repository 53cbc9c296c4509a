// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * System management mode: what the save area has and where, how the handler begins, what RSM
 * brings back, and what hostile save areas do.
 */
#include "fake_machine.h"

#define MEMORY	0x30000ull		/* of the child, from there on: SMRAM */
#define AREA	(MEMORY + 0xfe00)

static struct vp *vp;
static uint8_t *smram;			/* what is at MEMORY */

static void make_vp(void)
{
	uint64_t id = make_child(1), page = take_root_pages(64);

	vp = partition_of(id)->vps[0];
	assert_int_equal(map_pages(id, MEMORY >> PAGE_SHIFT, page, 32, 7), PVN_STATUS_SUCCESS);
	smram = root_memory(page << PAGE_SHIFT);
	enable_synic(machine.root_vp, PVN_SINT_INTERCEPTS, 0x60);
	for (uint32_t i = 0; i < 16; i++)
		vp->regs.gpr[i] = 0x1000000000000000ull + i;
	vp->regs.rip = 0xffffffff81001234ull;
	vp->regs.rflags = 0x246;
	fake_set_register(vp, PVN_REG_CR0, 0x80050033, 0);
	fake_set_register(vp, PVN_REG_CR0 + 2, 0x123000, 0);
	fake_set_register(vp, PVN_REG_CR0 + 3, 0x6b0, 0);
	fake_set_register(vp, PVN_REG_EFER, 0xd01, 0);
	fake_set_register(vp, PVN_REG_DR0 + 4, 0xffff0ff0, 0);
	fake_set_register(vp, PVN_REG_DR0 + 5, 0x455, 0);
	for (uint32_t i = 0; i < 8; i++)
		fake_set_register(vp, PVN_REG_ES + i, 0x100000ull * i,
				  (0xa090ull + i) << 48 | (uint64_t)(8 * i) << 32 | (0xfff0 + i));
	fake_set_register(vp, PVN_REG_GDTR, 0x7full << 48, 0xfffffe0000001000ull);
	fake_set_register(vp, PVN_REG_IDTR, 0xfffull << 48, 0xfffffe0000000000ull);
	fake_set_register(vp, PVN_REG_INTERRUPT_STATE, 1, 0);
}

static uint64_t word(unsigned int at)
{
	uint64_t value;

	memcpy(&value, smram + at, sizeof(value));
	return value;
}

static void set_word(unsigned int at, uint64_t value) { memcpy(smram + at, &value, sizeof(value)); }

static uint64_t get(uint32_t name, unsigned int half)
{
	uint64_t value[2];

	assert_int_equal(vp_get_register(vp, name, value), PVN_STATUS_SUCCESS);
	return value[half];
}

static const uint32_t names[] = {
	PVN_REG_CR0, PVN_REG_CR0 + 2, PVN_REG_CR0 + 3, PVN_REG_EFER, PVN_REG_DR0 + 4, PVN_REG_DR0 + 5,
	PVN_REG_ES, PVN_REG_ES + 1, PVN_REG_ES + 2, PVN_REG_ES + 3, PVN_REG_ES + 4, PVN_REG_ES + 5,
	PVN_REG_ES + 6, PVN_REG_ES + 7, PVN_REG_GDTR, PVN_REG_IDTR, PVN_REG_INTERRUPT_STATE,
	PVN_REG_RIP, PVN_REG_RFLAGS, PVN_REG_RAX, PVN_REG_RAX + 4, PVN_REG_RAX + 15,
};
#define NAMES (sizeof(names) / sizeof(names[0]))

static void all_registers(uint64_t out[NAMES][2])
{
	for (unsigned int i = 0; i < NAMES; i++)
		assert_int_equal(vp_get_register(vp, names[i], out[i]), PVN_STATUS_SUCCESS);
}

static void the_save_area_is_as_the_manual_has_it(void **state)
{
	(void)state;
	make_vp();
	smm_enter(vp);
	assert_true(vp->in_smm);
	assert_int_equal(word(0xfe10), 0x0000fff1a0910008ull);	/* CS: selector, attributes, limit */
	assert_int_equal(word(0xfe18), 0x100000);
	assert_int_equal(word(0xfe50), 0x0000fff5a0950028ull);	/* GS */
	assert_int_equal(word(0xfe64) & 0xffff, 0x7f);		/* limit of GDTR */
	assert_int_equal(word(0xfe68), 0xfffffe0000001000ull);
	assert_int_equal(word(0xfe70), 0x0000fff6a0960030ull);	/* LDTR */
	assert_int_equal(word(0xfe84) & 0xffff, 0xfff);		/* IDTR */
	assert_int_equal(word(0xfe88), 0xfffffe0000000000ull);
	assert_int_equal(word(0xfe98), 0x700000);		/* base of TR */
	assert_int_equal(smram[0xfec9], 0);
	assert_int_equal(smram[0xfecb], 1);
	assert_int_equal(word(0xfed0), 0xd01);
	assert_int_equal((uint32_t)word(0xfefc), 0x20064);
	assert_int_equal((uint32_t)word(0xff00), 0x30000);
	assert_int_equal(word(0xff48), 0x6b0);
	assert_int_equal(word(0xff50), 0x123000);
	assert_int_equal(word(0xff58), 0x80050033);
	assert_int_equal(word(0xff60), 0x455);
	assert_int_equal(word(0xff68), 0xffff0ff0);
	assert_int_equal(word(0xff70), 0x246);
	assert_int_equal(word(0xff78), 0xffffffff81001234ull);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(word(0xfff8 - 8 * i), 0x1000000000000000ull + i);
}

static void the_handler_begins_in_flat_real_mode(void **state)
{
	unsigned int flushes;

	(void)state;
	make_vp();
	flushes = fake_vendor(vp)->flushes;
	smm_enter(vp);
	assert_int_equal(vp->regs.rip, 0x8000);
	assert_int_equal(vp->regs.rflags, 2);
	assert_int_equal(get(PVN_REG_CS, 0), 0x30000);
	assert_int_equal(get(PVN_REG_CS, 1), 0x809b3000ffffffffull);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal((uint32_t)get(PVN_REG_ES + i, 1), 0xffffffff);
		if (i != 1)
			assert_int_equal(get(PVN_REG_ES + i, 0), 0);
	}
	assert_int_equal(get(PVN_REG_CR0, 0), 0x80050033 & ~0x8000000dull);
	assert_int_equal(get(PVN_REG_CR0 + 3, 0), 0);
	assert_int_equal(get(PVN_REG_EFER, 0), 0);
	assert_int_equal(get(PVN_REG_DR0 + 5, 0), 0x400);
	assert_int_equal(get(PVN_REG_INTERRUPT_STATE, 0), 0);
	assert_int_equal(vp->regs.gpr[RBX], 0x1000000000000003ull);
	assert_int_equal(fake_vendor(vp)->flushes, flushes + 1);
}

static void rsm_brings_everything_back(void **state)
{
	uint64_t before[NAMES][2], after[NAMES][2];

	(void)state;
	make_vp();
	all_registers(before);
	smm_enter(vp);
	memset(vp->regs.gpr, 0, sizeof(vp->regs.gpr));
	smm_leave(vp);
	all_registers(after);
	assert_memory_equal(before, after, sizeof(before));
	assert_false(vp->in_smm);
	/* What the handler has written is what comes. */
	smm_enter(vp);
	set_word(0xfff8, 0x77);
	set_word(0xff78, 0x1000);
	smm_leave(vp);
	assert_int_equal(vp->regs.gpr[RAX], 0x77);
	assert_int_equal(vp->regs.rip, 0x1000);
}

static void a_halted_vp_halts_again_unless_the_handler_says_no(void **state)
{
	(void)state;
	make_vp();
	vp->halted = true;
	smm_enter(vp);
	assert_false(vp->halted);
	assert_int_equal(smram[0xfec9], 0xff);
	smm_leave(vp);
	assert_true(vp->halted);
	smm_enter(vp);
	smram[0xfec9] = 0;
	smm_leave(vp);
	assert_false(vp->halted);
	/* The idle register only wakes. */
	vp->halted = vp->idle = true;
	smm_enter(vp);
	assert_int_equal(smram[0xfec9], 0);
	smm_leave(vp);
	assert_false(vp->halted || vp->idle);
}

static void smbase_moves_through_the_save_area(void **state)
{
	(void)state;
	make_vp();
	smm_enter(vp);
	set_word(0xff00, 0x40000);
	smm_leave(vp);
	assert_int_equal(vp->smbase, 0x40000);
	smm_enter(vp);
	assert_int_equal(get(PVN_REG_CS, 0), 0x40000);
	assert_int_equal(get(PVN_REG_CS, 1) >> 32 & 0xffff, 0x4000);
	assert_int_equal((uint32_t)word(0x1ff00), 0x40000);
	/* INIT leaves it where it is, and ends the mode. */
	vp_reset(vp);
	assert_false(vp->in_smm);
	assert_int_equal(vp->smbase, 0x40000);
}

static bool is_shut_down(void)
{
	const struct pvn_message *slot = &machine.root_vp->synic.messages->sint[PVN_SINT_INTERCEPTS];
	bool is = vp->stop_reasons & VP_STOP_INTERCEPT && slot->type == PVN_MESSAGE_UNRECOVERABLE_EXCEPTION;

	machine.root_vp->synic.messages->sint[PVN_SINT_INTERCEPTS].type = PVN_MESSAGE_NONE;
	vp->stop_reasons &= ~VP_STOP_INTERCEPT;
	return is;
}

static void hostile_save_areas_shut_the_vp_down(void **state)
{
	static const struct { unsigned int at; uint64_t value; } bad[] = {
		{ 0xff58, 1ull << 32 },			/* CR0 */
		{ 0xff70, 0 }, { 0xff70, ~0ull },	/* RFLAGS */
		{ 0xff00, 0x30001 },			/* SMBASE */
	};

	(void)state;
	make_vp();
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		vp->regs.rflags = 2;
		fake_set_register(vp, PVN_REG_CR0, 0x10, 0);
		smm_enter(vp);
		assert_false(is_shut_down());
		set_word(bad[i].at, bad[i].value);
		smm_leave(vp);
		assert_true(is_shut_down());
		assert_int_equal(vp->smbase, 0x30000);
		vp->in_smm = false;
	}
	/* All ones; nothing there to come back from, nothing there to go to. */
	vp->regs.rflags = 2;
	smm_enter(vp);
	memset(smram + 0xfe00, 0xff, 512);
	smm_leave(vp);
	assert_true(is_shut_down());
	vp->smbase = 0x90000;
	smm_leave(vp);
	assert_true(is_shut_down());
	vp->in_smm = false;
	smm_enter(vp);
	assert_true(is_shut_down());
	assert_false(vp->in_smm);
	assert_int_equal(vp->lapic.events & LAPIC_SMI, 0);
}

static void an_smi_waits_for_what_is_in_delivery(void **state)
{
	(void)state;
	make_vp();
	vp->lapic.events = LAPIC_SMI;
	fake_vendor(vp)->event_pending = true;
	smm_enter(vp);
	assert_false(vp->in_smm);
	assert_int_equal(vp->lapic.events, LAPIC_SMI);
	fake_vendor(vp)->event_pending = false;
	smm_enter(vp);
	assert_true(vp->in_smm);
	assert_int_equal(vp->lapic.events, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(the_save_area_is_as_the_manual_has_it),
		ON_FAKE_MACHINE(the_handler_begins_in_flat_real_mode),
		ON_FAKE_MACHINE(rsm_brings_everything_back),
		ON_FAKE_MACHINE(a_halted_vp_halts_again_unless_the_handler_says_no),
		ON_FAKE_MACHINE(smbase_moves_through_the_save_area),
		ON_FAKE_MACHINE(hostile_save_areas_shut_the_vp_down),
		ON_FAKE_MACHINE(an_smi_waits_for_what_is_in_delivery),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
