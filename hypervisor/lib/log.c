/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Lines of the log: time since boot, processor, level, text. Takes LOCK_LOG, the
 * innermost lock, so it may be called with any other held.
 */
#include "core/platform.h"
#include "lib/log.h"

#define LINE_BYTES 256

enum log_level log_level = LOG_INFO;
static struct spinlock log_lock = SPINLOCK(LOCK_LOG);

static uint64_t microseconds(void)
{
	uint64_t hz = plat_tsc_hz();

	return hz ? plat_tsc() / (hz / 1000000 ? hz / 1000000 : 1) : 0;
}

void log_print(enum log_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warn ", "info ", "debug" };
	char line[LINE_BYTES];
	uint64_t us = microseconds();
	va_list args;
	int length;

	if (level > log_level)
		return;
	length = format_text(line, sizeof(line), "[%5lu.%06lu] cpu%u %s ", us / 1000000, us % 1000000,
			     plat_this_cpu()->index, names[level]);
	va_start(args, format);
	format_text_args(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	length = strlen(line);
	line[length++] = '\n';
	spin_lock(&log_lock);
	plat_log_write(line, length);
	spin_unlock(&log_lock);
}
