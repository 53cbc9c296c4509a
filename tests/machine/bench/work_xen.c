// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Counts a guest's exits out of Xen's trace, for the side "xen" of ./run bench --peers.
 * Xen has no counters of them in Debian's build, but it writes a record at every #VMEXIT of a
 * guest with nested paging, and xentrace hands these on; domain 0 is a PV guest, which has
 * none [Xen public/trace.h, "struct t_rec"].
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "work.h"

enum {
	BUFFER_WORDS = 1 << 16,
	EVENT_MASK = 0x0fffffff,
	EXTRA_SHIFT = 28,
	EXTRA_MASK = 7,
	CLASS_ENTRY_EXIT = 0x81000,	/* TRC_HVM_ENTRYEXIT */
	CLASS_MASK = 0xffff000,
	EVENT_ENTRY = 1,		/* in that class; the other ones are exits */
	EVENT_LOST = 0x1f001,		/* TRC_LOST_RECORDS: how many comes first */
	CODES = 0x500,			/* of exits [APM2 C "SVM Intercept Exit Codes"] */
};

#define HAS_CYCLES 0x80000000u

static unsigned long long exits, lost, by_code[CODES];

static void take(uint32_t event, const uint32_t *extra, unsigned int count)
{
	if (event == EVENT_LOST && count)
		lost += extra[0];
	if ((event & CLASS_MASK) != CLASS_ENTRY_EXIT || (event & 0xff) == EVENT_ENTRY)
		return;
	exits++;
	if (count && extra[0] < CODES)
		by_code[extra[0]]++;
}

/* Takes all whole records; how many words they had. */
static size_t take_records(const uint32_t *words, size_t count)
{
	size_t at = 0;

	while (at < count) {
		unsigned int skip = words[at] & HAS_CYCLES ? 3 : 1;
		unsigned int extra = words[at] >> EXTRA_SHIFT & EXTRA_MASK;

		if (count - at < skip + extra)
			break;
		take(words[at] & EVENT_MASK, words + at + skip, extra);
		at += skip + extra;
	}
	return at;
}

/* Whoever reads it meanwhile finds the old file or the new one. */
static void save(const char *path)
{
	char scratch[256];
	unsigned int i;
	FILE *file;

	snprintf(scratch, sizeof(scratch), "%s.new", path);
	file = fopen(scratch, "w");
	if (!file)
		fail(scratch);
	fprintf(file, "exits %llu\nlost %llu\n", exits, lost);
	for (i = 0; i < CODES; i++)
		if (by_code[i])
			fprintf(file, "0x%x %llu\n", i, by_code[i]);
	if (fclose(file) || rename(scratch, path))
		fail(path);
}

void work_xen_exits(const char *path)
{
	static uint32_t buffer[BUFFER_WORDS];
	size_t bytes = 0, used;
	ssize_t got;

	save(path);
	while ((got = read(STDIN_FILENO, (char *)buffer + bytes, sizeof(buffer) - bytes)) > 0) {
		bytes += got;
		used = take_records(buffer, bytes / 4) * 4;
		bytes -= used;
		memmove(buffer, (char *)buffer + used, bytes);
		save(path);
	}
}
