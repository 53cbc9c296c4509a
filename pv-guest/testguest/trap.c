// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Exceptions and interrupts. All virtual processors share one descriptor table of
 * interrupts; each has its own of segments, because of the task segment.
 */
#include "testguest.h"

#define STUB_BYTES	16
#define GATE_PRESENT	0x8e00		/* interrupt gate, for the kernel only */
#define GATE_USER	0x6000
#define SELECTOR_CODE	0x08
#define SELECTOR_DATA	0x10
#define SELECTOR_TASK	0x30
#define IST_DOUBLE_FAULT 1

struct catch_point {
	uint64_t stack;
	struct catch_point *outer;
	struct caught caught;
};

struct gate {
	uint16_t offset0, selector, type, offset1;
	uint32_t offset2, reserved;
};

struct pointer { uint16_t limit; uint64_t base; } __attribute__((packed));

struct task_state {
	uint32_t reserved0;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, io_bitmap;
} __attribute__((packed));

struct segments {
	uint64_t gdt[8];
	struct task_state task;
	uint8_t trap_stack[8192] __attribute__((aligned(16)));
	uint8_t fault_stack[4096] __attribute__((aligned(16)));
};

extern const uint8_t trap_stubs[];
bool trap_run(void (*call)(void *), void *context, uint64_t *stack);
void trap_leave(uint64_t stack) __attribute__((noreturn));

static struct gate gates[256] __attribute__((aligned(16)));
static struct segments segments[VPS_MAX];
static void (*handlers[256])(struct trap_frame *frame);

const char *vector_name(int vector)
{
	static const char *const names[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "exception 9", "#TS",
		"#NP", "#SS", "#GP", "#PF", "exception 15", "#MF", "#AC", "#MC", "#XM",
	};

	if (vector == NO_FAULT)
		return "no exception";
	return vector < (int)ARRAY_COUNT(names) ? names[vector] : "another vector";
}

static void set_gate(unsigned int vector)
{
	uint64_t at = (uint64_t)trap_stubs + vector * STUB_BYTES;

	gates[vector] = (struct gate){
		.offset0 = at, .offset1 = at >> 16, .offset2 = at >> 32, .selector = SELECTOR_CODE,
		.type = GATE_PRESENT | (vector == VECTOR_BP ? GATE_USER : 0) |
			(vector == VECTOR_DF ? IST_DOUBLE_FAULT : 0),
	};
}

static void fill_segments(struct segments *s)
{
	static const uint64_t flat[6] = {
		0,
		0x00af9b000000ffffull,		/* 64-bit code */
		0x00cf93000000ffffull,		/* data */
		0x00cf9b000000ffffull,		/* 32-bit code */
		0x00affb000000ffffull,		/* user's 64-bit code */
		0x00cff3000000ffffull,		/* user's data */
	};
	uint64_t task = (uint64_t)&s->task;

	memcpy(s->gdt, flat, sizeof(flat));
	s->gdt[6] = (sizeof(s->task) - 1) | (task & 0xffffff) << 16 | 0x89ull << 40 |
		    (task >> 24 & 0xff) << 56;
	s->gdt[7] = task >> 32;
	s->task.rsp[0] = (uint64_t)(s->trap_stack + sizeof(s->trap_stack));
	s->task.ist[IST_DOUBLE_FAULT - 1] = (uint64_t)(s->fault_stack + sizeof(s->fault_stack));
	s->task.io_bitmap = sizeof(s->task);
}

void trap_init(void)
{
	struct segments *s = &segments[vp_self()->index];
	struct pointer gdt = { sizeof(s->gdt) - 1, (uint64_t)s->gdt };
	struct pointer idt = { sizeof(gates) - 1, (uint64_t)gates };

	for (unsigned int i = 0; i < 256; i++)
		set_gate(i);
	fill_segments(s);
	__asm__ volatile("lgdt %0\n\t"
			 "lidt %1\n\t"
			 "pushq %2\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmov %w3, %%ds\n\t"
			 "mov %w3, %%es\n\t"
			 "mov %w3, %%ss\n\t"
			 "ltr %w4"
			 : : "m"(gdt), "m"(idt), "i"(SELECTOR_CODE), "r"(SELECTOR_DATA),
			     "r"(SELECTOR_TASK) : "rax", "memory");
}

void set_handler(unsigned int vector, void (*handler)(struct trap_frame *frame))
{
	handlers[vector] = handler;
}

void apic_eoi(void)
{
	wrmsr(MSR_X2APIC_EOI, 0);
}

unsigned int interrupts_taken(unsigned int vp, unsigned int vector)
{
	return __atomic_load_n(&vp_at(vp)->taken[vector], __ATOMIC_ACQUIRE);
}

static void count(struct guest_vp *vp, unsigned int vector)
{
	__atomic_store_n(&vp->taken[vector], vp->taken[vector] + 1, __ATOMIC_RELEASE);
	if (vector != VECTOR_NMI)
		apic_eoi();
}

static void leave(struct guest_vp *vp, const struct trap_frame *frame)
{
	struct catch_point *point = vp->catch_point;

	if (!point) {
		print("error: exception %lu at 0x%lx, error code 0x%lx, outside of any test\n",
		      frame->vector, frame->rip, frame->error);
		power_off();
	}
	point->caught = (struct caught){
		.vector = (int)frame->vector, .error = frame->error, .rip = frame->rip,
		.cs = frame->cs, .cr2 = read_cr2(),
	};
	trap_leave(point->stack);
}

void trap_handle(struct trap_frame *frame);
void trap_handle(struct trap_frame *frame)
{
	struct guest_vp *vp = vp_self();

	if (handlers[frame->vector])
		handlers[frame->vector](frame);
	else if (frame->vector >= 32 || frame->vector == VECTOR_NMI)
		count(vp, (unsigned int)frame->vector);
	else
		leave(vp, frame);
}

int catch_fault(void (*call)(void *), void *context, struct caught *caught)
{
	struct guest_vp *vp = vp_self();
	struct catch_point point = { .outer = vp->catch_point, .caught.vector = NO_FAULT };

	vp->catch_point = &point;
	trap_run(call, context, &point.stack);
	vp->catch_point = point.outer;
	if (caught)
		*caught = point.caught;
	return point.caught.vector;
}

struct msr_access {
	uint32_t msr;
	uint64_t value;
};

static void read_msr(void *context)
{
	struct msr_access *access = context;

	access->value = rdmsr(access->msr);
}

static void write_msr(void *context)
{
	const struct msr_access *access = context;

	wrmsr(access->msr, access->value);
}

int rdmsr_fault(uint32_t msr, uint64_t *value)
{
	struct msr_access access = { .msr = msr };
	int vector = catch_fault(read_msr, &access, NULL);

	if (value)
		*value = access.value;
	return vector;
}

int wrmsr_fault(uint32_t msr, uint64_t value)
{
	struct msr_access access = { msr, value };

	return catch_fault(write_msr, &access, NULL);
}
