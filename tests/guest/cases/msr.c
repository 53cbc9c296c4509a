// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Registers: which exist, what they take, and to whom they belong.
 */
#include "testguest.h"

CASE(registers_that_do_not_exist_fault)
{
	static const uint32_t missing[] = {
		0x40000004, 0x4000000f, 0x40000011, 0x40000024, 0x4000006f, 0x40000074, 0x40000085,
		0x400000a0, 0x400000b8, 0x400000e4, 0x400000f1, 0x40000106, 0x40000118, 0x400001ff,
		0x4000ffff, 0x12345, 0xc0010117, 0xc0010114, 0xdeadbeef,
	};

	for (unsigned int i = 0; i < ARRAY_COUNT(missing); i++) {
		int read = rdmsr_fault(missing[i], NULL), write = wrmsr_fault(missing[i], 0);

		expect(read == VECTOR_GP, "reading 0x%x: %s", missing[i], vector_name(read));
		expect(write == VECTOR_GP, "writing 0x%x: %s", missing[i], vector_name(write));
	}
}

CASE(read_only_registers_refuse_writes)
{
	static const uint32_t constant[] = {
		PVN_MSR_VP_INDEX, PVN_MSR_VP_RUNTIME, PVN_MSR_TIME_REF_COUNT, PVN_MSR_TSC_FREQUENCY,
		PVN_MSR_APIC_FREQUENCY, PVN_MSR_SVERSION, PVN_MSR_GUEST_IDLE, MSR_X2APIC_ID,
		MSR_X2APIC_VERSION, MSR_X2APIC_PPR, MSR_X2APIC_LDR, MSR_X2APIC_ISR0, MSR_X2APIC_IRR0,
		MSR_X2APIC_CURRENT,
	};

	for (unsigned int i = 0; i < ARRAY_COUNT(constant); i++) {
		int vector = wrmsr_fault(constant[i], 0);

		expect(vector == VECTOR_GP, "writing 0x%x: %s", constant[i], vector_name(vector));
	}
}

CASE(write_only_registers_refuse_reads)
{
	expect_fault("EOI", rdmsr_fault(PVN_MSR_EOI, NULL), VECTOR_GP);
	expect_fault("the APIC's EOI", rdmsr_fault(MSR_X2APIC_EOI, NULL), VECTOR_GP);
	expect_fault("the APIC's self IPI", rdmsr_fault(MSR_X2APIC_SELF, NULL), VECTOR_GP);
}

CASE(efer_is_guarded)
{
	uint64_t efer = rdmsr(MSR_EFER);

	expect_equal("LME and LMA", efer & 0x500, 0x500);
	expect(!(efer & 0x1000), "SVME is seen");
	expect_fault("SVME", wrmsr_fault(MSR_EFER, efer | 0x1000), VECTOR_GP);
	expect_fault("a reserved bit", wrmsr_fault(MSR_EFER, efer | 1ull << 40), VECTOR_GP);
	expect_fault("LME off while paging", wrmsr_fault(MSR_EFER, efer & ~0x100ull), VECTOR_GP);
	expect_fault("SCE", wrmsr_fault(MSR_EFER, efer | 1), NO_FAULT);
	expect_equal("EFER", rdmsr(MSR_EFER), efer | 1);
	wrmsr(MSR_EFER, efer);
}

CASE(pat_is_checked)
{
	uint64_t pat = rdmsr(0x277);

	expect_fault("type 2", wrmsr_fault(0x277, (pat & ~0xffull) | 2), VECTOR_GP);
	expect_fault("a reserved bit", wrmsr_fault(0x277, pat | 8), VECTOR_GP);
	expect_fault("write-combining", wrmsr_fault(0x277, (pat & ~0xffull << 56) | 1ull << 56),
		     NO_FAULT);
	expect_equal("PAT", rdmsr(0x277) >> 56, 1);
	wrmsr(0x277, pat);
}

static const uint32_t own_registers[] = {
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, 0x174, 0x175, 0x176,
};

/* All take any canonical value of 31 bits. */
static uint64_t own_value(unsigned int vp, unsigned int i)
{
	return 0x1000 * (i + 1) + 0x100 * vp + 0x42;
}

static void write_own(void *context)
{
	for (unsigned int i = 0; i < ARRAY_COUNT(own_registers); i++)
		wrmsr(own_registers[i], own_value(*(unsigned int *)context, i));
}

static void check_own(void *context)
{
	for (unsigned int i = 0; i < ARRAY_COUNT(own_registers); i++)
		expect_equal("a register", rdmsr(own_registers[i]),
			     own_value(*(unsigned int *)context, i));
}

CASE(each_processor_has_its_own_registers)
{
	unsigned int zero = 0, one = 1;

	vp_need_second();
	write_own(&zero);
	vp_run(write_own, &one);
	check_own(&zero);
	vp_run(check_own, &one);
	wait_for(20 * MSECS);
	check_own(&zero);
	vp_run(check_own, &one);
}

CASE(reset_reads_zero_and_has_one_bit)
{
	expect_equal("RESET", rdmsr(PVN_MSR_RESET), 0);
	expect_fault("a reserved bit", wrmsr_fault(PVN_MSR_RESET, 2), VECTOR_GP);
	expect_fault("zero", wrmsr_fault(PVN_MSR_RESET, 0), NO_FAULT);
}

CASE(crash_registers_keep_their_values)
{
	for (unsigned int i = 0; i < 5; i++)
		wrmsr(PVN_MSR_CRASH_P0 + i, 0x1111ull * (i + 1));
	for (unsigned int i = 0; i < 5; i++)
		expect_equal("a parameter", rdmsr(PVN_MSR_CRASH_P0 + i), 0x1111ull * (i + 1));
	expect(rdmsr(PVN_MSR_CRASH_CTL) & PVN_CRASH_CTL_NOTIFY, "no notification is offered");
}

static void invalid_instruction(void *context)
{
	switch (*(unsigned int *)context) {
	case 0: __asm__ volatile("vmrun %%rax" : : "a"(0x1000)); break;
	case 1: __asm__ volatile("vmload %%rax" : : "a"(0x1000)); break;
	case 2: __asm__ volatile("vmsave %%rax" : : "a"(0x1000)); break;
	case 3: __asm__ volatile("stgi"); break;
	case 4: __asm__ volatile("clgi"); break;
	case 5: __asm__ volatile("invlpga %%rax, %%ecx" : : "a"(0x1000), "c"(0)); break;
	case 6: __asm__ volatile("skinit %%eax" : : "a"(0)); break;
	case 7: /* monitor */
		__asm__ volatile(".byte 0x0f, 0x01, 0xc8" : : "a"(call_in), "c"(0), "d"(0));
		break;
	case 8: /* mwait */ __asm__ volatile(".byte 0x0f, 0x01, 0xc9" : : "a"(0), "c"(0)); break;
	}
}

CASE(virtualization_instructions_are_undefined)
{
	for (unsigned int i = 0; i < 9; i++) {
		int vector = catch_fault(invalid_instruction, &i, NULL);

		expect(vector == VECTOR_UD, "instruction %u: %s", i, vector_name(vector));
	}
}
