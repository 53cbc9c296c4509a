/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Log and assertions. Levels as of the command line option log=error|warn|info|debug.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_level;

__attribute__((format(printf, 2, 3))) void log_print(enum log_level level, const char *format, ...);
/* Says why, shows registers, backtrace and every processor's state, and stops. */
__attribute__((format(printf, 1, 2))) _Noreturn void panic(const char *format, ...);

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) do { if (log_level >= LOG_DEBUG) log_print(LOG_DEBUG, __VA_ARGS__); } while (0)

/* We are wrong if this does not hold. */
#define ASSERT(condition)							\
	do {									\
		if (__builtin_expect(!(condition), 0))				\
			panic("assertion failed: %s (%s:%u)", #condition, __FILE_NAME__, __LINE__); \
	} while (0)

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

/* format.c: %[0][width]{u x s %}, u and x with l or ll; always terminates. */
__attribute__((format(printf, 3, 4))) int format_text(char *out, size_t bytes, const char *format, ...);
__attribute__((format(printf, 3, 0))) int format_text_args(char *out, size_t bytes, const char *format,
						      va_list args);
