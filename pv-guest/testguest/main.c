// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Runs the cases that the command line names: tests=NAME,NAME with names of cases or
 * of groups. Without it all run but those that end the guest. A case prints one line;
 * the last line counts, and then the guest powers itself off. It may be the root
 * partition, too: then it runs the cases of a parent, and its port 0xe9 is the machine's.
 */
#include "testguest.h"

#define BOOT_PARAMS_CMDLINE 0x228	/* [Linux Documentation/x86/zero-page.rst] */
#define REASON_BYTES 320

enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOME_ERROR };

struct test_case {
	const char *group, *name, *sentence;
	void (*run)(void);
	bool ends;		/* the guest, if it goes well */
	bool parent;		/* needs to be the root partition */
};

#define TEST_CASE(group, name, sentence) CASE(name);
#define END_CASE(name, reason, sentence) CASE(name);
#define PARENT_CASE(name, sentence) CASE(name);
#define FRONT(group, name, log, sentence) CASE(name);
#define FRONT_END(name, sentence) CASE(name);
#include "cases.def"
#include "villains.def"
#undef TEST_CASE
#undef END_CASE
#undef PARENT_CASE
#undef FRONT
#undef FRONT_END

#define TEST_CASE(group, name, sentence) { #group, #name, sentence, case_##name, false, false },
#define END_CASE(name, reason, sentence) { "ends", #name, sentence, case_##name, true, false },
#define PARENT_CASE(name, sentence) { "parent", #name, sentence, case_##name, false, true },
#define FRONT(group, name, log, sentence) { #group, #name, sentence, case_##name, false, false },
#define FRONT_END(name, sentence) { "villain_ends", #name, sentence, case_##name, true, false },
static const struct test_case cases[] = {
#include "cases.def"
#include "villains.def"
};
#undef TEST_CASE
#undef END_CASE
#undef PARENT_CASE
#undef FRONT
#undef FRONT_END

static const char *command_line;
static enum outcome outcome;
static char reason[REASON_BYTES];

void testguest_main(const uint8_t *boot_params);

void power_off(void)
{
	for (;;) {
		if (is_parent())
			outw(PORT_SLEEP_CONTROL, ROOT_SLEEP_OFF);
		outb(PORT_SLEEP_CONTROL, SLEEP_OFF);
	}
}

void triple_fault(void)
{
	const struct { uint16_t limit; uint64_t base; } __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(none));
	__builtin_unreachable();
}

/* Leaves the case the way that an exception does; whoever caught it sees outcome. */
static void end_case(enum outcome how) __attribute__((noreturn));
static void end_case(enum outcome how)
{
	outcome = how;
	__asm__ volatile("ud2");
	__builtin_unreachable();
}

void test_fail(const char *file, int line, const char *format, ...)
{
	const char *name = file;
	char text[200];
	va_list arguments;

	for (; *file; file++)
		if (*file == '/')
			name = file + 1;
	va_start(arguments, format);
	format_text(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (vp_self()->index) {
		print("note: on virtual processor %u: %s:%d: %s\n", vp_self()->index, name, line, text);
		__asm__ volatile("ud2");
	}
	print("note: %s:%d: %s\n", name, line, text);
	memcpy(reason, text, sizeof(text));
	end_case(OUTCOME_FAILED);
}

void test_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	format_text(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	end_case(OUTCOME_SKIPPED);
}

void test_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	format_text(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	end_case(OUTCOME_ERROR);
}

/* What cases turn on is off again; interrupts that are still under way are taken. */
static void clean_up(void)
{
	hypercall_enable();
	for (unsigned int i = 0; i < PVN_STIMER_COUNT; i++)
		wrmsr(PVN_MSR_STIMER0_CONFIG + 2 * i, 0);
	wrmsr(MSR_X2APIC_LVT_TIMER, 0x10000);
	wrmsr(MSR_X2APIC_INITIAL, 0);
	wrmsr(MSR_X2APIC_TPR, 0);
	wrmsr(MSR_X2APIC_SPURIOUS, APIC_ENABLE | 0xff);
	wrmsr(PVN_MSR_VP_ASSIST_PAGE, 0);
	wrmsr(PVN_MSR_SCONTROL, 0);
	for (unsigned int i = 0; i < PVN_SINT_COUNT; i++)
		wrmsr(PVN_MSR_SINT0 + i, PVN_SINT_MASKED);
	wrmsr(PVN_MSR_SIEFP, 0);
	wrmsr(PVN_MSR_SIMP, 0);
	wrmsr(PVN_MSR_REFERENCE_TSC, 0);
	for (unsigned int i = 0; i < 256; i++)
		set_handler(i, NULL);
	for (unsigned int i = 0; i < 8; i++)
		while (rdmsr(MSR_X2APIC_ISR0 + i))
			apic_eoi();
	interrupts_on();
	wait_for(MSECS / 10);
	interrupts_off();
	for (unsigned int vp = 0; vp < VPS_MAX; vp++)
		memset(vp_at(vp)->taken, 0, sizeof(vp_at(vp)->taken));
}

static void call_case(void *context)
{
	const struct test_case *test = context;

	test->run();
}

static void run_case(const struct test_case *test, unsigned int counts[4])
{
	static const char *const words[] = { "ok", "not ok", "skip", "error" };
	struct caught caught;

	outcome = OUTCOME_OK;
	reason[0] = 0;
	if (catch_fault(call_case, (void *)test, &caught) != NO_FAULT && outcome == OUTCOME_OK) {
		outcome = OUTCOME_FAILED;
		print("note: unexpected %s at 0x%lx, error code 0x%lx, cr2 0x%lx\n",
		      vector_name(caught.vector), caught.rip, caught.error, caught.cr2);
	}
	interrupts_off();
	clean_up();
	if (test->parent)
		parent_clean_up();
	if (test->ends && outcome == OUTCOME_OK)
		outcome = OUTCOME_FAILED;
	counts[outcome]++;
	print("%s %s: %s\n", words[outcome], test->name,
	      outcome == OUTCOME_SKIPPED || outcome == OUTCOME_ERROR ? reason : test->sentence);
}

/* Is the word one of the list's, which commas separate? */
static bool is_listed(const char *list, const char *word)
{
	while (*list && *list != ' ') {
		const char *at = word;

		while (*at && *at == *list) {
			at++;
			list++;
		}
		if (!*at && (!*list || *list == ',' || *list == ' '))
			return true;
		while (*list && *list != ' ' && *list != ',')
			list++;
		if (*list == ',')
			list++;
	}
	return false;
}

/* What follows the key on the command line; NULL: it is not there. */
static const char *command_value(const char *key)
{
	size_t bytes = 0;

	while (key[bytes])
		bytes++;
	for (const char *at = command_line; *at; at++)
		if (!memcmp(at, key, bytes))
			return at + bytes;
	return NULL;
}

uint64_t command_number(const char *key, uint64_t otherwise)
{
	const char *at = command_value(key);
	uint64_t number = 0;

	if (!at)
		return otherwise;
	for (; *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

static unsigned int parent_cases_run;

bool returned_all_cases(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < ARRAY_COUNT(cases); i++)
		count += cases[i].parent;
	return parent_cases_run == count - 1;
}

void testguest_main(const uint8_t *boot_params)
{
	unsigned int counts[4] = { 0 };
	const char *list;
	uint32_t cmdline;

	memcpy(&cmdline, boot_params + BOOT_PARAMS_CMDLINE, sizeof(cmdline));
	command_line = (const char *)(uint64_t)cmdline;
	list = command_value("tests=");		/* NULL: all */
	vp_init(0);
	vp_at(0)->online = true;
	clean_up();
	print("paravane test guest\n");
	for (unsigned int i = 0; i < ARRAY_COUNT(cases); i++)
		if (list ? is_listed(list, cases[i].name) || is_listed(list, cases[i].group) :
		    !cases[i].ends && cases[i].parent == is_parent()) {
			run_case(&cases[i], counts);
			parent_cases_run += cases[i].parent;
		}
	if (!(counts[0] + counts[1] + counts[2] + counts[3]))
		print("error none: no test has such a name\n");
	print("end: %u ok, %u not ok, %u skip, %u error\n", counts[0], counts[1], counts[2], counts[3]);
	power_off();
}
