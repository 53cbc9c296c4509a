// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Hypercalls, expanded from the table, and time.
 */
#include <pvn/abi/cpuid.h>

#include "testguest.h"

#define SHAPE_SIMPLE	.rep = false, .var = false
#define SHAPE_REP	.rep = true, .var = false
#define SHAPE_VAR	.rep = false, .var = true
#define SHAPE_VAR_REP	.rep = true, .var = true
#define FORM_MEMORY	false
#define FORM_FAST	true
#define PVN_CALL(code_, name_, since, shape, form, privilege_, in_, elem_, out_, oelem_, text)	\
	{											\
		.code = code_, .name = #name_, SHAPE_##shape, .fast = FORM_##form,	\
		.privilege = PVN_PRIVILEGE_##privilege_,					\
		.in_bytes = sizeof(struct pvn_##name_##_in),					\
		.elem_bytes = sizeof(struct pvn_##name_##_elem),				\
		.out_bytes = sizeof(struct pvn_##name_##_out),					\
		.oelem_bytes = sizeof(struct pvn_##name_##_oelem),				\
	},
const struct call_row call_rows[] = {
#include <hypercalls.def>
};
#undef PVN_CALL

const unsigned int call_row_count = ARRAY_COUNT(call_rows);

uint8_t hypercall_page[PVN_PAGE_SIZE] PAGE_ALIGNED;
uint8_t call_in[PVN_PAGE_SIZE] PAGE_ALIGNED, call_out[PVN_PAGE_SIZE] PAGE_ALIGNED;

const struct call_row *call_find(uint16_t code)
{
	for (unsigned int i = 0; i < call_row_count; i++)
		if (call_rows[i].code == code)
			return &call_rows[i];
	return NULL;
}

uint64_t returned_in_cases[CALL_ROWS_MAX], returned_in_fuzz[CALL_ROWS_MAX];
bool is_fuzzing;

_Static_assert(ARRAY_COUNT(call_rows) <= CALL_ROWS_MAX, "table of calls");

/* Any processor; codes without a row are none of its business. */
void call_note(uint64_t control, uint64_t result)
{
	const struct call_row *row = call_find((uint16_t)control);
	uint64_t *set = is_fuzzing ? returned_in_fuzz : returned_in_cases;

	if (row)
		__atomic_fetch_or(&set[row - call_rows], STATUS_BIT(pvn_result_status(result)),
				  __ATOMIC_RELAXED);
}

const char *status_name(unsigned int status)
{
	switch (status) {
#define PVN_STATUS(number, name, error, text) case number: return #name;
#include <statuses.def>
#undef PVN_STATUS
	}
	return "a status that does not exist";
}

void hypercall_enable(void)
{
	wrmsr(PVN_MSR_GUEST_OS_ID, GUEST_OS_ID);
	wrmsr(PVN_MSR_HYPERCALL, (uint64_t)hypercall_page | PVN_MSR_PAGE_ENABLE);
}

uint64_t call_row_with(const struct call_row *row, const void *in, void *out)
{
	uint64_t control = row->rep ? pvn_control_rep(row->code, 1, 0) : row->code;
	uint64_t result;

	memcpy(call_in, in, row->in_bytes + row->elem_bytes);
	memset(call_out, 0, sizeof(call_out));
	result = hypercall_memory(control);
	if (out)
		memcpy(out, call_out, row->out_bytes + row->oelem_bytes);
	return result;
}

#define CR4_OSFXSR (1u << 9)
#define EACH_XMM(op) op(0) op(1) op(2) op(3) op(4) op(5)
#define LOAD(n) "movups 16+" #n "*16(%[block]), %%xmm" #n "\n\t"
#define SAVE(n) "movups %%xmm" #n ", 16+" #n "*16(%[block])\n\t"

uint64_t hypercall_fast(uint64_t control, struct fast_block *block)
{
	register uint64_t third __asm__("r8") = block->word[1];
	uint64_t second = block->word[0], sent = control, result;

	write_cr4(read_cr4() | CR4_OSFXSR);
	__asm__ volatile(EACH_XMM(LOAD) "call *%[page]\n\t" EACH_XMM(SAVE)
			 : "=a"(result), "+c"(control), "+d"(second), "+r"(third)
			 : [page] "r"((uint64_t)hypercall_page), [block] "r"(block->word)
			 : "memory", "cc", "r9", "r10", "r11");
	block->word[0] = second;
	block->word[1] = third;
	call_note(sent, result);
	return result;
}

bool is_parent(void)
{
	uint32_t own[4];

	cpuid(PVN_CPUID_OWN_FIRST + 1, 0, own);
	return own[1] & PVN_OWN_FEATURE_ROOT;
}

uint64_t reference_time(void)
{
	return rdmsr(PVN_MSR_TIME_REF_COUNT);
}

void wait_for(uint64_t reference_units)
{
	uint64_t end = reference_time() + reference_units;

	while (reference_time() < end)
		relax();
}
