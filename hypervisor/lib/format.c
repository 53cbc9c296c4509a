// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The formatter behind the log. It writes into a buffer of the caller, always
 * terminates, allocates nothing and takes no lock.
 */
#include <stdbool.h>
#include <stdint.h>
#include "lib/log.h"
#include "lib/string.h"

struct writer {
	char *out;
	size_t bytes, used;	/* used may pass bytes: what would have been written */
};

struct spec {
	bool left, zero;
	unsigned int width;
	unsigned int size;	/* bytes of the integer argument */
};

static void put(struct writer *w, char c)
{
	if (w->used + 1 < w->bytes)
		w->out[w->used] = c;
	w->used++;
}

static void put_padded(struct writer *w, const struct spec *spec, const char *text, size_t length)
{
	size_t pad = spec->width > length ? spec->width - length : 0;

	for (size_t i = 0; !spec->left && i < pad; i++)
		put(w, ' ');
	for (size_t i = 0; i < length; i++)
		put(w, text[i]);
	for (size_t i = 0; spec->left && i < pad; i++)
		put(w, ' ');
}

static void put_number(struct writer *w, const struct spec *spec, uint64_t value, unsigned int base,
		       bool upper, bool negative)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[80];
	size_t at = sizeof(text), zeros = spec->zero && !spec->left ? spec->width : 0;

	if (zeros > sizeof(text) - 1)
		zeros = sizeof(text) - 1;
	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value);
	while (sizeof(text) - at + negative < zeros)
		text[--at] = '0';
	if (negative)
		text[--at] = '-';
	put_padded(w, spec, text + at, sizeof(text) - at);
}

static const char *parse_spec(const char *f, struct spec *spec)
{
	*spec = (struct spec){ .size = sizeof(int) };
	for (; *f == '-' || *f == '0'; f++) {
		if (*f == '-')
			spec->left = true;
		else
			spec->zero = true;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		spec->width = spec->width * 10 + (unsigned int)(*f - '0');
	for (; *f == 'l' || *f == 'z' || *f == 'h'; f++)
		spec->size = *f == 'h' ? spec->size / 2 : 8;
	return f;
}

static uint64_t truncate_unsigned(uint64_t value, unsigned int size)
{
	return size >= 8 ? value : value & ((1ull << size * 8) - 1);
}

static int64_t truncate_signed(int64_t value, unsigned int size)
{
	unsigned int shift = 64 - size * 8;

	return (int64_t)((uint64_t)value << shift) >> shift;
}

/* Fetches one argument and writes it; a macro's worth of va_arg in one place. */
static void put_conversion(struct writer *w, char conversion, const struct spec *spec, va_list *args)
{
	const char *s;
	char c;

	switch (conversion) {
	case 'd':
	case 'i': {
		int64_t v = spec->size == 8 ? va_arg(*args, int64_t) : va_arg(*args, int);

		v = truncate_signed(v, spec->size);
		put_number(w, spec, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, false, v < 0);
		break;
	}
	case 'u':
	case 'x':
	case 'X': {
		uint64_t v = spec->size == 8 ? va_arg(*args, uint64_t) : va_arg(*args, unsigned int);

		put_number(w, spec, truncate_unsigned(v, spec->size), conversion == 'u' ? 10 : 16,
			   conversion == 'X', false);
		break;
	}
	case 'p':
		put(w, '0');
		put(w, 'x');
		put_number(w, spec, (uintptr_t)va_arg(*args, void *), 16, false, false);
		break;
	case 's':
		s = va_arg(*args, const char *);
		s = s ? s : "(null)";
		put_padded(w, spec, s, strlen(s));
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		put_padded(w, spec, &c, 1);
		break;
	case '%':
		put(w, '%');
		break;
	default:
		put(w, '%');
		put(w, conversion);
	}
}

int format_text_args(char *out, size_t bytes, const char *format, va_list args)
{
	struct writer w = { .out = out, .bytes = bytes };
	struct spec spec;
	va_list copy;

	va_copy(copy, args);
	for (const char *f = format; *f; f++) {
		if (*f != '%') {
			put(&w, *f);
			continue;
		}
		f = parse_spec(f + 1, &spec);
		if (!*f)
			break;
		put_conversion(&w, *f, &spec, &copy);
	}
	va_end(copy);
	if (bytes)
		out[w.used < bytes ? w.used : bytes - 1] = 0;
	return (int)w.used;
}

int format_text(char *out, size_t bytes, const char *format, ...)
{
	va_list args;
	int used;

	va_start(args, format);
	used = format_text_args(out, bytes, format, args);
	va_end(args);
	return used;
}
