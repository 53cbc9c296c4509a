/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Parsing of multiboot information and of command lines. See boot_info.h.
 */
#include "boot/boot_info.h"
#include "core/platform.h"

#define MB1_HAS_TEXT	0x04u
#define MB1_HAS_MODULES	0x08u
#define MB1_HAS_MAP	0x40u

struct mb1_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, text, module_count, modules, symbols[4],
		map_bytes, map;
};

struct mb1_module { uint32_t start, end, text, reserved; };

struct mb1_range {
	uint32_t size;		/* of what follows */
	uint64_t start, bytes;
	uint32_t type;
} __attribute__((packed));

enum {
	MB2_END = 0, MB2_TEXT = 1, MB2_MODULE = 3, MB2_MAP = 6, MB2_RSDP1 = 14, MB2_RSDP2 = 15,
};

struct mb2_tag { uint32_t type, bytes; };
struct mb2_module { struct mb2_tag tag; uint32_t start, end; char text[]; };
struct mb2_range { uint64_t start, bytes; uint32_t type, reserved; };
struct mb2_map { struct mb2_tag tag; uint32_t entry_bytes, version; };

static void copy_text(char *out, const char *from, size_t max)
{
	size_t n = 0;

	while (n + 1 < BOOT_TEXT_BYTES && n < max && from[n])
		n++;
	memcpy(out, from, n);
	out[n] = 0;
}

static void insert_at(struct boot_info *info, unsigned int at, struct memory_range r)
{
	memmove(&info->ranges[at + 1], &info->ranges[at], (info->range_count++ - at) * sizeof(r));
	info->ranges[at] = r;
}

static bool add_range(struct boot_info *out, uint64_t start, uint64_t bytes, uint32_t type)
{
	unsigned int at = out->range_count;

	if (!bytes || start + bytes < start)
		return true;
	if (out->range_count == BOOT_MEMORY_MAX)
		return false;
	while (at && out->ranges[at - 1].start > start)
		at--;
	insert_at(out, at, (struct memory_range){ start, start + bytes, type });
	return true;
}

static const char *add_module(struct boot_info *out, uint32_t start, uint32_t end, const char *text,
			      size_t max)
{
	struct boot_module *m = &out->modules[out->module_count];

	if (out->module_count == BOOT_MODULES_MAX)
		return "more boot modules than root kernel, initrd and two others";
	if (end <= start)
		return "a boot module is empty";
	m->start = hpa(start);
	m->bytes = end - start;
	copy_text(m->text, text, max);
	out->module_count++;
	return NULL;
}

static const char *parse_mb1(struct boot_info *out, struct hpa at)
{
	const struct mb1_info *info = plat_hva(at);
	const char *why = NULL;

	if (info->flags & MB1_HAS_TEXT)
		copy_text(out->text, plat_hva(hpa(info->text)), BOOT_TEXT_BYTES);
	if (!(info->flags & MB1_HAS_MAP))
		return "the boot loader gives no memory map";
	for (uint32_t offset = 0; offset < info->map_bytes;) {
		const struct mb1_range *r = plat_hva(hpa(info->map + (uint64_t)offset));

		if (!add_range(out, r->start, r->bytes, r->type))
			return "the memory map has too many ranges";
		offset += r->size + sizeof(r->size);
	}
	if (!(info->flags & MB1_HAS_MODULES))
		return NULL;
	for (uint32_t i = 0; i < info->module_count && !why; i++) {
		const struct mb1_module *m = plat_hva(hpa(info->modules + i * sizeof(*m)));

		why = add_module(out, m->start, m->end, m->text ? plat_hva(hpa(m->text)) : "",
				 BOOT_TEXT_BYTES);
	}
	return why;
}

static const char *parse_mb2_tag(struct boot_info *out, const struct mb2_tag *tag)
{
	const struct mb2_module *module = (const void *)tag;
	const struct mb2_map *map = (const void *)tag;
	size_t bytes;

	switch (tag->type) {
	case MB2_TEXT:
		copy_text(out->text, (const char *)(tag + 1), tag->bytes - sizeof(*tag));
		return NULL;
	case MB2_MODULE:
		return add_module(out, module->start, module->end, module->text,
				  tag->bytes - sizeof(*module));
	case MB2_MAP:
		for (uint32_t o = sizeof(*map); o + sizeof(struct mb2_range) <= tag->bytes;
		     o += map->entry_bytes) {
			const struct mb2_range *r = (const void *)((const char *)tag + o);

			if (map->entry_bytes < sizeof(*r) || !add_range(out, r->start, r->bytes, r->type))
				return "the memory map has too many ranges";
		}
		return NULL;
	case MB2_RSDP1:
	case MB2_RSDP2:
		/* The newer one comes later or alone. The loader's own copy will be overwritten. */
		bytes = tag->bytes - sizeof(*tag);
		memcpy(out->rsdp_copy, tag + 1, bytes < BOOT_RSDP_BYTES ? bytes : BOOT_RSDP_BYTES);
		out->rsdp = plat_hpa(out->rsdp_copy);
		return NULL;
	default: return NULL;
	}
}

static const char *parse_mb2(struct boot_info *out, struct hpa at)
{
	const uint32_t *head = plat_hva(at);
	const char *why = NULL;

	for (uint64_t offset = 8; offset + 8 <= head[0] && !why;) {
		const struct mb2_tag *tag = plat_hva(hpa_add(at, offset));

		if (tag->type == MB2_END)
			break;
		if (tag->bytes < sizeof(*tag) || offset + tag->bytes > head[0])
			return "the boot information is damaged";
		why = parse_mb2_tag(out, tag);
		offset += (tag->bytes + 7) & ~7u;
	}
	if (!why && !out->range_count)
		why = "the boot loader gives no memory map";
	return why;
}

const char *boot_info_parse(struct boot_info *out, uint32_t magic, struct hpa info)
{
	memset(out, 0, sizeof(*out));
	out->rsdp = HPA_NONE;
	if (magic == MB1_LOADER_MAGIC)
		return parse_mb1(out, info);
	if (magic == MB2_LOADER_MAGIC)
		return parse_mb2(out, info);
	return "not started by a multiboot 1 or 2 boot loader";
}

const char *boot_option(const char *line, const char *name)
{
	size_t length = strlen(name);

	while (*line) {
		if (!strncmp(line, name, length) && strchr("= ", line[length]))
			return line + length + (line[length] == '=');
		while (*line && *line != ' ')
			line++;
		while (*line == ' ')
			line++;
	}
	return NULL;
}

bool boot_is(const char *value, const char *word)
{
	return !strncmp(value, word, strlen(word)) && strchr(" ", value[strlen(word)]);
}

bool boot_number(const char *text, uint64_t *out)
{
	unsigned int base = 10;
	uint64_t value = 0;
	const char *digits;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	for (digits = text; *text; text++) {
		unsigned int digit = *text >= '0' && *text <= '9' ? (unsigned int)(*text - '0') :
				     *text >= 'a' && *text <= 'f' ? (unsigned int)(*text - 'a') + 10 : 99;

		if (digit >= base)
			break;
		value = value * base + digit;
	}
	if (*text == 'K' || *text == 'M' || *text == 'G')
		value <<= *text == 'K' ? 10 : *text == 'M' ? 20 : 30, text++;
	*out = value;
	return text > digits && strchr(" ", *text);
}

bool boot_ranges_set(struct boot_info *info, uint64_t start, uint64_t end, uint32_t type)
{
	for (unsigned int i = 0; i < info->range_count; i++) {
		struct memory_range *r = &info->ranges[i];

		if (r->end <= start || r->start >= end)
			continue;
		if (info->range_count + 2 > BOOT_MEMORY_MAX)
			return false;
		if (r->start < start) {
			insert_at(info, i + 1, (struct memory_range){ start, r->end, r->type });
			r->end = start;
			continue;
		}
		if (r->end > end) {
			insert_at(info, i + 1, (struct memory_range){ end, r->end, r->type });
			r->end = end;
		}
		r->type = type;
	}
	return true;
}

static bool overlaps_module(const struct boot_info *info, uint64_t start, uint64_t bytes, uint64_t *below)
{
	for (unsigned int i = 0; i < info->module_count; i++) {
		const struct boot_module *m = &info->modules[i];

		if (start < m->start.v + m->bytes && m->start.v < start + bytes) {
			*below = m->start.v;
			return true;
		}
	}
	return false;
}

struct hpa boot_find_top(const struct boot_info *info, uint64_t bytes, uint64_t align, uint64_t floor,
			 uint64_t limit)
{
	for (unsigned int i = info->range_count; i--;) {
		const struct memory_range *r = &info->ranges[i];
		uint64_t top = r->end < limit ? r->end : limit, bottom = r->start > floor ? r->start : floor;

		while (r->type == MEMORY_RAM && top >= bytes && ((top - bytes) & ~(align - 1)) >= bottom) {
			uint64_t start = (top - bytes) & ~(align - 1);

			if (!overlaps_module(info, start, bytes, &top))
				return hpa(start);
		}
	}
	return HPA_NONE;
}
