/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Names of guests by the numbers of their partitions, as pvn list knows them, and kept: a
 * guest that is gone, or has rebooted into another partition, is still known by its old
 * number. A record has them in pages of their own between those of the hypervisor.
 */
#ifndef TOOLS_NAMES_H
#define TOOLS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* An array of {"partition": N, "name": NAME}; states of guests are such objects, too. */
json_t *names_new(void);

/* "root" for the root's, NULL: nobody is known by this number. Lives as long as the list. */
const char *names_find(const json_t *names, uint64_t partition);

/* Adds what is to be read under <rundir> now; tells how many were new. They are at the end. */
unsigned int names_learn(json_t *names);

/* A page of PVN_PAGE_SIZE bytes with the name in place `index`. */
void names_to_page(const json_t *names, unsigned int index, uint8_t *page);

/* Is that such a page? One whose content no guest can have adds nothing. */
bool names_from_page(json_t *names, const uint8_t *page);

#endif
