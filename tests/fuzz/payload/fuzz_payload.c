// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for the files that a guest is made of: multiboot kernels, flat and ELF, bzImages,
 * initrds, the words that go with them, and what a parser that was led astray would answer.
 * Whatever is accepted is loaded as the worker does, into memory of its own and out of a
 * file of the exact size, so that the sanitizers see a step too far.
 *
 * The first byte says what; then come edits of a good file, EDIT bytes each, or the file.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker/initrd.h"
#include "worker/inspect.h"
#include "worker/start.h"

#define MIB		(1ull << 20)
#define MEMORY_BYTES	(32 * MIB)
#define MAGIC		0x1badb002u
#define FLAGS_ADDRESSES	0x10000u

enum {
	FILE_BYTES = 2048,
	EDIT = 6,
	PARTS = MULTIBOOT_SEGMENTS_MAX + 2,
	FLAT_AT = 32,
	ELF_AT = 1024,			/* of the header; program headers before, segments behind */
	PARTS_AT = 64,
	MARK = 0xa5,
};

struct input {
	const uint8_t *data;
	size_t bytes;
};

static uint8_t *memory;			/* the guest's, with a page behind that nobody may touch */

static void put(uint8_t *file, size_t at, uint32_t value)
{
	memcpy(file + at, &value, sizeof(value));
}

static void put_header(uint8_t *file, size_t at, uint32_t flags)
{
	put(file, at, MAGIC);
	put(file, at + 4, flags);
	put(file, at + 8, -(MAGIC + flags));
}

/* --- good files --- */

static void make_flat(uint8_t *file)
{
	put_header(file, FLAT_AT, FLAGS_ADDRESSES | 3);
	put(file, FLAT_AT + 12, 2 * MIB + FLAT_AT);
	put(file, FLAT_AT + 16, 2 * MIB);
	put(file, FLAT_AT + 20, 2 * MIB + FILE_BYTES);
	put(file, FLAT_AT + 24, 3 * MIB);
	put(file, FLAT_AT + 28, 2 * MIB);
}

static void make_elf32(uint8_t *file)
{
	const Elf32_Ehdr head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB },
		.e_type = ET_EXEC, .e_machine = EM_386, .e_entry = 0xc0200000, .e_phoff = PARTS_AT,
		.e_phnum = 3, .e_phentsize = sizeof(Elf32_Phdr),
	};
	Elf32_Phdr part = { .p_type = PT_LOAD, .p_offset = ELF_AT, .p_filesz = 64, .p_memsz = 4096 };

	memcpy(file, &head, sizeof(head));
	for (unsigned int i = 0; i < PARTS; i++) {
		part.p_paddr = (2 + i) * MIB;
		part.p_vaddr = part.p_paddr + 0xc0000000;
		memcpy(file + PARTS_AT + i * sizeof(part), &part, sizeof(part));
	}
	put_header(file, ELF_AT, 3);
}

static void make_elf64(uint8_t *file)
{
	const Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_entry = 2 * MIB, .e_phoff = PARTS_AT,
		.e_phnum = 2, .e_phentsize = sizeof(Elf64_Phdr),
	};
	Elf64_Phdr part = { .p_type = PT_LOAD, .p_offset = ELF_AT, .p_filesz = 64, .p_memsz = 4096 };

	memcpy(file, &head, sizeof(head));
	for (unsigned int i = 0; PARTS_AT + (i + 1) * sizeof(part) <= ELF_AT; i++) {
		part.p_paddr = part.p_vaddr = (2 + i) * MIB;
		memcpy(file + PARTS_AT + i * sizeof(part), &part, sizeof(part));
	}
	put_header(file, ELF_AT, 3);
}

/* Offsets of [Linux Documentation/x86/boot.rst "The Real-Mode Kernel Header"]. */
static void make_bzimage(uint8_t *file)
{
	const uint64_t preferred = 2 * MIB;

	file[0x1f1] = 1;			/* sectors of set-up */
	put(file, 0x1f4, (FILE_BYTES - 1024) / 16);
	put(file, 0x1fe, 0xaa55);
	file[0x201] = 0x6a;
	memcpy(file + 0x202, "HdrS", 4);
	file[0x206] = 0x0f;
	file[0x207] = 0x02;			/* version of the protocol */
	put(file, 0x22c, 0x7fffffff);
	file[0x236] = 1;			/* it has a 64-bit entry */
	put(file, 0x238, 2047);
	memcpy(file + 0x258, &preferred, sizeof(preferred));
	put(file, 0x260, MIB);
}

/* --- changes --- */

static uint8_t take(struct input *input)
{
	if (!input->bytes)
		return 0;
	input->bytes--;
	return *input->data++;
}

/* A word becomes another one, or goes to where something begins or ends. */
static void edit(uint8_t *file, size_t *file_bytes, const uint8_t *with)
{
	static const uint32_t places[] = {
		0, 1, FILE_BYTES, FILE_BYTES - 1, MIB, MIB - 1, 2 * MIB, MEMORY_BYTES, MEMORY_BYTES - 1,
		0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff, LAYOUT_BOOT_PARAMS, 0x8000,
		LAYOUT_CMDLINE, LAYOUT_CMDLINE + LAYOUT_CMDLINE_BYTES, LAYOUT_CONVENTIONAL_END, LAYOUT_ACPI,
	};
	size_t at = (with[0] | (with[1] & 7) << 8) % (FILE_BYTES - 8);
	uint32_t value, old;

	memcpy(&value, with + 2, sizeof(value));
	memcpy(&old, file + at, sizeof(old));
	switch (with[1] >> 4) {
	case 0:
		*file_bytes = (with[2] | with[3] << 8) % (FILE_BYTES + 1);
		break;
	case 1: case 2: case 3:
		file[at] = with[2];
		break;
	case 4: case 5:
		put(file, at, old + (uint32_t)(int8_t)with[2]);
		break;
	case 6:
		put(file, at + 4, with[3]);	/* the upper half, of what has one */
		break;
	case 7: case 8: case 9: case 10:
		put(file, at, places[with[2] % (sizeof(places) / sizeof(places[0]))] +
			      (uint32_t)(int8_t)with[3]);
		break;
	case 11:
		put_header(file, at & ~3u, value & 0x1001f);
		break;
	default:
		put(file, at, value);
	}
}

/* A file of its own size; the caller frees it. */
static uint8_t *make_file(void (*make)(uint8_t *), struct input *input, size_t *bytes)
{
	static uint8_t file[FILE_BYTES];
	uint8_t *exact;

	memset(file, 0x90, sizeof(file));
	make(file);
	*bytes = FILE_BYTES;
	for (unsigned int edits = take(input) % 8; edits && input->bytes >= EDIT; edits--) {
		edit(file, bytes, input->data);
		input->data += EDIT;
		input->bytes -= EDIT;
	}
	exact = malloc(*bytes ? *bytes : 1);
	if (!exact)
		abort();
	memcpy(exact, file, *bytes);
	return exact;
}

/* What is left of the input, as a file of its own size. */
static uint8_t *rest_of(struct input *input)
{
	uint8_t *exact = malloc(input->bytes ? input->bytes : 1);

	if (!exact)
		abort();
	memcpy(exact, input->data, input->bytes);
	return exact;
}

/* --- loading, as guest.c does --- */

static void expect(bool what)
{
	if (!what)
		abort();
}

static void expect_told(int error, const struct pvn_problem *problem)
{
	expect(error ? problem->code && problem->text[0] : !problem->code);
	expect(strnlen(problem->text, sizeof(problem->text)) < sizeof(problem->text));
}

/* Of any length, with the end of the input as its end. */
static char *words(struct input *input)
{
	size_t bytes = input->bytes, copies = bytes && input->data[0] == 0xff ? 70000 / bytes : 1;
	char *text = malloc(copies * bytes + 1);

	if (!text)
		abort();
	for (size_t i = 0; i < copies; i++)
		memcpy(text + i * bytes, input->data, bytes);
	text[copies * bytes] = 0;
	return text;
}

static void copy_in(uint64_t gpa, const uint8_t *file, size_t file_bytes, uint64_t at, uint64_t bytes)
{
	expect(at <= file_bytes && bytes <= file_bytes - at);
	expect(gpa <= MEMORY_BYTES && bytes <= MEMORY_BYTES - gpa);
	memcpy(memory + gpa, file + at, bytes);
}

/* What is written for the payload meets none of it. */
static void mark_segments(const struct multiboot *image)
{
	for (unsigned int i = 0; i < image->segment_count; i++) {
		memory[image->segment[i].gpa] = MARK;
		memory[image->segment[i].gpa + image->segment[i].memory_bytes - 1] = MARK;
	}
}

static bool are_segments_marked(const struct multiboot *image)
{
	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct multiboot_segment *s = &image->segment[i];

		if (memory[s->gpa] != MARK || memory[s->gpa + s->memory_bytes - 1] != MARK)
			return false;
	}
	return true;
}

static void load_multiboot(const struct multiboot *image, const uint8_t *file, size_t file_bytes,
			   struct input *input)
{
	const struct acpi_machine machine = { .vps = 1 + take(input) % 4u };
	uint64_t module_bytes = take(input) % 2 ? file_bytes : (uint64_t)take(input) << 20;
	struct pvn_root_register registers[START_REGISTERS];
	struct pvn_problem problem = { 0 };
	struct layout layout;
	char *text;
	int error;

	expect(!multiboot_check(image, file_bytes));
	error = layout_plan_multiboot(&layout, MEMORY_BYTES, image, module_bytes, &problem);
	expect_told(error, &problem);
	if (error)
		return;
	expect(!module_bytes || (layout.initrd >= image->end && !(layout.initrd & 0xfff) &&
				 layout.initrd + module_bytes <= MEMORY_BYTES));
	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct multiboot_segment *s = &image->segment[i];

		expect(s->gpa + s->memory_bytes <= MEMORY_BYTES);
		copy_in(s->gpa, file, file_bytes, s->file_at, s->file_bytes);
	}
	text = words(input);
	mark_segments(image);
	error = multiboot_write(memory, &layout, "kernel", text, text, &problem);
	expect_told(error, &problem);
	expect(error || !start_write_multiboot(memory, &machine, &problem));
	expect(are_segments_marked(image));
	expect(start_registers_multiboot(registers, image) <= START_REGISTERS);
	free(text);
}

static void load_bzimage(const uint8_t *file, size_t file_bytes, struct input *input)
{
	size_t start_bytes = file_bytes < BZIMAGE_HEADER_BYTES ? file_bytes : BZIMAGE_HEADER_BYTES;
	const struct acpi_machine machine = { .vps = 1 + take(input) % 4u, .emulated = take(input) & 1 };
	uint64_t initrd_bytes = take(input) % 2 ? file_bytes : (uint64_t)take(input) << 20;
	struct pvn_root_register registers[START_REGISTERS];
	struct pvn_problem problem = { 0 };
	struct bzimage image = { 0 };
	struct layout layout;
	char *text;
	int error;

	error = bzimage_parse(&image, file, start_bytes, file_bytes, "kernel", &problem);
	expect_told(error, &problem);
	if (error)
		return;
	error = layout_plan(&layout, MEMORY_BYTES, &image, initrd_bytes, &problem);
	expect_told(error, &problem);
	if (error)
		return;
	expect(layout.initrd >= layout.kernel + image.init_bytes &&
	       layout.initrd + initrd_bytes <= MEMORY_BYTES && layout.kernel >= MIB);
	copy_in(layout.kernel, file, file_bytes, image.kernel_at, image.kernel_bytes);
	text = words(input);
	memory[MIB] = 0xa5;
	error = start_write(memory, &layout, &image, file, text, &machine, &problem);
	expect_told(error, &problem);
	expect(memory[MIB] == 0xa5 && start_registers(registers, &layout) <= START_REGISTERS);
	free(text);
}

/* --- one input --- */

static void parse_and_load(const uint8_t *file, size_t file_bytes, struct input *input)
{
	struct pvn_problem problem = { 0 };
	struct multiboot image;
	int error = multiboot_parse(&image, file, file_bytes, "kernel", &problem);

	expect_told(error, &problem);
	expect(error || multiboot_is_one(file, file_bytes));
	if (!error)
		load_multiboot(&image, file, file_bytes, input);
}

/* By the other process, which must find the same. */
static void inspect_and_compare(const uint8_t *file, size_t file_bytes)
{
	struct pvn_problem here = { 0 }, there = { 0 };
	struct multiboot image, found;
	bool is_one = false;
	int fd = memfd_create("payload", MFD_CLOEXEC), error;

	if (fd < 0 || write(fd, file, file_bytes) != (ssize_t)file_bytes)
		abort();
	error = inspect_multiboot(&found, &is_one, fd, file_bytes, "kernel", &there);
	close(fd);
	if (!multiboot_is_one(file, file_bytes)) {
		expect(!error && !is_one);
		return;
	}
	expect(error == multiboot_parse(&image, file, file_bytes, "kernel", &here));
	expect(!strcmp(here.text, there.text));
	expect(error || (is_one && image.entry == found.entry && image.end == found.end));
}

/* The parser's process may have been taken over by its file: it answers what it likes. */
static void believe_nothing(struct input *input)
{
	static uint8_t file[FILE_BYTES];
	struct multiboot image = {
		.entry = 2 * MIB, .low = 2 * MIB, .end = 3 * MIB, .segment_count = 1 + take(input) % 3u,
		.segment = { [0 ... 2] = { .file_bytes = 100, .gpa = 2 * MIB, .memory_bytes = 4096 } },
	};
	size_t bytes = take(input) & 1 ? sizeof(image) : 64;

	if (input->bytes < bytes)
		bytes = input->bytes;
	if (take(input) & 1)
		for (size_t i = 0; i < bytes; i++)
			((uint8_t *)&image)[i] ^= take(input);
	if (!multiboot_check(&image, sizeof(file)))
		load_multiboot(&image, file, sizeof(file), input);
}

static void check_initrd(struct input *input)
{
	static const char *const starts[] = { "", "070701", "\x28\xb5\x2f\xfd", "\xfd\x37zXZ" };
	const char *start = starts[take(input) % 4];
	size_t start_bytes = strlen(start), bytes = start_bytes + input->bytes;
	struct pvn_problem problem = { 0 };
	uint8_t *file = malloc(bytes ? bytes : 1);

	if (!file)
		abort();
	memcpy(file, start, start_bytes);
	memcpy(file + start_bytes, input->data, input->bytes);
	expect_told(initrd_check(file, bytes, "initrd", &problem), &problem);
	free(file);
}

static void load_made(void (*make)(uint8_t *), struct input *input)
{
	size_t bytes;
	uint8_t *file = make_file(make, input, &bytes);

	if (make == make_bzimage)
		load_bzimage(file, bytes, input);
	else
		parse_and_load(file, bytes, input);
	free(file);
}

/* A process costs more than all else: what a fuzzer makes of one of these is none, mostly. */
static bool is_one_of_many(const uint8_t *data, size_t size)
{
	unsigned int sum = 0;

	while (size)
		sum += data[--size];
	return sum % 64 == 63;
}

/* Its header adds up, wherever the input has put it. */
static void load_raw(struct input *input, bool apart)
{
	size_t at = (take(input) | take(input) << 8) & ~3u;
	uint8_t *file = rest_of(input);
	uint32_t flags;

	if (at + 12 <= input->bytes) {
		memcpy(&flags, file + at + 4, sizeof(flags));
		put_header(file, at, flags);
	}
	if (apart)
		inspect_and_compare(file, input->bytes);
	else
		parse_and_load(file, input->bytes, input);
	free(file);
}

static void make_memory(void)
{
	memory = mmap(NULL, MEMORY_BYTES + 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED || mprotect(memory + MEMORY_BYTES, 4096, PROT_NONE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const makes[])(uint8_t *) = { make_flat, make_elf32, make_elf64, make_bzimage };
	struct input input = { data, size };
	uint8_t what = take(&input);

	if (!memory)
		make_memory();
	switch (what & 7) {
	case 4:
		check_initrd(&input);
		break;
	case 5:
		believe_nothing(&input);
		break;
	case 6:
	case 7:
		load_raw(&input, is_one_of_many(data, size));
		break;
	default:
		load_made(makes[what & 3], &input);
	}
	return 0;
}
