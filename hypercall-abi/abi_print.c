/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Prints the ABI from its tables: "abi_print reference" the reference page in
 * Markdown, "abi_print coverage" what there is of the TLFS v2.0, "abi_print dump" what is
 * frozen: codes, numbers, names, offsets, sizes.
 * A test compares the dump with abi-v1.txt.
 */
#include <stdio.h>
#include <string.h>

#include <pvn/abi/event.h>
#include <pvn/abi/eventlog.h>
#include <pvn/abi/expand.h>
#include <pvn/abi/msr.h>

static const char *const block_names[PVN_BLOCKS] = {
	"input", "input element", "output", "output element" };

static const char *shape(const struct pvn_call_info *call)
{
	if (call->var)
		return call->rep ? "var_rep" : "var";
	return call->rep ? "rep" : "simple";
}

static const char *form(const struct pvn_call_info *call)
{
	return call->fast ? "fast" : "memory";
}

static void dump_fields(const struct pvn_field *fields)
{
	unsigned int offset = 0;

	for (const struct pvn_field *f = fields; f->type; f++) {
		printf("\t\t%u %s", offset, f->type);
		if (f->count > 1)
			printf("[%u]", f->count);
		printf(" %s\n", f->name);
		offset += f->bytes * f->count;
	}
}

static void dump_calls(void)
{
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *call = &pvn_calls[i];

		printf("call 0x%04x %s since %u.%u %s %s %s\n", call->code, call->name,
		       call->since >> 8, call->since & 0xff, shape(call), form(call),
		       call->privilege_name);
		for (unsigned int b = 0; b < PVN_BLOCKS; b++) {
			if (!call->bytes[b])
				continue;
			printf("\t%s %u\n", block_names[b], call->bytes[b]);
			dump_fields(call->fields[b]);
		}
	}
}

#define STRUCT(name) printf("struct %s %zu\n", #name, sizeof(struct name))
#define FIELD(name, field)							\
	printf("\t%zu %zu %s\n", offsetof(struct name, field),			\
	       sizeof(((struct name *)0)->field), #field)

static void dump_pages(void)
{
	STRUCT(pvn_event_flags);
	STRUCT(pvn_event_page);
	STRUCT(pvn_eventlog_buffer);
	STRUCT(pvn_eventlog_entry);
	STRUCT(pvn_event_call);
	STRUCT(pvn_event_exit);
	STRUCT(pvn_message);
	FIELD(pvn_message, type);
	FIELD(pvn_message, payload_bytes);
	FIELD(pvn_message, flags);
	FIELD(pvn_message, origin);
	FIELD(pvn_message, payload);
	STRUCT(pvn_message_page);
	STRUCT(pvn_vp_assist);
	FIELD(pvn_vp_assist, apic_assist);
	STRUCT(pvn_reference_tsc_page);
	FIELD(pvn_reference_tsc_page, sequence);
	FIELD(pvn_reference_tsc_page, scale);
	FIELD(pvn_reference_tsc_page, offset);
	STRUCT(pvn_segment);
	FIELD(pvn_segment, base);
	FIELD(pvn_segment, limit);
	FIELD(pvn_segment, selector);
	FIELD(pvn_segment, attributes);
	STRUCT(pvn_table);
	FIELD(pvn_table, limit);
	FIELD(pvn_table, base);
}

static void dump_intercepts(void)
{
	STRUCT(pvn_intercept_header);
	FIELD(pvn_intercept_header, vp_index);
	FIELD(pvn_intercept_header, instruction_bytes);
	FIELD(pvn_intercept_header, access_type);
	FIELD(pvn_intercept_header, execution_state);
	FIELD(pvn_intercept_header, cs_base);
	FIELD(pvn_intercept_header, cs_limit);
	FIELD(pvn_intercept_header, cs_selector);
	FIELD(pvn_intercept_header, cs_attributes);
	FIELD(pvn_intercept_header, rip);
	FIELD(pvn_intercept_header, rflags);
	STRUCT(pvn_memory_intercept);
	FIELD(pvn_memory_intercept, gva);
	FIELD(pvn_memory_intercept, gpa);
	FIELD(pvn_memory_intercept, instruction);
	FIELD(pvn_memory_intercept, ds);
	FIELD(pvn_memory_intercept, ss);
	FIELD(pvn_memory_intercept, gpr);
	STRUCT(pvn_io_intercept);
	FIELD(pvn_io_intercept, port);
	FIELD(pvn_io_intercept, access_info);
	FIELD(pvn_io_intercept, rax);
	FIELD(pvn_io_intercept, instruction);
	FIELD(pvn_io_intercept, ds);
	FIELD(pvn_io_intercept, es);
	FIELD(pvn_io_intercept, rcx);
	FIELD(pvn_io_intercept, rsi);
	FIELD(pvn_io_intercept, rdi);
	STRUCT(pvn_msr_intercept);
	FIELD(pvn_msr_intercept, msr);
	FIELD(pvn_msr_intercept, rdx);
	FIELD(pvn_msr_intercept, rax);
	STRUCT(pvn_cpuid_intercept);
	FIELD(pvn_cpuid_intercept, rax);
	FIELD(pvn_cpuid_intercept, default_rax);
	STRUCT(pvn_exception_intercept);
	FIELD(pvn_exception_intercept, vector);
	FIELD(pvn_exception_intercept, error_code);
	FIELD(pvn_exception_intercept, parameter);
	FIELD(pvn_exception_intercept, instruction);
	FIELD(pvn_exception_intercept, ds);
	FIELD(pvn_exception_intercept, ss);
	FIELD(pvn_exception_intercept, gpr);
	STRUCT(pvn_eoi_message);
	FIELD(pvn_eoi_message, vector);
}

/* What a row says in the dump: slots count from the page's start. */
static void dump_stats(void)
{
	unsigned int slot = 0;

	for (size_t i = 0; i < PVN_STATS_ROW_COUNT; i++) {
		const struct pvn_stats_row *row = &pvn_stats_rows[i];

		switch (row->kind) {
		case PVN_STATS_IS_PAGE:
			printf("statistics page %s 0x%x\n", row->name, row->number);
			slot = 0;
			continue;
		case PVN_STATS_IS_GROUP:
			printf("\t%u group %s 0x%x\n", slot++, row->name, row->number);
			continue;
		case PVN_STATS_IS_COUNTER:
		case PVN_STATS_IS_ARRAY:
			printf("\t%u %u %s %s\n", slot, row->number, row->name, row->unit);
			slot += row->number;
		}
	}
}

static void dump(void)
{
	printf("abi %u\n", PVN_ABI_MAJOR);
	for (size_t i = 0; i < PVN_STATUS_COUNT; i++)
		printf("status 0x%04x %s %s\n", pvn_statuses[i].number, pvn_statuses[i].name,
		       pvn_statuses[i].error);
	dump_calls();
	dump_pages();
	dump_intercepts();
	dump_stats();
}

static void print_block(const struct pvn_call_info *call, unsigned int b)
{
	unsigned int offset = 0;

	if (!call->bytes[b])
		return;
	printf("\n%s, %u bytes:\n\n| offset | type | field |\n|---|---|---|\n", block_names[b],
	       call->bytes[b]);
	for (const struct pvn_field *f = call->fields[b]; f->type; f++) {
		if (f->count > 1)
			printf("| %u | %s[%u] | %s |\n", offset, f->type, f->count, f->name);
		else
			printf("| %u | %s | %s |\n", offset, f->type, f->name);
		offset += f->bytes * f->count;
	}
}

static void print_stats(void)
{
	printf("\n## Statistics\n");
	for (size_t i = 0; i < PVN_STATS_ROW_COUNT; i++) {
		const struct pvn_stats_row *row = &pvn_stats_rows[i];

		if (row->kind == PVN_STATS_IS_PAGE)
			printf("\n### Page of a %s, type 0x%X\n", row->name, row->number);
		else if (row->kind == PVN_STATS_IS_GROUP)
			printf("\nGroup 0x%X, %s:\n\n| counter | unit | meaning |\n|---|---|---|\n",
			       row->number, row->name);
		else
			printf("| %s | %s | %s |\n", row->name, row->unit, row->text);
	}
}

/* What is left of a processor: processor.def. */
static void print_processor(void)
{
	printf("\n## CPUID\n\nOf the processor a child sees what the fourth column keeps, less the third; "
	       "every partition sees the fifth.\nHypervisor leaves are in the coverage of the TLFS.\n\n"
	       "| leaf | register | hidden from all | kept by a child | added | contents |\n"
	       "|---|---|---|---|---|---|\n");
#define R(reg, hidden, child, added)							\
	printf("| | " #reg " | 0x%08X | 0x%08X | 0x%08X | |\n", (unsigned int)(hidden), \
	       (unsigned int)(child), (unsigned int)(added));
#define PVN_CPUID(leaf, subleaf, registers, text)					\
	printf("| 0x%08X.%u | | | | | %s |\n", leaf, subleaf, text); registers
#include "processor.def"
	printf("\n## Constant registers of a child\n\n| number | value | name |\n|---|---|---|\n");
#define PVN_CHILD_MSR(number, value, name) printf("| 0x%08X | 0x%X | %s |\n", number, value, name);
#include "processor.def"
}

static void reference(void)
{
	printf("# Paravane ABI %u.%u: calls and statuses\n\n"
	       "Printed from `hypercall-abi/hypercalls.def` and the tables beside it; do not edit.\n"
	       "Fields named `pad` are ignored, those named `mbz` must be 0.\n\n## Calls\n",
	       PVN_ABI_MAJOR, PVN_ABI_MINOR);
	for (size_t i = 0; i < PVN_CALL_COUNT; i++) {
		const struct pvn_call_info *call = &pvn_calls[i];

		printf("\n### 0x%04X %s\n\n%s\n\n", call->code, call->name, call->text);
		printf("Since %u.%u; %s; %s form; privilege: %s.\n", call->since >> 8,
		       call->since & 0xff, shape(call), form(call), call->privilege_name);
		for (unsigned int b = 0; b < PVN_BLOCKS; b++)
			print_block(call, b);
	}
	printf("\n## Statuses\n\n| number | name | errno | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < PVN_STATUS_COUNT; i++)
		printf("| 0x%04X | %s | %s | %s |\n", pvn_statuses[i].number, pvn_statuses[i].name,
		       pvn_statuses[i].error, pvn_statuses[i].text);
	print_stats();
	print_processor();
}

static const struct pvn_call_info *find_call(unsigned int code)
{
	for (size_t i = 0; i < PVN_CALL_COUNT; i++)
		if (pvn_calls[i].code == code)
			return &pvn_calls[i];
	return NULL;
}

static void cover_call(unsigned int code, const char *name, const char *why)
{
	const struct pvn_call_info *call = find_call(code);

	if (call)
		printf("| 0x%04X | %s | offered as `%s`, %s | %s |\n", code, name, call->name, form(call),
		       call->privilege_name);
	else
		printf("| 0x%04X | %s | not offered%s%s | |\n", code, name, *why ? ": " : "", why);
}

static void cover_register(unsigned int first, unsigned int count, const char *name,
			   const char *privilege, const char *remark)
{
	bool there = strcmp(privilege, "NONE") != 0;


	printf("| 0x%08X", first);
	if (count > 1)
		printf(" to 0x%08X", first + count - 1);
	printf(" | %s | %s | %s | %s |\n", name, there ? "offered" : "not offered",
	       there ? privilege : "", remark);
}

/* What of the TLFS v2.0 there is; calls of later versions are in the reference. */
static void coverage(void)
{
	printf("# TLFS v2.0 in Paravane ABI %u.%u\n\n"
	       "Printed by `abi_print coverage` from `hypercalls.def` and `tlfs-v2.def`; do not edit.\n"
	       "A call that is not offered gives INVALID_HYPERCALL_CODE, such a register #GP.\n\n"
	       "## Calls\n\n| code | TLFS name | state | privilege |\n|---|---|---|---|\n",
	       PVN_ABI_MAJOR, PVN_ABI_MINOR);
#define PVN_TLFS_CALL(code, name, why) cover_call(code, name, why);
#include "tlfs-v2.def"
	printf("\n## Registers\n\n| number | name | state | privilege | remark |\n|---|---|---|---|---|\n");
#define PVN_TLFS_MSR(first, count, name, privilege, remark) \
	cover_register(first, count, name, #privilege, remark);
#include "tlfs-v2.def"
	printf("\n## CPUID leaves\n\n| leaf | contents | remark |\n|---|---|---|\n");
#define PVN_TLFS_LEAF(number, name, remark) printf("| 0x%08X | %s | %s |\n", number, name, remark);
#include "tlfs-v2.def"
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "dump"))
		dump();
	else if (argc == 2 && !strcmp(argv[1], "reference"))
		reference();
	else if (argc == 2 && !strcmp(argv[1], "coverage"))
		coverage();
	else
		return fprintf(stderr, "usage: abi_print reference|dump|coverage\n"), 2;
	return 0;
}
