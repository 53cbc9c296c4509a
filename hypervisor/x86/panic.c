/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Panic. Writes to the serial line without locks: the processor that fails first stops the
 * others and shows them all; a failure on the way ends it.
 */
#include "core/partition.h"
#include "x86/x86.h"

#define FRAMES_MAX 24

/* Made by symbols.py from the linked image, in order of address. */
struct symbol { uint64_t address; const char *name; };
extern const struct symbol symbol_table[], symbol_table_end[];
extern const char image_start[], image_rodata[];

static bool said;			/* why, by panic() */

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

/* Frame pointers, only within that processor's own stack block. */
static void say_backtrace(const struct cpu *cpu, const struct irq_frame *frame)
{
	uint64_t block = (uint64_t)cpu, rbp = frame->rbp;

	say_address(frame->rip);
	for (unsigned int i = 0; i < FRAMES_MAX; i++) {
		const uint64_t *at = (const uint64_t *)rbp;

		if (rbp < block || rbp > block + STACK_BYTES - 16 || rbp % 8 || !at[1])
			break;
		say_address(at[1]);
		if (at[0] <= rbp)
			break;
		rbp = at[0];
	}
}

static void say_processor(const struct cpu *cpu)
{
	const struct irq_frame *frame = __atomic_load_n(&stop_frames[cpu->index], __ATOMIC_ACQUIRE);
	struct vp *vp = cpu->current;

	say("processor %u: %s\n", cpu->index, !frame ? "does not answer" : vp ? "runs a guest" : "idle");
	if (frame) {
		say_registers(frame);
		say_backtrace(cpu, frame);
	}
	if (vp) {
		say("partition %lu vp %u, guest rip %016lx rflags %lx\n", vp->partition->id, vp->index,
		    vp->regs.rip, vp->regs.rflags);
		virt->dump(vp);
	}
}

/* The exception that follows shows the rest. */
void panic(const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	format_text_args(text, sizeof(text), format, args);
	va_end(args);
	say("\nparavane: PANIC on processor %u: %s\n", plat_this_cpu()->index, text);
	said = true;
	asm volatile("ud2");
	__builtin_unreachable();
}

void panic_exception(struct irq_frame *frame)
{
	unsigned int self = plat_this_cpu()->index;

	if (!said)
		say("\nparavane: PANIC on processor %u: exception %lu in the hypervisor\n", self,
		    frame->vector);
	if (stop_others(frame)) {
		say("cr0 %016lx cr2 %016lx cr3 %016lx cr4 %016lx\n", read_cr0(), read_cr2(), read_cr3(),
		    read_cr4());
		say_processor(plat_this_cpu());
		for (unsigned int i = 0; i < plat_cpu_count(); i++)
			if (i != self)
				say_processor(plat_cpu(i));
		gdb_serve(frame, SIGNAL_FAULT);
	}
	say("paravane: stopped\n");
	for (;;)
		cpu_halt();
}
