// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Multiboot 1 programs; see multiboot.h. Offsets are those of the specification and of
 * ELF [ELF-64 Object File Format 1.5].
 */
#include "worker/multiboot.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "worker/layout.h"

#define HEADER_MAGIC	0x1badb002u
#define HEADER_BYTES	12u
#define ADDRESS_BYTES	32u		/* of a header with address fields */

/* Flags of the header: bits 0 to 15 are demands, of which these can be met. */
#define WANT_ALIGNED	0x1u
#define WANT_MEMORY	0x2u
#define WANTS		0xffffu
#define HAS_ADDRESSES	0x10000u

#define LOAD_MAX	(1ull << 32)

/* The boot information, and what it points to, in one page. */
enum {
	INFO_FLAGS = 0, INFO_LOWER = 4, INFO_UPPER = 8, INFO_CMDLINE = 16, INFO_MODULES = 20,
	INFO_MODULES_AT = 24, INFO_MAP_BYTES = 44, INFO_MAP_AT = 48, INFO_LOADER = 64,
	AT_MODULE = 0x100, AT_MAP = 0x200, AT_LOADER = 0x300, AT_MODULE_NAME = 0x400,
	MODULE_NAME_BYTES = 0xc00,
	MAP_ENTRY_BYTES = 24,
};

enum {
	HAVE_MEMORY = 1 << 0, HAVE_CMDLINE = 1 << 2, HAVE_MODULES = 1 << 3, HAVE_MAP = 1 << 6,
	HAVE_LOADER = 1 << 9,
};

#define MAP_RAM		1u
#define MAP_RESERVED	2u

static uint32_t word(const uint8_t *from, size_t at)
{
	uint32_t value;

	memcpy(&value, from + at, sizeof(value));
	return value;
}

/* Where the header is; SIZE_MAX: nowhere. */
static size_t find_header(const uint8_t *file, size_t file_bytes)
{
	size_t end = file_bytes < MULTIBOOT_SEARCH_BYTES ? file_bytes : MULTIBOOT_SEARCH_BYTES, at;

	for (at = 0; at + HEADER_BYTES <= end; at += 4)
		if (word(file, at) == HEADER_MAGIC &&
		    !(word(file, at) + word(file, at + 4) + word(file, at + 8)))
			return at;
	return SIZE_MAX;
}

bool multiboot_is_one(const uint8_t *file, size_t file_bytes)
{
	return find_header(file, file_bytes) != SIZE_MAX;
}

static int no_payload(const char *path, struct pvn_problem *problem, const char *why)
{
	return pvn_fail(problem, PVN_EXIT_FAILED, path,
			"give an ELF executable, or one whose header has address fields",
			"the multiboot kernel cannot be loaded: %s", why);
}

/* Between what the loader itself has in conventional memory; see layout.h. */
static bool is_free_below(const struct multiboot_segment *segment)
{
	static const struct { uint64_t from, to; } rooms[] = {
		{ LAYOUT_BOOT_PARAMS + 4096, LAYOUT_CMDLINE },
		{ LAYOUT_CMDLINE + LAYOUT_CMDLINE_BYTES, LAYOUT_CONVENTIONAL_END },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		if (segment->gpa >= rooms[i].from && segment->gpa < rooms[i].to &&
		    segment->memory_bytes <= rooms[i].to - segment->gpa)
			return true;
	return false;
}

/* NULL, or what is wrong with it; an empty one may be anywhere. */
static const char *check_segment(const struct multiboot_segment *segment, uint64_t file_bytes)
{
	if (!segment->memory_bytes)
		return NULL;
	if (segment->file_at > file_bytes || segment->file_bytes > file_bytes - segment->file_at)
		return "it is truncated";
	if (segment->file_bytes > segment->memory_bytes)
		return "a segment is longer in the file than in memory";
	if (segment->gpa < LAYOUT_KERNEL_MIN && !is_free_below(segment))
		return "it wants to be where the loader's own things are, below 1 MiB";
	if (segment->gpa >= LOAD_MAX || segment->memory_bytes > LOAD_MAX - segment->gpa)
		return "it wants to be above 4 GiB";
	return NULL;
}

const char *multiboot_check(const struct multiboot *image, uint64_t file_bytes)
{
	unsigned int i;

	if (!image->segment_count)
		return "there is nothing to load in it";
	if (image->segment_count > MULTIBOOT_SEGMENTS_MAX || image->entry < image->low ||
	    image->entry >= image->end)
		return "its entry is outside of what is loaded";
	for (i = 0; i < image->segment_count; i++) {
		const struct multiboot_segment *segment = &image->segment[i];
		const char *why = check_segment(segment, file_bytes);

		if (why)
			return why;
		/* No parser keeps an empty one, whose bytes in the file nobody has looked at. */
		if (!segment->memory_bytes || segment->gpa < image->low ||
		    segment->gpa + segment->memory_bytes > image->end)
			return "it contradicts itself";
	}
	return NULL;
}

static const char *add_segment(struct multiboot *image, const struct multiboot_segment *segment,
			       size_t file_bytes)
{
	const char *why = check_segment(segment, file_bytes);

	if (why || !segment->memory_bytes)
		return why;
	if (image->segment_count == MULTIBOOT_SEGMENTS_MAX)
		return "it has more than 16 segments";
	image->segment[image->segment_count++] = *segment;
	if (segment->gpa < image->low)
		image->low = segment->gpa;
	if (segment->gpa + segment->memory_bytes > image->end)
		image->end = segment->gpa + segment->memory_bytes;
	return NULL;
}

/* [multiboot 1 3.1.3 "The address fields of Multiboot header"] */
static const char *parse_flat(struct multiboot *image, const uint8_t *file, size_t file_bytes,
			      size_t header)
{
	uint32_t header_gpa, load, load_end, bss_end;
	struct multiboot_segment segment = { 0 };

	if (file_bytes - header < ADDRESS_BYTES)
		return "it is truncated";
	header_gpa = word(file, header + 12);
	load = word(file, header + 16);
	load_end = word(file, header + 20);
	bss_end = word(file, header + 24);
	image->entry = word(file, header + 28);
	if (load > header_gpa || header_gpa - load > header)
		return "its address fields contradict the place of its header";
	segment.file_at = header - (header_gpa - load);
	segment.gpa = load;
	segment.file_bytes = load_end ? (uint64_t)load_end - load : file_bytes - segment.file_at;
	if ((load_end && load_end <= load) || (bss_end && bss_end < load + segment.file_bytes))
		return "its address fields are not in order";
	segment.memory_bytes = bss_end ? (uint64_t)bss_end - load : segment.file_bytes;
	return add_segment(image, &segment, file_bytes);
}

/* The entry is a virtual address; where the segment that has it lies may be another place. */
static void translate_entry(struct multiboot *image, uint64_t entry, uint64_t vaddr, uint64_t paddr,
			    uint64_t bytes)
{
	if (paddr < LOAD_MAX && entry >= vaddr && entry - vaddr < bytes &&
	    entry - vaddr < LOAD_MAX - paddr)
		image->entry = (uint32_t)(paddr + (entry - vaddr));
}

/* Both classes of ELF files as if they were of 64 bits; the caller has looked at the sizes. */
static Elf64_Ehdr read_head(const uint8_t *file, bool wide)
{
	Elf64_Ehdr head;
	Elf32_Ehdr narrow;

	if (wide) {
		memcpy(&head, file, sizeof(head));
		return head;
	}
	memcpy(&narrow, file, sizeof(narrow));
	return (Elf64_Ehdr) {
		.e_type = narrow.e_type, .e_machine = narrow.e_machine, .e_entry = narrow.e_entry,
		.e_phoff = narrow.e_phoff, .e_phnum = narrow.e_phnum,
		.e_phentsize = narrow.e_phentsize,
	};
}

static Elf64_Phdr read_part(const uint8_t *at, bool wide)
{
	Elf64_Phdr part;
	Elf32_Phdr narrow;

	if (wide) {
		memcpy(&part, at, sizeof(part));
		return part;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return (Elf64_Phdr) {
		.p_type = narrow.p_type, .p_offset = narrow.p_offset, .p_vaddr = narrow.p_vaddr,
		.p_paddr = narrow.p_paddr, .p_filesz = narrow.p_filesz, .p_memsz = narrow.p_memsz,
	};
}

static const char *parse_elf(struct multiboot *image, const uint8_t *file, size_t file_bytes)
{
	bool wide = file_bytes > EI_CLASS && file[EI_CLASS] == ELFCLASS64;
	size_t head_bytes = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t part_bytes = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	const char *why = NULL;
	Elf64_Ehdr elf;
	unsigned int i;

	if (file_bytes < head_bytes || memcmp(file, ELFMAG, SELFMAG) ||
	    file[EI_DATA] != ELFDATA2LSB)
		return "it is no ELF file and its header has no address fields";
	elf = read_head(file, wide);
	if (elf.e_type != ET_EXEC || elf.e_machine != (wide ? EM_X86_64 : EM_386) ||
	    elf.e_phentsize != part_bytes)
		return "it is no ELF executable for x86";
	if (elf.e_phoff > file_bytes || elf.e_phnum * part_bytes > file_bytes - elf.e_phoff)
		return "it is truncated";
	image->entry = (uint32_t)elf.e_entry;
	for (i = 0; i < elf.e_phnum && !why; i++) {
		Elf64_Phdr part = read_part(file + elf.e_phoff + i * part_bytes, wide);

		if (part.p_type != PT_LOAD)
			continue;
		translate_entry(image, elf.e_entry, part.p_vaddr, part.p_paddr, part.p_memsz);
		why = add_segment(image, &(struct multiboot_segment) {
				  part.p_offset, part.p_filesz, part.p_paddr, part.p_memsz },
				  file_bytes);
	}
	return why;
}

int multiboot_parse(struct multiboot *image, const uint8_t *file, size_t file_bytes,
		    const char *path, struct pvn_problem *problem)
{
	size_t header = find_header(file, file_bytes);
	const char *why;
	uint32_t flags;

	*image = (struct multiboot) { .low = LOAD_MAX };
	if (header == SIZE_MAX)
		return no_payload(path, problem, "it has no multiboot header");
	flags = word(file, header + 4);
	if (flags & WANTS & ~(WANT_ALIGNED | WANT_MEMORY))
		return no_payload(path, problem, "it asks for what is not there, such as a screen");
	why = flags & HAS_ADDRESSES ? parse_flat(image, file, file_bytes, header) :
				      parse_elf(image, file, file_bytes);
	if (!why)
		why = multiboot_check(image, file_bytes);
	return why ? no_payload(path, problem, why) : 0;
}

static void put(uint8_t *page, unsigned int at, uint64_t value)
{
	uint32_t low = (uint32_t)value;

	memcpy(page + at, &low, sizeof(low));
}

static void add_range(uint8_t *page, uint64_t from, uint64_t to, uint32_t type)
{
	uint8_t *entry = page + AT_MAP + word(page, INFO_MAP_BYTES);
	uint64_t bytes = to - from;

	if (to <= from)
		return;
	put(entry, 0, MAP_ENTRY_BYTES - 4);	/* without the size itself */
	memcpy(entry + 4, &from, 8);
	memcpy(entry + 12, &bytes, 8);
	put(entry, 20, type);
	put(page, INFO_MAP_BYTES, word(page, INFO_MAP_BYTES) + MAP_ENTRY_BYTES);
}

int multiboot_write(uint8_t *low_memory, const struct layout *layout, const char *kernel,
		    const char *cmdline, const char *module, struct pvn_problem *problem)
{
	const uint64_t at = LAYOUT_BOOT_PARAMS;
	uint8_t *page = low_memory + at;
	int bytes = snprintf((char *)low_memory + LAYOUT_CMDLINE, LAYOUT_CMDLINE_BYTES, "%s%s%s",
			     kernel, *cmdline ? " " : "", cmdline);

	if (bytes < 0 || bytes >= (int)LAYOUT_CMDLINE_BYTES)
		return pvn_fail(problem, PVN_EXIT_FAILED, "cmdline", "make it shorter",
				"the command line is too long");
	memset(page, 0, 4096);
	put(page, INFO_FLAGS, HAVE_MEMORY | HAVE_CMDLINE | HAVE_MAP | HAVE_LOADER |
			      (layout->initrd_bytes ? HAVE_MODULES : 0));
	put(page, INFO_LOWER, LAYOUT_CONVENTIONAL_END / 1024);
	put(page, INFO_UPPER, (layout->low_bytes - LAYOUT_KERNEL_MIN) / 1024);
	put(page, INFO_CMDLINE, LAYOUT_CMDLINE);
	put(page, INFO_MAP_AT, at + AT_MAP);
	add_range(page, 0, LAYOUT_CONVENTIONAL_END, MAP_RAM);
	add_range(page, LAYOUT_ACPI, LAYOUT_KERNEL_MIN, MAP_RESERVED);
	add_range(page, LAYOUT_KERNEL_MIN, layout->low_bytes, MAP_RAM);
	add_range(page, LAYOUT_HIGH, LAYOUT_HIGH + layout->high_bytes, MAP_RAM);
	put(page, INFO_LOADER, at + AT_LOADER);
	memcpy(page + AT_LOADER, "paravane", sizeof("paravane"));
	if (!layout->initrd_bytes)
		return 0;
	put(page, INFO_MODULES, 1);
	put(page, INFO_MODULES_AT, at + AT_MODULE);
	put(page, AT_MODULE, layout->initrd);
	put(page, AT_MODULE + 4, layout->initrd + layout->initrd_bytes);
	put(page, AT_MODULE + 8, at + AT_MODULE_NAME);
	snprintf((char *)page + AT_MODULE_NAME, MODULE_NAME_BYTES, "%s", module);
	return 0;
}
