/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The Linux x86 boot protocol, 64-bit entry
 * [Linux Documentation/arch/x86/boot.rst "64-bit Boot Protocol"].
 *
 * Order matters: the modules lie where the boot loader put them, possibly where the
 * kernel must go. The setup sectors are copied first, then the initrd goes to the top of
 * memory, then the kernel moves (memmove) to its place.
 */
#include "boot/root_image.h"
#include "core/platform.h"

/* Where things go in the root's low memory, all below the BIOS' own area. */
#define PARAMS_AT	0x10000ull
#define TEXT_AT		0x11000ull
#define GDT_AT		0x12000ull
#define RSDP_COPY_AT	0x12100ull
#define TABLES_AT	0x13000ull	/* PML4, PDPT, four PDs */
#define LOW_END		0x19000ull

/* Offsets in the boot parameters; those from SETUP_SECTS to INIT_BYTES in the kernel's file too. */
enum {
	RSDP_AT = 0x070, E820_COUNT = 0x1e8, SETUP_SECTS = 0x1f1, KERNEL_UNITS = 0x1f4 /* of 16 bytes */,
	HEADER_MAGIC = 0x202, HEADER_VERSION = 0x206, LOADER_TYPE = 0x210, RAMDISK_AT = 0x218,
	RAMDISK_BYTES = 0x21c, TEXT_POINTER = 0x228, INITRD_MAX = 0x22c, RELOCATABLE = 0x234,
	XLOADFLAGS = 0x236, TEXT_MAX = 0x238, PREFERRED_AT = 0x258, INIT_BYTES = 0x260, E820_TABLE = 0x2d0,
};

#define XLF_64		1
#define VERSION_MIN	0x020c

static uint64_t kernel_at;

static uint64_t field(const uint8_t *image, unsigned int offset, unsigned int bytes)
{
	uint64_t v = 0;

	memcpy(&v, image + offset, bytes);
	return v;
}

/* QEMU puts the file's path in front of a module's words, GRUB does not. */
static const char *kernel_text(const struct boot_module *m)
{
	const char *end = m->text;
	bool path = false;

	for (; *end && *end != ' '; end++) {
		if (*end == '=')
			return m->text;
		path |= *end == '/';
	}
	return path ? end + (*end == ' ') : m->text;
}

static void set_field(uint8_t *params, unsigned int offset, unsigned int bytes, uint64_t v)
{
	memcpy(params + offset, &v, bytes);
}

static uint64_t setup_bytes(const uint8_t *image)
{
	return (field(image, SETUP_SECTS, 1) ? field(image, SETUP_SECTS, 1) + 1 : 5) * 512;
}

const char *root_image_check(const struct boot_info *info)
{
	const uint8_t *image;

	if (!info->module_count)
		return "there is no root kernel: give a Linux bzImage as the first boot module";
	image = plat_hva(info->modules[0].start);
	if (info->modules[0].bytes < 0x1000 || field(image, HEADER_MAGIC, 4) != 0x53726448)
		return "the first boot module is no Linux bzImage";
	if (field(image, HEADER_VERSION, 2) < VERSION_MIN || !(field(image, XLOADFLAGS, 2) & XLF_64))
		return "the root kernel has no 64-bit entry (boot protocol 2.12)";
	if (setup_bytes(image) + field(image, KERNEL_UNITS, 4) * 16 > info->modules[0].bytes)
		return "the root kernel is truncated";
	if (strlen(kernel_text(&info->modules[0])) > field(image, TEXT_MAX, 4))
		return "the root kernel's command line is longer than it takes";
	return NULL;
}

static bool is_ram(const struct boot_info *info, uint64_t start, uint64_t end)
{
	for (const struct memory_range *r = info->ranges; r < info->ranges + info->range_count; r++)
		if (r->type == MEMORY_RAM && start >= r->start && end <= r->end)
			return true;
	return false;
}

static struct hpa find_room(const struct boot_info *info, uint64_t bytes, uint64_t limit)
{
	return boot_find_top(info, bytes, LARGE_PAGE_SIZE, 1 << 24, limit);
}

static const char *place_initrd(const struct boot_info *info, uint8_t *params)
{
	const struct boot_module *m = &info->modules[1];
	uint64_t limit = field(params, INITRD_MAX, 4) + 1;
	struct hpa at;

	if (info->module_count < 2)
		return NULL;
	at = find_room(info, m->bytes, limit);
	if (hpa_is_none(at))
		return "there is no room for the root's initrd: more memory is needed";
	memmove(plat_hva(at), plat_hva(m->start), m->bytes);
	set_field(params, RAMDISK_AT, 4, at.v);
	set_field(params, RAMDISK_BYTES, 4, m->bytes);
	log_info("root: initrd of %lu KiB at 0x%lx", m->bytes >> 10, at.v);
	return NULL;
}

static const char *place_kernel(const struct boot_info *info, const uint8_t *params, uint64_t skip)
{
	uint64_t bytes = info->modules[0].bytes - skip, room = field(params, INIT_BYTES, 4);
	uint64_t initrd = field(params, RAMDISK_AT, 4);

	if (room < bytes)
		room = bytes;
	kernel_at = field(params, PREFERRED_AT, 8);
	if (!is_ram(info, kernel_at, kernel_at + room) || (initrd && kernel_at + room > initrd)) {
		struct hpa at = find_room(info, room, initrd ? initrd : 1ull << 32);

		if (!field(params, RELOCATABLE, 1) || hpa_is_none(at))
			return "there is no room for the root kernel: more memory is needed";
		kernel_at = at.v;
	}
	memmove(plat_hva(hpa(kernel_at)), (char *)plat_hva(info->modules[0].start) + skip, bytes);
	log_info("root: kernel of %lu KiB at 0x%lx, command line \"%s\"", bytes >> 10, kernel_at,
		 kernel_text(&info->modules[0]));
	return NULL;
}

static void write_e820(uint8_t *params, const struct boot_info *info)
{
	uint8_t *entry = params + E820_TABLE;

	_Static_assert(BOOT_MEMORY_MAX <= 128, "what the table has room for");
	for (unsigned int i = 0; i < info->range_count; i++, entry += 20) {
		set_field(entry, 0, 8, info->ranges[i].start);
		set_field(entry, 8, 8, info->ranges[i].end - info->ranges[i].start);
		set_field(entry, 16, 4, info->ranges[i].type);
	}
	params[E820_COUNT] = info->range_count;
}

/* Identity for the first 4 GiB with 2 MiB pages, and flat segments. */
static void write_tables(void)
{
	uint64_t *gdt = plat_hva(hpa(GDT_AT)), *tables = plat_hva(hpa(TABLES_AT));

	memset(tables, 0, LOW_END - TABLES_AT);
	tables[0] = (TABLES_AT + PAGE_SIZE) | 3;
	for (unsigned int i = 0; i < 4; i++)
		tables[512 + i] = (TABLES_AT + (2 + i) * PAGE_SIZE) | 3;
	for (uint64_t i = 0; i < 4 * 512; i++)
		tables[1024 + i] = i << LARGE_PAGE_SHIFT | 0x83;
	gdt[0] = gdt[1] = 0;
	gdt[2] = 0x00af9b000000ffff;	/* 0x10 __BOOT_CS */
	gdt[3] = 0x00cf93000000ffff;	/* 0x18 __BOOT_DS */
}

const char *root_image_load(const struct boot_info *info)
{
	const struct boot_module *kernel = &info->modules[0];
	const uint8_t *image = plat_hva(kernel->start);
	uint64_t skip = setup_bytes(image);
	uint8_t *params = plat_hva(hpa(PARAMS_AT));

	if (!is_ram(info, PARAMS_AT, LOW_END))
		return "the first megabyte has no room for the root kernel's boot parameters";
	memset(params, 0, PAGE_SIZE);
	memcpy(params + SETUP_SECTS, image + SETUP_SECTS, HEADER_MAGIC + image[0x201] - SETUP_SECTS);
	params[LOADER_TYPE] = 0xff;
	memcpy(plat_hva(hpa(TEXT_AT)), kernel_text(kernel), strlen(kernel_text(kernel)) + 1);
	set_field(params, TEXT_POINTER, 4, TEXT_AT);
	if (!hpa_is_none(info->rsdp)) {
		memcpy(plat_hva(hpa(RSDP_COPY_AT)), info->rsdp_copy, BOOT_RSDP_BYTES);
		set_field(params, RSDP_AT, 8, RSDP_COPY_AT);
	}
	write_e820(params, info);
	write_tables();
	return place_initrd(info, params) ?: place_kernel(info, params, skip);
}

static void set(struct vp *vp, uint32_t name, uint64_t low, uint64_t high)
{
	enum pvn_status status = vp_set_register(vp, name, (uint64_t[2]){ low, high });

	ASSERT(status == PVN_STATUS_SUCCESS);
}

static void set_segment(struct vp *vp, uint32_t name, uint16_t selector, uint16_t attributes)
{
	set(vp, name, 0, 0xffffffffull | (uint64_t)selector << 32 | (uint64_t)attributes << 48);
}

void root_image_enter(struct vp *vp)
{
	set(vp, PVN_REG_CR3, TABLES_AT, 0);
	set(vp, PVN_REG_CR4, 0x20, 0);
	set(vp, PVN_REG_CR0, 0x80000011, 0);
	set(vp, PVN_REG_EFER, 0x500, 0);
	for (uint32_t i = 0; i < 6; i++)	/* ES CS SS DS FS GS */
		set_segment(vp, PVN_REG_ES + i, i == 1 ? 0x10 : 0x18, i == 1 ? 0xa09b : 0xc093);
	set(vp, PVN_REG_GDTR, (uint64_t)0x1f << 48, GDT_AT);
	set(vp, PVN_REG_RIP, kernel_at + 0x200, 0);
	set(vp, PVN_REG_RAX + 6, PARAMS_AT, 0);	/* RSI */
	set(vp, PVN_REG_RFLAGS, 2, 0);
}
