/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The order of start-up, from the boot loader's information to the first entry of the
 * root partition. Whatever is unfit is refused here with one sentence.
 *
 * Command line: console=com1|com2|0xPORT|none  log=error|warn|info|debug
 *		 gdb=com1|com2|0xPORT (a debugger, on a line of its own)
 *		 memory=SIZE (the hypervisor's pool)
 *		 panic (fail an assertion before the root runs: shows what that prints)
 */
#include "boot/root_image.h"
#include "core/acpi.h"
#include "core/page_info.h"
#include "core/sched.h"
#include "x86/svm/svm.h"
#include "x86/x86.h"

#define COM1 0x3f8
#define COM2 0x2f8
#define LOCAL_APIC 0xfee00000ull
#define POOL_BYTES_DEFAULT (16ull << 20)
#define POOL_BYTES_MIN	   (4ull << 20)

const struct virt_ops *virt;

static struct boot_info info;
static uint64_t hpa_end = 4 * HUGE_PAGE_SIZE, ram_bytes;
static uint32_t apic_ids[CPUS_MAX];
static unsigned int cpu_count;
/* The boot processor is left alone, for emulators that lose its state (docs/decisions/009). */
static bool spare;

/* The block that the hypervisor carves out of RAM, besides its image below 2 MiB. */
static struct {
	struct hpa start;
	uint64_t bytes, pool_bytes;
	char *tables, *page_info, *stacks;
} block;

uint64_t plat_hpa_end(void) { return hpa_end; }

static _Noreturn void refuse(const char *why)
{
	log_error("cannot start: %s", why);
	for (;;)
		cpu_halt();
}

static uint16_t serial_port(const char *value, uint16_t otherwise)
{
	uint64_t port;

	if (!value || boot_number(value, &port))
		return value ? port : otherwise;
	return boot_is(value, "com1") ? COM1 : boot_is(value, "none") ? 0 : COM2;
}

/* A line that is asked for and is not there would be missed when it is too late. */
static void start_debugger(void)
{
	uint16_t port = serial_port(boot_option(info.text, "gdb"), 0);

	if (port && (port == console_port() || !gdb_init(port)))
		refuse("gdb= on the hypervisor's command line names no serial line of its own");
	if (port)
		log_info("gdb: waits at port 0x%x", port);
}

static void read_options(void)
{
	const char *level = boot_option(info.text, "log");

	console_init(serial_port(boot_option(info.text, "console"), COM2));
	for (enum log_level l = LOG_ERROR; level && l <= LOG_DEBUG; l++)
		if (level[0] == "ewid"[l])
			log_level = l;
}

static uint64_t pool_bytes(void)
{
	const char *memory = boot_option(info.text, "memory");
	uint64_t bytes = POOL_BYTES_DEFAULT;

	if (memory && !boot_number(memory, &bytes))
		refuse("memory= on the hypervisor's command line is not a size");
	return bytes < POOL_BYTES_MIN ? POOL_BYTES_MIN : bytes & ~(PAGE_SIZE - 1);
}

static void find_memory(void)
{
	for (unsigned int i = 0; i < info.range_count; i++) {
		if (info.ranges[i].type != MEMORY_RAM)
			continue;
		ram_bytes += info.ranges[i].end - info.ranges[i].start;
		if (info.ranges[i].end > hpa_end)
			hpa_end = info.ranges[i].end;
	}
}

/* One block, 2 MiB aligned so that the root's large pages stay whole around it. */
static void carve_block(void)
{
	uint64_t tables = paging_table_pages(hpa_end) * PAGE_SIZE;
	uint64_t page_info = (page_info_bytes(hpa_end >> PAGE_SHIFT) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	uint64_t stacks = (uint64_t)CPUS_MAX * STACK_BYTES;
	char *at;

	block.pool_bytes = pool_bytes();
	block.bytes = stacks + tables + page_info + block.pool_bytes;
	block.bytes = (block.bytes + LARGE_PAGE_SIZE - 1) & ~(LARGE_PAGE_SIZE - 1);
	block.start = boot_find_top(&info, block.bytes, LARGE_PAGE_SIZE, 1 << 24, 4 * HUGE_PAGE_SIZE);
	if (hpa_is_none(block.start))
		refuse("too little memory: there is no free block for the hypervisor below 4 GiB");
	at = plat_hva(block.start);
	block.stacks = at;
	block.tables = at + stacks;
	block.page_info = block.tables + tables;
	block.pool_bytes = block.bytes - (stacks + tables + page_info);
	log_info("memory: %lu MiB in all, %lu MiB at 0x%lx for the hypervisor", ram_bytes >> 20,
		 block.bytes >> 20, block.start.v);
}

/*
 * From here on the memory map is the root's. Nobody uses the page in front of the block, either:
 * Linux reads some bytes beyond the end of what it sums up.
 */
static void make_root_map(void)
{
	uint64_t start = block.start.v - PAGE_SIZE;

	if (!boot_ranges_set(&info, 1 << 20, LARGE_PAGE_SIZE, MEMORY_RESERVED) ||
	    !boot_ranges_set(&info, start, block.start.v + block.bytes, MEMORY_RESERVED))
		refuse("the memory map has too many ranges");
}

static void find_processors(void)
{
	struct hpa rsdp = hpa_is_none(info.rsdp) ? acpi_find_rsdp() : info.rsdp;

	numa_init(rsdp);
	cpu_count = acpi_processors(rsdp, apic_ids, CPUS_MAX);
	if (!cpu_count) {
		log_warn("no ACPI table of processors: using one");
		apic_ids[0] = apic_id();
		cpu_count = 1;
	}
}

static void map_root(uint64_t start, uint64_t end)
{
	enum pvn_status status;
	bool replaced;

	if (start >= end)
		return;
	status = gpa_map_insert(&root_partition->map, gpa(start), hpa(start), end - start, GPA_ALL,
				&replaced);
	if (status != PVN_STATUS_SUCCESS)
		refuse("too little memory for the root's page tables: raise memory= ");
}

static void create_root_vp(struct cpu *cpu, unsigned int index)
{
	struct vp *vp;

	if (vp_create(root_partition, index, NUMA_ANY) != PVN_STATUS_SUCCESS)
		refuse("too little memory for the root's processors: raise memory= ");
	vp = root_partition->vps[index];
	vp->pinned = vp->cpu = vp->timer.pinned = cpu;
	vp->apic_id = vp->lapic.id = cpu->apic_id;
	cpu->root_vp = vp;
}

/* What is between the ranges of RAM can be neither deposited nor given to a child. */
static void reserve_device_memory(void)
{
	uint64_t at = 0;

	for (unsigned int i = 0; i <= info.range_count; i++) {
		bool last = i == info.range_count;
		uint64_t start = last ? hpa_end : (info.ranges[i].start + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);

		if (!last && info.ranges[i].type != MEMORY_RAM)
			continue;
		if (start > at)
			page_info_reserve(hpa(at), (start - at) >> PAGE_SHIFT, PAGE_DEVICE);
		if (!last && (info.ranges[i].end & ~(PAGE_SIZE - 1)) > at)
			at = info.ranges[i].end & ~(PAGE_SIZE - 1);
	}
}

static void create_root(void)
{
	uint64_t first = block.start.v + block.bytes - block.pool_bytes;
	uint64_t end = (hpa_end + HUGE_PAGE_SIZE - 1) & ~(HUGE_PAGE_SIZE - 1);

	page_info_init(block.page_info, hpa_end >> PAGE_SHIFT);
	reserve_device_memory();
	page_info_reserve(hpa(1 << 20), (LARGE_PAGE_SIZE - (1 << 20)) >> PAGE_SHIFT, PAGE_HYPERVISOR);
	page_info_reserve(block.start, block.bytes >> PAGE_SHIFT, PAGE_HYPERVISOR);
	partition_create_root(hpa(first), block.pool_bytes >> PAGE_SHIFT);
	map_root(0, 1 << 20);
	map_root(LARGE_PAGE_SIZE, block.start.v);
	map_root(block.start.v + block.bytes, LOCAL_APIC);
	/* The processors' interrupt controllers are ours; the root has virtual ones. */
	map_root(LOCAL_APIC + PAGE_SIZE, end);
	for (unsigned int i = spare; i < plat_cpu_count(); i++)
		create_root_vp(plat_cpu(i), i - spare);
}

void boot_main(uint32_t magic, uint32_t at);
void boot_main(uint32_t magic, uint32_t at)
{
	const char *why;

	smp_init_boot_cpu();
	irq_init();
	irq_load();
	why = boot_info_parse(&info, magic, hpa(at));
	read_options();
	log_info("Paravane, ABI %u.%u", PVN_ABI_MAJOR, PVN_ABI_MINOR);
	start_debugger();
	virt = &svm_ops;
	why = why ?: root_image_check(&info) ?: virt->probe();
	if (why)
		refuse(why);
	apic_init_cpu();
	tsc_calibrate();
	find_memory();
	carve_block();
	paging_map_high(hpa_end, block.tables);
	find_processors();
	virt->cpu_enable(plat_this_cpu());
	smp_start(apic_ids, cpu_count, block.stacks);
	spare = boot_option(info.text, "spare") && plat_cpu_count() > 1;
	make_root_map();
	create_root();
	why = root_image_load(&info);
	if (why)
		refuse(why);
	paging_protect();
	root_image_enter(root_partition->vps[0]);
	for_each_vp(vp, root_partition)
		vp_resume(vp, VP_STOP_EXPLICIT);
	if (spare) {
		smp_forget_boot_cpu();
		stats_total(PVN_STAT_hypervisor_logical_processors, -1ull);
	}
	log_info("root: partition %lu with %u processors, entering", root_partition->id, plat_cpu_count());
	smp_release();
	ASSERT(!boot_option(info.text, "panic"));
	while (spare)
		cpu_halt();
	sched_loop();
}
