/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Start of the application processors, one at a time: INIT, start-up IPI, twice
 * [SDM 3A 9.4.4 "MP Initialization Example"].
 */
#include "core/sched.h"
#include "x86/x86.h"

#define START_TIMEOUT_US 1000000

extern const char ap_begin[], ap_end[];
extern char ap_stack_slot[], boot_stack[];

static struct cpu *cpus[CPUS_MAX];
static unsigned int cpu_count;
static bool released;

struct cpu *plat_this_cpu(void) { return this_cpu(); }

struct cpu *plat_cpu(unsigned int index) { return cpus[index]; }
unsigned int plat_cpu_count(void) { return cpu_count; }

static struct cpu *add_cpu(void *block, uint32_t id)
{
	struct cpu *cpu = block;

	memset(cpu, 0, sizeof(*cpu));
	cpu->index = cpu_count;
	cpu->apic_id = id;
	cpu->domain = numa_of(false, id);
	sched_init_cpu(cpu);
	cpus[cpu_count++] = cpu;
	return cpu;
}

void smp_init_boot_cpu(void) { add_cpu(boot_stack, 0)->online = true; }

void ap_main(void);	/* from ap.S */
void ap_main(void)
{
	struct cpu *cpu = plat_this_cpu();

	irq_load();
	apic_init_cpu();
	virt->cpu_enable(cpu);
	__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
		cpu_pause();
	paging_load();	/* the boot processor has tightened the tables */
	sched_loop();
}

static void start_one(struct cpu *cpu)
{
	char *page = plat_hva(hpa(AP_START));
	uint64_t top = (uint64_t)cpu + STACK_BYTES;

	memcpy(page + (ap_stack_slot - ap_begin), &top, sizeof(top));
	apic_send(cpu->apic_id, APIC_INIT);
	tsc_delay_us(10000);
	for (unsigned int try = 0; try < 2; try++) {
		apic_send(cpu->apic_id, APIC_STARTUP | AP_START >> 12);
		for (unsigned int us = 0; us < (try ? START_TIMEOUT_US : 20000); us += 10) {
			if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
				return;
			tsc_delay_us(10);
		}
	}
	panic("processor %u (APIC id %u) does not start", cpu->index, cpu->apic_id);
}

/* Some firmware lists a processor twice; INIT would stop one that runs already. */
static bool is_known(uint32_t id)
{
	for (unsigned int i = 0; i < cpu_count; i++)
		if (cpus[i]->apic_id == id)
			return true;
	return false;
}

void smp_start(const uint32_t *apic_ids, unsigned int count, void *stacks)
{
	char saved[PAGE_SIZE];

	cpus[0]->apic_id = apic_id();
	cpus[0]->domain = numa_of(false, apic_id());
	/* The page belongs to the root: give it back as it was. */
	memcpy(saved, plat_hva(hpa(AP_START)), sizeof(saved));
	memcpy(plat_hva(hpa(AP_START)), ap_begin, ap_end - ap_begin);
	for (unsigned int i = 0; i < count && cpu_count < CPUS_MAX; i++) {
		if (is_known(apic_ids[i]) || !apic_reaches(apic_ids[i]))
			continue;
		start_one(add_cpu((char *)stacks + (uint64_t)(cpu_count - 1) * STACK_BYTES, apic_ids[i]));
	}
	memcpy(plat_hva(hpa(AP_START)), saved, sizeof(saved));
	log_info("%u processors", cpu_count);
}

void smp_forget_boot_cpu(void)
{
	cpu_count--;
	for (unsigned int i = 0; i < cpu_count; i++) {
		cpus[i] = cpus[i + 1];
		cpus[i]->index = i;
	}
}

void smp_release(void) { __atomic_store_n(&released, true, __ATOMIC_RELEASE); }

void plat_relax(void) { cpu_pause(); }
void plat_device_eoi(unsigned int vector) { (void)vector; apic_eoi(); }
void plat_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) { cpuid(leaf, subleaf, out); }
void plat_interrupts_take(void) { irq_window(); }

void plat_interrupts_wait(void)
{
	apic_accept_all();
	irq_wait();
}

void plat_set_xcr0(uint64_t value) { xsetbv(0, value); }

_Noreturn void plat_reset(void)
{
	outb(0xcf9, 0x02);
	outb(0xcf9, 0x06);
	outb(0x64, 0xfe);
	for (;;)
		cpu_halt();
}
