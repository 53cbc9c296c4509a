/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What a test case of the bare-metal guest may use. A case is a function
 * CASE(name) in tests/guest/cases/ with a row in cases.def. It ends in one of:
 *
 *	ok	it returned
 *	not ok	the product is broken: an expectation did not hold, or an exception
 *		came that nobody waited for
 *	skip	this machine does not have what it needs (why)
 *	error	the test is broken
 *
 * Cases run on virtual processor 0 with interrupts off, the hypercall page on, and
 * everything else as after reset; whatever a case turns on is turned off after it.
 */
#ifndef TESTGUEST_TESTGUEST_H
#define TESTGUEST_TESTGUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pvn/abi/hypercall.h>
#include <pvn/abi/msr.h>

#include "insn.h"

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_ALIGNED __attribute__((aligned(4096)))

/* --- outcomes --- */

#define CASE(name) void case_##name(void)

/* The number that follows a key such as "calls=" on the command line. */
uint64_t command_number(const char *key, uint64_t otherwise);

void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void test_error(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The condition must hold; otherwise the words say what is wrong. */
#define expect(condition, ...)							\
	do {									\
		if (!(condition))						\
			test_fail(__FILE__, __LINE__, __VA_ARGS__);		\
	} while (0)

#define expect_equal(what, actual, wanted)					\
	do {									\
		uint64_t actual_ = (actual), wanted_ = (wanted);		\
										\
		expect(actual_ == wanted_, "%s is 0x%lx, not 0x%lx", what, actual_, wanted_); \
	} while (0)

/* The result word of a call has this status, named without PVN_STATUS_. */
#define expect_status(what, result, name)					\
	do {									\
		uint64_t result_ = (result);					\
										\
		expect(pvn_result_status(result_) == PVN_STATUS_##name,		\
		       "%s: %s, not " #name, what, status_name(pvn_result_status(result_))); \
	} while (0)

#define expect_fault(what, vector, wanted)					\
	do {									\
		int vector_ = (vector), wanted_ = (wanted);			\
										\
		expect(vector_ == wanted_, "%s: %s, not %s", what, vector_name(vector_), \
		       vector_name(wanted_));					\
	} while (0)

/* --- text --- */

void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* %s %c %d %u %x with l and width; always ended, the length that was written. */
size_t format_text(char *to, size_t room, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* The compiler calls the first three by itself. */
void *memset(void *to, int byte, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
bool text_equal(const char *a, const char *b);

/* --- exceptions and interrupts --- */

enum { VECTOR_DE = 0, VECTOR_DB = 1, VECTOR_NMI = 2, VECTOR_BP = 3, VECTOR_UD = 6, VECTOR_DF = 8,
       VECTOR_GP = 13, VECTOR_PF = 14, NO_FAULT = -1 };

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct caught {
	int vector;		/* NO_FAULT: it returned */
	uint64_t error, rip, cs, cr2;
};

const char *vector_name(int vector);

/* Runs call(context); an exception ends it and is told. Nests. */
int catch_fault(void (*call)(void *), void *context, struct caught *caught);
int rdmsr_fault(uint32_t msr, uint64_t *value);
int wrmsr_fault(uint32_t msr, uint64_t value);

/* Interrupts of this vector that VP has taken since the case began. */
unsigned int interrupts_taken(unsigned int vp, unsigned int vector);
/*
 * Called for the vector instead of counting and EOI. NULL: back to those. Exceptions can
 * be handled too: the frame may be changed.
 */
void set_handler(unsigned int vector, void (*handler)(struct trap_frame *frame));
void apic_eoi(void);

/* Descriptors of this virtual processor; first of all. */
void trap_init(void);

/* From trap_entry.S. */
void user_mode_run(uint64_t rip, uint64_t rsp);
uint64_t compatibility_mode_call(uint64_t control, uint64_t in, uint64_t out);

/* --- time --- */

#define MSECS 10000ull		/* in units of reference time, 100 ns */

uint64_t reference_time(void);
void wait_for(uint64_t reference_units);
/* False: it did not become true in that time. Interrupts are as the caller has them. */
#define wait_until(condition, reference_units)					\
	({									\
		uint64_t end_ = reference_time() + (reference_units);		\
										\
		while (!(condition) && reference_time() < end_)			\
			relax();						\
		(condition);							\
	})

/* --- virtual processors --- */

#define VPS_MAX 4

struct guest_vp {
	struct guest_vp *self;		/* at GS:0 */
	unsigned int index;
	bool online;
	void (*work)(void *);
	void *work_context;
	unsigned int work_given, work_done;
	struct caught work_caught;
	struct catch_point *catch_point;
	unsigned int taken[256];
};

struct guest_vp *vp_self(void);
struct guest_vp *vp_at(unsigned int index);
/* Starts virtual processor 1 unless it runs; skips the case if there is none. */
void vp_need_second(void);
/* INIT, start-up; false: it did not come up. */
bool vp_start(unsigned int index);
/* Runs call(context) on VP 1 with interrupts off; an exception there is a failure. */
void vp_run(void (*call)(void *), void *context);
/* The halves of vp_run(). */
void vp_begin(void (*call)(void *), void *context);
void vp_finish(void);
/* The first thing that it does, on its own stack. */
void vp_init(unsigned int index);
/* Stops VP 1 where it is, and what it was doing. */
void vp_stop_second(void);

/* --- local APIC --- */

#define MSR_APIC_BASE		0x1bu
#define MSR_TSC_DEADLINE	0x6e0u
#define MSR_EFER		0xc0000080u
#define MSR_GS_BASE		0xc0000101u
#define MSR_X2APIC_ID		0x802u
#define MSR_X2APIC_VERSION	0x803u
#define MSR_X2APIC_TPR		0x808u
#define MSR_X2APIC_PPR		0x80au
#define MSR_X2APIC_EOI		0x80bu
#define MSR_X2APIC_LDR		0x80du
#define MSR_X2APIC_SPURIOUS	0x80fu
#define MSR_X2APIC_ISR0		0x810u
#define MSR_X2APIC_IRR0		0x820u
#define MSR_X2APIC_ICR		0x830u
#define MSR_X2APIC_LVT_TIMER	0x832u
#define MSR_X2APIC_LVT_LINT0	0x835u
#define MSR_X2APIC_INITIAL	0x838u
#define MSR_X2APIC_CURRENT	0x839u
#define MSR_X2APIC_DIVIDE	0x83eu
#define MSR_X2APIC_SELF		0x83fu

#define APIC_ENABLE		0x100u
#define ICR_INIT		0x500u
#define ICR_STARTUP		0x600u
#define ICR_NMI			0x400u
#define ICR_LOGICAL		0x800u
#define ICR_ASSERT		0x4000u
#define ICR_ALL			0x80000u
#define ICR_OTHERS		0xc0000u

/* --- hypercalls --- */

#define GUEST_OS_ID 0x8f00000000000000ull	/* open source, test */

/* One row of the table. */
struct call_row {
	uint16_t code;
	const char *name;
	bool rep, var, fast;
	unsigned int privilege;
	unsigned int in_bytes, elem_bytes, out_bytes, oelem_bytes;
};

extern const struct call_row call_rows[];
extern const unsigned int call_row_count;
const struct call_row *call_find(uint16_t code);
const char *status_name(unsigned int status);

extern uint8_t hypercall_page[PVN_PAGE_SIZE];
/* Parameter blocks of whoever calls: a page each. */
extern uint8_t call_in[PVN_PAGE_SIZE], call_out[PVN_PAGE_SIZE];

/* Identity and page; any of them may have been lost. */
void hypercall_enable(void);

/* Which statuses a row has returned so far, by its index: as a test, and to random programs. */
#define CALL_ROWS_MAX 128
#define STATUS_BIT(status) (1ull << ((status) & 63))	/* different for all that there are */
extern uint64_t returned_in_cases[CALL_ROWS_MAX], returned_in_fuzz[CALL_ROWS_MAX];
extern bool is_fuzzing;
void call_note(uint64_t control, uint64_t result);
/* Has every other case for a parent run, in this machine? */
bool returned_all_cases(void);

/* The calling convention and nothing else: RCX, RDX, R8, and RAX. */
static inline uint64_t hypercall(uint64_t control, uint64_t rdx, uint64_t r8)
{
	register uint64_t third __asm__("r8") = r8;
	uint64_t result, sent = control;

	__asm__ volatile("call *%[page]"
			 : "=a"(result), "+c"(control), "+d"(rdx), "+r"(third)
			 : [page] "r"((uint64_t)hypercall_page)
			 : "memory", "cc", "r9", "r10", "r11");
	call_note(sent, result);
	return result;
}

static inline uint64_t hypercall_memory(uint64_t control)
{
	return hypercall(control, (uint64_t)call_in, (uint64_t)call_out);
}

/* The first 16 bytes of parameters in two words, the rest in XMM0 to XMM5 and back. */
struct fast_block { uint64_t word[14]; };
uint64_t hypercall_fast(uint64_t control, struct fast_block *block);

/*
 * A function for each row: call_signal_event(&in, &out) and so on. Memory form; of a rep
 * call one element, which lies behind the fixed input.
 */
uint64_t call_row_with(const struct call_row *row, const void *in, void *out);

#define IN(...)
#define ELEM(...)
#define OUT(...)
#define OELEM(...)
#define PVN_CALL(code, name, since, shape, form, privilege, in_, elem_, out_, oelem_, text)	\
	static inline uint64_t call_##name(const struct pvn_##name##_in *in,			\
					   struct pvn_##name##_out *out)			\
	{											\
		return call_row_with(call_find(code), in, out);					\
	}
#include <hypercalls.def>
#undef PVN_CALL
#undef IN
#undef ELEM
#undef OUT
#undef OELEM

/* --- the rest --- */

/* Pseudo-random numbers, the same in every run. */
struct random { uint64_t state; };
uint64_t random_next(struct random *random);

#define PORT_SLEEP_CONTROL	0x604u
#define PORT_RESET		0x606u
#define PORT_DEBUG		0xe9u
#define SLEEP_OFF		0x34u	/* sleep type 5, enable */
#define STORE_PAGE		0xfe000000ull
#define STORE_CHANNEL		1u
#define UNMAPPED_GPA		0xfd000000ull

#define ROOT_SLEEP_OFF		0x2000u	/* of an emulated PC's PIIX4 */

/* Is this the root partition? */
bool is_parent(void);
/* It has no children any more. */
void parent_clean_up(void);
void power_off(void) __attribute__((noreturn));
void triple_fault(void) __attribute__((noreturn));

#endif
