/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Completes what entry.S began: 2 MiB pages for what is above the first 4 GiB too, 4 KiB
 * pages for the image so that nothing is both writable and executable there. The direct
 * map is never executable.
 */
#include "x86/x86.h"

#define P	0x1ull
#define W	0x2ull
#define UC	0x18ull		/* PCD, PWT */
#define LARGE	0x80ull
#define NX	(1ull << 63)
#define ENTRIES	512
#define APIC_PAGE 0xfee00000ull

#define CR4_PGE	   (1ull << 7)
#define CPUID_SMEP (1u << 7)	/* leaf 7, EBX */
#define CPUID_SMAP (1u << 20)

extern uint64_t boot_pml4[], boot_pdpt[], boot_pdpt_high[], boot_pd[];
extern const char image_start[], image_rodata[], image_data[], image_end[];

static uint64_t image_pt[ENTRIES] __attribute__((aligned(4096)));
static uint64_t image_pd[ENTRIES] __attribute__((aligned(4096)));

void *plat_hva(struct hpa pa) { return (void *)(DIRECT_MAP + pa.v); }

struct hpa plat_hpa(const void *va)
{
	uint64_t v = (uint64_t)va;

	return hpa(v >= KERNEL_BASE ? v - KERNEL_BASE : v - DIRECT_MAP);
}

size_t paging_table_pages(uint64_t end)
{
	return end <= 4 * HUGE_PAGE_SIZE ? 0 : (end - 3 * HUGE_PAGE_SIZE - 1) >> HUGE_PAGE_SHIFT;
}

void paging_map_high(uint64_t end, char *table_pages)
{
	uint64_t *pd = (uint64_t *)table_pages, count = paging_table_pages(end);

	if (count + 4 > ENTRIES)
		panic("more than 512 GiB of memory is not supported");
	for (uint64_t i = 0; i < count * ENTRIES; i++) {
		pd[i] = 4 * HUGE_PAGE_SIZE + (i << LARGE_PAGE_SHIFT) + (LARGE | W | P | NX);
		if (i % ENTRIES == 0)
			boot_pdpt[4 + i / ENTRIES] = plat_hpa(&pd[i]).v | W | P;
	}
}

static uint64_t image_rights(uint64_t at)
{
	if (at < (uint64_t)image_rodata)
		return P;
	if (at < (uint64_t)image_data)
		return P | NX;
	return P | W | NX;
}

void paging_protect(void)
{
	uint64_t first = (uint64_t)image_start - KERNEL_BASE, end = (uint64_t)image_end - KERNEL_BASE;

	ASSERT(end <= LARGE_PAGE_SIZE);
	for (uint64_t at = first; at < end; at += PAGE_SIZE)
		image_pt[at >> PAGE_SHIFT] = at | image_rights(at + KERNEL_BASE);
	image_pd[0] = plat_hpa(image_pt).v | W | P;
	boot_pdpt_high[510] = plat_hpa(image_pd).v | W | P;
	for (unsigned int i = 0; i < 4 * ENTRIES; i++)
		boot_pd[i] |= NX;
	boot_pd[APIC_PAGE >> LARGE_PAGE_SHIFT] |= UC;
	boot_pml4[0] = 0;
	paging_load();
}

/*
 * WP, SMEP, SMAP: the image's own text is not writable for us either, and there are no user
 * pages here. PSE and PGE mean nothing to our tables; they are set because guests' kernels
 * set all of these, and a software SVM empties its TLB once more wherever VMRUN or #VMEXIT
 * changes one of them (docs/decisions/009).
 */
void paging_load(void)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	if (r[0] >= 7)
		cpuid(7, 0, r);
	else
		r[1] = 0;
	write_cr0(read_cr0() | CR0_WP);
	write_cr4(read_cr4() | CR4_PSE | CR4_PGE | (r[1] & CPUID_SMEP ? CR4_SMEP : 0) |
		  (r[1] & CPUID_SMAP ? CR4_SMAP : 0));
	write_cr3(plat_hpa(boot_pml4).v);
}
