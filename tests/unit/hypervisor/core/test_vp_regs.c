// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Registers by name, as the parent sees them.
 */
#include "fake_machine.h"

static struct vp *vp;

static uint64_t get(uint32_t name, uint64_t *high)
{
	uint64_t value[2] = { 0xee, 0xee };

	assert_int_equal(vp_get_register(vp, name, value), PVN_STATUS_SUCCESS);
	if (high)
		*high = value[1];
	else
		assert_int_equal(value[1], 0);
	return value[0];
}

static enum pvn_status set(uint32_t name, uint64_t low, uint64_t high)
{
	return vp_set_register(vp, name, (uint64_t[]){ low, high });
}

static void make_vp(void) { vp = partition_of(make_child(2))->vps[0]; }

static void vector_registers_are_those_of_the_saved_state(void **state)
{
	uint8_t *area;
	uint64_t high;

	(void)state;
	make_vp();
	area = vp->fpu;
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(set(PVN_REG_XMM0 + i, 0x100 + i, 0x200 + i), PVN_STATUS_SUCCESS);
	/* Without its bit the processor would not load them. */
	assert_int_equal(*(uint64_t *)(area + 512), 2);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(set(PVN_REG_FP0 + i, 0x300 + i, i), PVN_STATUS_SUCCESS);
	assert_int_equal(*(uint64_t *)(area + 512), 3);
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(get(PVN_REG_XMM0 + i, &high), 0x100 + i);
		assert_int_equal(high, 0x200 + i);
		assert_int_equal(*(uint64_t *)(area + 160 + 16 * i), 0x100 + i);
	}
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(*(uint64_t *)(area + 32 + 16 * i), 0x300 + i);
}

static void registers_of_the_apic_are_those_of_its_msrs(void **state)
{
	uint64_t value[2], msr;

	(void)state;
	make_vp();
	assert_int_equal(set(PVN_REG_X2APIC + 0xf, 0x1ff, 0), PVN_STATUS_SUCCESS);
	assert_true(lapic_read_msr(vp, 0x80f, &msr));
	assert_int_equal(msr, 0x1ff);
	assert_int_equal(get(PVN_REG_X2APIC + 0xf, NULL), 0x1ff);
	assert_int_equal(get(PVN_REG_X2APIC + 2, NULL), 0);
	/* Its parent sends in its name. */
	assert_int_equal(set(PVN_REG_X2APIC + 0x30, 1ull << 32 | 0x4045, 0), PVN_STATUS_SUCCESS);
	assert_false(is_raised(vp, 0x45));
	assert_int_equal(set(PVN_REG_X2APIC + 0x30, 0x44045, 0), PVN_STATUS_SUCCESS);
	assert_true(is_raised(vp, 0x45));
	/* What an MSR of it would refuse is refused. */
	assert_int_not_equal(set(PVN_REG_X2APIC + 2, 1, 0), PVN_STATUS_SUCCESS);
	assert_int_not_equal(set(PVN_REG_X2APIC + 0xb, 1, 0), PVN_STATUS_SUCCESS);
	assert_int_not_equal(vp_get_register(vp, PVN_REG_X2APIC + 1, value), PVN_STATUS_SUCCESS);
	assert_int_not_equal(vp_get_register(vp, PVN_REG_X2APIC + 0x40, value), PVN_STATUS_SUCCESS);
}

static void control_words_of_the_fpu_are_checked(void **state)
{
	uint64_t high;

	(void)state;
	make_vp();
	assert_int_equal(get(PVN_REG_FP_CONTROL, &high) & 0xffff, 0x37f);
	get(PVN_REG_XMM_CONTROL, &high);
	assert_int_equal(high & 0xffffffff, 0x1f80);
	assert_int_equal(set(PVN_REG_XMM_CONTROL, 0, 0x10000), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(PVN_REG_XMM_CONTROL, 0, 0xffff0000ull << 32 | 0x1fbf), PVN_STATUS_SUCCESS);
	get(PVN_REG_XMM_CONTROL, &high);
	assert_int_equal(high & 0xffffffff, 0x1fbf);
	assert_int_equal(set(PVN_REG_FP_CONTROL, 0x27f, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(*(uint16_t *)vp->fpu, 0x27f);
}

static void synthetic_registers_are_the_msrs(void **state)
{
	(void)state;
	make_vp();
	vp->partition->guest_os_id = 0;
	assert_int_equal(set(PVN_REG_GUEST_OS_ID, 0x8100000000000000ull, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(vp->partition->guest_os_id, 0x8100000000000000ull);
	assert_int_equal(set(PVN_REG_SCONTROL, 1, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(set(PVN_REG_SINT0 + 3, 0x55, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(vp->synic.sint[3], 0x55);
	assert_int_equal(get(PVN_REG_SINT0 + 3, NULL), 0x55);
	assert_int_equal(get(PVN_REG_SINT0 + 15, NULL), PVN_SINT_MASKED);
	assert_int_equal(get(PVN_REG_SCONTROL, NULL), 1);
	assert_int_equal(get(PVN_REG_SCONTROL + 1, NULL), 1);
	assert_int_equal(set(PVN_REG_SCONTROL + 1, 1, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(PVN_REG_SCONTROL + 3, 0x7001, 0), PVN_STATUS_SUCCESS);
	assert_true(gpa_map_has_overlay(&vp->partition->map, gpa(0x7000)));
	assert_int_equal(get(PVN_REG_SCONTROL + 3, NULL), 0x7001);
	assert_int_equal(set(PVN_REG_SINT0, 3, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(PVN_REG_STIMER0_CONFIG + 2, PVN_STIMER_DIRECT | 0x550, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(get(PVN_REG_STIMER0_CONFIG + 2, NULL), PVN_STIMER_DIRECT | 0x550);
	assert_int_equal(get(PVN_REG_VP_INDEX, NULL), 0);
	assert_int_equal(set(PVN_REG_HYPERCALL, 0x9001, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(get(PVN_REG_HYPERCALL, NULL), 0x9001);
	assert_int_equal(set(PVN_REG_HYPERCALL, ~0ull, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(PVN_REG_HYPERCALL, 0, 0), PVN_STATUS_SUCCESS);
	machine.tsc += FAKE_TSC_HZ;
	assert_true(get(PVN_REG_TIME_REF_COUNT, NULL) >= 10000000);
}

static void an_icr_is_kept_and_not_sent(void **state)
{
	(void)state;
	make_vp();
	assert_true(lapic_write_msr(vp, 0x80f, 0x1ff));
	assert_int_equal(set(PVN_REG_ICR, 0x40050, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(get(PVN_REG_ICR, NULL), 0x40050);
	assert_false(is_raised(vp, 0x50));
	assert_int_equal(set(PVN_REG_TPR, 0x30, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(get(PVN_REG_TPR, NULL), 0x30);
	assert_int_equal(set(PVN_REG_EOI, 0, 0), PVN_STATUS_INVALID_PARAMETER);
}

static void an_apic_id_is_given_once_and_before_the_start(void **state)
{
	(void)state;
	make_vp();
	assert_int_equal(set(PVN_REG_INITIAL_APIC_ID, 7, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(vp->lapic.id, 7);
	assert_int_equal(get(PVN_REG_INITIAL_APIC_ID, NULL), 7);
	/* The other VP's. */
	assert_int_equal(set(PVN_REG_INITIAL_APIC_ID, 1, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(PVN_REG_INITIAL_APIC_ID, 255, 0), PVN_STATUS_INVALID_PARAMETER);
	vp->run_tsc = 1;
	assert_int_equal(set(PVN_REG_INITIAL_APIC_ID, 8, 0), PVN_STATUS_INVALID_PARAMETER);
}

static void there_are_no_memory_type_ranges(void **state)
{
	(void)state;
	make_vp();
	assert_int_equal(get(PVN_REG_MTRR_CAP, NULL), 0);
	assert_int_equal(get(PVN_REG_MTRR_DEFAULT, NULL) & 0xff, 6);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(get(PVN_REG_MTRR_BASE0 + i, NULL) | get(PVN_REG_MTRR_MASK0 + i, NULL), 0);
	assert_int_equal(set(PVN_REG_MTRR_FIXED0 + 10, 0, 0), PVN_STATUS_SUCCESS);
	assert_int_equal(set(PVN_REG_MTRR_FIXED0 + 10, 6, 0), PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(set(PVN_REG_MTRR_DEFAULT, 0, 0), PVN_STATUS_INVALID_PARAMETER);
}

static void names_that_do_not_exist_are_refused(void **state)
{
	static const uint32_t names[] = {
		2, 0x216, 0x1ffff, 0x20012, 0x3001a, 0x40006, 0x8000f, 0x80018, 0x80048, 0x8007b,
		0x90005, 0x90014, 0xa0015, 0xb0008, 0xffffffff,
	};
	uint64_t value[2];

	(void)state;
	make_vp();
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(vp_get_register(vp, names[i], value), PVN_STATUS_INVALID_PARAMETER);
		assert_int_equal(set(names[i], 0, 0), PVN_STATUS_INVALID_PARAMETER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(vector_registers_are_those_of_the_saved_state),
		ON_FAKE_MACHINE(registers_of_the_apic_are_those_of_its_msrs),
		ON_FAKE_MACHINE(control_words_of_the_fpu_are_checked),
		ON_FAKE_MACHINE(synthetic_registers_are_the_msrs),
		ON_FAKE_MACHINE(an_icr_is_kept_and_not_sent),
		ON_FAKE_MACHINE(an_apic_id_is_given_once_and_before_the_start),
		ON_FAKE_MACHINE(there_are_no_memory_type_ranges),
		ON_FAKE_MACHINE(names_that_do_not_exist_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
