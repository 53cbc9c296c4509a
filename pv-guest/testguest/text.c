// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Text: formatting, and printing through the debug port, four characters an exit.
 */
#include "testguest.h"

void *memset(void *to, int byte, size_t bytes)
{
	uint8_t *at = to;

	while (bytes--)
		*at++ = byte;
	return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
	const uint8_t *source = from;
	uint8_t *at = to;

	while (bytes--)
		*at++ = *source++;
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a, *y = b;

	for (; bytes--; x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

struct output {
	char *to;
	size_t used, room;
};

static void put(struct output *output, char c)
{
	if (output->used + 1 < output->room)
		output->to[output->used++] = c;
}

static void put_number(struct output *output, uint64_t value, unsigned int base,
		       unsigned int width)
{
	char digits[24];
	unsigned int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value || count < width);
	while (count)
		put(output, digits[--count]);
}

static void put_signed(struct output *output, int64_t value)
{
	if (value < 0)
		put(output, '-');
	put_number(output, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 0);
}

/* One conversion; *format is behind the '%'. */
static void convert(struct output *output, const char **format, va_list *arguments)
{
	unsigned int width = 0;
	bool is_long = false;
	const char *text;

	for (; **format >= '0' && **format <= '9'; ++*format)
		width = width * 10 + (unsigned int)(**format - '0');
	if (**format == 'l') {
		is_long = true;
		++*format;
	}
	switch (*(*format)++) {
	case 's':
		for (text = va_arg(*arguments, const char *); *text; text++)
			put(output, *text);
		break;
	case 'c':
		put(output, (char)va_arg(*arguments, int));
		break;
	case 'd':
		put_signed(output, is_long ? va_arg(*arguments, int64_t) : va_arg(*arguments, int));
		break;
	case 'u':
		put_number(output, is_long ? va_arg(*arguments, uint64_t) :
				   va_arg(*arguments, unsigned int), 10, width);
		break;
	case 'x':
		put_number(output, is_long ? va_arg(*arguments, uint64_t) :
				   va_arg(*arguments, unsigned int), 16, width);
		break;
	default:
		put(output, '%');
	}
}

size_t format_text(char *to, size_t room, const char *format, va_list arguments)
{
	struct output output = { to, 0, room };
	va_list copy;

	va_copy(copy, arguments);
	while (*format) {
		if (*format != '%') {
			put(&output, *format++);
			continue;
		}
		format++;
		convert(&output, &format, &copy);
	}
	va_end(copy);
	to[output.used] = 0;
	return output.used;
}

void print(const char *format, ...)
{
	const bool parent = is_parent();
	char text[512];
	va_list arguments;
	size_t bytes;

	memset(text, 0, sizeof(text));
	va_start(arguments, format);
	bytes = format_text(text, sizeof(text) - 4, format, arguments);
	va_end(arguments);
	/* An emulator's port takes one byte; our own takes four, which is a quarter of the exits. */
	for (size_t i = 0; i < bytes && parent; i++)
		outb(PORT_DEBUG, (uint8_t)text[i]);
	for (size_t i = 0; i < bytes && !parent; i += 4) {
		uint32_t four;

		memcpy(&four, text + i, sizeof(four));
		outl(PORT_DEBUG, four);
	}
}

uint64_t random_next(struct random *random)
{
	/* xorshift64* */
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * 0x2545f4914f6cdd1dull;
}
