// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Is an initrd whole? See initrd.h. An initrd is a row of parts: cpio archives,
 * each plain or compressed, with zeros between
 * [Linux Documentation/driver-api/early-userspace/buffer-format.rst].
 *
 * Each walker gets the rest of the file and tells how long its part is, 0: the
 * part is truncated, WHOLE_REST: cannot tell, take it as good.
 */
#include "worker/initrd.h"

#include <stdbool.h>
#include <string.h>

#define WHOLE_REST SIZE_MAX
#define CPIO_HEADER 110

static bool hex(const uint8_t *from, size_t *value)
{
	unsigned int i;

	*value = 0;
	for (i = 0; i < 8; i++) {
		uint8_t c = from[i];

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*value = *value << 4 | ((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

static size_t align4(size_t value)
{
	return (value + 3) & ~(size_t)3;
}

/* newc entries until the trailer: header, name padded, data padded. */
static size_t walk_cpio(const uint8_t *data, size_t bytes)
{
	size_t at = 0;

	while (bytes - at >= CPIO_HEADER) {
		size_t name_bytes, data_bytes, next;

		if (memcmp(data + at, "07070", 5) || !hex(data + at + 54, &data_bytes) ||
		    !hex(data + at + 94, &name_bytes))
			return 0;
		next = align4(CPIO_HEADER + name_bytes);
		if (name_bytes > bytes || next > bytes - at)
			return 0;
		if (name_bytes == 11 && !memcmp(data + at + CPIO_HEADER, "TRAILER!!!", 11))
			return at + next;
		if (data_bytes > bytes - at - next)
			return 0;
		next += align4(data_bytes);
		if (next > bytes - at)
			return 0;
		at += next;
	}
	return 0;
}

/* Bytes of a zstd frame's header [RFC 8878 3.1.1.1 "Frame Header"]. */
static size_t zstd_header(const uint8_t *data)
{
	static const uint8_t dictionary[4] = { 0, 1, 2, 4 };
	static const uint8_t content[4] = { 0, 2, 4, 8 };
	uint8_t descriptor = data[4];
	bool single = descriptor & 0x20;
	size_t size = 5 + !single + dictionary[descriptor & 3] + content[descriptor >> 6];

	return size + (single && !(descriptor >> 6));
}

/* Blocks say their length; the checksum follows the last [RFC 8878 3.1.1.2 "Blocks"]. */
static size_t walk_zstd(const uint8_t *data, size_t bytes)
{
	size_t at;
	uint32_t block = 0;

	if (bytes < 18)
		return 0;
	at = zstd_header(data);
	while (!(block & 1)) {
		size_t length;

		if (bytes - at < 3)
			return 0;
		block = data[at] | data[at + 1] << 8 | (uint32_t)data[at + 2] << 16;
		length = (block >> 1 & 3) == 1 ? 1 : block >> 3;
		at += 3;
		if (length > bytes - at)
			return 0;
		at += length;
	}
	if (data[4] & 4)
		at += 4;
	return at <= bytes ? at : 0;
}

/* The footer ends with "YZ"; padding by zeros is allowed [xz file format 2.1.2.4]. */
static size_t walk_xz(const uint8_t *data, size_t bytes)
{
	size_t end = bytes;

	while (end && !data[end - 1])
		end--;
	return end >= 32 && !memcmp(data + end - 2, "YZ", 2) ? WHOLE_REST : 0;
}

static size_t walk(const uint8_t *data, size_t bytes)
{
	if (bytes >= 6 && !memcmp(data, "07070", 5))
		return walk_cpio(data, bytes);
	if (bytes >= 4 && !memcmp(data, "\x28\xb5\x2f\xfd", 4))
		return walk_zstd(data, bytes);
	if (bytes >= 6 && !memcmp(data, "\xfd" "7zXZ\0", 6))
		return walk_xz(data, bytes);
	return WHOLE_REST;
}

int initrd_check(const uint8_t *data, size_t bytes, const char *path, struct pvn_problem *problem)
{
	size_t at = 0;

	if (!bytes)
		return pvn_fail(problem, PVN_EXIT_FAILED, path, "copy the initrd again",
				"the initrd is empty");
	while (at < bytes) {
		size_t part;

		if (!data[at]) {
			at++;
			continue;
		}
		part = walk(data + at, bytes - at);
		if (!part)
			return pvn_fail(problem, PVN_EXIT_FAILED, path, "copy the initrd again",
					"the initrd is truncated: the part that starts at byte %zu "
					"does not end within its %zu bytes", at, bytes);
		if (part == WHOLE_REST)
			break;
		at += part;
	}
	return 0;
}
