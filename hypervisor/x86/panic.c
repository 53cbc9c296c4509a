/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Panic. Writes to the serial line without locks: the processor that fails first owns
 * it, the others are stopped by NMI and speak one after the other.
 */
#include "core/partition.h"
#include "core/platform.h"
#include "lib/log.h"
#include "lib/string.h"
#include "x86/insn.h"
#include "x86/layout.h"
#include "x86/x86.h"

#define FRAMES_MAX 24

/* Made by symbols.py from the linked image, in order of address. */
struct symbol { uint64_t address; const char *name; };
extern const struct symbol symbol_table[], symbol_table_end[];
extern const char image_start[], image_rodata[];

static unsigned int panicking;		/* 1 + index of the processor that failed first */
static unsigned int turn;		/* whose turn it is to speak */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	format_text_args(line, sizeof(line), format, args);
	va_end(args);
	plat_log_write(line, strlen(line));
}

static void say_address(uint64_t at)
{
	const struct symbol *best = NULL;

	for (const struct symbol *s = symbol_table; s < symbol_table_end && s->address <= at; s++)
		best = s;
	if (best && at < (uint64_t)image_rodata)
		say("  %016lx %s+0x%lx\n", at, best->name, at - best->address);
	else
		say("  %016lx\n", at);
}

/* Frame pointers, only within this processor's own stack block. */
static void say_backtrace(uint64_t rip, uint64_t rbp)
{
	uint64_t block = (uint64_t)plat_this_cpu();

	say("backtrace of processor %u:\n", plat_this_cpu()->index);
	say_address(rip);
	for (unsigned int i = 0; i < FRAMES_MAX; i++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (rbp < block || rbp > block + STACK_BYTES - 16 || rbp % 8 || !frame[1])
			break;
		say_address(frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static void say_registers(const struct irq_frame *frame)
{
	static const char *const names[] = {
		"r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8", "rdi", "rsi", "rbp", "rbx", "rdx",
		"rcx", "rax", "vector", "error", "rip", "cs", "rflags", "rsp", "ss",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == sizeof(*frame) / 8, "a name for each");
	for (unsigned int i = 0; i < sizeof(*frame) / 8; i++)
		say("%s %016lx%s", names[i], ((const uint64_t *)frame)[i], i % 4 == 3 ? "\n" : " ");
	say("\n");
}

static void say_current(void)
{
	struct cpu *cpu = plat_this_cpu();
	struct vp *vp = cpu->current;

	if (!vp) {
		say("processor %u: idle\n", cpu->index);
		return;
	}
	say("processor %u: partition %lu vp %u, guest rip %016lx rflags %lx\n", cpu->index,
	    vp->partition->id, vp->index, vp->regs.rip, vp->regs.rflags);
	virt->dump(vp);
}

/* frame NULL: it is no exception that brought us here. */
static void say_state(const struct irq_frame *frame, uint64_t rip, uint64_t rbp)
{
	if (frame)
		say_registers(frame);
	say("cr0 %016lx cr2 %016lx cr3 %016lx cr4 %016lx\n", read_cr0(), read_cr2(), read_cr3(), read_cr4());
	say_backtrace(rip, rbp);
	say_current();
}

static _Noreturn void stop(void)
{
	for (;;)
		cpu_halt();
}

/* The others speak in order of index; one that does not answer is skipped. */
static _Noreturn void stop_all(void)
{
	unsigned int self = plat_this_cpu()->index;

	for (unsigned int i = 0; i < plat_cpu_count(); i++) {
		struct cpu *cpu = plat_cpu(i);
		uint64_t until = plat_tsc() + plat_tsc_hz();

		if (i == self || !__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
			continue;
		__atomic_store_n(&turn, i + 1, __ATOMIC_RELEASE);
		apic_send(cpu->apic_id, APIC_NMI);
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == i + 1 && plat_tsc() < until)
			cpu_pause();
		if (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == i + 1)
			say("processor %u: does not answer\n", i);
	}
	say("paravane: stopped\n");
	stop();
}

/* Only one processor panics; a second one waits to be asked by NMI. */
static void claim(void)
{
	unsigned int expected = 0, self = plat_this_cpu()->index + 1;

	irq_disable();
	if (__atomic_compare_exchange_n(&panicking, &expected, self, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return;
	if (expected == self)
		say("paravane: a second failure while reporting the first\n");
	stop();
}

void panic(const char *format, ...)
{
	char text[200];
	va_list args;

	claim();
	va_start(args, format);
	format_text_args(text, sizeof(text), format, args);
	va_end(args);
	say("\nparavane: PANIC on processor %u: %s\n", plat_this_cpu()->index, text);
	say_state(NULL, (uint64_t)__builtin_return_address(0), (uint64_t)__builtin_frame_address(0));
	stop_all();
}

void panic_exception(const struct irq_frame *frame)
{
	claim();
	say("\nparavane: PANIC on processor %u: exception %lu in the hypervisor\n", plat_this_cpu()->index,
	    frame->vector);
	say_state(frame, frame->rip, frame->rbp);
	stop_all();
}

void panic_on_nmi(const struct irq_frame *frame)
{
	unsigned int self = plat_this_cpu()->index + 1;

	if (!__atomic_load_n(&panicking, __ATOMIC_ACQUIRE)) {
		say("paravane: NMI that nobody sent\n");	/* the log's lock may be ours already */
		return;
	}
	if (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == self) {
		say_state(frame, frame->rip, frame->rbp);
		__atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
	}
	stop();
}
