/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Files and folders of a test: below $TMPDIR, or /tmp without it, under names of
 * their own, and removed by the test that made them.
 */
#ifndef TEMPORARY_H
#define TEMPORARY_H

#include <stdbool.h>

/* Short enough for the path of a socket within (sun_path holds 108). */
enum { TEMPORARY_PATH_MAX = 80 };

/* An empty file, open for reading and writing; -1: says why on stderr. */
int temporary_file(char path[TEMPORARY_PATH_MAX]);

/* An empty folder; false: says why on stderr. */
bool temporary_folder(char path[TEMPORARY_PATH_MAX]);

/* Removes either, a folder with all that is in it. */
bool temporary_remove(const char *path);

#endif
