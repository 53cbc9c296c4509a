// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A stopped virtual processor; see cpu.h.
 */
#include "emul/cpu.h"

#include <string.h>

#define CR0_WRITE_PROTECT	(1ull << 16)
#define CR0_PAGING		(1ull << 31)
#define CR4_FIVE_LEVELS		(1ull << 12)
#define EFER_LONG_ACTIVE	(1ull << 10)
#define ENTRY_PRESENT		(1ull << 0)
#define ENTRY_WRITABLE		(1ull << 1)
#define ENTRY_USER		(1ull << 2)
#define ENTRY_ACCESSED		(1ull << 5)
#define ENTRY_DIRTY		(1ull << 6)
#define ENTRY_LARGE		(1ull << 7)
#define ENTRY_ADDRESS		0x000ffffffffff000ull
/* Error code of a page fault. */
#define FAULT_PRESENT		0x1u
#define FAULT_WRITE		0x2u
#define FAULT_USER		0x4u
#define PAGE			4096u
#define CODE_MAX		15u

static enum cpu_outcome refuse(const struct cpu *cpu, uint64_t linear, bool write, bool present,
			       struct cpu_fault *fault)
{
	fault->address = linear;
	fault->code = (present ? FAULT_PRESENT : 0) | (write ? FAULT_WRITE : 0) |
		      (cpu->level == 3 ? FAULT_USER : 0);
	return CPU_PAGE_FAULT;
}

/* What all entries on the way grant together. */
static bool is_granted(const struct cpu *cpu, uint64_t rights, bool write)
{
	if (cpu->level == 3 && !(rights & ENTRY_USER))
		return false;
	if (!write || rights & ENTRY_WRITABLE)
		return true;
	return cpu->level != 3 && !(cpu->cr0 & CR0_WRITE_PROTECT);
}

enum cpu_outcome cpu_translate(const struct cpu *cpu, const struct emul_host *host,
			       uint64_t linear, bool write, uint64_t *gpa,
			       struct cpu_fault *fault)
{
	unsigned int level = cpu->cr4 & CR4_FIVE_LEVELS ? 5 : 4, shift;
	uint64_t table = cpu->cr3 & ENTRY_ADDRESS, rights = ~0ull, entry, *at;

	if (!(cpu->cr0 & CR0_PAGING)) {
		*gpa = linear;
		return CPU_DONE;
	}
	if (!(cpu->efer & EFER_LONG_ACTIVE)) {
		fault->why = "paging of 32-bit kernels";
		return CPU_FAILED;
	}
	for (;; level--) {
		shift = 12 + 9 * (level - 1);
		at = host->memory(host->context, table + (linear >> shift & 511) * 8, 8);
		entry = at ? __atomic_load_n(at, __ATOMIC_RELAXED) : 0;
		if (!(entry & ENTRY_PRESENT))
			return refuse(cpu, linear, write, false, fault);
		rights &= entry;
		if (level == 1 || (level <= 3 && entry & ENTRY_LARGE))
			break;
		__atomic_fetch_or(at, ENTRY_ACCESSED, __ATOMIC_RELAXED);
		table = entry & ENTRY_ADDRESS;
	}
	if (!is_granted(cpu, rights, write))
		return refuse(cpu, linear, write, true, fault);
	__atomic_fetch_or(at, ENTRY_ACCESSED | (write ? ENTRY_DIRTY : 0), __ATOMIC_RELAXED);
	*gpa = (entry & ENTRY_ADDRESS & ~((1ull << shift) - 1)) | (linear & ((1ull << shift) - 1));
	return CPU_DONE;
}

/* The pieces of an access that are in one page each. */
struct piece {
	uint64_t gpa;
	unsigned int bytes;
};

static enum cpu_outcome split(const struct cpu *cpu, const struct bus *bus, uint64_t linear,
			      unsigned int bytes, bool write, struct piece piece[2],
			      struct cpu_fault *fault)
{
	unsigned int first = PAGE - linear % PAGE;
	enum cpu_outcome outcome;

	piece[0].bytes = first < bytes ? first : bytes;
	piece[1].bytes = bytes - piece[0].bytes;
	outcome = cpu_translate(cpu, bus->host, linear, write, &piece[0].gpa, fault);
	if (outcome == CPU_DONE && piece[1].bytes)
		outcome = cpu_translate(cpu, bus->host, linear + first, write, &piece[1].gpa, fault);
	return outcome;
}

enum cpu_outcome cpu_read(const struct cpu *cpu, struct bus *bus, uint64_t linear,
			  unsigned int bytes, uint64_t *value, struct cpu_fault *fault)
{
	struct piece piece[2];
	enum cpu_outcome outcome = split(cpu, bus, linear, bytes, false, piece, fault);
	unsigned int i, shift = 0;

	if (outcome != CPU_DONE)
		return outcome;
	*value = 0;
	for (i = 0; i < 2 && piece[i].bytes; i++) {
		const void *at = bus->host->memory(bus->host->context, piece[i].gpa,
						   piece[i].bytes);
		uint64_t part = 0;

		if (at)
			memcpy(&part, at, piece[i].bytes);
		else
			part = bus_read(bus, BUS_MEMORY, piece[i].gpa, piece[i].bytes);
		*value |= part << shift;
		shift += 8 * piece[i].bytes;
	}
	return CPU_DONE;
}

enum cpu_outcome cpu_write(const struct cpu *cpu, struct bus *bus, uint64_t linear,
			   unsigned int bytes, uint64_t value, struct cpu_fault *fault)
{
	struct piece piece[2];
	enum cpu_outcome outcome = split(cpu, bus, linear, bytes, true, piece, fault);
	unsigned int i;

	if (outcome != CPU_DONE)
		return outcome;
	for (i = 0; i < 2 && piece[i].bytes; i++) {
		void *at = bus->host->memory(bus->host->context, piece[i].gpa, piece[i].bytes);

		if (at)
			memcpy(at, &value, piece[i].bytes);
		else
			bus_write(bus, BUS_MEMORY, piece[i].gpa, piece[i].bytes, value);
		value = piece[i].bytes < 8 ? value >> 8 * piece[i].bytes : 0;
	}
	return CPU_DONE;
}

unsigned int cpu_fetch(const struct cpu *cpu, const struct emul_host *host, uint8_t code[15])
{
	uint64_t linear = cpu->rip + (cpu->is_64_bit ? 0 : cpu->base[CPU_CS]), gpa;
	unsigned int used = 0, room, bytes;
	struct cpu_fault fault;
	const void *at;

	while (used < CODE_MAX) {
		room = PAGE - (linear + used) % PAGE;
		bytes = room < CODE_MAX - used ? room : CODE_MAX - used;
		if (cpu_translate(cpu, host, linear + used, false, &gpa, &fault) != CPU_DONE)
			break;
		at = host->memory(host->context, gpa, bytes);
		if (!at)
			break;
		memcpy(code + used, at, bytes);
		used += bytes;
	}
	return used;
}
