/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Panic. Writes to the serial line without locks: the processor that fails first owns
 * it, the others are stopped by NMI and speak one after the other.
 */
#include "core/cpu.h"
#include "core/partition.h"
#include "core/platform.h"
#include "core/vp.h"
#include "lib/log.h"
#include "lib/string.h"
#include "x86/apic.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/layout.h"
#include "x86/panic.h"

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
		say("  %016llx %s+0x%llx\n", (unsigned long long)at, best->name,
		    (unsigned long long)(at - best->address));
	else
		say("  %016llx\n", (unsigned long long)at);
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

static void say_registers(const struct irq_frame *f)
{
#define X(v) ((unsigned long long)(v))
	say("rip %016llx cs %04llx rflags %08llx rsp %016llx\n", X(f->rip), X(f->cs), X(f->rflags),
	    X(f->rsp));
	say("rax %016llx rcx %016llx rdx %016llx rbx %016llx\n", X(f->rax), X(f->rcx), X(f->rdx), X(f->rbx));
	say("rbp %016llx rsi %016llx rdi %016llx r8  %016llx\n", X(f->rbp), X(f->rsi), X(f->rdi), X(f->r8));
	say("r9  %016llx r10 %016llx r11 %016llx r12 %016llx\n", X(f->r9), X(f->r10), X(f->r11), X(f->r12));
	say("r13 %016llx r14 %016llx r15 %016llx error %llx\n", X(f->r13), X(f->r14), X(f->r15),
	    X(f->error_code));
	say("cr0 %016llx cr2 %016llx cr3 %016llx cr4 %016llx\n", X(read_cr0()), X(read_cr2()),
	    X(read_cr3()), X(read_cr4()));
#undef X
}

static void say_current(void)
{
	struct cpu *cpu = plat_this_cpu();
	struct vp *vp = cpu->current;

	if (!vp) {
		say("processor %u: idle\n", cpu->index);
		return;
	}
	say("processor %u: partition %llu vp %u, guest rip %016llx rflags %llx\n", cpu->index,
	    (unsigned long long)vp->partition->id, vp->index, (unsigned long long)vp->regs.rip,
	    (unsigned long long)vp->regs.rflags);
	virt->dump(vp);
}

static _Noreturn void stop(void)
{
	for (;;)
		cpu_halt();
}

/* The others speak in order of index; one that does not answer is skipped. */
_Noreturn void plat_panic_stop(void)
{
	unsigned int self = plat_this_cpu()->index;

	for (unsigned int i = 0; i < plat_cpu_count(); i++) {
		struct cpu *cpu = plat_cpu(i);
		uint64_t until = plat_tsc() + plat_tsc_hz();

		if (i == self || !__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
			continue;
		__atomic_store_n(&turn, i + 1, __ATOMIC_RELEASE);
		apic_send_nmi(cpu->apic_id);
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
	say_backtrace((uint64_t)__builtin_return_address(0), (uint64_t)__builtin_frame_address(0));
	say("cr0 %016llx cr2 %016llx cr3 %016llx cr4 %016llx\n", (unsigned long long)read_cr0(),
	    (unsigned long long)read_cr2(), (unsigned long long)read_cr3(), (unsigned long long)read_cr4());
	say_current();
	plat_panic_stop();
}

void panic_exception(const struct irq_frame *frame)
{
	claim();
	say("\nparavane: PANIC on processor %u: exception %llu in the hypervisor\n", plat_this_cpu()->index,
	    (unsigned long long)frame->vector);
	say_registers(frame);
	say_backtrace(frame->rip, frame->rbp);
	say_current();
	plat_panic_stop();
}

void panic_on_nmi(const struct irq_frame *frame)
{
	unsigned int self = plat_this_cpu()->index + 1;

	if (!__atomic_load_n(&panicking, __ATOMIC_ACQUIRE)) {
		say("paravane: NMI that nobody sent\n");	/* the log's lock may be ours already */
		return;
	}
	if (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != self)
		stop();
	say_registers(frame);
	say_backtrace(frame->rip, frame->rbp);
	say_current();
	__atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
	stop();
}
