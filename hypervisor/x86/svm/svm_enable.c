/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Is there SVM, and turning it on; permission maps shared by all VPs of a kind.
 */
#include "x86/svm/svm.h"
#include "x86/x86.h"

#define MSR_VM_CR	0xc0010114u
#define MSR_HSAVE	0xc0010117u
#define VM_CR_DISABLED	(1u << 4)

#define IO_MAP_BYTES	(3 * PAGE_SIZE)		/* a bit a port [APM2 15.10.1 "I/O Permissions Map"] */
#define MSR_MAP_BYTES	(2 * PAGE_SIZE)		/* two bits an MSR [APM2 15.11 "MSR Intercepts"] */

struct svm_features svm_features;

static uint8_t io_map_root[IO_MAP_BYTES] __attribute__((aligned(4096)));
static uint8_t io_map_child[IO_MAP_BYTES] __attribute__((aligned(4096)));
static uint8_t msr_map_root[MSR_MAP_BYTES] __attribute__((aligned(4096)));
static uint8_t msr_map_child[MSR_MAP_BYTES] __attribute__((aligned(4096)));
/* Host save area of each processor, found again by its index. */
static uint8_t host_save[64][PAGE_SIZE] __attribute__((aligned(4096)));

#define MSR_READ  1u
#define MSR_WRITE 2u

static void make_msr_maps(void)
{
	static const struct { uint8_t *map; uint32_t first, count; uint8_t exits; } ranges[] = {
		/* Live in the VMCB: no exit needed. Not PAT: QEMU checks nothing, and lets a guest change
		   the processor's own. */
		{ msr_map_child, 0x174, 3, 0 }, { msr_map_child, 0xc0000081, 4, 0 },
		{ msr_map_child, 0xc0000100, 3, 0 },
		{ msr_map_root, 0x1b, 1, MSR_READ | MSR_WRITE },
		{ msr_map_root, 0x6e0, 1, MSR_READ | MSR_WRITE },
		{ msr_map_root, 0x800, 0x100, MSR_READ | MSR_WRITE },
		{ msr_map_root, MSR_EFER, 1, MSR_READ | MSR_WRITE },
		{ msr_map_root, MSR_VM_CR, 1, MSR_READ | MSR_WRITE },
		{ msr_map_root, MSR_HSAVE, 1, MSR_READ | MSR_WRITE },
		/* Performance counters: their interrupt has nowhere to go. */
		{ msr_map_root, 0xc0010000, 8, MSR_READ | MSR_WRITE },
		{ msr_map_root, 0xc0010200, 12, MSR_READ | MSR_WRITE },
		/* The TSC is everybody's: the root may read it, not move it. */
		{ msr_map_root, 0x10, 1, MSR_WRITE }, { msr_map_root, 0x3b, 1, MSR_WRITE },
	};

	memset(msr_map_child, 0xff, sizeof(msr_map_child));
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		for (uint32_t msr = ranges[i].first; msr < ranges[i].first + ranges[i].count; msr++) {
			uint32_t base = msr < 0x2000 ? 0 : msr < 0xc0002000 ? 0x2000 : 0x4000;
			uint32_t bit = (base + (msr & 0x1fff)) * 2;

			ranges[i].map[bit / 8] &= ~(3u << bit % 8);
			ranges[i].map[bit / 8] |= ranges[i].exits << bit % 8;
		}
	}
}

static void make_io_maps(void)
{
	memset(io_map_child, 0xff, sizeof(io_map_child));
	for (uint16_t i = 0; i < CONSOLE_PORT_COUNT; i++) {
		if (console_port())
			io_map_root[(console_port() + i) / 8] |= 1 << (console_port() + i) % 8;
		if (gdb_port())
			io_map_root[(gdb_port() + i) / 8] |= 1 << (gdb_port() + i) % 8;
	}
}

struct hpa svm_io_map(bool root) { return plat_hpa(root ? io_map_root : io_map_child); }
struct hpa svm_msr_map(bool root) { return plat_hpa(root ? msr_map_root : msr_map_child); }

static bool is_tcg(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 31))
		return false;
	cpuid(0x40000000, 0, r);
	return r[1] == 0x54474354;	/* "TCGT" */
}

const char *svm_probe(void)
{
	uint32_t r[4];

	cpuid(0x80000000, 0, r);
	if (r[0] >= 0x8000000a)
		cpuid(0x80000001, 0, r);
	else
		r[2] = 0;
	if (!(r[2] & 1 << 2))
		return "this processor has no AMD SVM (and VMX is not supported yet)";
	npt_format.huge_pages = r[3] >> 26 & 1;
	if (rdmsr(MSR_VM_CR) & VM_CR_DISABLED)
		return "SVM is disabled by the firmware: enable it in the BIOS set-up";
	cpuid(0x80000008, 0, r);
	svm_features.branch_barrier = r[1] >> 12 & 1;
	cpuid(0x8000000a, 0, r);
	if (!(r[3] & 1))
		return "this processor's SVM has no nested paging";
	svm_features.next_rip = r[3] >> 3 & 1;
	svm_features.asid_count = r[1];
	svm_features.loses_shadow = is_tcg();
	make_msr_maps();
	make_io_maps();
	return NULL;
}

void svm_cpu_enable(struct cpu *cpu)
{
	static struct svm_cpu state[64];

	ASSERT(cpu->index < sizeof(host_save) / sizeof(host_save[0]));
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_HSAVE, plat_hpa(host_save[cpu->index]).v);
	cpu->vendor = &state[cpu->index];
	fpu_init_cpu();
}
