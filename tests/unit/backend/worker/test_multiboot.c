// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Multiboot payloads: what is understood, and that no header, however it lies, leads
 * out of its file or out of the guest's memory. Files are allocated to the byte, so that
 * the sanitizer sees a step too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <elf.h>

#include "worker/bzimage.h"
#include "worker/inspect.h"
#include "worker/start.h"

#define MIB (1ull << 20)
#define MAGIC 0x1badb002u

static struct pvn_problem problem;
static struct multiboot image;

static void put(uint8_t *file, size_t at, uint32_t value)
{
	memcpy(file + at, &value, sizeof(value));
}

static uint32_t get(const uint8_t *from, size_t at)
{
	uint32_t value;

	memcpy(&value, from + at, sizeof(value));
	return value;
}

static void put_header(uint8_t *file, size_t at, uint32_t flags)
{
	put(file, at, MAGIC);
	put(file, at + 4, flags);
	put(file, at + 8, -(MAGIC + flags));
}

/* The file at its exact length; what parse says of it. */
static int parse(const uint8_t *file, size_t bytes)
{
	uint8_t *exact = malloc(bytes ? bytes : 1);
	int error;

	assert_non_null(exact);
	memcpy(exact, file, bytes);
	memset(&problem, 0, sizeof(problem));
	error = multiboot_parse(&image, exact, bytes, "payload", &problem);
	free(exact);
	assert_int_equal(error, problem.code ? -1 : 0);
	return error;
}

enum { FLAT_BYTES = 600, FLAT_AT = 64 };

/* Loaded at 2 MiB, with a kilobyte of zeroes behind. */
static void make_flat(uint8_t file[FLAT_BYTES])
{
	memset(file, 0x90, FLAT_BYTES);
	put_header(file, FLAT_AT, 0x10003);
	put(file, FLAT_AT + 12, 0x200000 + FLAT_AT);
	put(file, FLAT_AT + 16, 0x200000);
	put(file, FLAT_AT + 20, 0x200000 + FLAT_BYTES);
	put(file, FLAT_AT + 24, 0x200000 + FLAT_BYTES + 1024);
	put(file, FLAT_AT + 28, 0x200010);
}

static void address_fields_say_where_it_goes(void **state)
{
	uint8_t file[FLAT_BYTES];

	(void)state;
	make_flat(file);
	assert_int_equal(parse(file, sizeof(file)), 0);
	assert_int_equal(image.segment_count, 1);
	assert_int_equal(image.segment[0].file_at, 0);
	assert_int_equal(image.segment[0].file_bytes, FLAT_BYTES);
	assert_int_equal(image.segment[0].gpa, 2 * MIB);
	assert_int_equal(image.segment[0].memory_bytes, FLAT_BYTES + 1024);
	assert_int_equal(image.entry, 0x200010);
	assert_int_equal(image.end, 2 * MIB + FLAT_BYTES + 1024);
	/* Without ends it is the rest of the file. */
	put(file, FLAT_AT + 16, 0x200000 + 32);
	put(file, FLAT_AT + 20, 0);
	put(file, FLAT_AT + 24, 0);
	put(file, FLAT_AT + 28, 0x200020);
	assert_int_equal(parse(file, sizeof(file)), 0);
	assert_int_equal(image.segment[0].file_at, 32);
	assert_int_equal(image.segment[0].file_bytes, FLAT_BYTES - 32);
	assert_int_equal(image.segment[0].memory_bytes, FLAT_BYTES - 32);
}

static void address_fields_that_lie_are_refused(void **state)
{
	static const struct { unsigned int at; uint32_t value; } lies[] = {
		{ 12, 0 }, { 12, 0x1fffff }, { 12, 0xffffffff }, { 12, 0x200000 + FLAT_AT + 1 },
		{ 16, 0xffffffff }, { 16, 0 }, { 16, 0x200000 - 1 }, { 20, 0x1fffff },
		{ 20, 0x200000 + FLAT_BYTES + 1 }, { 20, 0xffffffff }, { 24, 0x200001 },
		{ 24, 1 }, { 28, 0 }, { 28, 0x1fffff }, { 28, 0x200000 + FLAT_BYTES + 1024 },
	};
	uint8_t file[FLAT_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		make_flat(file);
		put(file, FLAT_AT + lies[i].at, lies[i].value);
		assert_int_equal(parse(file, sizeof(file)), -1);
	}
}

/* 1,624 bytes of memory at `gpa`. */
static int parse_flat_at(uint32_t gpa)
{
	uint8_t file[FLAT_BYTES];
	unsigned int i;

	make_flat(file);
	for (i = 12; i < 32; i += 4)
		put(file, FLAT_AT + i, get(file, FLAT_AT + i) - 0x200000 + gpa);
	return parse(file, sizeof(file));
}

/* Descriptor table and boot information, command line, and all above conventional memory. */
static void below_1_mib_the_loader_has_its_own_things(void **state)
{
	static const uint32_t taken[] = {
		0, 0x1000, 0x6fff, 0x7000, 0x7fff, 0x20000 - FLAT_BYTES - 1023, 0x1ffff, 0x20000,
		0x2ffff, 0x9fc00 - FLAT_BYTES - 1023, 0x9fbff, 0x9fc00, 0xa0000, 0xe0000, 0xfffff,
	};
	static const uint32_t free_there[] = {
		0x8000, 0x20000 - FLAT_BYTES - 1024, 0x30000, 0x80000, 0x9fc00 - FLAT_BYTES - 1024, 0x100000,
	};
	struct layout layout;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		assert_int_equal(parse_flat_at(taken[i]), -1);
		assert_non_null(strstr(problem.text, "below 1 MiB"));
	}
	for (i = 0; i < sizeof(free_there) / sizeof(free_there[0]); i++) {
		assert_int_equal(parse_flat_at(free_there[i]), 0);
		assert_int_equal(image.low, free_there[i]);
	}
	/* Its module is above; what is written for it has its place. */
	assert_int_equal(parse_flat_at(0x8000), 0);
	assert_int_equal(layout_plan_multiboot(&layout, 2 * MIB, &image, MIB, &problem), 0);
	assert_int_equal(layout.initrd, MIB);
	assert_int_equal(layout_plan_multiboot(&layout, 2 * MIB, &image, MIB + 1, &problem), -1);
	assert_int_equal(layout_plan_multiboot(&layout, MIB - 4096, &image, 0, &problem), -1);
}

static void a_header_is_found_where_it_may_be(void **state)
{
	uint8_t *file = calloc(1, 9000);

	(void)state;
	put_header(file, 8192 - 12, 0);
	assert_true(multiboot_is_one(file, 9000));
	assert_false(multiboot_is_one(file, 8191));
	memset(file, 0, 9000);
	put_header(file, 8192 - 8, 0);
	assert_false(multiboot_is_one(file, 9000));
	memset(file, 0, 9000);
	put_header(file, 6, 0);			/* not aligned */
	assert_false(multiboot_is_one(file, 9000));
	memset(file, 0, 9000);
	put_header(file, 8, 0);
	put(file, 16, 1);			/* does not add up */
	assert_false(multiboot_is_one(file, 9000));
	free(file);
}

static void demands_that_cannot_be_met_are_refused(void **state)
{
	uint8_t file[FLAT_BYTES];
	unsigned int bit;

	(void)state;
	for (bit = 2; bit < 16; bit++) {
		make_flat(file);
		put_header(file, FLAT_AT, 0x10000 | 1u << bit);
		assert_int_equal(parse(file, sizeof(file)), -1);
	}
	make_flat(file);
	put_header(file, FLAT_AT, 0x10000 | 1u << 20);	/* no demand */
	assert_int_equal(parse(file, sizeof(file)), 0);
}

enum { ELF_BYTES = 1024 };

/* Two segments, the second with nothing in the file; linked high, loaded at 4 MiB. */
static void make_elf32(uint8_t file[ELF_BYTES])
{
	Elf32_Ehdr head = {
		.e_type = ET_EXEC, .e_machine = EM_386, .e_entry = 0xc0400010,
		.e_phoff = sizeof(head), .e_phnum = 3, .e_phentsize = sizeof(Elf32_Phdr),
	};
	const Elf32_Phdr parts[3] = {
		{ .p_type = PT_LOAD, .p_offset = 512, .p_vaddr = 0xc0400000, .p_paddr = 0x400000,
		  .p_filesz = 512, .p_memsz = 600 },
		{ .p_type = PT_NOTE, .p_offset = 0xffffffff, .p_filesz = 0xffffffff },
		{ .p_type = PT_LOAD, .p_vaddr = 0xc0500000, .p_paddr = 0x500000, .p_memsz = 4096 },
	};

	memcpy(head.e_ident, ELFMAG, SELFMAG);
	head.e_ident[EI_CLASS] = ELFCLASS32;
	head.e_ident[EI_DATA] = ELFDATA2LSB;
	memset(file, 0, ELF_BYTES);
	memcpy(file, &head, sizeof(head));
	memcpy(file + sizeof(head), parts, sizeof(parts));
	put_header(file, 512, 0);
}

static void make_elf64(uint8_t file[ELF_BYTES])
{
	Elf64_Ehdr head = {
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_entry = 0x400010,
		.e_phoff = sizeof(head), .e_phnum = 1, .e_phentsize = sizeof(Elf64_Phdr),
	};
	const Elf64_Phdr part = {
		.p_type = PT_LOAD, .p_offset = 512, .p_vaddr = 0x400000, .p_paddr = 0x400000,
		.p_filesz = 512, .p_memsz = 512,
	};

	memcpy(head.e_ident, ELFMAG, SELFMAG);
	head.e_ident[EI_CLASS] = ELFCLASS64;
	head.e_ident[EI_DATA] = ELFDATA2LSB;
	memset(file, 0, ELF_BYTES);
	memcpy(file, &head, sizeof(head));
	memcpy(file + sizeof(head), &part, sizeof(part));
	put_header(file, 512, 0);
}

static void elf_segments_go_to_their_physical_places(void **state)
{
	uint8_t file[ELF_BYTES];

	(void)state;
	make_elf32(file);
	assert_int_equal(parse(file, sizeof(file)), 0);
	assert_int_equal(image.segment_count, 2);
	assert_int_equal(image.segment[0].gpa, 4 * MIB);
	assert_int_equal(image.segment[0].memory_bytes, 600);
	assert_int_equal(image.segment[1].file_bytes, 0);
	assert_int_equal(image.low, 4 * MIB);
	assert_int_equal(image.end, 5 * MIB + 4096);
	assert_int_equal(image.entry, 0x400010);
	make_elf64(file);
	assert_int_equal(parse(file, sizeof(file)), 0);
	assert_int_equal(image.entry, 0x400010);
	assert_int_equal(image.end, 4 * MIB + 512);
}

static void every_shorter_elf_file_is_refused(void **state)
{
	uint8_t file[ELF_BYTES];
	size_t bytes;

	(void)state;
	for (bytes = 0; bytes < ELF_BYTES; bytes++) {
		make_elf32(file);
		assert_int_equal(parse(file, bytes), -1);
		make_elf64(file);
		assert_int_equal(parse(file, bytes), -1);
	}
}

static void elf_headers_that_lie_are_refused(void **state)
{
	static const struct { unsigned int at; uint32_t value; } lies[] = {
		{ 16, ET_DYN | EM_386 << 16 }, { 16, ET_EXEC | EM_ARM << 16 }, { 24, 0 },
		{ 28, 0xffffffff }, { 28, 1000 }, { 28, 1024 }, { 44, 0xffff }, { 42, 64 },
		/* first program header: offset, physical address, bytes in file and memory */
		{ 56, 0xffffffff }, { 56, 513 }, { 64, 0 }, { 64, 0xfffff }, { 64, 0xffffffff },
		{ 68, 513 }, { 68, 0xffffffff }, { 72, 511 }, { 72, 0xffffffff },
	};
	uint8_t file[ELF_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		make_elf32(file);
		put(file, lies[i].at, lies[i].value);
		assert_int_equal(parse(file, sizeof(file)), -1);
	}
	make_elf64(file);
	memset(file + 64 + 32, 0xff, 8);	/* bytes in the file */
	assert_int_equal(parse(file, sizeof(file)), -1);
	make_elf64(file);
	memset(file + 64 + 24, 0xff, 8);	/* physical address */
	assert_int_equal(parse(file, sizeof(file)), -1);
	make_elf64(file);
	memset(file + 32, 0xff, 8);		/* program headers */
	assert_int_equal(parse(file, sizeof(file)), -1);
}

/* Whatever is accepted lies within its file, where the loader has nothing, and below 4 GiB. */
static void random_headers_stay_in_bounds(void **state)
{
	uint64_t noise = 0x9e3779b97f4a7c15ull;
	uint8_t file[ELF_BYTES];
	unsigned int i, j, taken = 0;

	(void)state;
	for (i = 0; i < 200000; i++) {
		void (*const make[])(uint8_t *) = { make_flat, make_elf32, make_elf64 };
		size_t bytes = i % 3 ? ELF_BYTES : FLAT_BYTES;

		make[i % 3](file);
		for (j = 0; j <= (i / 3) % 4; j++) {
			noise = noise * 6364136223846793005ull + 1442695040888963407ull;
			file[(noise >> 33) % (i % 3 ? 240 : FLAT_AT + 32)] = (uint8_t)(noise >> 56);
		}
		if (parse(file, bytes))
			continue;
		taken++;
		assert_true(image.low >= 0x8000 && image.end <= 4096 * MIB);
		assert_true(image.entry >= image.low && image.entry < image.end);
		for (j = 0; j < image.segment_count; j++) {
			const struct multiboot_segment *s = &image.segment[j];

			assert_true(s->file_at <= bytes && s->file_bytes <= bytes - s->file_at);
			assert_true(s->file_bytes <= s->memory_bytes);
			assert_true(s->gpa >= image.low && s->gpa + s->memory_bytes <= image.end);
			assert_true(s->gpa >= MIB || s->gpa + s->memory_bytes <= LAYOUT_CONVENTIONAL_END);
			assert_true(s->gpa >= LAYOUT_CMDLINE + LAYOUT_CMDLINE_BYTES ||
				    s->gpa + s->memory_bytes <= LAYOUT_CMDLINE);
		}
	}
	assert_true(taken > 1000);
}

static struct layout plan(uint64_t memory, uint64_t module_bytes)
{
	struct layout layout;
	uint8_t file[ELF_BYTES];

	make_elf32(file);
	assert_int_equal(parse(file, sizeof(file)), 0);
	assert_int_equal(layout_plan_multiboot(&layout, memory, &image, module_bytes, &problem), 0);
	return layout;
}

static void what_does_not_fit_is_refused(void **state)
{
	struct layout layout = plan(32 * MIB, 27 * MIB - 8192);

	(void)state;
	assert_int_equal(layout.initrd, 5 * MIB + 4096);
	assert_int_equal(layout_plan_multiboot(&layout, 32 * MIB, &image, 27 * MIB, &problem), -1);
	assert_int_equal(layout_plan_multiboot(&layout, 32 * MIB, &image, UINT64_MAX, &problem), -1);
	image.end = 33 * MIB;
	assert_int_equal(layout_plan_multiboot(&layout, 32 * MIB, &image, 0, &problem), -1);
}

static void the_boot_information_is_what_the_specification_says(void **state)
{
	struct layout layout = plan(5120 * MIB, 100);
	struct pvn_root_register registers[START_REGISTERS];
	uint8_t *low = calloc(1, MIB), *info = low + LAYOUT_BOOT_PARAMS;
	unsigned int count, i;
	uint64_t ram = 0;

	(void)state;
	assert_int_equal(multiboot_write(low, &layout, "k", "a b", "m n", &problem), 0);
	assert_int_equal(get(info, 0), 0x24d);
	assert_int_equal(get(info, 4), 639);
	assert_int_equal(get(info, 8), 3071 * 1024);
	assert_string_equal((char *)low + get(info, 16), "k a b");
	assert_int_equal(get(info, 20), 1);
	assert_int_equal(get(low, get(info, 24)), layout.initrd);
	assert_int_equal(get(low, get(info, 24) + 4), layout.initrd + 100);
	assert_string_equal((char *)low + get(low, get(info, 24) + 8), "m n");
	for (i = 0; i < get(info, 44); i += get(low, get(info, 48) + i) + 4)
		if (get(low, get(info, 48) + i + 20) == 1)
			ram += get(low, get(info, 48) + i + 12) |
			       (uint64_t)get(low, get(info, 48) + i + 16) << 32;
	assert_int_equal(i, get(info, 44));
	assert_true(ram > 5119 * MIB - 4096 && ram < 5120 * MIB);
	count = start_registers_multiboot(registers, &image);
	assert_true(count <= START_REGISTERS);
	assert_int_equal(registers[0].low, 0x31);
	assert_int_equal(registers[count - 3].low, 0x400010);
	assert_int_equal(registers[count - 2].low, 0x2badb002);
	assert_int_equal(registers[count - 1].low, LAYOUT_BOOT_PARAMS);
	free(low);
}

static void a_command_line_that_is_too_long_is_refused(void **state)
{
	struct layout layout = plan(32 * MIB, 0);
	uint8_t *low = calloc(1, MIB);
	char *text = calloc(1, LAYOUT_CMDLINE_BYTES + 1);

	(void)state;
	memset(text, 'x', LAYOUT_CMDLINE_BYTES - 3);
	assert_int_equal(multiboot_write(low, &layout, "k", text, NULL, &problem), 0);
	assert_int_equal(get(low + LAYOUT_BOOT_PARAMS, 0), 0x245);	/* no module */
	memset(text, 'x', LAYOUT_CMDLINE_BYTES - 2);
	assert_int_equal(multiboot_write(low, &layout, "k", text, NULL, &problem), -1);
	assert_int_equal(low[LAYOUT_CMDLINE + LAYOUT_CMDLINE_BYTES], 0);
	free(text);
	free(low);
}

static void what_was_found_is_looked_at_again(void **state)
{
	const struct multiboot good = {
		.entry = MIB, .low = MIB, .end = MIB + 4096, .segment_count = 1,
		.segment = { { .file_at = 100, .file_bytes = 900, .gpa = MIB, .memory_bytes = 4096 } },
	};
	struct multiboot bad;

	(void)state;
	assert_null(multiboot_check(&good, 1000));
	assert_non_null(multiboot_check(&good, 999));
	bad = good;
	bad.segment_count = MULTIBOOT_SEGMENTS_MAX + 1;
	assert_non_null(multiboot_check(&bad, 1000));
	bad = good;
	bad.segment_count = 0;
	assert_non_null(multiboot_check(&bad, 1000));
	bad = good;
	bad.entry = MIB + 4096;
	assert_non_null(multiboot_check(&bad, 1000));
	bad = good;
	bad.end = MIB + 4095;
	assert_non_null(multiboot_check(&bad, 1000));
	bad = good;
	bad.segment[0].memory_bytes = 0;
	assert_non_null(multiboot_check(&bad, 1000));
	bad.segment[0].file_bytes = 1ull << 40;	/* to be read into a guest of less */
	assert_non_null(multiboot_check(&bad, 1000));
	bad = good;
	bad.segment[0].file_at = ~0ull;
	assert_non_null(multiboot_check(&bad, 1000));
}

/* A file of `bytes` that is there. */
static int make_file(const uint8_t *from, size_t bytes)
{
	int fd = memfd_create("payload", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, from, bytes), bytes);
	return fd;
}

static void a_file_is_parsed_by_a_process_that_can_do_nothing_else(void **state)
{
	uint8_t file[12288] = { 0 };
	bool is_one = true;
	int fd;

	(void)state;
	fd = make_file(file, sizeof(file));
	assert_int_equal(inspect_multiboot(&image, &is_one, fd, sizeof(file), "payload", &problem), 0);
	assert_false(is_one);
	close(fd);
	put_header(file, 0, 0x10000);
	put(file, 12, MIB);
	put(file, 16, MIB);
	put(file, 28, MIB + 64);
	fd = make_file(file, sizeof(file));
	assert_int_equal(inspect_multiboot(&image, &is_one, fd, sizeof(file), "payload", &problem), 0);
	assert_true(is_one);
	assert_int_equal(image.entry, MIB + 64);
	assert_int_equal(image.segment[0].file_bytes, sizeof(file));
	/* What it finds wrong comes back word for word. */
	assert_int_equal(inspect_initrd(fd, 0, "initrd", &problem), -1);
	assert_non_null(strstr(problem.text, "empty"));
	close(fd);
	put(file, 28, 64);
	fd = make_file(file, sizeof(file));
	assert_int_equal(inspect_multiboot(&image, &is_one, fd, sizeof(file), "payload", &problem), -1);
	assert_non_null(strstr(problem.text, "its entry is outside"));
	close(fd);
}

/* Its reader meets SIGBUS, and ends; nobody else does. */
static void a_file_that_shrinks_meanwhile_is_refused(void **state)
{
	uint8_t file[100] = { '0', '7', '0', '7', '0', '1' };
	int fd = make_file(file, sizeof(file));
	bool is_one;

	(void)state;
	memset(&problem, 0, sizeof(problem));
	assert_int_equal(inspect_multiboot(&image, &is_one, fd, 12288, "payload", &problem), -1);
	assert_non_null(strstr(problem.text, "killed"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_fields_say_where_it_goes),
		cmocka_unit_test(address_fields_that_lie_are_refused),
		cmocka_unit_test(below_1_mib_the_loader_has_its_own_things),
		cmocka_unit_test(a_header_is_found_where_it_may_be),
		cmocka_unit_test(demands_that_cannot_be_met_are_refused),
		cmocka_unit_test(elf_segments_go_to_their_physical_places),
		cmocka_unit_test(every_shorter_elf_file_is_refused),
		cmocka_unit_test(elf_headers_that_lie_are_refused),
		cmocka_unit_test(random_headers_stay_in_bounds),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(the_boot_information_is_what_the_specification_says),
		cmocka_unit_test(a_command_line_that_is_too_long_is_refused),
		cmocka_unit_test(what_was_found_is_looked_at_again),
		cmocka_unit_test(a_file_is_parsed_by_a_process_that_can_do_nothing_else),
		cmocka_unit_test(a_file_that_shrinks_meanwhile_is_refused),
	};

	return cmocka_run_group_tests_name("multiboot", tests, NULL, NULL);
}
