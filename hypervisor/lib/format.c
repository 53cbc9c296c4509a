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

static void put(struct writer *w, char c)
{
	if (w->used + 1 < w->bytes)
		w->out[w->used] = c;
	w->used++;
}

static void put_padded(struct writer *w, const char *text, size_t length, size_t width, char pad)
{
	for (; width > length; width--)
		put(w, pad);
	while (length--)
		put(w, *text++);
}

static void put_number(struct writer *w, uint64_t value, unsigned int base, size_t width, char pad)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	put_padded(w, text + at, sizeof(text) - at, width, pad);
}

/* What stands behind a '%'; returns its last character. */
static const char *put_conversion(struct writer *w, const char *f, va_list *args)
{
	char pad = *f == '0' ? '0' : ' ';
	bool wide = false;
	size_t width = 0;
	const char *s;

	for (; *f >= '0' && *f <= '9'; f++)
		width = width * 10 + (size_t)(*f - '0');
	for (; *f == 'l'; f++)
		wide = true;
	switch (*f) {
	case 'u':
	case 'x':
		put_number(w, wide ? va_arg(*args, uint64_t) : va_arg(*args, unsigned int),
			   *f == 'u' ? 10 : 16, width, pad);
		break;
	case 's':
		s = va_arg(*args, const char *);
		s = s ? s : "(null)";
		put_padded(w, s, strlen(s), width, ' ');
		break;
	default:	/* and %% */
		put(w, '%');
		if (*f && *f != '%')
			put(w, *f);
	}
	return f;
}

int format_text_args(char *out, size_t bytes, const char *format, va_list args)
{
	struct writer w = { .out = out, .bytes = bytes };
	va_list copy;

	va_copy(copy, args);
	for (const char *f = format; *f; f++) {
		if (*f != '%')
			put(&w, *f);
		else if (!*(f = put_conversion(&w, f + 1, &copy)))
			break;
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
