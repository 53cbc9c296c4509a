// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See temporary.h.
 */
#include "temporary.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_name(char path[TEMPORARY_PATH_MAX])
{
	enum { RANDOM = 6 };	/* characters for mkstemp() to choose */
	const char *folder = getenv("TMPDIR");
	int length;

	folder = folder && *folder ? folder : "/tmp";
	length = snprintf(path, TEMPORARY_PATH_MAX, "%s/pvn-test-%*s", folder, RANDOM, "");
	if (length < TEMPORARY_PATH_MAX) {
		memset(path + length - RANDOM, 'X', RANDOM);
		return true;
	}
	fprintf(stderr, "TMPDIR=%s is too long for the sockets of tests\n", folder);
	return false;
}

static bool report(bool fine, const char *path)
{
	if (!fine)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return fine;
}

int temporary_file(char path[TEMPORARY_PATH_MAX])
{
	int fd = make_name(path) ? mkstemp(path) : -1;

	report(fd >= 0, path);
	return fd;
}

bool temporary_folder(char path[TEMPORARY_PATH_MAX])
{
	return make_name(path) && report(mkdtemp(path), path);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

bool temporary_remove(const char *path)
{
	enum { FOLDERS_OPEN = 8 };

	return report(!nftw(path, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS), path);
}
