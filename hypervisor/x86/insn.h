/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Every inline-assembly wrapper of the hypervisor, one instruction each.
 */
#pragma once

#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v) { asm volatile("outb %0, %1" :: "a"(v), "Nd"(port)); }

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	asm volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
		     : "a"(leaf), "c"(subleaf));
}

#define DEFINE_REGISTER(name)								\
	static inline uint64_t read_##name(void)					\
	{										\
		uint64_t v;								\
		asm volatile("mov %%" #name ", %0" : "=r"(v));				\
		return v;								\
	}										\
	static inline void write_##name(uint64_t v) { asm volatile("mov %0, %%" #name :: "r"(v) : "memory"); }
DEFINE_REGISTER(cr0)
DEFINE_REGISTER(cr2)
DEFINE_REGISTER(cr3)
DEFINE_REGISTER(cr4)
DEFINE_REGISTER(dr0)
DEFINE_REGISTER(dr1)
DEFINE_REGISTER(dr2)
DEFINE_REGISTER(dr3)
#undef DEFINE_REGISTER

static inline void xsetbv(uint32_t index, uint64_t v)
{
	asm volatile("xsetbv" :: "c"(index), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static inline uint64_t xgetbv(uint32_t index)
{
	uint32_t low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
	return (uint64_t)high << 32 | low;
}

static inline void xsave(void *area, uint64_t mask)
{
	asm volatile("xsave64 (%0)" :: "r"(area), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
		     : "memory");
}

static inline void xrstor(const void *area, uint64_t mask)
{
	asm volatile("xrstor64 (%0)" :: "r"(area), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
		     : "memory");
}

static inline void fxsave(void *area) { asm volatile("fxsave64 (%0)" :: "r"(area) : "memory"); }
static inline void fxrstor(const void *area) { asm volatile("fxrstor64 (%0)" :: "r"(area) : "memory"); }

static inline void invlpg(const void *at) { asm volatile("invlpg (%0)" :: "r"(at) : "memory"); }
static inline uint64_t stack_pointer(void)
{
	uint64_t rsp;

	asm("movq %%rsp, %0" : "=r"(rsp));
	return rsp;
}

static inline void cpu_pause(void) { asm volatile("pause" ::: "memory"); }
static inline void irq_disable(void) { asm volatile("cli" ::: "memory"); }
/* Takes what is pending: STI's shadow covers one instruction. */
static inline void irq_window(void) { asm volatile("sti; nop; cli" ::: "memory"); }
/* Sleeps until an interrupt and takes it; no wake-up is lost between the two. */
static inline void irq_wait(void) { asm volatile("sti; hlt; cli" ::: "memory"); }
static inline void cpu_halt(void) { asm volatile("cli; hlt" ::: "memory"); }

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static inline void lidt(const struct table_pointer *p) { asm volatile("lidt %0" :: "m"(*p)); }
